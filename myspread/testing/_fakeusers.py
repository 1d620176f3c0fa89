"""
Who may log in to a server that plays a script.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from myspread._login.scram import FEWEST_ITERATIONS, ScramVerifier
from myspread.interfaces import IPerspective, IScramCredentials, IScramVerifiers
from myspread.testing._fakeobjects import FakeAvatar

__all__ = ["FakeRealm", "FakeUsers"]


@implementer(IRealm)
class FakeRealm:
    """Knows the avatars of a L{FakeServer}."""

    def __init__(self) -> None:
        self.avatars: dict[Any, FakeAvatar] = {}

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar."""
        avatar = self.avatars[avatarId]
        avatar.minds.append(mind)
        return IPerspective, avatar, lambda: avatar.minds.remove(mind)


@implementer(ICredentialsChecker, IScramVerifiers)
class FakeUsers:
    """
    Knows the passwords of the users of a L{FakeServer}, whatever they log in
    with.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword, IScramCredentials)
    # As few as there may be: a test has no secrets, and shall be quick.
    iterations = FEWEST_ITERATIONS
    secret = b"that of a fake"

    def __init__(self) -> None:
        self._users: Any = InMemoryUsernamePasswordDatabaseDontUse()
        self._verifiers: dict[bytes, ScramVerifier] = {}

    def addUser(self, name: bytes, password: bytes) -> None:
        """One more user."""
        self._users.addUser(name, password)
        self._verifiers[name] = ScramVerifier.fromPassword(password.decode(), self.iterations)

    def verifierFor(self, username: bytes) -> ScramVerifier | None:
        """What SCRAM-SHA-256 needs of a user."""
        return self._verifiers.get(username)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """Check credentials."""
        if not IScramCredentials.providedBy(credentials):
            checked: Deferred[Any] = self._users.requestAvatarId(credentials)
            return checked
        verifier = self.verifierFor(credentials.username)
        if verifier is None or not credentials.check(verifier):
            return fail(UnauthorizedLogin())
        return succeed(credentials.username)

"""
Several checkers for the same kind of credentials.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import (
    AllowAnonymousAccess,
    FilePasswordDB,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import Anonymous, IUsernameHashedPassword, IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin, UnhandledCredentials
from twisted.internet.defer import fail, maybeDeferred, succeed
from zope.interface import implementer

from myspread import pb
from myspread._login.accountlines import joined
from myspread._login.passwords import Secret
from myspread.accounts import PasswordFile, portalOf
from myspread.interfaces import IScramCredentials, IScramVerifiers, IUsernameMD5Password
from myspread.testing import brokerPair
from tests.login.accounts import FEW, AccountsCase, userLine
from tests.login.realms import RecordingRealm
from tests.login.test_passwordfile import Proof


def memory(**users: bytes) -> Any:
    """A checker of Twisted's."""
    return InMemoryUsernamePasswordDatabaseDontUse(**users)


@implementer(ICredentialsChecker)
class OnlyMD5:
    """Knows a digest of Ann's password."""

    credentialInterfaces = (IUsernameMD5Password,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """Look at the response."""
        digest = bytes.fromhex("5ebe2294ecd0e0f08eab7690d2a6ee69")
        if credentials.username == b"ann" and credentials.checkMD5Password(digest):
            return succeed(b"Ann")
        return fail(UnauthorizedLogin())


class Broken:
    """Raises what isn't about the login."""

    credentialInterfaces = (IUsernamePassword,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """Nothing comes of it."""
        raise ZeroDivisionError


class PortalTests(AccountsCase):
    """
    Portals that ask all of some checkers.
    """

    def login(self, checkers: list[Any], credentials: Any) -> Any:
        """Try to log in: a Deferred of the avatar id."""
        realm = RecordingRealm()
        login = portalOf(realm, checkers).login(credentials, None, pb.IPerspective)
        return login.addCallback(lambda _: realm.requests[-1][0])

    def test_single(self) -> None:
        """A checker that is alone stands in the portal itself."""
        checker = memory(ann=b"secret")
        portal = portalOf(RecordingRealm(), [checker, AllowAnonymousAccess()])
        self.assertIs(portal.checkers[IUsernamePassword], checker)
        self.assertIs(portal.checkers[IUsernameHashedPassword], checker)
        self.assertEqual(len(portal.checkers), 3)

    def test_eachInTurn(self) -> None:
        """Whoever any of them knows gets in."""
        checkers = [memory(ann=b"secret"), memory(ann=b"other", bob=b"b"), memory(cy=b"c")]
        for name, password in ((b"ann", b"secret"), (b"ann", b"other"), (b"bob", b"b"), (b"cy", b"c")):
            login = self.login(checkers, UsernamePassword(name, password))
            self.assertEqual(self.successResultOf(login), name)
        self.assertRefused(self.login(checkers, UsernamePassword(b"ann", b"c")))
        self.failureResultOf(self.login(checkers, Anonymous()), UnhandledCredentials)

    def test_broken(self) -> None:
        """A checker that is broken isn't passed over."""
        for checkers in ([Broken(), memory(ann=b"secret")], [memory(), Broken()]):
            login = self.login(checkers, UsernamePassword(b"ann", b"secret"))
            self.failureResultOf(login, ZeroDivisionError)

    def test_challenges(self) -> None:
        """Logins with MD5 ask all that can check them, whichever way."""
        path = self.write("bob:geheim")
        for checkers in ([OnlyMD5(), FilePasswordDB(path)], [FilePasswordDB(path), OnlyMD5()]):
            for name, password in ((b"ann", b"secret"), (b"bob", b"geheim")):
                realm = RecordingRealm()
                pair = brokerPair(portalOf(realm, checkers))
                login = pair.clientFactory.login(UsernamePassword(name, password))
                pair.flush()
                self.successResultOf(login)
                self.assertEqual(realm.requests[0][0].lower(), name)

    def test_scram(self) -> None:
        """The first file that has a verifier of a user decides."""
        secret = Secret.new()
        first = PasswordFile(
            self.write(joined(secret.fields()), userLine("ann", "one")), runInThread=maybeDeferred
        )
        self.path = f"{self.path}.second"
        second = PasswordFile(
            self.write(userLine("ann", "two"), userLine("bob", "b")), runInThread=maybeDeferred
        )
        checkers = [first, second]
        together: Any = portalOf(RecordingRealm(), checkers).checkers[IScramCredentials]
        self.assertTrue(IScramVerifiers.providedBy(together))
        self.assertEqual((together.secret, together.iterations), (secret.value, FEW))
        for name, expected in (
            (b"ann", first.verifierFor(b"ann")),
            (b"bob", second.verifierFor(b"bob")),
            (b"cy", None),
        ):
            self.assertEqual(self.successResultOf(together.verifierFor(name)), expected)
        self.assertEqual(self.successResultOf(self.login(checkers, Proof(b"bob", "b"))), b"bob")
        self.assertRefused(self.login(checkers, Proof(b"cy", "b")))

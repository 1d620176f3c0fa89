"""
Several checkers for the same kind of credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernameHashedPassword
from twisted.cred.error import LoginFailed
from twisted.cred.portal import Portal
from twisted.internet.defer import inlineCallbacks, maybeDeferred
from zope.interface import implementer

from myspread.interfaces import IScramCredentials, IScramVerifiers, IUsernameMD5Password

__all__ = ["Checkers", "ScramCheckers", "portalOf"]

CHALLENGES = (IUsernameHashedPassword, IUsernameMD5Password)
"""Login with MD5 gives credentials that are both."""


@implementer(ICredentialsChecker)
class Checkers:
    """
    Asks one checker after the other, until one knows who it is. A checker that
    is broken ends this.

    @ivar checkers: in order.
    """

    def __init__(self, checkers: Sequence[Any], credentialInterfaces: Iterable[Any]) -> None:
        """
        @param checkers: in order; one at least.
        @param credentialInterfaces: what all of them take.
        """
        self.checkers = tuple(checkers)
        self.credentialInterfaces = tuple(credentialInterfaces)

    @inlineCallbacks
    def requestAvatarId(self, credentials: Any) -> Any:
        """
        Check credentials.

        @return: a Deferred of the avatar id. It fails as the last checker does.
        """
        *others, last = self.checkers
        for checker in others:
            try:
                return (yield maybeDeferred(checker.requestAvatarId, credentials))
            except LoginFailed:
                # The next one may know more.
                continue
        return (yield maybeDeferred(last.requestAvatarId, credentials))


@implementer(IScramVerifiers)
class ScramCheckers(Checkers):
    """
    Several that take logins with SCRAM. The first that knows a user decides.

    @ivar iterations: as most users of the first have them.
    @ivar secret: that of the first.
    """

    @property
    def iterations(self) -> int:
        """Of SCRAM, as most users have them."""
        return int(self.checkers[0].iterations)

    @property
    def secret(self) -> bytes:
        """What the salts of unknown users are made of."""
        return bytes(self.checkers[0].secret)

    @inlineCallbacks
    def verifierFor(self, username: bytes) -> Any:
        """
        What SCRAM-SHA-256 needs of a user.

        @return: a Deferred of it, or of None.
        """
        for checker in self.checkers:
            verifier = yield maybeDeferred(checker.verifierFor, username)
            if verifier is not None:
                return verifier
        return None


def _combined(checkers: Sequence[Any], credentialInterface: Any) -> Any:
    if len(checkers) == 1:
        return checkers[0]
    kind = ScramCheckers if credentialInterface is IScramCredentials else Checkers
    return kind(checkers, [credentialInterface])


def _takes(checker: Any, credentialInterface: Any) -> bool:
    wanted = CHALLENGES if credentialInterface in CHALLENGES else (credentialInterface,)
    return any(each in wanted for each in checker.credentialInterfaces)


def portalOf(realm: Any, checkers: Sequence[Any]) -> Portal:
    """
    A portal that asks all of some checkers. L{Portal} alone knows one for each
    kind of credentials: the last.

    @param realm: where the avatars come from.
    @param checkers: in the order in which they are asked.
    """
    portal = Portal(realm)
    for checker in checkers:
        for each in checker.credentialInterfaces:
            if each not in portal.checkers:
                suitable = [other for other in checkers if _takes(other, each)]
                portal.registerChecker(_combined(suitable, each), each)
    return portal

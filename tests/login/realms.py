"""
Realms, checkers and avatars for the tests of login.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import IRealm, Portal
from zope.interface import implementer

from myspread import pb
from myspread.testing import BrokerPair, brokerPair

__all__ = ["ANN", "WRONG", "RecordingRealm", "User", "pairFor", "portalFor"]

ANN = UsernamePassword(b"ann", b"secret")
WRONG = UsernamePassword(b"ann", b"wrong")


class User(pb.Avatar):
    """Somebody."""

    def perspective_whoAmI(self) -> Any:
        """The avatar id."""
        return self.avatarId

    def perspective_mind(self) -> Any:
        """What the client gave along."""
        return self.mind

    mind: Any = None


@implementer(IRealm)
class RecordingRealm:
    """
    Gives what C{make} returns, and records who logs out.

    @ivar requests: avatar id, mind and interfaces of each request.
    @ivar logouts: the avatar ids of those who have left, in order.
    """

    def __init__(
        self,
        make: Callable[[Any], Any] = User,
        answer: Callable[[Any], Any] = lambda result: result,
    ) -> None:
        """
        @param make: makes the avatar, given its id.
        @param answer: what to return, given the usual tuple.
        """
        self.make = make
        self.answer = answer
        self.requests: list[Any] = []
        self.logouts: list[Any] = []

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar for a user."""
        self.requests.append((avatarId, mind, interfaces))
        avatar = self.make(avatarId)
        if isinstance(avatar, User):
            avatar.mind = mind
        return self.answer((pb.IPerspective, avatar, lambda: self.logouts.append(avatarId)))


def portalFor(realm: Any, *checkers: Any) -> Portal:
    """A portal for Ann, whose password is C{secret}, and for everybody."""
    users = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret", bob=b"other")
    return Portal(realm, checkers or [users, AllowAnonymousAccess()])


def pairFor(realm: Any, *checkers: Any) -> BrokerPair:
    """Two brokers, one of which serves a realm."""
    return brokerPair(portalFor(realm, *checkers))

"""
How somebody comes in who has shown who they are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from twisted.cred.checkers import ANONYMOUS
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from zope.interface import implementer

from myspread.interfaces import IPerspective

__all__ = ["Entry", "enter", "nameOf"]


class Entry(NamedTuple):
    """
    A login that a portal has let in.

    @ivar answer: what the realm has answered.
    @ivar avatarId: who it is, for people; None where the portal doesn't say.
    @ivar mechanism: how they have shown it.
    """

    answer: Any
    avatarId: str | None
    mechanism: str


@implementer(IRealm)
class _NotingRealm:
    """
    A realm, and whose avatar it was asked for.
    """

    def __init__(self, realm: Any) -> None:
        self.avatarId: Any = None
        self._realm = realm

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """As the realm itself."""
        self.avatarId = avatarId
        return self._realm.requestAvatar(avatarId, mind, *interfaces)


def nameOf(avatarId: Any) -> str:
    """An avatar id, for people."""
    # The id of somebody anonymous is an empty tuple, in checkers that keep to the default.
    if avatarId is ANONYMOUS:
        return "anonymous"
    return avatarId.decode("utf-8", "backslashreplace") if isinstance(avatarId, bytes) else str(avatarId)


def enter(portal: Any, credentials: Any, mind: Any, mechanism: str) -> Deferred[Entry]:
    """
    Log in.

    @param portal: a L{Portal}, or what has its C{login}. Of one that does it in
        its own way, the user name in the credentials is taken for the avatar id.
    @param mind: what the client gave along.
    """
    realm: _NotingRealm | None = None
    if isinstance(portal, Portal) and type(portal).login is Portal.login:
        realm = _NotingRealm(portal.realm)
        noting = Portal(realm)
        noting.checkers = portal.checkers
        portal = noting
    answer: Deferred[Any] = portal.login(credentials, mind, IPerspective)

    def entered(result: Any) -> Entry:
        avatarId = getattr(credentials, "username", None) if realm is None else realm.avatarId
        return Entry(result, None if avatarId is None else nameOf(avatarId), mechanism)

    return answer.addCallback(entered)

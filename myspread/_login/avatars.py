"""
What a login ends with: an avatar that is lent to the client, until its logout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._errors import Error
from myspread._flavors.dispatch import awaited
from myspread._flavors.referencing import AsReferenceable
from myspread._jelly.telling import tellFailure
from myspread._login.entering import Entry
from myspread._net.broker import Broker
from myspread.interfaces import IJellyable
from myspread.limits import defaultLimits

__all__ = ["JellyableAvatarMixin"]

_log = Logger()


class _GivenBack:
    """
    Ends all the logins of one connection that got the same avatar, as many as
    they may be, once the client forgets its last reference to it.

    @ivar endings: what to call.
    """

    def __init__(self, avatar: Any, earlier: Callable[[], Any] | None) -> None:
        """
        @param earlier: what else is to be called, afterwards.
        """
        # Nothing else may get its identity meanwhile.
        self._avatar = avatar
        self._earlier = earlier
        self.endings: list[_Logout] = []

    def __call__(self) -> None:
        for ending in self.endings:
            ending()
        if self._earlier is not None:
            self._earlier()


class _Logout:
    """
    Calls what the realm wants called at logout, once: when the client forgets
    its last reference to the avatar or when the connection is lost, whichever
    is first.
    """

    def __init__(self, broker: Broker, callback: Callable[[], Any]) -> None:
        self._broker = broker
        self._callback: Callable[[], Any] | None = callback

    def __call__(self) -> None:
        callback, self._callback = self._callback, None
        if callback is not None:
            self._broker.dontNotifyOnDisconnect(self)
            maybeDeferred(callback).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        tellFailure(self._broker, _log, "A logout failed.", failure)

    def attachTo(self, avatar: Any) -> None:
        """Watch the references to an avatar, and the connection."""
        self._broker.notifyOnDisconnect(self)
        if self._callback is None or not hasattr(avatar, "processUniqueID"):
            # It is lost already; or the avatar doesn't travel as a reference that could be given back.
            return
        identity = avatar.processUniqueID()
        cleanups = self._broker._localCleanup
        givenBack = cleanups.get(identity)
        if not isinstance(givenBack, _GivenBack):
            cleanups[identity] = givenBack = _GivenBack(avatar, givenBack)
        givenBack.endings.append(self)


def _checkRoom(broker: Broker) -> None:
    """
    Avatars that travel as references are counted when they are lent; but they
    can be the same one, or be given to a peer that wants no answer.

    @raise Error: when as many logins last as references may be lent.
    """
    limits = getattr(broker, "limits", None) or defaultLimits()
    lasting = sum(type(each) is _Logout for each in broker.disconnects or ())
    if lasting > limits.references:
        raise Error(f"{lasting} logins last on this connection already (Limits.references)")


def _attach(broker: Broker, avatar: Any, logout: Callable[[], Any], entry: Entry | None) -> Any:
    ending = _Logout(broker, logout)
    given = avatar
    try:
        _checkRoom(broker)
        if not IJellyable.providedBy(avatar):
            avatar = AsReferenceable(avatar, "perspective")
        ending.attachTo(avatar)
    except Exception:
        # The realm has let somebody in whom nobody can be.
        ending()
        raise
    if isinstance(broker, Broker):
        if entry is not None:
            broker.avatarId, broker.mechanism = entry.avatarId, entry.mechanism
        broker.endLogin()
        # The factory may be one of twisted.spread, or of the application's own.
        loggedIn = getattr(broker.factory, "brokerLoggedIn", None)
        if loggedIn is not None:
            loggedIn(broker, given)
    return avatar


class JellyableAvatarMixin:
    """
    What a login ends with. Programs that write a login of their own inherit it
    too, under the name C{pb._JellyableAvatarMixin}.

    @ivar broker: the connection.
    """

    broker: Any

    def _cbLogin(self, result: Any) -> Deferred[Any]:
        """
        The avatar in the form in which it is sent, given what the portal
        answered.
        """
        return self._cameIn(result, None)

    def _entered(self, entry: Entry) -> Deferred[Any]:
        """As L{_cbLogin}; and the broker is told who it is."""
        return self._cameIn(entry.answer, entry)

    def _cameIn(self, result: Any, entry: Entry | None) -> Deferred[Any]:
        answer = awaited(result)
        if isinstance(answer, Deferred):
            return answer.addCallback(self._cameIn, entry)
        _, avatar, logout = answer
        avatar = awaited(avatar)
        waiting = avatar if isinstance(avatar, Deferred) else succeed(avatar)
        return waiting.addCallback(lambda ready: _attach(self.broker, ready, logout, entry))

"""
References to objects of the peer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import total_ordering
from typing import Any, Literal, overload

from twisted.internet.defer import Deferred
from twisted.persisted.styles import Ephemeral
from zope.interface import implementer

from myspread._errors import ForeignReference, MalformedJelly
from myspread._flavors.calling import RemoteCaller, RemoteMethods, checkedTimeout
from myspread._flavors.dispatch import LARGEST_ID, LONGEST_NAME
from myspread._flavors.referencing import Serializable
from myspread._jelly.bases import JellierLike, UnjellierLike
from myspread._jelly.paths import brief
from myspread._jelly.registry import registerForm
from myspread.interfaces import IUnjellyable

__all__ = ["RemoteMethod", "RemoteReference", "brokerOf", "describePeer", "luidIn"]


def describePeer(broker: Any) -> str:
    """The address of a broker's peer, for error texts."""
    transport = getattr(broker, "transport", None)
    return "a closed connection" if transport is None else str(transport.getPeer())


def luidIn(form: list[Any]) -> int | bytes:
    """
    The id in a form C{[tag, luid, ...]}.

    @raise MalformedJelly: when there is none, or one that nobody gives out.
    """
    luid: Any = form[1] if len(form) > 1 else None
    if isinstance(luid, int):
        fits = 0 <= luid <= LARGEST_ID
    else:
        fits = isinstance(luid, bytes) and len(luid) <= LONGEST_NAME
    if not fits:
        raise MalformedJelly(
            f"{brief(form[0])}: an id is an integer from 0 to 2**53, or a name of up to {LONGEST_NAME} bytes,"
            f" not {brief(luid)}"
        )
    return luid  # type: ignore[no-any-return]


def brokerOf(unjellier: UnjellierLike) -> Any:
    """
    The broker that an id belongs to.

    @raise MalformedJelly: when there is none.
    """
    if unjellier.invoker is None:
        raise MalformedJelly("a reference has no meaning without a connection")
    return unjellier.invoker


class RemoteMethod:
    """
    One method of a remote object; calling it calls the method there.
    """

    def __init__(self, obj: Any, name: str) -> None:
        """
        @param obj: a L{RemoteReference}.
        @param name: the method's name, without prefix.
        """
        self.obj = obj
        self.name = name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteMethod):
            return NotImplemented
        return bool(self.obj == other.obj) and self.name == other.name

    def __hash__(self) -> int:
        return hash((self.obj, self.name))

    def __call__(self, *args: Any, **kw: Any) -> Deferred[Any] | None:
        """As L{RemoteReference.callRemote}."""
        result: Deferred[Any] | None = self.obj.callRemote(self.name, *args, **kw)
        return result


@total_ordering
@implementer(IUnjellyable)
class RemoteReference(Serializable, Ephemeral):
    """
    A reference to an object of the peer: a C{Referenceable}, a C{ViewPoint} or
    an avatar. When it is forgotten here, the peer is told.

    @ivar broker: the connection that it came through.
    @ivar luid: the object's id on that connection.
    @ivar perspective: whose calls these are, or None.
    """

    doRefCount: Any = 0

    def __init__(self, perspective: Any, broker: Any, luid: int | bytes, doRefCount: Any) -> None:
        """
        @param doRefCount: whether the peer counts how often it lent the
            object, as it does for all but named ones.
        """
        self.luid = luid
        self.broker = broker
        self.doRefCount = doRefCount
        self.perspective = perspective
        self.disconnectCallbacks: list[Callable[[Any], Any]] = []

    def notifyOnDisconnect(self, callback: Callable[[Any], Any]) -> None:
        """
        Call C{callback(reference)} once the connection is lost.
        """
        assert callable(callback)
        self.disconnectCallbacks.append(callback)
        if len(self.disconnectCallbacks) == 1:
            self.broker.notifyOnDisconnect(self._disconnected)

    def dontNotifyOnDisconnect(self, callback: Callable[[Any], Any]) -> None:
        """
        Take back one L{notifyOnDisconnect}.

        @raise ValueError: when there is none of this callback.
        """
        self.disconnectCallbacks.remove(callback)
        if not self.disconnectCallbacks:
            self.broker.dontNotifyOnDisconnect(self._disconnected)

    def _disconnected(self) -> None:
        callbacks, self.disconnectCallbacks = self.disconnectCallbacks, []
        for callback in callbacks:
            callback(self)

    def jellyFor(self, jellier: JellierLike) -> Any:
        """
        C{[local, luid]}: the peer gets its own object back.

        @raise ForeignReference: for any other peer.
        """
        if jellier.invoker is None:
            return [b"unpersistable", b"References cannot be serialized"]
        if self.broker is not jellier.invoker:
            raise ForeignReference(
                f"a reference to an object of {describePeer(self.broker)} cannot be sent to"
                f" {describePeer(jellier.invoker)}; lend it a Referenceable of your own that passes calls on"
            )
        return [b"local", self.luid]

    def unjellyFor(self, unjellier: UnjellierLike, unjellyList: list[Any]) -> RemoteReference:
        """Become the reference of C{[remote, luid]}."""
        broker = brokerOf(unjellier)
        self.__init__(broker.unserializingPerspective, broker, luidIn(unjellyList), 1)  # type: ignore[misc]
        return self

    @overload
    def callRemote(self, _name: str | bytes, *args: Any, pbanswer: Literal[False], **kw: Any) -> None: ...

    @overload
    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any]: ...

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any] | None:
        """
        Call a method of the remote object.

        @param _name: the method's name, without C{remote_} or other prefix.
        @param args: positional arguments: whatever Jelly carries, and flavors.
        @param kw: keyword arguments; C{pbanswer=False} asks for no answer.
        @return: a Deferred of the result, or None for C{pbanswer=False}. It
            fails with the remote error, with L{PBConnectionLost}, with
            L{InsecureJelly} when an argument cannot travel, or with
            L{LimitExceeded} when one is too large. Cancelling it gives up the
            call: the answer, if it still comes, is dropped.
        @raise DeadReferenceError: when the connection is lost already.
        """
        name = _name if isinstance(_name, bytes) else _name.encode("utf-8")
        result: Deferred[Any] | None = self.broker._sendMessage(
            b"", self.perspective, self.luid, name, args, kw
        )
        return result

    def _callShared(self, name: bytes, shared: Any) -> Deferred[Any] | None:
        """As L{callRemote}, with arguments that go to others, too."""
        result: Deferred[Any] | None = self.broker._sendShared(b"", self.perspective, self.luid, name, shared)
        return result

    def remoteMethod(self, key: str) -> RemoteMethod:
        """The method C{key} of the remote object, as a callable."""
        return RemoteMethod(self, key)

    @property
    def remote(self) -> RemoteMethods:
        """
        The methods of the remote object: C{reference.remote.add(1, 2)} is
        C{reference.callRemote("add", 1, 2)}.
        """
        return RemoteMethods(self)

    def withTimeout(self, seconds: float | None) -> RemoteCaller:
        """
        This object, called with a deadline::

            await reference.withTimeout(5).callRemote("add", 1, 2)

        @param seconds: how long each call may wait for its answer before it
            fails with L{CallTimeout}; None for as long as the connection lasts.
        @raise ValueError: when it isn't positive, or the connection has no clock.
        """
        if seconds is not None and self.broker.clock is None:
            raise ValueError("a call can have no deadline, because its broker has no clock: set broker.clock")
        return RemoteCaller(self, checkedTimeout(seconds))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteReference):
            return NotImplemented
        return self.broker is other.broker and self.luid == other.luid

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, RemoteReference):
            return NotImplemented
        return self._rank() < other._rank()

    def _rank(self) -> tuple[int, str, Any]:
        return id(self.broker), type(self.luid).__name__, self.luid

    def __hash__(self) -> int:
        return hash(self.luid)

    def __del__(self, isFinalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # As the interpreter ends, modules lose what they need to tell anybody.
        if self.doRefCount and not isFinalizing():
            self.broker.sendDecRef(self.luid)


def unjellyLocal(unjellier: UnjellierLike, unjellyList: list[Any]) -> Any:
    """The object of ours of C{[local, luid]}; None if it isn't lent any more."""
    return brokerOf(unjellier).localObjectForID(luidIn(unjellyList))


registerForm(b"remote", RemoteReference)
registerForm(b"local", unjellyLocal)

"""
Objects that are copied to the peer once, and kept up to date there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import flavors as stock
from twisted.spread.pb import Broker as StockBroker

from myspread._errors import DeadReferenceError, ForeignReference, MalformedJelly, ProtocolError
from myspread._flavors.copying import Copyable, RemoteCopy, whenComplete
from myspread._flavors.dispatch import findMethod, receiveCall
from myspread._flavors.referencing import Serializable
from myspread._flavors.remote import brokerOf, describePeer, luidIn
from myspread._jelly.bases import (
    JellierLike,
    UnjellierLike,
    createBlank,
    getInstanceState,
    setInstanceState,
)
from myspread._jelly.registry import registerForm

__all__ = [
    "Cacheable",
    "RemoteCache",
    "RemoteCacheMethod",
    "RemoteCacheObserver",
    "observerOf",
    "unjellyCached",
    "unjellyLCache",
]


class Cacheable(Copyable):
    """
    An object that is sent as a copy the first time. While the peer holds that
    copy, it is sent as a mere id, and an observer here passes changes on.
    """

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: RemoteCacheObserver) -> Any:
        """
        The state to send, and the moment to remember C{observer}: from now on
        each change has to be told to it.

        @param observer: call C{observer.callRemote("name", ...)} to run
            C{observe_name} of the peer's copy.
        """
        return self.getStateToCopyFor(perspective)

    def stoppedObserving(self, perspective: Any, observer: RemoteCacheObserver) -> None:
        """
        The peer has dropped its copy, or the connection is lost: forget the
        observer, which is equal to that of L{getStateToCacheAndObserveFor}.
        """

    def jellyFor(self, jellier: JellierLike) -> Any:
        """C{[tag, luid, state]} the first time, C{[cached, luid]} after it."""
        broker = jellier.invoker
        if broker is None:
            return getInstanceState(self, jellier)
        luid = broker.cachedRemotelyAs(self, 1)
        if luid is not None:
            return [b"cached", luid]
        luid = broker.cacheRemotely(self)
        perspective = broker.serializingPerspective
        tag = self._tagFor(perspective)
        observer = observerOf(self, broker, perspective)
        state = self.getStateToCacheAndObserveFor(perspective, observer)
        sexp = jellier.prepare(self)
        sexp += [tag, luid, jellier.jelly(state)]
        return jellier.preserve(self, sexp)


class RemoteCache(RemoteCopy, Serializable):
    """
    What becomes of a L{Cacheable} at the peer. Its C{observe_} methods are
    called when the original changes.

    Each time that the peer sends it, the application gets a new object that
    shares its dictionary with the others; when all of them are forgotten, the
    peer is told. C{__init__} is called without arguments.

    @ivar broker: the connection that it came through.
    @ivar luid: its id on that connection.
    """

    broker: Any = None
    luid: Any = None

    def setCacheableState(self, state: Any) -> None:
        """
        Take over the state of the original: by default a dictionary, as the
        instance's own.

        @raise MalformedJelly: when the state is no dictionary.
        """
        super().setCopyableState(state)

    def setCopyableState(self, state: Any) -> None:
        """As L{setCacheableState}, under the name that all copies have."""
        self.setCacheableState(state)

    def remoteMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """
        Call C{observe_<message>} for the peer.

        @return: the s-expression of the result, or a Deferred of it.
        @raise AttributeError: when there is no such method.
        """
        return receiveCall(broker, lambda: findMethod(self, "observe", message), args, kw)

    def jellyFor(self, jellier: JellierLike) -> Any:
        """
        C{[lcache, luid]}: the peer gets its original back.

        @raise ForeignReference: for any other peer.
        """
        if jellier.invoker is None:
            return getInstanceState(self, jellier)
        if jellier.invoker is not self.broker:
            raise ForeignReference(
                f"a cache of an object of {describePeer(self.broker)} cannot be sent to"
                f" {describePeer(jellier.invoker)}; send a Copyable or Cacheable of your own"
            )
        return [b"lcache", self.luid]

    def unjellyFor(self, unjellier: UnjellierLike, jellyList: list[Any]) -> Any:
        """Become the cache of C{[tag, luid, state]}; the first receipt is returned."""
        broker = unjellier.invoker
        if broker is None:
            return setInstanceState(self, unjellier, jellyList)
        luid = luidIn(jellyList)
        if len(jellyList) != 3 or isinstance(luid, bytes):
            raise MalformedJelly("a cache is [tag, luid, state], and the luid an integer")
        self.broker = broker
        self.luid = luid
        receipt = self._borgify()
        try:
            receipt.__init__()  # type: ignore[misc]
            broker.cacheLocally(luid, self)
        except BaseException:
            # Of this and the receipt only one may tell the peer.
            self.broker = None
            broker.decCacheRef(luid)
            raise

        def setState(state: Any) -> None:
            try:
                receipt.setCopyableState(state)
            finally:
                # It may have replaced the dictionary, or our two names in it.
                self.__dict__ = receipt.__dict__
                self.broker = broker
                self.luid = luid

        whenComplete(unjellier, jellyList[2], setState)
        return receipt

    def _borgify(self) -> RemoteCache:
        """One more receipt: an object that shares this one's dictionary."""
        receipt: RemoteCache = createBlank(self.__class__)
        receipt.__dict__ = self.__dict__
        return receipt

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteCache):
            return NotImplemented
        return self.__dict__ is other.__dict__

    def __hash__(self) -> int:
        return hash(id(self.__dict__))

    def __del__(self, isFinalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # As the interpreter ends, modules lose what they need to tell anybody.
        if self.broker is not None and not isFinalizing():
            self.broker.decCacheRef(self.luid)


class _CacheCaller:
    """
    Calls C{observe_} methods of the peer's copy of a L{Cacheable}.

    @ivar broker: the connection.
    @ivar cached: the L{Cacheable}.
    @ivar perspective: whom it was sent to.
    """

    def __init__(self, broker: Any, cached: Any, perspective: Any) -> None:
        self.broker = broker
        self.cached = cached
        self.perspective = perspective

    def _copyLuid(self) -> Any:
        """The id of the copy."""
        if self.broker.disconnected:
            raise DeadReferenceError(
                f"Calling Stale Broker: the connection with the copy of {type(self.cached).__name__} is lost"
            )
        luid = self.broker.cachedRemotelyAs(self.cached)
        if luid is None:
            raise ProtocolError(
                f"{type(self.cached).__name__} has no copy at {describePeer(self.broker)}:"
                " it wasn't sent there, or has been dropped"
            )
        return luid

    def _call(self, name: str | bytes, args: tuple[Any, ...], kw: dict[str, Any]) -> Deferred[Any] | None:
        luid = self._copyLuid()
        message = name if isinstance(name, bytes) else name.encode("utf-8")
        result: Deferred[Any] | None = self.broker._sendMessage(
            b"cache", self.perspective, luid, message, args, kw
        )
        return result

    def _identity(self) -> tuple[Any, ...]:
        return id(self.broker), id(self.perspective), id(self.cached)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _CacheCaller):
            return NotImplemented
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


class RemoteCacheObserver(_CacheCaller):
    """
    What a L{Cacheable} tells its changes to: the copy that one peer holds.
    Observers of the same copy are equal.
    """

    def __repr__(self) -> str:
        where = describePeer(self.broker)
        return f"<RemoteCacheObserver of {self.cached!r} at {where} for {self.perspective!r}>"

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any] | None:
        """
        Run C{observe_<name>} of the peer's copy.

        @return: a Deferred of its result, or None for C{pbanswer=False}.
        @raise ProtocolError: when the peer has no copy (any more).
        @raise DeadReferenceError: when the connection is lost.
        """
        return self._call(_name, args, kw)

    def _callShared(self, name: bytes, shared: Any) -> Deferred[Any] | None:
        luid = self._copyLuid()
        result: Deferred[Any] | None = self.broker._sendShared(b"cache", self.perspective, luid, name, shared)
        return result

    def remoteMethod(self, key: str) -> RemoteCacheMethod:
        """The method C{observe_<key>} of the peer's copy, as a callable."""
        return RemoteCacheMethod(key, self.broker, self.cached, self.perspective)


def observerOf(cached: Any, broker: Any, perspective: Any) -> Any:
    """
    What the changes of a L{Cacheable} are told to.

    Where the flavor or the broker is C{twisted.spread}'s, the observer is too:
    the other of the two makes such a one, and it has to be equal.
    """
    isStock = isinstance(cached, stock.Cacheable) or isinstance(broker, StockBroker)
    make: Any = stock.RemoteCacheObserver if isStock else RemoteCacheObserver
    return make(broker, cached, perspective)


class RemoteCacheMethod(_CacheCaller):
    """
    One C{observe_} method of the peer's copy; calling it calls it there.
    """

    def __init__(self, name: str, broker: Any, cached: Any, perspective: Any) -> None:
        super().__init__(broker, cached, perspective)
        self.name = name

    def _identity(self) -> tuple[Any, ...]:
        return (self.name, *super()._identity())

    def __call__(self, *args: Any, **kw: Any) -> Deferred[Any] | None:
        """As L{RemoteCacheObserver.callRemote}."""
        return self._call(self.name, args, kw)


def unjellyCached(unjellier: UnjellierLike, unjellyList: list[Any]) -> Any:
    """One more receipt of the cache of C{[cached, luid]}."""
    luid = luidIn(unjellyList)
    try:
        cache = brokerOf(unjellier).cachedLocallyAs(luid)
    except KeyError:
        raise MalformedJelly(f"no object is cached here under the id {luid!r}") from None
    return cache._borgify()


def unjellyLCache(unjellier: UnjellierLike, unjellyList: list[Any]) -> Any:
    """The L{Cacheable} of ours of C{[lcache, luid]}."""
    luid = luidIn(unjellyList)
    try:
        return brokerOf(unjellier).remotelyCachedForLUID(luid)
    except KeyError:
        raise MalformedJelly(f"the peer caches nothing under the id {luid!r}") from None


registerForm(b"cached", unjellyCached)
registerForm(b"lcache", unjellyLCache)

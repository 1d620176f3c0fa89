"""
What must hold of two brokers when their conversation is over.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import CellType, FrameType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.spread import pb as stock
from zope.interface import implementer

from myspread._flavors.caching import RemoteCacheObserver
from myspread._flavors.remote import RemoteReference
from myspread._net.broker import Broker
from myspread._peer.caches import Caches
from myspread._peer.invoker import IInvoker
from myspread._peer.references import Local
from myspread.testing._memory import BrokerPair

__all__ = ["Watch", "fresh"]

_REFERENCES = (RemoteReference, stock.RemoteReference)
_OBSERVERS = (RemoteCacheObserver, stock.RemoteCacheObserver)
_LONGEST_WAY = 6
_CONTAINERS = (dict, list, tuple, set, CellType)


@contextmanager
def fresh() -> Iterator[None]:
    """
    Let C{gc} look at nothing but what is made from now on. Otherwise each look
    costs as long as the program is large.
    """
    ours = not gc.get_freeze_count()
    if ours:
        gc.freeze()
    try:
        yield
    finally:
        if ours:
            gc.unfreeze()


class _Calls(dict[int, Deferred[Any]]):
    """
    The calls that wait for their answers.

    @ivar unfired: those whose Deferreds haven't fired.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unfired: set[int] = set()

    def __setitem__(self, request: int, call: Deferred[Any]) -> None:
        super().__setitem__(request, call)
        self.unfired.add(request)

        def fired(outcome: Any) -> Any:
            self.unfired.discard(request)
            return outcome

        call.addBoth(fired)


class _WatchedCaches(Caches):
    """
    The caches of one connection.

    @ivar observed: what the peer was given to cache, and wasn't told yet that
        it no longer is.
    """

    __slots__ = ("observed",)

    def __init__(self) -> None:
        super().__init__()
        self.observed: list[Any] = []

    def give(self, luid: int, object: Any, perspective: Any) -> None:
        super().give(luid, object, perspective)
        self.observed.append(object)

    def _stopped(self, local: Local, invoker: IInvoker) -> None:
        super()._stopped(local, invoker)
        places = [place for place, each in enumerate(self.observed) if each is local.object]
        if not places:
            raise AssertionError(f"{_named(local.object)} is told once too often that nobody observes it")
        del self.observed[places[0]]


class _End:
    """
    One end of a connection.

    @ivar name: which.
    @ivar broker: its broker.
    """

    def __init__(self, name: str, broker: Any) -> None:
        self.name = name
        self.broker = broker
        self._calls = _Calls()
        self._caches = _WatchedCaches()
        if isinstance(broker, Broker):
            broker._peer.calls.waiting = self._calls
            broker._peer.caches = self._caches
        else:
            broker.waitingForAnswers = self._calls

    def lent(self) -> list[tuple[Any, int, str]]:
        """What the other end has references to, or caches of: objects, how often, and how."""
        given = self.broker.remotelyCachedObjects.values()
        lent = [local for luid, local in self.broker.localObjects.items() if not isinstance(luid, bytes)]
        return [
            *((local.object, local.refcount, "is lent") for local in lent),
            *((local.object, local.refcount, "is cached") for local in given),
        ]

    def assertCallsFired(self) -> None:
        """Every call has ended."""
        if self._calls.unfired:
            numbers = ", ".join(map(str, sorted(self._calls.unfired)))
            raise AssertionError(f"the Deferreds of these calls of the {self.name} never fire: {numbers}")

    def assertObserversTold(self) -> None:
        """Every object that was cached was told that it no longer is."""
        for cached in self._caches.observed:
            raise AssertionError(f"{_named(cached)} of the {self.name} isn't told that nobody observes it")

    def assertEmpty(self) -> None:
        """Nothing of the lost connection is left."""
        if not isinstance(self.broker, Broker):
            return
        peer = self.broker._peer
        tables = {
            "lends": peer.references.objects,
            "counts": peer.references.luids,
            "would clean up after": peer.references.cleanups,
            "lets be cached": peer.caches.given,
            "caches": peer.caches.taken,
            "waits for": peer.calls.waiting,
            "pages": self.broker.pageProducers,
        }
        for does, table in tables.items():
            if table:
                raise AssertionError(f"without a connection, the {self.name} still {does} {table!r}")


@implementer(ILogObserver)
class Watch:
    """
    Watches a pair of brokers, between which nothing has moved yet.
    """

    def __init__(self, pair: BrokerPair) -> None:
        self._ends = (_End("client", pair.client), _End("server", pair.server))
        self._failures: list[LogEvent] = []
        globalLogPublisher.addObserver(self)

    def __call__(self, event: LogEvent) -> None:
        """What an observer of the log is."""
        if event.get("log_failure") is not None:
            self._failures.append(event)

    def stop(self) -> None:
        """Watch the log no more."""
        globalLogPublisher.removeObserver(self)

    def forgetFailures(self) -> None:
        """Whoever keeps the log would keep what the frames hold in which something has failed."""
        for event in self._failures:
            event["log_failure"].cleanFailure()

    def stillLent(self, keeps: tuple[type, ...]) -> str | None:
        """
        What is still lent, or cached by the other end; None if nothing is.

        @param keeps: classes of objects that may be.
        """
        for end in self._ends:
            for thing, times, how in end.lent():
                if not isinstance(thing, keeps):
                    return f"{_named(thing)} of the {end.name} {how} {times} times"
        return None

    def assertEnded(self) -> None:
        """
        The connection is lost: every call has ended, every observer has stopped,
        and nothing is left in the tables of the brokers.
        """
        for end in self._ends:
            end.assertCallsFired()
            end.assertObserversTold()
            end.assertEmpty()
        for event in self._failures:
            if str(event.get("log_format")).startswith("stoppedObserving"):
                raise AssertionError(f"stoppedObserving has failed: {event['log_failure'].getTraceback()}")

    def assertForgotten(self) -> None:
        """
        The application holds no observer of the lost connection, and the server
        no reference to the client.
        """
        self.forgetFailures()
        self._failures.clear()
        if self._held():
            # It may be held by circles only, as those of exceptions with their frames.
            gc.collect()
        held = self._held()
        if held:
            thing = held.pop()
            held.clear()
            isObserver = isinstance(thing, _OBSERVERS)
            what = f"an observer of {_named(thing.cached)}" if isObserver else "a reference"
            raise AssertionError(f"{what} of the lost connection is still held, by: {_holderOf(thing)}")

    def _held(self) -> list[Any]:
        client, server = (end.broker for end in self._ends)
        found = []
        for thing in gc.get_objects():
            kind = type(thing)
            if issubclass(kind, _OBSERVERS):
                wrong = thing.broker in (client, server)
            else:
                wrong = issubclass(kind, _REFERENCES) and thing.broker is server
            if wrong:
                found.append(thing)
        return found


def _holderOf(thing: Any) -> str:
    """What holds an object: the way up to the first one that is no mere container."""
    way = [thing]
    for _ in range(_LONGEST_WAY):
        holder = _oneHolder(way)
        if holder is None:
            break
        way.append(holder)
        if not isinstance(holder, _CONTAINERS):
            break
    # Only some versions of Python show the dictionaries that attributes are in.
    shown = [_named(each) for each in way[1:] if not isinstance(each, (dict, CellType))]
    return ", in ".join(shown) or "nobody knows"


def _oneHolder(way: list[Any]) -> Any:
    known = {id(way), *map(id, way)}
    for holder in gc.get_referrers(way[-1]):
        if id(holder) not in known and not isinstance(holder, FrameType):
            return holder
    return None


def _named(thing: Any) -> str:
    return type(thing).__qualname__

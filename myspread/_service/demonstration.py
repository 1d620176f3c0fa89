"""
What C{twistd pbserver} serves unless it is told otherwise: a little of
everything that Perspective Broker can do.
"""

from __future__ import annotations

import inspect
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import prefixedMethods

from myspread import pb

__all__ = ["COUNTER", "SAMPLE", "Clock", "Counter", "Demonstration", "Sample"]

_log = Logger()

SAMPLE = "myspread.demonstration.Sample"
"""The tag under which L{Sample}s travel."""

COUNTER = "myspread.demonstration.Counter"
"""The tag under which L{Counter}s travel."""

SHORTEST = 0.01
"""Seconds between two ticks of a L{Clock}, at least."""

LONGEST = 3600
"""Seconds between two ticks of a L{Clock}, at most."""

CLOCKS = 1000
"""L{Clock}s that tick at once, at most."""


class Sample(pb.Copyable):
    """
    An object that travels as a copy: what it is like when it is sent.

    @ivar taken: when, in seconds since 1970.
    @ivar numbers: a list.
    @ivar words: a dictionary; one of its values is the list of C{numbers}.
    """

    def __init__(self, taken: float) -> None:
        self.taken = taken
        self.numbers = [1, 2.5, 2**100]
        self.words = {"str": "\N{SNOWMAN}", "bytes": b"\x00\xff", "the same list": self.numbers}

    def getTypeToCopy(self) -> str:
        """The tag, which says nothing of where this class happens to stand."""
        return SAMPLE


class Counter(pb.Cacheable):
    """
    A number that grows by one each second while somebody watches.

    @ivar count: the number.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """
        @param clock: what measures the seconds.
        """
        self.count = 0
        self._observers: list[pb.RemoteCacheObserver] = []
        self._counting = LoopingCall(self._grow)
        self._counting.clock = clock

    def getTypeToCopy(self) -> str:
        """The tag, which says nothing of where this class happens to stand."""
        return COUNTER

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: pb.RemoteCacheObserver) -> Any:
        """The C{count} in a dictionary; from now on the observer's C{setCount} is called."""
        self._observers.append(observer)
        if not self._counting.running:
            self._counting.start(1, now=False)
        return {"count": self.count}

    def stoppedObserving(self, perspective: Any, observer: pb.RemoteCacheObserver) -> None:
        """Forget the observer; with the last one, stop counting."""
        self._observers.remove(observer)
        if not self._observers:
            self._counting.stop()

    def _grow(self) -> None:
        self.count += 1
        for observer in self._observers:
            observer.callRemote("setCount", self.count, pbanswer=False)


class Clock(pb.Referenceable):
    """
    Calls somebody's C{remote_tick} with the time, again and again, until it is
    told to stop, a call fails, or the connection is lost. The next tick waits
    for the answer to the last one.
    """

    def __init__(self, clock: IReactorTime, listener: pb.RemoteReference) -> None:
        """
        @param clock: what measures the seconds.
        @param listener: whom to call.
        """
        self._clock = clock
        self._listener = listener
        self._connected = True
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = clock

    def start(self, seconds: float) -> Any:
        """
        Begin to tick.

        @param seconds: from one tick to the next; the first comes after as many.
        @return: a Deferred that fires with None once it has stopped.
        """
        self._listener.notifyOnDisconnect(self._disconnected)
        return self._ticking.start(seconds, now=False).addErrback(self._failed).addCallback(self._stopped)

    def remote_stop(self) -> None:
        """Tick no more."""
        if self._ticking.running:
            self._ticking.stop()

    def _tick(self) -> Any:
        return self._listener.callRemote("tick", self._clock.seconds())

    def _disconnected(self, listener: pb.RemoteReference) -> None:
        self._connected = False
        self.remote_stop()

    def _failed(self, failure: Failure) -> None:
        _log.info("a clock stops: {reason}", reason=failure.getErrorMessage())

    def _stopped(self, result: Any) -> None:
        if self._connected:
            self._listener.dontNotifyOnDisconnect(self._disconnected)


class Demonstration(pb.Root):
    """
    A root object for somebody who wants to see Perspective Broker at work.

    @ivar counter: what L{remote_counter} hands to everybody.
    """

    def __init__(self, clock: IReactorTime) -> None:
        """
        @param clock: what tells and measures time.
        """
        self.counter = Counter(clock)
        self._clock = clock
        self._clocks: set[Clock] = set()

    def remote_methods(self) -> dict[str, str]:
        """methods(): a dictionary of what can be called here, and what that does"""
        methods = prefixedMethods(self, "remote_")
        return {method.__name__.removeprefix("remote_"): inspect.getdoc(method) or "" for method in methods}

    def remote_echo(self, value: Any) -> Any:
        """echo(value): the value, as it came"""
        return value

    def remote_add(self, a: Any, b: Any) -> Any:
        """add(a, b): the sum of two numbers, or of two lists, or strings"""
        return a + b

    def remote_clock(self, listener: Any, seconds: Any = 1) -> Clock:
        """clock(listener, seconds=1): calls listener's remote_tick(time) until its result is told to stop"""
        if not isinstance(listener, pb.RemoteReference):
            raise pb.Error("the listener must be a Referenceable of yours, with a method remote_tick")
        if not isinstance(seconds, (int, float)) or not SHORTEST <= seconds <= LONGEST:
            raise pb.Error(f"seconds must be a number from {SHORTEST} to {LONGEST}")
        if len(self._clocks) >= CLOCKS:
            raise pb.Error("too many clocks are ticking already")
        clock = Clock(self._clock, listener)
        self._clocks.add(clock)
        clock.start(seconds).addCallback(lambda _: self._clocks.remove(clock))
        return clock

    def remote_sample(self) -> Sample:
        """sample(): a Copyable, tagged myspread.demonstration.Sample"""
        return Sample(self._clock.seconds())

    def remote_counter(self) -> Counter:
        """counter(): a Cacheable, tagged myspread.demonstration.Counter, with observe_setCount(count)"""
        return self.counter

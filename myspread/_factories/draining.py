"""
The end of a server, in order: L{Drain} and L{DrainService}.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from myspread._factories.admission import Admission
from myspread._factories.reactor import theReactor

__all__ = ["Drain", "DrainService", "abort"]

_log = Logger()

QUIET = 0.25
"""
Seconds of silence after which a peer is taken to have sent all that it wanted:
longer than a message is under way.
"""

TICK = 0.05
"""Seconds between two looks at the connections."""


def abort(transport: Any) -> None:
    """Close a connection at once; not all transports have a way to do it."""
    getattr(transport, "abortConnection", transport.loseConnection)()


def _check(seconds: float) -> None:
    if not seconds >= 0:
        raise ValueError(f"calls may go on for a number of seconds from 0 on, not for {seconds!r}")


class Drain:
    """
    Closes the connections of a server factory, each as soon as no call is in
    progress on it and its peer was silent for a moment.

    In the first half of the time, calls that peers still make are run and
    answered as ever. In the second half they are refused, and nobody waits for
    silence any more. So what a peer has asked for is answered, unless one call
    takes longer than that half.
    """

    def __init__(self, admission: Admission, clock: Any, seconds: float, closingTime: float) -> None:
        """
        @param admission: knows the connections.
        @param clock: provides C{IReactorTime}.
        @param seconds: how long calls may go on.
        @param closingTime: how long peers have afterwards to read what was written.
        @raise ValueError: when the time is negative.
        """
        _check(seconds)
        self._admission = admission
        self._clock = clock
        self._seconds = seconds
        self._closingTime = closingTime
        self._began = clock.seconds()
        self._late = False
        self._unfinished = 0
        self._call: Any = None
        self._waiting: list[Deferred[int]] = []

    def begin(self) -> None:
        """Tell the peers that want to know, and begin to close connections."""
        brokers = self._admission.brokers
        _log.info(
            "The server is being stopped: calls on {connections} connections may go on for {seconds:g} s.",
            connections=len(brokers),
            seconds=self._seconds,
        )
        for broker in brokers:
            broker.tellLeaving(self._seconds)
        self._look()

    def whenDone(self) -> Deferred[int]:
        """A Deferred of how many connections were closed while calls were in progress on them."""
        done: Deferred[int] = Deferred()
        self._waiting.append(done)
        return done

    def _look(self) -> None:
        brokers = self._admission.brokers
        if not brokers:
            self._done()
            return
        age = self._clock.seconds() - self._began
        if age >= self._seconds:
            self._tooLate(brokers)
        else:
            for broker in brokers:
                if age >= self._seconds / 2:
                    broker.refuseCalls()
                if self._mayGo(broker, age):
                    broker.finish(self._seconds - age)
        if age >= self._seconds + self._closingTime:
            for broker in brokers:
                abort(broker.transport)
        self._call = self._clock.callLater(TICK, self._look)

    def _mayGo(self, broker: Any, age: float) -> bool:
        if broker.isBusy or age < min(QUIET, self._seconds / 2):
            return False
        return age >= self._seconds / 2 or broker.silentFor(self._clock.seconds()) >= QUIET

    def _tooLate(self, brokers: list[Any]) -> None:
        if self._late:
            return
        self._late = True
        self._unfinished = sum(broker.isBusy for broker in brokers)
        for broker in brokers:
            broker.finish()

    def _done(self) -> None:
        self._call = None
        text = "No connection is left after {seconds:.3g} s"
        if self._unfinished:
            _log.warn(
                text + "; on {unfinished} of them calls were in progress until the end.",
                seconds=self._clock.seconds() - self._began,
                unfinished=self._unfinished,
            )
        else:
            _log.info(text + ".", seconds=self._clock.seconds() - self._began)
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done.callback(self._unfinished)


class DrainService(Service):
    """
    Drains a server factory when it is stopped, and lets the reactor wait for
    that. It belongs beside the service that listens::

        factory = pb.PBServerFactory(root)
        StreamServerEndpointService(endpoint, factory).setServiceParent(application)
        pb.DrainService(factory, 30).setServiceParent(application)

    While the drain lasts, a further C{SIGTERM} or C{SIGINT} closes all connections
    at once.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, factory: Any, seconds: float = 30.0, *, handlesSignals: bool = True) -> None:
        """
        @param factory: a L{PBServerFactory<myspread.pb.PBServerFactory>}.
        @param seconds: how long calls may go on.
        @param handlesSignals: whether a signal during the drain ends it.
        @raise ValueError: when the time is negative.
        """
        self._factory = factory
        _check(seconds)
        self._seconds = seconds
        self._handlesSignals = handlesSignals
        self._earlier: dict[int, Any] = {}

    def stopService(self) -> Deferred[Any]:
        """
        Drain.

        @return: a Deferred that fires when no connection is left.
        """
        super().stopService()  # type: ignore[no-untyped-call]
        drained: Deferred[Any] = self._factory.drain(self._seconds)
        if drained.called:
            return succeed(None)
        if self._handlesSignals and threading.current_thread() is threading.main_thread():
            self._catch(theReactor().callFromThread)
            drained.addBoth(self._release)
        return drained

    def _catch(self, soon: Callable[..., Any]) -> None:
        def received(number: int, frame: Any) -> None:
            soon(self._closeAll)

        self._earlier = {number: signal.signal(number, received) for number in self.SIGNALS}

    def _closeAll(self) -> None:
        _log.warn("A second signal: all connections are closed at once.")
        self._factory.closeAll()

    def _release(self, result: Any) -> Any:
        for number, handler in self._earlier.items():
            # None stands for a handler that isn't Python's.
            signal.signal(number, handler or signal.SIG_DFL)
        self._earlier = {}
        return result

"""
L{Watch}: what is told of the connections of a server factory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.logger import Logger

from myspread._errors import Error, LimitExceeded
from myspread._flavors.remote import describePeer
from myspread._peer.events import emit, limitIn
from myspread._peer.logbudget import LogBudget, sharedLogBudget
from myspread._peer.watchedcalls import WatchedCalls

__all__ = ["Watch", "Watched"]

_log = Logger()


class Watched:
    """
    What a watch knows of one connection.

    @ivar number: the number of the connection, from 1.
    @ivar broker: its broker.
    @ivar since: when it began.
    @ivar calls: how many calls of the peer have ended.
    """

    __slots__ = ("broker", "calls", "number", "since")

    def __init__(self, number: int, broker: Any) -> None:
        self.number = number
        self.broker = broker
        self.since = 0.0 if broker.clock is None else float(broker.clock.seconds())
        self.calls = 0

    @property
    def age(self) -> float:
        """For how many seconds the connection has lasted."""
        clock = self.broker.clock
        return 0.0 if clock is None else max(0.0, clock.seconds() - self.since)


class Watch:
    """
    Writes to the log what happens to the connections of a server factory, as
    events that programs can look for. A factory has one, or none::

        factory.watch = pb.Watch(slowCall=1.0)

    Comings and goings share a L{LogBudget<myspread._peer.logbudget.LogBudget>}
    of their own, so that they don't displace warnings.

    @ivar slowCall: the seconds from which on a call counts as slow; None for
        never.
    @ivar timesCalls: whether each call is timed.
    """

    def __init__(self, slowCall: float | None = None) -> None:
        """
        @param slowCall: the seconds from which on a call counts as slow; None for
            never.
        """
        self.slowCall = slowCall
        self.timesCalls = slowCall is not None
        self._last = 0
        self._budget: LogBudget | None = None

    # What happens

    def connected(self, broker: Any) -> None:
        """A connection has begun."""
        self._last += 1
        broker.watched = watched = self.watching(broker, self._last)
        if self._budget is None:
            self._budget = sharedLogBudget(broker.limits, broker.clock)
        if self.timesCalls and broker.clock is not None:
            peer = broker._peer
            peer.incoming = WatchedCalls(peer.incoming, self, watched, broker.clock.seconds)
        emit(self._budget, _log, "connect", connection=watched.number, peer=describePeer(broker))

    def watching(self, broker: Any, number: int) -> Watched:
        """What to keep of a new connection."""
        return Watched(number, broker)

    def loggedIn(self, broker: Any) -> None:
        """Somebody has logged in."""
        self._emit(broker.peerLog, "login", broker, avatar=broker.avatarId, mechanism=broker.mechanism)

    def loginRefused(self, broker: Any, reason: str) -> None:
        """A login has failed."""
        self._emit(broker.peerLog, "login-refused", broker, reason=reason)

    def refused(self, reason: str) -> None:
        """A new connection is refused; the factory has told the log."""

    def closing(self, broker: Any, reason: str) -> None:
        """A connection is closed because its peer has broken a rule; the broker has told the log."""

    def failed(self, watched: Watched, error: BaseException) -> None:
        """A call has failed."""
        if isinstance(error, (LimitExceeded, Error)):
            limit = limitIn(str(error))
            if limit is not None:
                self.limitHit(watched, limit, str(error))

    def limitHit(self, watched: Watched, limit: str, reason: str) -> None:
        """A call was refused because of a limit."""
        broker = watched.broker
        self._emit(
            broker.peerLog, "limit", broker, watched, avatar=broker.avatarId, reason=reason, limit=limit
        )

    def took(self, watched: Watched, seconds: float) -> None:
        """A call has ended, after so many seconds."""
        watched.calls += 1

    def counterFor(self, watched: Watched) -> Callable[[float], Any]:
        """What is called with the seconds of each call of a connection: L{took}, or something faster."""
        return partial(self.took, watched)

    def slow(self, watched: Watched, method: Any, seconds: float, outcome: str, incident: str | None) -> None:
        """
        A call took at least C{slowCall} seconds.

        @param method: the name of the method.
        @param outcome: C{answered} or C{failed}. Of a call whose peer has left the
            log doesn't say that it was answered.
        @param incident: the id that the caller got in place of an error, or None.
        """
        broker = watched.broker
        if broker.disconnected:
            outcome = f"{'over' if outcome == 'answered' else outcome}, after its caller had left"
        name = method.decode("utf-8", "backslashreplace") if isinstance(method, bytes) else method
        about = {"method": name, "seconds": seconds, "outcome": outcome, "incident": incident}
        self._emit(broker.peerLog, "slow-call", broker, watched, avatar=broker.avatarId, **about)

    def lost(self, broker: Any, reason: Any) -> None:
        """A connection has ended."""
        watched = broker.watched
        if watched is not None:
            why = reason.getErrorMessage() if hasattr(reason, "getErrorMessage") else str(reason)
            about = {"avatar": broker.avatarId, "seconds": watched.age, "reason": why}
            self._emit(self._budget, "disconnect", broker, **about)
            broker.watched = None

    def _emit(
        self, budget: Any, event: str, broker: Any, watched: Watched | None = None, **values: Any
    ) -> None:
        # A connection that is lost has no number any more, and its calls may go on.
        watched = watched or broker.watched
        number = None if watched is None else watched.number
        emit(budget, _log, event, connection=number, peer=describePeer(broker), **values)

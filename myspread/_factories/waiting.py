"""
Deferreds that wait for the same thing, none of them for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

__all__ = ["Waiting"]


class Waiting:
    """
    Those who wait for something.
    """

    def __init__(self, clock: Any, tooLate: Callable[[float], Exception]) -> None:
        """
        @param clock: provides C{IReactorTime}.
        @param tooLate: makes the error for who has waited for some seconds in
            vain.
        """
        self._clock = clock
        self._tooLate = tooLate
        self._timers: dict[Deferred[Any], Any] = {}

    def __len__(self) -> int:
        return len(self._timers)

    def add(self, seconds: float | None) -> Deferred[Any]:
        """
        One more who waits. Cancelling it gives up.

        @param seconds: for how long; None for as long as it takes.
        """
        one: Deferred[Any] = Deferred(self._remove)
        timer = None if seconds is None else self._clock.callLater(seconds, self._expire, one, seconds)
        self._timers[one] = timer
        return one

    def _remove(self, one: Deferred[Any]) -> None:
        timer = self._timers.pop(one, None)
        if timer is not None and timer.active():
            timer.cancel()

    def _expire(self, one: Deferred[Any], seconds: float) -> None:
        self._remove(one)
        one.errback(Failure(self._tooLate(seconds)))

    def fire(self, outcome: Any) -> None:
        """
        It is there: everybody who waits now gets it.

        @param outcome: a result, or a L{Failure}.
        """
        for one in list(self._timers):
            # One of those before may have cancelled it.
            if one in self._timers:
                self._remove(one)
                one.callback(outcome)

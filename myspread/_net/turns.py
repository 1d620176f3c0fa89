"""
L{Turns}: who goes on when, where several connections have more to do than fits
into one turn of the reactor.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.interfaces import IReactorTime

__all__ = ["Turns"]


class Turns:
    """
    The connections of one factory that have more to do than they were given
    time for. They go on in a circle, and share the time of one.

    @ivar waiting: those connections.
    """

    __slots__ = ("_call", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Any] = deque()
        self._call: Any = None

    def share(self, seconds: float) -> float:
        """
        What one connection gets of the time that one alone would have.

        @param seconds: C{Limits.turnTime}.
        """
        return seconds / (1 + len(self.waiting))

    def wait(self, reader: Any, clock: IReactorTime) -> None:
        """
        Let a connection go on in a later turn.

        @param reader: its C{goOn} is called once.
        """
        self.waiting.append(reader)
        self._begin(clock)

    def _begin(self, clock: IReactorTime) -> None:
        if self._call is None and self.waiting:
            self._call = clock.callLater(0, self._turn, clock)

    def _turn(self, clock: IReactorTime) -> None:
        self._call = None
        began = clock.seconds()
        try:
            for _ in range(len(self.waiting)):
                reader = self.waiting.popleft()
                reader.goOn()
                if clock.seconds() - began >= reader.limits.turnTime:
                    break
        finally:
            self._begin(clock)

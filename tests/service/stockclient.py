"""
What a client without myspread declares to receive what the demonstration sends.
"""

from __future__ import annotations

from typing import Any

from twisted.spread import pb

__all__ = ["Listener", "StockCounter", "StockSample"]


class StockSample(pb.RemoteCopy):
    """The copy of a Sample."""


class StockCounter(pb.RemoteCache):
    """The copy of a Counter."""

    def observe_setCount(self, count: int) -> None:
        """It has grown."""
        self.count = count


class Listener(pb.Referenceable):
    """What a clock calls."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.answers: Any = None

    def remote_tick(self, time: float) -> Any:
        """Keep the time."""
        self.times.append(time)
        return self.answers


pb.setUnjellyableForClass("myspread.demonstration.Sample", StockSample)
pb.setUnjellyableForClass("myspread.demonstration.Counter", StockCounter)

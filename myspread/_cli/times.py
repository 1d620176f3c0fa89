"""
Many durations, in few numbers.
"""

from __future__ import annotations

from math import floor, log2

__all__ = ["Times", "duration"]

STEPS = 16
"""Buckets for each doubling: what is read of them is right to 5 %."""

_SHORTEST = 1e-9
"""What takes less is in the bucket of this."""

_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))


def duration(seconds: float) -> str:
    """A time as people read it."""
    unit, size = next((each for each in _UNITS if seconds >= each[1]), _UNITS[-1])
    return f"{seconds / size:.3g} {unit}"


class Times:
    """
    How long something has taken each time. However often, it costs some hundred
    numbers.

    @ivar count: how often.
    @ivar total: all durations together.
    @ivar least: the shortest one.
    @ivar most: the longest one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = 0.0
        self.most = 0.0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """
        Once more. A clock that was set back has taken no time.
        """
        seconds = max(seconds, 0.0)
        self.least = seconds if not self.count else min(self.least, seconds)
        self.most = max(self.most, seconds)
        self.count += 1
        self.total += seconds
        bucket = floor(log2(max(seconds, _SHORTEST)) * STEPS)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    @property
    def mean(self) -> float:
        """The mean; 0 of none."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """What so many of a hundred have not exceeded; 0 of none."""
        wanted = self.count * percent / 100
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(2 ** ((bucket + 1) / STEPS), self.most)
        return self.most

    def histogram(self) -> list[tuple[float, float, int]]:
        """From, to and how many, for each doubling from the least to the most."""
        if not self.count:
            return []
        whole: dict[int, int] = {}
        for bucket, count in self._buckets.items():
            whole[bucket // STEPS] = whole.get(bucket // STEPS, 0) + count
        return [
            (2.0**power, 2.0 ** (power + 1), whole.get(power, 0))
            for power in range(min(whole), max(whole) + 1)
        ]

"""
L{Histogram}: how long calls took, in little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import log2
from typing import Any

__all__ = ["OCTAVES", "Histogram", "percentile"]

STEPS = 8
"""Buckets for each doubling. So a percentile is right to a tenth."""

_FIRST = -20
"""Times below 2**-20 s, a microsecond, are counted as that."""

OCTAVES = 31
"""Doublings: times from 2**11 s, half an hour, on are counted as that."""

_OFFSET = -_FIRST * STEPS
_LAST = STEPS * OCTAVES - 1


class _Nobody:
    """
    Who counts nothing else.
    """

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls = 0


class Histogram:
    """
    Counts times in buckets, eight to a doubling. All of them together take two
    kilobytes however many calls there are, and unlike with a sample nothing is
    left to chance: the slowest call of a million shows. HdrHistogram works like
    that; this is as much of it as is needed.

    @ivar counts: by bucket, how many times.
    @ivar seconds: the sum of all times.
    """

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (STEPS * OCTAVES)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.adder(_Nobody())(seconds)

    def adder(self, counter: Any) -> Callable[[float], None]:
        """
        What counts one more here, and in something else: one function that has
        all at hand, as it is most of what watching a call costs.

        @param counter: its C{calls} grow by one each time.
        """
        counts = self.counts

        def add(seconds: float) -> None:
            counter.calls += 1
            # A clock may be set back.
            if seconds > 0.0:
                index = int(log2(seconds) * STEPS + _OFFSET)
                counts[index if 0 <= index <= _LAST else 0 if index < 0 else _LAST] += 1
                self.seconds += seconds
            else:
                counts[0] += 1

        return add

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """For each doubling, the seconds up to which it goes, and how many times are at most that."""
        total = 0
        for octave in range(OCTAVES):
            total += sum(self.counts[octave * STEPS : (octave + 1) * STEPS])
            yield 2.0 ** (_FIRST + octave + 1), total


def percentile(counts: Sequence[int], percent: float) -> float | None:
    """
    The time that so many percent of all are at most; None of none.

    @param counts: those of a L{Histogram}, or the difference of two.
    @return: seconds, at most a tenth too many.
    """
    rank = sum(counts) * percent / 100
    if not rank:
        return None
    seen = 0
    for index, count in enumerate(counts):
        seen += count
        if count and seen >= rank:
            return float(2.0 ** ((index + 1) / STEPS + _FIRST))
    raise AssertionError("there are as many as there are")

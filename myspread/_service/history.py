"""
The last two minutes of a server: L{History}.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from myspread._service.figures import Figures
from myspread._service.histogram import percentile

__all__ = ["History", "Sample"]

SAMPLES = 120
"""Samples that are kept, one each second."""

MINUTE = 60
"""Samples of a minute."""


class Sample(NamedTuple):
    """
    What there was in one second.

    @ivar connections: at its end.
    @ivar perSecond: calls that have ended.
    @ivar received: bytes.
    @ivar sent: bytes.
    @ivar p50: the seconds that half of the calls took at most; None without calls.
    @ivar p99: the same for 99 of a hundred.
    """

    connections: int
    perSecond: float
    received: float
    sent: float
    p50: float | None
    p99: float | None


class _State(NamedTuple):
    time: float
    counts: list[int]
    received: int
    sent: int


class History:
    """
    Takes a sample of figures whenever it is told to.

    @ivar samples: the latest, the last one last.
    """

    def __init__(self, figures: Figures, clock: Any) -> None:
        """
        @param clock: provides C{IReactorTime}.
        """
        self._figures = figures
        self._clock = clock
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._states: deque[_State] = deque([self._state()], maxlen=MINUTE + 1)

    def _state(self) -> _State:
        figures = self._figures
        return _State(self._clock.seconds(), list(figures.times.counts), figures.received, figures.sent)

    def sample(self) -> None:
        """Take one more."""
        last, now = self._states[-1], self._state()
        seconds = now.time - last.time
        if seconds <= 0:
            # The clock was set back: nothing can be said of that time.
            self._states.append(now)
            return
        counts = _difference(now.counts, last.counts)
        self._states.append(now)
        self.samples.append(
            Sample(
                len(self._figures.meters),
                sum(counts) / seconds,
                (now.received - last.received) / seconds,
                (now.sent - last.sent) / seconds,
                percentile(counts, 50),
                percentile(counts, 99),
            )
        )

    def lastMinute(self) -> list[int]:
        """By bucket, how many calls have ended in the last minute."""
        return _difference(self._figures.times.counts, self._states[0].counts)


def _difference(now: list[int], before: list[int]) -> list[int]:
    return [each - earlier for each, earlier in zip(now, before, strict=True)]

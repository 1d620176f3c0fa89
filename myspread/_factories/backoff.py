"""
How long to wait before connecting again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Backoff"]


@dataclass(frozen=True)
class Backoff:
    """
    How long a session waits before it connects again: longer each time, up to a
    limit, and not all clients of a server at the same moment.

    @ivar first: seconds before the first attempt, at most.
    @ivar longest: seconds before any later one, at most. A connection that has
        lasted so long makes the count begin anew.
    @ivar factor: how much longer each wait is than the one before.
    @ivar jitter: which part of a wait is left to chance, from 0 to 1.
    @ivar random: gives numbers from 0 to 1.
    """

    first: float = 1.0
    longest: float = 60.0
    factor: float = 2.0
    jitter: float = 0.5
    random: Callable[..., float] = field(default_factory=lambda: random.random, repr=False)

    def __post_init__(self) -> None:
        """
        @raise ValueError: when a field makes no sense.
        """
        if not 0 < self.first <= self.longest:
            raise ValueError("the first wait of a backoff is positive, and no longer than the longest")
        if self.factor < 1 or not 0 <= self.jitter <= 1:
            raise ValueError("the factor of a backoff is 1 or more, its jitter from 0 to 1")

    def delay(self, attempt: int) -> float:
        """
        How many seconds to wait.

        @param attempt: how many attempts in a row have failed, from 1.
        """
        # The power of a larger number would be too large for a float.
        whole = min(self.first * self.factor ** min(attempt - 1, 64), self.longest)
        return whole * (1 - self.jitter * self.random())

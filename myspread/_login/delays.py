"""
How long the next login of somebody waits after one has failed.
"""

from __future__ import annotations

from collections import OrderedDict

from myspread.limits import Limits

__all__ = ["Delays", "Failures"]

MOST_SOURCES = 10_000
"""Sources whose failures are remembered; beyond, the one that failed longest ago is forgotten."""


class Failures:
    """
    The logins that have failed, of one source.

    The wait after the first is C{Limits.loginDelay}; it doubles with each
    further one, up to C{Limits.loginDelayLimit}. For as long as that limit
    without a failure, one is forgotten: so who guesses slowly gains nothing
    over who guesses as soon as it is possible.

    @ivar count: how many are remembered.
    @ivar notBefore: when the next login may be looked at.
    """

    __slots__ = ("count", "notBefore")

    def __init__(self) -> None:
        self.count = 0
        self.notBefore = 0.0

    def failed(self, now: float, limits: Limits) -> None:
        """A login has failed."""
        longest = limits.loginDelayLimit
        delay = min(limits.loginDelay, longest)
        if not delay:
            return
        self.count = max(0, self.count - self._forgotten(now, longest)) + 1
        for again in range(1, self.count):
            if delay >= longest:
                # More of them would make no difference but to how long they are remembered.
                self.count = again
                break
            delay *= 2
        self.notBefore = now + min(delay, longest)

    def isOver(self, now: float, limits: Limits) -> bool:
        """Whether all of them are forgotten."""
        longest = limits.loginDelayLimit
        return not longest or self._forgotten(now, longest) >= self.count

    def _forgotten(self, now: float, longest: float) -> int:
        return int(max(0.0, now - self.notBefore) // longest)


class Delays:
    """
    The failed logins of all sources of one server factory.
    """

    __slots__ = ("_sources",)

    def __init__(self) -> None:
        # The one that failed last is at the end.
        self._sources: OrderedDict[str, Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sources)

    def notBefore(self, source: str) -> float:
        """When a login from there may be looked at; 0 when that is now."""
        failures = self._sources.get(source)
        return 0.0 if failures is None else failures.notBefore

    def failed(self, source: str, now: float, limits: Limits) -> None:
        """A login from there has failed."""
        failures = self._sources.pop(source, None) or Failures()
        self._forget(now, limits)
        failures.failed(now, limits)
        if failures.count:
            self._sources[source] = failures

    def _forget(self, now: float, limits: Limits) -> None:
        while self._sources:
            source, oldest = next(iter(self._sources.items()))
            if len(self._sources) < MOST_SOURCES and not oldest.isOver(now, limits):
                return
            del self._sources[source]

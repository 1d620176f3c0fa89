"""
Run what blocks in threads, some at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.threads import deferToThread

__all__ = ["FewThreads", "NobodyWaits", "TooManyWait"]

T = TypeVar("T")


class TooManyWait(Exception):
    """More wants to be run than may wait for it."""


class NobodyWaits(Exception):
    """Whoever wanted it has left before it was run."""


def _always() -> bool:
    return True


class _Job(NamedTuple):
    result: Deferred[Any]
    isWanted: Callable[[], bool]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class FewThreads:
    """
    Runs functions in threads of the reactor: so many at the same time, and the
    others in the order in which they came, if they are still wanted then.
    """

    def __init__(
        self, atOnce: int, waiting: int, runInThread: Callable[..., Deferred[Any]] = deferToThread
    ) -> None:
        """
        @param atOnce: how many run at the same time.
        @param waiting: how many may wait.
        @param runInThread: called with function and arguments, runs it in a
            thread.
        """
        self._free = atOnce
        self._most = waiting
        self._runInThread = runInThread
        self._jobs: deque[_Job] = deque()
        self._beginning = False

    @property
    def waiting(self) -> int:
        """How many functions wait."""
        return len(self._jobs)

    def run(
        self, function: Callable[..., T], *arguments: Any, isWanted: Callable[[], bool] = _always
    ) -> Deferred[T]:
        """
        Run a function once it can be.

        @param isWanted: asked whether anybody still waits for the result, before
            the function is run.
        @return: a Deferred of what it returns. It fails with L{TooManyWait} when
            too many others wait already, and with L{NobodyWaits}.
        """
        if not self._free and len(self._jobs) >= self._most:
            self._forgetUnwanted()
        if not self._free and len(self._jobs) >= self._most:
            return fail(TooManyWait(f"{self._most} others wait already"))
        job = _Job(Deferred(), isWanted, function, arguments)
        self._jobs.append(job)
        self._begin()
        return job.result

    def _forgetUnwanted(self) -> None:
        jobs, self._jobs = self._jobs, deque()
        unwanted: list[_Job] = []
        for job in jobs:
            (self._jobs if job.isWanted() else unwanted).append(job)
        for job in unwanted:
            job.result.errback(NobodyWaits())

    def _begin(self) -> None:
        """Run what can be run. What ends at once doesn't begin the next one within itself."""
        if self._beginning:
            return
        self._beginning = True
        while self._free and self._jobs:
            job = self._jobs.popleft()
            if not job.isWanted():
                job.result.errback(NobodyWaits())
                continue
            self._free -= 1
            self._runInThread(job.function, *job.arguments).addBoth(self._ended).chainDeferred(job.result)
        self._beginning = False

    def _ended(self, result: Any) -> Any:
        self._free += 1
        self._begin()
        return result

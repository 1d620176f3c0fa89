"""
Run what blocks in threads, some at a time.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
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
    source: Hashable
    result: Deferred[Any]
    isWanted: Callable[[], bool]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class FewThreads:
    """
    Runs functions in threads of the reactor: so many at the same time. The
    others wait, if they are still wanted when it is their turn: each source has
    its turn after each other one, with what it wanted first. When no more may
    wait, the source that has most gives way to those that have less.
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
        # By source, the one whose turn it is first. None is without a job.
        self._jobs: OrderedDict[Hashable, deque[_Job]] = OrderedDict()
        self._beginning = False
        self.waiting = 0

    def run(
        self,
        function: Callable[..., T],
        *arguments: Any,
        isWanted: Callable[[], bool] = _always,
        source: Hashable = None,
    ) -> Deferred[T]:
        """
        Run a function once it can be.

        @param isWanted: asked whether anybody still waits for the result, before
            the function is run.
        @param source: who wants it.
        @return: a Deferred of what it returns. It fails with L{TooManyWait} when
            too many others wait, and with L{NobodyWaits}.
        """
        if not self._free and self.waiting >= self._most:
            self._forgetUnwanted()
        if not self._free and self.waiting >= self._most and not self._makeRoom(source):
            return fail(self._tooMany())
        job = _Job(source, Deferred(), isWanted, function, arguments)
        self._add(job)
        self._begin()
        return job.result

    @property
    def isFree(self) -> bool:
        """Whether a function that comes now is run at once."""
        return self._free > 0

    def _add(self, job: _Job) -> None:
        self._jobs.setdefault(job.source, deque()).append(job)
        self.waiting += 1

    def _tooMany(self) -> TooManyWait:
        return TooManyWait(f"{self._most} others wait already")

    def _makeRoom(self, source: Hashable) -> bool:
        """Refuse what came last of the source that has most, if it has more than another one would have."""
        jobs = max(self._jobs.values(), key=len, default=deque())
        if len(jobs) <= len(self._jobs.get(source, ())) + 1:
            return False
        self.waiting -= 1
        jobs.pop().result.errback(self._tooMany())
        return True

    def _forgetUnwanted(self) -> None:
        every = [job for jobs in self._jobs.values() for job in jobs]
        self._jobs.clear()
        self.waiting = 0
        unwanted: list[_Job] = []
        for job in every:
            if job.isWanted():
                self._add(job)
            else:
                unwanted.append(job)
        for job in unwanted:
            job.result.errback(NobodyWaits())

    def _next(self) -> _Job:
        """Whose turn it is; then it is that of others."""
        source, jobs = self._jobs.popitem(last=False)
        self.waiting -= 1
        job = jobs.popleft()
        if jobs:
            self._jobs[source] = jobs
        return job

    def _begin(self) -> None:
        """Run what can be run. What ends at once doesn't begin the next one within itself."""
        if self._beginning:
            return
        self._beginning = True
        while self._free and self.waiting:
            job = self._next()
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

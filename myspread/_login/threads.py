"""
Run what blocks in threads, some at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore, fail
from twisted.internet.threads import deferToThread

__all__ = ["FewThreads", "TooManyWait"]

T = TypeVar("T")


class TooManyWait(Exception):
    """More wants to be run than may wait for it."""


class FewThreads:
    """
    Runs functions in threads of the reactor: so many at the same time, and the
    others in the order in which they came.
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
        self._running = DeferredSemaphore(atOnce)
        self._most = waiting
        self._runInThread = runInThread

    @property
    def waiting(self) -> int:
        """How many functions wait."""
        return len(self._running.waiting)

    def run(self, function: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """
        Run a function once it can be.

        @return: a Deferred of what it returns. It fails with L{TooManyWait} when
            too many others wait already.
        """
        if self.waiting >= self._most:
            return fail(TooManyWait(f"{self._most} others wait already"))
        return self._running.run(self._runInThread, function, *arguments)

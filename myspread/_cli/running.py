"""
Running the reactor for as long as a command takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any, TextIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogBeginner
from twisted.python.failure import Failure
from zope.interface import provider

from myspread._cli.errors import statusOf, told
from myspread._cli.output import closedOutput, complain, prepareOutput
from myspread._cli.status import Status
from myspread._cli.text import block
from myspread._factories.reactor import theReactor

__all__ = ["beginLogging", "run"]

Work = Callable[[Any], Coroutine[Deferred[Any], Any, int]]
"""Given the reactor, does what a command is for; its result is the exit status."""


def _observer(stream: TextIO, lowest: Any) -> ILogObserver:
    """Writes what the engine logs: mistakes of ours, and with C{--verbose} all of it."""
    levels = list(LogLevel.iterconstants())

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if levels.index(event["log_level"]) < levels.index(lowest):
            return
        print(f"myspread: {block(formatEvent(event))}", file=stream)
        failure = event.get("log_failure")
        if isinstance(failure, Failure):
            print(block(failure.getTraceback(), "    "), file=stream)

    observer: ILogObserver = observe
    return observer


class _Running:
    """
    One command, while the reactor runs.

    @ivar status: the exit status.
    """

    def __init__(self, reactor: Any, work: Work) -> None:
        self.status = int(Status.INTERRUPTED)
        self._reactor = reactor
        self._work = work
        self._done: Deferred[None] | None = None
        self._stopping = False

    def begin(self) -> None:
        """Start the work."""
        self._reactor.addSystemEventTrigger("before", "shutdown", self._interrupt)
        work = Deferred.fromCoroutine(self._work(self._reactor))
        self._done = work.addCallbacks(self._succeeded, self._failed)
        self._done.addBoth(self._stop)

    def _succeeded(self, status: int) -> None:
        self.status = int(status)

    def _failed(self, failure: Failure) -> None:
        self.status = _report(failure)

    def _stop(self, ignored: Any) -> None:
        self._done = None
        if not self._stopping:
            self._stopping = True
            self._reactor.stop()

    def _interrupt(self) -> Deferred[None] | None:
        """A signal ends the reactor, which waits until the work has ended too."""
        self._stopping = True
        done = self._done
        if done is None:
            return None
        ended: Deferred[None] = Deferred()
        done.addBoth(lambda ignored: ended.callback(None))
        done.cancel()
        return ended


def _report(failure: Failure) -> int:
    """Tell the user what went wrong, and return the exit status."""
    error: Any = failure.value
    if isinstance(error, BrokenPipeError):
        return closedOutput()
    status = statusOf(error)
    if isinstance(error, CancelledError):
        return int(Status.INTERRUPTED)
    if status is None:
        # A mistake of ours: whoever mends it needs to know where.
        print(block(failure.getTraceback()), file=sys.stderr)
        return int(Status.ERROR)
    complain(told(error))
    return int(status)


def beginLogging(verbose: bool) -> None:
    """
    Let the log go to stderr: mistakes only, or all of it.
    """
    observer = _observer(sys.stderr, LogLevel.debug if verbose else LogLevel.critical)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False, discardBuffer=True)


def run(work: Work, verbose: bool = False) -> int:
    """
    Run the reactor until the work is done, or a signal ends it: then what the
    work waits for is cancelled, and it may still clean up.

    @param verbose: whether all of the log is shown.
    @return: the exit status.
    """
    prepareOutput()
    beginLogging(verbose)
    reactor = theReactor()
    running = _Running(reactor, work)
    reactor.callWhenRunning(running.begin)
    reactor.run()
    return running.status

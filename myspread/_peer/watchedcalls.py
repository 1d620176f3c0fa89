"""
L{WatchedCalls}: calls of a peer that are timed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from myspread._peer.incoming import Find, IncomingCalls

__all__ = ["WatchedCalls"]

_run = IncomingCalls.run


class WatchedCalls(IncomingCalls):
    """
    Runs what one peer calls, and tells a watch how long each call took, until
    its answer was handed to the transport. What isn't watched has the plain
    L{IncomingCalls}, and pays nothing.
    """

    __slots__ = (
        "_began",
        "_failure",
        "_incident",
        "_method",
        "_seconds",
        "_slow",
        "_took",
        "_waits",
        "_watch",
        "_watched",
    )

    def __init__(self, calls: IncomingCalls, watch: Any, watched: Any, seconds: Callable[[], float]) -> None:
        """
        @param calls: the calls of a new connection, whose place this takes.
        @param watch: is told.
        @param watched: what it knows of the connection.
        @param seconds: tells the time.
        """
        super().__init__(calls._invoker, calls._outbox, calls.security, calls._giver)
        self._watch = watch
        self._took: Callable[[float], Any] = watch.counterFor(watched)
        self._slow = inf if watch.slowCall is None else watch.slowCall
        self._watched = watched
        self._seconds = seconds
        self._began = 0.0
        self._method: bytes | str = ""
        self._waits = False
        self._failure: BaseException | None = None
        self._incident: str | None = None

    def run(
        self, find: Find, request: int, luid: Any, message: bytes | str, wanted: Any, args: Any, kw: Any
    ) -> None:
        """Run a call, and time it."""
        # A call may be run within another.
        outer = (self._began, self._method) if self._outbox.handling else None
        self._method = message
        self._began = began = self._seconds()
        _run(self, find, request, luid, message, wanted, args, kw)
        if self._waits:
            self._waits = False
        else:
            seconds = self._seconds() - began
            self._took(seconds)
            if seconds >= self._slow or self._failure is not None:
                self._tellWatch(message, seconds)
        if outer is not None:
            self._began, self._method = outer

    def _waitFor(self, result: Deferred[Any], request: int, wanted: Any) -> None:
        self._waits = True
        message, began = self._method, self._began
        IncomingCalls._waitFor(self, result, request, wanted)
        # It is the last to see the result: the answer has been sent.
        result.addBoth(self._over, message, began)

    def _over(self, result: Any, message: bytes | str, began: float) -> Any:
        seconds = self._seconds() - began
        self._took(seconds)
        if seconds >= self._slow or self._failure is not None:
            self._tellWatch(message, seconds)
        return result

    def _tellWatch(self, message: bytes | str, seconds: float) -> None:
        error, incident = self._failure, self._incident
        self._failure = self._incident = None
        if seconds >= self._slow:
            outcome = "answered" if error is None else "failed"
            self._watch.slow(self._watched, message, seconds, outcome, incident)
        if error is not None:
            self._watch.failed(self._watched, error)

    def _note(self, error: BaseException | None) -> None:
        # The watch is told once it is known how long the call took.
        self._failure = error

    def _tell(self, text: str, failure: Failure | None = None, **fields: Any) -> None:
        self._incident = fields.get("incident")
        IncomingCalls._tell(self, text, failure, **fields)

"""
In which order messages leave.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from myspread._errors import BananaError

__all__ = ["Outbox"]

_log = Logger()

Write = Callable[[Any], None]


class Outbox:
    """
    Keeps two orders that the peer relies on.

    What is sent while an object is being serialised (say, a change that is
    told to the observer of a half-finished cache) leaves after the message
    that the object belongs to. What is given back while a call is being
    handled is given back after its answer, which may still name it.

    @ivar converting: how many objects are being serialised now, one within the
        other.
    @ivar handling: how many calls of the peer are being handled now.
    """

    __slots__ = ("_check", "_releases", "_waiting", "_write", "converting", "handling")

    def __init__(self, write: Write, check: Write) -> None:
        """
        @param write: encodes an expression and writes it, or raises
            L{BananaError} and writes nothing.
        @param check: raises L{BananaError} for what can't be encoded.
        """
        self._write = write
        self._check = check
        self.converting = 0
        self.handling = 0
        # Lists, because there are hardly ever any, and an empty deque takes 700 bytes.
        self._waiting: list[Any] = []
        self._releases: list[Any] = []

    def send(self, expression: Any) -> None:
        """
        Write a message, now or after the one that is being serialised.

        @raise BananaError: when it can't be encoded.
        """
        if self.converting:
            # Once it is due, nobody is there any more to hear of an error.
            self._check(expression)
            self._waiting.append(expression)
            return
        self._write(expression)
        if self._waiting:
            self.sendWaiting()

    def sendWaiting(self) -> None:
        """Write what had to wait, unless it still has to."""
        if self.converting:
            return
        waiting, self._waiting = self._waiting, []
        for expression in waiting:
            try:
                self._write(expression)
            except BananaError:
                _log.failure("A message that had to wait could not be encoded, and is lost.")

    def release(self, expression: Any) -> None:
        """Write that something is given back, now or after the next answer."""
        if self.handling:
            self._releases.append(expression)
        else:
            self.send(expression)

    def handled(self) -> None:
        """The handling of a call has ended, its answer is sent."""
        self.handling -= 1
        if not self.handling:
            self.sendWaiting()
            while self._releases:
                releases, self._releases = self._releases, []
                for expression in releases:
                    self.send(expression)

    def clear(self) -> None:
        """The connection is lost: nothing will be written any more."""
        self._waiting.clear()
        self._releases.clear()

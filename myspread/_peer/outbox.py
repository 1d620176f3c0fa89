"""
In which order messages leave.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.logger import Logger

from myspread._errors import BananaError

__all__ = ["Outbox"]

_log = Logger()


class IWriter(Protocol):
    """
    What an outbox needs of the broker.
    """

    def sendEncoded(self, obj: Any) -> None:
        """Encode an expression and write it, or raise L{BananaError} and write nothing."""

    def checkEncodable(self, obj: Any) -> None:
        """Raise L{BananaError} for what can't be encoded."""


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
    @ivar waiting: what leaves after the message that is being made; None for
        nothing. A message may leave at once if there is none, and nothing is
        being serialised.
    """

    __slots__ = ("_releases", "_writer", "converting", "handling", "waiting")

    def __init__(self, writer: IWriter) -> None:
        self._writer = writer
        self.converting = 0
        self.handling = 0
        # There are hardly ever any.
        self.waiting: list[Any] | None = None
        self._releases: list[Any] | None = None

    def send(self, expression: Any) -> None:
        """
        Write a message, now or after the one that is being serialised.

        @raise BananaError: when it can't be encoded.
        """
        if self.converting:
            # Once it is due, nobody is there any more to hear of an error.
            self._writer.checkEncodable(expression)
            if self.waiting is None:
                self.waiting = []
            self.waiting.append(expression)
            return
        self._writer.sendEncoded(expression)
        if self.waiting:
            self.sendWaiting()

    def sendWaiting(self) -> None:
        """Write what had to wait, unless it still has to."""
        if self.converting:
            return
        waiting, self.waiting = self.waiting, None
        for expression in waiting or ():
            try:
                self._writer.sendEncoded(expression)
            except BananaError:
                _log.failure("A message that had to wait could not be encoded, and is lost.")

    def release(self, expression: Any) -> None:
        """Write that something is given back, now or after the next answer."""
        if self.handling:
            if self._releases is None:
                self._releases = []
            self._releases.append(expression)
        else:
            self.send(expression)

    def handled(self) -> None:
        """The handling of a call has ended, its answer is sent."""
        self.handling -= 1
        if not self.handling:
            if self.waiting:
                self.sendWaiting()
            while self._releases:
                releases, self._releases = self._releases, None
                for expression in releases:
                    self.send(expression)

    def clear(self) -> None:
        """The connection is lost: nothing will be written any more."""
        self.waiting = self._releases = None

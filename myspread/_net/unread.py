"""
L{UnreadAnswers}: whether a peer reads what it has asked for.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from myspread._net.reasons import UNREAD

__all__ = ["UnreadAnswers"]


@implementer(IPushProducer)
class UnreadAnswers:
    """
    Watches the transport of a broker that has written many answers, until it
    is found that they are read. Beyond C{Limits.unreadAnswers}, the broker has
    to wait; if the peer then reads nothing for C{Limits.unreadTime}, the
    connection is closed.

    It watches as a producer. Not for longer than it must: others may want to be
    the producer, and over TLS a connection with one isn't closed.
    """

    __slots__ = ("_broker", "_call", "_full", "_position", "_registered")

    def __init__(self, broker: Any) -> None:
        """
        @param broker: a L{Connection<myspread._net.connection.Connection>}.
        """
        self._broker = broker
        self._full = False
        self._registered = False
        self._call: Any = None
        self._position: Any = None

    def begin(self) -> bool:
        """
        Begin to watch.

        @return: False when that isn't possible, as the application has a
            producer of its own there.
        """
        broker = self._broker
        if broker.isPaging:
            # The pagers are asked for more when the transport is empty.
            self._full = True
            return True
        try:
            broker.transport.registerProducer(self, True)
        except RuntimeError:
            return False
        self._registered = True
        if self._call is None:
            self._call = broker.clock.callLater(0, self._written)
        return True

    def _written(self) -> None:
        # TLS writes what was gathered now, in the same turn as we are called.
        self._call = self._broker.clock.callLater(0, self._lookIfFull)

    def _lookIfFull(self) -> None:
        self._call = None
        if not self._full:
            self._broker.answersRead()

    # IPushProducer

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._full = True
        self.answered()

    def resumeProducing(self) -> None:
        """The transport is empty: the peer has read everything."""
        self._broker.answersRead()

    def stopProducing(self) -> None:
        """The connection is lost, and soon the broker will know."""

    # What the broker tells

    def answered(self) -> None:
        """There is one more answer."""
        broker = self._broker
        if self._full and broker.answerBytes > broker.limits.unreadAnswers and self._position is None:
            broker.holdReading(UNREAD)
            self._expect()

    def end(self) -> None:
        """Watch no more."""
        self._cancel()
        if self._registered:
            self._registered = False
            self._broker.transport.unregisterProducer()

    def connectionLost(self) -> None:
        """There is nothing to watch any more."""
        self._cancel()

    def _cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None

    # The time that the peer has

    def _expect(self) -> None:
        self._cancel()
        self._position = self._whereItIs()
        self._call = self._broker.clock.callLater(self._broker.limits.unreadTime, self._timeIsUp)

    def _whereItIs(self) -> tuple[int, int]:
        """What changes whenever a transport of Twisted's has sent something."""
        transport = self._broker.transport
        return len(getattr(transport, "dataBuffer", b"")), getattr(transport, "offset", 0)

    def _timeIsUp(self) -> None:
        self._call = None
        if self._position != self._whereItIs():
            self._expect()
            return
        broker = self._broker
        broker.closeConnection(
            f"the peer has read none of its {broker.answerBytes} bytes of answers for"
            f" {broker.limits.unreadTime:g} seconds (Limits.unreadAnswers, Limits.unreadTime)"
        )
        broker.transport.abortConnection()

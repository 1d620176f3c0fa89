"""
How a connection reads: in order, in turns, and not while there is a reason to
wait.
"""

from __future__ import annotations

from math import inf
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from myspread._codec import newDecoder
from myspread._net.reasons import TURN
from myspread._net.turns import Turns
from myspread._net.unfinished import FREE, UnfinishedMessages
from myspread.limits import Limits

__all__ = ["Reading"]

_log = Logger()


def _noTime() -> float:
    return 0.0


class Reading:
    """
    Handles what arrives, message by message. While there is a reason to
    wait, nothing more is read; what is there already waits, in order.

    @ivar clock: provides C{IReactorTime}. Without one, a turn takes as long as
        there is something to do.
    @ivar turns: the connections of the same factory that have more to do than
        one turn allows, or None.
    @ivar unfinishedMessages: what all peers of the factory have sent of
        messages that aren't whole, or None.
    @ivar unfinished: for how much this connection counts there.
    """

    clock: IReactorTime | None = None
    turns: Turns | None = None
    unfinishedMessages: UnfinishedMessages | None = None
    transport: Any
    isClient: Any
    unfinished = 0
    _decoder: Any
    _decoding = False
    _closing = False
    _reasons = 0
    _began = 0.0
    # Whether we gather what is written, as TLS does by itself.
    _gathers = False
    # The reason of the loss, in a list, while the rest is still to be handled.
    _lossWaits: list[Any] | None = None

    def __init__(self) -> None:
        # What has arrived and isn't handled; b"" stands for the decoder's rest.
        self._backlog: list[bytes] = []

    @property
    def limits(self) -> Limits:
        """The bounds of this connection."""
        raise NotImplementedError

    def callExpressionReceived(self, obj: Any) -> None:
        """Hand an expression on."""
        raise NotImplementedError

    def closeConnection(self, reason: str) -> None:
        """Close the connection because the peer has broken the rules."""
        raise NotImplementedError

    def _flush(self) -> None:
        """Write what was gathered meanwhile."""
        raise NotImplementedError

    # Handling

    def dataReceived(self, data: bytes) -> None:
        """
        Decode what has arrived and hand on each whole expression; nothing more
        once the peer has broken the rules.

        @raise BananaError: when it isn't Banana, or exceeds a limit. What came
            before has been handed on; the stream is unreadable from here.
        """
        if self._closing:
            return
        # What is handed on may lead to more data at once, on transports in
        # memory; and TLS hands on what it has when reading is paused.
        self._backlog.append(data)
        if not (self._decoding or self._reasons):
            self._handle()

    def _handle(self, inTurns: bool = True) -> None:
        """
        Handle what has arrived.

        @param inTurns: whether only as long as this turn lasts.
        """
        seconds, end = _noTime, inf
        if inTurns and self.clock is not None:
            seconds = self.clock.seconds
            self._began = seconds()
            turnTime = self.limits.turnTime
            end = self._began + (turnTime if self.turns is None else self.turns.share(turnTime))
        self._decoding = True
        backlog, decoder = self._backlog, self._decoder
        decoder.limits = self.limits
        expression = None
        try:
            while backlog:
                for expression in decoder.feed(backlog.pop(0)):
                    self.callExpressionReceived(expression)
                    if self._closing or self._reasons > TURN or seconds() >= end:
                        self._interrupted()
                        return
            self._reasons &= ~TURN
            if self.unfinishedMessages is not None:
                waiting = decoder.waitingBytes
                if (waiting > FREE or self.unfinished) and self.clock is not None:
                    self.unfinishedMessages.count(self, waiting, expression is not None)
        finally:
            self._decoding = False
            self._flush()

    def _interrupted(self) -> None:
        """Leave the rest for later."""
        if self._closing:
            return
        self._backlog.insert(0, b"")
        if self._reasons > TURN:
            self._reasons &= ~TURN
        else:
            self._waitForTurn()

    def _waitForTurn(self) -> None:
        self.holdReading(TURN)
        if self.turns is None:
            self.turns = Turns()
        assert self.clock is not None
        self.turns.wait(self, self.clock)

    def goOn(self) -> None:
        """It is our turn to handle what was left."""
        if self._closing or self._reasons > TURN:
            self._reasons &= ~TURN
        elif self._reasons:
            self._handleRest()
        if self._lossWaits is not None:
            if self._closing or not self._backlog:
                self._connectionEnded(self._lossWaits.pop())
        elif not (self._closing or self._reasons):
            self._setReading(True)

    def _handleRest(self) -> None:
        try:
            self._handle()
        # As the reactor does with what dataReceived raises.
        except Exception:
            _log.failure("What the peer has sent could not be handled, disconnecting.")
            self._stopReceiving()
            self.transport.abortConnection()

    # Reasons to wait

    def holdReading(self, reason: int) -> None:
        """Read nothing more as long as a reason holds."""
        if self._closing or self._lossWaits is not None:
            # There is nothing to read any more, and nobody to wait for.
            reason &= TURN
        if reason and not self._reasons:
            self._setReading(False)
        self._reasons |= reason

    def releaseReading(self, reason: int) -> None:
        """A reason doesn't hold any more."""
        if not self._reasons & reason:
            return
        self._reasons &= ~reason
        if self._reasons or self._closing:
            return
        if self._backlog and not self._decoding:
            self._waitForTurn()
        else:
            self._setReading(True)

    def _setReading(self, reads: bool) -> None:
        if self._gathers and getattr(self.transport, "disconnecting", False):
            # It isn't read any more. Over TLS, the peer's last word still is.
            return
        act = getattr(self.transport, "resumeProducing" if reads else "pauseProducing", None)
        if act is not None:
            act()

    # The end

    def _stopReceiving(self) -> None:
        """Forget what has arrived, and ignore what will."""
        self._closing = True
        self._backlog.clear()
        self._decoder = newDecoder(self.limits)
        if self.unfinishedMessages is not None and self.unfinished:
            self.unfinishedMessages.forget(self)

    def connectionLost(self, reason: Any = None) -> None:
        """
        The connection is lost. What arrived before is handled first, and on a
        server in turns, too.
        """
        if self._lossWaits is not None:
            return
        if self._backlog and self._reasons and not self._closing:
            waitsForTurn = self._reasons & TURN
            self._reasons = waitsForTurn
            if not self.isClient:
                self._lossWaits = [reason]
                if not waitsForTurn:
                    self._waitForTurn()
                return
            # Connectors tell their factory at once.
            self._reasons = 0
            self._handle(False)
        self._connectionEnded(reason)

    def _connectionEnded(self, reason: Any) -> None:
        """The connection is lost, and nothing is left of what arrived."""
        self._stopReceiving()

"""
How a connection reads: in order, in turns, and not while there is a reason to
wait.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from myspread._codec import Dialect, giveDecoder, takeDecoder
from myspread._net.reasons import CLOSED, TURN
from myspread._net.together import Together
from myspread._net.unfinished import FREE
from myspread.limits import Limits, defaultLimits

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
    @ivar together: what it shares with the other connections of its factory,
        or None.
    @ivar unfinished: for how much it counts among the messages of all of them
        that aren't whole.
    """

    clock: IReactorTime | None = None
    together: Together | None = None
    transport: Any
    isClient: Any
    unfinished = 0
    # None for those that hold for all.
    _limits: Limits | None = None
    _dialect: Dialect | None = None
    # None while nothing of the stream is kept.
    _decoder: Any = None
    _decoding = False
    _reasons = 0
    _heard = 0.0
    # Whether we gather what is written, as TLS does by itself.
    _gathers = False
    # The reason of the loss, in a list, while the rest is still to be handled.
    _lossWaits: list[Any] | None = None
    # How nearly all connections begin, until it has come; None for nothing that is known.
    _beginning: Any = None
    # What has arrived and isn't handled; b"" stands for the decoder's rest. None for nothing.
    _backlog: list[bytes] | None = None

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

    def _consumerFor(self, decoder: Any) -> Callable[[Any], Any]:
        """
        What is given the expressions of a decoder. It says whether what is inside
        of them may stay as it has arrived: C{decoder.lazy}.
        """
        decoder.lazy = False
        return self.callExpressionReceived

    def _hearBeginning(self) -> None:
        """Take what nearly all peers send at first, if it is that, and answer it."""
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
        reasons = self._reasons
        if reasons & CLOSED:
            return
        # What is handed on may lead to more data at once, on transports in
        # memory; and TLS hands on what it has when reading is paused.
        if self._backlog is None:
            self._backlog = [data]
        else:
            self._backlog.append(data)
        if not (reasons or self._decoding):
            self._handle()

    def _handle(self, inTurns: bool = True) -> None:
        """
        Handle what has arrived.

        @param inTurns: whether only as long as this turn lasts.
        """
        limits, together = self._limits or defaultLimits(), self.together
        seconds, end = _noTime, inf
        if inTurns and self.clock is not None:
            seconds = self.clock.seconds
            self._heard = began = seconds()
            end = began + limits.turnTime
            if together is not None and together.turns.waiting:
                end = began + together.turns.share(limits.turnTime)
        self._decoding = True
        decoder = self._decoder
        try:
            if decoder is None:
                if self._beginning is not None:
                    self._hearBeginning()
                    if not self._backlog or self._reasons > TURN:
                        self._reasons &= ~TURN
                        return
                    limits = self._limits or defaultLimits()
                decoder = self._decoder = takeDecoder(limits, self._dialect)
            else:
                decoder.limits = limits
            consume = self._consumerFor(decoder)
            while self._backlog:
                expression = None
                data = self._backlog.pop(0)
                for expression in decoder.feed(data):
                    consume(expression)
                    if self._reasons > TURN or seconds() >= end:
                        self._interrupted()
                        return
                if together is not None and (
                    expression is None or self.unfinished or not 0 < len(data) <= FREE
                ):
                    self._countUnfinished(together, expression is not None)
            if self._reasons:
                self._reasons &= ~TURN
        finally:
            self._decoding = False
            if decoder is not None and decoder.isIdle and decoder is self._decoder:
                self._decoder = None
                giveDecoder(decoder)
            if not self._backlog:
                self._backlog = None
            self._flush()

    def silentFor(self, now: float) -> float:
        """
        How many seconds ago the peer was last heard.

        @param now: the time of the clock.
        """
        return now - self._heard

    def _countUnfinished(self, together: Together, isNew: bool) -> None:
        waiting = self._decoder.waitingBytes
        if (waiting > FREE or self.unfinished) and self.clock is not None:
            together.unfinishedMessages.count(self, waiting, isNew)

    def _interrupted(self) -> None:
        """Leave the rest for later."""
        if self._reasons & CLOSED:
            return
        self._backlog = [b"", *(self._backlog or ())]
        if self._reasons > TURN:
            self._reasons &= ~TURN
        else:
            self._waitForTurn()

    def _waitForTurn(self) -> None:
        self.holdReading(TURN)
        if self.together is None:
            self.together = Together()
        assert self.clock is not None
        self.together.turns.wait(self, self.clock)

    def goOn(self) -> None:
        """It is our turn to handle what was left."""
        if self._reasons > TURN:
            self._reasons &= ~TURN
        elif self._reasons:
            self._handleRest()
        if self._lossWaits is not None:
            if not self._backlog:
                self._connectionEnded(self._lossWaits.pop())
        elif not self._reasons:
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
        if self._reasons & CLOSED or self._lossWaits is not None:
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
        if self._reasons:
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
        self._reasons |= CLOSED
        self._backlog = None
        self._decoder = None
        if self.together is not None and self.unfinished:
            self.together.unfinishedMessages.forget(self)

    def connectionLost(self, reason: Any = None) -> None:
        """
        The connection is lost. What arrived before is handled first, and on a
        server in turns, too.
        """
        if self._lossWaits is not None:
            return
        if self._backlog and self._reasons and not self._reasons & CLOSED:
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

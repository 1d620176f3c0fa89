"""
Banana as a Twisted protocol.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.persisted.styles import Ephemeral

from myspread._codec import (
    DIALECTS,
    PB,
    Decoder,
    Dialect,
    Handshake,
    PlainEncoder,
    encode,
    keepLargeBlocks,
)
from myspread._errors import BananaError
from myspread._net.reading import Reading
from myspread._net.sending import BURST, MOST_DIRECT, isDirect, sendAtOnce
from myspread.limits import Limits, changeDefaults, defaultLimits

__all__ = ["Banana", "decodeOne", "encodeOne", "setPrefixLimit"]

_log = Logger()

MOST_GATHERED = 64 * 1024
"""
Bytes after which messages are written even while a chunk is being handled.
Until then they leave together: each write costs the reactor as much as a call.
"""

UNWATCHED = 64 * 1024
"""
Bytes of answers that are written before anybody looks whether they are read.
What a transport can keep without saying that it is full is as much.
"""

_ANSWERS = frozenset({b"answer", b"error", b"didNotUnderstand", b"decref", b"decache", b"uncache"})
"""What we send because of what a peer has sent: it can have as much of it as it wants."""


def setPrefixLimit(limit: int) -> None:
    """
    Set how many base-128 digits may stand before a delimiter byte, on every
    connection that has no limit of its own: C{Limits.prefixLength}.
    """
    changeDefaults(prefixLength=limit)


def encodeOne(lst: Any) -> bytes:
    """
    The bytes of an s-expression in the dialect C{none}.

    @raise BananaError: when it contains what Banana can't carry.
    """
    return encode(lst, limits=defaultLimits())


def decodeOne(st: bytes) -> Any:
    """
    The first s-expression of some bytes in the dialect C{none}.

    @raise BananaError: when they aren't Banana.
    @raise IndexError: when they contain no whole expression.
    """
    for expression in Decoder(defaultLimits(), DIALECTS[b"none"]).feed(st):
        return expression
    raise IndexError("the bytes contain no whole expression")


class Banana(Reading, Protocol, Ephemeral):
    """
    Sends and receives s-expressions. Subclasses override
    L{expressionReceived}, and L{connectionReady} to learn when to begin.

    @cvar knownDialects: names of the dialects, the preferred one first.
    @cvar sendsDirectly: whether to offer a message to the socket before the
        reactor is asked, where the transport is one of the reactor's own.
    @ivar isClient: whether we opened the connection.
    @ivar currentDialect: the name of the negotiated dialect, None before.
    @ivar answerBytes: bytes of answers that perhaps aren't read yet; None where
        they aren't counted.
    """

    sendsDirectly = True
    knownDialects: ClassVar[list[bytes]] = [b"pb", b"none"]
    outgoingVocabulary: ClassVar[dict[bytes, int]] = dict(PB.words)
    incomingVocabulary: ClassVar[dict[int, bytes]] = dict(PB.vocabulary)

    currentDialect: bytes | None = None
    # Set where what is written can be offered to a socket.
    _directClock: IReactorTime | None = None
    _sentAt = 0.0
    answerBytes: int | None = None
    # What waits to be written: nothing, one message, or several.
    _gathered: bytes | list[bytes] | None = None
    _gatheredBytes = 0

    def __init__(self, isClient: Any = 1, *, limits: Limits | None = None) -> None:
        """
        @param limits: bounds for this connection; by default those of all that
            have none of their own.
        """
        self.isClient = isClient
        self._limits = limits

    @property
    def limits(self) -> Limits:
        """The bounds of this connection."""
        return self._limits or defaultLimits()

    @limits.setter
    def limits(self, limits: Limits | None) -> None:
        self._limits = limits

    @property
    def prefixLimit(self) -> int:
        """C{limits.prefixLength}, under the name of C{twisted.spread}."""
        return self.limits.prefixLength

    @prefixLimit.setter
    def prefixLimit(self, limit: int) -> None:
        self.setPrefixLimit(limit)

    @property
    def sizeLimit(self) -> int:
        """C{limits.stringLength}, under the name of C{twisted.spread}."""
        return self.limits.stringLength

    @sizeLimit.setter
    def sizeLimit(self, limit: int) -> None:
        self.limits = replace(self.limits, stringLength=limit, listLength=limit)

    def setPrefixLimit(self, limit: int) -> None:
        """Set C{limits.prefixLength} for this connection."""
        self.limits = replace(self.limits, prefixLength=limit)

    def connectionMade(self) -> None:
        """Begin the handshake."""
        keepLargeBlocks()
        # What is written after loseConnection still leaves, but not over TLS,
        # which gathers by itself.
        self._gathers = not hasattr(self.transport, "getPeerCertificate")
        if self.sendsDirectly and isDirect(self.transport):
            self._directClock = self.clock
        self.currentDialect = None
        self._begin()

    def _begin(self) -> None:
        """Send what comes first."""
        offer = Handshake(bool(self.isClient), self.knownDialects).opening()
        if offer is not None:
            self.sendEncoded(offer)

    def connectionReady(self) -> None:
        """The dialect is negotiated. Subclasses override this."""

    def _selectDialect(self, dialect: bytes) -> None:
        self.currentDialect = dialect
        self._dialect = DIALECTS.get(dialect) or Dialect(dialect, {}, {})
        if self._decoder is not None:
            self._decoder.dialect = self._dialect
        self.connectionReady()

    def callExpressionReceived(self, obj: Any) -> None:
        """Hand an expression on: to the handshake, or L{expressionReceived}."""
        if self.currentDialect is not None:
            self.expressionReceived(obj)
            return
        handshake = Handshake(bool(self.isClient), self.knownDialects)
        handshake.opening()
        try:
            answer, dialect = handshake.receive(obj)
        except BananaError as error:
            self.closeConnection(f"The handshake failed: {error}")
            return
        if answer is not None:
            self.sendEncoded(answer)
        self._selectDialect(dialect.name)

    def closeConnection(self, reason: str) -> None:
        """
        Close the connection because the peer has broken the rules: it gets
        what is written already, and nothing that it sends counts any more.

        @param reason: for the log.
        """
        self._warn("Closing the connection to {peer}: {reason}", peer=self.transport.getPeer(), reason=reason)
        self._stopReceiving()
        self._flush()
        self.transport.loseConnection()

    def _warn(self, text: str, **fields: Any) -> None:
        """Write an entry that the peer has caused to the log."""
        _log.warn(text, **fields)

    def expressionReceived(self, lst: Any) -> None:
        """
        An expression has arrived: bytes, int, float, or a list of expressions.
        Subclasses override this.

        @raise NotImplementedError: always.
        """
        raise NotImplementedError(f"{type(self).__qualname__} must override expressionReceived")

    def sendEncoded(self, obj: Any) -> None:
        """
        Encode an expression and write it.

        @param obj: bytes, int, float, or a list or tuple of expressions.
        @raise BananaError: when it contains anything else, or exceeds a limit;
            then nothing is written.
        """
        isAnswer = type(obj) is tuple and obj and obj[0] in _ANSWERS
        self.sendWritten(self._encoded(obj), bool(isAnswer))

    def sendWritten(self, data: bytes, isAnswer: bool = False) -> None:
        """
        Write a message that is encoded already.

        @param isAnswer: whether it leaves because of what the peer has sent.
        """
        if isAnswer:
            count = self.answerBytes
            if count is not None:
                self.answerBytes = count = count + len(data)
                if count > UNWATCHED:
                    self._watchAnswers()
        if self._decoding and self._gathers:
            gathered = self._gathered
            if gathered is None:
                self._gathered = data
            elif isinstance(gathered, list):
                gathered.append(data)
            else:
                self._gathered = [gathered, data]
            self._gatheredBytes += len(data)
            if self._gatheredBytes < MOST_GATHERED:
                return
            self._flush()
        else:
            self._write(data)

    def _flush(self) -> None:
        """Write what was gathered while a chunk was being handled."""
        gathered = self._gathered
        if gathered is not None:
            self._gathered = None
            self._gatheredBytes = 0
            self._write(gathered if isinstance(gathered, bytes) else b"".join(gathered))

    def _write(self, data: bytes) -> None:
        """Send it, at once where that can be done and pays."""
        clock = self._directClock
        if clock is not None and len(data) <= MOST_DIRECT:
            now = clock.seconds()
            if not 0 <= now - self._sentAt < BURST:
                self._sentAt = now
                data = sendAtOnce(self.transport, data)
                if not data:
                    return
        self.transport.write(data)

    def _watchAnswers(self) -> None:
        """Find out whether the peer reads its answers. Subclasses override this."""

    def plainEncoder(self) -> PlainEncoder | None:
        """What writes plain values directly, where there is an accelerator."""
        return None

    def checkEncodable(self, obj: Any) -> None:
        """
        Find out whether an expression that has to wait can be sent later.

        @raise BananaError: when it can't be encoded.
        """
        self._encoded(obj)

    def _encoded(self, obj: Any) -> bytes:
        encoder = self.plainEncoder() if type(obj) is tuple else None
        if encoder is not None:
            data = encoder.message(obj)
            if data is not None:
                return data
        return encode(obj, self._dialect or DIALECTS[b"none"], self.limits)

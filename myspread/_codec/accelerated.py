"""
The decoders and the encoder that take the short way: between plain values and
bytes in one step, with the accelerator or without.

They leave to L{Decoder} and L{encode} whatever that way doesn't judge: so
limits and errors have one definition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from myspread._codec.decoder import Decoder
from myspread._codec.dialect import NONE, Dialect
from myspread._codec.tokens import Encoded, Expression
from myspread._native import accelerator, plain, portable, tablesFor
from myspread.limits import Limits

__all__ = [
    "AcceleratedDecoder",
    "PlainEncoder",
    "PortableDecoder",
    "encoderFor",
    "giveDecoder",
    "newDecoder",
    "takeDecoder",
]

_MORE = -1

_MOST_IDLE = 8
"""How many decoders of one dialect wait for data. Few connections handle some at the same time."""

_idle: defaultdict[bytes, list[Any]] = defaultdict(list)
"""By name of the dialect, decoders with nothing in them."""


class AcceleratedDecoder:
    """
    As L{Decoder}, for the same bytes.

    @ivar lazy: Whether lists inside an expression stay
        L{Raw<myspread._native.Raw>}.
    """

    __slots__ = ("_data", "_dialect", "_limits", "_position", "_pure", "_scanner", "lazy")

    def __init__(self, limits: Limits, dialect: Dialect | None = None) -> None:
        """
        @param limits: What the peer may send.
        @param dialect: The dialect in force, C{None} before the handshake.
        """
        self.lazy = False
        self._data = b""
        self._position = 0
        self._limits = limits
        self._dialect = dialect
        self._pure: Decoder | None = None
        self._scanner = self._newScanner()

    def _newScanner(self) -> Any:
        dialect = self._dialect or NONE
        limits = self._limits
        return accelerator.Scanner(
            tablesFor(dialect.name, dialect.words),
            limits.stringLength,
            limits.listLength,
            limits.prefixLength,
            limits.nestingDepth,
            limits.messageLength,
            limits.elements,
        )

    @property
    def waitingBytes(self) -> int:
        """As L{Decoder.waitingBytes}; the accelerator keeps bytes only."""
        if self._pure is not None:
            return self._pure.waitingBytes
        waiting: int = self._scanner.waitingBytes
        return waiting

    @property
    def limits(self) -> Limits:
        """What the peer may send."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        if limits is not self._limits:
            self._limits = limits
            self._changed()

    @property
    def dialect(self) -> Dialect | None:
        """The dialect in force; it may be set between expressions."""
        return self._dialect

    @dialect.setter
    def dialect(self, dialect: Dialect | None) -> None:
        if dialect is not self._dialect:
            self._dialect = dialect
            self._changed()

    @property
    def isIdle(self) -> bool:
        """As L{Decoder.isIdle}."""
        if self._pure is not None or self._position < len(self._data):
            return False
        return not self._scanner.waitingBytes

    def forget(self) -> None:
        """As L{Decoder.forget}."""
        self._data = b""
        self._position = 0

    def _changed(self) -> None:
        if self._pure is not None:
            self._pure.limits = self._limits
            self._pure.dialect = self._dialect
        elif self._scanner.waitingBytes:
            self._goPure(b"")
        else:
            self._scanner = self._newScanner()

    def _goPure(self, data: bytes) -> None:
        pure = Decoder(self._limits, self._dialect)
        waiting = self._scanner.waiting
        pure.feed(waiting + data)
        # It hasn't looked at them yet.
        pure.waitingBytes = len(waiting)
        self._pure = pure

    def feed(self, data: bytes) -> Iterator[Expression]:
        """
        As L{Decoder.feed}.

        @raise BananaError: As there.
        """
        if self._pure is not None:
            self._pure.feed(data)
        elif self._position == len(self._data):
            self._data = bytes(data)
            self._position = 0
        elif data:
            self._data = self._data[self._position :] + data
            self._position = 0
        return self._expressions()

    def _expressions(self) -> Iterator[Expression]:
        while self._position < len(self._data):
            start = self._position
            end = self._scanner.scan(self._data, start)
            if end >= 0:
                self._position = end
                yield self._scanner.take(self._data, start, end, self.lazy)
                continue
            data, self._data = self._data, b""
            self._position = 0
            if end != _MORE:
                self._goPure(data[start:])
        if self._pure is not None:
            yield from self._pure.feed(b"")
            self._leavePure()

    def _leavePure(self) -> None:
        """
        Go back to the scanner, unless an expression isn't whole: it was the
        limits that had changed in the middle of one.
        """
        if self._pure is not None and not self._pure.waitingBytes:
            self._pure = None
            self._scanner = self._newScanner()


_readers: dict[bytes, tuple[Limits, portable.Reader]] = {}
"""By name of the dialect, the reader that was asked for last, and its limits."""


def _readerFor(dialect: Dialect, limits: Limits) -> portable.Reader:
    known = _readers.get(dialect.name)
    if known is not None and known[0] is limits:
        return known[1]
    reader = portable.Reader(
        tablesFor(dialect.name, dialect.words, portable),
        limits.stringLength,
        limits.listLength,
        limits.prefixLength,
        limits.nestingDepth,
        limits.messageLength,
        limits.elements,
    )
    _readers[dialect.name] = limits, reader
    return reader


class PortableDecoder(Decoder):
    """
    A L{Decoder} that reads whole messages of plain values in one step.

    @ivar lazy: As L{AcceleratedDecoder.lazy}.
    """

    lazy = False

    def _expressions(self) -> Iterator[Expression]:
        reader = limits = dialect = None
        while True:
            if self.lazy and not self.waitingBytes and self._error is None:
                if self._position == len(self._data):
                    return
                if reader is None or limits is not self.limits or dialect is not self.dialect:
                    limits, dialect = self.limits, self.dialect
                    reader = _readerFor(dialect or NONE, limits)
                found = reader.message(self._data, self._position)
                if found is not None:
                    message, self._position = found
                    yield message
                    continue
            if not self._advance():
                return
            yield self._stream.pop()


class PlainEncoder:
    """
    Writes plain values in one dialect, within some limits.

    @ivar limits: The limits.
    @ivar call: Returns the whole message of a call with plain arguments, or
        C{None} for what the pure modules have to do; given the command, the
        ids of the call and of the object, the method, whether an answer is
        wanted, and both kinds of arguments.
    @ivar answer: Returns the whole message that answers a call with a plain
        value, or C{None} as above; given the id of the call and the value.
    """

    __slots__ = ("_encode", "_message", "answer", "call", "limits")

    def __init__(self, dialect: Dialect, limits: Limits, converter: Any = plain) -> None:
        """
        @param dialect: The dialect of the connection.
        @param limits: What we may send.
        @param converter: The module that writes.
        """
        self.limits = limits
        # The form stands inside a message.
        depth = max(limits.nestingDepth - 1, 0)
        tables = tablesFor(dialect.name, dialect.words, converter)
        encoder = converter.Encoder(
            tables,
            limits.stringLength,
            limits.listLength,
            depth,
            limits.messageLength,
            limits.elements,
        )
        self._encode = encoder.encode
        self._message = encoder.message
        # Each call would pay for a method in between.
        self.call: Callable[
            [bytes, int, int | bytes, bytes, int, tuple[Any, ...], dict[str, Any]], bytes | None
        ] = encoder.call
        self.answer: Callable[[int, object], bytes | None] = encoder.answer

    def encode(self, value: object) -> Encoded | None:
        """
        The form of a plain value, or C{None} for what the pure modules have to
        do.
        """
        encoded: Encoded | None = self._encode(value, Encoded)
        return encoded

    def message(self, expression: tuple[Any, ...]) -> bytes | None:
        """
        A message of numbers, byte strings and L{Encoded}s as bytes, or
        C{None} for any other.
        """
        data: bytes | None = self._message(expression, Encoded)
        return data


_encoders: dict[bytes, PlainEncoder] = {}
"""By name of the dialect, the encoder that was asked for last."""


def encoderFor(dialect: Dialect, limits: Limits) -> PlainEncoder:
    """
    The encoder of all connections that have this dialect and these limits. It
    keeps nothing from one call to the next.
    """
    encoder = _encoders.get(dialect.name)
    # Limits take long to hash and to compare, and most connections share theirs.
    if encoder is None or encoder.limits is not limits:
        encoder = _encoders[dialect.name] = PlainEncoder(dialect, limits)
    return encoder


def newDecoder(limits: Limits) -> Any:
    """
    A decoder for a new connection.
    """
    return PortableDecoder(limits) if accelerator is None else AcceleratedDecoder(limits)


def takeDecoder(limits: Limits, dialect: Dialect | None) -> Any:
    """
    A decoder for a connection that has none: most connections are idle, and
    need none until something arrives.

    @param limits: What the peer may send.
    @param dialect: The dialect in force, C{None} before the handshake.
    """
    idle = _idle.get(NONE.name if dialect is None else dialect.name)
    decoder = idle.pop() if idle else newDecoder(limits)
    # Nearly always it is as it was when it was given back.
    if decoder.limits is not limits:
        decoder.limits = limits
    if decoder.dialect is not dialect:
        decoder.dialect = dialect
    return decoder


def giveDecoder(decoder: Any) -> None:
    """
    Give back a decoder that L{takeDecoder} gave, with nothing in it.
    """
    decoder.forget()
    dialect = decoder.dialect
    idle = _idle[NONE.name if dialect is None else dialect.name]
    if len(idle) < _MOST_IDLE:
        idle.append(decoder)

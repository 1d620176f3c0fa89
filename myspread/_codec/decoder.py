"""
L{Decoder}: from the bytes of one connection to s-expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from myspread._codec.dialect import NONE, Dialect
from myspread._codec.pieces import keep
from myspread._codec.refusals import listTooLarge, tooLarge, unknownWord
from myspread._codec.tokens import (
    DOUBLE,
    FLOAT,
    LONGINT,
    LONGNEG,
    NEG,
    VOCAB,
    Expression,
    b1282int,
)
from myspread._errors import BananaError, UnknownTypeByte
from myspread.limits import Limits

__all__ = ["Decoder"]

# Indexing bytes gives integers.
_NEG = NEG[0]
_FLOAT = FLOAT[0]
_LONGINT = LONGINT[0]
_LONGNEG = LONGNEG[0]
_VOCAB = VOCAB[0]

_findTypeByte = re.compile(rb"[\x80-\xff]").search

# An expression that isn't whole is kept as objects, which cost more than their
# bytes, up to so many elements; a larger one is kept as bytes, and read again.
_MOST_OBJECTS: Final = 16384

# What an element costs: an empty list, and its place in the list around it.
_OBJECT_SIZE: Final = 80

# A string up to this length isn't begun before it is whole.
_SHORT_STRING: Final = 1024


class Decoder:
    """
    The receiving end of one Banana stream.

    The time that it takes is linear in the bytes fed, however they are cut.
    Between two calls of L{feed} it holds the expressions that the consumer
    left behind, and the bytes of the one that isn't whole. As long as that is
    small, the lists and elements that were made of it are held as well, so
    that they aren't made twice; of a large one there are only the bytes, so
    that no peer makes us hold much more than it sends.

    @ivar limits: The bounds that hold from the next expression on.
    @ivar dialect: The dialect in force from the next expression on, C{None}
        until the handshake is through.
    @ivar waitingBytes: What is kept of an expression that isn't whole: its
        bytes and, while there are any, an estimate of the objects made of it;
        0 if all that was looked at is whole.
    """

    def __init__(self, limits: Limits, dialect: Dialect | None = None) -> None:
        """
        @param limits: What the peer may send.
        @param dialect: The dialect, if it is agreed on already.
        """
        self.limits = limits
        self.dialect = dialect
        self._error: tuple[type[BananaError], str] | None = None
        self._forget()

    def _forget(self) -> None:
        """
        Drop all that was fed.
        """
        self._data = b""
        self._position = 0
        self.waitingBytes = 0
        # What was looked at of an expression that isn't whole: its bytes, and
        # how many elements its lists have, those to come included.
        self._parts: list[bytes | bytearray] = []
        self._keptBytes = 0
        self._elements = 0
        # Whether its elements are dropped, and how many bytes of a string in it
        # are to be passed over.
        self._onlyBytes = False
        self._missing = 0
        # The stream itself counts as a list, which waits for one expression.
        self._stream: list[Expression] = []
        self._innermost = self._stream
        self._remaining = 1
        # The lists around the innermost one: the list, and for how many
        # elements it waits once the one inside it is complete.
        self._outer: list[tuple[list[Expression], int]] = []

    @property
    def isIdle(self) -> bool:
        """
        Whether nothing of the stream is kept: the stream isn't broken, and all
        that was fed was whole and has been taken.
        """
        return not self.waitingBytes and self._error is None and self._position == len(self._data)

    def forget(self) -> None:
        """
        Drop what was fed last, which L{isIdle} says isn't needed.
        """
        self._data = b""
        self._position = 0

    def feed(self, data: bytes) -> Iterator[Expression]:
        """
        Take the next bytes of the stream.

        The expressions are made while the result is iterated over. Those that
        the consumer doesn't come to, because it stops or fails, are the first
        ones of the next call; C{feed(b"")} just goes on with them. Consume all
        of them before feeding more: what is left behind is copied each time.

        @param data: Some bytes, cut anywhere.

        @return: An iterator over the expressions that are complete, in order.
            The errors below come out of it, after the expressions before the
            offending element; from then on each call fails in the same way.

        @raise LimitExceeded: Something is larger than L{limits} allow. A
            declared size is refused before any of it is stored.
        @raise UnknownTypeByte: An element is of no known type.
        @raise UnknownVocabulary: A number stands for no word.
        @raise VocabularyNotNegotiated: A number stands for a word of dialect
            C{pb}, but the dialect in force has no words.
        """
        if self._position == len(self._data):
            self._data = bytes(data)
            self._position = 0
        elif data:
            self._data = self._data[self._position :] + data
            self._position = 0
        return self._expressions()

    def _expressions(self) -> Iterator[Expression]:
        """
        Go through what was fed.
        """
        while self._advance():
            yield self._stream.pop()

    def _advance(self) -> bool:
        """
        Go to the end of the next expression.

        @return: Whether L{_stream} now holds a complete expression; otherwise
            all that was fed has been looked at.

        @raise BananaError: The stream is broken, by now or since long.
        """
        if self._error is None:
            try:
                return self._parse()
            except BananaError as error:
                self._error = (type(error), str(error))
        self._forget()
        kind, message = self._error
        raise kind(message)

    def _parse(self) -> bool:
        """
        Do the work of L{_advance}.

        It is a single loop over local variables because each element of every
        message comes through here.
        """
        data = self._data
        start = position = self._position
        if start == len(data):
            self._data = b""
            self._position = 0
            return False
        innermost = self._innermost
        remaining = self._remaining
        elements = self._elements
        outer = self._outer
        limits = self.limits
        stringLength = limits.stringLength
        listLength = limits.listLength
        mostElements = limits.elements
        nestingDepth = limits.nestingDepth
        # Nothing is read beyond the longest message.
        bound = start + limits.messageLength - self._keptBytes
        end = len(data)
        if end > bound:
            end = max(start, bound)
        last = end - 1
        vocabulary = (self.dialect or NONE).vocabulary
        twoDigits = limits.prefixLength >= 2
        complete = False
        item: Expression

        if self._missing and position < end:
            position = min(end, position + self._missing)
            self._missing -= position - start
            if not self._missing:
                remaining -= 1

        while True:
            if not remaining:
                if not outer:
                    complete = True
                    remaining = 1
                    break
                innermost, remaining = outer.pop()
                continue
            if position == end:
                break

            # An element begins at position; what follows its type byte, or
            # the next element, at following.
            number = data[position]
            if number < 128 and position < last and (kind := data[position + 1]) > 127:
                following = position + 2
            elif number > 127:
                kind = number
                number = 0
                following = position + 1
            elif twoDigits and position + 2 < end and (following := data[position + 2]) > 127:
                number += kind << 7
                kind = following
                following = position + 3
            else:
                found = _findTypeByte(data, position, end)
                typeAt = found.start() if found else end
                if typeAt - position > limits.prefixLength:
                    raise tooLarge("prefixLength", limits, typeAt - position)
                if not found:
                    break
                number = b1282int(data[position:typeAt])
                kind = data[typeAt]
                following = typeAt + 1

            # The commonest type bytes are written out: that is faster.
            if kind == 0x80:  # LIST
                elements += number
                if (
                    elements > mostElements
                    or number > listLength
                    or len(outer) >= nestingDepth
                ):
                    raise listTooLarge(number, len(outer) + 1, elements, limits)
                outer.append((innermost, remaining - 1))
                inner: list[Expression] = []
                innermost.append(inner)
                innermost = inner
                remaining = number
                position = following
                continue
            if kind == 0x82:  # STRING
                if number > stringLength:
                    raise tooLarge("stringLength", limits, number)
                after = following + number
                if after > end:
                    if after > bound:
                        size = self._keptBytes + after - start
                        raise tooLarge("messageLength", limits, size)
                    if number > _SHORT_STRING:
                        self._missing = after - end
                        position = end
                    break
                item = data[following:after]
                position = after
            elif kind == 0x81 or kind == _LONGINT:  # INT
                item = number
                position = following
            elif kind == _VOCAB:
                word = vocabulary.get(number)
                if word is None:
                    raise unknownWord(number, self.dialect)
                item = word
                position = following
            elif kind == _NEG or kind == _LONGNEG:
                item = -number
                position = following
            elif kind == _FLOAT:
                if following + DOUBLE.size > end:
                    break
                (item,) = DOUBLE.unpack_from(data, following)
                position = following + DOUBLE.size
            else:
                raise UnknownTypeByte(f"0x{kind:02x} is no type byte of Banana.")
            innermost.append(item)
            remaining -= 1

        self._position = position
        self._innermost = innermost
        self._remaining = remaining
        if complete:
            self._elements = self.waitingBytes = 0
            return not self._keptBytes or self._wholeAgain(start)
        if len(data) > end:
            raise tooLarge("messageLength", limits, limits.messageLength + 1)
        self._elements = elements
        self._keep(start)
        return False

    def _keep(self, start: int) -> None:
        """
        Keep what there is of an expression that isn't whole.

        @param start: Where it begins in the data, or goes on.
        """
        keep(self._parts, self._data[start : self._position])
        self._keptBytes += self._position - start
        self._data = self._data[self._position :]
        self._position = 0
        self.waitingBytes = self._keptBytes + len(self._data)
        if self._missing or self._elements > _MOST_OBJECTS:
            self._onlyBytes = True
        if self._onlyBytes:
            self._dropObjects()
        else:
            made = min(self._elements, self._keptBytes)
            self.waitingBytes += _OBJECT_SIZE * made

    def _dropObjects(self) -> None:
        """
        Empty the lists that are open.
        """
        self._innermost.clear()
        for around, _ in reversed(self._outer):
            # If nothing was added here since the last time, then nothing was
            # to the lists around it.
            if not around:
                break
            around.clear()

    def _wholeAgain(self, start: int) -> bool:
        """
        End an expression that came in several pieces. If only its bytes are
        there, read it again.

        @param start: Where the last piece begins in the data.

        @return: True, as L{_parse} does.
        """
        if self._onlyBytes:
            whole = b"".join((*self._parts, self._data[start:]))
            self._forget()
            self._data = whole
            return self._parse()
        self._parts = []
        self._keptBytes = 0
        return True

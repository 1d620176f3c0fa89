"""
L{Decoder}: from the bytes of one connection to s-expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from myspread._codec.dialect import NONE, PB, Dialect
from myspread._codec.tokens import (
    DOUBLE,
    FLOAT,
    INT,
    LIST,
    LONGINT,
    LONGNEG,
    NEG,
    STRING,
    VOCAB,
    Expression,
    b1282int,
)
from myspread._errors import (
    BananaError,
    LimitExceeded,
    UnknownTypeByte,
    UnknownVocabulary,
    VocabularyNotNegotiated,
)
from myspread.limits import Limits

__all__ = ["Decoder"]

# Indexing bytes gives integers.
_LIST = LIST[0]
_INT = INT[0]
_STRING = STRING[0]
_NEG = NEG[0]
_FLOAT = FLOAT[0]
_LONGINT = LONGINT[0]
_LONGNEG = LONGNEG[0]
_VOCAB = VOCAB[0]

_findTypeByte = re.compile(rb"[\x80-\xff]").search


class Decoder:
    """
    The receiving end of one Banana stream.

    The time that it takes is linear in the bytes fed, however they are cut.
    Between two calls of L{feed} it holds the lists that are open, the string
    that is incomplete, and the bytes that weren't looked at: the expressions
    that the consumer left behind, or the beginning of one element.

    @ivar limits: The bounds that hold from the next expression on.
    @ivar dialect: The dialect in force from the next expression on, C{None}
        until the handshake is through.
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
        # The string that has begun, and how many bytes of it are to come.
        self._string = bytearray()
        self._missing = 0
        # The stream itself counts as a list, which waits for one expression.
        self._stream: list[Expression] = []
        self._innermost = self._stream
        self._remaining = 1
        # The lists around the innermost one: the list, and for how many
        # elements it waits once the one inside it is complete.
        self._outer: list[tuple[list[Expression], int]] = []

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
        position = self._position
        end = len(data)
        last = end - 1
        innermost = self._innermost
        remaining = self._remaining
        outer = self._outer
        limits = self.limits
        vocabulary = (self.dialect or NONE).vocabulary
        twoDigits = limits.prefixLength >= 2
        complete = False
        item: Expression

        if self._missing and position < end:
            position = self._continueString(data, position)
            if not self._missing:
                innermost.append(bytes(self._string))
                self._string = bytearray()
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
                found = _findTypeByte(data, position)
                typeAt = found.start() if found else end
                if typeAt - position > limits.prefixLength:
                    raise _tooLarge("prefixLength", limits, typeAt - position)
                if not found:
                    break
                number = b1282int(data[position:typeAt])
                kind = data[typeAt]
                following = typeAt + 1

            if kind == _LIST:
                if number > limits.listLength:
                    raise _tooLarge("listLength", limits, number)
                if len(outer) >= limits.nestingDepth:
                    raise _tooLarge("nestingDepth", limits, len(outer) + 1)
                outer.append((innermost, remaining - 1))
                elements: list[Expression] = []
                innermost.append(elements)
                innermost = elements
                remaining = number
                position = following
                continue
            if kind == _STRING:
                if number > limits.stringLength:
                    raise _tooLarge("stringLength", limits, number)
                position = following + number
                if position > end:
                    self._string += data[following:]
                    self._missing = position - end
                    position = end
                    break
                item = data[following:position]
            elif kind == _INT or kind == _LONGINT:
                item = number
                position = following
            elif kind == _VOCAB:
                word = vocabulary.get(number)
                if word is None:
                    raise _unknownWord(number, self.dialect)
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

        if complete:
            self._position = position
        else:
            self._data = data[position:]
            self._position = 0
        self._innermost = innermost
        self._remaining = remaining
        return complete

    def _continueString(self, data: bytes, position: int) -> int:
        """
        Take the missing part of a string, or as much of it as there is.

        @param data: Where to take it from.
        @param position: Where it begins there.

        @return: Where it ends.
        """
        part = data[position : position + self._missing]
        self._string += part
        self._missing -= len(part)
        return position + len(part)


def _tooLarge(field: str, limits: Limits, actual: int) -> LimitExceeded:
    """
    Make the error for a bound that the peer doesn't keep.
    """
    return LimitExceeded(
        f"The peer sent {_WHAT[field]}: {_size(actual)}, while Limits.{field} is"
        f" {getattr(limits, field)}. Whoever trusts the peer may allow more."
    )


_WHAT = {
    "stringLength": "too long a byte string",
    "listLength": "too long a list",
    "prefixLength": "too many digits before a type byte",
    "nestingDepth": "too many lists inside each other",
}


def _size(actual: int) -> str:
    """
    Write a number that the peer chose, briefly whatever it is.
    """
    return str(actual) if actual < 10**20 else "more than 10**20"


def _unknownWord(number: int, dialect: Dialect | None) -> BananaError:
    """
    Make the error for a vocabulary number that the dialect doesn't define.

    As in L{twisted.spread.banana.Banana}, a number that has no meaning in any
    dialect isn't excused by the handshake.
    """
    name = dialect.name if dialect else None
    if (dialect and dialect.vocabulary) or number not in PB.vocabulary:
        return UnknownVocabulary(
            f"No word has the number {_size(number)} in dialect {name!r}."
        )
    return VocabularyNotNegotiated(
        f"The peer sent the word {PB.vocabulary[number]!r} of dialect"
        f" {PB.name!r} as a number, but the dialect in force is {name!r}."
    )

"""
L{encode}: from an s-expression to bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from operator import length_hint
from typing import Any, Final

from myspread._codec.dialect import NONE, Dialect
from myspread._codec.excerpt import excerpt
from myspread._codec.tokens import (
    FLOAT,
    INT,
    LIST,
    LONGINT,
    LONGNEG,
    NEG,
    STRING,
    Encoded,
    digitsOf,
)
from myspread._errors import BananaError, LimitExceeded
from myspread.limits import Limits

__all__ = ["encode"]

_DEFAULT_LIMITS: Final = Limits()

_SMALLEST_INT: Final = -(2**31)
_LARGEST_INT: Final = 2**31 - 1
_INT_DIGITS: Final = 5

# What begins with a number of a single digit.
_INTS: Final = [digitsOf(number) + INT for number in range(128)]
_LISTS: Final = [digitsOf(number) + LIST for number in range(128)]
_STRINGS: Final = [digitsOf(number) + STRING for number in range(128)]

_FLOAT: Final = struct.Struct("!Bd")
_FLOAT_TYPE: Final = FLOAT[0]

# How many indices a path shows at its beginning, and at its end.
_PATH_EDGE: Final = 8

# A list that is being written, and an iterator over its elements to come.
_Begun = tuple[Sequence[Any], Iterator[Any]]


class _Refused(Exception):
    """
    Something can't be sent; L{encode} adds where it is.
    """

    def __init__(self, kind: type[BananaError], message: str) -> None:
        """
        @param kind: The class of the error that the caller gets.
        @param message: What it says.
        """
        super().__init__(message)
        self.kind = kind


def encode(
    expression: object, dialect: Dialect = NONE, limits: Limits = _DEFAULT_LIMITS
) -> bytes:
    """
    Write an s-expression, in the very bytes of L{twisted.spread.banana}.

    @param expression: An int, float or bytes, or a list or tuple of such
        expressions. A subclass counts as the type that it derives from. An
        L{Encoded} stands for what it was made of.
    @param dialect: The dialect in force; its words travel as numbers wherever
        they stand.
    @param limits: What we may send.

    @return: All of the expression.

    @raise LimitExceeded: Something is larger than a field of C{limits}. The
        message names it, and the place: C{[2][0]} is the first element of the
        third one.
    @raise BananaError: Something is of another type. The message names it,
        and the place.
    """
    parts: list[bytes] = []
    append = parts.append
    tokenFor = dialect.tokens.get
    here: Sequence[Any] = (expression,)
    rest = iter(here)
    outer: list[_Begun] = []
    elements = 0
    room = limits.messageLength
    longestWord = dialect.longestWord
    stringLength = limits.stringLength
    shortString = min(stringLength, len(_STRINGS) - 1)
    listLength = limits.listLength
    mostElements = limits.elements
    nestingDepth = limits.nestingDepth
    largestInt = _LARGEST_INT if limits.prefixLength >= _INT_DIGITS else 127
    packFloat = _FLOAT.pack
    # One loop, with the commonest elements spelled out in it, because each
    # element of every message comes through here.
    try:
        while True:
            for item in rest:
                kind = type(item)
                if kind is bytes and (size := len(item)) <= shortString:
                    token = tokenFor(item)
                    if token is None:
                        append(_STRINGS[size])
                        append(item)
                    else:
                        append(token)
                elif kind is int and 0 <= item <= largestInt:
                    append(_INTS[item] if item < 128 else digitsOf(item) + INT)
                elif kind is bytes and longestWord < size <= stringLength:
                    # What is small is added up at the end.
                    room -= size
                    if room < 0:
                        raise _messageTooLarge(limits.messageLength - room, limits)
                    append(_digits(size, limits) + STRING)
                    append(item)
                elif kind is float:
                    append(packFloat(_FLOAT_TYPE, item))
                elif kind is list or isinstance(item, (list, tuple)):
                    inner = item if kind is list or kind is tuple else list(item)
                    size = len(inner)
                    elements += size
                    if (
                        elements > mostElements
                        or size > listLength
                        or len(outer) >= nestingDepth
                    ):
                        raise _listTooLarge(size, len(outer) + 1, elements, limits)
                    append(_LISTS[size] if size < 128 else _digits(size, limits) + LIST)
                    outer.append((here, rest))
                    here = inner
                    rest = iter(inner)
                    break
                elif kind is Encoded:
                    room -= len(item.data)
                    elements += item.elements
                    if room < 0:
                        raise _messageTooLarge(limits.messageLength - room, limits)
                    if elements > mostElements:
                        raise _tooLarge(f"A message of {elements} elements", "elements", limits)
                    append(item.data)
                else:
                    append(_encodeScalar(item, dialect, limits))
            else:
                if not outer:
                    break
                here, rest = outer.pop()
        data = b"".join(parts)
        if len(data) > limits.messageLength:
            raise _messageTooLarge(len(data), limits)
        return data
    except _Refused as refused:
        outer.append((here, rest))
        raise refused.kind(f"{refused} Place: {_place(outer)}.") from None


def _encodeScalar(item: object, dialect: Dialect, limits: Limits) -> bytes:
    """
    Write an element that is no list.
    """
    if isinstance(item, int):
        return _encodeInt(int(item), limits)
    if isinstance(item, float):
        return _FLOAT.pack(_FLOAT_TYPE, item)
    if isinstance(item, bytes):
        return _encodeString(bytes(item), dialect, limits)
    kind = type(item)
    raise _Refused(
        BananaError,
        f"Banana cannot send {kind.__module__}.{kind.__qualname__} objects:"
        f" {excerpt(item)}.",
    )


def _encodeInt(integer: int, limits: Limits) -> bytes:
    """
    Write a number.
    """
    digits = _digits(abs(integer), limits)
    if integer < _SMALLEST_INT:
        return digits + LONGNEG
    if integer < 0:
        return digits + NEG
    if integer <= _LARGEST_INT:
        return digits + INT
    return digits + LONGINT


def _encodeString(string: bytes, dialect: Dialect, limits: Limits) -> bytes:
    """
    Write a byte string.
    """
    size = len(string)
    # Looking a long string up would hash all of it.
    token = dialect.tokens.get(string) if size <= dialect.longestWord else None
    if token is not None:
        return token
    if size > limits.stringLength:
        raise _tooLarge(f"A byte string of {size} bytes", "stringLength", limits)
    return _digits(size, limits) + STRING + string


def _digits(number: int, limits: Limits) -> bytes:
    """
    Write what stands before a type byte.
    """
    size = (number.bit_length() + 6) // 7
    if size > limits.prefixLength:
        raise _tooLarge(f"A number of {size} base-128 digits", "prefixLength", limits)
    return digitsOf(number)


def _listTooLarge(size: int, depth: int, elements: int, limits: Limits) -> _Refused:
    """
    Make the error for a list that is one too many, too long or too deep.
    """
    if size > limits.listLength:
        return _tooLarge(f"A list of {size} elements", "listLength", limits)
    if depth > limits.nestingDepth:
        return _tooLarge(f"A nesting of {depth} lists", "nestingDepth", limits)
    return _tooLarge(f"A message of {elements} elements", "elements", limits)


def _messageTooLarge(size: int, limits: Limits) -> _Refused:
    """
    Make the error for a message that has, up to here, too many bytes.
    """
    return _tooLarge(f"A message of {size} bytes", "messageLength", limits)


def _tooLarge(what: str, field: str, limits: Limits) -> _Refused:
    """
    Make the error for something that exceeds a field of the limits.
    """
    return _Refused(
        LimitExceeded,
        f"{what} is too large to send: Limits.{field} is {getattr(limits, field)}."
        " Send less at once, or allow more on both sides.",
    )


def _place(begun: list[_Begun]) -> str:
    """
    Say which element the encoder has come to.

    @param begun: The lists that are being written, the first of which holds
        nothing but the expression.

    @return: An index for each list inside the expression, without the middle
        if there are very many.
    """
    indices = [
        f"[{len(elements) - length_hint(rest) - 1}]" for elements, rest in begun[1:]
    ]
    if len(indices) > 2 * _PATH_EDGE:
        indices[_PATH_EDGE:-_PATH_EDGE] = ["..."]
    return "".join(indices) or "the expression itself"

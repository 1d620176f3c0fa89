"""
The alphabet of Banana: type bytes, base-128 numbers, and what they spell.

An element of the stream is a number in base 128, least significant digit
first, then a type byte; the type byte alone has its high bit set.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

__all__ = [
    "DOUBLE",
    "FLOAT",
    "INT",
    "LIST",
    "LONGINT",
    "LONGNEG",
    "NEG",
    "STRING",
    "VOCAB",
    "Encoded",
    "Expression",
    "b1282int",
    "digitsOf",
    "int2b128",
]

LIST = b"\x80"
INT = b"\x81"
STRING = b"\x82"
NEG = b"\x83"
FLOAT = b"\x84"
LONGINT = b"\x85"
LONGNEG = b"\x86"
VOCAB = b"\x87"

DOUBLE = struct.Struct("!d")
"""
What follows the type byte C{FLOAT}: eight bytes of IEEE 754 double format.
"""

Expression = int | float | bytes | list["Expression"]
"""
An s-expression as the decoder makes it.
"""


class Encoded:
    """
    An expression that is already written.

    @ivar data: Its bytes, in the dialect of the connection that it is for.
    @ivar elements: How many elements its lists have in all.
    """

    __slots__ = ("data", "elements")

    def __init__(self, data: bytes, elements: int = 0) -> None:
        self.data = data
        self.elements = elements


def digitsOf(integer: int) -> bytes:
    """
    Write a number in base 128, least significant digit first.

    @param integer: Zero or a positive number; zero has one digit.

    @return: One byte for each digit.
    """
    if integer < 128:
        return bytes((integer,))
    if integer < 16384:
        return bytes((integer & 0x7F, integer >> 7))
    digits = bytearray()
    while integer:
        digits.append(integer & 0x7F)
        integer >>= 7
    return bytes(digits)


def int2b128(integer: int, stream: Callable[[bytes], object]) -> None:
    """
    Write a number in base 128, least significant digit first.

    @param integer: Zero or a positive number.
    @param stream: Called with the digits, such as the C{write} of a file.

    @raise AssertionError: The number is negative, as with
        L{twisted.spread.banana.int2b128}.
    """
    if integer < 0:
        raise AssertionError(f"Base 128 has no negative numbers: {integer}")
    stream(digitsOf(integer))


def b1282int(st: bytes) -> int:
    """
    Read a number in base 128, least significant digit first.

    @param st: The digits; none at all are the number zero.

    @return: The number.
    """
    integer = 0
    for digit in reversed(st):
        integer = (integer << 7) + digit
    return integer

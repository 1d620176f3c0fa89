"""
The bytes of an attacker: Banana that needn't make sense.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = [
    "FLOAT",
    "HELLO",
    "INT",
    "LAST",
    "LIST",
    "LONGINT",
    "LONGNEG",
    "NEG",
    "STRING",
    "VOCAB",
    "Ready",
    "call",
    "digits",
    "head",
    "text",
    "write",
]

LIST, INT, STRING, NEG, FLOAT, LONGINT, LONGNEG, VOCAB = (bytes([each]) for each in range(0x80, 0x88))


class Ready(bytes):
    """Bytes that are written already."""


def digits(number: int) -> bytes:
    """A number in base 128."""
    found = bytearray([number & 0x7F])
    while number := number >> 7:
        found.append(number & 0x7F)
    return bytes(found)


def head(count: int, delimiter: bytes) -> bytes:
    """What stands before an element; nothing need follow."""
    return digits(count) + delimiter


def write(value: Any) -> bytes:
    """An expression: L{Ready}, bytes, a number, or a list or tuple of expressions."""
    if isinstance(value, Ready):
        return value
    if isinstance(value, bytes):
        return head(len(value), STRING) + value
    if isinstance(value, float):
        return FLOAT + struct.pack("!d", value)
    if isinstance(value, int):
        kinds = (INT, LONGINT) if value >= 0 else (NEG, LONGNEG)
        return head(abs(value), kinds[not -(2**31) <= value < 2**31])
    return head(len(value), LIST) + b"".join(map(write, value))


def text(value: str) -> list[bytes]:
    """The form of a str."""
    return [b"unicode", value.encode()]


def call(
    method: bytes,
    *arguments: Any,
    request: Any = 1,
    target: Any = b"root",
    wanted: Any = 1,
    keywords: Any = (b"dictionary",),
) -> bytes:
    """
    A call.

    @param arguments: forms of Jelly.
    """
    return write([b"message", request, target, method, wanted, [b"tuple", *arguments], keywords])


HELLO = write(b"pb") + write([b"version", 6])
"""What an honest client says before its calls."""

LAST = 0x2AAAAAAA
"""The request id of a last call: whatever the answer, it is in there."""

"""
Where the messages of a stream end.
"""

from __future__ import annotations

__all__ = ["messagesIn"]

_LIST, _STRING, _FLOAT = 0x80, 0x82, 0x84
_DOUBLE = 8


def _messageEnd(data: bytes, start: int) -> int | None:
    """Where the message ends that begins there; None if it isn't whole."""
    position, lacking = start, 1
    while lacking:
        number = shift = 0
        while position < len(data) and data[position] < 0x80:
            number |= data[position] << shift
            shift += 7
            position += 1
        if position >= len(data):
            return None
        kind = data[position]
        position += 1
        lacking -= 1
        if kind == _LIST:
            lacking += number
        elif kind == _STRING:
            position += number
        elif kind == _FLOAT:
            position += _DOUBLE
    return position if position <= len(data) else None


def messagesIn(data: bytes) -> list[bytes]:
    """
    A stream of Banana, cut after each expression.

    @return: the expressions; the last one may not be whole.
    """
    found = []
    start = 0
    while start < len(data):
        end = _messageEnd(data, start) or len(data)
        found.append(data[start:end])
        start = end
    return found

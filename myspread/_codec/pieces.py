"""
L{keep}: the bytes of something that arrives in pieces.
"""

from __future__ import annotations

from typing import Final

__all__ = ["keep"]

_SMALL: Final = 1024


def keep(pieces: list[bytes | bytearray], piece: bytes) -> None:
    """
    Add a piece to others. Small ones are joined at once: a peer that sends
    single bytes would otherwise make us hold an object for each.

    @param pieces: What came before; all together, they are what has arrived.
    @param piece: What comes next.
    """
    if len(piece) >= _SMALL:
        pieces.append(piece)
    elif pieces and type(last := pieces[-1]) is bytearray:
        last += piece
    elif piece:
        pieces.append(bytearray(piece))

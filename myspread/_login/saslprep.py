"""
SASLprep (RFC 4013): one form for user names and passwords that look the same.
"""

from __future__ import annotations

import stringprep
import unicodedata
from collections.abc import Callable

__all__ = ["saslprep"]

_PROHIBITED: tuple[tuple[Callable[[str], bool], str], ...] = (
    (stringprep.in_table_c12, "a space that isn't ASCII"),
    (stringprep.in_table_c21_c22, "a control character"),
    (stringprep.in_table_c3, "a character for private use"),
    (stringprep.in_table_c4, "no character"),
    (stringprep.in_table_c5, "half of a surrogate pair"),
    (stringprep.in_table_c6, "a character that has no meaning in plain text"),
    (stringprep.in_table_c7, "a character for describing characters"),
    (stringprep.in_table_c8, "a deprecated character that changes the display"),
    (stringprep.in_table_c9, "a tag"),
)
"""The tables of section 2.3 of the RFC, and what is in them."""


def saslprep(text: str | bytes, *, stored: bool = False, what: str = "this text") -> str:
    """
    The prepared form of a user name or password.

    @param text: the text; bytes are UTF-8.
    @param stored: whether it will be kept: then it can't have characters that
        Unicode 3.2 doesn't know, as a later version may prepare them in another
        way. What is only compared can.
    @param what: what it is, for error texts, which don't show the text itself.
    @raise ValueError: when it can't be prepared, or nothing remains of it.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError(f"{what} isn't UTF-8") from None
    if text.isascii():
        prepared = text
    else:
        mapped = "".join(" " if stringprep.in_table_c12(each) else each for each in text if _isKept(each))
        prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not prepared:
        raise ValueError(f"{what} is empty")
    _check(prepared, stored, what)
    return prepared


def _isKept(character: str) -> bool:
    return not stringprep.in_table_b1(character)


def _check(prepared: str, stored: bool, what: str) -> None:
    for position, character in enumerate(prepared, 1):
        for isProhibited, meaning in _PROHIBITED:
            if isProhibited(character):
                raise ValueError(f"character {position} of {what} is {meaning}, which SASLprep prohibits")
        if stored and stringprep.in_table_a1(character):
            raise ValueError(f"character {position} of {what} is unknown to SASLprep, which has Unicode 3.2")
    _checkDirection(prepared, what)


def _checkDirection(prepared: str, what: str) -> None:
    """What is written from right to left has to begin and to end so, and has nothing else in it."""
    if not any(map(stringprep.in_table_d1, prepared)):
        return
    ends = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
    if any(map(stringprep.in_table_d2, prepared)) or not ends:
        raise ValueError(f"{what} mixes writing from right to left with writing from left to right")

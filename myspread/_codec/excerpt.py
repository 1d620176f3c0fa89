"""
L{excerpt}: what error messages show of a value.
"""

from __future__ import annotations

from typing import Final

from twisted.python.reflect import safe_repr

__all__ = ["excerpt"]

_LENGTH: Final = 120


def excerpt(value: object) -> str:
    """
    Show a value that may be of any size, and whose C{repr} may fail.

    @param value: Anything.

    @return: Its C{repr}, or the first characters of that.
    """
    text: str = safe_repr(value)
    return text if len(text) <= _LENGTH else f"{text[:_LENGTH]}..."

"""
The errors that this process has logged.
"""

from __future__ import annotations

from typing import Any

from twisted.python import log
from twisted.python.reflect import qual

__all__ = ["observeErrors", "takeLoggedErrors"]

_logged: list[str] = []


def observeErrors() -> None:
    """From now on, keep what gets logged as a failure."""

    def keep(event: dict[str, Any]) -> None:
        if "failure" in event:
            kind = event["failure"].type
            _logged.append(qual(kind) if isinstance(kind, type) else kind.decode())

    log.addObserver(keep)


def takeLoggedErrors() -> list[str]:
    """The qualified names of the errors since the last call."""
    taken = _logged[:]
    _logged.clear()
    return taken

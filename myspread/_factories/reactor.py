"""
The one place that gets the global reactor.
"""

from __future__ import annotations

from typing import Any

__all__ = ["theReactor"]


def theReactor() -> Any:
    """
    The global reactor. It is imported here and not before, because the import
    installs one.
    """
    from twisted.internet import reactor

    return reactor

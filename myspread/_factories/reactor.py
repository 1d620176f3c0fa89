"""
The one place that gets the global reactor.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["theReactor"]


def theReactor() -> Any:
    """
    The global reactor. It is imported here and not before, because the import
    installs one.
    """
    # Each connection asks, and the statement below takes ten times as long.
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if reactor is None:
        from twisted.internet import reactor
    return reactor

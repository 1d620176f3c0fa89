"""
Why a connection doesn't read for a while.
"""

from __future__ import annotations

__all__ = ["TURN", "UNFINISHED", "UNREAD"]

TURN = 1
"""The time of this turn is used up."""

UNREAD = 2
"""The peer doesn't read its answers."""

UNFINISHED = 4
"""All peers together have sent too much of messages that aren't whole."""

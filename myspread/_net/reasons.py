"""
Why a connection doesn't read.
"""

from __future__ import annotations

__all__ = ["CLOSED", "TURN", "UNFINISHED", "UNREAD"]

TURN = 1
"""The time of this turn is used up."""

UNREAD = 2
"""The peer doesn't read its answers."""

UNFINISHED = 4
"""All peers together have sent too much of messages that aren't whole."""

CLOSED = 8
"""The connection is closed or lost: this ends never."""

"""
What the system knows of the life of a peer: TCP keepalive, and how much of what
was written is on its way.
"""

from __future__ import annotations

import socket
import sys
from importlib import import_module
from typing import Any

__all__ = ["giveUpAfter", "hasUnread", "keepAlive", "whereItIs"]

_isLinux = sys.platform == "linux"
_fcntl: Any = import_module("fcntl") if _isLinux else None
_termios: Any = import_module("termios") if _isLinux else None

MANY = 64 * 1024
"""Bytes that a ping may have to wait behind without being late."""

PROBES = 4
"""How many probes TCP sends to a peer that doesn't answer."""

_FAMILIES = (socket.AF_INET, socket.AF_INET6)


def _socketOf(transport: Any) -> socket.socket | None:
    """The socket under a transport, also under TLS; None where there is none."""
    found = getattr(transport, "socket", None)
    return found if isinstance(found, socket.socket) and found.fileno() >= 0 else None


def _set(transport: Any, options: dict[str, int]) -> None:
    """Set those options of TCP that this system has, if the transport is TCP."""
    found = _socketOf(transport)
    if found is None or found.family not in _FAMILIES:
        return
    try:
        for name, value in options.items():
            option = getattr(socket, name, None)
            if option is not None:
                found.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError:
        # The connection has just been lost; the transport will find out.
        return


def keepAlive(transport: Any, seconds: float) -> None:
    """
    Let TCP find out whether the peer's system is there, even while this process
    is busy.

    @param seconds: after which a peer that doesn't answer is gone.
    """
    found = _socketOf(transport)
    if found is None or found.family not in _FAMILIES:
        return
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except OSError:
        return
    half = max(1, round(seconds / 2))
    options = {"TCP_KEEPIDLE": half, "TCP_KEEPINTVL": max(1, half // PROBES), "TCP_KEEPCNT": PROBES}
    # macOS has the first one under this name.
    if not hasattr(socket, "TCP_KEEPIDLE"):
        options["TCP_KEEPALIVE"] = half
    _set(transport, options)


def giveUpAfter(transport: Any, seconds: float) -> None:
    """
    Let TCP give up when the peer's system has acknowledged nothing for so long.

    Not all the time: a peer that doesn't read, as it has much to do or to
    write, is given up, too.

    @param seconds: 0 for as long as the system will.
    """
    _set(transport, {"TCP_USER_TIMEOUT": round(seconds * 1000)})


def whereItIs(transport: Any) -> tuple[int, int, int] | None:
    """
    What changes whenever the peer's system has taken some of what was written;
    None where there is not much to take.
    """
    buffer = len(getattr(transport, "dataBuffer", b""))
    offset = getattr(transport, "offset", 0)
    waiting = getattr(transport, "_tempDataLen", 0)
    unacknowledged = _unacknowledged(transport)
    if buffer - offset + waiting + unacknowledged < MANY:
        return None
    return buffer, offset, unacknowledged


def _unacknowledged(transport: Any) -> int:
    """How many bytes the system hasn't got rid of yet, where that can be found out."""
    found = _socketOf(transport)
    if _fcntl is None or found is None:
        return 0
    count = bytearray(4)
    try:
        _fcntl.ioctl(found.fileno(), _termios.TIOCOUTQ, count)
    except OSError:
        return 0
    return int.from_bytes(count, sys.byteorder)


def hasUnread(transport: Any) -> bool:
    """Whether something has arrived that the transport hasn't read: it may have been told not to."""
    found = _socketOf(transport)
    if found is None:
        return False
    try:
        found.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        # It is lost: the transport will find out.
        return True
    return True

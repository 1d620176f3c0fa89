"""
Sending without waiting for the reactor's next turn.

A transport keeps what is written until the reactor finds its socket writable:
two system calls and a turn of the reactor for each message, about as much as
all the rest of a small call. A socket is nearly always writable. So a message
is offered to the socket at once where nothing else is waiting, and the transport
gets what the socket doesn't take.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.tcp import Connection

__all__ = ["BURST", "MOST_DIRECT", "isDirect", "sendAtOnce"]

BURST = 0.0002
"""
Seconds within which messages are a burst. Only the first of it is sent at once;
the others leave together, with one system call.
"""

MOST_DIRECT = 64 * 1024
"""Bytes of the largest message that is sent at once."""


def isDirect(transport: Any) -> bool:
    """
    Whether a transport hands to a socket, unchanged, what is written to it:
    TCP and UNIX sockets do, TLS and wrappers don't.
    """
    if not isinstance(transport, Connection):
        return False
    # Somebody who overrides it, or spies on it, wants to see everything.
    return getattr(transport.write, "__func__", None) is Connection.write


def sendAtOnce(transport: Any, data: bytes) -> bytes:
    """
    Send as much as the socket takes, unless something has to leave before, or
    the transport has to know of it.

    @param transport: one that L{isDirect}.
    @return: what the transport still has to be given.
    """
    if (
        transport.dataBuffer
        or transport._tempDataBuffer
        or transport.TLS
        or transport._aborting
        or transport.disconnecting
        or transport._writeDisconnecting
        or transport._writeDisconnected
        or not transport.connected
    ):
        return data
    # A pull producer is asked for more whenever the transport has written.
    if transport.producer is not None and not transport.streamingProducer:
        return data
    # Descriptors that wait to be sent along (UNIX sockets) go with the next data.
    if getattr(transport, "_sendmsgQueue", None):
        return data
    try:
        sent = transport.socket.send(data)
    except OSError:
        # It is full, or broken: the transport will find out which, and say so.
        return data
    return b"" if sent == len(data) else data[sent:]

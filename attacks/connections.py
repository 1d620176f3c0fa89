"""
Attacks with connections: very many, very slow, or half of one.
"""

from __future__ import annotations

import socket
import time

from attacks.crowd import Target, abort
from attacks.wire import HELLO, call

__all__ = [
    "connectAndDisconnect",
    "halfClosed",
    "manyConnections",
    "manyReadyConnections",
    "slowWriters",
    "tlsGarbage",
    "tlsHandshakes",
    "tlsStalled",
]

CONNECTIONS = 2000

SOURCES = 40
"""Addresses of the attacker, where connections are many."""

CONNECTING = 4.0
"""How many times longer than usual an attack goes on connecting, at most."""


def slowWriters(target: Target) -> None:
    """A byte each 0.1 seconds, on two hundred connections."""
    message = HELLO + call(b"echo", b"x" * 5000)
    with target.crowd(200, sources=SOURCES) as crowd:
        end = time.monotonic() + target.seconds * 2
        for place in range(len(message)):
            if time.monotonic() > end:
                break
            crowd.send(message[place : place + 1]).deliver()
            time.sleep(0.1)


def manyConnections(target: Target) -> None:
    """Two thousand connections that say nothing."""
    with target.crowd(CONNECTIONS, sources=SOURCES) as crowd:
        crowd.hold()


def manyReadyConnections(target: Target) -> None:
    """Two thousand connections that each make a call, and stay."""
    with target.crowd(CONNECTIONS, sources=SOURCES) as crowd:
        crowd.send(HELLO).deliver()
        crowd.ask()
        crowd.hold(reading=True)


def connectAndDisconnect(target: Target) -> None:
    """Up to four thousand connections that end at once: every other by a reset, every third after a call."""
    end = time.monotonic() + CONNECTING * target.seconds
    for number in range(2 * CONNECTIONS):
        if time.monotonic() > end:
            break
        try:
            made = target.connect(number % SOURCES)
        except OSError:
            continue
        if number % 3 == 0:
            made.send(HELLO + call(b"echo", b"x" * 1000))
        if number % 2:
            abort(made)
        else:
            made.close()


def halfClosed(target: Target) -> None:
    """Three hundred connections that call, and close one direction only: each one."""
    for direction in (socket.SHUT_WR, socket.SHUT_RD):
        with target.crowd(300, sources=SOURCES) as crowd:
            crowd.send(HELLO, call(b"echo", b"x" * 1000) * 20, call(b"never")).deliver(reading=False)
            for line in crowd.lines:
                if not line.closed:
                    line.socket.shutdown(direction)
            crowd.hold()


def tlsStalled(target: Target) -> None:
    """Four hundred TLS handshakes that are begun and not gone on with."""
    beginning = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)
    with target.crowd(400, sources=SOURCES, tls=False) as crowd:
        for line in crowd.lines[::2]:
            line.queue.append(iter([beginning]))
        crowd.deliver()
        crowd.hold()


def tlsGarbage(target: Target) -> None:
    """No TLS at all where TLS is wanted: records of the greatest length, alerts, our own protocol."""
    chunks = (
        HELLO,
        b"\x16\x03\x03\xff\xff" + bytes(70_000),
        b"\x15\x03\x03\x00\x02\x02\x00" * 5000,
        b"\x00" * 65536,
    )
    with target.crowd(50 * len(chunks), sources=SOURCES, tls=False) as crowd:
        for number, line in enumerate(crowd.lines):
            line.queue.append(iter([chunks[number % len(chunks)]]))
        crowd.deliver()
        crowd.hold(reading=True)


def tlsHandshakes(target: Target) -> None:
    """TLS handshakes, one after the other, each of which ends with the connection."""
    end = time.monotonic() + target.seconds * 2
    number = 0
    while time.monotonic() < end:
        number += 1
        with target.crowd(5, sources=SOURCES) as crowd:
            crowd.send(HELLO).deliver()

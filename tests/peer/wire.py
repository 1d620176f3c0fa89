"""
A broker whose peer is the test: expressions go in, expressions come out.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from myspread import pb
from myspread._codec import PB, Decoder, encode
from myspread.limits import Limits
from myspread.testing import MemoryTransport

__all__ = ["CALL", "NO_KEYWORDS", "Wire", "arguments", "call"]

ROOMY = Limits(stringLength=2**24, listLength=2**20)
NO_KEYWORDS = [b"dictionary"]


def arguments(*forms: Any) -> list[Any]:
    """The positional arguments of a call as they travel."""
    return [b"tuple", *forms]


def call(request: int, method: bytes, *forms: Any, wanted: int = 1, target: Any = b"root") -> list[Any]:
    """A C{message} as it travels."""
    return [b"message", request, target, method, wanted, arguments(*forms), NO_KEYWORDS]


CALL = call(1, b"echo", 5)


class Wire:
    """
    One broker, connected and greeted, and what it writes.

    @ivar broker: the broker.
    @ivar transport: its transport, in memory.
    """

    def __init__(
        self, root: Any = None, broker: Any = None, *, limits: Limits | None = None, greet: bool = True
    ) -> None:
        """
        @param root: what the broker lends as C{root}.
        @param broker: a broker to use; by default a server's.
        @param greet: whether to go through the handshake.
        """
        self.broker: Any = broker or pb.Broker(False, limits=limits)
        self.transport = MemoryTransport(
            IPv4Address("TCP", "127.0.0.1", 8787), IPv4Address("TCP", "127.0.0.1", 40000)
        )
        self.decoder = Decoder(ROOMY, PB)
        if root is not None:
            self.broker.setNameForLocal("root", root)
        self.broker.makeConnection(self.transport)
        if greet:
            self.send(*([[b"pb", b"none"]] if self.broker.isClient else [b"pb"]), [b"version", 6])
            self.received()

    def send(self, *expressions: Any) -> None:
        """Let expressions arrive, all in one piece."""
        self.broker.dataReceived(b"".join(encode(each, PB, ROOMY) for each in expressions))

    def received(self) -> list[Any]:
        """What the broker has written since the last time."""
        return list(self.decoder.feed(self.transport.take(None)))

    def exchange(self, *expressions: Any) -> list[Any]:
        """L{send}, then L{received}."""
        self.send(*expressions)
        return self.received()

    @property
    def closing(self) -> bool:
        """Whether the broker wants to close the connection."""
        return self.transport.disconnecting

    def lose(self, reason: Any = None) -> None:
        """Lose the connection."""
        self.broker.connectionLost(Failure(ConnectionDone()) if reason is None else reason)

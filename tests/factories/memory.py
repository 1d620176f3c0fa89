"""
Servers in memory that endpoints connect to, on a clock.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from zope.interface import implementer

from myspread import pb
from myspread.testing import BrokerPair

__all__ = ["MemoryServer", "Network"]


@implementer(IStreamClientEndpoint)
class MemoryServer:
    """
    A server, and the endpoint that connects to it.

    @ivar mode: C{serve}; C{refuse} connections; C{hang} while one connects;
        accept, and stay C{silent}.
    @ivar pairs: the connections there have been.
    @ivar attempts: how often somebody tried to connect.
    @ivar cancelled: how often somebody gave up while connecting.
    """

    def __init__(self, network: Network, factory: Any, mode: str = "serve") -> None:
        self.network = network
        self.factory = factory
        self.mode = mode
        self.pairs: list[BrokerPair] = []
        self.attempts = 0
        self.cancelled = 0

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect, or not."""
        self.attempts += 1
        if self.mode == "refuse":
            return fail(ConnectionRefusedError())
        connecting: Deferred[Any] = Deferred(self._cancel)
        if self.mode == "hang":
            return connecting
        server: Any = Factory.forProtocol(Protocol) if self.mode == "silent" else self.factory
        pair = BrokerPair(server, factory, self.network.clock)
        self.pairs.append(pair)
        connecting.callback(pair.client)
        return connecting

    def _cancel(self, connecting: Deferred[Any]) -> None:
        self.cancelled += 1

    def lose(self) -> None:
        """Lose the latest connection."""
        self.pairs[-1].disconnect()

    @property
    def connected(self) -> int:
        """How many connections stand."""
        return sum(pair.connected for pair in self.pairs)

    def __repr__(self) -> str:
        return "<server in memory>"


class Network:
    """
    Servers in memory, and time.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.servers: list[MemoryServer] = []

    def serve(self, root: Any, mode: str = "serve", factory: Any = None) -> MemoryServer:
        """A new server for a root or portal, or with a factory of its own."""
        server = MemoryServer(self, factory or pb.PBServerFactory(root), mode)
        self.servers.append(server)
        return server

    def settle(self, seconds: float = 0) -> None:
        """Let time pass, and everything happen that happens at once."""
        self.clock.advance(seconds)
        for _ in range(3):
            for server in self.servers:
                for pair in server.pairs:
                    pair.flush()
            self.clock.advance(0)

"""
AMP: C{twisted.protocols.amp}. Its values hold at most 65,535 bytes.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, ServerFactory
from twisted.protocols.amp import AMP, AmpList, Boolean, Command, Float, Integer, Unicode

from benchmarks.payloads import EVENT
from benchmarks.peers.base import Unsupported
from benchmarks.peers.twistedbase import HOST, OnTwisted, reactor

__all__ = ["adapter"]

RECORDS = AmpList(
    [
        (b"id", Integer()),
        (b"name", Unicode()),
        (b"price", Float()),
        (b"first", Unicode()),
        (b"second", Unicode()),
        (b"third", Unicode()),
        (b"active", Boolean()),
    ]
)


class EchoNumber(Command):
    """Returns a number."""

    arguments = [(b"value", Integer())]
    response = [(b"value", Integer())]


class EchoRecords(Command):
    """Returns records."""

    arguments = [(b"value", RECORDS)]
    response = [(b"value", RECORDS)]


class Subscribe(Command):
    """Asks for pushes."""


class Publish(Command):
    """Asks for a push to all."""


class Push(Command):
    """A push."""

    requiresAnswer = False
    arguments = [
        (b"symbol", Unicode()),
        (b"price", Float()),
        (b"volume", Integer()),
        (b"side", Unicode()),
        (b"final", Boolean()),
    ]


class Peer(AMP):
    """
    Both sides of a connection.
    """

    factory: Any
    transport: Any

    def connectionMade(self) -> None:
        """Tell the client."""
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.transport.setTcpNoDelay(True)
        self.closed: Deferred[None] = Deferred()
        self.factory.connected(self)

    def connectionLost(self, reason: Any = None) -> None:
        """Tell who has closed it."""
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self.closed.callback(None)

    @EchoNumber.responder
    @EchoRecords.responder
    def echo(self, value: Any) -> Any:
        """Return the argument."""
        return {"value": value}

    @Subscribe.responder
    def subscribe(self) -> Any:
        """Push to this connection from now on."""
        self.factory.subscribers.append(self)
        return {}

    @Publish.responder
    def publish(self) -> Any:
        """Push to all."""
        for subscriber in self.factory.subscribers:
            subscriber.callRemote(Push, **EVENT)
        return {}

    @Push.responder
    def push(self, **event: Any) -> Any:
        """A push has arrived."""
        self.factory.arrived()
        return {}


class Amp(OnTwisted):
    """
    AMP.
    """

    def serverFactory(self) -> ServerFactory:
        """Answers, and pushes."""
        factory: Any = ServerFactory.forProtocol(Peer)
        factory.noisy = False
        factory.subscribers = []
        factory.connected = lambda connection: None
        return factory  # type: ignore[no-any-return]

    def open(self) -> Deferred[Any]:
        """Connect."""
        ready: Deferred[Any] = Deferred()
        factory: Any = ClientFactory.forProtocol(Peer)
        factory.noisy = False
        factory.arrived = self.arrived
        factory.connected = ready.callback
        reactor.connectTCP(HOST, self.port, factory)
        return ready

    def close(self, connection: Any) -> Any:
        """Close."""
        connection.transport.loseConnection()
        return connection.closed

    def echoOn(self, connection: Any, value: Any) -> Any:
        """Call the command that carries this type."""
        if isinstance(value, int):
            command: Any = EchoNumber
        elif value and isinstance(value[0], dict):
            command = EchoRecords
        else:
            raise Unsupported()
        return connection.callRemote(command, value=value).addCallback(lambda answer: answer["value"])

    def subscribeOn(self, connection: Any) -> Any:
        """Ask for pushes."""
        return connection.callRemote(Subscribe)

    def publishOn(self, connection: Any) -> Any:
        """Ask the server to push to all."""
        return connection.callRemote(Publish)


def adapter() -> Amp:
    """An adapter of AMP."""
    return Amp()

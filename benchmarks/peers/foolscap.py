"""
Foolscap without its C{Tub}: brokers over plain TCP, so that no TLS is measured.
Without the negotiation of a C{Tub}, setting up a connection can't be compared.
"""

from __future__ import annotations

from typing import Any

from foolscap.api import Referenceable
from foolscap.broker import Broker
from foolscap.referenceable import TubRef
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, ServerFactory

from benchmarks.payloads import EVENT
from benchmarks.peers.base import Call, Unsupported
from benchmarks.peers.twistedbase import HOST, OnTwisted, reactor

__all__ = ["adapter"]

ROOT = 1
"""The id of what a broker lends first."""


class Root(Referenceable):  # type: ignore[misc]
    """
    What the server lends.
    """

    def __init__(self) -> None:
        self.subscribers: list[Any] = []

    def remote_echo(self, value: Any) -> Any:
        """Return the argument."""
        return value

    def remote_subscribe(self, subscriber: Any) -> None:
        """Push to an object from now on."""
        self.subscribers.append(subscriber)

    def remote_publish(self) -> None:
        """Push to all."""
        for subscriber in self.subscribers:
            subscriber.callRemoteOnly("push", EVENT)


class Subscriber(Referenceable):  # type: ignore[misc]
    """
    What is pushed to.
    """

    def __init__(self, arrived: Call) -> None:
        self._arrived = arrived

    def remote_push(self, event: Any) -> None:
        """A push has arrived."""
        self._arrived()


class Peer(Broker):  # type: ignore[misc]
    """
    A broker that tells its factory when it is connected.
    """

    factory: Any
    transport: Any

    def __init__(self) -> None:
        super().__init__(TubRef("peer"))

    def connectionMade(self) -> None:
        """Ready: nothing is negotiated."""
        self.transport.setTcpNoDelay(True)
        super().connectionMade()
        self.factory.connected(self)


class Foolscap(OnTwisted):
    """
    Foolscap.
    """

    def serverFactory(self) -> ServerFactory:
        """Lends a root object to each connection."""
        root = Root()

        def lend(broker: Any) -> None:
            tracker = broker.getTrackerForMyReference(root.processUniqueID(), root)
            tracker.send()

        factory: Any = ServerFactory.forProtocol(Peer)
        factory.noisy = False
        factory.connected = lend
        return factory  # type: ignore[no-any-return]

    def open(self) -> Deferred[Any]:
        """The root object."""
        ready: Deferred[Any] = Deferred()

        def connected(broker: Any) -> None:
            ready.callback(broker.getTrackerForYourReference(ROOT, None).getRef())

        factory: Any = ClientFactory.forProtocol(Peer)
        factory.noisy = False
        factory.connected = connected
        reactor.connectTCP(HOST, self.port, factory)
        return ready

    def echoOn(self, connection: Any, value: Any) -> Any:
        """Call a method that returns its argument."""
        return connection.callRemote("echo", value)

    def subscribeOn(self, connection: Any) -> Any:
        """Lend an object that is pushed to."""
        return connection.callRemote("subscribe", Subscriber(self.arrived))

    def publishOn(self, connection: Any) -> Any:
        """Ask the server to push to all."""
        return connection.callRemote("publish")

    def visit(self) -> Any:
        """Not without negotiation."""
        raise Unsupported()


def adapter() -> Foolscap:
    """An adapter of Foolscap."""
    return Foolscap()

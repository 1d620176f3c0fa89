"""
Perspective Broker: the same program for every implementation of it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ServerFactory
from twisted.internet.testing import StringTransport

from benchmarks.payloads import EVENT, PAGED
from benchmarks.peers.base import Call
from benchmarks.peers.twistedbase import HOST, OnTwisted, reactor

__all__ = ["Spread"]


def callEach(references: list[Any], name: str, *args: Any, **kw: Any) -> None:
    """What a package without C{broadcast} does."""
    for reference in references:
        reference.callRemote(name, *args, **kw)


def rootFor(pb: Any, util: Any) -> Any:
    """The root object of a server."""
    broadcast = getattr(pb, "broadcast", callEach)

    class Root(pb.Root):  # type: ignore[misc]
        def __init__(self) -> None:
            self.subscribers: list[Any] = []

        def remote_echo(self, value: Any) -> Any:
            return value

        def remote_pages(self, collector: Any) -> None:
            util.StringPager(collector, PAGED)

        def remote_subscribe(self, subscriber: Any) -> None:
            self.subscribers.append(subscriber)

        def remote_publish(self) -> None:
            broadcast(self.subscribers, "push", EVENT, pbanswer=False)

    return Root()


def subscriberFor(pb: Any, arrived: Call) -> Any:
    """An object that is pushed to."""

    class Subscriber(pb.Referenceable):  # type: ignore[misc]
        def remote_push(self, event: Any) -> None:
            arrived()

    return Subscriber()


class Spread(OnTwisted):
    """
    The adapter of one implementation. A connection is a reference to the root
    object.
    """

    def __init__(self, pb: Any, util: Any) -> None:
        """
        @param pb: its module C{pb}.
        @param util: its module C{util}.
        """
        super().__init__()
        self._pb = pb
        self._util = util
        self._subscriber = subscriberFor(pb, self.arrived)
        self._memory = InMemory(pb)

    def serverFactory(self) -> ServerFactory:
        """Serves the root object."""
        factory: ServerFactory = self._pb.PBServerFactory(rootFor(self._pb, self._util))
        factory.noisy = False
        return factory

    def open(self) -> Deferred[Any]:
        """The root object."""
        factory = self._pb.PBClientFactory()
        factory.noisy = False
        reactor.connectTCP(HOST, self.port, factory)
        root: Deferred[Any] = factory.getRootObject()
        return root

    def close(self, connection: Any) -> Deferred[None]:
        """Close the connection of a root object."""
        closed: Deferred[None] = Deferred()
        connection.broker.notifyOnDisconnect(lambda: closed.callback(None))
        connection.broker.transport.loseConnection()
        return closed

    def echoOn(self, connection: Any, value: Any) -> Any:
        """Call a method that returns its argument."""
        return connection.callRemote("echo", value)

    def subscribeOn(self, connection: Any) -> Any:
        """Lend an object that is pushed to."""
        return connection.callRemote("subscribe", self._subscriber)

    def publishOn(self, connection: Any) -> Any:
        """Ask the server to push to all."""
        return connection.callRemote("publish")

    def pages(self) -> Any:
        """All pages, with the page size that a pager has by default."""
        return self._util.getAllPages(self._connection, "pages")

    def write(self, value: Any) -> bytes:
        """The bytes of a one-way call."""
        return self._memory.write(value)

    def read(self, data: bytes, chunk: int) -> Any:
        """What the method is called with."""
        return self._memory.read(data, chunk)

    def convert(self, value: Any) -> Any:
        """A one-way call over no network."""
        return self._memory.send(value)


class InMemory:
    """
    Two brokers without a network: what L{send} sends has gone all the way from
    C{callRemote} into bytes, and from bytes into the method that is called.
    """

    def __init__(self, pb: Any) -> None:
        received: list[Any] = []

        class Root(pb.Root):  # type: ignore[misc]
            def remote_take(self, value: Any) -> None:
                received.append(value)

        self._received = received
        self._server = pb.PBServerFactory(Root()).buildProtocol(None)
        self._client = pb.PBClientFactory().buildProtocol(None)
        self._toClient, self._toServer = StringTransport(), StringTransport()
        self._server.makeConnection(self._toClient)
        self._client.makeConnection(self._toServer)
        while self._toClient.value() or self._toServer.value():
            self._exchange()
        self._root = self._client.remoteForName("root")

    def _exchange(self) -> None:
        for transport, receiver in ((self._toClient, self._client), (self._toServer, self._server)):
            data = transport.value()
            transport.clear()
            if data:
                receiver.dataReceived(data)

    def send(self, value: Any) -> Any:
        """What arrives when a value is sent."""
        self._root.callRemote("take", value, pbanswer=False)
        self._exchange()
        return self._received.pop()

    def write(self, value: Any) -> bytes:
        """The bytes that a value is sent as."""
        self._root.callRemote("take", value, pbanswer=False)
        data: bytes = self._toServer.value()
        self._toServer.clear()
        return data

    def read(self, data: bytes, chunk: int) -> Any:
        """What arrives when bytes come in chunks."""
        for start in range(0, len(data), chunk):
            self._server.dataReceived(data[start : start + chunk])
        return self._received.pop()

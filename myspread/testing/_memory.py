"""
Two brokers that are connected in memory, without a reactor.

    pair = brokerPair(Calculator())
    self.assertEqual(pair.result(pair.root.callRemote("add", 1, 2)), 3)

Nothing moves until C{pair} is told to move it, so that a test can look at every
step, cut messages anywhere, and lose the connection at any moment. Time stands
still but for C{pair.clock.advance}.
"""

from __future__ import annotations

from typing import Any, Literal

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from myspread._factories.client import PBClientFactory
from myspread._factories.server import PBServerFactory
from myspread._net.broker import Broker

__all__ = ["BrokerPair", "MemoryTransport", "Side", "brokerPair"]

Side = Literal["client", "server"]
"""One end of a connection."""


@implementer(ITransport, IConsumer, IPushProducer)
class MemoryTransport:
    """
    One end of a connection in memory.

    A peer that doesn't read is one whose transport was told to
    L{pauseProducing}: nothing is delivered to it, and what is written for it
    fills the C{written} of the other end.

    @ivar written: what was written and not yet delivered.
    @ivar offset: how many bytes were delivered.
    @ivar bufferSize: with more bytes than this in C{written}, a streaming
        producer is told to pause, until all of them are delivered.
    @ivar disconnecting: whether this end wants to close the connection.
    @ivar aborting: whether it wants to close it at once.
    @ivar paused: whether this end doesn't read.
    @ivar producer: what is asked for data, or told to pause; or None.
    """

    bufferSize = 64 * 1024

    def __init__(self, host: IPv4Address, peer: IPv4Address) -> None:
        self.written = bytearray()
        self.offset = 0
        self.disconnecting = False
        self.aborting = False
        self.paused = False
        self.producer: Any = None
        self._streaming = False
        self._producerPaused = False
        self._host = host
        self._peer = peer

    def getHost(self) -> IPv4Address:
        """An address that stands for this end."""
        return self._host

    def getPeer(self) -> IPv4Address:
        """An address that stands for the other end."""
        return self._peer

    def write(self, data: bytes) -> None:
        """Keep data for the next delivery."""
        if self.disconnecting:
            return
        self.written += data
        if self._streaming and self.producer is not None and len(self.written) > self.bufferSize:
            self._producerPaused = True
            self.producer.pauseProducing()

    def writeSequence(self, iovec: Any) -> None:
        """Keep data for the next delivery."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close the connection once what was written is delivered, and a producer has no more."""
        self.disconnecting = True

    def abortConnection(self) -> None:
        """Close the connection now."""
        self.disconnecting = self.aborting = True
        self.written.clear()

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing is ever delayed here."""

    # The end that reads

    def pauseProducing(self) -> None:
        """Read nothing until L{resumeProducing}: nothing is delivered to this end."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Read again."""
        self.paused = False

    def stopProducing(self) -> None:
        """Close the connection."""
        self.loseConnection()

    # The end that writes

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        Ask a producer for data whenever all that was written is delivered, or
        tell a streaming one when to pause and to go on.

        @raise RuntimeError: when there is a producer already.
        """
        if self.producer is not None:
            raise RuntimeError(f"{self.producer!r} is the producer, and was not unregistered")
        self.producer = producer
        self._streaming = streaming
        self._producerPaused = False

    def unregisterProducer(self) -> None:
        """The producer has no more data."""
        self.producer = None

    def pull(self) -> None:
        """Let a producer that waits to be asked write something."""
        if self.producer is not None and not self.written and (self._producerPaused or not self._streaming):
            self._producerPaused = False
            self.producer.resumeProducing()

    def take(self, size: int | None) -> bytes:
        """Up to C{size} bytes (all, for None) of what was written."""
        data = bytes(self.written[:size])
        del self.written[: len(data)]
        self.offset += len(data)
        return data

    @property
    def isDone(self) -> bool:
        """Whether this end has closed the connection, and has nothing more to deliver."""
        waits = self.producer is not None and (self._producerPaused or not self._streaming)
        return self.disconnecting and not self.written and not waits


class BrokerPair:
    """
    Two brokers that are connected in memory.

    @ivar client: the broker that connected.
    @ivar server: the broker that was connected to.
    @ivar clock: their time.
    @ivar connected: whether the connection still stands.
    """

    def __init__(self, serverFactory: Any, clientFactory: Any, clock: Clock) -> None:
        """
        @param serverFactory: makes the server's broker.
        @param clientFactory: makes the client's broker.
        """
        self.serverFactory = serverFactory
        self.clientFactory = clientFactory
        self.clock = clock
        self.connected = True
        here, there = IPv4Address("TCP", "127.0.0.1", 40000), IPv4Address("TCP", "127.0.0.1", 8787)
        self.server = serverFactory.buildProtocol(here)
        self.client = clientFactory.buildProtocol(there)
        for broker in (self.server, self.client):
            if isinstance(broker, Broker):
                broker.clock = clock
        self.serverTransport = self.transportFor(there, here)
        self.clientTransport = self.transportFor(here, there)
        self.server.makeConnection(self.serverTransport)
        self.client.makeConnection(self.clientTransport)

    def transportFor(self, host: IPv4Address, peer: IPv4Address) -> MemoryTransport:
        """The transport of one end. Subclasses may override this."""
        return MemoryTransport(host, peer)

    @property
    def root(self) -> Any:
        """A reference to the server's root, for the client."""
        return self.client.remoteForName("root")

    def deliver(self, size: int | None = None) -> bool:
        """
        Let each end have what the other has written until now.

        @param size: how many bytes at most; all, for None.
        @return: whether anything moved.
        """
        moved = self._move(self.clientTransport, self.server, size)
        moved = self._move(self.serverTransport, self.client, size) or moved
        if self.connected:
            self._closeIfWanted()
        return moved

    def flush(self, size: int | None = None) -> None:
        """
        L{deliver} until nothing moves any more.

        @param size: how many bytes each delivery has at most.
        """
        while self.deliver(size):
            pass

    def _move(self, transport: MemoryTransport, receiver: Any, size: int | None) -> bool:
        if not self.connected:
            return False
        transport.pull()
        data = b"" if receiver.transport.paused else transport.take(size)
        if data:
            receiver.dataReceived(data)
        return bool(data)

    def _closeIfWanted(self) -> None:
        for transport in (self.clientTransport, self.serverTransport):
            if transport.aborting:
                self.disconnect(Failure(ConnectionAborted()))
                return
            if transport.isDone:
                self.disconnect()
                return

    def disconnect(self, reason: Failure | None = None) -> None:
        """
        Lose the connection now; what wasn't delivered is lost with it.

        @param reason: what both brokers are told.
        """
        if self.connected:
            self.connected = False
            why = reason or Failure(ConnectionDone())
            self.client.connectionLost(why)
            self.server.connectionLost(why)

    def lose(self, first: Side) -> None:
        """
        Lose the connection as it is lost between two machines: one end hears of
        it, and the other one a second later.

        @param first: who hears of it first.
        """
        self.connected = False
        why = Failure(ConnectionLost())
        brokers = [self.client, self.server] if first == "client" else [self.server, self.client]
        brokers[0].connectionLost(why)
        self.clock.advance(1)
        brokers[1].connectionLost(why)

    def result(self, deferred: Deferred[Any]) -> Any:
        """
        L{flush}, and what the Deferred has fired with.

        @raise AssertionError: when it hasn't fired.
        @raise Exception: the one that it has failed with, as C{await} raises
            it.
        """
        outcome: list[Any] = []
        deferred.addBoth(outcome.append)
        self.flush()
        if not outcome:
            raise AssertionError("the Deferred has not fired, and nothing moves any more")
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]


def brokerPair(
    root: Any = None, *, serverFactory: Any = None, clientFactory: Any = None, clock: Clock | None = None
) -> BrokerPair:
    """
    Two brokers that are connected in memory, with the handshake done.

    @param root: what the server serves: a root or a portal.
    @param serverFactory: a factory to use in place of one for C{root}.
    @param clientFactory: a factory to use in place of a L{PBClientFactory}.
    @param clock: the time of both.
    """
    clock = clock or Clock()
    pair = BrokerPair(
        serverFactory or PBServerFactory(root), clientFactory or PBClientFactory(clock=clock), clock
    )
    pair.flush()
    return pair

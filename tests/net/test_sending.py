"""
Tests for L{myspread._net.sending}, over real sockets.
"""

from __future__ import annotations

import os
import socket
from typing import Any
from unittest.mock import patch

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.endpoints import clientFromString, connectProtocol, serverFromString
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from myspread import pb
from myspread._net.sending import MOST_DIRECT, isDirect, sendAtOnce


class Collector(Protocol):
    """Collects what arrives."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.made: Deferred[None] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self._enough: tuple[int, Deferred[None]] | None = None

    def connectionMade(self) -> None:
        """Tell who waits."""
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data
        if self._enough and len(self.received) >= self._enough[0]:
            (_, enough), self._enough = self._enough, None
            enough.callback(None)

    def connectionLost(self, reason: Any = None) -> None:
        """Tell who waits."""
        self.lost.callback(None)

    def until(self, count: int) -> Deferred[None]:
        """Fires once so many bytes have arrived."""
        enough: Deferred[None] = Deferred()
        self._enough = count, enough
        if len(self.received) >= count:
            self.dataReceived(b"")
        return enough


class SendAtOnceTests(TestCase):
    """
    What leaves at once, and what the transport has to do.

    @ivar near: the end that sends.
    @ivar far: the end that reads.
    """

    def server(self) -> str:
        """Where to listen."""
        return "tcp:0:interface=127.0.0.1"

    def client(self, port: Any) -> str:
        """Where to connect to."""
        return f"tcp:127.0.0.1:{port.getHost().port}"

    @inlineCallbacks
    def setUp(self) -> Any:
        """Connect two collectors."""
        self.far = Collector()
        factory: Any = Factory.forProtocol(lambda: self.far)
        port = yield serverFromString(reactor, self.server()).listen(factory)
        self.addCleanup(port.stopListening)
        self.near = Collector()
        yield connectProtocol(clientFromString(reactor, self.client(port)), self.near)
        yield self.far.made
        self.transport: Any = self.near.transport
        self.addCleanup(self.end)

    @inlineCallbacks
    def end(self) -> Any:
        """Close both ends."""
        for collector in (self.near, self.far):
            if not collector.lost.called:
                collector.transport.abortConnection()
                yield collector.lost

    def isWaiting(self) -> bool:
        """Whether the reactor waits until the socket is writable."""
        return self.transport in reactor.getWriters()  # type: ignore[attr-defined]

    def test_direct(self) -> None:
        """A transport of the reactor's sends what it is given as it is."""
        self.assertTrue(isDirect(self.transport))

    @inlineCallbacks
    def test_atOnce(self) -> Any:
        """What the socket takes is sent without the reactor."""
        self.assertEqual(sendAtOnce(self.transport, b"hello"), b"")
        self.assertFalse(self.isWaiting())
        yield self.far.until(5)
        self.assertEqual(self.far.received, b"hello")

    @inlineCallbacks
    def test_order(self) -> Any:
        """What was given to the transport leaves before."""
        self.transport.write(b"first, ")
        self.assertEqual(sendAtOnce(self.transport, b"second"), b"second")
        self.transport.write(b"second")
        yield self.far.until(13)
        self.assertEqual(self.far.received, b"first, second")
        # Once that has left, the next one leaves at once again.
        self.assertEqual(sendAtOnce(self.transport, b", third"), b"")
        yield self.far.until(20)
        self.assertEqual(self.far.received, b"first, second, third")

    @inlineCallbacks
    def test_full(self) -> Any:
        """
        A socket takes a part, and then nothing; everything arrives in order.
        """
        self.far.transport.pauseProducing()
        block = os.urandom(60_000)
        expected = bytearray()
        for _ in range(200):
            rest = sendAtOnce(self.transport, block)
            expected += block
            if rest:
                self.assertTrue(block.endswith(rest))
                break
        else:
            self.fail("the socket never was full")
        self.assertEqual(sendAtOnce(self.transport, b"full"), b"full")
        self.transport.write(rest)
        self.transport.write(b"full")
        self.far.transport.resumeProducing()
        yield self.far.until(len(expected) + 4)
        self.assertEqual(self.far.received, expected + b"full")

    def test_closing(self) -> None:
        """After C{loseConnection} it is the transport's decision."""
        self.transport.loseConnection()
        self.assertEqual(sendAtOnce(self.transport, b"late"), b"late")

    def test_aborted(self) -> None:
        """After C{abortConnection} nothing is sent."""
        self.transport.abortConnection()
        self.assertEqual(sendAtOnce(self.transport, b"late"), b"late")

    @inlineCallbacks
    def test_lost(self) -> Any:
        """After the connection is lost nothing is sent."""
        self.far.transport.abortConnection()
        yield self.near.lost
        self.assertEqual(sendAtOnce(self.transport, b"late"), b"late")

    @inlineCallbacks
    def test_broken(self) -> Any:
        """
        A socket that fails is left to the transport, which tells the protocol
        in its own time.
        """
        with patch.object(self.transport, "socket") as broken:
            broken.send.side_effect = ConnectionResetError
            self.assertEqual(sendAtOnce(self.transport, b"lost"), b"lost")
        self.transport.socket.shutdown(socket.SHUT_RDWR)
        rest = sendAtOnce(self.transport, b"lost")
        self.assertEqual(rest, b"lost")
        self.assertFalse(self.near.lost.called)
        self.transport.write(rest)
        yield self.near.lost

    def test_halfClosed(self) -> None:
        """After C{loseWriteConnection} nothing is sent, though reading goes on."""
        self.transport.loseWriteConnection()
        self.assertEqual(sendAtOnce(self.transport, b"late"), b"late")

    @inlineCallbacks
    def test_pullProducer(self) -> Any:
        """
        While there is a pull producer, everything goes through the transport,
        which asks it for more each time that it has written.
        """

        @implementer(IPullProducer)
        class Countdown:
            """Writes three letters, one each time that it is asked."""

            left = 3

            def resumeProducing(producer) -> None:
                """Write the next one."""
                if producer.left:
                    producer.left -= 1
                    rest = sendAtOnce(self.transport, b"x")
                    self.assertEqual(rest, b"x")
                    self.transport.write(rest)
                else:
                    self.transport.unregisterProducer()

            def stopProducing(producer) -> None:
                """The connection is lost."""

        self.transport.registerProducer(Countdown(), False)
        yield self.far.until(3)
        self.assertIsNone(self.transport.producer)

    def test_wrapped(self) -> None:
        """A wrapper wants to see what is written; so do a spy and an override."""
        wrapper: Any = ProtocolWrapper(WrappingFactory(Factory()), Protocol())
        wrapper.makeConnection(self.transport)
        self.assertFalse(isDirect(wrapper))
        self.assertFalse(isDirect(StringTransport()))
        self.transport.write = lambda data: None
        self.assertFalse(isDirect(self.transport))

        class Counting(type(self.transport)):  # type: ignore[misc]
            """Overrides C{write}."""

            def write(self, data: bytes) -> None:
                """Count."""

        del self.transport.write
        self.transport.__class__ = Counting
        self.assertFalse(isDirect(self.transport))

    def test_tls(self) -> None:
        """Once it is encrypted, the transport's own protocol writes."""
        self.transport.TLS = True
        self.assertEqual(sendAtOnce(self.transport, b"plain"), b"plain")
        self.transport.TLS = False


class UnixTests(SendAtOnceTests):
    """
    The same over a UNIX socket.
    """

    def server(self) -> str:
        """Where to listen."""
        self._path = self.mktemp()
        return f"unix:{self._path}"

    def client(self, port: Any) -> str:
        """Where to connect to."""
        return f"unix:{self._path}"

    def test_descriptors(self) -> None:
        """Descriptors leave with the data that was written after them."""
        self.transport.sendFileDescriptor(self.transport.fileno())
        self.assertEqual(sendAtOnce(self.transport, b"x"), b"x")
        self.transport._sendmsgQueue.clear()


class Echo(pb.Root):
    """Remembers what it gets, and returns it."""

    def __init__(self) -> None:
        self.received: list[Any] = []

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        self.received.append(value)
        return value


class BrokerTests(TestCase):
    """
    Brokers over TCP.
    """

    @inlineCallbacks
    def connect(self, sendsDirectly: bool = True) -> Any:
        """Connect a client to an L{Echo}."""
        self.echo = Echo()
        port = reactor.listenTCP(  # type: ignore[attr-defined]
            0, pb.PBServerFactory(self.echo), interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        factory = pb.PBClientFactory()
        self.patch(pb.Broker, "sendsDirectly", sendsDirectly)
        reactor.connectTCP("127.0.0.1", port.getHost().port, factory)  # type: ignore[attr-defined]
        root = yield factory.getRootObject()
        yield root.callRemote("echo", "ready")
        lost: Deferred[None] = Deferred()
        root.broker.notifyOnDisconnect(lambda: lost.callback(None))
        self.addCleanup(lambda: (root.broker.transport.loseConnection(), lost)[1])
        # What is written while a chunk is being handled leaves at its end.
        yield deferLater(reactor, 0, lambda: None)
        return root

    def isWaiting(self, root: Any) -> bool:
        """Whether the reactor waits until the client's socket is writable."""
        return root.broker.transport in reactor.getWriters()  # type: ignore[attr-defined]

    @inlineCallbacks
    def test_first(self) -> Any:
        """
        A call leaves at once; what follows it in a burst leaves together, with
        the help of the reactor.
        """
        root = yield self.connect()
        clock = root.broker._directClock = Clock()
        clock.advance(1000)
        first = root.callRemote("echo", 1)
        self.assertFalse(self.isWaiting(root))
        second = root.callRemote("echo", 2)
        self.assertTrue(self.isWaiting(root))
        clock.advance(1)
        third = root.callRemote("echo", 3)
        results = yield gatherResults([first, second, third])
        self.assertEqual(results, [1, 2, 3])

    @inlineCallbacks
    def test_switchedOff(self) -> Any:
        """With C{sendsDirectly} false the reactor does it all."""
        root = yield self.connect(sendsDirectly=False)
        call = root.callRemote("echo", 1)
        self.assertTrue(self.isWaiting(root))
        self.assertEqual((yield call), 1)

    @inlineCallbacks
    def test_order(self) -> Any:
        """
        Small and large calls, in bursts and not, arrive in order, though the
        server reads with pauses; and so do the answers.
        """
        root = yield self.connect()
        values = [
            bytes([index % 251]) * (MOST_DIRECT * 2 if index % 7 == 3 else index) for index in range(300)
        ]
        answers: list[Any] = []
        calls = []
        for index, value in enumerate(values):
            calls.append(root.callRemote("echo", value).addCallback(answers.append))
            if index % 50 == 20:
                yield deferLater(reactor, 0.002, lambda: None)
        yield gatherResults(calls)
        self.assertEqual(self.echo.received[1:], values)
        self.assertEqual(answers, values)

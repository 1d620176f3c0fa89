"""
Tests for L{myspread.testing}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from myspread import pb
from myspread.testing import BrokerPair, MemoryTransport, brokerPair


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_never(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()

    def remote_fail(self) -> None:
        """Fail."""
        raise pb.Error("as agreed")


class BrokerPairTests(TestCase):
    """
    Tests for L{brokerPair} and L{BrokerPair}.
    """

    def test_ready(self) -> None:
        """The handshake is done, and nothing moves until it is told to."""
        pair = brokerPair(Echo())
        self.assertEqual((pair.client.currentDialect, pair.server.currentDialect), (b"pb", b"pb"))
        self.assertTrue(pair.connected)
        self.assertFalse(pair.deliver())
        answer = pair.root.callRemote("echo", 5)
        self.assertNoResult(answer)
        pair.flush()
        self.assertEqual(self.successResultOf(answer), 5)

    def test_arguments(self) -> None:
        """Factories and clock may be given."""
        clock = Clock()
        server, client = pb.PBServerFactory(Echo()), pb.PBClientFactory()
        pair = brokerPair(serverFactory=server, clientFactory=client, clock=clock)
        self.assertIs(pair.serverFactory, server)
        self.assertIs(pair.clientFactory, client)
        self.assertIs(pair.clock, clock)
        self.assertIs(pair.client.factory, client)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 5)
        self.assertIsInstance(brokerPair(Echo()).clock, Clock)
        self.assertRaises(TypeError, brokerPair)

    def test_stock(self) -> None:
        """Factories of stock pair with it, too, on either side."""

        class StockEcho(stock.Root):
            def remote_echo(self, value: Any) -> Any:
                return value

        mixed = [
            brokerPair(Echo(), clientFactory=stock.PBClientFactory()),
            brokerPair(serverFactory=stock.PBServerFactory(StockEcho())),
        ]
        for pair in mixed:
            self.assertEqual(pair.result(pair.root.callRemote("echo", [1, "x"])), [1, "x"])

    def test_deliver(self) -> None:
        """A delivery has at most so many bytes in each direction; messages may be cut anywhere."""
        pair = brokerPair(Echo())
        answer = pair.root.callRemote("echo", 5)
        whole = len(pair.clientTransport.written)
        self.assertTrue(pair.deliver(1))
        self.assertEqual(len(pair.clientTransport.written), whole - 1)
        pair.flush(3)
        self.assertEqual(self.successResultOf(answer), 5)

    def test_result(self) -> None:
        """What a Deferred fires with, or the exception that it fails with."""
        pair = brokerPair(Echo())
        self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 5)
        with self.assertRaises(pb.Error) as caught:
            pair.result(pair.root.callRemote("fail"))
        self.assertIn("as agreed", str(caught.exception))

    def test_noResult(self) -> None:
        """A Deferred that doesn't fire is an AssertionError, and not waited for."""
        pair = brokerPair(Echo())
        self.assertRaises(AssertionError, pair.result, pair.root.callRemote("never"))

    def test_disconnect(self) -> None:
        """Both brokers hear of the loss, once; what wasn't delivered is lost."""
        pair = brokerPair(Echo())
        lost: list[str] = []
        pair.client.notifyOnDisconnect(lambda: lost.append("client"))
        pair.server.notifyOnDisconnect(lambda: lost.append("server"))
        answer = pair.root.callRemote("echo", 5)
        why = Failure(ConnectionLost("the cable"))
        pair.disconnect(why)
        pair.disconnect()
        self.assertEqual(lost, ["client", "server"])
        self.assertIs(self.failureResultOf(answer, pb.PBConnectionLost).value.args[0], why)
        self.assertFalse(pair.connected)
        self.assertFalse(pair.deliver())

    def test_loseConnection(self) -> None:
        """A broker that closes has what it wrote delivered first."""
        for side in ("client", "server"):
            pair = brokerPair(Echo())
            reasons: list[Any] = []
            answer = pair.root.callRemote("echo", 5).addErrback(reasons.append)
            if side == "server":
                pair.deliver()
            getattr(pair, side).transport.loseConnection()
            pair.flush(2)
            self.assertFalse(pair.connected)
            self.assertTrue(reasons or self.successResultOf(answer) == 5)

    def test_abortConnection(self) -> None:
        """One that aborts hasn't, and both hear why."""
        pair = brokerPair(Echo())
        answer = pair.root.callRemote("echo", 5)
        pair.client.transport.abortConnection()
        pair.flush()
        failure = self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertIsInstance(failure.value.args[0].value, ConnectionAborted)

    def test_beforeTheHandshake(self) -> None:
        """A L{BrokerPair} itself hasn't exchanged a byte: a test may lose it at any moment."""
        for steps in range(4):
            factory = pb.PBClientFactory(clock=Clock())
            root = factory.getRootObject()
            pair = BrokerPair(pb.PBServerFactory(Echo()), factory, Clock())
            for _ in range(steps):
                pair.deliver(3)
            self.assertNoResult(root)
            pair.disconnect()
            self.failureResultOf(root, ConnectionDone)


class MemoryTransportTests(TestCase):
    """
    Tests for L{MemoryTransport}.
    """

    def setUp(self) -> None:
        """The transport of a client."""
        self.pair = brokerPair(Echo())
        self.transport = self.pair.clientTransport

    def test_interfaces(self) -> None:
        """It is a transport, a consumer, and a producer of what arrives."""
        verifyObject(ITransport, self.transport)
        verifyObject(IPushProducer, self.transport)
        verifyObject(IConsumer, self.transport)
        self.assertIsInstance(self.transport, MemoryTransport)

    def test_addresses(self) -> None:
        """Each end's peer is the other end's host."""
        other = self.pair.serverTransport
        self.assertEqual(self.transport.getPeer(), other.getHost())
        self.assertEqual(self.transport.getHost(), other.getPeer())
        self.assertNotEqual(self.transport.getHost(), other.getHost())

    def test_write(self) -> None:
        """What is written waits to be taken; after closing nothing more is accepted."""
        self.transport.write(b"ab")
        self.transport.writeSequence([b"c", b"d"])
        self.transport.setTcpNoDelay(True)
        self.assertEqual(self.transport.take(3), b"abc")
        self.transport.loseConnection()
        self.transport.write(b"e")
        self.assertEqual(self.transport.take(None), b"d")

    def test_pullProducer(self) -> None:
        """A pull producer is asked for data when all is delivered, until it is unregistered."""
        asked: list[int] = []

        class Producer:
            def resumeProducing(this) -> None:
                asked.append(1)
                if len(asked) == 3:
                    self.transport.unregisterProducer()
                else:
                    self.transport.write(b"")

        self.transport.registerProducer(Producer(), False)
        for _ in range(5):
            self.pair.deliver()
        self.assertEqual(len(asked), 3)

    def test_streamingProducer(self) -> None:
        """A streaming producer is told to pause when much is written, and to go on when all is delivered."""
        told: list[str] = []

        class Producer:
            def pauseProducing(self) -> None:
                told.append("pause")

            def resumeProducing(self) -> None:
                told.append("resume")

        self.pair.client.dataReceived = lambda data: None
        transport = self.pair.serverTransport
        transport.bufferSize = 100
        transport.registerProducer(Producer(), True)
        transport.write(bytes(100))
        self.assertEqual(told, [])
        transport.write(bytes(1))
        self.assertEqual(told, ["pause"])
        self.pair.deliver(100)
        self.assertEqual(told, ["pause"])
        self.pair.flush()
        self.assertEqual(told, ["pause", "resume"])
        transport.unregisterProducer()
        self.assertIsNone(transport.producer)
        transport.write(bytes(101))
        self.assertEqual(told, ["pause", "resume"])

    def test_oneProducer(self) -> None:
        """There is one producer at a time."""
        self.transport.registerProducer(object(), True)
        self.assertRaises(RuntimeError, self.transport.registerProducer, object(), True)

    def test_paused(self) -> None:
        """Nothing is delivered to an end that doesn't read; it waits at the other end, and then arrives."""
        answer = self.pair.root.callRemote("echo", 5)
        self.transport.pauseProducing()
        self.pair.flush()
        self.assertTrue(self.transport.paused)
        waiting = len(self.pair.serverTransport.written)
        self.assertGreater(waiting, 0)
        self.assertNoResult(answer)
        before = self.pair.serverTransport.offset
        self.transport.resumeProducing()
        self.pair.flush()
        self.assertEqual(self.successResultOf(answer), 5)
        self.assertEqual(self.pair.serverTransport.offset - before, waiting)

    def test_closeWithProducer(self) -> None:
        """A connection that has a producer with more to send is closed when that is done."""
        other = self.pair.serverTransport
        other.bufferSize = 1

        class Producer:
            def pauseProducing(self) -> None:
                """Wait."""

            def resumeProducing(self) -> None:
                other.unregisterProducer()

        for streaming in (True, False):
            self.setUp()
            other = self.pair.serverTransport
            other.bufferSize = 1
            self.pair.client.dataReceived = lambda data: None
            other.registerProducer(Producer(), streaming)
            other.write(b"ab")
            other.loseConnection()
            self.pair.deliver()
            self.assertTrue(self.pair.connected)
            self.pair.flush()
            self.assertFalse(self.pair.connected)

    def test_stopProducing(self) -> None:
        """An end that is told to stop closes the connection."""
        self.transport.stopProducing()
        self.pair.flush()
        self.assertFalse(self.pair.connected)

    def test_clock(self) -> None:
        """Both brokers have the clock of the pair, whichever factories made them."""
        pair = brokerPair(serverFactory=pb.PBServerFactory(Echo()), clientFactory=pb.PBClientFactory())
        self.assertIs(pair.server.clock, pair.clock)
        self.assertIs(pair.client.clock, pair.clock)

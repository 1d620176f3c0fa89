"""
Tests for C{PBClientFactory.speaksFirst}.
"""

from __future__ import annotations

import tempfile
from typing import Any

from twisted.internet import ssl
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._codec import PB, encode
from myspread.testing import MemoryTransport, brokerPair
from tests.factories.sockets import GREETING, Echo, SocketCase, reactor, selfSigned
from tests.peer.wire import CALL

VERSION = encode([b"version", 6], PB)
SAID = encode(b"pb") + VERSION + encode(CALL, PB)
ANSWER = encode([b"answer", 1, 5], PB)
HOST = "127.0.0.1"


class StockEcho(stock.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Listening(pb.Broker):
    """Wants to see each message."""

    def expressionReceived(self, sexp: Any) -> None:
        """A message arrives."""
        super().expressionReceived(sexp)


class SpeakingTests(SynchronousTestCase):
    """
    What a client says at once, and what becomes of it.
    """

    def connect(self, protocol: Any = pb.Broker) -> tuple[Any, MemoryTransport, Deferred[Any]]:
        """A client that calls as soon as it has the root."""
        factory = pb.PBClientFactory(speaksFirst=True, clock=Clock())
        factory.protocol = protocol
        broker = factory.buildProtocol(None)
        result = factory.getRootObject().addCallback(lambda root: root.callRemote("echo", 5))
        transport = MemoryTransport(IPv4Address("TCP", HOST, 40000), IPv4Address("TCP", HOST, 8787))
        broker.makeConnection(transport)
        return broker, transport, result

    def test_atOnce(self) -> None:
        """Dialect, version and the first call leave before anything has come, in the usual bytes."""
        broker, transport, result = self.connect()
        self.assertEqual(transport.take(None), SAID)
        broker.dataReceived(GREETING)
        self.assertEqual(transport.take(None), b"")
        broker.dataReceived(VERSION + ANSWER)
        self.assertEqual(self.successResultOf(result), 5)

    def test_cuts(self) -> None:
        """Wherever what the server says is cut, the answer arrives."""
        data = GREETING + VERSION + ANSWER
        for place in range(1, len(data)):
            broker, transport, result = self.connect()
            broker.dataReceived(data[:place])
            broker.dataReceived(data[place:])
            self.assertEqual(self.successResultOf(result), 5)
            self.assertEqual(transport.take(None), SAID)
            self.assertFalse(broker._isAhead)

    def test_allowed(self) -> None:
        """Whatever else a server offers, if the answer to it would have been the same."""
        for offer in ([b"pb"], [b"new", b"pb"], [b"pb", b"none", b"more"]):
            broker, _, result = self.connect()
            broker.dataReceived(encode(offer) + VERSION)
            broker.dataReceived(ANSWER)
            self.assertEqual(self.successResultOf(result), 5)

    def test_expectsOtherwise(self) -> None:
        """A server to whom that is no answer is left, and the call fails."""
        for offer in ([b"none", b"pb"], [b"other"], [], b"pb", 5, [b"version", 6]):
            with self.subTest(offer), capturedLogs() as events:
                broker, transport, result = self.connect()
                broker.dataReceived(encode(offer) + VERSION + ANSWER)
                self.assertTrue(transport.disconnecting)
                self.assertNoResult(result)
                told = [event["reason"] for event in events if "speaksFirst" in event.get("reason", "")]
                self.assertEqual(len(told), 1)
                broker.connectionLost(Failure(ConnectionDone()))
                error = self.failureResultOf(result, pb.PBConnectionLost).value
                self.assertIn("we spoke first (PBClientFactory.speaksFirst)", str(error))
                self.assertIsInstance(error.args[0].value, ConnectionLost)

    def test_nonsense(self) -> None:
        """So is one that doesn't speak Banana, or says nothing at all."""
        for words in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 100, b""):
            broker, transport, result = self.connect()
            broker.dataReceived(words)
            self.assertEqual(transport.disconnecting, b"\xff" in words)
            broker.connectionLost(Failure(ConnectionDone()))
            self.failureResultOf(result, pb.PBConnectionLost)

    def test_listening(self) -> None:
        """A broker that wants to see each message waits, as ever."""
        broker, transport, result = self.connect(Listening)
        self.assertEqual(transport.take(None), b"")
        broker.dataReceived(GREETING + VERSION)
        self.assertEqual(transport.take(None), SAID)
        broker.dataReceived(ANSWER)
        self.assertEqual(self.successResultOf(result), 5)

    def test_default(self) -> None:
        """Nobody does unless told to."""
        factory = pb.PBClientFactory(clock=Clock())
        self.assertFalse(factory.speaksFirst)
        transport = MemoryTransport(IPv4Address("TCP", HOST, 40000), IPv4Address("TCP", HOST, 8787))
        factory.buildProtocol(None).makeConnection(transport)
        self.assertEqual(transport.take(None), b"")

    def test_pair(self) -> None:
        """Two brokers in memory."""
        clock = Clock()
        client = pb.PBClientFactory(speaksFirst=True, clock=clock)
        pair = brokerPair(Echo(), clientFactory=client, clock=clock)
        self.assertEqual(pair.result(pair.root.callRemote("echo", [1, "x"])), [1, "x"])


class ServerTests(SocketCase):
    """
    With real servers of both packages.
    """

    async def visit(self, listening: Any, connecting: Any) -> None:
        """Connect to servers of both, and call."""
        for server in (pb.PBServerFactory(Echo()), stock.PBServerFactory(StockEcho())):
            port = await listening(self.track(server))
            self.ports.append(port)
            factory = self.client(pb.PBClientFactory(speaksFirst=True))
            asked = factory.getRootObject().addCallback(lambda root: root.callRemote("echo", b"x" * 10**5))
            await connecting(port).connect(factory)
            self.assertEqual(await asked, b"x" * 10**5)
            root = await factory.getRootObject()
            self.assertEqual([await root.callRemote("echo", each) for each in range(3)], [0, 1, 2])
            self.assertFalse(root.broker._isAhead)

    async def test_tcp(self) -> None:
        """TCP."""
        await self.visit(
            TCP4ServerEndpoint(reactor, 0, interface=HOST).listen,
            lambda port: TCP4ClientEndpoint(reactor, HOST, port.getHost().port),
        )

    async def test_tls(self) -> None:
        """TLS: it leaves when TLS has done its handshake."""
        options, trusted = selfSigned()
        trusting = ssl.optionsForClientTLS("localhost", trustRoot=trusted)
        await self.visit(
            SSL4ServerEndpoint(reactor, 0, options, interface=HOST).listen,
            lambda port: wrapClientTLS(trusting, TCP4ClientEndpoint(reactor, HOST, port.getHost().port)),
        )

    async def test_untrusted(self) -> None:
        """Over TLS, a server that isn't trusted hears nothing."""
        options, _ = selfSigned()
        server = self.track(pb.PBServerFactory(Echo()))
        port = await SSL4ServerEndpoint(reactor, 0, options, interface=HOST).listen(server)
        self.ports.append(port)
        factory = self.client(pb.PBClientFactory(speaksFirst=True))
        asked = factory.getRootObject().addCallback(lambda root: root.callRemote("echo", 5))
        trusting = ssl.optionsForClientTLS("localhost")
        await wrapClientTLS(trusting, TCP4ClientEndpoint(reactor, HOST, port.getHost().port)).connect(factory)
        await self.failure(asked, pb.PBConnectionLost)
        self.assertEqual({each.currentDialect for each in server.admission.brokers} - {None}, set())

    async def test_unix(self) -> None:
        """UNIX sockets."""
        folder = tempfile.mkdtemp()
        self.folders.append(folder)
        paths = iter((f"{folder}/ours", f"{folder}/stock"))
        await self.visit(
            lambda factory: UNIXServerEndpoint(reactor, next(paths)).listen(factory),
            lambda port: UNIXClientEndpoint(reactor, port.getHost().name.decode()),
        )

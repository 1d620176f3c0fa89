"""
Tests of L{myspread._service.proxied}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ServerFactory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher as publisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.proxied import ProxiedFactory, TrustedProxies
from myspread.limits import Limits
from myspread.pb import Broker, PBServerFactory, Root

PROXY = IPv4Address("TCP", "10.1.2.3", 4567)
CLIENT = IPv4Address("TCP", "203.0.113.9", 56324)
HEADER = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n"
GREETING = b"\x02\x80\x02\x82pb\x04\x82none"


class TrustedProxiesTests(SynchronousTestCase):
    """
    L{TrustedProxies}.
    """

    def test_trusts(self) -> None:
        """Addresses and networks, also of IPv4 clients of IPv6 sockets; and UNIX sockets if that is said."""
        proxies = TrustedProxies(["192.0.2.7", "10.1.0.0/16", "2001:db8::/32"])
        for host, trusted in (
            ("192.0.2.7", True),
            ("192.0.2.8", False),
            ("10.1.255.255", True),
            ("10.2.0.0", False),
            ("127.0.0.1", False),
        ):
            self.assertIs(proxies.trusts(IPv4Address("TCP", host, 1)), trusted, host)
            self.assertIs(proxies.trusts(IPv6Address("TCP", f"::ffff:{host}", 1)), trusted, host)
        for host, trusted in (("2001:db8::1", True), ("2001:db9::1", False), ("fe80::1%eth0", False)):
            self.assertIs(proxies.trusts(IPv6Address("TCP", host, 1)), trusted, host)
        for words, trusted in ((["unix"], True), (["0.0.0.0/0", "::/0"], False)):
            self.assertIs(TrustedProxies(words).trusts(UNIXAddress(None)), trusted)
        self.assertFalse(TrustedProxies(["0.0.0.0/0", "unix"]).trusts(None))

    def test_wrong(self) -> None:
        """Anything else is refused, networks with a part that says nothing too."""
        for word in ("proxy.example", "", "10.1.2.3/16", "10.1.0.0/33", "UNIX"):
            self.assertRaises(ValueError, TrustedProxies, [word])


class Transport(StringTransport):
    """A connection that can be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        """Close it now."""
        self.aborted = True


class ProxiedCase(SynchronousTestCase):
    """
    A factory behind proxies.
    """

    limits = Limits(connections=3, connectionsPerAddress=2, proxyHeaderLength=300, proxyHeaderTime=5.0)

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = PBServerFactory(Root(), limits=self.limits, clock=self.clock)
        self.factory = ProxiedFactory(self.server, self.server, TrustedProxies(["10.1.2.3"]), self.clock)
        self.lines: list[str] = []
        publisher.addObserver(self.logged)
        self.addCleanup(publisher.removeObserver, self.logged)

    def logged(self, event: Any) -> None:
        """Keep why a connection was refused."""
        if "is refused" in (event["log_format"] or ""):
            self.lines.append(f"{event['peer'].host}: {event['reason']}")

    def connect(self, address: Any = PROXY, data: bytes = b"") -> tuple[Any, Transport]:
        """A new connection, and what it is made on."""
        protocol, transport = self.factory.buildProtocol(address), Transport(peerAddress=address)
        protocol.makeConnection(transport)
        if data:
            protocol.dataReceived(data)
        return protocol, transport

    def lose(self, protocol: Any) -> None:
        """A connection is lost."""
        protocol.connectionLost(Failure(ConnectionDone()))


class ProxiedConnectionTests(ProxiedCase):
    """
    Connections that proxies make.
    """

    def test_header(self) -> None:
        """Nothing is made before the header is there, and then it is as if the client had connected."""
        protocol, transport = self.connect()
        for index in range(len(HEADER) - 1):
            protocol.dataReceived(HEADER[index : index + 1])
        self.assertIsNone(protocol.wrappedProtocol)
        self.assertEqual(self.server.admission.connections, 0)
        self.assertEqual(transport.value(), b"")
        protocol.dataReceived(HEADER[-1:])
        broker = protocol.wrappedProtocol
        self.assertIsInstance(broker, Broker)
        self.assertEqual(transport.value(), GREETING)
        self.assertEqual(broker.transport.getPeer(), CLIENT)
        self.assertEqual(broker.transport.getHost(), IPv4Address("TCP", "192.0.2.1", 443))
        self.assertEqual(self.server.admission.connectionsFrom(CLIENT), 1)
        self.assertEqual(self.server.admission.connectionsFrom(PROXY), 0)
        self.clock.advance(5)
        self.assertFalse(transport.aborted)
        self.lose(protocol)
        self.assertEqual(broker.disconnected, 1)
        self.assertEqual(self.server.admission.connections, 0)

    def test_rest(self) -> None:
        """What comes with the header, and after it, is the client's."""
        protocol, _ = self.connect(data=HEADER + b"\x02\x82")
        protocol.dataReceived(b"pb")
        self.assertEqual(protocol.wrappedProtocol.currentDialect, b"pb")
        self.lose(protocol)

    def test_proxyItself(self) -> None:
        """Where the proxy speaks for itself, it is its own client."""
        protocol, transport = self.connect(data=b"PROXY UNKNOWN\r\n")
        self.assertEqual(transport.value(), GREETING)
        self.assertEqual(protocol.wrappedProtocol.transport.getPeer(), PROXY)
        self.assertEqual(self.server.admission.connectionsFrom(PROXY), 1)
        self.lose(protocol)

    def test_untrusted(self) -> None:
        """Who isn't trusted is closed, whatever it sends."""
        for data in (b"", HEADER):
            _, transport = self.connect(CLIENT, data)
            self.assertTrue(transport.aborted)
            self.assertEqual(transport.value(), b"")
        self.assertEqual(self.lines, ["203.0.113.9: it is no trusted proxy (--trusted-proxy)"] * 2)

    def test_noHeader(self) -> None:
        """A proxy that sends none is closed at its first byte, and that is logged."""
        protocol, transport = self.connect(data=b"\x02")
        self.assertTrue(transport.aborted)
        self.assertEqual(transport.value(), b"")
        self.assertEqual(self.lines, ["10.1.2.3: there is no PROXY header"])
        protocol.dataReceived(HEADER)
        self.assertIsNone(protocol.wrappedProtocol)
        self.lose(protocol)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_longHeader(self) -> None:
        """The length of a header is bounded."""
        _, transport = self.connect(data=b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x01\x1d")
        self.assertTrue(transport.aborted)
        self.assertEqual(self.lines, ["10.1.2.3: the PROXY header has 301 bytes (Limits.proxyHeaderLength)"])

    def test_slowHeader(self) -> None:
        """So is the time until it is there, however it comes."""
        protocol, transport = self.connect()
        for index in range(5):
            self.assertFalse(transport.aborted)
            protocol.dataReceived(HEADER[index : index + 1])
            self.clock.advance(1)
        self.assertTrue(transport.aborted)
        self.assertEqual(
            self.lines, ["10.1.2.3: there is no PROXY header after 5 seconds (Limits.proxyHeaderTime)"]
        )
        self.lose(protocol)
        self.assertEqual(self.factory.waiting, 0)

    def test_lostWhileWaiting(self) -> None:
        """One that is lost before leaves nothing."""
        protocol, _ = self.connect()
        self.assertEqual(self.factory.waiting, 1)
        self.lose(protocol)
        self.assertEqual((self.factory.waiting, self.clock.getDelayedCalls()), (0, []))
        self.assertEqual(self.lines, [])

    def test_addresses(self) -> None:
        """Bounds per address are for clients, and name them."""
        protocols = [self.connect(data=HEADER)[0] for _ in range(2)]
        protocol, transport = self.connect(data=HEADER)
        self.assertTrue(transport.aborted)
        self.assertEqual(
            self.lines,
            ["203.0.113.9: there are 2 already from 203.0.113.9 (Limits.connectionsPerAddress)"],
        )
        other, transport = self.connect(data=HEADER.replace(b"113.9", b"113.8"))
        self.assertEqual(transport.value(), GREETING)
        for each in (protocol, other, *protocols):
            self.lose(each)
        self.assertEqual(self.server.admission.connections, 0)

    def test_manyWait(self) -> None:
        """Those that wait for a header count as connections."""
        waiting = [self.connect()[0] for _ in range(3)]
        _, transport = self.connect()
        self.assertTrue(transport.aborted)
        self.assertEqual(self.lines, ["10.1.2.3: there are 3 already (Limits.connections)"])
        # But each only once.
        for each in waiting[:2]:
            each.dataReceived(HEADER)
        self.assertEqual((self.factory.waiting, self.server.admission.connections), (1, 2))
        self.lose(waiting[0])
        protocol, transport = self.connect(data=HEADER)
        self.assertEqual(transport.value(), GREETING)
        for each in (protocol, *waiting[1:]):
            self.lose(each)

    def test_logBudget(self) -> None:
        """Many that are refused don't fill the log."""
        for _ in range(500):
            self.connect(CLIENT)
        self.assertEqual(len(self.lines), self.limits.logEntriesTogether)

    def test_noProtocol(self) -> None:
        """A factory that makes no protocol closes the connection."""
        self.factory.wrappedFactory = ServerFactory()
        self.patch(ServerFactory, "buildProtocol", lambda self, address: None)
        protocol, transport = self.connect(data=HEADER + b"more")
        self.assertTrue(transport.aborted)
        self.lose(protocol)


class ProxiedFactoryTests(ProxiedCase):
    """
    What a port asks of its factory.
    """

    def test_logPrefix(self) -> None:
        """The log says that proxies are expected."""
        self.assertEqual(self.factory.logPrefix(), "PBServerFactory (PROXY)")

    def test_startAndStop(self) -> None:
        """It starts and stops with what it stands before."""
        self.factory.doStart()
        self.assertEqual(self.server.numPorts, 1)
        self.factory.doStop()
        self.assertEqual(self.server.numPorts, 0)

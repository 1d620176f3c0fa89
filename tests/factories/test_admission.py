"""
Tests for L{myspread._factories.admission}, and for how a server factory counts.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._factories.admission import Admission, Refused
from myspread.limits import Limits, changeDefaults
from myspread.testing import brokerPair
from tests.factories.sockets import GREETING, Echo
from tests.login.realms import ANN, RecordingRealm, portalFor

ANSWER = b"\x02\x82pb"
HERE = IPv4Address("TCP", "192.0.2.1", 1)
THERE = IPv4Address("TCP", "192.0.2.2", 1)
LOST = Failure(ConnectionDone())


class AdmissionCase(SynchronousTestCase):
    """
    Connections of a factory, without a network.
    """

    def connect(self, factory: Any, address: Any = HERE) -> Any:
        """A new connection: its protocol."""
        protocol = factory.buildProtocol(address)
        protocol.makeConnection(StringTransport(peerAddress=address))
        return protocol

    def assertCounts(self, factory: Any, connections: int, starting: int) -> None:
        """How many there are, and how many of them aren't ready."""
        counts = factory.admission.connections, factory.admission.starting
        self.assertEqual(counts, (connections, starting))


class CountingTests(AdmissionCase):
    """
    Each connection counts once, from its beginning to its end.
    """

    def setUp(self) -> None:
        self.factory = pb.PBServerFactory(Echo())

    def test_life(self) -> None:
        """A connection starts, is ready after the handshake, and ends."""
        self.assertCounts(self.factory, 0, 0)
        broker = self.connect(self.factory)
        self.assertCounts(self.factory, 1, 1)
        broker.dataReceived(ANSWER)
        self.assertCounts(self.factory, 1, 0)
        self.assertEqual(self.factory.admission.connectionsFrom(HERE), 1)
        broker.connectionLost(LOST)
        self.assertCounts(self.factory, 0, 0)
        self.assertEqual(self.factory.admission.connectionsFrom(HERE), 0)

    def test_login(self) -> None:
        """Where the root is a portal, a connection is ready when it has logged in."""
        pair = brokerPair(portalFor(RecordingRealm()))
        self.assertCounts(pair.serverFactory, 1, 1)
        pair.result(pair.clientFactory.login(ANN))
        self.assertCounts(pair.serverFactory, 1, 0)
        pair.result(pair.clientFactory.login(ANN))
        self.assertCounts(pair.serverFactory, 1, 0)
        pair.disconnect()
        self.assertCounts(pair.serverFactory, 0, 0)

    def test_handshakeFails(self) -> None:
        """A peer that doesn't speak the protocol counts until it has gone."""
        broker = self.connect(self.factory)
        broker.dataReceived(b"\x05\x82other")
        self.assertTrue(broker.transport.disconnecting)
        self.assertCounts(self.factory, 1, 1)
        broker.connectionLost(LOST)
        self.assertCounts(self.factory, 0, 0)

    def test_lostTwice(self) -> None:
        """An end that is told twice counts once."""
        first, second = self.connect(self.factory), self.connect(self.factory)
        for _ in range(2):
            self.factory.brokerLost(first, LOST)
        self.assertCounts(self.factory, 1, 1)
        second.connectionLost(LOST)
        self.assertCounts(self.factory, 0, 0)

    def test_connectedTwice(self) -> None:
        """So does a beginning."""
        broker = self.connect(self.factory)
        self.factory.brokerConnected(broker)
        self.assertEqual(self.factory.admission.connectionsFrom(HERE), 1)
        broker.connectionLost(LOST)
        self.assertEqual(self.factory.admission.connectionsFrom(HERE), 0)

    def test_neverConnected(self) -> None:
        """
        What an overridden C{buildProtocol} does with its broker doesn't matter
        until that is connected: here it raises, or takes another one.
        """
        spare = pb.Broker(False)

        class Choosy(pb.PBServerFactory):
            def buildProtocol(self, addr: Any) -> Any:
                super().buildProtocol(addr)
                if addr is HERE:
                    raise ZeroDivisionError
                spare.factory = self
                return spare

        factory = Choosy(Echo(), limits=Limits(connections=1))
        for _ in range(3):
            self.assertRaises(ZeroDivisionError, factory.buildProtocol, HERE)
        self.assertCounts(factory, 0, 0)
        self.connect(factory, THERE)
        self.assertCounts(factory, 1, 1)
        spare.connectionLost(LOST)
        self.assertCounts(factory, 0, 0)

    def test_ownBrokers(self) -> None:
        """A factory that makes its brokers without us has them counted, too; nothing is refused there."""

        class Own(pb.PBServerFactory):
            def buildProtocol(self, addr: Any) -> Any:
                broker = pb.Broker(False)
                broker.factory = self
                broker.setNameForLocal("root", self.root.rootObject(broker))
                return broker

        factory = Own(Echo(), limits=Limits(connections=1))
        brokers = [self.connect(factory) for _ in range(3)]
        self.assertCounts(factory, 3, 3)
        for broker in brokers:
            broker.connectionLost(LOST)
        self.assertCounts(factory, 0, 0)

    def test_logBudget(self) -> None:
        """All connections of a factory share what peers may fill of the log."""
        first, second = self.connect(self.factory), self.connect(self.factory, THERE)
        self.assertIsNotNone(first.logBudget)
        self.assertIs(first.logBudget, second.logBudget)
        self.assertIsNot(self.connect(pb.PBServerFactory(Echo())).logBudget, first.logBudget)

    def test_withoutInit(self) -> None:
        """A factory that doesn't call C{__init__} counts for itself."""

        class Bare(pb.PBServerFactory):
            def __init__(self) -> None:
                self.root = Echo()

        first, second = Bare(), Bare()
        self.connect(first)
        self.assertCounts(first, 1, 1)
        self.assertCounts(second, 0, 0)


class LimitTests(AdmissionCase):
    """
    Connections that aren't taken.
    """

    def setUp(self) -> None:
        self.entries: list[Any] = []
        globalLogPublisher.addObserver(self.entries.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.entries.append)

    def refusals(self) -> list[str]:
        """Why connections were refused, as the log says it."""
        return [entry["reason"] for entry in self.entries if "is refused" in (entry["log_format"] or "")]

    def assertRefused(self, protocol: Any) -> None:
        """The connection is closed at once, and nothing that it sends is looked at."""
        self.assertIsInstance(protocol, Refused)
        self.assertTrue(protocol.transport.disconnected)
        protocol.dataReceived(ANSWER)
        self.assertEqual(protocol.transport.value(), b"")
        protocol.connectionLost(LOST)

    def assertTaken(self, protocol: Any) -> None:
        """The connection is greeted."""
        self.assertEqual(protocol.transport.value(), GREETING)

    def test_unbounded(self) -> None:
        """A factory that is given no limits takes everybody."""
        factory = pb.PBServerFactory(Echo())
        for _ in range(3000):
            self.connect(factory)
        self.assertCounts(factory, 3000, 3000)
        self.assertEqual(factory.admission.refused, 0)

    def test_connections(self) -> None:
        """One more than C{Limits.connections} is refused, until one has gone."""
        factory = pb.PBServerFactory(Echo(), limits=Limits(connections=2))
        first, _ = self.connect(factory), self.connect(factory, THERE)
        self.assertRefused(self.connect(factory, UNIXAddress(None)))
        self.assertCounts(factory, 2, 2)
        self.assertEqual(factory.admission.refused, 1)
        self.assertEqual(self.refusals(), ["there are 2 already (Limits.connections)"])
        first.connectionLost(LOST)
        self.assertTaken(self.connect(factory))

    def test_perAddress(self) -> None:
        """One more than C{Limits.connectionsPerAddress} from an address is refused; others are taken."""
        factory = pb.PBServerFactory(Echo(), limits=Limits(connectionsPerAddress=1))
        first = self.connect(factory)
        self.assertRefused(self.connect(factory, IPv4Address("TCP", "192.0.2.1", 2)))
        self.assertRefused(self.connect(factory, IPv6Address("TCP", "::ffff:192.0.2.1", 2)))
        self.assertEqual(
            self.refusals(), ["there are 1 already from 192.0.2.1 (Limits.connectionsPerAddress)"] * 2
        )
        self.assertTaken(self.connect(factory, THERE))
        first.connectionLost(LOST)
        self.assertTaken(self.connect(factory))

    def test_perNetwork(self) -> None:
        """IPv6 addresses of one network count together."""
        factory = pb.PBServerFactory(Echo(), limits=Limits(connectionsPerAddress=1))
        self.assertTaken(self.connect(factory, IPv6Address("TCP", "2001:db8::1", 1)))
        self.assertRefused(self.connect(factory, IPv6Address("TCP", "2001:db8::2", 1)))
        self.assertTaken(self.connect(factory, IPv6Address("TCP", "2001:db8:0:1::1", 1)))

    def test_unix(self) -> None:
        """UNIX sockets have no address to count by."""
        factory = pb.PBServerFactory(Echo(), limits=Limits(connectionsPerAddress=0))
        self.assertTaken(self.connect(factory, UNIXAddress(None)))
        self.assertRefused(self.connect(factory))

    def test_startups(self) -> None:
        """Connections that are ready don't count for C{Limits.startups}; the others do."""
        factory = pb.PBServerFactory(Echo(), limits=Limits(startups=1, startupsFull=1))
        ready = self.connect(factory)
        ready.dataReceived(ANSWER)
        starting = self.connect(factory)
        self.assertRefused(self.connect(factory))
        self.assertEqual(self.refusals(), ["1 others are not ready yet (Limits.startups)"])
        starting.dataReceived(ANSWER)
        self.assertTaken(self.connect(factory))

    def test_defaults(self) -> None:
        """A factory without limits of its own follows the defaults."""
        factory = pb.PBServerFactory(Echo())
        self.addCleanup(changeDefaults, connections=None)
        changeDefaults(connections=0)
        self.assertRefused(self.connect(factory))

    def test_pair(self) -> None:
        """The client hears that its connection is lost."""
        client = pb.PBClientFactory()
        waiting = client.getRootObject()
        pair = brokerPair(
            serverFactory=pb.PBServerFactory(Echo(), limits=Limits(connections=0)), clientFactory=client
        )
        self.assertFalse(pair.connected)
        self.failureResultOf(waiting)

    def test_overridden(self) -> None:
        """An override that marks what it gets from us may do so with a refusal."""

        class Marking(pb.PBServerFactory):
            def buildProtocol(self, addr: Any) -> Any:
                protocol = super().buildProtocol(addr)
                protocol.mark = 5
                return protocol

        factory = Marking(Echo(), limits=Limits(connections=1))
        self.assertTaken(self.connect(factory))
        self.assertRefused(self.connect(factory))

    def test_transportWithoutAbort(self) -> None:
        """Where a connection can't be cut off, it is closed."""

        class Simple:
            closed = False

            def loseConnection(self) -> None:
                self.closed = True

        transport = Simple()
        Refused().makeConnection(transport)  # type: ignore[no-untyped-call]
        self.assertTrue(transport.closed)


class StartupsTests(SynchronousTestCase):
    """
    The share of new connections that is dropped while others start.
    """

    def share(self, starting: int, **limits: Any) -> int:
        """How many percent are dropped, as random numbers show it."""
        dropped = 0
        for number in range(100):
            admission = Admission(random=lambda number=number: number / 100)  # type: ignore[misc]
            for _ in range(starting):
                admission.connected(pb.PBServerFactory(Echo()).buildProtocol(None))
            dropped += admission.refusal(Limits(**limits), HERE) is not None
        return dropped

    def setUp(self) -> None:
        # As many brokers as the table wants are slow to make, and aren't needed.
        self.patch(Admission, "connected", lambda self, broker: self._starting.add(broker))

    def test_linear(self) -> None:
        """From startupsRate percent at startups it grows evenly to all at startupsFull."""
        limits = {"startups": 10, "startupsRate": 30, "startupsFull": 20}
        shares = {starting: self.share(starting, **limits) for starting in (0, 9, 10, 15, 19, 20, 25)}
        self.assertEqual(shares, {0: 0, 9: 0, 10: 30, 15: 65, 19: 93, 20: 100, 25: 100})

    def test_off(self) -> None:
        """Without startups nothing is dropped, but for what C{startupsFull} says by itself."""
        self.assertEqual(self.share(25), 0)
        self.assertEqual((self.share(4, startupsFull=5), self.share(5, startupsFull=5)), (0, 100))

    def test_withoutEnd(self) -> None:
        """Without startupsFull the share stays as it is."""
        self.assertEqual((self.share(5, startups=5), self.share(25, startups=5)), (30, 30))

    def test_rates(self) -> None:
        """A rate of 0 percent grows too; one over 100 is 100."""
        self.assertEqual(self.share(15, startups=10, startupsRate=0, startupsFull=20), 50)
        self.assertEqual(self.share(10, startups=10, startupsRate=0, startupsFull=20), 0)
        self.assertEqual(self.share(10, startups=10, startupsRate=500, startupsFull=20), 100)

    def test_fullBelow(self) -> None:
        """A startupsFull below startups counts."""
        self.assertEqual(self.share(5, startups=10, startupsFull=5), 100)

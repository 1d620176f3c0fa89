"""
Tests for L{myspread._net.banana}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from myspread import banana
from myspread._codec import DIALECTS, encode
from myspread._errors import BananaError, LimitExceeded, UnknownTypeByte
from myspread.limits import Limits, changeDefaults, defaultLimits

GREETING = b"\x02\x80\x02\x82pb\x04\x82none"
CHOICE = b"\x02\x82pb"


class Listing(banana.Banana):
    """Keeps what arrives."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.arrived: list[Any] = []
        self.ready = 0

    def connectionReady(self) -> None:
        """Count."""
        self.ready += 1

    def expressionReceived(self, lst: Any) -> None:
        """Keep it."""
        self.arrived.append(lst)


class NoneOnly(Listing):
    """Speaks one dialect only."""

    knownDialects = [b"none"]


class Private(Listing):
    """Speaks a dialect of its own first."""

    knownDialects = [b"private", b"none"]


def connected(protocol: Any) -> tuple[Any, StringTransport]:
    """A protocol with a transport."""
    transport = StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport


class HandshakeTests(TestCase):
    """
    How a connection begins.
    """

    def test_server(self) -> None:
        """A server sends its dialects, and is ready when the client has chosen one."""
        server, transport = connected(Listing(isClient=False))
        self.assertEqual(transport.value(), GREETING)
        self.assertIsNone(server.currentDialect)
        server.dataReceived(CHOICE)
        self.assertEqual((server.currentDialect, server.ready), (b"pb", 1))
        self.assertEqual(transport.value(), GREETING)

    def test_client(self) -> None:
        """A client waits, answers with the first name that it knows, and is ready."""
        client, transport = connected(Listing())
        self.assertEqual(transport.value(), b"")
        client.dataReceived(GREETING)
        self.assertEqual((transport.value(), client.currentDialect, client.ready), (CHOICE, b"pb", 1))

    def test_none(self) -> None:
        """In dialect C{none} no vocabulary is used."""
        client, transport = connected(NoneOnly())
        client.dataReceived(GREETING)
        transport.clear()
        client.sendEncoded([b"list", 5])
        self.assertEqual(transport.value(), b"\x02\x80\x04\x82list\x05\x81")
        client.dataReceived(transport.value())
        self.assertEqual(client.arrived, [[b"list", 5]])

    def test_private(self) -> None:
        """A dialect that only a subclass knows is one without vocabulary."""
        client, transport = connected(Private())
        client.dataReceived(encode([b"private"], DIALECTS[b"none"]))
        self.assertEqual(client.currentDialect, b"private")
        transport.clear()
        client.sendEncoded(b"list")
        self.assertEqual(transport.value(), b"\x04\x82list")

    def test_refused(self) -> None:
        """Who has no dialect in common with us loses the connection; the rest is not looked at."""
        cases: list[tuple[Any, Any]] = [
            (True, [b"other"]),
            (True, []),
            (True, b"pb"),
            (False, b"other"),
            (False, [b"pb"]),
            (False, 5),
        ]
        for isClient, offer in cases:
            with self.subTest((isClient, offer)), capturedLogs() as events:
                protocol, transport = connected(Listing(isClient))
                protocol.dataReceived(encode(offer, DIALECTS[b"none"]) + CHOICE * 100)
                protocol.dataReceived(CHOICE)
                self.assertTrue(transport.disconnecting)
                self.assertIsNone(protocol.currentDialect)
                self.assertEqual((protocol.ready, protocol.arrived), (0, []))
                told = [each for each in events if "The handshake failed" in each.get("reason", "")]
                self.assertEqual(len(told), 1)


class ReceivingTests(TestCase):
    """
    Expressions that arrive.
    """

    def setUp(self) -> None:
        """A server after its handshake."""
        self.server, self.transport = connected(Listing(isClient=False))
        self.server.dataReceived(CHOICE)
        self.transport.clear()

    def test_anyCut(self) -> None:
        """However the bytes are cut, the same expressions arrive in the same order."""
        data = b"".join(encode(each, DIALECTS[b"pb"]) for each in ([b"list", [5]], 1.5, b"x" * 300, -7, []))
        for size in (1, 2, 3, 7, len(data)):
            self.server.arrived.clear()
            for start in range(0, len(data), size):
                self.server.dataReceived(data[start : start + size])
            self.assertEqual(self.server.arrived, [[b"list", [5]], 1.5, b"x" * 300, -7, []])

    def test_reentrant(self) -> None:
        """Data that arrives while an expression is handled is handled after it, in order."""

        class Reentrant(Listing):
            def expressionReceived(self, lst: Any) -> None:
                if lst == 1:
                    self.dataReceived(b"\x03\x81")
                    self.arrived.append("handled")
                self.arrived.append(lst)

        server, _ = connected(Reentrant(isClient=False))
        server.dataReceived(CHOICE + b"\x01\x81\x02\x81")
        self.assertEqual(server.arrived, ["handled", 1, 2, 3])

    def test_broken(self) -> None:
        """What isn't Banana raises, after what came before it was handed on."""
        self.assertRaises(UnknownTypeByte, self.server.dataReceived, b"\x01\x81\x05\xff\x02\x81")
        self.assertEqual(self.server.arrived, [1])

    def test_failingReceiver(self) -> None:
        """If an expression makes expressionReceived fail, the next one still arrives."""

        class Failing(Listing):
            def expressionReceived(self, lst: Any) -> None:
                super().expressionReceived(lst)
                if lst == 1:
                    raise ZeroDivisionError("on the first")

        server, _ = connected(Failing(isClient=False))
        self.assertRaises(ZeroDivisionError, server.dataReceived, CHOICE + b"\x01\x81\x02\x81")
        server.dataReceived(b"\x03\x81")
        self.assertEqual(server.arrived, [1, 2, 3])

    def test_mustBeOverridden(self) -> None:
        """Banana itself doesn't know what to do with an expression."""
        plain, _ = connected(banana.Banana(isClient=False))
        self.assertRaises(NotImplementedError, plain.dataReceived, CHOICE + b"\x01\x81")


class SendingTests(TestCase):
    """
    Expressions that are sent.
    """

    def test_allOrNothing(self) -> None:
        """What can't be encoded raises, and nothing of it is written."""
        server, transport = connected(Listing(isClient=False))
        transport.clear()
        for bad in ("text", None, [b"good", {}], [5, [object()]]):
            self.assertRaises(BananaError, server.sendEncoded, bad)
        self.assertRaises(LimitExceeded, server.sendEncoded, [5, b"x" * (640 * 1024 + 1)])
        self.assertEqual(transport.value(), b"")

    def test_checkEncodable(self) -> None:
        """Whether something can be sent later is found out without writing it."""
        server, transport = connected(Listing(isClient=False))
        transport.clear()
        self.assertIsNone(server.checkEncodable([5]))
        self.assertRaises(BananaError, server.checkEncodable, None)
        self.assertEqual(transport.value(), b"")


class LimitsTests(TestCase):
    """
    Bounds of a connection.
    """

    def setUp(self) -> None:
        """Put the defaults back afterwards."""
        before = defaultLimits()
        self.addCleanup(changeDefaults, prefixLength=before.prefixLength, stringLength=before.stringLength)

    def test_ownAndDefault(self) -> None:
        """A connection has the limits that it is given, else those of all."""
        limits = Limits(stringLength=10, prefixLength=3)
        own = Listing(limits=limits)
        self.assertIs(own.limits, limits)
        self.assertEqual((own.sizeLimit, own.prefixLimit), (10, 3))
        plain = Listing()
        self.assertIs(plain.limits, defaultLimits())
        own.limits = None
        self.assertIs(own.limits, defaultLimits())

    def test_setPrefixLimit(self) -> None:
        """The prefix limit of one connection, and that of all which have none of their own."""
        one, other = Listing(), Listing()
        one.setPrefixLimit(7)
        banana.setPrefixLimit(9)
        self.assertEqual((one.prefixLimit, other.prefixLimit), (7, 9))

    def test_enforced(self) -> None:
        """Limits hold for what arrives and for what is sent, also if they are set later."""
        server, _ = connected(Listing(isClient=False))
        server.dataReceived(CHOICE)
        server.limits = Limits(stringLength=3)
        self.assertRaises(LimitExceeded, server.sendEncoded, b"four")
        self.assertRaises(LimitExceeded, server.dataReceived, b"\x04\x82")


class OneShotTests(TestCase):
    """
    C{banana.encode} and C{banana.decode}.
    """

    def test_encode(self) -> None:
        """An expression becomes bytes without vocabulary."""
        self.assertEqual(banana.encode([b"list", 5]), b"\x02\x80\x04\x82list\x05\x81")
        self.assertRaises(BananaError, banana.encode, "text")

    def test_decode(self) -> None:
        """The first expression of some bytes."""
        self.assertEqual(banana.decode(b"\x05\x81\x06\x81"), 5)
        self.assertEqual(banana.decode(b"\x80"), [])
        self.assertRaises(IndexError, banana.decode, b"\x05\x82a")
        self.assertRaises(IndexError, banana.decode, b"")
        self.assertRaises(BananaError, banana.decode, b"\x05\xff")

    def test_reentrant(self) -> None:
        """An unfinished decode leaves nothing behind for the next one."""
        self.assertRaises(IndexError, banana.decode, b"\x02\x80")
        self.assertEqual(banana.decode(b"\x05\x81"), 5)

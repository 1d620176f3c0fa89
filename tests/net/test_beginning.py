"""
Tests for L{myspread._net.beginning}: the short way leads to what the handshake leads to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._codec import DIALECTS, NONE, PB, encode
from myspread._errors import BananaError
from myspread._net import banana
from myspread._net.beginning import Beginning, beginningFor
from myspread.limits import Limits
from tests.peer.wire import CALL, ROOMY, Wire

OFFER = b"\x02\x80\x02\x82pb\x04\x82none"
CHOICE = b"\x02\x82pb"
VERSION = b"\x02\x80\x13\x87\x06\x81"
KNOWN = [b"pb", b"none"]


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Listening(pb.Broker):
    """Sees each message as a list: for it nothing is taken as bytes."""

    def expressionReceived(self, sexp: Any) -> None:
        """A message arrives."""
        super().expressionReceived(sexp)


class Choosy(pb.Broker):
    """Speaks no dialect with a vocabulary."""

    knownDialects = [b"none"]


class ChoosyListening(Choosy, Listening):
    """As both."""


def chunks(data: bytes, *places: int) -> list[bytes]:
    """The bytes, cut at these places."""
    bounds = [0, *sorted(places), len(data)]
    return [data[begin:end] for begin, end in zip(bounds, bounds[1:], strict=False) if begin < end]


class SamenessTests(TestCase):
    """
    Whether it is taken as bytes or read as expressions: the same happens.
    """

    def outcome(self, broker: Any, pieces: list[bytes]) -> tuple[Any, ...]:
        """What can be seen from both sides."""
        wire = Wire(Echo(), broker, greet=False)
        ready: list[None] = []
        broker.notifyOnConnect(lambda: ready.append(None))
        written = [wire.transport.take(None)]
        with capturedLogs() as events:
            for piece in pieces:
                broker.dataReceived(piece)
                written.append(wire.transport.take(None))
        reasons = [event["reason"] for event in events if "reason" in event]
        seen = broker.currentDialect, len(ready), broker._peer.meant, wire.closing, reasons
        return seen, written

    def compare(
        self,
        pieces: list[bytes],
        isClient: bool,
        classes: tuple[Any, Any] = (pb.Broker, Listening),
        limits: Limits | None = None,
    ) -> tuple[Any, ...]:
        """Hold a broker of the first class against one of the second."""
        outcomes = [self.outcome(each(isClient, limits=limits), pieces) for each in classes]
        self.assertEqual(*outcomes, (pieces, isClient, limits))
        return outcomes[0]

    def test_server(self) -> None:
        """Wherever what a client sends is cut."""
        data = CHOICE + VERSION + encode(CALL, PB)
        answer = VERSION + encode([b"answer", 1, 5], PB)
        for first in range(len(data)):
            for second in {first, first + 1, len(CHOICE), len(CHOICE + VERSION)}:
                seen, written = self.compare(chunks(data, first, second), False)
                self.assertEqual(seen, (b"pb", 1, 2, False, []))
                self.assertEqual(b"".join(written), OFFER + answer)

    def test_client(self) -> None:
        """Wherever what a server sends is cut."""
        data = OFFER + VERSION + encode([b"decref", 7], PB)
        for place in range(len(data)):
            seen, written = self.compare(chunks(data, place), True)
            self.assertEqual(seen, (b"pb", 1, 2, False, []))
            self.assertEqual(b"".join(written), CHOICE + VERSION)

    def test_others(self) -> None:
        """Peers that know other dialects, speak another version, or are none."""
        offers = [
            [b"none", b"pb"],
            [b"pb"],
            [b"pb", b"none", b"more"],
            [b"new", b"pb"],
            [b"other"],
            [],
            b"pb",
            5,
        ]
        clients = [encode(each) for each in offers] + [
            OFFER[:-1] + b"f",
            b"\x02\x80\xff",
            b"HTTP/1.1 400\r\n",
        ]
        choices = [b"none", b"other", b"pbx", [b"pb"], 2]
        servers = [encode(each) for each in choices] + [
            b"\x02\x83pb",
            b"GET / HTTP/1.0\r\n\r\n",
            b"\xff" * 100,
        ]
        for isClient, beginnings in ((True, clients), (False, servers)):
            for beginning in beginnings:
                for rest in (b"", VERSION, encode([b"version", 6]), encode(CALL, PB)):
                    self.compare([beginning, rest], isClient)
                    self.compare([beginning + rest], isClient)

    def test_noVersion(self) -> None:
        """What comes in place of the version, or after it."""
        versions = [encode([b"version", each], PB) for each in (5, 7, 6.0, b"6", [6])]
        for version in [*versions, VERSION * 2, encode([b"version"]), encode(CALL, PB), b"\xff" * 80]:
            for begin, isClient in ((OFFER, True), (CHOICE, False)):
                self.compare([begin + version + encode(CALL, PB)], isClient)
                self.compare([begin, version, encode(CALL, PB)], isClient)

    def test_dialects(self) -> None:
        """A broker that knows other dialects itself."""
        classes = Choosy, ChoosyListening
        for begin, isClient in ((OFFER, True), (encode(b"none"), False), (CHOICE, False)):
            self.compare([begin, encode([b"version", 6]), encode(CALL)], isClient, classes)

    def test_limits(self) -> None:
        """Limits under which the usual can't be sent, or not be received."""
        data = encode(CALL, PB)
        for field in (
            "stringLength",
            "listLength",
            "prefixLength",
            "nestingDepth",
            "messageLength",
            "elements",
        ):
            for value in range(12):
                limits = replace(Limits(), **{field: value})
                for begin, isClient in ((OFFER, True), (CHOICE, False)):
                    with self.subTest((field, value, isClient)):
                        self.compareLimited([begin, VERSION + data], isClient, limits)

    def compareLimited(self, pieces: list[bytes], isClient: bool, limits: Limits) -> None:
        """As L{compare}; where not even the offer can be sent, both say so."""
        try:
            Wire(broker=Listening(isClient, limits=limits), greet=False)
        except BananaError as error:
            refused = self.assertRaises(
                BananaError, Wire, broker=pb.Broker(isClient, limits=limits), greet=False
            )
            self.assertEqual(str(refused), str(error))
        else:
            self.compare(pieces, isClient, limits=limits)


class OverridingTests(TestCase):
    """
    Who wants to see messages, sees these.
    """

    def test_version(self) -> None:
        """A class that overrides what handles a version, or has one of its own."""
        heard: list[Any] = []

        class Hearing(pb.Broker):
            def proto_version(self, vnum: Any) -> None:
                heard.append(vnum)

        class Other(pb.Broker):
            version = 7

        wire = Wire(broker=Hearing(False), greet=False)
        wire.broker.dataReceived(CHOICE + VERSION)
        self.assertEqual(heard, [6])
        other = Wire(broker=Other(False), greet=False)
        self.assertEqual(other.exchange(b"pb"), [KNOWN, [b"version", 7]])

    def test_instance(self) -> None:
        """One broker whose methods were replaced, before it is connected or after."""
        for when in range(3):
            with self.subTest(when):
                broker: Any = pb.Broker(False)
                heard: list[Any] = []

                def replaceIt(broker: Any = broker, heard: list[Any] = heard) -> None:
                    broker.proto_version = heard.append

                if when == 0:
                    replaceIt()
                wire = Wire(broker=broker, greet=False)
                if when == 1:
                    replaceIt()
                broker.dataReceived(CHOICE)
                if when == 2:
                    replaceIt()
                broker.dataReceived(VERSION)
                self.assertEqual(heard, [6])
                self.assertEqual(wire.transport.take(None), OFFER + VERSION)

    def test_notifier(self) -> None:
        """Who is told of the handshake may end the connection: nothing more is looked at."""
        wire = Wire(Echo(), greet=False)
        wire.broker.notifyOnConnect(lambda: wire.broker.closeConnection("enough"))
        wire.broker.dataReceived(CHOICE + VERSION + encode(CALL, PB))
        self.assertEqual(wire.transport.take(None), OFFER + VERSION)
        self.assertTrue(wire.closing)

    def test_reading(self) -> None:
        """Or hold it up: what is there already waits, in order."""
        wire = Wire(Echo(), greet=False)
        wire.broker.notifyOnConnect(lambda: wire.broker.holdReading(2))
        wire.broker.dataReceived(CHOICE + VERSION + encode(CALL, PB))
        wire.broker.dataReceived(encode([*CALL[:1], 2, *CALL[2:]], PB))
        self.assertEqual(wire.transport.take(None), OFFER + VERSION)
        wire.broker._reasons = 0
        wire.broker._handle()
        answers = [encode([b"answer", request, 5], PB) for request in (1, 2)]
        self.assertEqual(wire.transport.take(None), b"".join(answers))


class BurstTests(TestCase):
    """
    What leaves without the help of the reactor.
    """

    def test_server(self) -> None:
        """The answer to a client's first call, however soon it comes after the offer."""
        sent: list[bytes] = []

        def sendAtOnce(transport: Any, data: bytes) -> bytes:
            sent.append(data)
            return b""

        self.patch(banana, "isDirect", lambda transport: True)
        self.patch(banana, "sendAtOnce", sendAtOnce)
        broker = pb.Broker(False)
        broker.clock = clock = Clock()
        clock.advance(1000)
        wire = Wire(Echo(), broker, greet=False)
        broker.dataReceived(CHOICE + VERSION + encode(CALL, PB))
        self.assertEqual(sent, [OFFER, VERSION + encode([b"answer", 1, 5], PB)])
        broker.dataReceived(encode(CALL, PB))
        self.assertEqual((len(sent), wire.transport.take(None)), (2, encode([b"answer", 1, 5], PB)))


class BeginningTests(TestCase):
    """
    What nearly all sides say.
    """

    def test_bytes(self) -> None:
        """They are those of C{twisted.spread}."""
        for isClient, opening, choice, answer in ((False, OFFER, CHOICE, b""), (True, b"", OFFER, CHOICE)):
            beginning = Beginning(isClient, KNOWN, ROOMY)
            self.assertEqual(
                (beginning.opening, beginning.choice, beginning.answer), (opening, choice, answer)
            )
            self.assertEqual((beginning.dialect, beginning.version), (PB, VERSION))

    def test_none(self) -> None:
        """Of a side that knows one dialect only."""
        for isClient in (False, True):
            beginning = Beginning(isClient, [b"none"], ROOMY)
            self.assertIs(beginning.dialect, NONE)
            self.assertEqual(beginning.version, encode([b"version", 6]))

    def test_stranger(self) -> None:
        """There is none where a peer of C{twisted.spread} knows no dialect of ours."""
        for isClient in (False, True):
            self.assertIsNone(beginningFor(isClient, [b"private"], ROOMY))

    def test_remembered(self) -> None:
        """It is found once for the same limits, and forgotten some time."""
        self.assertIs(beginningFor(True, KNOWN, ROOMY), beginningFor(True, list(DIALECTS), ROOMY))
        self.assertIsNot(beginningFor(True, KNOWN, ROOMY), beginningFor(False, KNOWN, ROOMY))
        before = beginningFor(True, KNOWN, ROOMY)
        for depth in range(100):
            other = Limits(nestingDepth=10 + depth)
            self.assertIsNot(beginningFor(True, KNOWN, other), before)
        self.assertIsNone(beginningFor(True, KNOWN, replace(ROOMY, messageLength=3)))
        self.assertIsNotNone(beginningFor(True, KNOWN, ROOMY))

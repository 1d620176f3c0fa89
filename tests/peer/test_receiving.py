"""
Tests for what L{myspread._peer.Peer} makes of the messages that arrive.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread.testing import brokerPair
from tests.peer.test_messages import WRONG
from tests.peer.wire import CALL, NO_KEYWORDS, Wire, arguments, call


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Talkative(pb.Broker):
    """A broker that knows messages of its own."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.heard: list[Any] = []

    def proto_xyz(self, *fields: Any) -> None:
        """Remember the fields."""
        self.heard.append(fields)

    def proto_broken(self) -> None:
        """Fail."""
        raise ZeroDivisionError("a mistake in a broker's own message")


def texts(events: list[Any]) -> list[str]:
    """The texts of warnings and worse."""
    return [event["log_format"].format(**event) for event in events if event["log_level"].name != "debug"]


class DroppedTests(TestCase):
    """
    Messages that make no sense.
    """

    def setUp(self) -> None:
        """A server that echoes."""
        self.wire = Wire(Echo())

    def assertUnharmed(self) -> None:
        """The connection stands, and calls are answered."""
        self.assertFalse(self.wire.closing)
        self.assertEqual(self.wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_noMessages(self) -> None:
        """Expressions that are no messages are dropped and logged; the connection stays."""
        for expression in ([], 5, 0.5, b"decref", [5], [[b"decref", 1]], -(2**40)):
            with self.subTest(expression), capturedLogs() as events:
                wire = Wire(Echo())
                self.assertEqual(wire.exchange(expression), [])
                self.assertEqual(wire.broker._peer.dropped, 1)
                self.assertIn("a message is a list that starts with a command", texts(events)[-1])
                self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_argumentsThatAreNoForm(self) -> None:
        """Arguments that begin with a list in the place of a tag are malformed, and nothing worse."""
        for wrong in ([[b"tuple"], 5], [[]], [[[b"unicode"]]]):
            answer = self.wire.exchange([b"message", 3, b"root", b"echo", 1, wrong, NO_KEYWORDS])
            self.assertIn(b"myspread.pb.MalformedJelly", str(answer).encode())
        self.assertUnharmed()
        self.assertEqual(len(self.flushLoggedErrors(pb.MalformedJelly)), 3)

    def test_wrongTypes(self) -> None:
        """
        A known command whose fields have wrong types is dropped; a call that
        can be answered is answered with an error.
        """
        good = {b"message": CALL[1:], b"cachemessage": CALL[1:], b"answer": [1, 5], b"error": [1, 5]}
        for command, changes in WRONG.items():
            for index, value, name in changes:
                with self.subTest((command, name, value)), capturedLogs() as events:
                    wire = Wire(Echo())
                    fields = list(good.get(command, [1]))
                    fields[index] = value
                    answers = wire.exchange([command, *fields])
                    self.assertIn(f"the {name} of {command.decode()} can't be", texts(events)[-1])
                    self.assertEqual(wire.broker._peer.dropped, 1)
                    answerable = command in (b"message", b"cachemessage") and index != 0 and fields[3]
                    self.assertEqual([each[:2] for each in answers], [[b"error", 1]] if answerable else [])
                    self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_wrongArity(self) -> None:
        """A call with a field too many, or without its keywords, fails with a text that says so."""
        for fields in (CALL[1:-1], [*CALL[1:], 5]):
            ((command, request, failure),) = self.wire.exchange([b"message", *fields])
            self.assertEqual((command, request), (b"error", 1))
            self.assertIn(b"message has 6 fields", repr(failure).encode())
        self.assertUnharmed()

    def test_noAnswerWanted(self) -> None:
        """A malformed call that wants no answer, or doesn't get as far as to say so, gets none."""
        for fields in ([], [1], [1, b"root", b"echo"], [1, b"root", b"echo", 0], [1, b"root", b"echo", []]):
            self.assertEqual(self.wire.exchange([b"message", *fields]), [])
        self.assertUnharmed()

    def test_logGrowsByItsLogarithm(self) -> None:
        """A peer that floods us with nonsense doesn't flood the log, even where there is no clock."""
        with capturedLogs() as events:
            self.wire.send(*[[b"decref"]] * 1000)
        self.assertEqual(self.wire.broker._peer.dropped, 1000)
        self.assertEqual(len(texts(events)), 20 + 10)
        self.assertUnharmed()

    def test_argumentsThatAreNone(self) -> None:
        """Arguments that are no tuple, and keywords that are no dictionary, fail the call."""
        for args, kw in (
            ([b"dictionary"], NO_KEYWORDS),
            (arguments(), [b"tuple"]),
            (arguments(), [b"dictionary", [5, 5]]),
            ([b"nonsense"], NO_KEYWORDS),
            ([], NO_KEYWORDS),
        ):
            with self.subTest((args, kw)):
                answers = self.wire.exchange([b"message", 7, b"root", b"echo", 1, args, kw])
                self.assertEqual([each[:2] for each in answers], [[b"error", 7]])
                self.assertEqual(len(self.flushLoggedErrors(pb.InsecureJelly)), 1)
        self.assertUnharmed()

    def test_listAsArguments(self) -> None:
        """Arguments in a list instead of a tuple are accepted, as stock does."""
        message = [b"message", 7, b"root", b"echo", 1, [b"list", 5], NO_KEYWORDS]
        self.assertEqual(self.wire.exchange(message), [[b"answer", 7, 5]])

    def test_bytesAsKeyword(self) -> None:
        """Keyword names that are bytes, as old peers send them, are accepted."""
        message = [b"message", 7, b"root", b"echo", 1, arguments(), [b"dictionary", [b"value", 5]]]
        self.assertEqual(self.wire.exchange(message), [[b"answer", 7, 5]])


class CommandTests(TestCase):
    """
    Messages that aren't known, and those of a broker's own.
    """

    def test_unknown(self) -> None:
        """The peer is told which command wasn't understood, and the connection stays."""
        wire = Wire(Echo())
        for command in (b"hello", b"", b"\xff", b"a b", b"__class__", b"version.x", b"x" * 1000):
            with self.subTest(command):
                self.assertEqual(wire.exchange([command, 1, []]), [[b"didNotUnderstand", command[:256]]])
        self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])
        self.assertEqual(wire.broker._peer.dropped, 0)

    def test_ofASubclass(self) -> None:
        """A C{proto_xyz} of a subclass gets the fields, whatever they are, as lists."""
        wire = Wire(broker=Talkative(False))
        self.assertEqual(wire.exchange([b"xyz"], [b"xyz", 1, [b"a", [0.5]]]), [])
        self.assertEqual(wire.broker.heard, [(), (1, [b"a", [0.5]])])

    def test_failingSubclass(self) -> None:
        """A C{proto_} method that fails, or doesn't take the fields, is logged; the connection stays."""
        wire = Wire(Echo(), Talkative(False))
        self.assertEqual(wire.exchange([b"broken"], [b"broken", 1]), [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_didNotUnderstand(self) -> None:
        """That the peer doesn't understand us is logged, and not answered."""
        wire = Wire()
        with capturedLogs() as events:
            self.assertEqual(wire.exchange([b"didNotUnderstand", b"xyz"]), [])
        self.assertEqual(texts(events), ["The peer did not understand the message b'xyz'."])

    def test_betweenTwo(self) -> None:
        """Two brokers survive a message that one of them doesn't know."""
        pair = brokerPair(Echo())
        with capturedLogs() as events:
            pair.client.sendCall(b"hello", 1)
            pair.flush()
        self.assertIn("The peer did not understand the message b'hello'.", texts(events))
        self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 5)


class VersionTests(TestCase):
    """
    The C{version} message.
    """

    def test_same(self) -> None:
        """Our version is accepted, as a float too."""
        for version in (6, 6.0):
            wire = Wire()
            self.assertEqual(wire.exchange([b"version", version]), [])
            self.assertFalse(wire.closing)

    def test_other(self) -> None:
        """A peer that speaks another version loses the connection; the log says why."""
        for version in (5, 7, 6.5, 0, -6):
            with self.subTest(version), capturedLogs() as events:
                wire = Wire(Echo())
                self.assertEqual(wire.exchange([b"version", version]), [])
                self.assertTrue(wire.closing)
                self.assertIn(f"the peer speaks version {version} of PB, we speak 6", texts(events)[-1])

    def test_nothingIsHandledAfterwards(self) -> None:
        """Calls that come with or after a wrong version aren't run any more."""
        called: list[int] = []

        class Counting(pb.Root):
            def remote_count(self) -> None:
                """Count."""
                called.append(1)

        wire = Wire(Counting())
        wire.send([b"version", 5], call(1, b"count"))
        wire.send(call(2, b"count"))
        self.assertEqual(called, [])

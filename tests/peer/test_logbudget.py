"""
Tests for L{myspread._peer.logbudget}.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, capturedLogs, textFileLogObserver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._flavors.failures import CopiedFailure
from myspread._jelly import createBlank
from myspread._peer.logbudget import LONGEST_TEXT, LONGEST_TRACEBACK, LogBudget, bounded, sharedLogBudget
from tests.peer.wire import Wire, call

log = Logger()


def raised(error: BaseException) -> Failure:
    """A failure with a traceback."""
    try:
        raise error
    except BaseException:
        return Failure()


def rendered(events: list[Any]) -> list[str]:
    """What a log file has of each entry."""
    texts = []
    for event in events:
        out = io.StringIO()
        textFileLogObserver(out)(event)
        texts.append(out.getvalue())
    return texts


class BudgetTests(SynchronousTestCase):
    """
    L{LogBudget}.
    """

    def setUp(self) -> None:
        """Three entries at once, one more every ten seconds."""
        self.clock = Clock()
        self.budget = LogBudget(3, 10.0, self.clock)

    def write(self, count: int, budget: LogBudget | None = None) -> list[Any]:
        """The entries that come of it."""
        with capturedLogs() as events:
            for number in range(count):
                (budget or self.budget).emit(log, LogLevel.info, "entry {number}", number=number)
        return events

    def test_atOnce(self) -> None:
        """So many at once, as they are; the others are counted."""
        events = self.write(5)
        self.assertEqual([event["log_format"] for event in events], ["entry {number}"] * 3)
        self.assertEqual([event["log_namespace"] for event in events], [__name__] * 3)
        self.assertEqual(self.budget.leftOut, 2)

    def test_oneMore(self) -> None:
        """After a while there is one more, which tells how many were left out."""
        self.write(5)
        self.clock.advance(9.9)
        self.assertEqual(self.write(1), [])
        self.clock.advance(0.2)
        (event,) = self.write(2)
        self.assertEqual(event["leftOut"], 3)
        self.assertIn("entry 0 (3 entries before this one", rendered([event])[0])
        self.assertEqual(self.budget.leftOut, 1)

    def test_neverMoreThanAtOnce(self) -> None:
        """Silence saves up no more than what may be written at once."""
        self.clock.advance(10000)
        self.assertEqual(len(self.write(10)), 3)

    def test_backwards(self) -> None:
        """A clock that is set back gives nothing and takes nothing."""
        self.write(1)
        self.clock.rightNow = -1000.0
        self.assertEqual(len(self.write(10)), 2)

    def test_zero(self) -> None:
        """Nothing at all, or, where nothing has to be waited for, everything."""
        self.assertEqual(self.write(10, LogBudget(0, 1.0, self.clock)), [])
        self.assertEqual(self.write(10, LogBudget(0, 1.0)), [])
        self.assertEqual(len(self.write(10, LogBudget(1, 0.0, self.clock))), 10)

    def test_withoutClock(self) -> None:
        """Without a clock there is one more each time that as many were left out."""
        budget = LogBudget(3, 10.0)
        self.assertEqual(len(self.write(3 + 64, budget)), 3 + 7)
        self.assertEqual(len(self.write(63, budget)), 0)
        (event,) = self.write(1, budget)
        self.assertEqual(event["leftOut"], 63)

    def test_together(self) -> None:
        """Peers of one factory share a budget; what one doesn't get, it may still have later."""
        shared = LogBudget(4, 1.0, self.clock)
        first, second = (LogBudget(3, 10.0, self.clock, shared) for _ in range(2))
        self.assertEqual(len(self.write(5, first)), 3)
        self.assertEqual(len(self.write(3, second)), 1)
        self.assertEqual((first.leftOut, second.leftOut, shared.leftOut), (2, 0, 2))
        self.clock.advance(2)
        events = self.write(2, second)
        self.assertEqual([event.get("leftOut") for event in events], [2, None])
        self.assertEqual(shared.leftOut, 0)

    def test_sharedLogBudget(self) -> None:
        """How much peers have together stands in the limits."""
        shared = sharedLogBudget(pb.Limits(logEntriesTogether=2, logTimeTogether=5.0), self.clock)
        self.assertEqual(len(self.write(9, shared)), 2)
        self.clock.advance(5)
        self.assertEqual(len(self.write(9, shared)), 1)

    def test_end(self) -> None:
        """The end of a connection tells what nothing else has told."""
        with capturedLogs() as events:
            self.budget.end(log, "somebody")
        self.assertEqual(events, [])
        self.write(5)
        with capturedLogs() as events:
            self.budget.end(log, "somebody")
            self.budget.end(log, "somebody")
        self.assertIn("2 log entries that somebody caused were left out", rendered(events)[0])
        self.assertEqual(len(events), 1)

    def test_endOfMany(self) -> None:
        """Many connections that end fill no log either, and nothing is forgotten."""
        shared = LogBudget(1, 1.0, self.clock)
        budgets = [LogBudget(0, 1.0, self.clock, shared) for _ in range(20)]
        with capturedLogs() as events:
            for budget in budgets:
                self.write(1, budget)
                budget.end(log, "somebody")
        self.assertEqual(len(events), 1)
        self.assertEqual(shared.leftOut, 19)

    def test_longFields(self) -> None:
        """Fields that are texts or bytes are cut."""
        with capturedLogs() as events:
            self.budget.emit(log, LogLevel.info, "{a} {b} {c}", a="a" * 10**6, b=b"b" * 10**6, c=5)
        self.assertLess(len(rendered(events)[0]), 3 * LONGEST_TEXT)
        self.assertIn("(1000000 characters)", rendered(events)[0])

    def test_failures(self) -> None:
        """Failures are logged as C{Logger.failure} does, and found by C{flushLoggedErrors}."""
        for _ in range(5):
            self.budget.failure(log, "It failed.", raised(ZeroDivisionError("no")))
        found = self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual(len(found), 3)
        self.assertIsInstance(found[0].value, ZeroDivisionError)

    def test_currentException(self) -> None:
        """Without a failure it is the exception that is being handled."""
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            self.budget.failure(log, "It failed.")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_longFailures(self) -> None:
        """A long entry counts as several."""
        shared = LogBudget(30, 1.0, self.clock)
        budget = LogBudget(20, 10.0, self.clock, shared)
        for _ in range(20):
            budget.failure(log, "It failed.", raised(ValueError("x" * 10**6)))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 10)
        self.assertEqual(len(self.write(30, shared)), 10)


class Loud(Exception):
    """An error with much to say."""


class BoundedTests(SynchronousTestCase):
    """
    L{bounded}.
    """

    def test_short(self) -> None:
        """A failure of usual length stays itself."""
        failure = raised(Loud("x" * 1000))
        self.assertEqual(bounded(failure), (failure, 1))

    def test_longText(self) -> None:
        """A long text is cut; type and traceback stay."""
        failure = raised(Loud("a" + "x" * 10**6 + "z"))
        shown, length = bounded(failure)
        self.assertEqual(length, 2)
        whole = shown.getTraceback()
        self.assertIn("in raised", whole)
        self.assertIn("Loud: axxx", whole)
        self.assertIn("xz\n", whole)
        self.assertIn("(1000002 characters)", whole)
        self.assertLess(len(whole), LONGEST_TEXT + 1000)
        self.assertTrue(shown.check(Loud))
        self.assertIs(shown.type, Loud)
        self.assertLess(len(shown.getErrorMessage()), LONGEST_TEXT + 100)

    def test_deep(self) -> None:
        """The middle of a deep traceback is left out."""

        def dig(depth: int) -> None:
            if not depth:
                raise Loud("found")
            (dig if depth % 2 else lambda less: dig(less))(depth - 1)

        try:
            dig(200)
        except Loud:
            shown, length = bounded(Failure())
        self.assertLess(len(shown.getTraceback()), LONGEST_TRACEBACK + 100)
        self.assertEqual(length, 5)
        self.assertTrue(shown.getTraceback().startswith("Traceback (most recent call last)"))
        self.assertIn("Loud: found", shown.getTraceback())

    def test_relayed(self) -> None:
        """A failure of a peer, with the traceback that the peer says it has."""
        failure = createBlank(CopiedFailure)
        failure.setCopyableState({"type": b"a.Loud", "value": "v" * 10**6, "traceback": "t" * 10**6})
        shown, _ = bounded(failure)
        self.assertLess(len(shown.getTraceback()), LONGEST_TRACEBACK + 100)
        self.assertIn("a.Loud: vvv", shown.getTraceback())
        self.assertTrue(shown.check("a.Loud"))

    def test_printed(self) -> None:
        """It can be printed in all ways in which a failure can."""
        shown, _ = bounded(raised(Loud("x" * 10**6)))
        for print in (shown.printTraceback, shown.printBriefTraceback, shown.printDetailedTraceback):
            out = io.StringIO()
            print(out)
            self.assertIn("Loud: xxx", out.getvalue())
        self.assertLess(len(str(shown)), 2 * LONGEST_TEXT)


class Clumsy(pb.Root):
    """Everything here fails."""

    def remote_fail(self, text: Any = "no") -> None:
        """Fail."""
        raise Loud(text)

    def remote_failLater(self) -> Deferred[None]:
        """Fail, in a Deferred."""
        return fail(Loud("later"))

    def remote_strict(self, one: Any) -> None:
        """Want exactly one argument."""

    def remote_odd(self) -> Any:
        """What can't travel."""
        return [object()]


class PeerTests(SynchronousTestCase):
    """
    What one peer can write to the log of a broker.
    """

    def setUp(self) -> None:
        """A server on a clock."""
        self.clock = Clock()
        self.wire = self.served()

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        self.flushLoggedErrors()

    def served(self, shared: LogBudget | None = None) -> Wire:
        """A server on the clock."""
        wire = Wire(Clumsy(), limits=pb.Limits(logEntries=5))
        wire.broker.clock = self.clock
        wire.broker.logBudget = shared
        return wire

    def entriesOf(self, *messages: Any, wire: Wire | None = None) -> list[str]:
        """What these messages write to the log."""
        with capturedLogs() as events:
            (wire or self.wire).send(*messages)
        return rendered(events)

    def test_everyKind(self) -> None:
        """Whatever a peer does that is logged, fifty times of it make five entries."""
        kinds: dict[str, list[Any]] = {
            "a call that fails": call(1, b"fail"),
            "a call without answer that fails": call(1, b"fail", wanted=0),
            "a Deferred that fails": call(1, b"failLater"),
            "a Deferred without answer that fails": call(1, b"failLater", wanted=0),
            "no such method": call(1, b"missing"),
            "a wrong signature": call(1, b"strict"),
            "what can't travel": call(1, b"odd"),
            "arguments that aren't allowed": call(1, b"strict", [b"os.system", 1]),
            "no message": [5],
            "a wrong field": [b"decref", []],
            "not understood": [b"didNotUnderstand", b"version"],
            "an unknown id": [b"decref", 77],
            "an unknown cache": [b"decache", 77],
            "an unknown request": [b"answer", 77, 5],
            "an unknown request that failed": [b"error", 77, 5],
        }
        for name, message in kinds.items():
            with self.subTest(name):
                wire = self.served()
                self.assertEqual(len(self.entriesOf(*[message] * 50, wire=wire)), 5)
                with capturedLogs() as events:
                    wire.lose()
                self.assertRegex(rendered(events)[0], r"\d+ log entries that .*40000.* caused were left out")

    def test_whole(self) -> None:
        """The entries of a program with a few failing methods are as they always were."""
        (entry,) = self.entriesOf(call(1, b"fail"))
        self.assertIn(" will receive the following PB traceback:\n", entry)
        self.assertIn("127.0.0.1", entry)
        self.assertIn("in remote_fail", entry)
        self.assertIn("Loud: no", entry)
        with capturedLogs() as events:
            self.wire.lose()
        self.assertEqual(events, [])

    def test_longText(self) -> None:
        """An error with a text of five million characters fills no log."""
        text = [b"unicode", b"x" * 600000]
        entries = self.entriesOf(*[call(1, b"fail", text)] * 50)
        self.assertLess(sum(map(len, entries)), 5 * 2 * LONGEST_TEXT)

    def test_manyPeers(self) -> None:
        """Many peers together have a bound, too."""
        shared = LogBudget(8, 1.0, self.clock)
        count = 0
        for _ in range(100):
            wire = self.served(shared)
            count += len(self.entriesOf(call(1, b"fail"), [5], wire=wire))
            wire.lose()
        self.assertEqual(count, 8)
        self.clock.advance(1)
        self.assertIn("(192 entries before this one", self.entriesOf([5], wire=self.served(shared))[0])

    def test_lazily(self) -> None:
        """A peer that causes no entry has no budget."""
        self.wire.send(call(1, b"odd", wanted=0))
        self.assertIsNone(self.wire.broker._peer._logBudget)

    def test_notifiers(self) -> None:
        """Notifiers and caches that fail when the connection is lost are bounded, too."""

        class Watched(pb.Cacheable):
            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                raise Loud

        for _ in range(20):
            self.wire.broker.notifyOnDisconnect(lambda: 1 / 0)
            self.wire.broker.serialize(Watched())
        with capturedLogs() as events:
            self.wire.lose()
        self.assertEqual(len(events), 5 + 1)

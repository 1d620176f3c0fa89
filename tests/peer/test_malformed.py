"""
Each row of C{docs/topics/malformed.rst} is true.
"""

from __future__ import annotations

import gc
import re
from typing import Any

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.peer.malformed import BEFORE_HANDSHAKE, EXAMPLES, LENT, REQUEST, TO_CLIENT, Row, prepared, rowsOf
from tests.peer.wire import CALL, Wire, call

TAG = b"twisted.spread.pb.CopyableFailure"

OUTCOMES = {"the call fails", "our call fails", "dropped", "ignored", "answered", "the connection closes"}

ROWS = list(rowsOf())


def entry(event: dict[str, Any]) -> str:
    """An event as the page describes it."""
    if "log_failure" in event:
        return f"traceback: {event['log_failure'].getTraceback()}"
    kinds = {LogLevel.warn: "warning", LogLevel.info: "note", LogLevel.debug: "note"}
    return f"{kinds[event['log_level']]}: {event['log_format'].format(**event)}"


class MalformedTests(SynchronousTestCase):
    """
    All examples of all rows.
    """

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        gc.collect()
        self.flushLoggedErrors()

    def test_examples(self) -> None:
        """Each row has examples, and each example a row."""
        self.assertEqual([row.message for row in ROWS], list(EXAMPLES))
        self.assertEqual(len({row.message for row in ROWS}), len(ROWS))
        self.assertTrue(all(EXAMPLES.values()))

    def test_outcomes(self) -> None:
        """Each message has one of the outcomes that the page explains."""
        self.assertEqual({row.outcome for row in ROWS}, OUTCOMES)

    def test_rows(self) -> None:
        """What the peer gets, what the log gets, and what becomes of the connection."""
        for row in ROWS:
            for example in EXAMPLES[row.message]:
                with self.subTest((row.message, example)):
                    self.check(row, example)

    def check(self, row: Row, example: Any) -> None:
        """One example of a row."""
        wire = prepared(row.message)
        before = wire.broker._peer.dropped
        with capturedLogs() as events:
            if isinstance(example, bytes):
                wire.broker.dataReceived(example)
                sent = 1
            else:
                wire.send(*example)
                sent = len(example)
        self.checkLog(row, [entry(event) for event in events])
        if row.message in BEFORE_HANDSHAKE | TO_CLIENT:
            self.assertTrue(wire.closing)
            return
        received = [each for each in wire.received() if each[0] not in (b"decref", b"decache")]
        self.checkSeen(row, received, example)
        self.assertEqual(wire.closing, row.outcome == "the connection closes")
        if row.outcome == "dropped":
            self.assertEqual(wire.broker._peer.dropped - before, sent)
        elif row.outcome != "the call fails":
            self.assertEqual(wire.broker._peer.dropped, before)
        self.checkWaiting(row, wire)
        if not wire.closing and "Limits.calls`" not in row.message:
            self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def checkSeen(self, row: Row, received: list[Any], example: Any) -> None:
        """The peer gets what the row says, and no more."""
        if row.sees == "nothing":
            self.assertEqual(received, [])
        elif row.outcome == "answered":
            self.assertEqual(received, [[b"didNotUnderstand", example[0][0][:256]]])
        else:
            ((command, request, failure),) = received
            self.assertEqual((command, request, failure[0]), (b"error", REQUEST, TAG))
            state = {name[1]: value for name, value in failure[1][1:]}
            kind, fragment = re.fullmatch("``(.*)``: (.*)", row.sees).groups()  # type: ignore[union-attr]
            self.assertEqual(state[b"type"], kind.encode())
            self.assertIn(fragment.encode(), state[b"value"][1])
            self.assertLess(len(state[b"value"][1]), 1000)

    def checkLog(self, row: Row, entries: list[str]) -> None:
        """The log gets what the row says, and little of it."""
        if row.log == "nothing":
            self.assertEqual(entries, [])
            return
        kind, fragment = re.fullmatch("(.*): ``(.*)``", row.log).groups()  # type: ignore[union-attr]
        found = [each for each in entries if each.startswith(kind) and fragment in each]
        self.assertEqual(len(found), 1, entries)
        self.assertLess(sum(map(len, entries)), 5000)

    def checkWaiting(self, row: Row, wire: Wire) -> None:
        """A call of ours goes on waiting, unless the row says that it fails."""
        called: Any = wire.called  # type: ignore[attr-defined]
        if row.outcome == "our call fails":
            self.failureResultOf(called)
        elif row.outcome != "the connection closes":
            self.assertNoResult(called)


class FloodTests(SynchronousTestCase):
    """
    The same message again and again.
    """

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        gc.collect()
        self.flushLoggedErrors()

    def test_everyRow(self) -> None:
        """
        A hundred of any message write no more to the log than twenty and what
        little more there is without a clock, keep nothing, and harm nobody.
        """
        for row in ROWS:
            example = EXAMPLES[row.message][0]
            if row.outcome == "the connection closes" or "`Limits." in row.message:
                continue
            with self.subTest(row.message):
                wire = prepared(row.message)
                peer = wire.broker._peer
                held = [len(each) for each in (peer.references, peer.caches.given, peer.caches.taken)]
                with capturedLogs() as events:
                    wire.send(*example * 100)
                wire.transport.take(None)
                self.assertLessEqual(len(events), 20 + 8)
                self.assertLess(sum(len(entry(event)) for event in events), 100_000)
                now = [len(each) for each in (peer.references, peer.caches.given, peer.caches.taken)]
                self.assertEqual(now, held)
                self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_decrefs(self) -> None:
        """An object that was lent once is gone with the first decref; an object lent again is another."""
        wire = prepared("")
        wire.exchange(*[[b"decref", LENT]] * 100)
        self.assertNotIn(LENT, wire.broker.localObjects)
        ((_, _, form),) = wire.exchange(call(1, b"lend"))
        self.assertEqual(form[0], b"remote")
        self.assertNotEqual(form[1], LENT)
        wire.exchange(*[[b"decref", b"root"]] * 100)
        self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_answeredTwice(self) -> None:
        """The second answer to a call changes nothing."""
        wire = prepared("")
        called: Any = wire.called  # type: ignore[attr-defined]
        wire.exchange([b"answer", 1, 5], [b"answer", 1, 6], [b"error", 1, [b"None"]])
        self.assertEqual(self.successResultOf(called), 5)

"""
Conversations with every kind of message, broken at each of them.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import Break, Conversation, everyBreak, messagesIn
from tests.fuzz.application import Application
from tests.fuzz.corpus import sameChallenges
from tests.fuzz.scenarios import LOGINS, SCENARIOS, Talk
from tests.fuzz.watching import assertOnceEach, watchedLog

SHORT = 700
"""Bytes of a conversation that is broken after each of them."""


class Played(Conversation):
    """
    One of the scenarios, between two brokers of its own.
    """

    endings = (*Conversation.endings, pb.RemoteError)

    def __init__(self, name: str, lostAt: int | None = None) -> None:
        """
        @param lostAt: in the middle of which of all that happens to the
            applications the connection is lost; None for none.
        """
        self.name = name
        self.application = Application()
        root = self.application.portal() if name in LOGINS else self.application
        super().__init__(root, lambda factory: (SCENARIOS | LOGINS)[name](self.scene))
        self.scene = Talk(self.pair)
        self.happened: list[str] = []
        self._lostAt = lostAt
        self.application.shared.broker = self.pair.server
        self.everybody = [*self.application.notes, self.application.shared, self.scene.notes]
        for notes in self.everybody:
            notes.hook = self._happens
            notes.meter.hook = self._happens

    def _happens(self, what: str) -> None:
        self.happened.append(what)
        if len(self.happened) - 1 == self._lostAt and self.pair.connected:
            self.pair.lose("server" if self._lostAt % 2 else "client")

    def end(self) -> None:
        """Everybody lets go of everything."""
        for notes in self.everybody:
            for waiting in notes.waiting:
                waiting.callback("too late")
            notes.forget()

    def check(self, outcome: Any, lost: bool) -> None:
        """Everybody was told, once."""
        super().check(outcome, lost)
        if not lost:
            assert outcome == EXPECTED[self.name], outcome
        assertOnceEach(self.everybody)
        for notes in self.everybody:
            assert not notes.meter.observers and not notes.meter.wrong, vars(notes.meter)
        left = [user.left for user in self.application.users]
        assert left == [1] * len(left), f"logged out so often: {left}"
        assert not self.pair.clock.getDelayedCalls(), self.pair.clock.getDelayedCalls()


EXPECTED: dict[str, Any] = {
    "calls": [[(1,), {"key": "text"}], [1, (2.5, None, True), {b"bytes": {"a": {3}}}]],
    "errors": ["RemoteError"] * 3,
    "answersLater": [None, "failed", "failed"],
    "references": [5, False, True],
    "callsWithin": [3, None],
    "caches": [7, True, True, True],
    "copies": [True, 1, [1, "two"]],
    "views": "NoneType",
    "paging": [1000, 1000, 500],
    "closing": ["PBConnectionLost", "PBConnectionLost"],
    "login": [3, 4],
    "loginTwice": 5,
    "loginFails": ["RemoteError", "RemoteError", 1],
    "loginScram": ["RemoteError", "RemoteError", "RemoteError", 3],
    "loginPlainly": ["RemoteError", "NoMechanism", 3, 3],
}


class BreakingTests(SynchronousTestCase):
    """
    Every scenario ends well, wherever it is broken.
    """

    def setUp(self) -> None:
        """Challenges are random; not here."""
        same = sameChallenges()
        same.__enter__()
        self.addCleanup(same.__exit__, None, None, None)

    def breakEverywhere(self, name: str) -> int:
        """Break a scenario everywhere; how often that was."""
        count = 0
        for broken in everyBreak(lambda: Played(name), SHORT):
            self.runBroken(broken)
            count += 1
        for place in range(len(self.happeningsIn(name))):
            self.runBroken(Break(lambda place=place: Played(name, place)))
            count += 1
        return count

    def runBroken(self, broken: Break) -> None:
        """Run one, and forget what it was meant to log."""
        with watchedLog():
            broken.run()
        self.flushLoggedErrors()

    def happeningsIn(self, name: str) -> list[str]:
        """What happens to the applications in a scenario."""
        whole = Break(lambda: Played(name))
        whole.run()
        self.flushLoggedErrors()
        conversation: Any = whole.conversation
        return conversation.happened  # type: ignore[no-any-return]


def _test(name: str) -> Any:
    def test(self: BreakingTests) -> None:
        self.assertGreater(self.breakEverywhere(name), 20)

    test.__doc__ = f"Everywhere in C{{{name}}}."
    return test


for _name in (*SCENARIOS, *LOGINS):
    setattr(BreakingTests, f"test_{_name}", _test(_name))


class BreakTests(SynchronousTestCase):
    """
    The breaks break.
    """

    def test_messages(self) -> None:
        """A stream is cut after each expression; the last one need not be whole."""
        withDouble = b"\x02\x80\x84" + bytes(8) + b"\x00\x80"
        whole = [
            b"\x02\x82pb",
            b"\x02\x80\x13\x87\x06\x81",
            withDouble,
            b"\x01\x83",
        ]
        self.assertEqual(messagesIn(b"".join(whole)), whole)
        for rest in (b"\x02", b"\x02\x82p", b"\x02\x80\x01\x81", b"\x84\x00"):
            self.assertEqual(messagesIn(whole[0] + rest), [whole[0], rest])
        self.assertEqual(messagesIn(b""), [])

    def test_notices(self) -> None:
        """What doesn't end well is noticed."""

        class Waiting(Played):
            def begin(self) -> Deferred[Any]:
                return Deferred()

        class Leaving(Played):
            def check(self, outcome: Any, lost: bool) -> None:
                self.application.meter.observers.append(self.pair.server)
                super().check(outcome, lost)

        with patch.dict(EXPECTED, calls=None):
            self.assertRaises(AssertionError, Break(lambda: Played("calls")).run)
        self.assertRaises(AssertionError, Break(lambda: Waiting("calls")).run)
        self.assertRaises(AssertionError, Break(lambda: Leaving("calls")).run)

    def test_everyKind(self) -> None:
        """The scenarios have every kind of message, and every break happens."""
        commands = set()
        for name in (*SCENARIOS, *LOGINS):
            whole = Break(lambda name=name: Played(name))
            whole.run()
            commands |= {message[2:3] for message in whole.arrived if message[1:2] == b"\x80"}
        self.flushLoggedErrors()
        wanted = {
            b"version",
            b"message",
            b"answer",
            b"error",
            b"decref",
            b"cachemessage",
            b"decache",
            b"uncache",
        }
        self.assertLessEqual({bytes((pb.Broker.outgoingVocabulary[word],)) for word in wanted}, commands)

"""
Tests for L{myspread._net.phases}.
"""

from __future__ import annotations

from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from myspread._net.phases import DEADLINES, Event, Phase, following
from myspread.limits import Limits

END = {Event.CLOSED: Phase.CLOSING, Event.LOST: Phase.LOST}


def after(*events: Event) -> Phase:
    """The phase after some events."""
    phase = Phase.HANDSHAKE
    for event in events:
        phase = following(phase, event)
    return phase


class PhaseTests(SynchronousTestCase):
    """
    Tests for L{following}.
    """

    def test_withoutLogin(self) -> None:
        """A connection is open once the handshake is done."""
        self.assertIs(after(Event.AGREED), Phase.OPEN)

    def test_login(self) -> None:
        """With a login it is open only after that."""
        self.assertIs(after(Event.LOGIN_BEGUN), Phase.HANDSHAKE_BEFORE_LOGIN)
        self.assertIs(after(Event.LOGIN_BEGUN, Event.AGREED), Phase.LOGIN)
        self.assertIs(after(Event.LOGIN_BEGUN, Event.AGREED, Event.LOGGED_IN), Phase.OPEN)

    def test_furtherLogin(self) -> None:
        """A login within an open connection, or one more, changes nothing."""
        self.assertIs(after(Event.AGREED, Event.LOGIN_BEGUN), Phase.OPEN)
        self.assertIs(after(Event.AGREED, Event.LOGIN_BEGUN, Event.LOGGED_IN), Phase.OPEN)

    def test_end(self) -> None:
        """Every phase can end in both ways; a lost connection stays lost."""
        for phase in Phase:
            for event, end in END.items():
                self.assertIs(following(phase, event), Phase.LOST if phase is Phase.LOST else end)

    def test_late(self) -> None:
        """A login that is done too late opens nothing."""
        for phase in (Phase.CLOSING, Phase.LOST):
            self.assertIs(following(phase, Event.LOGGED_IN), phase)

    def test_impossible(self) -> None:
        """What can't happen in a phase is an error that names both."""
        with self.assertRaises(ValueError) as caught:
            following(Phase.LOST, Event.AGREED)
        self.assertIn("LOST can't be AGREED", str(caught.exception))

    def test_deadlines(self) -> None:
        """Each phase but the last has a limit that says how long it may last."""
        self.assertEqual(set(Phase) - set(DEADLINES), {Phase.LOST})
        self.assertLess(set(DEADLINES.values()), {each.name for each in fields(Limits)})

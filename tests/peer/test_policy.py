"""
Under which policy a peer stands.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import TestCase

from myspread import pb
from myspread.security import LOGIN_POLICY, SecurityPolicy
from tests.peer.wire import Wire, call


class Scroll(pb.Copyable, pb.RemoteCopy):
    """A class that the policy of a program allows."""


class Desk(pb.Root):
    """Takes and gives."""

    def remote_take(self, value: Any) -> str:
        """The type of what has arrived."""
        return type(value).__name__

    def remote_give(self) -> Any:
        """An error that may travel as itself."""
        raise Spilt()


class Spilt(Exception):
    """An error of a class that may travel."""


POLICY = SecurityPolicy().allowUnjellyable(Scroll, Scroll).allowInstancesOf(Spilt)
SCROLL = [b"tests.peer.test_policy.Scroll", [b"dictionary"]]


class RestrictionTests(TestCase):
    """
    L{myspread._peer.conversion.Conversion.acceptOnly}: what holds until login.
    """

    def setUp(self) -> None:
        """A broker with a policy of its own, and nobody logged in."""
        self.wire = Wire(broker=pb.Broker(False, security=POLICY), root=Desk())
        self.peer = self.wire.broker._peer
        self.peer.acceptOnly(LOGIN_POLICY)

    def answerTo(self, *forms: Any) -> Any:
        """The command and the content of what a call is answered with."""
        (command, _, content), *_ = self.wire.exchange(call(1, b"take", *forms))
        return command, content

    def test_refused(self) -> None:
        """A class that the broker's policy allows is refused, and so is an object of ours."""
        for form in (SCROLL, [b"local", b"root"], [b"persistent", b"x"], [b"lcache", 1], [b"cached", 1]):
            command, content = self.answerTo(form)
            self.assertEqual(command, b"error")
            self.assertIn("InsecureJelly", repr(content))
        self.assertEqual(len(self.flushLoggedErrors(pb.InsecureJelly)), 5)

    def test_accepted(self) -> None:
        """Plain values, small and large, and references are accepted."""
        for form, kind in (
            ([b"unicode", b"ann"], b"str"),
            ([b"set", 1, 2], b"set"),
            ([b"remote", 5], b"RemoteReference"),
        ):
            self.assertEqual(self.answerTo(form), (b"answer", [b"unicode", kind]))

    def test_sending(self) -> None:
        """What we send stands under the broker's own policy."""
        ((command, _, content),) = self.wire.exchange(call(1, b"give"))
        self.assertEqual((command, content[0]), (b"error", b"tests.peer.test_policy.Spilt"))
        self.assertIs(self.wire.broker.security, POLICY)
        self.flushLoggedErrors(Spilt)

    def test_ended(self) -> None:
        """Afterwards the broker's policy holds again."""
        self.peer.acceptOnly(None)
        self.assertEqual(self.answerTo(SCROLL), (b"answer", [b"unicode", b"Scroll"]))

    def test_policyChanged(self) -> None:
        """Another policy for the broker doesn't end it."""
        self.wire.broker.security = SecurityPolicy().allowUnjellyable(Scroll, Scroll)
        self.assertEqual(self.answerTo(SCROLL)[0], b"error")
        self.flushLoggedErrors(pb.InsecureJelly)

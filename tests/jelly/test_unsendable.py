"""
Values that no form can carry, and what a policy says about them.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import globalLogPublisher
from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly, NotJellyable
from myspread._jelly import Unpersistable, jelly, unjelly
from myspread.security import SecurityOptions, SecurityPolicy
from myspread.testing import brokerPair
from tests.jelly.shapes import Colour, Invoker, Plain, Point, see


class Text(str):
    """A kind of str that nobody declared."""


class Taker(pb.Root):
    """A root that keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def remote_take(self, *args: Any, **kw: Any) -> None:
        """Keep the arguments."""
        self.got = [*args, *kw.values()]


class UnsendableTestCase(SynchronousTestCase):
    """
    Collects what is logged.
    """

    def setUp(self) -> None:
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def warnings(self) -> list[Any]:
        """The warnings of the jellier so far."""
        return [event for event in self.events if event.get("log_namespace") == "myspread._jelly.serialize"]


class NoteTests(UnsendableTestCase):
    """
    By default the peer gets a note in place of such a value.
    """

    def test_form(self) -> None:
        """
        The note has the form and the text of C{twisted.spread}'s.
        """
        for value in (
            Plain(),
            object(),
            Text("t"),
            1j,
            range(3),
            Colour.RED,
            Point(1, 2),
            bytearray(),
            iter([]),
        ):
            for policy in (SecurityPolicy(), SecurityOptions()):
                self.assertEqual(jelly(value, policy), stock.jelly(value, stock.SecurityOptions()))

    def test_back(self) -> None:
        """
        The note becomes an L{Unpersistable} that says why, as text.
        """
        result = unjelly(jelly([Plain()], SecurityPolicy()), SecurityPolicy())[0]
        self.assertIs(type(result), Unpersistable)
        self.assertEqual(result.reason, stock.unjelly(jelly(Plain(), SecurityPolicy())).reason)
        self.assertIn("tests.jelly.shapes.Plain deemed insecure", result.reason)

    def test_shared(self) -> None:
        """
        A value that is sent twice is noted once.
        """
        value = Plain()
        self.assertEqual(jelly([value, value], SecurityPolicy())[2], see(1))
        self.assertEqual(len(self.warnings()), 1)

    def test_warning(self) -> None:
        """
        A warning names the path and the type.
        """
        jelly({"pond": [1, Plain()]}, SecurityPolicy(), name="args")
        (event,) = self.warnings()
        self.assertEqual(event["log_level"].name, "warn")
        self.assertEqual(event["path"], "args['pond'][1]")
        self.assertEqual(event["kind"], "tests.jelly.shapes.Plain")
        self.assertEqual(event["count"], 1)

    def test_oneWarning(self) -> None:
        """
        There is one for a message, however many values in it can't travel,
        those inside objects that make their own forms included.
        """

        class Box(pb.Copyable):
            def __init__(self) -> None:
                self.first, self.second = Plain(), Plain()

        jelly((Plain(), [Box(), {1: Plain()}], Box()), SecurityPolicy(), None, Invoker(), name="args")
        (event,) = self.warnings()
        self.assertEqual(event["path"], "args[0]")
        self.assertEqual(event["count"], 6)

    def test_manyAreCheap(self) -> None:
        """
        Only the first path is worked out: the time doesn't grow with the square
        of their number.
        """
        jelly({number: Plain() for number in range(20000)}, SecurityPolicy())
        (event,) = self.warnings()
        self.assertEqual(event["path"], "value[0]")
        self.assertEqual(event["count"], 20000)

    def test_received(self) -> None:
        """
        The called method gets the note in place of the value.
        """
        root = Taker()
        pair = brokerPair(root)
        pair.result(pair.root.callRemote("take", 1, Plain(), key=Text("t")))
        self.assertEqual(root.got[0], 1)
        self.assertIsInstance(root.got[1], Unpersistable)
        self.assertIsInstance(root.got[2], Unpersistable)

    def test_noWarning(self) -> None:
        """
        What the policy allows is nothing to warn of.
        """
        jelly([Plain(), Plain()], SecurityPolicy().allowInstancesOf(Plain))
        self.assertEqual(self.warnings(), [])


class RaiseTests(UnsendableTestCase):
    """
    A policy may say that such calls fail.
    """

    policy = SecurityPolicy(unsendable="raise")

    def test_raises(self) -> None:
        """
        The call fails with an L{InsecureJelly} that names path and type, and
        says what to do. Nothing is logged.
        """
        error = self.assertRaises(NotJellyable, jelly, [Plain()], self.policy, name="args")
        self.assertIsInstance(error, InsecureJelly)
        self.assertTrue(
            str(error).startswith("args[0]: an instance of class tests.jelly.shapes.Plain deemed insecure"),
            str(error),
        )
        self.assertIn("Copyable", str(error))
        self.assertEqual(self.warnings(), [])

    def test_call(self) -> None:
        """
        The Deferred of the call fails, nothing is sent, and the connection
        stays.
        """
        root = Taker()
        pair = brokerPair(root, clientFactory=pb.PBClientFactory(security=self.policy))
        error = self.failureResultOf(pair.root.callRemote("take", [Plain()]), NotJellyable).value
        self.assertTrue(str(error).startswith("args[0][0]: "), str(error))
        self.assertEqual(bytes(pair.clientTransport.written), b"")
        error = self.failureResultOf(pair.root.callRemote("take", key=Plain()), NotJellyable).value
        self.assertTrue(str(error).startswith("kw['key']: "), str(error))
        pair.result(pair.root.callRemote("take", 5))
        self.assertEqual(root.got, [5])

    def test_allowed(self) -> None:
        """
        What the policy allows travels.
        """
        form = jelly(Plain(a=1), self.policy.allowInstancesOf(Plain))
        self.assertEqual(unjelly(form, self.policy.allowInstancesOf(Plain)).a, 1)

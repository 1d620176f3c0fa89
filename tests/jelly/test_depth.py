"""
Nesting: plain values may be nested as deeply as one likes.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import MalformedJelly, NotJellyable
from myspread._jelly import jelly, unjelly
from myspread.security import SecurityPolicy
from tests.jelly.shapes import Invoker, Own, Plain, RemotePlain, nameOf, ofPlain, reference, see

DEPTH = 5000


class Chain(pb.Copyable):
    """A copy of a copy of a copy."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner


class PlainNestingTests(SynchronousTestCase):
    """
    The depth of containers costs no recursion, in either direction.
    """

    def assertDepth(self, wrap: Any, unwrap: Any, policy: SecurityPolicy | None = None) -> None:
        self.assertLess(sys.getrecursionlimit(), DEPTH)
        policy = policy or SecurityPolicy()
        value: Any = []
        for _ in range(DEPTH):
            value = wrap(value)
        value = unjelly(jelly(value, policy), policy)
        for _ in range(DEPTH):
            value = unwrap(value)
        self.assertEqual(value, [])

    def test_lists(self) -> None:
        """Lists in lists."""
        self.assertDepth(lambda value: [0, value, 1], lambda value: value[1])

    def test_tuples(self) -> None:
        """Tuples in tuples."""
        self.assertDepth(lambda value: (value,), lambda value: value[0])

    def test_dictionaries(self) -> None:
        """Dictionaries in dictionaries."""
        self.assertDepth(lambda value: {"k": value, "l": 1}, lambda value: value["k"])

    def test_mixed(self) -> None:
        """All of them in turn."""
        self.assertDepth(lambda value: ({"k": [value]},), lambda value: value[0]["k"][0])

    def test_instances(self) -> None:
        """Objects of allowed classes."""
        self.assertDepth(
            lambda value: Plain(inner=value),
            lambda value: value.inner,
            SecurityPolicy().allowInstancesOf(Plain),
        )

    def test_keys(self) -> None:
        """Tuples in tuples, as a key; hashing them is left to Python."""
        value: Any = ()
        for _ in range(200):
            value = (value,)
        self.assertEqual(unjelly(jelly({value: 1})), {value: 1})

    def test_factories(self) -> None:
        """What factories make of what factories make."""
        form: Any = [b"list"]
        for _ in range(DEPTH):
            form = [b"pond.Made", form]
        value = unjelly(form, SecurityPolicy().allowFactory("pond.Made", lambda state: (state,)))
        for _ in range(DEPTH):
            (value,) = value
        self.assertEqual(value, [])

    def test_circle(self) -> None:
        """A tuple that contains itself at a great depth."""
        form: Any = see(1)
        for _ in range(DEPTH):
            form = [b"list", form]
        world = unjelly(reference(1, [b"tuple", form]))
        value = world[0]
        for _ in range(DEPTH):
            value = value[0]
        self.assertIs(value, world)

    def test_waitingTuples(self) -> None:
        """Tuples that all wait for the one around them."""
        form: Any = see(1)
        for _ in range(DEPTH):
            form = [b"tuple", form]
        world = unjelly(reference(1, [b"list", form]))
        error = self.assertRaises(MalformedJelly, unjelly, reference(1, [b"tuple", form]))
        self.assertIn("never gets made", str(error))
        self.assertIs(type(world[0]), tuple)

    def test_referencesAroundReferences(self) -> None:
        """References around one object."""
        form: Any = [b"list"]
        for number in range(DEPTH):
            form = reference(number, form)
        self.assertEqual(unjelly(form), [])


class ObjectNestingTests(SynchronousTestCase):
    """
    Objects that convert themselves do recurse. Where that is too deep, the
    error is one of ours.
    """

    policy = SecurityPolicy().allowUnjellyable("pond.Copy", RemotePlain).allowUnjellyable("pond.Own", Own)

    def test_sending(self) -> None:
        """
        A chain of copies that is too long fails the call.
        """
        value: Any = None
        for _ in range(DEPTH):
            value = Chain(value)
        error = self.assertRaises(NotJellyable, jelly, value, self.policy, None, Invoker(), name="args")
        self.assertEqual(
            str(error), "args: objects inside each other's state are nested too deeply to travel"
        )

    def test_receiving(self) -> None:
        """
        So does one that arrives.
        """
        for tag in (b"pond.Copy", b"pond.Own"):
            form: Any = [b"None"]
            for _ in range(DEPTH):
                form = [tag, [b"dictionary", [b"inner", form]]]
            error = self.assertRaises(
                MalformedJelly, unjelly, form, self.policy, None, Invoker(), name="args"
            )
            self.assertIn("nested too deeply", str(error))

    def test_shortChains(self) -> None:
        """
        A hundred copies inside each other are no problem.
        """
        value: Any = None
        for _ in range(100):
            value = Chain(value)
        policy = self.policy.allowUnjellyable(nameOf(Chain), RemotePlain)
        value = unjelly(jelly(value, policy, None, Invoker()), policy, None, Invoker())
        for _ in range(100):
            value = value.inner
        self.assertIsNone(value)

    def test_refusedInside(self) -> None:
        """
        An error at a great depth is found, and its path shortened.
        """
        form: Any = [b"unicode", 5]
        for _ in range(DEPTH):
            form = [ofPlain, [b"dictionary", [b"inner", form]]]
        error = self.assertRaises(MalformedJelly, unjelly, form, SecurityPolicy().allowInstancesOf(Plain))
        self.assertIn(".inner.inner", str(error))
        self.assertLess(len(str(error)), 400)

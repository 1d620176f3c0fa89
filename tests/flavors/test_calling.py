"""
Tests for L{myspread._flavors.calling}.
"""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase
from zope.interface import Attribute, Interface

from myspread import pb
from myspread.testing import brokerPair


class Desk(pb.Root):
    """Does what the interfaces say, and more."""

    def remote_add(self, a: int, b: int = 1, **more: int) -> int:
        """Add numbers."""
        return a + b + sum(more.values())

    def remote_join(self, *words: str) -> str:
        """Join words."""
        return " ".join(words)

    def remote_remote(self) -> str:
        """A method with a name that the reference has, too."""
        return "remote"

    def remote__private(self) -> str:
        """A method whose name begins with an underscore."""
        return "private"


@runtime_checkable
class Adding(Protocol):
    """What is inherited."""

    async def add(self, a: int, b: int = 1, **more: int) -> int:
        """Add numbers."""
        ...


class Calculator(Adding, Protocol):
    """An interface as type checkers know it."""

    limit: int

    def join(self, *words: str) -> Deferred[str]:
        """Join words."""
        ...

    @property
    def size(self) -> int:
        """No method."""
        ...

    @staticmethod
    def helper() -> int:
        """Nor this."""
        return 1

    def _private(self) -> None:
        """Nor this."""


class IAdding(Interface):
    """What is inherited."""

    def add(a: int, b: int = 1, **more: int) -> int:  # type: ignore[misc]
        """Add numbers."""


class ICalculator(IAdding):
    """An interface of C{zope.interface}."""

    limit = Attribute("a number")

    def join(*words: str) -> str:  # type: ignore[misc]
        """Join words."""


class Calls(TestCase):
    """
    A client of a L{Desk}.
    """

    def setUp(self) -> None:
        """Connect it."""
        self.pair = brokerPair(Desk())
        self.root = self.pair.root

    def assertSilent(self) -> None:
        """Nothing was sent."""
        self.assertEqual(bytes(self.pair.clientTransport.written), b"")


class MethodTests(Calls):
    """
    Tests for L{pb.RemoteMethods} and L{pb.RemoteCaller}.
    """

    def test_call(self) -> None:
        """The attributes are the remote methods, whatever their names."""
        self.assertEqual(self.pair.result(self.root.remote.add(1, b=2)), 3)
        self.assertEqual(self.pair.result(self.root.remote.remote()), "remote")
        self.assertEqual(self.pair.result(self.root.withTimeout(5).remote.add(1)), 2)
        self.assertEqual(self.pair.result(self.root.withTimeout(5).callRemote(b"add", 1)), 2)

    def test_deadline(self) -> None:
        """A deadline set before holds."""
        result = self.root.withTimeout(5).remote.add(1)
        self.pair.clock.advance(5)
        self.failureResultOf(result, pb.CallTimeout)

    def test_withoutAnswer(self) -> None:
        """C{pbanswer} works as with callRemote."""
        self.assertIsNone(self.root.remote.add(1, pbanswer=False))

    def test_underscore(self) -> None:
        """Names with an underscore are left to Python; callRemote calls them."""
        self.assertRaises(AttributeError, getattr, self.root.remote, "_private")
        self.assertEqual(self.pair.result(self.root.callRemote("_private")), "private")
        self.assertEqual(repr(copy.copy(self.root.remote)), repr(self.root.remote))
        self.assertSilent()

    def test_repr(self) -> None:
        """They show what they call, and how."""
        shown = repr(self.root)
        self.assertEqual(repr(self.root.remote), f"<RemoteMethods of {shown}>")
        caller = self.root.withTimeout(5)
        self.assertEqual(repr(caller), f"<RemoteCaller of {shown} with timeout 5>")


class TypedTests(Calls):
    """
    Tests for L{pb.typed}.
    """

    def test_calls(self) -> None:
        """What the interface has can be called, on all that can be called."""
        for interface in (Calculator, ICalculator):
            for callee in (self.root, self.root.withTimeout(5)):
                desk: Any = pb.typed(callee, interface)
                self.assertEqual(self.pair.result(desk.add(1)), 2)
                self.assertEqual(self.pair.result(desk.add(a=1, b=2, c=3)), 6)
                self.assertEqual(self.pair.result(desk.join("a", "b")), "a b")

    def test_await(self) -> None:
        """A method that the interface declares as async can be awaited."""

        async def main() -> int:
            return await pb.typed(self.root, Calculator).add(1, 2)

        self.assertEqual(self.pair.result(Deferred.fromCoroutine(main())), 3)

    def test_wrongName(self) -> None:
        """Other names fail before anything is sent; the text says what is nearest."""
        for interface in (Calculator, ICalculator):
            desk: Any = pb.typed(self.root, interface)
            name = interface.__name__
            error = self.assertRaises(AttributeError, lambda desk=desk: desk.ad(1, 2))
            self.assertEqual(str(error), f"{name} has no method 'ad'; did you mean 'add'?")
            error = self.assertRaises(AttributeError, lambda desk=desk: desk.multiply(1, 2))
            self.assertEqual(str(error), f"{name} has no method 'multiply'")
        self.assertSilent()

    def test_noMethods(self) -> None:
        """Attributes, properties, static and private methods are no methods of the remote object."""
        desk: Any = pb.typed(self.root, Calculator)
        for name in ("limit", "size", "helper", "_private", "__len__"):
            self.assertRaises(AttributeError, getattr, desk, name)
        self.assertRaises(AttributeError, getattr, pb.typed(self.root, ICalculator), "limit")

    def test_wrongArguments(self) -> None:
        """Arguments that don't fit fail before anything is sent; the text says what fits."""
        for interface in (Calculator, ICalculator):
            desk: Any = pb.typed(self.root, interface)
            error = self.assertRaises(TypeError, desk.add)
            start = f"{interface.__name__}.add(a, b=1, **more): "
            self.assertEqual(str(error), start + "missing a required argument: 'a'")
            error = self.assertRaises(TypeError, desk.add, 1, 2, 3)
            self.assertEqual(str(error), start + "too many positional arguments")
            error = self.assertRaises(TypeError, desk.join, word="a")
            self.assertIn("unexpected keyword argument 'word'", str(error))
        self.assertSilent()

    def test_wrongInterface(self) -> None:
        """What is no interface, or has no methods, is refused at once."""

        class Empty(Protocol):
            pass

        self.assertIn("Empty has no methods", str(self.assertRaises(TypeError, pb.typed, self.root, Empty)))
        self.assertIn("not 'add'", str(self.assertRaises(TypeError, pb.typed, self.root, "add")))

    def test_shown(self) -> None:
        """It lists the methods that there are, for prompts that complete, and shows what it calls."""
        desk = pb.typed(self.root, Calculator)
        self.assertEqual(dir(desk), ["add", "join"])
        self.assertEqual(dir(pb.typed(self.root, ICalculator)), ["add", "join"])
        self.assertEqual(repr(desk), f"<Calculator of {self.root!r}>")

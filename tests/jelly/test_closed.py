"""
A L{SecurityPolicy} is closed: nothing that it doesn't name gets in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly
from myspread._jelly import jelly, setUnjellyableFactoryForClass, setUnjellyableForClass, unjelly
from myspread.security import SecurityOptions, SecurityPolicy
from myspread.testing import brokerPair
from tests.jelly import shapes
from tests.jelly.shapes import (
    Invoker,
    Own,
    Plain,
    RemotePlain,
    Stateful,
    nameOf,
    ofPlain,
    reference,
    see,
    shout,
)

MODULE = b"tests.jelly.shapes"

STATE = [b"dictionary", [[b"unicode", b"a"], 1]]


class Trap:
    """Must never be touched by what a peer sends."""

    touched: list[str] = []

    def __new__(cls) -> Any:
        cls.touched.append("made")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        self.touched.append("filled")


def registeredHere() -> None:
    """What careless modules do when they are imported."""
    setUnjellyableForClass("closed.Registered", RemotePlain)
    setUnjellyableFactoryForClass("closed.Made", lambda state: Trap.touched.append("called"))


FORGED: list[Any] = [
    # Classes, modules, functions
    [b"class", ofPlain],
    [b"class", b"os.PathLike"],
    [b"class", b"builtins.object"],
    [b"module", b"os"],
    [b"module", b"antigravity"],
    [b"module", MODULE],
    [b"function", b"os.system"],
    [b"function", b"builtins.eval"],
    [b"function", MODULE + b".shout"],
    # Instances
    [b"instance", [b"class", ofPlain], STATE],
    [b"instance", reference(1, [b"class", ofPlain]), STATE],
    [b"instance", ofPlain, STATE],
    [b"classobj", ofPlain],
    [ofPlain, STATE],
    [b"tests.jelly.test_closed.Trap", STATE],
    [b"subprocess.Popen", STATE],
    [b"os.system", STATE],
    [b"myspread._flavors.failures.CopyableFailure", STATE],
    [b"twisted.spread.pb.CopiedFailure", STATE],
    [b"twisted.spread.flavors.RemoteCopy", STATE],
    # Registered, but not in this policy
    [b"closed.Registered", STATE],
    [b"closed.Made", STATE],
    # Methods
    [b"method", b"greet", [ofPlain, STATE], [b"class", ofPlain]],
    [b"method", b"greet", [b"None"], [b"class", ofPlain]],
    [b"instancemethod", b"greet", [b"None"], [b"class", ofPlain]],
    # Forms that nobody has ever heard of
    [b"exec", b"import os"],
    [b"object", 1],
    [b"copyreg", b"os.system", b"x"],
    [b"long", b"5"],
    [b"string", b"5"],
    [b"dict", [1, 2]],
    [b"", 5],
    [b".", 5],
    [b"..", 5],
    [b"a.", 5],
    [b".a", 5],
    [b"\xff.\xff", 5],
    [b"x" * 10000 + b".y", 5],
    # Not even forms
    [],
    [1],
    [1.5, 1],
    [[b"list"]],
    [[], []],
    [[b"unicode", b"list"]],
    [None],
    [b"LIST"],
    [b"list "],
    [b"list\x00"],
    # References of a connection, without one
    [b"remote", 1],
    [b"local", 1],
    [b"cached", 1],
    [b"lcache", 1],
]
"""What a hostile peer may try."""

MALFORMED: list[Any] = [
    [b"remote"],
    [b"remote", [b"list"]],
    [b"remote", 1.5],
    [b"remote", "text"],
    [b"local"],
    [b"local", [b"unicode", b"root"]],
    [b"cached"],
    [b"cached", 99],
    [b"cached", b"99"],
    [b"cached", [b"dictionary"]],
    [b"lcache"],
    [b"lcache", 99],
    [b"lcache", [[]]],
    [b"dereference", 5],
    [b"dereference", [b"list"]],
    [b"reference", 1, see(2)],
    [b"reference", [b"list"], 1],
    [b"persistent"],
    [b"unpersistable"],
    [b"dictionary", 5],
    [b"dictionary", b"ab"],
    [b"dictionary", [1]],
    [b"dictionary", [1, 2, 3]],
    [b"dictionary", []],
    [b"set", [b"list"]],
    [b"twisted.spread.pb.CopyableFailure"],
    [b"twisted.spread.pb.CopyableFailure", 5],
    [b"twisted.spread.pb.CopyableFailure", [b"None"]],
    [b"twisted.spread.pb.CopyableFailure", [b"dictionary"]],
    [b"twisted.spread.pb.CopyableFailure", [b"dictionary", [b"type", 5]]],
    [b"twisted.spread.pb.CopyableFailure", [b"dictionary", [b"\xff", 5], [b"type", b"x"]]],
]
"""Forms of allowed types with wrong fields."""


def hidden(form: Any) -> Iterator[Any]:
    """A form alone, and in every place where another form can be."""
    yield form
    yield [b"list", form]
    yield [b"tuple", 1, form]
    yield [b"set", form]
    yield [b"frozenset", form]
    yield [b"dictionary", [1, form]]
    yield [b"dictionary", [form, 1]]
    yield reference(77, form)
    yield [b"list", see(78), reference(78, form)]
    yield [b"allowed.Copy", [b"dictionary", [b"attribute", form]]]
    yield [b"allowed.Copy", form]
    yield [b"allowed.Own", form]
    yield [b"allowed.Made", form]


class ClosedTests(SynchronousTestCase):
    """
    Every attempt is refused, wherever it hides.
    """

    def setUp(self) -> None:
        self.patch(Trap, "touched", [])
        registeredHere()
        self.policy = (
            SecurityPolicy()
            .allowUnjellyable("allowed.Copy", RemotePlain)
            .allowUnjellyable("allowed.Own", Own)
            .allowFactory("allowed.Made", lambda state: Trap.touched.append("called"))
        )
        sys.modules.pop("antigravity", None)

    def assertRefused(self, form: Any, policy: Any, invoker: Any) -> None:
        try:
            result = unjelly(form, policy, None, invoker)
        except InsecureJelly as error:
            self.assertTrue(str(error))
        else:
            self.fail(f"{form!r} got in as {result!r}")
        self.assertEqual(Trap.touched, [], form)

    def test_forged(self) -> None:
        """
        No form of what isn't named gets in, alone or inside anything.
        """
        for forged in FORGED:
            for form in hidden(forged):
                self.assertRefused(form, self.policy, None)
        self.assertNotIn("antigravity", sys.modules)

    def test_malformed(self) -> None:
        """
        Nor does anything with wrong fields, with a connection either.
        """
        broker = brokerPair(pb.Root()).client
        for malformed in MALFORMED:
            for form in hidden(malformed):
                self.assertRefused(form, self.policy, broker)

    def test_smallest(self) -> None:
        """
        A policy that names no type accepts numbers and byte strings only.
        """
        policy = SecurityPolicy(types=frozenset())
        self.assertEqual([unjelly(form, policy) for form in (1, 2.5, b"x")], [1, 2.5, b"x"])
        for value in (None, True, "x", [], (), {}, set(), frozenset()):
            self.assertRefused(jelly(value), policy, None)

    def test_everyTag(self) -> None:
        """
        A type that isn't named is refused, even if it's harmless.
        """
        for tag in SecurityPolicy().types:
            policy = SecurityPolicy(types=SecurityPolicy().types - {tag})
            error = self.assertRaises(InsecureJelly, unjelly, [b"list", [tag]], policy)
            self.assertIn("the policy doesn't allow the type", str(error))

    def test_remoteWithoutBroker(self) -> None:
        """
        Without a connection, references are refused by name.
        """
        for tag in (b"remote", b"local", b"cached", b"lcache"):
            error = self.assertRaises(InsecureJelly, unjelly, [b"list", [tag, 1]], SecurityPolicy())
            self.assertEqual(str(error), "value[0]: a reference has no meaning without a connection")


class OpenedTests(SynchronousTestCase):
    """
    What a policy allows, it allows no more than that.
    """

    def assertRefused(self, form: Any, policy: Any) -> None:
        self.assertRaises(InsecureJelly, unjelly, form, policy, None, Invoker())

    def test_instances(self) -> None:
        """
        Instances of one class, not of its module's others; not the class.
        """
        policy = SecurityPolicy().allowInstancesOf(Plain)
        self.assertIsInstance(unjelly([ofPlain, STATE], policy), Plain)
        for form in (
            [nameOf(Stateful), STATE],
            [b"class", ofPlain],
            [b"instance", [b"class", ofPlain], STATE],
            [b"module", MODULE],
            [b"function", MODULE + b".shout"],
            [b"method", b"greet", [ofPlain, STATE], [b"class", ofPlain]],
            [ofPlain + b".greet", STATE],
        ):
            self.assertRefused(form, policy)

    def test_classes(self) -> None:
        """
        The class itself, once the type is allowed; no other.
        """
        policy = SecurityPolicy().allowInstancesOf(Plain).allowTypes("class")
        self.assertIs(unjelly([b"class", ofPlain], policy), Plain)
        for name in (
            nameOf(Stateful),
            MODULE + b".shout",
            MODULE + b".Enum",
            MODULE + b".notAFunction",
            b"os.PathLike",
        ):
            self.assertRefused([b"class", name], policy)

    def test_modules(self) -> None:
        """
        A module, once it and the type are allowed; neither alone.
        """
        self.assertRefused([b"module", MODULE], SecurityPolicy().allowModules("tests.jelly.shapes"))
        self.assertRefused([b"module", MODULE], SecurityPolicy().allowTypes("module"))
        policy = SecurityPolicy().allowModules("tests.jelly.shapes").allowTypes("module")
        self.assertIs(unjelly([b"module", MODULE], policy), shapes)
        for name in (b"os", b"tests.jelly", b"tests.jelly.shapes.pb", MODULE + b".Plain", b"tests"):
            self.assertRefused([b"module", name], policy)

    def test_functions(self) -> None:
        """
        One function, not those of its module, even if that is allowed.
        """
        policy = (
            SecurityPolicy().allowFunctions("tests.jelly.shapes.shout").allowModules("tests.jelly.shapes")
        )
        self.assertIs(unjelly([b"function", MODULE + b".shout"], policy), shout)
        for name in (MODULE + b".nameOf", MODULE + b".pb.connect", b"os.system", b"shout"):
            self.assertRefused([b"function", name], policy)

    def test_notAFunction(self) -> None:
        """
        Something that is no function isn't received as one, even if it is named.
        """
        policy = SecurityPolicy().allowFunctions("tests.jelly.shapes.Plain", "tests.jelly.shapes.absent")
        self.assertRefused([b"function", ofPlain], policy)
        self.assertRefused([b"function", MODULE + b".absent"], policy)

    def test_methods(self) -> None:
        """
        Methods of allowed classes only, once the type is allowed.
        """
        policy = SecurityPolicy().allowInstancesOf(Plain).allowTypes("class", "method")
        method = unjelly([b"method", b"greet", [ofPlain, STATE], [b"class", ofPlain]], policy)
        self.assertIsInstance(method.__self__, Plain)
        self.assertRefused([b"method", b"greet", [b"None"], [b"class", nameOf(Stateful)]], policy)
        self.assertRefused([b"method", b"__init__", [b"None"], [b"class", b"threading.Thread"]], policy)

    def test_options(self) -> None:
        """
        The stock form asks for module and class of an instance.
        """
        security = SecurityOptions()
        security.allowInstancesOf(Plain)
        self.assertIsInstance(unjelly([ofPlain, STATE], security), Plain)
        for form in ([nameOf(Stateful), STATE], [b"os.PathLike", STATE], [b"function", b"os.system"]):
            self.assertRefused(form, security)
        security.allowTypes("function")
        self.assertIs(unjelly([b"function", MODULE + b".shout"], security), shout)
        self.assertRefused([b"function", b"os.system"], security)

    def test_localObjects(self) -> None:
        """
        A peer gets no object of ours that we haven't lent it.
        """
        pair = brokerPair(pb.Root())
        for luid in (1, 99, 0, b"1", b"boot", True):
            self.assertIsNone(unjelly([b"local", luid], SecurityPolicy(), None, pair.server), luid)
        self.assertIs(
            unjelly([b"local", b"root"], SecurityPolicy(), None, pair.server),
            pair.server.localObjectForID("root"),
        )

    def test_caches(self) -> None:
        """
        Nor a cache that it hasn't sent, nor an original that it hasn't got.
        """
        pair = brokerPair(pb.Root())
        for tag, word in ((b"cached", "no object is cached here"), (b"lcache", "the peer caches nothing")):
            error = self.assertRaises(
                InsecureJelly, unjelly, [b"list", [tag, 1]], SecurityPolicy(), None, pair.server
            )
            self.assertTrue(str(error).startswith(f"value[0]: {word}"), str(error))

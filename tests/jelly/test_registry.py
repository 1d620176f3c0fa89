"""
Which class stands for which tag.
"""

from __future__ import annotations

import types
from typing import Any

from twisted.spread import jelly as stock
from twisted.spread import pb as stockPb
from twisted.trial.unittest import SynchronousTestCase

from myspread import flavors, pb
from myspread import jelly as mirror
from myspread._errors import InsecureJelly
from myspread._jelly import (
    Registry,
    defaultRegistry,
    globalSecurity,
    protocolForms,
    registryFor,
    setUnjellyableFactoryForClass,
    setUnjellyableForClass,
    setUnjellyableForClassTree,
    unjelly,
)
from myspread.security import SecurityOptions, SecurityPolicy
from tests.jelly.shapes import Invoker, Own, Plain, RemotePlain, WithHook, nameOf, ofPlain

STATE = [b"dictionary", [b"a", 1]]


class RegistryTestCase(SynchronousTestCase):
    """
    Leaves the process-wide tables as they were.
    """

    def setUp(self) -> None:
        for table in (
            defaultRegistry.unjellyables,
            defaultRegistry.factories,
            globalSecurity.allowedTypes,
            stock.unjellyableRegistry,
            stock.unjellyableFactoryRegistry,
            stock.globalSecurity.allowedTypes,
            stock.globalSecurity.allowedModules,
            stock.globalSecurity.allowedClasses,
        ):
            self.addCleanup(self.restore, table, dict(table))

    def restore(self, table: dict[Any, Any], before: dict[Any, Any]) -> None:
        table.clear()
        table.update(before)

    def read(self, tag: bytes) -> Any:
        """What becomes of a form under the default policy."""
        return unjelly([tag, STATE], globalSecurity, None, Invoker())


class RegisterTests(RegistryTestCase):
    """
    The functions of C{twisted.spread}.
    """

    def test_unknown(self) -> None:
        """
        A tag that wasn't registered is refused.
        """
        self.assertRaises(InsecureJelly, self.read, b"registry.Pond")
        self.assertRaises(InsecureJelly, self.read, b"Pond")

    def test_class(self) -> None:
        """
        L{setUnjellyableForClass} takes a name, as text or bytes, dotted or not,
        or a class.
        """
        for name, tag in (
            ("registry.Pond", b"registry.Pond"),
            (b"registry.Lake", b"registry.Lake"),
            ("Puddle", b"Puddle"),
            (Plain, ofPlain),
        ):
            setUnjellyableForClass(name, RemotePlain)
            self.assertIsInstance(self.read(tag), RemotePlain)

    def test_again(self) -> None:
        """
        The latest registration counts.
        """
        setUnjellyableForClass("registry.Pond", RemotePlain)
        setUnjellyableForClass("registry.Pond", Own)
        self.assertIsInstance(self.read(b"registry.Pond"), Own)

    def test_ownFlavor(self) -> None:
        """
        A class of ours is registered under the name that it travels under.
        """
        setUnjellyableForClass(pb.Copyable, RemotePlain)
        self.assertIsInstance(self.read(b"twisted.spread.flavors.Copyable"), RemotePlain)

    def test_factory(self) -> None:
        """
        L{setUnjellyableFactoryForClass} takes a function that gets the state.
        """
        setUnjellyableFactoryForClass("Made", lambda state: ["made", state])
        self.assertEqual(self.read(b"Made"), ["made", {b"a": 1}])

    def test_classBeforeFactory(self) -> None:
        """
        Where both are registered the class counts, as in C{twisted.spread}.
        """
        setUnjellyableFactoryForClass("Made", lambda state: None)
        setUnjellyableForClass("Made", RemotePlain)
        self.assertIsInstance(self.read(b"Made"), RemotePlain)

    def test_tree(self) -> None:
        """
        L{setUnjellyableForClassTree} registers the classes of a module that
        derive from a base.
        """
        module = types.ModuleType("pondModule")
        module.__dict__.update(Pond=RemotePlain, Lake=WithHook, Other=Plain, number=5)
        for prefix, expected in ((None, b"pondModule."), ("water", b"water."), ("", b"")):
            setUnjellyableForClassTree(module, pb.RemoteCopy, prefix)
            self.assertIs(type(self.read(expected + b"Pond")), RemotePlain)
            self.assertIs(type(self.read(expected + b"Lake")), WithHook)
            self.assertRaises(InsecureJelly, self.read, expected + b"Other")

    def test_tables(self) -> None:
        """
        The tables are there under the names of C{twisted.spread}.
        """
        setUnjellyableForClass("registry.Pond", RemotePlain)
        setUnjellyableFactoryForClass("registry.Made", Plain)
        self.assertIs(mirror.unjellyableRegistry[b"registry.Pond"], RemotePlain)
        self.assertIs(flavors.copyTags[b"registry.Pond"], RemotePlain)
        self.assertIs(mirror.unjellyableFactoryRegistry[b"registry.Made"], Plain)


class StockRegistryTests(RegistryTestCase):
    """
    What a program has registered with C{twisted.spread} counts here too.
    """

    def test_class(self) -> None:
        """
        Classes, under the default policy and under options of both kinds.
        """
        stockPb.setUnjellyableForClass("registry.Stock", RemotePlain)
        for policy in (globalSecurity, SecurityOptions(), stock.globalSecurity):
            if isinstance(policy, SecurityOptions):
                policy.allowBasicTypes()
            self.assertIsInstance(unjelly([b"registry.Stock", STATE], policy, None, Invoker()), RemotePlain)

    def test_withoutDots(self) -> None:
        """
        Tags that are no qualified names are allowed by having been registered.
        """
        stock.setUnjellyableForClass("StockPond", RemotePlain)
        self.assertIsInstance(self.read(b"StockPond"), RemotePlain)

    def test_factory(self) -> None:
        """
        Factories.
        """
        stock.setUnjellyableFactoryForClass("StockMade", lambda state: ["made", state])
        self.assertEqual(self.read(b"StockMade"), ["made", {b"a": 1}])

    def test_stockFlavors(self) -> None:
        """
        C{twisted.spread}'s own copies are made as such.
        """

        class Theirs(stockPb.RemoteCopy):
            """Written for twisted.spread."""

        stockPb.setUnjellyableForClass("StockPond", Theirs)
        result = self.read(b"StockPond")
        self.assertIsInstance(result, Theirs)
        self.assertEqual(result.__dict__, {"a": 1})

    def test_oursFirst(self) -> None:
        """
        A registration with us counts for more.
        """
        stockPb.setUnjellyableForClass("registry.Both", Own)
        setUnjellyableForClass("registry.Both", RemotePlain)
        self.assertIsInstance(self.read(b"registry.Both"), RemotePlain)

    def test_allowed(self) -> None:
        """
        What C{twisted.spread}'s default options allow, ours do.
        """
        self.assertFalse(globalSecurity.isModuleAllowed("tests.jelly.shapes"))
        self.assertFalse(globalSecurity.isClassAllowed(Plain))
        stock.globalSecurity.allowInstancesOf(Plain)
        self.assertTrue(globalSecurity.isModuleAllowed("tests.jelly.shapes"))
        self.assertTrue(globalSecurity.isClassAllowed(Plain))
        self.assertEqual(self.read(ofPlain).__dict__, {b"a": 1})
        stock.globalSecurity.allowTypes("onlyStock")
        self.assertTrue(globalSecurity.isTypeAllowed("onlyStock"))
        self.assertFalse(globalSecurity.isTypeAllowed("neither"))


class PolicyRegistryTests(RegistryTestCase):
    """
    A closed policy has a registry of its own.
    """

    def test_closed(self) -> None:
        """
        It knows its own classes and the protocol's, whatever was registered.
        """
        setUnjellyableForClass("registry.Pond", RemotePlain)
        registry = registryFor(SecurityPolicy().allowUnjellyable("a", Own).allowFactory("b", Plain))
        self.assertEqual(registry.find(b"a"), (Own, None))
        self.assertEqual(registry.find(b"b"), (None, Plain))
        self.assertEqual(registry.find(b"registry.Pond"), (None, None))
        self.assertEqual(registry.find(b"remote"), (pb.RemoteReference, None))

    def test_instead(self) -> None:
        """
        It may put a class of its own in place of one of the protocol's.
        """
        registry = registryFor(SecurityPolicy().allowUnjellyable("remote", Own))
        self.assertEqual(registry.find(b"remote"), (Own, None))

    def test_forms(self) -> None:
        """
        The forms of the protocol are these.
        """
        self.assertEqual(
            set(protocolForms.unjellyables),
            {b"remote", b"local", b"cached", b"lcache", b"twisted.spread.pb.CopyableFailure"},
        )

    def test_options(self) -> None:
        """
        Every other policy goes with the process-wide registry.
        """
        self.assertIs(registryFor(SecurityOptions()), defaultRegistry)
        self.assertIs(registryFor(stock.SecurityOptions()), defaultRegistry)
        self.assertEqual(Registry().find(nameOf(Plain)), (None, None))

"""
Tests for L{myspread.security}.
"""

from __future__ import annotations

import datetime
import os
from dataclasses import FrozenInstanceError
from typing import Any

from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly
from myspread._jelly import jelly, unjelly
from myspread.jelly import unjellyableFactoryRegistry, unjellyableRegistry
from myspread.security import (
    BROKER_TYPES,
    LOGIN_POLICY,
    PLAIN_TYPES,
    DummySecurityOptions,
    SecurityOptions,
    SecurityPolicy,
    asTag,
)
from tests.jelly.shapes import Invoker, Own, Plain, RemotePlain, nameOf

TYPES: list[Any] = [
    b"None", b"NoneType", "bool", b"boolean", "unicode", b"str", "int", "float", b"decimal", "datetime",
    "date", "time", "timedelta", "set", b"frozenset", "dictionary", b"list", "tuple", "reference",
    b"dereference", "unpersistable", "persistent", "long_int", "long", "dict", "instance", "class",
    "classobj", "module", "function", "method", "remote", "local", "a.b", b"a.b", ".", "", b"",
    "mine", "builtins.dict", "tests",
]  # fmt: skip
"""Names to ask about."""

MODULES: list[Any] = [
    "os",
    b"os",
    "tests.jelly.shapes",
    b"tests.jelly",
    "builtins",
    "datetime",
    "",
    "os.path",
]

CLASSES: list[Any] = [Plain, Own, dict, datetime.date, type]


class SecurityOptionsTests(SynchronousTestCase):
    """
    L{SecurityOptions} answers as C{twisted.spread}'s does.
    """

    def assertSame(self, *calls: tuple[Any, ...]) -> None:
        """The same calls of both lead to the same answers."""
        ours, theirs = SecurityOptions(), stock.SecurityOptions()
        for name, *args in calls:
            self.assertEqual(getattr(ours, name)(*args), getattr(theirs, name)(*args))
        for name in TYPES:
            self.assertEqual(bool(ours.isTypeAllowed(name)), bool(theirs.isTypeAllowed(name)), name)
        for name in MODULES:
            self.assertEqual(bool(ours.isModuleAllowed(name)), bool(theirs.isModuleAllowed(name)), name)
        for klass in CLASSES:
            self.assertEqual(bool(ours.isClassAllowed(klass)), bool(theirs.isClassAllowed(klass)), klass)
        for table in ("allowedTypes", "allowedModules", "allowedClasses"):
            # twisted.spread keeps the names of classes as str, where it never finds them.
            self.assertEqual(set(getattr(ours, table)), set(map(self.tag, getattr(theirs, table))), table)

    def tag(self, name: Any) -> Any:
        """A str as bytes."""
        return name.encode() if isinstance(name, str) else name

    def test_new(self) -> None:
        """
        At first only scalars and sets.
        """
        self.assertSame()

    def test_basicTypes(self) -> None:
        """
        Containers on demand.
        """
        self.assertSame(("allowBasicTypes",))
        self.assertEqual(SecurityOptions.basicTypes, stock.SecurityOptions.basicTypes)

    def test_types(self) -> None:
        """
        Types by name, or as classes.
        """
        self.assertSame(("allowTypes", "mine", b"function", dict))
        self.assertSame(("allowTypes",))

    def test_instances(self) -> None:
        """
        Instances of classes, and all that comes with them.
        """
        self.assertSame(("allowInstancesOf", Plain, datetime.date))
        self.assertSame(("allowInstancesOf",))

    def test_modules(self) -> None:
        """
        Modules, by name or themselves.
        """
        self.assertSame(("allowModules", "tests.jelly", os, b"datetime"))

    def test_all(self) -> None:
        """
        One after the other.
        """
        self.assertSame(
            ("allowInstancesOf", Own), ("allowModules", os), ("allowTypes", "mine"), ("allowBasicTypes",)
        )

    def test_jelly(self) -> None:
        """
        The same values get in as with C{twisted.spread}, and the same don't.
        """
        forms = [
            jelly(value)
            for value in (None, True, "x", b"x", 5, [1], (1,), {1: 2}, {1}, Plain(a=1), Plain, shaped)
        ]
        for calls in (
            (),
            (("allowBasicTypes",),),
            (("allowInstancesOf", Plain),),
            (("allowInstancesOf", Plain), ("allowTypes", "function")),
        ):
            ours, theirs = SecurityOptions(), stock.SecurityOptions()
            for name, *args in calls:
                getattr(ours, name)(*args)
                getattr(theirs, name)(*args)
            for form in forms:
                self.assertEqual(self.kind(unjelly, form, ours), self.kind(stock.unjelly, form, theirs), form)

    def kind(self, read: Any, form: Any, security: Any) -> Any:
        """The type of what becomes of a form."""
        try:
            return type(read(form, security))
        except InsecureJelly:
            return InsecureJelly

    def test_stockOptions(self) -> None:
        """
        C{twisted.spread}'s own options can be given to our factories.
        """
        security = stock.SecurityOptions()
        self.assertRaises(InsecureJelly, unjelly, [b"list"], security)
        security.allowBasicTypes()
        self.assertEqual(unjelly([b"list"], security), [])


def shaped() -> None:
    """A function that is asked for."""


class DummySecurityOptionsTests(SynchronousTestCase):
    """
    L{DummySecurityOptions} allows everything.
    """

    def test_everything(self) -> None:
        """
        Whatever it is asked.
        """
        everything = DummySecurityOptions()
        self.assertTrue(everything.isTypeAllowed("anything"))
        self.assertTrue(everything.isModuleAllowed(b"os"))
        self.assertTrue(everything.isClassAllowed(type))


class SecurityPolicyTests(SynchronousTestCase):
    """
    L{SecurityPolicy}.
    """

    def test_default(self) -> None:
        """
        Plain values, references and failures; nothing else.
        """
        policy = SecurityPolicy()
        for tag in PLAIN_TYPES + BROKER_TYPES:
            self.assertTrue(policy.isTypeAllowed(tag))
            self.assertTrue(policy.isTypeAllowed(tag.decode()))
        for name in ("instance", "class", "module", "function", "method", "a.b", "", "dict", "long"):
            self.assertFalse(policy.isTypeAllowed(name), name)
        for name in MODULES:
            self.assertFalse(policy.isModuleAllowed(name))
        for klass in CLASSES:
            self.assertFalse(policy.isClassAllowed(klass))
        self.assertFalse(policy.isFunctionAllowed("os.system"))

    def test_immutable(self) -> None:
        """
        A policy can't be changed, not even through what it was made of.
        """
        with self.assertRaises(FrozenInstanceError):
            SecurityPolicy().types = frozenset()  # type: ignore[misc]
        given: dict[bytes, Any] = {b"a": Own}
        policy = SecurityPolicy(unjellyables=given, factories=given)
        given[b"b"] = Own
        self.assertEqual((dict(policy.unjellyables), dict(policy.factories)), ({b"a": Own}, {b"a": Own}))
        with self.assertRaises(TypeError):
            policy.unjellyables[b"c"] = Own  # type: ignore[index]

    def test_copies(self) -> None:
        """
        Each C{allow...} method returns a copy; the original stays as it was.
        """
        policy = SecurityPolicy()
        for extended in (
            policy.allowTypes("mine"),
            policy.allowUnjellyable("mine", Own),
            policy.allowFactory("mine", list),
            policy.allowInstancesOf(Plain),
            policy.allowModules("os"),
            policy.allowFunctions("os.getcwd"),
        ):
            self.assertIsNot(extended, policy)
            self.assertNotEqual(extended, policy)
        self.assertEqual(policy, SecurityPolicy())

    def test_keeps(self) -> None:
        """
        A copy keeps all that was allowed before.
        """
        policy = (
            SecurityPolicy(unsendable="raise")
            .allowTypes("one", b"two")
            .allowUnjellyable("pond.Pond", RemotePlain)
            .allowUnjellyable(Plain, RemotePlain)
            .allowFactory(b"pond.Made", list)
            .allowFactory(Own, list)
            .allowInstancesOf(datetime.date)
            .allowModules("os", b"sys")
            .allowFunctions("os.getcwd", b"os.getpid")
        )
        for tag in (
            "one",
            "two",
            "pond.Pond",
            nameOf(Plain),
            "pond.Made",
            nameOf(Own),
            "datetime.date",
            "function",
        ):
            self.assertTrue(policy.isTypeAllowed(tag), tag)
        for module in ("datetime", "os", "sys"):
            self.assertTrue(policy.isModuleAllowed(module))
        for function in ("os.getcwd", b"os.getpid"):
            self.assertTrue(policy.isFunctionAllowed(function))
        self.assertFalse(policy.isFunctionAllowed("os.system"))
        self.assertTrue(policy.isClassAllowed(datetime.date))
        self.assertFalse(policy.isClassAllowed(datetime.datetime))
        self.assertFalse(policy.isModuleAllowed("tests.jelly.shapes"))
        self.assertEqual(policy.unsendable, "raise")

    def test_fromOptions(self) -> None:
        """
        Options can be closed: what they allow now, and the given classes, count
        from then on.
        """
        options = SecurityOptions()
        options.allowInstancesOf(Plain)
        options.allowTypes("mine")
        policy = SecurityPolicy.fromOptions(options, {b"pond.Pond": RemotePlain}, {b"pond.Made": list})
        options.allowModules("os")
        options.allowTypes("later")
        for tag in ("mine", "list", "tests.jelly.shapes.Plain", "pond.Pond", "pond.Made", "remote"):
            self.assertTrue(policy.isTypeAllowed(tag), tag)
        for tag in ("later", "any.Name"):
            self.assertFalse(policy.isTypeAllowed(tag), tag)
        self.assertTrue(policy.isModuleAllowed("tests.jelly.shapes"))
        self.assertFalse(policy.isModuleAllowed("os"))
        self.assertEqual(unjelly(jelly(Plain(a=1), policy), policy).a, 1)
        self.assertIsInstance(unjelly([b"pond.Pond", [b"dictionary"]], policy, None, Invoker()), RemotePlain)
        self.assertEqual(unjelly([b"pond.Made", [b"tuple", 1]], policy), [1])

    def test_fromNewOptions(self) -> None:
        """
        Options that allow no containers allow none when closed; references and
        failures are always allowed.
        """
        policy = SecurityPolicy.fromOptions(SecurityOptions())
        self.assertRaises(InsecureJelly, unjelly, [b"list"], policy)
        self.assertEqual(unjelly([b"unicode", b"x"], policy), "x")
        self.assertTrue(policy.isTypeAllowed("twisted.spread.pb.CopyableFailure"))

    def test_fromTheProcess(self) -> None:
        """
        What the whole process has registered is one policy among others.
        """
        pb.setUnjellyableForClass("tests.Pond", RemotePlain)
        pb.setUnjellyableFactoryForClass("tests.Made", list)
        self.addCleanup(pb.copyTags.pop, b"tests.Pond")
        self.addCleanup(unjellyableFactoryRegistry.pop, b"tests.Made")
        policy = SecurityPolicy.fromOptions(
            pb.globalSecurity, unjellyableRegistry, unjellyableFactoryRegistry
        )
        pb.setUnjellyableForClass("tests.Later", RemotePlain)
        self.addCleanup(pb.copyTags.pop, b"tests.Later")
        self.assertIsInstance(unjelly([b"tests.Pond", [b"dictionary"]], policy, None, Invoker()), RemotePlain)
        self.assertEqual(unjelly([b"tests.Made", [b"tuple", 1]], policy), [1])
        self.assertFalse(policy.isTypeAllowed("tests.Later"))
        self.assertEqual(policy.errors, "text")

    def test_errors(self) -> None:
        """
        Options may say what the peer sees of errors; closed, they still do.
        """
        self.assertEqual(SecurityOptions().errors, "text")
        options = SecurityOptions()
        options.errors = "incident"
        self.assertEqual(SecurityPolicy.fromOptions(options).errors, "incident")
        self.assertEqual(SecurityPolicy(errors="incident").allowTypes("x").errors, "incident")

    def test_choices(self) -> None:
        """
        A choice that there isn't is refused at once, by its name.
        """
        for name in ("errors", "unsendable"):
            error = self.assertRaises(ValueError, SecurityPolicy, **{name: "nothing"})
            self.assertIn(f"SecurityPolicy.{name} must be ", str(error))

    def test_names(self) -> None:
        """
        Names may be given as text, bytes or classes, to the policy itself too.
        """
        policy = SecurityPolicy(
            types=["list", b"tuple"],  # type: ignore[arg-type]
            unjellyables={"pond.Pond": RemotePlain, Plain: RemotePlain},  # type: ignore[dict-item]
            modules=["os"],  # type: ignore[arg-type]
            functions=("os.getcwd",),  # type: ignore[arg-type]
        )
        for tag in ("list", "tuple", "pond.Pond", nameOf(Plain)):
            self.assertTrue(policy.isTypeAllowed(tag), tag)
        self.assertTrue(policy.isModuleAllowed(b"os"))
        self.assertTrue(policy.isFunctionAllowed(b"os.getcwd"))

    def test_wireNames(self) -> None:
        """
        Instances of a class that travels under the name of one of
        C{twisted.spread} arrive under that name.
        """
        policy = SecurityPolicy().allowInstancesOf(pb.Avatar)
        form = jelly(pb.Avatar("ann"), policy)
        self.assertEqual(form[0], b"twisted.spread.pb.Avatar")
        self.assertTrue(policy.isTypeAllowed(form[0]))

    def test_asTag(self) -> None:
        """
        Names travel as UTF-8.
        """
        self.assertEqual(asTag("na\u00efve"), "na\u00efve".encode())
        self.assertEqual(asTag(b"\xff"), b"\xff")
        self.assertEqual(asTag(Plain), b"tests.jelly.shapes.Plain")

    def test_broker(self) -> None:
        """
        A broker works under the policy that it's given, and under the default
        options otherwise.
        """
        self.assertIs(pb.Broker(security=SecurityPolicy()).security.__class__, SecurityPolicy)
        self.assertIs(pb.Broker().security, pb.globalSecurity)


class LoginPolicyTests(SynchronousTestCase):
    """
    L{LOGIN_POLICY}.
    """

    def test_allowed(self) -> None:
        """
        What an honest client sends until it has logged in: plain values,
        references, and failures of its mind.
        """
        for tag in {*PLAIN_TYPES, b"remote", b"twisted.spread.pb.CopyableFailure"} - {b"persistent"}:
            self.assertTrue(LOGIN_POLICY.isTypeAllowed(tag), tag)

    def test_refused(self) -> None:
        """
        Nothing that names an object or class of ours, and no persistent id.
        """
        for tag in ("local", "cached", "lcache", "persistent", "instance", "class", "module", "function"):
            self.assertFalse(LOGIN_POLICY.isTypeAllowed(tag), tag)
        for name in ("method", "a.b", "twisted.spread.pb.CopiedFailure", nameOf(Plain)):
            self.assertFalse(LOGIN_POLICY.isTypeAllowed(name), name)

    def test_registered(self) -> None:
        """
        A class that the program has registered for everybody isn't made.
        """
        pb.setUnjellyableForClass("tests.Registered", RemotePlain)
        self.addCleanup(pb.copyTags.pop, b"tests.Registered")
        form = [b"tests.Registered", [b"dictionary"]]
        self.assertIsInstance(unjelly(form, pb.globalSecurity, None, Invoker()), RemotePlain)
        self.assertRaises(InsecureJelly, unjelly, form, LOGIN_POLICY, None, Invoker())

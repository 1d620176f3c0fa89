"""
Objects that travel by the name of their class, and things that have a name.
"""

from __future__ import annotations

import types
from typing import Any

from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly, MalformedJelly, MethodChanged
from myspread._jelly import (
    Jellyable,
    Unjellyable,
    Unpersistable,
    createBlank,
    getInstanceState,
    jelly,
    newInstance,
    setInstanceState,
    unjelly,
)
from myspread._jelly.serialize import Jellier
from myspread._jelly.unserialize import Unjellier
from myspread.security import DummySecurityOptions, SecurityOptions, SecurityPolicy
from tests.jelly import shapes
from tests.jelly.shapes import (
    Colour,
    Invoker,
    Own,
    Permission,
    Plain,
    Point,
    RemotePlain,
    Slotted,
    Stateful,
    Strict,
    WithHook,
    nameOf,
    ofPlain,
    reference,
    see,
    shout,
)

MODULE = b"tests.jelly.shapes"


def allowing(*classes: type) -> SecurityPolicy:
    """A policy for instances of some classes."""
    return SecurityPolicy().allowInstancesOf(*classes)


def options(*classes: type) -> SecurityOptions:
    """The same in the form of C{twisted.spread}."""
    security = SecurityOptions()
    security.allowInstancesOf(*classes)
    return security


class Refusal(pb.Error):
    """An exception that travels by value."""


class InstanceTests(SynchronousTestCase):
    """
    Instances of classes that a policy allows.
    """

    def test_exception(self) -> None:
        """
        An exception keeps its arguments and attributes, also where
        C{twisted.spread} reads it.
        """
        error = Refusal("no", 2)
        error.reason = "late"  # type: ignore[attr-defined]
        form = jelly(error, options(Refusal))
        for read in (unjelly, stock.unjelly):
            copied = read(form, options(Refusal))
            self.assertIs(type(copied), Refusal)
            self.assertEqual((copied.args, copied.reason, str(copied)), (("no", 2), "late", "('no', 2)"))
        self.assertEqual(unjelly(jelly(Refusal(), options(Refusal)), options(Refusal)).args, ())

    def test_dictionary(self) -> None:
        """
        An object's dictionary is its state; C{__init__} is not called.
        """
        for policy in (allowing(Plain), options(Plain)):
            form = jelly(Plain(name="Ann"), policy)
            self.assertEqual(form, [ofPlain, [b"dictionary", [[b"unicode", b"name"], [b"unicode", b"Ann"]]]])
            result = unjelly(form, policy)
            self.assertIs(type(result), Plain)
            self.assertEqual(result.__dict__, {"name": "Ann"})

    def test_stock(self) -> None:
        """
        C{twisted.spread} writes the same, and reads ours.
        """
        for value in (Plain(name="Ann"), Stateful(a=1)):
            form = jelly(value)
            self.assertEqual(form, stock.jelly(value))
            self.assertEqual(stock.unjelly(form).__dict__, value.__dict__)

    def test_empty(self) -> None:
        """
        An object without attributes arrives as one.
        """
        result = unjelly(jelly(Plain(), allowing(Plain)), allowing(Plain))
        self.assertEqual(result.__dict__, {})
        self.assertEqual(unjelly([ofPlain, [b"None"]], allowing(Plain)).__dict__, {})

    def test_stateMethods(self) -> None:
        """
        C{__getstate__} and C{__setstate__} are asked where there are any.
        """
        form = jelly(Stateful(a=1), allowing(Stateful))
        self.assertEqual(form[1][:2], [b"list", [b"unicode", b"packed"]])
        self.assertEqual(unjelly(form, allowing(Stateful)).a, 1)

    def test_wrongState(self) -> None:
        """
        Without C{__setstate__} a state is a dictionary. Before, some were
        dropped silently.
        """
        for state in (5, b"x", [b"list"], [b"tuple", [b"None"], [b"dictionary", [b"a", 1]]]):
            error = self.assertRaises(MalformedJelly, unjelly, [b"list", [ofPlain, state]], allowing(Plain))
            self.assertTrue(str(error).startswith("value[0]: Plain can't take"), str(error))

    def test_slots(self) -> None:
        """
        A class without a dictionary must say how it takes its state.
        """
        error = self.assertRaises(
            MalformedJelly, unjelly, [nameOf(Slotted), [b"dictionary", [b"size", 1]]], allowing(Slotted)
        )
        self.assertIn("give it __setstate__", str(error))

    def test_applicationErrors(self) -> None:
        """
        What C{__setstate__} raises is left as it is.
        """
        self.assertRaises(ZeroDivisionError, unjelly, [nameOf(Strict), [b"None"]], allowing(Strict))

    def test_cantBeBlank(self) -> None:
        """
        A class whose instances can't be made without arguments is refused
        with its place.
        """
        error = self.assertRaises(
            MalformedJelly, unjelly, [b"tuple", [nameOf(Point), [b"None"]]], allowing(Point)
        )
        self.assertTrue(str(error).startswith("value[0]: "), str(error))

    def test_enumerations(self) -> None:
        """
        Members of allowed enumerations arrive as the members that they are.
        """
        policy = allowing(Colour, Permission)
        for member in (Colour.RED, Colour.GREEN, Permission.READ | Permission.WRITE):
            form = jelly([member, member], policy)
            first, second = unjelly(form, policy)
            self.assertIs(first, member)
            self.assertIs(second, member)
        self.assertEqual(jelly(Colour.GREEN, policy), [nameOf(Colour), [b"unicode", b"green"]])

    def test_noMember(self) -> None:
        """
        A value that no member has is refused.
        """
        for value in (99, [b"list"], [b"None"]):
            error = self.assertRaises(MalformedJelly, unjelly, [nameOf(Colour), value], allowing(Colour))
            self.assertTrue(str(error).startswith("value: "))

    def test_oldForm(self) -> None:
        """
        C{[instance, class, state]} is read, with a warning, where the type is
        allowed.
        """
        form = [b"list", [b"instance", [b"class", ofPlain], [b"dictionary", [b"a", 1]]]]
        for policy in (options(Plain), allowing(Plain).allowTypes("instance", "class")):
            (result,) = unjelly(form, policy)
            self.assertEqual(result.__dict__, {b"a": 1})
            self.assertIs(type(result), Plain)
            self.assertEqual([warning["category"] for warning in self.flushWarnings()], [DeprecationWarning])

    def test_oldFormMalformed(self) -> None:
        """
        Its class has to be one.
        """
        for form in (
            [b"instance"],
            [b"instance", [b"class", ofPlain]],
            [b"instance", ofPlain, [b"dictionary"]],
            [b"instance", [b"list"], [b"dictionary"]],
            [b"instance", [b"class", ofPlain], [b"dictionary"], 1],
        ):
            self.assertRaises(MalformedJelly, unjelly, form, options(Plain))
        self.flushWarnings()


class OwnFormTests(SynchronousTestCase):
    """
    Objects that make their own forms.
    """

    def test_jellyable(self) -> None:
        """
        L{Jellyable} sends the qualified name of the class and the state.
        """
        value = Own()
        value.a = 1  # type: ignore[attr-defined]
        self.assertEqual(jelly(value), [nameOf(Own), [b"dictionary", [[b"unicode", b"a"], 1]]])
        self.assertIsInstance(value, stock.Jellyable)
        self.assertEqual(stock.jelly(value), jelly(value))

    def test_unjellyable(self) -> None:
        """
        L{Unjellyable} takes the state over, without C{__init__}.
        """
        policy = SecurityPolicy().allowUnjellyable("pond.Own", Own)
        self.assertEqual(unjelly([b"pond.Own", [b"dictionary", [b"a", 1]]], policy).__dict__, {b"a": 1})

    def test_unjellyableWrongState(self) -> None:
        """
        A state that is no dictionary is refused, with its place.
        """
        policy = SecurityPolicy().allowUnjellyable("pond.Own", Own)
        error = self.assertRaises(MalformedJelly, unjelly, [b"list", 0, [b"pond.Own", 5]], policy)
        self.assertTrue(str(error).startswith("value[1]: Own can't take a int"), str(error))
        self.assertEqual(unjelly([b"pond.Own", [b"None"]], policy).__dict__, {})

    def test_stockFlavours(self) -> None:
        """
        Objects of C{twisted.spread}'s classes are sent and received too.
        """

        class Theirs(stock.Jellyable, stock.Unjellyable):
            """Written for twisted.spread."""

        value = Theirs()
        value.list = [value]
        form = jelly(value, SecurityPolicy())
        self.assertEqual(form, stock.jelly(value))
        result = unjelly(form, SecurityPolicy().allowUnjellyable(form[2][0], Theirs))
        self.assertIs(result.list[0], result)

    def test_unjellyFunction(self) -> None:
        """
        A tag can stand for a function, which gets the unjellier and the form.
        """
        policy = SecurityPolicy().allowUnjellyable(
            "pond.Swap", lambda unjellier, form: unjellier.unjelly(form[2])
        )
        self.assertEqual(unjelly([b"pond.Swap", 1, [b"list", 2]], policy), [2])

    def test_tooShort(self) -> None:
        """
        An object without state is none.
        """
        policy = SecurityPolicy().allowUnjellyable("pond.Own", Own).allowFactory("pond.Made", list)
        for form in ([b"pond.Own"], [b"pond.Made"], [b"pond.Made", 1, 2], [ofPlain], [ofPlain, [b"None"], 1]):
            error = self.assertRaises(MalformedJelly, unjelly, form, policy.allowInstancesOf(Plain))
            self.assertIn("[tag, state]", str(error))

    def test_postUnjelly(self) -> None:
        """
        C{postUnjelly} is called once the whole message is there, in the order
        in which the objects were, even within a circle.
        """
        self.patch(WithHook, "done", [])
        policy = SecurityPolicy().allowUnjellyable("pond.Hook", WithHook)
        inner = [b"pond.Hook", [b"dictionary", [b"n", 1]]]
        outer = [b"pond.Hook", [b"dictionary", [b"inner", inner], [b"home", see(1)]]]
        world = unjelly(reference(1, [b"tuple", outer]), policy, None, Invoker())
        self.assertEqual(WithHook.done, [{"n": 1}, {"inner": world[0].inner, "home": world}])

    def test_postUnjellyOfData(self) -> None:
        """
        Nothing that a peer sends under this name is called.
        """
        policy = (
            SecurityPolicy()
            .allowUnjellyable("pond.Copy", RemotePlain)
            .allowFactory("pond.Made", lambda made: made)
        )
        (copy,) = unjelly(
            [b"list", [b"pond.Copy", [b"dictionary", [b"postUnjelly", 5]]]], policy, None, Invoker()
        )
        self.assertEqual(copy.postUnjelly, 5)
        self.assertEqual(unjelly([b"pond.Made", 5], policy), 5)

    def test_copyWithoutConnection(self) -> None:
        """
        Copies are read without a connection, as from a file.
        """
        policy = SecurityPolicy().allowUnjellyable("pond.Copy", RemotePlain)
        self.assertEqual(unjelly([b"pond.Copy", [b"dictionary", [b"a", 1]]], policy).__dict__, {b"a": 1})
        error = self.assertRaises(MalformedJelly, unjelly, [b"list", [b"pond.Copy", 1]], policy)
        self.assertEqual(error.path, "value[0]")


class NamedTests(SynchronousTestCase):
    """
    Classes, modules, functions and methods travel as names.
    """

    everything = DummySecurityOptions()

    def test_forms(self) -> None:
        """
        C{twisted.spread} writes the same names, some of them as str, which it
        can't send.
        """
        for value, form in (
            (Plain, [b"class", ofPlain]),
            (shout, [b"function", MODULE + b".shout"]),
            (shapes, [b"module", MODULE]),
            (types.FunctionType, [b"class", b"builtins.function"]),
        ):
            self.assertEqual(jelly(value), form)
            tag, name = stock.jelly(value)
            self.assertEqual([tag, name if isinstance(name, bytes) else name.encode()], form)

    def test_back(self) -> None:
        """
        The receiver finds its own objects of these names.
        """
        for value in (Plain, shout, shapes, pb.Referenceable):
            self.assertIs(unjelly(jelly(value)), value)

    def test_method(self) -> None:
        """
        A method travels with its object and class.
        """
        owner = Plain(name="Ann")
        method, same = unjelly(jelly([owner.greet, owner]))
        self.assertEqual(method(), "I am Ann")
        self.assertIs(method.__self__, same)

    def test_methodOfNone(self) -> None:
        """
        A method without an object is the function.
        """
        form = [b"method", b"greet", [b"None"], [b"class", ofPlain]]
        self.assertIs(unjelly(form), Plain.greet)
        form[1] = [b"unicode", b"greet"]
        self.assertIs(unjelly(form), Plain.greet)

    def test_methodInItsObject(self) -> None:
        """
        An object may keep a method of its own.
        """
        owner = Plain(name="Ann")
        owner.hello = owner.greet  # type: ignore[attr-defined]
        result = unjelly(jelly(owner, self.everything))
        self.assertIs(result.hello.__self__, result)

    def test_notDefined(self) -> None:
        """
        A method that the class doesn't define itself, or that is none, raises
        an error that is a C{TypeError} too, as that of C{twisted.spread}.
        """
        for name in (b"missing", b"notAMethod", b"__class__", b"__repr__", 5, [b"list"]):
            error = self.assertRaises(
                MethodChanged, unjelly, [b"list", [b"method", name, [b"None"], [b"class", ofPlain]]]
            )
            self.assertIsInstance(error, TypeError)
            self.assertTrue(str(error).startswith("value[0]: Plain defines no method "), str(error))

    def test_methodMalformed(self) -> None:
        """
        A method has a name in UTF-8 and a class.
        """
        for form in (
            [b"method"],
            [b"method", b"greet", [b"None"]],
            [b"method", b"greet", [b"None"], [b"class", ofPlain], 1],
            [b"method", b"greet", [b"None"], 5],
            [b"method", b"greet", [b"None"], ofPlain],
            [b"method", b"\xff", [b"None"], [b"class", ofPlain]],
        ):
            error = self.assertRaises(MalformedJelly, unjelly, [b"list", form])
            self.assertEqual(error.path, "value[0]")

    def test_wrongKind(self) -> None:
        """
        Something of the name, but of another kind, is refused.
        """
        for form in (
            [b"class", MODULE + b".shout"],
            [b"class", MODULE + b".notAFunction"],
            [b"function", MODULE + b".Plain"],
            [b"function", MODULE + b".notAFunction"],
            [b"module", MODULE + b".Plain"],
            [MODULE + b".shout", [b"None"]],
        ):
            error = self.assertRaises(InsecureJelly, unjelly, [b"list", form])
            self.assertTrue(str(error).startswith("value[0]: "), str(error))

    def test_missing(self) -> None:
        """
        So is what isn't here at all.
        """
        for form in (
            [b"class", MODULE + b".Absent"],
            [b"function", b"no.such.module.function"],
            [b"module", b"no.such.module"],
            [b"module", b""],
            [b"class", b"..x"],
            [b"class", b"x."],
            [b"class", b"no dots"],
        ):
            error = self.assertRaises(MalformedJelly, unjelly, [b"list", form])
            self.assertEqual(error.path, "value[0]")

    def test_malformed(self) -> None:
        """
        A name is one byte string in UTF-8.
        """
        for tag in (b"class", b"module", b"function"):
            for fields in ([], [b"a", b"b"], [5], [[b"unicode", b"a"]], [b"\xff"]):
                self.assertRaises(MalformedJelly, unjelly, [tag, *fields])
        self.assertIs(unjelly([b"class", ofPlain.decode()]), Plain)

    def test_ownNames(self) -> None:
        """
        Our own flavors travel under C{twisted.spread}'s names.
        """
        self.assertEqual(jelly(pb.Copyable), [b"class", b"twisted.spread.flavors.Copyable"])
        self.assertIs(unjelly([b"class", b"twisted.spread.flavors.Copyable"]), pb.Copyable)


class PersistentTests(SynchronousTestCase):
    """
    Objects that are kept elsewhere travel as ids.
    """

    def store(self, value: Any, jellier: Any) -> Any:
        return f"id of {value.name}".encode() if isinstance(value, Plain) else None

    def test_store(self) -> None:
        """
        The store is asked for objects without a form of their own; those that
        it doesn't know are treated as ever.
        """
        ann = Plain(name="Ann")
        form = jelly([ann, [1], ann, Slotted(1)], SecurityPolicy(), self.store)
        self.assertEqual(form[1], reference(1, [b"persistent", b"id of Ann"]))
        self.assertEqual(form[3], see(1))
        self.assertEqual(form[4][0], b"unpersistable")

    def test_load(self) -> None:
        """
        The loader makes objects of ids, one for each.
        """
        first, second = unjelly(
            [b"list", reference(1, [b"persistent", b"id"]), see(1)],
            SecurityPolicy(),
            lambda key, unjellier: [key],
        )
        self.assertEqual(first, [b"id"])
        self.assertIs(first, second)

    def test_noLoader(self) -> None:
        """
        Without a loader, the id becomes an L{Unpersistable}, as in
        C{twisted.spread}.
        """
        form = [b"persistent", b"id"]
        self.assertIsInstance(unjelly(form), Unpersistable)
        self.assertEqual(unjelly(form).reason, stock.unjelly(form).reason)

    def test_malformed(self) -> None:
        """
        There is exactly one id.
        """
        for tag in (b"persistent", b"unpersistable"):
            for fields in ([], [1, 2]):
                error = self.assertRaises(MalformedJelly, unjelly, [tag, *fields])
                self.assertIn(tag.decode(), str(error))


class BasesTests(SynchronousTestCase):
    """
    The functions that C{jellyFor} and C{unjellyFor} methods are written with.
    """

    def test_createBlank(self) -> None:
        """
        L{createBlank} makes instances of classes, and nothing of anything else.
        """
        self.assertEqual(createBlank(Plain).__dict__, {})
        self.assertIsNone(createBlank(shout))

    def test_newInstance(self) -> None:
        """
        L{newInstance} makes one with a state.
        """
        self.assertEqual(newInstance(Plain, {"a": 1}).a, 1)
        self.assertEqual(newInstance(Stateful, ["packed", {"a": 1}]).a, 1)

    def test_instanceState(self) -> None:
        """
        L{getInstanceState} and L{setInstanceState} follow C{pickle}.
        """
        everything = DummySecurityOptions()
        for klass in (Plain, Stateful):
            form = getInstanceState(klass(a=1), Jellier(everything))
            self.assertEqual(form[0], nameOf(klass))
            blank = createBlank(klass)
            self.assertIs(setInstanceState(blank, Unjellier(everything), form), blank)
            self.assertEqual(blank.a, 1)
        self.assertRaises(MalformedJelly, setInstanceState, Plain(), Unjellier(everything), [b"x", 5])

    def test_sharedState(self) -> None:
        """
        An object that is met inside its own state is one.
        """
        value = Plain()
        value.me = value  # type: ignore[attr-defined]
        form = getInstanceState(value, Jellier(DummySecurityOptions()))
        self.assertEqual(form, reference(1, [ofPlain, [b"dictionary", [[b"unicode", b"me"], see(1)]]]))

    def test_prepare(self) -> None:
        """
        C{prepare} and C{preserve} make an own form shared.
        """

        class Pair(Jellyable):
            def jellyFor(self, jellier: Any) -> Any:
                form = jellier.prepare(self)
                form += [b"pair", jellier.jelly([self])]
                return jellier.preserve(self, form)

        pair = Pair()
        self.assertEqual(jelly([pair, pair]), [b"list", reference(1, [b"pair", [b"list", see(1)]]), see(1)])

    def test_unpersistable(self) -> None:
        """
        C{jellier.unpersistable} says why something didn't travel.
        """
        jellier = Jellier(DummySecurityOptions())
        self.assertEqual(jellier.unpersistable("why"), [b"unpersistable", b"why"])
        self.assertEqual(jellier.unpersistable(b"why", [1]), [1, b"unpersistable", b"why"])

    def test_defaults(self) -> None:
        """
        The base classes send and take the instance's dictionary.
        """
        self.assertIs(Jellyable().getStateFor(None).__class__, dict)
        taker = Unjellyable()
        taker.setStateFor(None, {"a": 1})
        self.assertEqual(taker.__dict__, {"a": 1})

"""
Objects that occur more than once, or inside themselves.
"""

from __future__ import annotations

from typing import Any

from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread._errors import MalformedJelly
from myspread._jelly import jelly, unjelly
from myspread.security import SecurityPolicy
from tests.jelly.shapes import Invoker, Own, Plain, RemotePlain, nameOf, ofPlain, reference, see

POLICY = (
    SecurityPolicy()
    .allowUnjellyable("pond.Copy", RemotePlain)
    .allowUnjellyable("pond.Own", Own)
    .allowFactory("pond.Made", lambda state: ("made", state))
    .allowInstancesOf(Plain)
)


def read(form: Any) -> Any:
    """The object of an s-expression, as on a connection."""
    return unjelly(form, POLICY, None, Invoker())


def state(name: bytes, form: Any) -> list[Any]:
    """The form of an object's state with one attribute."""
    return [b"dictionary", [[b"unicode", name], form]]


class SharedTests(SynchronousTestCase):
    """
    One object that is sent twice in a message arrives as one object.
    """

    def test_everyContainer(self) -> None:
        """
        Lists, tuples, dictionaries and sets, full or empty, stay shared.
        """
        for shared in ([1], (1,), {1: 2}, {1}, frozenset({1}), [], (), {}, Plain()):
            first, second = read(jelly([shared, shared], POLICY))
            self.assertIs(first, second)
            self.assertIs(type(first), type(shared))

    def test_scalars(self) -> None:
        """
        Scalars are simply sent twice.
        """
        text = "a text"
        self.assertEqual(jelly([text, text]), [b"list", [b"unicode", b"a text"], [b"unicode", b"a text"]])

    def test_sameAsStock(self) -> None:
        """
        References are numbered, and placed, exactly as C{twisted.spread} does.
        """
        a: list[Any] = [1]
        b = (a, {"a": a})
        c: list[Any] = [b, a, b]
        c.append(c)
        for value in ([a, a], [b, b, a], c, {"c": c, "b": b}, [{}, c, {"k": [c]}]):
            self.assertEqual(jelly(value), stock.jelly(value))

    def test_numbers(self) -> None:
        """
        Ids are given at the second sight of an object.
        """
        late: list[Any] = []
        soon: list[Any] = []
        self.assertEqual(
            jelly([late, soon, soon, late]),
            [b"list", reference(2, [b"list"]), reference(1, [b"list"]), see(1), see(2)],
        )

    def test_temporaries(self) -> None:
        """
        Objects that exist only while they are being sent aren't mistaken for
        one another, though they may live at the same address.
        """

        class Fleeting(Own):
            def getStateFor(self, jellier: Any) -> Any:
                return [[number] for number in range(3)]

        forms = jelly([Fleeting() for _ in range(50)])[1:]
        self.assertEqual(
            {repr(form[1]) for form in forms}, {"[b'list', [b'list', 0], [b'list', 1], [b'list', 2]]"}
        )

    def test_temporariesWithOwnForms(self) -> None:
        """
        That holds for objects that make their own forms, too.
        """

        class Fleeting(Own):
            def jellyFor(self, jellier: Any) -> Any:
                return [b"outer", *[jellier.jelly(Own()) for _ in range(20)]]

        self.assertEqual(jelly(Fleeting())[1:], [[nameOf(Own), [b"dictionary"]]] * 20)


class CircularTests(SynchronousTestCase):
    """
    Objects may contain themselves.
    """

    def roundTrip(self, value: Any) -> Any:
        form = jelly(value, POLICY)
        self.assertEqual(form, stock.jelly(value, taster=stock.DummySecurityOptions()))
        return read(form)

    def test_list(self) -> None:
        """A list in itself."""
        value: list[Any] = []
        value.append(value)
        value = self.roundTrip(value)
        self.assertIs(value[0], value)

    def test_dictionary(self) -> None:
        """A dictionary in itself."""
        value: dict[Any, Any] = {"first": 1}
        value["self"] = value
        value = self.roundTrip(value)
        self.assertIs(value["self"], value)
        self.assertEqual(list(value), ["first", "self"])

    def test_tuple(self) -> None:
        """A tuple in a list, or dictionary, in itself."""
        inner: list[Any] = [0]
        value = (inner, {"k": inner})
        inner.append(value)
        result = self.roundTrip(value)
        self.assertIs(result[0][1], result)
        self.assertIs(result[1]["k"], result[0])

    def test_dictionaryValueInTuple(self) -> None:
        """A tuple of a dictionary that has the tuple as a value."""
        inner: dict[Any, Any] = {"a": 1}
        value = (inner,)
        inner["t"] = value
        inner["z"] = 2
        result = self.roundTrip(value)
        self.assertIs(result[0]["t"], result)
        self.assertEqual(list(result[0]), ["a", "t", "z"])

    def test_tuplesInTuples(self) -> None:
        """Tuples that contain each other by way of a list."""
        end: list[Any] = []
        inner = (end,)
        outer = (inner, inner)
        end += [outer, inner]
        result = self.roundTrip(outer)
        self.assertIs(result[0], result[1])
        self.assertIs(result[0][0][0], result)
        self.assertIs(result[0][0][1], result[0])

    def test_instance(self) -> None:
        """An object that is its own attribute."""
        value = Plain()
        value.me = value  # type: ignore[attr-defined]
        result = self.roundTrip(value)
        self.assertIsInstance(result, Plain)
        self.assertIs(result.me, result)

    def test_instanceInSet(self) -> None:
        """An object in a set, a frozenset and a key of its own."""
        value = Plain()
        value.__dict__.update(friends={value}, family=frozenset({value}), ages={value: 5})
        result = self.roundTrip(value)
        self.assertEqual(result.friends, {result})
        self.assertEqual(result.family, frozenset({result}))
        self.assertEqual(result.ages, {result: 5})

    def test_setAroundInstance(self) -> None:
        """A set of an object that knows the set; the set begins first."""
        for kind in (set, frozenset, tuple):
            value = Plain()
            value.home = kind([value])  # type: ignore[attr-defined]
            result = self.roundTrip(value.home)  # type: ignore[attr-defined]
            (inner,) = result
            self.assertIs(type(result), kind)
            self.assertIs(inner.home, result)

    def test_tupleAsKey(self) -> None:
        """A tuple that is the key of a dictionary inside it."""
        value = Plain()
        key = (value,)
        value.of = {key: "it", "other": key}  # type: ignore[attr-defined]
        result = self.roundTrip(key)
        self.assertEqual(result[0].of, {result: "it", "other": result})
        self.assertIs(result[0].of["other"], result)

    def test_ownState(self) -> None:
        """An object that makes its own form."""
        value = Own()
        value.me = [value]  # type: ignore[attr-defined]
        form = jelly(value, POLICY)
        self.assertEqual(form, reference(1, [nameOf(Own), state(b"me", [b"list", see(1)])]))
        result = unjelly([b"list", reference(1, [b"pond.Own", state(b"me", see(1))])], POLICY)[0]
        self.assertIs(result.me, result)


class CopiesTests(SynchronousTestCase):
    """
    Copies, and what factories make, in circles.
    """

    def test_copyInItself(self) -> None:
        """
        A copy whose state refers to it gets itself, not a stand-in.
        """
        result = read(reference(1, [b"pond.Copy", state(b"me", see(1))]))
        self.assertIs(result.me, result)

    def test_copyInItsTuple(self) -> None:
        """
        The same by way of a tuple that exists only once the copy does.
        """
        result = read(reference(1, [b"tuple", [b"pond.Copy", state(b"home", see(1))]]))
        self.assertIs(result[0].home, result)

    def test_copyThroughTupleInside(self) -> None:
        """
        A tuple inside a copy's state that contains the copy.
        """
        result = read(reference(1, [b"pond.Copy", state(b"pair", [b"tuple", see(1), see(1)])]))
        self.assertEqual(result.pair, (result, result))

    def test_stateIsShared(self) -> None:
        """
        A copy can refer to the dictionary that is its state, or be it.
        """
        first, second = read([b"list", [b"pond.Copy", reference(1, state(b"x", [b"list"]))], see(1)])
        self.assertEqual(second, first.__dict__)
        value = read([b"tuple", see(1), reference(1, [b"pond.Copy", state(b"x", 1)])])
        self.assertIs(value[0], value[1])

    def test_madeInTuple(self) -> None:
        """
        What a factory makes of a state that refers to a list around it.
        """
        result = read(reference(1, [b"list", [b"pond.Made", state(b"home", see(1))]]))
        self.assertEqual(result[0][0], "made")
        self.assertIs(result[0][1]["home"], result)

    def test_madeFromTupleAround(self) -> None:
        """
        A factory waits until the tuple that its state refers to exists.
        """
        result = read(reference(1, [b"tuple", [b"list", [b"pond.Made", state(b"home", see(1))]]]))
        self.assertIs(result[0][0][1]["home"], result)

    def test_madeOfCopy(self) -> None:
        """
        A factory gets a copy only once the copy has its state.
        """
        seen: list[Any] = []
        policy = POLICY.allowFactory("pond.Seen", lambda copy: seen.append(dict(copy.__dict__)))
        form = [b"tuple", [b"list", [b"pond.Seen", [b"pond.Copy", state(b"home", see(1))]]]]
        result = unjelly(reference(1, form), policy, None, Invoker())
        self.assertEqual(len(seen), 1)
        self.assertIs(seen[0]["home"], result)

    def test_madeTwice(self) -> None:
        """
        What a factory makes is made once, however often it is met.
        """
        made, again = read([b"list", reference(1, [b"pond.Made", [b"tuple"]]), see(1)])
        self.assertIs(made, again)

    def test_madeLate(self) -> None:
        """
        What was made late is the same for those who come later still.
        """
        inner = [b"list", reference(2, [b"pond.Made", state(b"home", see(1))])]
        first, later = read([b"list", reference(1, [b"tuple", inner]), see(2)])
        self.assertIs(first[0][0], later)

    def test_madeOfItself(self) -> None:
        """
        A factory can't be given its own result.
        """
        for form in (
            reference(1, [b"pond.Made", state(b"me", see(1))]),
            reference(1, [b"tuple", [b"pond.Made", state(b"home", see(1))]]),
            reference(1, [b"pond.Made", see(1)]),
        ):
            error = self.assertRaises(MalformedJelly, read, form)
            self.assertIn("never gets made", str(error))

    def test_circlesApart(self) -> None:
        """
        Two circles that have nothing to do with each other don't wait for each
        other.
        """
        copy, made = read(
            [
                b"list",
                reference(1, [b"tuple", [b"pond.Copy", state(b"home", see(1))]]),
                reference(2, [b"tuple", [b"list", [b"pond.Made", state(b"home", see(2))]]]),
            ]
        )
        self.assertIs(copy[0].home, copy)
        self.assertIs(made[0][0][1]["home"], made)

    def test_circlesTogether(self) -> None:
        """
        A copy waits for a tuple that waits for a factory that waits for a tuple
        around them all.
        """
        inner = reference(
            2,
            [b"tuple", [b"pond.Copy", state(b"home", see(2))], [b"pond.Made", state(b"world", see(1))]],
        )
        world = read(reference(1, [b"tuple", [b"list", inner]]))
        pair = world[0][0]
        self.assertIs(pair[0].home, pair)
        self.assertIs(pair[1][1]["world"], world)

    def test_nestedWaiting(self) -> None:
        """
        Copies inside copies all wait for the tuple around them.
        """
        form: Any = see(1)
        for _ in range(20):
            form = [b"pond.Copy", state(b"inner", form)]
        result = read(reference(1, [b"tuple", form]))
        value = result[0]
        for _ in range(20):
            value = value.inner
        self.assertIs(value, result)

    def test_instancesWait(self) -> None:
        """
        So do objects of allowed classes.
        """
        result = read(reference(1, [b"tuple", [ofPlain, see(2)], reference(2, state(b"home", see(1)))]))
        self.assertIs(result[0].home, result)
        self.assertIs(result[0].__dict__, result[1])

    def test_ownCantWait(self) -> None:
        """
        An C{unjellyFor} that asks for its whole state at once is refused one
        that doesn't exist yet.
        """
        error = self.assertRaises(
            MalformedJelly, read, reference(1, [b"tuple", [b"pond.Own", state(b"home", see(1))]])
        )
        self.assertIn("can't wait", str(error))

    def test_linear(self) -> None:
        """
        Many circles don't make each other expensive: nobody looks at those that
        are complete again.
        """
        count = 5000
        form: list[Any] = [b"list"]
        for number in range(count):
            form.append(reference(number, [b"tuple", [b"pond.Copy", state(b"home", see(number))]]))
        result = read(form)
        self.assertTrue(all(pair[0].home is pair for pair in result))


class ReferenceFormsTests(SynchronousTestCase):
    """
    References as other programs may write them.
    """

    def test_forward(self) -> None:
        """
        A dereference may come before its reference.
        """
        first, second = read([b"list", see(1), reference(1, [b"list", 5])])
        self.assertEqual(first, [5])
        self.assertIs(first, second)
        self.assertEqual(read([b"tuple", see(1), reference(1, 7)]), (7, 7))
        self.assertEqual(
            read([b"list", [b"tuple", see(1), see(2)], reference(2, 8), reference(1, 7)]), [(7, 8), 8, 7]
        )
        self.assertEqual(read([b"dictionary", [see(1), see(2)], [reference(1, 7), reference(2, 8)]]), {7: 8})

    def test_forwardInSet(self) -> None:
        """
        Even where the value has to be hashed.
        """
        self.assertEqual(read([b"list", [b"set", see(1)], reference(1, [b"tuple", 1])]), [{(1,)}, (1,)])

    def test_chained(self) -> None:
        """
        Tuples that wait for each other are built in the right order.
        """
        form: list[Any] = [b"list"]
        for number in range(100):
            form.append(reference(number, [b"tuple", see(number + 1)]))
        result = read([*form, reference(100, [b"list"])])
        for number in range(100):
            self.assertIs(result[number][0], result[number + 1])

    def test_scalars(self) -> None:
        """
        A reference may go round anything.
        """
        for form, value in ((5, 5), (b"b", b"b"), ([b"unicode", b"t"], "t"), ([b"None"], None)):
            self.assertEqual(read([b"list", reference(1, form), see(1)]), [value, value])

    def test_two(self) -> None:
        """
        Two references may go round one object, and ids may be byte strings.
        """
        result = read([b"list", reference(1, reference(b"two", [b"list"])), see(1), see(b"two")])
        self.assertIs(result[0], result[1])
        self.assertIs(result[0], result[2])

    def test_namedForms(self) -> None:
        """
        A class can be referred to.
        """
        policy = POLICY.allowTypes("class", "unpersistable", "persistent")
        first, second = unjelly([b"list", reference(1, [b"class", ofPlain]), see(1)], policy)
        self.assertIs(first, Plain)
        self.assertIs(second, Plain)

    def test_refused(self) -> None:
        """
        Ids that lead nowhere, that lead two ways, or that are none.
        """
        for form, word in (
            (see(1), "never gets made"),
            ([b"list", [b"tuple", see(2)], see(1)], "never gets made"),
            (reference(1, see(1)), "never gets made"),
            ([b"list", reference(1, [b"list"]), reference(1, [b"list"])], "given twice"),
            (reference(1, [b"list", reference(1, [b"list"])]), "given twice"),
            (reference([b"list"], 5), "[reference, id, form]"),
            (reference(1.5, 5), "[reference, id, form]"),
            ([b"reference", 1], "[reference, id, form]"),
            ([b"reference", 1, 2, 3], "[reference, id, form]"),
            ([b"reference"], "[reference, id, form]"),
            (see([b"list"]), "[dereference, id]"),
            (see("text"), "[dereference, id]"),
            ([b"dereference"], "[dereference, id]"),
            ([b"dereference", 1, 2], "[dereference, id]"),
        ):
            error = self.assertRaises(MalformedJelly, read, form)
            self.assertIn(word, str(error))

    def test_unhashable(self) -> None:
        """
        A list can be no element of a set, and no key, not even one that comes
        late.
        """
        for form in (
            [b"set", [b"list"]],
            [b"frozenset", [b"dictionary"]],
            [b"dictionary", [[b"list"], 1]],
            [b"list", [b"dictionary", [see(1), 1]], reference(1, [b"list"])],
            [b"list", [b"dictionary", [see(1), see(2)], [[b"list"], 0]], reference(1, 1), reference(2, 2)],
            [b"list", [b"set", see(1)], reference(1, [b"list"])],
        ):
            error = self.assertRaises(MalformedJelly, read, form)
            self.assertIn("unhashable", str(error))

"""
Keys that are made to collide, and ids that are made to: what they cost is
counted, so the load of the machine doesn't matter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from math import ldexp
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from myspread import pb
from myspread._codec import PB, encode
from myspread._codec.accelerated import AcceleratedDecoder
from myspread._errors import InsecureJelly, MalformedJelly
from myspread._jelly import globalSecurity, jelly, unjelly
from myspread._jelly.hashing import Keys, Weights, checkKeys, isIdentity
from myspread._native import NOT_PLAIN, accelerator, maskFor
from myspread.limits import Limits
from myspread.security import SecurityPolicy
from myspread.testing import brokerPair
from tests.jelly.shapes import Colour, Counting, nameOf, reference, see

P = sys.hash_info.modulus
MANY = range(1, 2001)

COLLIDING: list[list[Any]] = [
    [number * P for number in MANY],
    [number * P + 12345 for number in MANY],
    [-number * P for number in MANY],
    [(number * P, b"x") for number in MANY],
    [(b"x", (number * P,)) for number in MANY],
    [frozenset([number * P]) for number in MANY],
    [Decimal(number * P) for number in MANY],
    [number * P if number % 2 else Decimal(number * P) for number in MANY],
    [*range(5000), *(number * P for number in MANY)],
    [*map(str, range(5000)), *(number * P for number in MANY)],
    [(1, 1)] * 2000,
]
"""Keys that nobody has who means well."""

HONEST: list[list[Any]] = [
    list(range(5000)),
    list(range(-5000, 5000)),
    [number * 2**40 for number in range(5000)],
    [number**5 for number in range(-3000, 3000)],
    [P - 1, -P + 1, *range(500)],
    [P * number for number in range(64)],
    [number * 0.37 for number in range(5000)],
    [2.0**power for power in range(-1022, 1023)],
    [Decimal(number) / 8 for number in range(3000)],
    list(map(str, range(5000))),
    [b"%d" % number for number in range(5000)],
    [None, True, *range(2, 300), "x", b"x", 0.5],
    [(x, y) for x in range(-50, 50) for y in range(-50, 50)],
    list(product((-2, -1, 0, 1, 2), repeat=5)),
    list(product((-1, -2), repeat=6)),
    [frozenset([x, x + 1]) for x in range(-500, 500)],
    [(text, number) for text in "abc" for number in range(500)],
]
"""Keys that somebody may have."""


def dictionary(keys: list[Any]) -> Any:
    """The form of a dictionary with these keys, however often each occurs."""
    return [b"dictionary", *[[jelly(key), 1] for key in keys]]


class PureTests(SynchronousTestCase):
    """
    Dictionaries and sets, as the pure modules make them.
    """

    def made(self, form: Any) -> Any:
        """
        What becomes of a form.

        @raise InsecureJelly: when it is refused.
        """
        return unjelly(form, SecurityPolicy())

    def test_colliding(self) -> None:
        """
        Keys that are made to collide are refused, by name of their place.
        """
        for keys in COLLIDING:
            for tag in (b"set", b"frozenset"):
                error = self.assertRaises(MalformedJelly, self.made, [b"list", 1, [tag, *map(jelly, keys)]])
                self.assertIn("value[1]: too many of", str(error))
            error = self.assertRaises(MalformedJelly, self.made, [b"list", dictionary(keys)])
            self.assertIn("value[0]: too many of", str(error))
            self.assertIn("keys have the same hash", str(error))

    def test_honest(self) -> None:
        """
        Those that only look a little like it aren't.
        """
        for keys in HONEST:
            self.assertEqual(self.made(dictionary(keys)), dict.fromkeys(keys, 1))
            self.assertEqual(self.made([b"set", *map(jelly, keys)]), set(keys))
            self.assertEqual(self.made([b"frozenset", *map(jelly, keys)]), frozenset(keys))

    def test_few(self) -> None:
        """
        Up to 64 keys may have any hashes; a few more, too, among many others.
        """
        for count in (10, 64):
            keys = [number * P for number in range(count)]
            self.assertEqual(len(self.made(dictionary(keys))), count)
        keys += [number + P for number in range(3000)]
        self.assertEqual(self.made(dictionary(keys)), dict.fromkeys(keys, 1))


class AcceleratedTests(PureTests):
    """
    The accelerator, which leaves to them what it doesn't judge.
    """

    def setUp(self) -> None:
        """
        @raise SkipTest: when the extension module was not built.
        """
        if accelerator is None:
            raise SkipTest("the extension module is not built, or MYSPREAD_PURE=1 switches it off")

    def made(self, form: Any) -> Any:
        decoder = AcceleratedDecoder(Limits(), PB)
        decoder.lazy = True
        ((raw,),) = decoder.feed(encode([form], PB))
        value = raw.plain(maskFor(globalSecurity.isTypeAllowed))
        return super().made(raw.expand()) if value is NOT_PLAIN else value

    def test_itself(self) -> None:
        """
        Honest keys of plain types don't make it slow.
        """
        for keys in HONEST:
            if not any(isinstance(key, Decimal) or isinstance(key, int) and key >= 2**63 for key in keys):
                decoder = AcceleratedDecoder(Limits(), PB)
                decoder.lazy = True
                ((raw,),) = decoder.feed(encode([dictionary(keys)], PB))
                self.assertEqual(raw.plain(maskFor(globalSecurity.isTypeAllowed)), dict.fromkeys(keys, 1))


class CostTests(SynchronousTestCase):
    """
    What is refused is refused before it has cost much.
    """

    def setUp(self) -> None:
        self.patch(Counting, "comparisons", 0)
        self.policy = SecurityPolicy().allowInstancesOf(Counting)

    def keys(self, hashes: Iterator[int]) -> list[Any]:
        return [[nameOf(Counting), [b"dictionary", [[b"unicode", b"place"], place]]] for place in hashes]

    def test_refused(self) -> None:
        """
        None of the keys is compared.
        """
        for form in (
            [b"dictionary", *[[key, 1] for key in self.keys(iter([7] * 3000))]],
            [b"set", *self.keys(iter([7] * 3000))],
            [b"frozenset", *self.keys(number % 9 for number in range(3000))],
        ):
            self.assertRaises(MalformedJelly, unjelly, form, self.policy)
        self.assertEqual(Counting.comparisons, 0)

    def test_accepted(self) -> None:
        """
        Those that are accepted are compared with no more than 32 each, on the
        average.
        """
        for groups in (3000, 300, 100):
            Counting.comparisons = 0
            form = [b"set", *self.keys(number % groups for number in range(3000))]
            self.assertEqual(len(unjelly(form, self.policy)), 3000)
            self.assertLess(Counting.comparisons, 3000 * 33)

    def test_late(self) -> None:
        """
        Keys that are known only later count as well.
        """

        def late(places: Iterator[int]) -> Any:
            pairs = [[[b"tuple", see(1), key], 1] for key in self.keys(places)]
            return [b"list", [b"dictionary", *pairs], reference(1, [b"tuple", 5])]

        made = unjelly(late(iter(range(500))), self.policy)
        self.assertEqual(len(made[0]), 500)
        Counting.comparisons = 0
        error = self.assertRaises(MalformedJelly, unjelly, late(iter([7] * 3000)), self.policy)
        self.assertIn("have the same hash", str(error))
        self.assertLess(Counting.comparisons, 100 * 100)

    def test_lateSet(self) -> None:
        """
        So do the members of a set.
        """
        members = [[b"tuple", see(1), key] for key in self.keys(iter([7] * 3000))]
        form = [b"list", [b"set", *members], reference(1, [b"tuple", 5])]
        self.assertRaises(MalformedJelly, unjelly, form, self.policy)
        self.assertEqual(Counting.comparisons, 0)

    def test_unhashableLater(self) -> None:
        """
        A key that turns out to be unhashable is refused.
        """
        form = [b"list", [b"dictionary", [[b"tuple", see(1)], 1]], reference(1, [b"list"])]
        error = self.assertRaises(MalformedJelly, unjelly, form, self.policy)
        self.assertIn("unhashable", str(error))


class FloatTests(SynchronousTestCase):
    """
    Floats aren't checked, since few share a hash.
    """

    def test_most(self) -> None:
        """
        To multiply with a power of two is to rotate the 61 bits of a hash. What is
        left then must be a mantissa of 53 bits: there are six of these at most,
        and some 34 exponents for each.
        """
        self.assertEqual(P, 2**61 - 1)
        bits = "000000001" * 6 + "1111111"
        worst = int(bits, 2)
        floats = [
            ldexp(float(mantissa), exponent)
            for turn in range(61)
            for mantissa in [(worst << turn | worst >> (61 - turn)) & P]
            if 2**52 <= mantissa < 2**53
            for exponent in range(-turn - 61 * 17, 972, 61)
            if exponent >= -1074
        ]
        self.assertEqual({hash(each) for each in floats}, {worst})
        self.assertEqual(len(set(floats)), len(floats))
        self.assertTrue(190 < len(floats) <= 6 * 34, len(floats))
        self.assertEqual(unjelly(dictionary(floats), SecurityPolicy()), dict.fromkeys(floats, 1))


class WeightTests(SynchronousTestCase):
    """
    Tuples that hold each other more often than they can be hashed.
    """

    def doubling(self, levels: int, tag: bytes = b"tuple", times: int = 2) -> list[Any]:
        """Forms of tuples each of which holds the one before twice."""
        forms = [reference(1, [tag, 1])]
        for level in range(2, levels + 1):
            forms.append(reference(level, [b"tuple", *[see(level - 1)] * times]))
        return forms

    def assertRefused(self, form: Any, policy: SecurityPolicy | None = None) -> None:
        error = self.assertRaises(MalformedJelly, unjelly, form, policy or SecurityPolicy())
        self.assertIn("too often to be hashed", str(error))

    def test_keys(self) -> None:
        """
        Wherever they would be hashed, they are refused.
        """
        for levels in (24, 60, 900):
            forms = self.doubling(levels)
            last = see(levels)
            self.assertRefused([b"list", *forms, [b"dictionary", [last, 1]]])
            self.assertRefused([b"list", *forms, [b"dictionary", [[b"tuple", 1, [b"tuple", last]], 1]]])
            self.assertRefused([b"list", *forms, [b"set", last]])
            self.assertRefused([b"list", *forms, [b"frozenset", 1, last]])
            self.assertRefused([b"list", [b"dictionary", [[b"tuple", see(levels)], 1]], *forms])
            self.assertRefused(
                [b"list", *forms, [nameOf(Colour), last]], SecurityPolicy().allowInstancesOf(Colour)
            )

    def test_values(self) -> None:
        """
        As values they are welcome, and as keys if they are small.
        """
        for levels, isKey in ((900, False), (16, True)):
            last = see(levels)
            form = [b"list", *self.doubling(levels), [b"dictionary", [last, 1] if isKey else [1, last]]]
            made = unjelly(form, SecurityPolicy())
            self.assertIs(made[-1][1] if not isKey else next(iter(made[-1])), made[-2])

    def test_short(self) -> None:
        """
        How much may be hashed depends on how long the message is: a short one
        is never busy for long.
        """
        for levels, isRefused in ((15, False), (18, True), (20, True)):
            form = [b"list", *self.doubling(levels), [b"dictionary", [see(levels), 1]]]
            if isRefused:
                self.assertRefused(form)
            else:
                self.assertEqual(len(unjelly(form, SecurityPolicy())), levels + 1)

    def test_sharedBetweenKeys(self) -> None:
        """
        Nor may many keys share what is large.
        """
        large = reference(1, [b"tuple", *range(5000)])
        for count, isRefused in ((100, False), (2000, True)):
            form = [b"list", large, [b"dictionary", *[[[b"tuple", n, see(1)], 1] for n in range(count)]]]
            if isRefused:
                self.assertRefused(form)
            else:
                self.assertEqual(len(unjelly(form, SecurityPolicy())[1]), count)

    def test_frozensets(self) -> None:
        """
        Frozensets in each other are counted as well: they are compared.
        """
        forms = [reference(1, [b"frozenset", 1])]
        for level in range(2, 60):
            forms.append(reference(level, [b"frozenset", see(level - 1), [b"tuple", see(level - 1)]]))
        self.assertRefused([b"list", *forms])

    def test_linear(self) -> None:
        """
        Finding that out takes no longer than reading the message.
        """
        wide = tuple(range(100))
        for _ in range(3):
            wide = (wide,) * 3000
        weights = Weights()
        self.assertRaises(MalformedJelly, weights.check, [wide])


class IdTests(SynchronousTestCase):
    """
    Ids of references, inside of a message and on a connection.
    """

    def test_isIdentity(self) -> None:
        """
        Ids are names, or numbers that one can count to.
        """
        for value in (0, 1, 2**31, 2**53, True, b"", b"root"):
            self.assertTrue(isIdentity(value), value)
        for value in (2**53 + 1, P, -1, -P, 2**448, 1.0, "root", None, [], [b"unicode", b"x"], ()):
            self.assertFalse(isIdentity(value), value)

    def test_references(self) -> None:
        """
        A reference or dereference with another id is malformed.
        """
        for identity in (2**53 + 1, P, 5 * P, -1, -P, 1.5, [b"list"], [b"unicode", b"x"]):
            for form in (
                reference(identity, [b"list"]),
                see(identity),
                [b"list", reference(1, [b"list"]), see(identity)],
            ):
                error = self.assertRaises(MalformedJelly, unjelly, form, SecurityPolicy())
                self.assertIn("reference is [", str(error))

    def test_flavors(self) -> None:
        """
        So are references and caches of a connection.
        """
        pair = brokerPair(pb.Root())
        policy = SecurityPolicy().allowUnjellyable("pond.Cache", pb.RemoteCache)
        for luid in (2**53 + 1, P, -5 * P, 1.5):
            for form in (
                [b"remote", luid],
                [b"local", luid],
                [b"cached", luid],
                [b"lcache", luid],
                [b"pond.Cache", luid, [b"dictionary"]],
            ):
                error = self.assertRaises(InsecureJelly, unjelly, form, policy, None, pair.client)
                self.assertIn("an id is", str(error))


class UnitTests(SynchronousTestCase):
    """
    The functions themselves.
    """

    def test_unhashable(self) -> None:
        """
        What can't be hashed raises what it always raises.
        """
        keys: list[Any] = [[], *map(str, range(100))]
        self.assertRaises(TypeError, checkKeys, keys)
        self.assertRaises(TypeError, Keys().add, [])

    def test_oneByOne(self) -> None:
        """
        Keys that come one by one are refused when they are too many.
        """
        for keys in COLLIDING[:8]:
            met = Keys()
            for key in keys[:64]:
                met.add(key)

            def addAll(keys: list[Any] = keys, met: Keys = met) -> None:
                for key in keys:
                    met.add(key)

            self.assertRaises(MalformedJelly, addAll)
        for keys in HONEST:
            met = Keys()
            for key in keys:
                met.add(key)

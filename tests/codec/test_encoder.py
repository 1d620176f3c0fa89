"""
Tests for L{myspread._codec.encoder}.
"""

from __future__ import annotations

import enum
from collections import namedtuple
from dataclasses import replace
from decimal import Decimal

from twisted.internet.testing import StringTransport
from twisted.spread import banana
from twisted.trial.unittest import TestCase

from myspread._codec import NONE, PB, Decoder, Dialect, encode
from myspread._errors import BananaError, LimitExceeded
from myspread.limits import Limits


def stockEncode(expression: object, dialect: Dialect) -> bytes:
    """
    Write an expression with stock.
    """
    transport = StringTransport()
    peer = banana.Banana()
    peer.makeConnection(transport)
    peer._selectDialect(dialect.name)
    peer.sendEncoded(expression)
    value: bytes = transport.value()
    return value


class Number(int):
    """
    An int of the application's own.
    """


class Colour(enum.IntEnum):
    """
    Numbers with names.
    """

    RED = 1
    BIG = 2**40


class Name(bytes):
    """
    Bytes of the application's own.
    """


class Length(float):
    """
    A float of the application's own.
    """


class Row(list[object]):
    """
    A list of the application's own.
    """


Pair = namedtuple("Pair", "first second")


class BytesTests(TestCase):
    """
    Our bytes are those of the specification, and stock's.
    """

    def assertSameAsStock(self, expression: object) -> None:
        """
        Compare both dialects.
        """
        for dialect in (PB, NONE):
            self.assertEqual(
                encode(expression, dialect),
                stockEncode(expression, dialect),
                expression,
            )

    def test_examples(self) -> None:
        """
        The examples of the specification.
        """
        for expression, expected in (
            (1, b"\x01\x81"),
            (-1, b"\x01\x83"),
            (1.5, b"\x84\x3f\xf8\0\0\0\0\0\0"),
            (b"hello", b"\x05\x82hello"),
            ([], b"\x00\x80"),
            ([1, 23], b"\x02\x80\x01\x81\x17\x81"),
            (123456789123456789, b"\x15\x3e\x41\x66\x3a\x69\x26\x5b\x01\x85"),
            ([1, [b"hello"]], b"\x02\x80\x01\x81\x01\x80\x05\x82hello"),
        ):
            self.assertEqual(encode(expression), expected)

    def test_integers(self) -> None:
        """
        Integers around every change of form.
        """
        for edge in (0, 127, 128, 16384, 2**31, 2**32, 2**63, 2**64, 2**448):
            for near in (-2, -1, 0, 1, 2):
                for integer in (edge + near, -edge + near):
                    if -(2**448) < integer < 2**448:
                        self.assertSameAsStock(integer)

    def test_typeBytes(self) -> None:
        """
        The short forms hold 32 bits: C{-2 ** 31} is the last C{NEG}.
        """
        for integer, typeByte in (
            (2**31 - 1, b"\x81"),
            (2**31, b"\x85"),
            (-(2**31), b"\x83"),
            (-(2**31) - 1, b"\x86"),
        ):
            self.assertEqual(encode(integer)[-1:], typeByte)

    def test_floats(self) -> None:
        """
        Floats, those that aren't numbers and negative zero included.
        """
        for number in (
            0.0,
            -0.0,
            1e308,
            5e-324,
            float("inf"),
            -float("inf"),
            float("nan"),
        ):
            self.assertSameAsStock(number)

    def test_strings(self) -> None:
        """
        Strings around the lengths at which the header grows.
        """
        for length in (0, 1, 127, 128, 129, 16383, 16384, 640 * 1024):
            self.assertSameAsStock(b"x" * length)

    def test_lists(self) -> None:
        """
        Lists around the lengths at which the header grows, and tuples.
        """
        for length in (0, 1, 127, 128, 129, 16383, 16384):
            self.assertSameAsStock([0] * length)
            self.assertSameAsStock((0,) * length)
        self.assertSameAsStock([[], [[]], ([1], (2, [3])), 4, []])

    def test_vocabulary(self) -> None:
        """
        Words of the dialect are numbers, in any place; other strings are not.
        """
        words = list(PB.words)
        self.assertSameAsStock(words)
        self.assertSameAsStock([b"List", b"list ", [b"list", [b"list"]], b""])
        self.assertEqual(encode(b"list", PB), b"\x08\x87")
        self.assertEqual(encode(b"list", NONE), b"\x04\x82list")

    def test_longWord(self) -> None:
        """
        A dialect's words may be long, even over the limit for strings.
        """
        word = b"w" * 1000
        dialect = Dialect(b"own", {word: 200}, {200: word})
        self.assertEqual(
            encode(word, dialect, Limits(stringLength=10)), b"\x48\x01\x87"
        )

    def test_subclasses(self) -> None:
        """
        A subclass counts as the type that it derives from, as in stock.
        """
        for expression in (
            True,
            False,
            Number(5),
            Number(-500),
            Colour.RED,
            Colour.BIG,
            Name(b"list"),
            Name(b"name"),
            Length(2.5),
            Row([1, Row([2])]),
            Pair(1, Pair(b"list", 2.0)),
        ):
            self.assertSameAsStock(expression)
            self.assertSameAsStock([expression, expression])

    def test_manySiblings(self) -> None:
        """
        After an inner list, its outer one goes on.
        """
        self.assertSameAsStock([[[1], 2, [3, [4]]], 5, [6]] * 50)

    def test_deep(self) -> None:
        """
        The interpreter's recursion limit doesn't matter.
        """
        expression: list[object] = []
        for _ in range(20_000):
            expression = [expression]
        wire = encode(expression, limits=Limits(nestingDepth=20_001))
        self.assertEqual(wire, b"\x01\x80" * 20_000 + b"\x00\x80")


class LimitTests(TestCase):
    """
    What we don't send.
    """

    def assertRefused(self, expression: object, limits: Limits, *parts: str) -> None:
        """
        Expect L{LimitExceeded} with some words.
        """
        error = self.assertRaises(LimitExceeded, encode, expression, PB, limits)
        for part in parts:
            self.assertIn(part, str(error))

    def test_stringLength(self) -> None:
        """
        A string may be as long as the limit, wherever the header grows.
        """
        for length in (0, 5, 127, 128, 1000):
            limits = Limits(stringLength=length)
            self.assertTrue(encode(b"x" * length, PB, limits))
            self.assertRefused(
                [1, b"x" * (length + 1)],
                limits,
                f"{length + 1} bytes",
                f"Limits.stringLength is {length}.",
                "Place: [1].",
            )

    def test_stockStringLength(self) -> None:
        """
        By default, exactly what stock sends can be sent.
        """
        self.assertRefused([b"x" * (640 * 1024 + 1)], Limits(), "655361", "655360")

    def test_listLength(self) -> None:
        """
        A list may be as long as the limit; inner elements don't count.
        """
        for length in (0, 5, 127, 128, 1000):
            limits = Limits(listLength=length)
            self.assertTrue(encode([0] * length, PB, limits))
            for expression in ([0] * (length + 1), (0,) * (length + 1)):
                self.assertRefused(
                    expression,
                    limits,
                    f"{length + 1} elements",
                    f"Limits.listLength is {length}.",
                    "Place: the expression itself.",
                )
        self.assertTrue(encode([[0, 0], [0, 0]], PB, Limits(listLength=2)))

    def test_prefixLength(self) -> None:
        """
        Integers have as many digits as the limit says, both ways.
        """
        for digits in (1, 2, 64):
            limits = Limits(prefixLength=digits)
            edge = 2 ** (7 * digits)
            for integer in (edge - 1, 1 - edge):
                (decoded,) = Decoder(limits).feed(encode(integer, PB, limits))
                self.assertEqual(decoded, integer)
            for integer in (edge, -edge):
                self.assertRefused(
                    [[], [integer]],
                    limits,
                    f"{digits + 1} base-128 digits",
                    f"Limits.prefixLength is {digits}.",
                    "Place: [1][0].",
                )

    def test_prefixLengthOfSizes(self) -> None:
        """
        A size that has too many digits for the peer isn't sent either.
        """
        limits = Limits(prefixLength=1)
        for expression in (b"x" * 128, [0] * 128):
            self.assertRefused(expression, limits, "Limits.prefixLength is 1.")

    def test_hugeInteger(self) -> None:
        """
        Not even the error message spells out a giant number.
        """
        self.assertRefused(1 << 10**6, Limits(), "142858 base-128 digits")

    def test_nestingDepth(self) -> None:
        """
        As many lists are inside each other as the limit says, the empty
        innermost one included.
        """
        limits = Limits(nestingDepth=3)
        self.assertTrue(encode([[[]], [[1]], 2], PB, limits))
        self.assertRefused(
            [0, [[1, []]]],
            limits,
            "4 lists",
            "Limits.nestingDepth is 3.",
            "Place: [1][0][1].",
        )

    def test_circular(self) -> None:
        """
        A list that contains itself is refused, with a short message.
        """
        circle: list[object] = [1]
        circle.append(circle)
        self.assertRefused(circle, Limits(), "[1][1]...[1]")
        error = self.assertRaises(LimitExceeded, encode, circle)
        self.assertLess(len(str(error)), 400)

    def test_placeAfterLists(self) -> None:
        """
        The place is right behind inner lists, in tuples and in subclasses.
        """
        bad = b"xxxx"
        limits = Limits(stringLength=3)
        for expression, place in (
            ([[1], [2], bad], "[2]"),
            ([[1], ([], bad)], "[1][1]"),
            (Row([Pair(1, [0, 0, bad])]), "[0][1][2]"),
            ([[[]], [[], [[0], Name(bad)]]], "[1][1][1]"),
        ):
            self.assertRefused(expression, limits, f"Place: {place}.")

    def test_limitsAreReadEachTime(self) -> None:
        """
        Larger limits let the same thing pass.
        """
        limits = Limits(listLength=1)
        self.assertRefused([1, 2], limits)
        self.assertTrue(encode([1, 2], PB, replace(limits, listLength=2)))


class TypeTests(TestCase):
    """
    Types that Banana doesn't have.
    """

    def test_unsupported(self) -> None:
        """
        The error names the type and shows the object, and where it is.
        """
        for item, name, shown in (
            ("hello", "builtins.str", "'hello'"),
            (type, "builtins.type", "<class 'type'>"),
            (None, "builtins.NoneType", "None"),
            (bytearray(b"x"), "builtins.bytearray", "bytearray(b'x')"),
            ({1: 2}, "builtins.dict", "{1: 2}"),
            (Decimal(1), "decimal.Decimal", "Decimal('1')"),
        ):
            for expression, place in (
                (item, "the expression itself"),
                ([[], 0, [item]], "[2][0]"),
            ):
                error = self.assertRaises(BananaError, encode, expression)
                self.assertEqual(
                    str(error),
                    f"Banana cannot send {name} objects: {shown}. Place: {place}.",
                )

    def test_ownType(self) -> None:
        """
        A class of the application's is named with its module.
        """
        error = self.assertRaises(BananaError, encode, self)
        self.assertIn(f"Banana cannot send {__name__}.TypeTests objects", str(error))

    def test_giant(self) -> None:
        """
        The message stays short.
        """
        error = self.assertRaises(BananaError, encode, "x" * 100_000)
        self.assertLess(len(str(error)), 400)

    def test_nothingIsLeftBehind(self) -> None:
        """
        After a refusal, the next expression is as it should be.
        """
        self.assertRaises(BananaError, encode, [1, [2, "no"]])
        self.assertEqual(encode([1]), b"\x01\x80\x01\x81")

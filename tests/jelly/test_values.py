"""
Plain values as s-expressions, and back. L{twisted.spread.jelly} is the oracle.
"""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread._errors import LimitExceeded, MalformedJelly, NotJellyable
from myspread._jelly import jelly, unjelly
from myspread._jelly.scalars import JELLY_SCALAR, UNJELLY_SCALAR
from myspread.limits import Limits
from myspread.security import SecurityPolicy

FORMS: list[tuple[Any, Any]] = [
    (None, [b"None"]),
    (True, [b"boolean", b"true"]),
    (False, [b"boolean", b"false"]),
    (0, 0),
    (-(2**447), -(2**447)),
    (2**448 - 1, 2**448 - 1),
    (1.5, 1.5),
    (-math.inf, -math.inf),
    (b"", b""),
    (b"\x00\xff", b"\x00\xff"),
    ("", [b"unicode", b""]),
    ("na\u00efve \U0001f40c", [b"unicode", "na\u00efve \U0001f40c".encode()]),
    (date(1999, 12, 31), [b"date", b"1999 12 31"]),
    (time(23, 59, 58, 7), [b"time", b"23 59 58 7"]),
    (datetime(2000, 1, 2, 3, 4, 5, 6), [b"datetime", b"2000 1 2 3 4 5 6"]),
    (timedelta(-3, 4, 5), [b"timedelta", b"-3 4 5"]),
    (Decimal("12.50"), [b"decimal", 1250, -2]),
    (Decimal("-7E+5"), [b"decimal", -7, 5]),
    (Decimal(0), [b"decimal", 0, 0]),
    ([], [b"list"]),
    ([1, [b"a"]], [b"list", 1, [b"list", b"a"]]),
    ((), [b"tuple"]),
    ((1, ("x",)), [b"tuple", 1, [b"tuple", [b"unicode", b"x"]]]),
    ({}, [b"dictionary"]),
    ({"k": 1, 2: ()}, [b"dictionary", [[b"unicode", b"k"], 1], [2, [b"tuple"]]]),
    (set(), [b"set"]),
    ({b"only"}, [b"set", b"only"]),
    (frozenset({(1,)}), [b"frozenset", [b"tuple", 1]]),
]
"""Values and their forms."""


def typed(value: Any) -> Any:
    """
    A value with the types of all its parts, for comparison: C{True == 1}.
    """
    if isinstance(value, dict):
        return dict, [(typed(key), typed(part)) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [typed(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(repr, map(typed, value)))
    return type(value), repr(value)


class BothWaysTests(SynchronousTestCase):
    """
    What is sent arrives.
    """

    def test_forms(self) -> None:
        """
        Every type that Jelly carries has the form that the specification gives
        it.
        """
        for value, form in FORMS:
            self.assertEqual(typed(jelly(value)), typed(form), repr(value))

    def test_sameAsStock(self) -> None:
        """
        C{twisted.spread} writes the very same forms.
        """
        for value, _ in FORMS:
            self.assertEqual(typed(jelly(value)), typed(stock.jelly(value)), repr(value))

    def test_back(self) -> None:
        """
        A form becomes a value of the same type, equal to the one that was sent.
        """
        for value, form in FORMS:
            self.assertEqual(typed(unjelly(form)), typed(value), repr(form))

    def test_textTags(self) -> None:
        """
        In memory, tags may be text.
        """
        self.assertEqual(unjelly(["tuple", ["unicode", b"x"], ["None"]]), ("x", None))

    def test_backUnderPolicies(self) -> None:
        """
        No policy has to name plain values.
        """
        for value, form in FORMS:
            self.assertEqual(typed(unjelly(jelly(value, SecurityPolicy()), SecurityPolicy())), typed(value))
            self.assertEqual(typed(unjelly(form, stock.globalSecurity)), typed(value))

    def test_stockReadsOurs(self) -> None:
        """
        A peer that runs C{twisted.spread} reads what we write.
        """
        for value, _ in FORMS:
            self.assertEqual(typed(stock.unjelly(jelly(value))), typed(value))

    def test_negativeZero(self) -> None:
        """
        The sign of a decimal zero survives; C{twisted.spread} reads a plain
        zero, without harm.
        """
        form = jelly(Decimal("-0.00"))
        self.assertEqual(repr(form), "[b'decimal', -0.0, -2]")
        self.assertEqual(repr(unjelly(form)), "Decimal('-0.00')")
        self.assertEqual(stock.unjelly(form), 0)

    def test_nan(self) -> None:
        """
        A float that is no number stays one.
        """
        self.assertTrue(math.isnan(unjelly(jelly(math.nan))))

    def test_orderOfKeys(self) -> None:
        """
        A dictionary keeps the order of its keys.
        """
        keys = [3, "a", b"a", 1, (2,)]
        self.assertEqual(list(unjelly(jelly(dict.fromkeys(keys)))), keys)

    def test_tables(self) -> None:
        """
        Each scalar that has a way out has one in.
        """
        self.assertEqual(len(JELLY_SCALAR), len(UNJELLY_SCALAR))


class RefusedToSendTests(SynchronousTestCase):
    """
    Values of carried types that cannot travel fail the call that has them.
    """

    def assertRefused(self, value: Any, *words: str) -> None:
        error = self.assertRaises(NotJellyable, jelly, {"when": [value]}, SecurityPolicy(), name="args")
        self.assertTrue(str(error).startswith("args['when'][0]: "), str(error))
        for word in words:
            self.assertIn(word, str(error))

    def test_timeZones(self) -> None:
        """
        A time with a time zone is refused, with a hint what to do about it.
        C{except NotImplementedError}, as for C{twisted.spread}, catches it.
        """
        self.assertRefused(datetime(2000, 1, 1, tzinfo=timezone.utc), "datetime", "UTC")
        self.assertRefused(time(1, tzinfo=timezone.utc), "time zone")
        self.assertRaises(NotImplementedError, jelly, time(1, tzinfo=timezone.utc))

    def test_decimals(self) -> None:
        """
        Decimals that are no finite number are refused.
        """
        for value in ("NaN", "sNaN", "-Infinity"):
            self.assertRefused(Decimal(value), value, "finite")

    def test_surrogates(self) -> None:
        """
        A str without UTF-8 form is refused; the culprit and its place are named.
        """
        self.assertRefused("ab\ud800", r"'\ud800'", "index 2")

    def test_size(self) -> None:
        """
        What is over a limit is refused before anything is sent, and the error
        names the limit and the path.
        """
        limits = Limits(stringLength=4, listLength=3, prefixLength=2, nestingDepth=3)
        for value, word in (
            (b"12345", "stringLength = 4"),
            ("12345", "stringLength = 4"),
            (2**14, "prefixLength = 2"),
            (-(2**14), "prefixLength = 2"),
            (Decimal(2**14), "prefixLength = 2"),
            ([0, 0, 0], "listLength = 3"),
            ({0: 0, 1: 0, 2: 0}, "listLength = 3"),
            (([[]],), "nestingDepth = 3"),
            ([{}], "nestingDepth = 3"),
        ):
            error = self.assertRaises(LimitExceeded, jelly, [value], limits=limits)
            self.assertTrue(str(error).startswith("value[0]"), str(error))
            self.assertIn(word, str(error))

    def test_withinLimits(self) -> None:
        """
        What is just within the limits isn't refused.
        """
        limits = Limits(stringLength=4, listLength=3, prefixLength=2, nestingDepth=3)
        for value in (b"1234", "1234", 2**14 - 1, -(2**14) + 1, 1e300, [0, 0], [[()]], [{}][:0], {0: 0}):
            self.assertEqual(unjelly(jelly(value, limits=limits)), value)


class MalformedScalarTests(SynchronousTestCase):
    """
    A form that holds no value of its type is refused, whoever sent it.
    """

    def assertMalformed(self, form: Any, *words: str) -> None:
        error = self.assertRaises(MalformedJelly, unjelly, [b"list", form], SecurityPolicy())
        self.assertEqual(error.path, "value[0]", form)
        for word in ("value[0]: no ", form[0].decode(), *words):
            self.assertIn(word, str(error))

    def test_arity(self) -> None:
        """
        The number of fields is fixed.
        """
        for tag in (b"unicode", b"boolean", b"datetime", b"date", b"time", b"timedelta", b"decimal"):
            self.assertMalformed([tag])
            self.assertMalformed([tag, b"1", b"2", b"3"])

    def test_types(self) -> None:
        """
        The types of the fields are fixed too.
        """
        for tag in (b"unicode", b"boolean", b"datetime", b"date", b"time", b"timedelta"):
            for field in (1, 1.5, "text", [b"None"], [], None):
                self.assertMalformed([tag, field], "byte string")

    def test_numbers(self) -> None:
        """
        Dates and times have the right numbers of numbers.
        """
        self.assertMalformed([b"date", b"1999 12"], "3 numbers are wanted, 2 are there")
        self.assertMalformed([b"time", b"1 2 3 4 5"], "4 numbers are wanted, 5 are there")
        self.assertMalformed([b"datetime", b""], "7 numbers")
        self.assertMalformed([b"timedelta", b"1 two 3"], "two")

    def test_range(self) -> None:
        """
        There is no 31st of February, and no interval of a billion centuries.
        """
        self.assertMalformed([b"date", b"2001 2 31"])
        self.assertMalformed([b"date", b"10000000000000000000000 1 1"])
        self.assertMalformed([b"time", b"24 0 0 0"])
        self.assertMalformed([b"datetime", b"2001 1 1 0 60 0 0"])
        self.assertMalformed([b"timedelta", b"1000000000 0 0"])

    def test_text(self) -> None:
        """
        Text is UTF-8, truth is true or false.
        """
        self.assertMalformed([b"unicode", b"\xff"])
        self.assertMalformed([b"boolean", b"maybe"], "true or false")

    def test_decimals(self) -> None:
        """
        A decimal is an integer and an exponent.
        """
        self.assertMalformed([b"decimal", 1, b"1"], "exponent")
        self.assertMalformed([b"decimal", 1, 1.0], "exponent")
        self.assertMalformed([b"decimal", 1.5, 1], "digits")
        self.assertMalformed([b"decimal", 0.0, 1], "digits")
        self.assertMalformed([b"decimal", b"15", 1], "digits")
        self.assertMalformed([b"decimal", [b"list"], 1], "digits")
        self.assertMalformed([b"decimal", 1, 2**70])

"""
The short cut for small plain values makes no difference but time.
"""

from __future__ import annotations

import math
from typing import Any

from twisted.spread import jelly as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._jelly import jelly, unjelly
from myspread._jelly import plain as rules
from myspread._jelly.plain import (
    NOT_PLAIN,
    allowsPlain,
    passesQualifiedNames,
    plainForm,
    plainValue,
    scalarForm,
)
from myspread.security import DummySecurityOptions, SecurityOptions, SecurityPolicy

PLAIN: list[Any] = [
    None,
    True,
    False,
    0,
    -5,
    2**31 - 1,
    1.5,
    math.inf,
    b"bytes",
    "text",
    "na\u00efve",
    "x" * 4096,
    (),
    (1, "two", b"three", None, 4.0),
    {},
]
"""Values that take the short cut."""

OTHERS: list[Any] = [
    2**31,
    -(2**31),
    b"x" * 4097,
    "x" * 4097,
    "line\nline\u2028",
    "\ud800",
    [],
    [1],
    ((1,),),
    (1, []),
    {"k": 1},
    set(),
    object(),
    1j,
]
"""Values that don't."""


class FormTests(SynchronousTestCase):
    """
    L{plainForm} and L{scalarForm}.
    """

    def test_same(self) -> None:
        """
        The forms are those that the jellier makes, down to their types.
        """
        for value in PLAIN:
            self.assertEqual(repr(plainForm(value)), repr(jelly(value)))
            if not isinstance(value, (tuple, dict)):
                self.assertEqual(repr(scalarForm(value)), repr(jelly(value)))

    def test_left(self) -> None:
        """
        Everything else is left to the jellier, which refuses what can't travel.
        """
        for value in OTHERS:
            self.assertIs(plainForm(value), NOT_PLAIN)
        self.assertIs(scalarForm(()), NOT_PLAIN)

    def test_subclasses(self) -> None:
        """
        An object of a derived class is no plain value.
        """
        for kind in (int, str, bytes, float, tuple, dict):
            self.assertIs(plainForm(type("Derived", (kind,), {})()), NOT_PLAIN)


class ValueTests(SynchronousTestCase):
    """
    L{plainValue}.
    """

    def test_same(self) -> None:
        """
        The values are those that the unjellier makes.
        """
        for value in PLAIN:
            result = plainValue(jelly(value))
            if not isinstance(value, bool):
                self.assertEqual(repr(result), repr(value))

    def test_left(self) -> None:
        """
        Everything else is left to the unjellier: other forms, and those that
        are none.
        """
        for form in (
            [],
            [b"unicode"],
            [b"unicode", b"\xff"],
            [b"unicode", "text"],
            [b"unicode", b"a", b"b"],
            [b"None", 1],
            ["None"],
            [b"list"],
            [b"tuple", [b"list"]],
            [b"tuple", []],
            [b"tuple", 1, [b"unicode", b"\xff"]],
            [b"dictionary", [1, 2]],
            [b"dereference", 1],
            [[]],
        ):
            self.assertIs(plainValue(form), NOT_PLAIN, repr(form))


class PolicyTests(SynchronousTestCase):
    """
    Which policies allow the short cut.
    """

    def test_allow(self) -> None:
        """
        Those that allow plain values, and can't say otherwise.
        """
        basic = SecurityOptions()
        basic.allowBasicTypes()
        for policy in (SecurityPolicy(), basic, pb.globalSecurity):
            self.assertTrue(allowsPlain(policy))

    def test_refuse(self) -> None:
        """
        Those that refuse a plain type, or are asked every time.
        """

        class Asked(SecurityOptions):
            def isTypeAllowed(self, typeName: Any) -> bool:
                return super().isTypeAllowed(typeName)

        asked = Asked()
        asked.allowBasicTypes()
        for policy in (SecurityPolicy(types=frozenset()), SecurityOptions(), asked, stock.globalSecurity):
            self.assertFalse(allowsPlain(policy), repr(policy))

    def test_qualifiedNames(self) -> None:
        """
        Options of the stock form are asked about types only where their answer
        may differ.
        """

        class Asked(SecurityOptions):
            def isTypeAllowed(self, typeName: Any) -> bool:
                return False

        self.assertTrue(passesQualifiedNames(SecurityOptions()))
        self.assertTrue(passesQualifiedNames(pb.globalSecurity))
        self.assertFalse(passesQualifiedNames(Asked()))
        self.assertFalse(passesQualifiedNames(SecurityPolicy()))
        self.assertFalse(passesQualifiedNames(DummySecurityOptions()))

    def test_names(self) -> None:
        """
        What the room says that it offers is there.
        """
        for name in rules.__all__:
            self.assertTrue(hasattr(rules, name))

    def test_refusedType(self) -> None:
        """
        A policy that refuses a plain type refuses it inside others too.
        """
        policy = SecurityPolicy(types=frozenset({b"list", b"tuple"}))
        for form in ([b"unicode", b"x"], [b"None"]):
            for whole in (form, [b"list", form], [b"tuple", form, 1]):
                self.assertRaises(pb.InsecureJelly, unjelly, whole, policy)

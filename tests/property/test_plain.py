"""
The short cut for plain values gives what the long way gives, or nothing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from myspread._errors import InsecureJelly, NotJellyable
from myspread._jelly.plain import (
    NOT_PLAIN,
    allowsPlain,
    plainForm,
    plainValue,
)
from myspread.jelly import globalSecurity, jelly, unjelly
from myspread.security import DummySecurityOptions, SecurityOptions, SecurityPolicy

# Under this one, the long way is taken for every value.
LONG_WAY = DummySecurityOptions()

texts = st.text(st.characters(), max_size=20) | st.just("\ud800") | st.just("x" * 5000)
scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**448])
    | st.floats(allow_nan=False)
    | st.binary(max_size=20)
    | st.just(b"x" * 5000)
    | texts
)
anyPace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For busy machines."""

values = scalars | st.tuples() | st.lists(scalars, max_size=5).map(tuple) | st.dictionaries(texts, scalars)

atoms = st.sampled_from([b"tuple", b"unicode", b"None", b"dictionary", b"boolean", b"\xff", b"true", 1, 0.5])
forms = st.recursive(atoms, lambda inner: st.lists(inner, max_size=4), max_leaves=8)


class PlainTests(SynchronousTestCase):
    """
    The short cut against the long way.
    """

    @anyPace
    @given(values)
    def test_sameForm(self, value: Any) -> None:
        """
        What the short cut makes of a value is what the jellier makes of it;
        it never makes anything of what cannot travel.
        """
        short = plainForm(value)
        try:
            long = jelly(value, LONG_WAY)
        except NotJellyable:
            long = NOT_PLAIN
        if short is not NOT_PLAIN:
            self.assertEqual(short, long)

    @anyPace
    @given(forms)
    def test_sameValue(self, form: Any) -> None:
        """
        What the short cut makes of a form is what the unjellier makes of it;
        it never makes anything of what is no form of Jelly.
        """
        short = plainValue(form)
        try:
            long = unjelly(form, LONG_WAY)
        except InsecureJelly:
            long = NOT_PLAIN
        if short is not NOT_PLAIN:
            self.assertIsNot(long, NOT_PLAIN)
            self.assertEqual(short, long)
            self.assertIs(type(short), type(long))

    @anyPace
    @given(st.lists(st.integers(-1000, 1000) | st.text("abc") | st.none()).map(tuple))
    def test_taken(self, args: tuple[Any, ...]) -> None:
        """
        The short cut is taken for what it is there for.
        """
        form = plainForm(args)
        self.assertIsNot(form, NOT_PLAIN)
        self.assertEqual(plainValue(form), args)

    def test_policies(self) -> None:
        """
        It is open only under policies that are known to allow plain values.
        """

        class Strict(SecurityOptions):
            def isTypeAllowed(self, typeName: str | bytes) -> bool:
                return False

        withoutText = SecurityPolicy(types=SecurityPolicy().types - {b"unicode"})
        self.assertTrue(allowsPlain(globalSecurity))
        self.assertTrue(allowsPlain(SecurityPolicy()))
        self.assertFalse(allowsPlain(withoutText))
        self.assertFalse(allowsPlain(SecurityOptions()))
        self.assertFalse(allowsPlain(Strict()))
        self.assertFalse(allowsPlain(LONG_WAY))

"""
Tests for L{myspread._codec.excerpt}.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from myspread._codec.excerpt import excerpt


class ExcerptTests(TestCase):
    """
    What error messages show of a value.
    """

    def test_short(self) -> None:
        """
        A short C{repr} is shown whole.
        """
        self.assertEqual(excerpt([b"a", 1]), "[b'a', 1]")

    def test_long(self) -> None:
        """
        A long one is cut, and shows that it is.
        """
        text = excerpt("x" * 10_000)
        self.assertTrue(text.startswith("'xxx"), text)
        self.assertTrue(text.endswith("x..."), text)
        self.assertLess(len(text), 200)

    def test_broken(self) -> None:
        """
        One that fails is replaced.
        """

        class Broken:
            def __repr__(self) -> str:
                raise RuntimeError("no repr")

        self.assertIn("Broken instance", excerpt(Broken()))

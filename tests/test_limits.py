"""
Tests for L{myspread.limits}.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

from twisted.spread import banana, pb
from twisted.trial.unittest import SynchronousTestCase

from myspread import limits
from myspread.limits import Limits, changeDefaults, defaultLimits


class LimitsTests(SynchronousTestCase):
    """
    What one connection may cost.
    """

    def test_stock(self) -> None:
        """
        The defaults are those of C{twisted.spread}.
        """
        default = Limits()
        self.assertEqual(default.stringLength, banana.SIZE_LIMIT)
        self.assertEqual(default.listLength, banana.SIZE_LIMIT)
        self.assertEqual(default.prefixLength, banana._PREFIX_LIMIT)
        self.assertEqual(default.references, pb.MAX_BROKER_REFS)
        self.assertEqual(default.caches, pb.MAX_BROKER_REFS)

    def test_immutable(self) -> None:
        """
        Limits can't be changed, but copied with changes, compared and hashed.
        """
        with self.assertRaises(FrozenInstanceError):
            Limits().references = 5  # type: ignore[misc]
        changed = replace(Limits(), references=5)
        self.assertEqual(changed.references, 5)
        self.assertEqual(changed, Limits(references=5))
        self.assertEqual(hash(changed), hash(Limits(references=5)))
        self.assertNotEqual(changed, Limits())

    def test_whole(self) -> None:
        """
        Every limit is a positive number.
        """
        for field in fields(Limits):
            self.assertGreater(getattr(Limits(), field.name), 0)

    def test_senseless(self) -> None:
        """
        A limit that is no integer, or negative, is refused with its name.
        """
        for field in fields(Limits):
            for value in (-1, 1.5, None, "5"):
                error = self.assertRaises(ValueError, replace, Limits(), **{field.name: value})
                self.assertIn(f"Limits.{field.name} must be an integer", str(error))
            self.assertEqual(getattr(replace(Limits(), **{field.name: 0}), field.name), 0)

    def test_defaults(self) -> None:
        """
        The defaults can be changed, for those who ask from then on.
        """
        before = defaultLimits()
        self.patch(limits, "_defaults", before)
        changeDefaults(references=7, caches=8)
        self.assertEqual(defaultLimits(), replace(before, references=7, caches=8))
        changeDefaults(references=9)
        self.assertEqual((defaultLimits().references, defaultLimits().caches), (9, 8))
        self.assertEqual(before, Limits())

    def test_misspelt(self) -> None:
        """
        A limit that doesn't exist is an error.
        """
        self.assertRaises(TypeError, changeDefaults, referenecs=5)
        self.assertEqual(defaultLimits(), Limits())

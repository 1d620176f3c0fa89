"""
Tests for L{myspread.limits}.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

from twisted.spread import banana, pb
from twisted.trial.unittest import SynchronousTestCase

from myspread import limits
from myspread.limits import BeforeLogin, Limits, changeDefaults, defaultLimits


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

    def test_off(self) -> None:
        """
        What counts connections is off, and so are a few bounds that honest
        peers may exceed; every other limit is positive.
        """
        off = {name for name, value in vars(Limits()).items() if not value}
        counting = {"connections", "connectionsPerAddress", "startups", "startupsFull"}
        self.assertEqual(off, counting | {"idleTime", "loginDelay"})

    def test_senseless(self) -> None:
        """
        A limit that is no number, or negative, is refused with its name.
        """
        for kind in (Limits, BeforeLogin):
            for field in fields(kind):
                for value in (-1, float("nan"), "5"):
                    error = self.assertRaises(ValueError, kind, **{field.name: value})
                    self.assertIn(f"{kind.__name__}.{field.name} must be a", str(error))
        self.assertRaises(ValueError, Limits, references=1.5)
        self.assertRaises(ValueError, Limits, references=None)
        self.assertRaises(ValueError, Limits, unreadTime=None)
        self.assertIsNone(Limits(idleTime=None).idleTime)
        self.assertEqual(Limits(references=0).references, 0)

    def test_untilLogin(self) -> None:
        """
        Until login the smaller values hold, never larger ones.
        """
        smaller = Limits(elements=10).untilLogin()
        before = Limits().beforeLogin
        self.assertEqual((smaller.elements, smaller.calls), (10, before.calls))
        self.assertEqual(
            (smaller.messageLength, smaller.nestingDepth), (before.messageLength, before.nestingDepth)
        )
        self.assertEqual(smaller.references, before.references)
        self.assertEqual(smaller.stringLength, Limits().stringLength)

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

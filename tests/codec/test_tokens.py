"""
Tests for L{myspread._codec.tokens}.
"""

from __future__ import annotations

from twisted.spread import banana
from twisted.trial.unittest import TestCase

from myspread import _codec
from myspread._codec import b1282int, int2b128


def digits(integer: int) -> bytes:
    """
    Collect what L{int2b128} writes.
    """
    written: list[bytes] = []
    int2b128(integer, written.append)
    return b"".join(written)


class TypeByteTests(TestCase):
    """
    The type bytes are those of the specification.
    """

    def test_sameAsStock(self) -> None:
        """
        Each type byte is that of L{twisted.spread.banana}.
        """
        for name in "LIST INT STRING NEG FLOAT LONGINT LONGNEG VOCAB".split():
            self.assertEqual(getattr(_codec, name), getattr(banana, name), name)

    def test_exports(self) -> None:
        """
        Everything that the package promises is there.
        """
        for name in _codec.__all__:
            self.assertTrue(hasattr(_codec, name), name)


class NumberTests(TestCase):
    """
    Numbers in base 128.
    """

    def test_example(self) -> None:
        """
        The example of the specification: 4674 is C{0x42 0x24}.
        """
        self.assertEqual(digits(4674), b"\x42\x24")
        self.assertEqual(b1282int(b"\x42\x24"), 4674)

    def test_zero(self) -> None:
        """
        Zero is written as one digit; it may be read from none at all.
        """
        self.assertEqual(digits(0), b"\0")
        self.assertEqual(b1282int(b"\0"), 0)
        self.assertEqual(b1282int(b""), 0)

    def test_leadingZeros(self) -> None:
        """
        Zeros in the most significant places change nothing.
        """
        self.assertEqual(b1282int(b"\x05\0\0"), 5)

    def test_sameAsStock(self) -> None:
        """
        Around every power of 128, digits are those of stock, and are read back.
        """
        for power in range(70):
            for integer in (128**power - 1, 128**power, 128**power + 1):
                expected: list[bytes] = []
                banana.int2b128(integer, expected.append)
                self.assertEqual(digits(integer), b"".join(expected))
                self.assertEqual(b1282int(digits(integer)), integer)

    def test_negative(self) -> None:
        """
        Negative numbers are refused, as in stock, and nothing is written.
        """
        written: list[bytes] = []
        self.assertRaises(AssertionError, int2b128, -1, written.append)
        self.assertEqual(written, [])

"""
Tests for L{myspread._codec.dialect}.
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError

from twisted.spread import banana
from twisted.trial.unittest import TestCase

from myspread._codec import DIALECTS, NONE, PB, Dialect
from myspread._codec.dialect import dialectNamed


class DialectTests(TestCase):
    """
    The dialects of the specification.
    """

    def test_words(self) -> None:
        """
        Dialect C{pb} has the words of stock, and reads what it writes.
        """
        self.assertEqual(dict(PB.words), banana.Banana.outgoingVocabulary)
        self.assertEqual(dict(PB.vocabulary), banana.Banana.incomingVocabulary)
        self.assertEqual(len(PB.words), 31)

    def test_tokens(self) -> None:
        """
        The finished elements hold the number of each word.
        """
        self.assertEqual(PB.tokens[b"None"], b"\x01\x87")
        self.assertEqual(PB.tokens[b"uncache"], b"\x1f\x87")
        self.assertEqual(set(PB.tokens), set(PB.words))

    def test_none(self) -> None:
        """
        Dialect C{none} has no words.
        """
        self.assertEqual((dict(NONE.words), dict(NONE.vocabulary)), ({}, {}))

    def test_names(self) -> None:
        """
        The dialects are known by name, and in stock's order.
        """
        self.assertEqual(list(DIALECTS), banana.Banana.knownDialects)
        self.assertIs(DIALECTS[b"pb"], PB)
        self.assertIs(DIALECTS[b"none"], NONE)

    def test_frozen(self) -> None:
        """
        A dialect, which all connections share, can't be changed.
        """
        with self.assertRaises(FrozenInstanceError):
            PB.name = b"other"  # type: ignore[misc]
        with self.assertRaises(TypeError):
            PB.words[b"more"] = 32  # type: ignore[index]

    def test_hashable(self) -> None:
        """
        A dialect can be the key of a dictionary, and equals its like.
        """
        twin = Dialect(PB.name, PB.words, PB.vocabulary)
        self.assertEqual({PB: 1}[twin], 1)
        self.assertNotEqual(Dialect(b"pb", {}, {}), PB)

    def test_dialectNamed(self) -> None:
        """
        A known name gives the dialect; any other one a dialect without words.
        """
        self.assertIs(dialectNamed(b"pb"), PB)
        own = dialectNamed(b"own")
        self.assertEqual(own.name, b"own")
        self.assertEqual((dict(own.words), dict(own.vocabulary)), ({}, {}))

"""
Tests for L{myspread._login.saslprep}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from myspread._login.saslprep import saslprep


class SaslprepTests(SynchronousTestCase):
    """
    Tests for L{saslprep}.
    """

    def test_examples(self) -> None:
        """The examples of section 3 of RFC 4013."""
        for text, prepared in (
            ("I\u00adX", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u00aa", "a"),
            ("\u2168", "IX"),
        ):
            self.assertEqual(saslprep(text), prepared)

    def test_mapped(self) -> None:
        """Spaces become ASCII's, and what is commonly mapped to nothing is gone."""
        self.assertEqual(saslprep("a\u00a0b\u3000c\u200dd\ufe0f"), "a b cd")

    def test_bytes(self) -> None:
        """Bytes are UTF-8."""
        self.assertEqual(saslprep("s\xe4cret".encode()), "s\xe4cret")
        self.assertEqual(
            str(self.assertRaises(ValueError, saslprep, b"\xff", what="the name")), "the name isn't UTF-8"
        )

    def test_composed(self) -> None:
        """One character and its parts are the same."""
        self.assertEqual(saslprep("a\u0308"), saslprep("\xe4"))

    def test_prohibited(self) -> None:
        """Each table of section 2.3 is looked into, and the error says which it was, and where."""
        for character, meaning in (
            ("\x07", "a control character"),
            ("\x7f", "a control character"),
            ("\u06dd", "a control character"),
            ("\ue000", "a character for private use"),
            ("\ufffe", "no character"),
            ("\ufffd", "a character that has no meaning in plain text"),
            ("\u2ff0", "a character for describing characters"),
            ("\u202a", "a deprecated character that changes the display"),
            ("\U000e0001", "a tag"),
            ("\ud800", "half of a surrogate pair"),
        ):
            error = self.assertRaises(ValueError, saslprep, f"ab{character}", what="the password")
            expected = f"character 3 of the password is {meaning}, which SASLprep prohibits"
            self.assertEqual(str(error), expected, repr(character))

    def test_directions(self) -> None:
        """Writing from right to left isn't mixed with the other."""
        self.assertEqual(saslprep("\u05d0\u05d1"), "\u05d0\u05d1")
        self.assertEqual(saslprep("\u06271\u0628"), "\u06271\u0628")
        for text in ("\u06271", "1\u0627", "\u0627a\u0628", "a\u0627"):
            self.assertIn("right to left", str(self.assertRaises(ValueError, saslprep, text)))

    def test_unassigned(self) -> None:
        """What Unicode 3.2 doesn't know may be compared, and not be stored."""
        self.assertEqual(saslprep("\U0001f600"), "\U0001f600")
        error = self.assertRaises(ValueError, saslprep, "a\U0001f600", stored=True, what="the password")
        self.assertIn("character 2 of the password is unknown to SASLprep", str(error))

    def test_empty(self) -> None:
        """Something has to remain."""
        for text in ("", b"", "\u00ad"):
            self.assertEqual(
                str(self.assertRaises(ValueError, saslprep, text, what="the name")), "the name is empty"
            )

    def test_secret(self) -> None:
        """No error shows the text."""
        error = self.assertRaises(ValueError, saslprep, "hunter2\x00", what="the password")
        self.assertNotIn("hunter", str(error))

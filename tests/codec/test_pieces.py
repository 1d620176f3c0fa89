"""
Tests for L{myspread._codec.pieces}.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from myspread._codec.pieces import keep


class KeepTests(TestCase):
    """
    Tests for L{keep}.
    """

    def kept(self, *sizes: int) -> list[bytes | bytearray]:
        """
        Keep pieces of some sizes, and see that nothing is lost.
        """
        pieces: list[bytes | bytearray] = []
        whole = b""
        for number, size in enumerate(sizes):
            piece = bytes((number % 256,)) * size
            whole += piece
            keep(pieces, piece)
            self.assertEqual(b"".join(pieces), whole)
        return pieces

    def test_small(self) -> None:
        """
        Single bytes become one object.
        """
        self.assertEqual(len(self.kept(*[1] * 3000)), 1)

    def test_large(self) -> None:
        """
        What is large isn't copied.
        """
        pieces: list[bytes | bytearray] = []
        large = b"x" * 5000
        keep(pieces, large)
        self.assertIs(pieces[0], large)

    def test_mixed(self) -> None:
        """
        Small ones between large ones are joined with each other only.
        """
        self.assertEqual(len(self.kept(5000, 1, 2, 3, 1023, 1024, 1, 5000, 5000, 7, 8)), 7)

    def test_nothing(self) -> None:
        """
        An empty piece leaves no trace.
        """
        self.assertEqual(self.kept(0, 0), [])
        self.assertEqual(len(self.kept(2000, 0)), 1)

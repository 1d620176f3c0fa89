"""
Tests for L{myspread._login.challenge}.
"""

from __future__ import annotations

from hashlib import md5

from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._login.challenge import digest, isRightResponse


class ChallengeTests(TestCase):
    """
    Tests for L{pb.challenge} and L{pb.respond}.
    """

    def test_challenge(self) -> None:
        """A challenge is 16 bytes, and never the same twice."""
        challenges = {pb.challenge() for _ in range(50)}
        self.assertEqual(len(challenges), 50)
        self.assertEqual({len(each) for each in challenges}, {16})

    def test_respond(self) -> None:
        """The response is md5(md5(password) + challenge), as stock's."""
        for password in (b"secret", b"", b"\xff\x00", b"x" * 1000):
            response = pb.respond(b"challenge", password)
            self.assertEqual(response, md5(md5(password).digest() + b"challenge").digest())
            self.assertEqual(response, stock.respond(b"challenge", password))

    def test_text(self) -> None:
        """A password may be text, and stands for its UTF-8."""
        self.assertEqual(pb.respond(b"c", "s\xe4"), pb.respond(b"c", "s\xe4".encode()))

    def test_isRightResponse(self) -> None:
        """Only the right response is right; anything but bytes is wrong."""
        password = digest(b"secret")
        right = pb.respond(b"challenge", b"secret")
        self.assertTrue(isRightResponse(right, b"challenge", password))
        wrong: list[object] = [right[:-1], right + b"x", b"", None, 5, right.hex(), [right], bytearray(right)]
        for response in wrong:
            self.assertFalse(isRightResponse(response, b"challenge", password))
        self.assertFalse(isRightResponse(right, b"another", password))
        self.assertFalse(isRightResponse(right, b"challenge", digest(b"other")))

"""
Tests for L{myspread._login.scram}: what is computed, and verifiers.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._login.scram import (
    FEWEST_ITERATIONS,
    ScramKeys,
    clientSignature,
    fromBase64,
    saltedPassword,
    serverSignature,
    toBase64,
    xor,
)

SALT = fromBase64("W22ZaJ0SNY7soEsUEjb6gQ==")
AUTH_MESSAGE = (
    b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
PENCIL = (
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)
"""The password of RFC 7677's example, as PostgreSQL and others keep it."""


class VectorTests(SynchronousTestCase):
    """
    The example of section 3 of RFC 7677.
    """

    def test_proofs(self) -> None:
        """Both proofs are those of the RFC."""
        keys = ScramKeys.fromSaltedPassword(saltedPassword("pencil", SALT, 4096))
        proof = xor(keys.clientKey, clientSignature(keys.storedKey, AUTH_MESSAGE))
        self.assertEqual(toBase64(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        signature = serverSignature(keys.serverKey, AUTH_MESSAGE)
        self.assertEqual(toBase64(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


class VerifierTests(SynchronousTestCase):
    """
    Tests for L{pb.ScramVerifier}.
    """

    def test_text(self) -> None:
        """The form of RFC 5803, there and back."""
        verifier = pb.ScramVerifier.fromPassword("pencil", 4096, SALT)
        self.assertEqual(verifier.text(), PENCIL)
        self.assertEqual(pb.ScramVerifier.fromText(PENCIL), verifier)

    def test_prepared(self) -> None:
        """Passwords that SASLprep takes for the same have the same verifier."""
        one = pb.ScramVerifier.fromPassword("a\u0308", 4096, SALT)
        self.assertEqual(one, pb.ScramVerifier.fromPassword("\xe4", 4096, SALT))

    def test_freshSalt(self) -> None:
        """Each has a salt of its own."""
        one, other = (pb.ScramVerifier.fromPassword("pencil", 4096) for _ in range(2))
        self.assertNotEqual(one.salt, other.salt)
        self.assertEqual(len(one.salt), 16)

    def test_isKnownPassword(self) -> None:
        """The right password, as text or bytes, and no other."""
        verifier = pb.ScramVerifier.fromText(PENCIL)
        self.assertTrue(verifier.isKnownPassword("pencil"))
        self.assertTrue(verifier.isKnownPassword(b"pencil"))
        for wrong in ("pen", "", b"\xff", "pencil\x00"):
            self.assertFalse(verifier.isKnownPassword(wrong))

    def test_strangePasswords(self) -> None:
        """What can't be prepared is refused, and not shown."""
        for password in ("", "hunter2\x00", "hunter2\U0001f600"):
            error = self.assertRaises(ValueError, pb.ScramVerifier.fromPassword, password, 4096)
            self.assertIn("the password", str(error))
            self.assertNotIn("hunter", str(error))

    def test_bounds(self) -> None:
        """Iterations, salt and keys are held to bounds, before anything is computed."""
        right = pb.ScramVerifier.fromText(PENCIL)
        for iterations in (FEWEST_ITERATIONS - 1, 0, -1, 2**31):
            self.assertRaises(ValueError, pb.ScramVerifier.fromPassword, "pencil", iterations)
            self.assertRaises(ValueError, replace, right, iterations=iterations)
        for change in ({"salt": b""}, {"salt": b"x" * 1025}, {"storedKey": b""}, {"serverKey": b"x" * 33}):
            self.assertRaises(ValueError, replace, right, **change)

    def test_garbage(self) -> None:
        """What is no verifier is refused as text."""
        for text in (
            "",
            "pencil",
            PENCIL.replace("256", "1"),
            PENCIL.replace("4096", "4095"),
            PENCIL.replace("4096", "\u0664\u0660\u0669\u0666"),
            PENCIL.replace("4096", "9" * 5000),
            PENCIL.replace("4096", "-4096"),
            PENCIL.replace("W22", "W2"),
            PENCIL.replace("W22", "\xe4"),
            PENCIL + "x",
            PENCIL + ":",
            PENCIL.replace("$W", ":W"),
        ):
            self.assertRaises(ValueError, pb.ScramVerifier.fromText, text)

    def test_repr(self) -> None:
        """What must not be in a log isn't in its representation."""
        self.assertEqual(repr(pb.ScramVerifier.fromText(PENCIL)), "<ScramVerifier with 4096 iterations>")
        self.assertNotIn("=", repr(ScramKeys(b"a", b"b")))

"""
SCRAM and SASLprep, with any names and passwords.
"""

from __future__ import annotations

import stringprep
import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scramp import ScramException
from scramp.core import saslprep as theirs
from twisted.trial.unittest import SynchronousTestCase

from myspread._login.conversation import Malformed, attributes, decodedName, encodedName
from myspread._login.mechanisms import SCRAM, SCRAM_PLUS
from myspread._login.saslprep import saslprep
from myspread._login.scram import ScramKeys, ScramVerifier, saltedPassword
from myspread._login.scramclient import ScramClient
from myspread._login.scramserver import ScramServer

bounded = settings(
    deadline=None, database=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)

KEY = st.binary(min_size=32, max_size=32)
# Of characters that SASLprep does something about, more than there would be by chance.
TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from("=,\xa0\xad\xaa\u2168\u0627\u06281a\u200b\x00\ufb01"))
)


def prepared(text: str) -> str | None:
    """What SASLprep makes of it, if it is of any use."""
    try:
        return saslprep(text)
    except ValueError:
        return None


USABLE = TEXT.map(prepared).filter(bool)


class PropertyTests(SynchronousTestCase):
    """
    What holds for all of them.
    """

    def test_prepared(self) -> None:
        """What is prepared stays as it is, if Unicode 3.2 knows all of it."""

        @bounded
        @given(TEXT)
        def holds(text: str) -> None:
            once = prepared(text)
            if once is not None and not any(map(stringprep.in_table_a1, once)):
                self.assertEqual(saslprep(once), unicodedata.ucd_3_2_0.normalize("NFKC", once))
                self.assertEqual(saslprep(once, stored=True), once)

        holds()

    def test_oracle(self) -> None:
        """Another implementation prepares a text in the same way, or refuses it, too."""

        @bounded
        @given(TEXT.filter(bool))
        def holds(text: str) -> None:
            try:
                expected = theirs(text)
            except ScramException:
                expected = None
            try:
                ours: str | None = saslprep(text, stored=True)
            except ValueError:
                ours = None
            # They let a text be empty.
            self.assertEqual(ours, expected or None)

        holds()

    def test_names(self) -> None:
        """Any name travels."""

        @bounded
        @given(USABLE)
        def holds(name: str) -> None:
            encoded = encodedName(name)
            self.assertNotIn(",", encoded)
            self.assertEqual(decodedName(encoded), name)

        holds()

    def test_verifiers(self) -> None:
        """A verifier is the same after it was written."""

        @bounded
        @given(st.binary(min_size=1, max_size=1024), st.integers(4096, 2**31 - 1), KEY, KEY)
        def holds(salt: bytes, iterations: int, storedKey: bytes, serverKey: bytes) -> None:
            verifier = ScramVerifier(salt, iterations, storedKey, serverKey)
            self.assertEqual(ScramVerifier.fromText(verifier.text()), verifier)

        holds()

    def test_logins(self) -> None:
        """Who knows the password is let in, on the channel that it is on, and nobody else."""

        @bounded
        @given(USABLE, USABLE, USABLE, st.sampled_from("nyp"), st.binary(min_size=1), st.booleans())
        def holds(name: str, password: str, guess: str, flag: str, binding: bytes, isOther: bool) -> None:
            salted = saltedPassword(password, b"salt", 4096)
            keys = ScramKeys.fromSaltedPassword(salted)
            verifier = ScramVerifier(b"salt", 4096, keys.storedKey, keys.serverKey)
            theirBinding = binding + b"x" if isOther else binding
            client = ScramClient(name, flag, theirBinding)
            bound = flag == "p"
            server = ScramServer(SCRAM_PLUS if bound else SCRAM, binding if bound else None)
            self.assertEqual(server.begin(client.begin()), saslprep(name).encode())
            challenge = client.challenged(server.challenge(verifier))
            known = ScramKeys.fromSaltedPassword(saltedPassword(guess, *challenge))
            answer = client.answer(known)
            if bound and isOther:
                self.assertRaises(Malformed, server.finish, answer, verifier)
                return
            credentials = server.finish(answer, verifier)
            self.assertEqual(credentials is not None, guess == password)
            if credentials is not None:
                self.assertTrue(client.isServer(server.proof(verifier), known))

        holds()

    def test_messages(self) -> None:
        """No message raises anything but what is said."""

        @bounded
        @given(
            st.one_of(st.binary(), st.none(), st.text(), st.from_regex(rb"n,,n=[^,]*,r=[!-+]{16,40}(,.*)?"))
        )
        def holds(message: object) -> None:
            server = ScramServer(SCRAM, None)
            try:
                server.begin(message)
                attributes(message, "nr")
            except Malformed:
                pass

        holds()

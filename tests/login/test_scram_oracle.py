"""
Our SCRAM-SHA-256 against another implementation: scramp, from PyPI.
"""

from __future__ import annotations

import scramp
from scramp.core import ScramMechanism
from twisted.trial.unittest import SynchronousTestCase

from myspread._login import scramclient, scramserver
from myspread._login.scram import ScramKeys, ScramVerifier, saltedPassword
from myspread._login.scramclient import ScramClient
from myspread._login.scramserver import ScramServer
from tests.login.checkers import FEW

PLUS, SCRAM = "scram-sha-256-plus", "scram-sha-256"
BINDING = bytes(range(32))
USERS = (("user", "pencil"), ("a=b,c", "p,=v"), ("\xe4nn", "s\xe4cret \u2168"), ("x" * 200, "y" * 200))

EXAMPLE = (
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
"""The messages of section 3 of RFC 7677."""


def keysOf(password: str, verifier: ScramVerifier) -> ScramKeys:
    """What a client makes of a password."""
    return ScramKeys.fromSaltedPassword(saltedPassword(password, verifier.salt, verifier.iterations))


class ExampleTests(SynchronousTestCase):
    """
    The example of RFC 7677, message by message.
    """

    def test_messages(self) -> None:
        """Both sides say what the RFC says that they do."""
        client = ScramClient("user", "n", nonce="rOprNGfwEbeRWgbNEkqO")
        server = ScramServer(SCRAM, None, nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
        salt = bytes.fromhex("5b6d99689d12358eeca04b141236fa81")
        verifier = ScramVerifier.fromPassword("pencil", 4096, salt)
        self.assertEqual(client.begin(), EXAMPLE[0])
        self.assertEqual(server.begin(EXAMPLE[0]), b"user")
        self.assertEqual(server.challenge(verifier), EXAMPLE[1])
        challenge = client.challenged(EXAMPLE[1])
        self.assertEqual((challenge.salt, challenge.iterations), (salt, 4096))
        keys = keysOf("pencil", verifier)
        self.assertEqual(client.answer(keys), EXAMPLE[2])
        credentials = server.finish(EXAMPLE[2], verifier)
        assert credentials is not None
        self.assertTrue(credentials.check(verifier))
        self.assertEqual(server.proof(verifier), EXAMPLE[3])
        self.assertTrue(client.isServer(EXAMPLE[3], keys))


class OracleTests(SynchronousTestCase):
    """
    Each side of ours with the other side of theirs.
    """

    def setUp(self) -> None:
        """They know channel binding, but not the kind that TLS 1.3 has."""
        for module in (scramclient, scramserver):
            self.patch(module, "BINDING_TYPE", "tls-unique")

    def test_theirClient(self) -> None:
        """Their client logs in to our server, and believes it; with a wrong password it doesn't."""
        for mechanism, binding in ((SCRAM, None), (PLUS, BINDING)):
            for name, password in USERS:
                verifier = ScramVerifier.fromPassword(password, FEW)
                for given in (password, "wrong"):
                    bound = None if binding is None else ("tls-unique", binding)
                    client = scramp.ScramClient([mechanism.upper()], name, given, channel_binding=bound)
                    server = ScramServer(mechanism, binding)
                    server.begin(client.get_client_first().encode())
                    client.set_server_first(server.challenge(verifier).decode())
                    credentials = server.finish(client.get_client_final().encode(), verifier)
                    self.assertEqual(credentials is not None, given == password)
                    if credentials is not None:
                        client.set_server_final(server.proof(verifier).decode())

    def test_theirServer(self) -> None:
        """Our client logs in to their server, and believes it."""
        for name, password in USERS:
            for flag, binding in (("n", b""), ("p", BINDING)):
                verifier = ScramVerifier.fromPassword(password, FEW)
                stored = (verifier.salt, verifier.storedKey, verifier.serverKey, verifier.iterations)
                mechanism = ScramMechanism((PLUS if flag == "p" else SCRAM).upper())
                bound = ("tls-unique", BINDING) if flag == "p" else None
                server = mechanism.make_server(lambda asked, stored=stored: stored, channel_binding=bound)
                client = ScramClient(name, flag, binding)
                server.set_client_first(client.begin().decode())
                client.challenged(server.get_server_first().encode())
                prepared = password.replace("\u2168", "IX")
                keys = keysOf(prepared, verifier)
                server.set_client_final(client.answer(keys).decode())
                self.assertTrue(client.isServer(server.get_server_final().encode(), keys))

    def test_sameVerifiers(self) -> None:
        """What both store of a password is the same."""
        for _, password in USERS:
            ours = ScramVerifier.fromPassword(password, FEW, b"salt" * 4)
            theirs = ScramMechanism("SCRAM-SHA-256").make_auth_info(password, FEW, b"salt" * 4)
            self.assertEqual((ours.salt, ours.storedKey, ours.serverKey, ours.iterations), theirs)

"""
The server's side of a login with SCRAM-SHA-256, without input and output.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from twisted.cred.credentials import ICredentials
from zope.interface import implementer

from myspread._login.conversation import (
    BINDING_TYPE,
    SERVER_STEPS,
    Malformed,
    ServerState,
    ServerStep,
    attributes,
    decodedName,
    following,
    isNonce,
)
from myspread._login.mechanisms import SCRAM_PLUS
from myspread._login.saslprep import saslprep
from myspread._login.scram import ScramVerifier, clientSignature, fromBase64, serverSignature, toBase64, xor
from myspread.interfaces import IScramCredentials

__all__ = ["ScramProof", "ScramServer", "newNonce"]

NONCE_BYTES = 18


def newNonce() -> str:
    """Random text that never comes again."""
    return toBase64(secrets.token_bytes(NONCE_BYTES))


@implementer(IScramCredentials, ICredentials)
class ScramProof:
    """
    What a client has sent to show that it knows a password.

    @ivar username: whose: UTF-8, after SASLprep.
    """

    def __init__(self, username: bytes, authMessage: bytes, proof: bytes) -> None:
        """
        @param authMessage: what both sides have said.
        @param proof: the client's key, hidden.
        """
        self.username = username
        self._authMessage = authMessage
        self._proof = proof

    def check(self, verifier: ScramVerifier) -> bool:
        """Whether the proof fits a verifier; compared in constant time."""
        clientKey = xor(self._proof, clientSignature(verifier.storedKey, self._authMessage))
        return hmac.compare_digest(hashlib.sha256(clientKey).digest(), verifier.storedKey)


class ScramServer:
    """
    One login.

    @ivar state: how far it is.
    @ivar username: who wants to log in, once that is known.
    """

    def __init__(
        self, mechanism: str, binding: bytes | None, nonce: str | None = None, *, isTls: bool = False
    ) -> None:
        """
        @param mechanism: what the client has chosen.
        @param binding: what the server knows of the channel, if clients can
            bind to it.
        @param nonce: our part of it; by default a new one.
        @param isTls: whether the channel is TLS, also where nobody can bind to it.
        @raise Malformed: when the client wants to bind where it can't be done.
        """
        if mechanism == SCRAM_PLUS and binding is None:
            raise Malformed(f"there is no channel here that {SCRAM_PLUS} could be bound to")
        self.state = ServerState.BEGUN
        self.username = b""
        self._plus = mechanism == SCRAM_PLUS
        self._binding = binding
        self._isTls = isTls
        self._nonce = newNonce() if nonce is None else nonce
        self._header = ""
        self._clientFirst = ""
        self._serverFirst = ""
        self._authMessage = b""

    def _step(self, step: ServerStep) -> None:
        self.state = following(SERVER_STEPS, self.state, step)

    def begin(self, message: object) -> bytes:
        """
        Read the client's first message.

        @return: the user name.
        @raise Malformed: when it isn't one; or when somebody has changed what
            we announce.
        """
        parts = message.split(b",", 2) if isinstance(message, bytes) else []
        if len(parts) != 3 or parts[1]:
            raise Malformed("the first message of SCRAM is like n,,n=user,r=nonce")
        self._checkBinding(parts[0])
        name, nonce = attributes(parts[2], "nr")
        if not isNonce(nonce):
            raise Malformed("the client's nonce is too short, too long, or isn't printable")
        try:
            self.username = saslprep(decodedName(name), what="the user name").encode("utf-8")
        except Malformed:
            raise
        except ValueError as error:
            raise Malformed(str(error)) from None
        self._header = f"{parts[0].decode('ascii')},,"
        self._clientFirst = parts[2].decode("utf-8")
        self._nonce = nonce + self._nonce
        self._step(ServerStep.NAME)
        return self.username

    def _checkBinding(self, flag: bytes) -> None:
        if flag == b"y" and self._binding is not None:
            raise Malformed(
                f"the client thinks that this server doesn't take {SCRAM_PLUS}, but it does: somebody "
                "between them has changed the list of mechanisms"
            )
        if flag == b"y" and self._isTls:
            # Whether one can bind to a connection is the same at both of its ends.
            raise Malformed(
                "the client could bind to its TLS connection, and nobody can to this one: somebody between "
                "them ends TLS"
            )
        expected = (f"p={BINDING_TYPE}".encode("ascii"),) if self._plus else (b"n", b"y")
        if flag not in expected:
            raise Malformed(
                "what the client says of channel binding doesn't fit the mechanism that it has chosen"
            )

    def challenge(self, verifier: ScramVerifier) -> bytes:
        """
        Our first message.

        @param verifier: the user's.
        """
        self._step(ServerStep.CHALLENGE)
        self._serverFirst = f"r={self._nonce},s={toBase64(verifier.salt)},i={verifier.iterations}"
        return self._serverFirst.encode("ascii")

    def finish(self, message: object, verifier: ScramVerifier) -> ScramProof | None:
        """
        Read the client's second message.

        @return: the credentials, or None when they are wrong.
        @raise Malformed: when it isn't such a message.
        """
        if self.state is not ServerState.CHALLENGED:
            raise ValueError("no proof is wanted now")
        try:
            credentials = self._credentials(message)
        except ValueError:
            self._step(ServerStep.WRONG_PROOF)
            raise
        isRight = credentials.check(verifier)
        self._step(ServerStep.RIGHT_PROOF if isRight else ServerStep.WRONG_PROOF)
        return credentials if isRight else None

    def _credentials(self, message: object) -> ScramProof:
        binding, nonce, encodedProof = attributes(message, "crp")
        assert isinstance(message, bytes)
        withoutProof, separator, last = message.decode("utf-8").rpartition(",p=")
        expected = self._header.encode("ascii") + (self._binding or b"" if self._plus else b"")
        if not separator or last != encodedProof or not hmac.compare_digest(_decoded(binding), expected):
            raise Malformed(
                "the client isn't at the other end of this channel, or has sent another header than before"
            )
        if not hmac.compare_digest(nonce.encode("utf-8"), self._nonce.encode("utf-8")):
            raise Malformed("the nonce isn't the one of this login")
        proof = _decoded(encodedProof)
        if len(proof) != hashlib.sha256().digest_size:
            raise Malformed("a proof has 32 bytes")
        self._authMessage = f"{self._clientFirst},{self._serverFirst},{withoutProof}".encode()
        return ScramProof(self.username, self._authMessage, proof)

    def enter(self) -> None:
        """
        The client gets its avatar, once.

        @raise ValueError: when it hasn't proven anything, or has got it.
        """
        self._step(ServerStep.ENTER)

    def proof(self, verifier: ScramVerifier) -> bytes:
        """Our last message: we know the password's verifier."""
        if self.state is not ServerState.PROVEN:
            raise ValueError("the client has proven nothing")
        return f"v={toBase64(serverSignature(verifier.serverKey, self._authMessage))}".encode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return fromBase64(text)
    except ValueError as error:
        raise Malformed(str(error)) from None

"""
The client's side of a login with SCRAM-SHA-256, without input and output.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from myspread._login.conversation import (
    BINDING_TYPE,
    CLIENT_STEPS,
    ClientState,
    ClientStep,
    Malformed,
    attributes,
    encodedName,
    following,
    isNonce,
    isNumber,
)
from myspread._login.scram import (
    FEWEST_ITERATIONS,
    LONGEST_SALT,
    ScramKeys,
    clientSignature,
    fromBase64,
    serverSignature,
    toBase64,
    xor,
)
from myspread._login.scramserver import newNonce

__all__ = ["Challenge", "ScramClient"]


class Challenge(NamedTuple):
    """
    How a server wants the password to be hashed.

    @ivar salt: with what.
    @ivar iterations: how often.
    """

    salt: bytes
    iterations: int


class ScramClient:
    """
    One login.

    @ivar state: how far it is.
    """

    def __init__(self, username: str, flag: str, binding: bytes = b"", nonce: str | None = None) -> None:
        """
        @param username: after SASLprep.
        @param flag: what we do about channel binding: C{p}, we do it; C{y}, we
            would, but the server doesn't announce it; C{n}, we don't.
        @param binding: what we know of the channel, where we bind to it.
        @param nonce: our part of it; by default a new one.
        """
        self.state = ClientState.BEGUN
        header = f"p={BINDING_TYPE},," if flag == "p" else f"{flag},,"
        self._header = header
        self._input = header.encode("ascii") + (binding if flag == "p" else b"")
        self._nonce = newNonce() if nonce is None else nonce
        self._first = f"n={encodedName(username)},r={self._nonce}"
        self._serverFirst = ""
        self._authMessage = b""

    def _step(self, step: ClientStep) -> None:
        self.state = following(CLIENT_STEPS, self.state, step)

    def begin(self) -> bytes:
        """Our first message."""
        self._step(ClientStep.NAME)
        return f"{self._header}{self._first}".encode()

    def challenged(self, message: object) -> Challenge:
        """
        Read the server's first message.

        @raise Malformed: when it isn't one, or asks for a hash that would be
            too easy to guess from.
        """
        self._step(ClientStep.CHALLENGE)
        nonce, salt, iterations = attributes(message, "rsi")
        if not nonce.startswith(self._nonce) or nonce == self._nonce or not isNonce(nonce):
            raise Malformed("the server's nonce doesn't continue ours")
        if not isNumber(iterations):
            raise Malformed("the server's number of iterations is no number")
        if int(iterations) < FEWEST_ITERATIONS:
            raise Malformed(
                f"the server asks for {iterations} iterations; fewer than {FEWEST_ITERATIONS} would make it "
                "too easy to guess the password from what travels"
            )
        try:
            challenge = Challenge(fromBase64(salt), int(iterations))
        except ValueError as error:
            raise Malformed(str(error)) from None
        if not 0 < len(challenge.salt) <= LONGEST_SALT:
            raise Malformed(f"the server's salt has {len(challenge.salt)} bytes")
        assert isinstance(message, bytes)
        self._serverFirst = message.decode("utf-8")
        self._nonce = nonce
        return challenge

    def answer(self, keys: ScramKeys) -> bytes:
        """
        Our second message, with the proof.

        @param keys: of the password, hashed as the L{Challenge} says.
        """
        self._step(ClientStep.ANSWER)
        withoutProof = f"c={toBase64(self._input)},r={self._nonce}"
        self._authMessage = f"{self._first},{self._serverFirst},{withoutProof}".encode()
        proof = xor(keys.clientKey, clientSignature(keys.storedKey, self._authMessage))
        return f"{withoutProof},p={toBase64(proof)}".encode("ascii")

    def isServer(self, message: object, keys: ScramKeys) -> bool:
        """
        Read the server's last message.

        @return: whether it knows the password's verifier, too.
        """
        try:
            [text] = attributes(message, "v")
            signature = fromBase64(text)
        except ValueError:
            signature = b""
        isRight = hmac.compare_digest(signature, serverSignature(keys.serverKey, self._authMessage))
        self._step(ClientStep.RIGHT_PROOF if isRight else ClientStep.WRONG_PROOF)
        return isRight

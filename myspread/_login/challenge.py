"""
The challenge and response of Perspective Broker's password login.

The response is C{md5(md5(password) + challenge)}, as C{twisted.spread} defines
it. It hides the password from who merely listens, and no more than that: use
TLS.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

__all__ = ["challenge", "digest", "isRightResponse", "respond"]

CHALLENGE_BYTES = 16


def digest(data: bytes) -> bytes:
    """The MD5 digest: 16 bytes."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def challenge() -> bytes:
    """A new challenge: 16 random bytes from L{secrets}."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def respond(challenge: bytes, password: bytes | str) -> bytes:
    """
    The response to a challenge.

    @param challenge: what the server sent.
    @param password: the password; str is encoded as UTF-8.
    """
    if isinstance(password, str):
        password = password.encode("utf-8")
    return digest(digest(password) + challenge)


def isRightResponse(response: object, challenge: bytes, passwordDigest: bytes) -> bool:
    """
    Whether a response fits, compared in constant time.

    @param passwordDigest: the MD5 digest of the right password.
    """
    return isinstance(response, bytes) and hmac.compare_digest(response, digest(passwordDigest + challenge))

"""
What SCRAM-SHA-256 (RFC 5802, RFC 7677) computes, and L{ScramVerifier}, what a
server keeps of a password for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass

from myspread._login.saslprep import saslprep

__all__ = [
    "DEFAULT_ITERATIONS",
    "FEWEST_ITERATIONS",
    "MOST_ITERATIONS",
    "ScramKeys",
    "ScramVerifier",
    "clientSignature",
    "fromBase64",
    "saltedPassword",
    "serverSignature",
    "toBase64",
    "xor",
]

SCHEME = "SCRAM-SHA-256"

DEFAULT_ITERATIONS = 600_000
"""Of a new verifier: some tenths of a second of a client's time, once in each session."""

FEWEST_ITERATIONS = 4096
"""RFC 7677 asks for no fewer. A client accepts no fewer, as whoever listens could guess faster."""

MOST_ITERATIONS = 2**31 - 1
"""More can't be computed."""

SALT_BYTES = 16
KEY_BYTES = 32
LONGEST_SALT = 1024
"""Bytes of a salt that a client takes, or a verifier has."""


def toBase64(data: bytes) -> str:
    """Bytes as text."""
    return b64encode(data).decode("ascii")


def fromBase64(text: str) -> bytes:
    """
    What L{toBase64} was given.

    @raise ValueError: when it isn't Base64.
    """
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (NotBase64, UnicodeEncodeError):
        raise ValueError("what should be Base64 isn't") from None


def xor(one: bytes, other: bytes) -> bytes:
    """The exclusive or of two byte strings of the same length."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def saltedPassword(password: str, salt: bytes, iterations: int) -> bytes:
    """
    What everything else is made of. This takes its time.

    @param password: after SASLprep.
    """
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), salt, iterations)


def clientSignature(storedKey: bytes, authMessage: bytes) -> bytes:
    """What hides the client's key in its proof."""
    return _hmac(storedKey, authMessage)


def serverSignature(serverKey: bytes, authMessage: bytes) -> bytes:
    """The server's proof."""
    return _hmac(serverKey, authMessage)


@dataclass(frozen=True, repr=False)
class ScramKeys:
    """
    What a client needs of a salted password.

    @ivar clientKey: what it proves to know.
    @ivar serverKey: what the server has to know.
    """

    clientKey: bytes
    serverKey: bytes

    @classmethod
    def fromSaltedPassword(cls, salted: bytes) -> ScramKeys:
        """The keys of a L{saltedPassword}."""
        return cls(_hmac(salted, b"Client Key"), _hmac(salted, b"Server Key"))

    @property
    def storedKey(self) -> bytes:
        """The digest of the client's key."""
        return hashlib.sha256(self.clientKey).digest()


@dataclass(frozen=True, repr=False)
class ScramVerifier:
    """
    What a server keeps of a password: enough to check a login with
    SCRAM-SHA-256, and too little to log in. Who steals it can guess, at the
    price of C{iterations} for each password.

    @ivar salt: random bytes.
    @ivar iterations: how often the password is hashed.
    @ivar storedKey: the digest of what the client proves to know.
    @ivar serverKey: what the server proves to know.
    """

    salt: bytes
    iterations: int
    storedKey: bytes
    serverKey: bytes

    def __post_init__(self) -> None:
        """
        @raise ValueError: when a part is out of bounds.
        """
        if not FEWEST_ITERATIONS <= self.iterations <= MOST_ITERATIONS:
            raise ValueError(
                f"a verifier has {FEWEST_ITERATIONS} to {MOST_ITERATIONS} iterations, not {self.iterations}"
            )
        if not 0 < len(self.salt) <= LONGEST_SALT:
            raise ValueError(f"a salt has 1 to {LONGEST_SALT} bytes, not {len(self.salt)}")
        if len(self.storedKey) != KEY_BYTES or len(self.serverKey) != KEY_BYTES:
            raise ValueError(f"the keys of a verifier have {KEY_BYTES} bytes each")

    @classmethod
    def fromPassword(
        cls, password: str, iterations: int = DEFAULT_ITERATIONS, salt: bytes | None = None
    ) -> ScramVerifier:
        """
        The verifier of a password. This takes its time: some tenths of a
        second with the default.

        @param password: any text that SASLprep accepts.
        @param iterations: how often it is hashed.
        @param salt: by default, new random bytes.
        @raise ValueError: when the password can't be prepared, or there are too
            few or too many iterations.
        """
        prepared = saslprep(password, stored=True, what="the password")
        salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
        if iterations > MOST_ITERATIONS:
            raise ValueError(f"a password is hashed at most {MOST_ITERATIONS} times, not {iterations}")
        if iterations < FEWEST_ITERATIONS:
            raise ValueError(f"a password is hashed {FEWEST_ITERATIONS} times or more, not {iterations}")
        keys = ScramKeys.fromSaltedPassword(saltedPassword(prepared, salt, iterations))
        return cls(salt, iterations, keys.storedKey, keys.serverKey)

    @classmethod
    def fromText(cls, text: str) -> ScramVerifier:
        """
        The verifier that L{text} has written.

        @raise ValueError: when it is none.
        """
        scheme, _, rest = text.partition("$")
        info, _, value = rest.partition("$")
        iterations, _, salt = info.partition(":")
        storedKey, _, serverKey = value.partition(":")
        if scheme != SCHEME or not iterations.isascii() or not iterations.isdigit() or len(iterations) > 10:
            raise ValueError(f"a verifier is like {SCHEME}$iterations:salt$storedKey:serverKey")
        return cls(fromBase64(salt), int(iterations), fromBase64(storedKey), fromBase64(serverKey))

    def text(self) -> str:
        """The form of RFC 5803: C{SCRAM-SHA-256$iterations:salt$storedKey:serverKey}."""
        keys = f"{toBase64(self.storedKey)}:{toBase64(self.serverKey)}"
        return f"{SCHEME}${self.iterations}:{toBase64(self.salt)}${keys}"

    def isKnownPassword(self, password: str | bytes) -> bool:
        """
        Whether it is the verifier of a password. This takes its time, too.
        """
        try:
            prepared = saslprep(password)
        except ValueError:
            return False
        keys = ScramKeys.fromSaltedPassword(saltedPassword(prepared, self.salt, self.iterations))
        return hmac.compare_digest(keys.storedKey, self.storedKey)

    def __repr__(self) -> str:
        return f"<ScramVerifier with {self.iterations} iterations>"

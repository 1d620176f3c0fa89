"""
Hashes of passwords with Argon2id (RFC 9106).
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

__all__ = ["RECOMMENDED", "Argon2Cost", "costOf", "fits", "hashed", "impossible"]

SALT_BYTES = 16
HASH_BYTES = 32

FEWEST_BYTES = 8
"""Of a salt or a hash in a file."""

MOST_BYTES = 64

_cost = re.compile(r"m=([0-9]{1,10}),t=([0-9]{1,10}),p=([0-9]{1,10})")
_phc = re.compile(rf"\$argon2id\$v=19\$({_cost.pattern})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


class Argon2Cost(NamedTuple):
    """
    What it costs to hash a password, or to try one.

    @ivar memory: in KiB.
    @ivar passes: over the memory.
    @ivar lanes: parts of the memory that could be filled at the same time.
    """

    memory: int
    passes: int
    lanes: int

    @classmethod
    def fromText(cls, text: str) -> Argon2Cost:
        """
        The cost that is written like C{m=65536,t=3,p=4}.

        @raise ValueError: when it isn't, or is out of bounds.
        """
        found = _cost.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} isn't like {RECOMMENDED.text()}")
        cost = cls(*map(int, found.groups()))
        for name, value, least, most in (
            ("p (lanes)", cost.lanes, 1, 64),
            ("m (KiB of memory)", cost.memory, 8 * cost.lanes, 4 * 1024 * 1024),
            ("t (passes)", cost.passes, 1, 1000),
        ):
            if not least <= value <= most:
                raise ValueError(f"{name} of Argon2 is {value}; it may be from {least} to {most}")
        return cost

    def text(self) -> str:
        """The form in which hashes have it."""
        return f"m={self.memory},t={self.passes},p={self.lanes}"


RECOMMENDED = Argon2Cost(65536, 3, 4)
"""The second recommendation of RFC 9106, for where memory is short: 64 MiB."""


def hashed(password: bytes, cost: Argon2Cost = RECOMMENDED) -> str:
    """
    The hash of a password, with a new salt, in the PHC string format. This
    takes its time, and memory.
    """
    engine = Argon2id(
        salt=secrets.token_bytes(SALT_BYTES),
        length=HASH_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    )
    return engine.derive_phc_encoded(password)


def fits(password: bytes, phc: str) -> bool:
    """
    Whether a hash is that of a password. This takes as much time and memory as
    it took to make it, whatever the answer; other threads run meanwhile.
    """
    try:
        Argon2id.verify_phc_encoded(password, phc)
    except InvalidKey:
        return False
    return True


def costOf(phc: str) -> Argon2Cost:
    """
    What a hash costs.

    @raise ValueError: when it is none.
    """
    found = _phc.fullmatch(phc)
    if found is None:
        raise ValueError("a hash is like $argon2id$v=19$m=65536,t=3,p=4$salt$hash")
    for what, encoded in (("salt", found[5]), ("hash", found[6])):
        # Four characters stand for three bytes; one that is left over for nothing.
        if len(encoded) % 4 == 1 or not FEWEST_BYTES <= len(encoded) * 3 // 4 <= MOST_BYTES:
            raise ValueError(
                f"the {what} of Argon2 is Base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes, without ="
            )
    return _costFrom(found[1])


_costFrom = lru_cache(maxsize=64)(Argon2Cost.fromText)


def impossible(cost: Argon2Cost) -> str:
    """The hash of no password, which takes as long as others to find out."""
    salt, end = (_encoded(secrets.token_bytes(size)) for size in (SALT_BYTES, HASH_BYTES))
    return f"$argon2id$v=19${cost.text()}${salt}${end}"


def _encoded(data: bytes) -> str:
    return b64encode(data).decode("ascii").rstrip("=")

"""
Hashes of passwords with Argon2id (RFC 9106).
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from contextlib import nullcontext
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, NamedTuple

from cryptography import __version__ as _version
from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm

from myspread._login.accountlines import AccountFileError

__all__ = ["RECOMMENDED", "Argon2Cost", "costOf", "fits", "hashed", "impossible", "requireArgon2"]

_engine = "cryptography.hazmat.primitives.kdf.argon2"
# Programs that need an old cryptography, without it, work as long as they have no password files.
_Argon2id: Any = getattr(import_module(_engine), "Argon2id", None) if find_spec(_engine) else None

SALT_BYTES = 16
HASH_BYTES = 32

FEWEST_BYTES = 8
"""Of a salt or a hash in a file."""

MOST_BYTES = 64

# OpenSSL has one pool of threads for the lanes of all hashes. Two at once fail for want of threads, which
# looks like want of memory, or wait for each other for ever.
_lanes = Lock()

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


def requireArgon2() -> None:
    """
    Make sure that passwords can be hashed.

    @raise AccountFileError: when they can't.
    """
    if not hasattr(_Argon2id, "verify_phc_encoded"):
        raise AccountFileError(
            f"password files need cryptography 45 or later, and this is {_version}: "
            "pip install 'myspread[passwords]'"
        )
    try:
        fits(b"", impossible(Argon2Cost(8, 1, 1)))
    except UnsupportedAlgorithm as error:
        raise AccountFileError(
            "password files need a cryptography that was built with OpenSSL 3.2 or later"
        ) from error


def hashed(password: bytes, cost: Argon2Cost = RECOMMENDED) -> str:
    """
    The hash of a password, with a new salt, in the PHC string format. This
    takes its time, and memory.

    @raise AccountFileError: when L{requireArgon2} does.
    """
    requireArgon2()
    engine = _Argon2id(
        salt=secrets.token_bytes(SALT_BYTES),
        length=HASH_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    )
    with _threads(cost):
        phc: str = engine.derive_phc_encoded(password)
    return phc


def fits(password: bytes, phc: str) -> bool:
    """
    Whether a hash is that of a password. This takes as much time and memory as
    it took to make it, whatever the answer; other threads run meanwhile, but
    for those that hash with several lanes.
    """
    try:
        with _threads(costOf(phc)):
            _Argon2id.verify_phc_encoded(password, phc)
    except InvalidKey:
        return False
    return True


def _threads(cost: Argon2Cost) -> Any:
    """What a hash holds while it is made."""
    return _lanes if cost.lanes > 1 else nullcontext()


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

"""
The ways to log in, by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = [
    "ANONYMOUS",
    "CERTIFICATE",
    "MD5",
    "ON_PRIVATE_CHANNELS",
    "PLAIN",
    "SCRAM",
    "SCRAM_MECHANISMS",
    "SCRAM_PLUS",
    "STRONGEST_FIRST",
    "TOKEN",
    "listed",
    "strongestFirst",
]

SCRAM_PLUS: Final = "scram-sha-256-plus"
SCRAM: Final = "scram-sha-256"
CERTIFICATE: Final = "certificate"
TOKEN: Final = "token"
PLAIN: Final = "plain"
MD5: Final = "md5"
ANONYMOUS: Final = "anonymous"

STRONGEST_FIRST: Final = (SCRAM_PLUS, SCRAM, CERTIFICATE, TOKEN, PLAIN, MD5, ANONYMOUS)
"""All there are. Of those that both sides accept, a client takes the first."""

SCRAM_MECHANISMS: Final = (SCRAM_PLUS, SCRAM)

ON_PRIVATE_CHANNELS: Final = (TOKEN, PLAIN)
"""Those that send the secret itself: nobody may be able to listen."""


def strongestFirst(names: Iterable[str]) -> tuple[str, ...]:
    """
    Some of the mechanisms, in order.

    @raise ValueError: when there is no such mechanism, or none at all.
    """
    wanted = set(names)
    unknown = wanted.difference(STRONGEST_FIRST)
    if unknown or not wanted:
        what = f"{sorted(unknown)[0]!r} is no mechanism" if unknown else "no mechanism is accepted"
        raise ValueError(f"{what}; there are {listed(STRONGEST_FIRST)}")
    return tuple(name for name in STRONGEST_FIRST if name in wanted)


def listed(names: Iterable[str]) -> str:
    """Names, for people."""
    *others, last = list(names) or ["nothing"]
    return f"{', '.join(others)} and {last}" if others else last

"""
Tokens: texts that say by themselves who has them.

A file of them holds no token, but their digests. A token is made of 32 random
bytes: nobody can guess one from its SHA-256, so it takes no slow hash as a
password does.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timezone

from myspread._login.passwords import preparedName

__all__ = ["PREFIX", "Token", "digestOf", "newToken", "readToken", "shownTime"]

PREFIX = "pbtoken_"
"""What each token begins with, so that programs that look for leaked secrets find it."""

TOKEN_BYTES = 32
ID_CHARACTERS = 12

_digest = re.compile(r"[0-9a-f]{64}")
_timeForm = "%Y-%m-%dT%H:%M:%SZ"
_timeLike = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def newToken() -> str:
    """A new token: the prefix, and 32 random bytes as text that can stand in a URL."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def digestOf(token: bytes) -> str:
    """The SHA-256 of a token, as 64 hexadecimal digits."""
    return hashlib.sha256(token).hexdigest()


def shownTime(seconds: int | None) -> str:
    """A time as it stands in a file, in UTC; empty for none."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(_timeForm)


def _timeIn(field: str, what: str) -> int | None:
    if not field:
        return None
    try:
        if _timeLike.fullmatch(field):
            # Some times as fast as strptime.
            return int(datetime.fromisoformat(field.replace("Z", "+00:00")).timestamp())
    except ValueError:
        # There is no such day, or hour.
        pass
    raise ValueError(f"{what} is like 2026-01-31T23:59:59Z, not {field!r}")


@dataclass(frozen=True)
class Token:
    """
    What is known about a token.

    Times are in seconds since 1970.

    @ivar digest: see L{digestOf}.
    @ivar avatar: the avatar id of who has it.
    @ivar created: when it was made.
    @ivar expires: when it becomes useless; None for never.
    @ivar revoked: when somebody has made it useless, or None.
    @ivar label: what it is for.
    """

    digest: str
    avatar: str
    created: int
    expires: int | None = None
    revoked: int | None = None
    label: str = ""

    @property
    def key(self) -> str:
        """The digest."""
        return self.digest

    @property
    def id(self) -> str:
        """What people call it: the first digits of the digest."""
        return self.digest[:ID_CHARACTERS]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"token {self.id}"

    def fields(self) -> list[str]:
        """What the line in the file says."""
        times = (self.created, self.expires, self.revoked)
        return [self.digest, self.avatar, *map(shownTime, times), self.label]

    def isOf(self, token: bytes) -> bool:
        """Whether it is about a token; compared in constant time."""
        return hmac.compare_digest(self.digest, digestOf(token))

    def isExpired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires is not None and now >= self.expires

    def state(self, now: float) -> str:
        """C{valid}, C{expired} or C{revoked}."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.isExpired(now) else "valid"


def readToken(fields: list[str]) -> Token:
    """
    The record that a line of a file of tokens holds.

    @raise ValueError: when it holds none.
    """
    if len(fields) != 6:
        raise ValueError(
            "a line has a digest, an avatar id, when the token was created, when it expires and when it was "
            f"revoked, and a label: not {len(fields)} fields"
        )
    digest, avatar, created, expires, revoked, label = fields
    if not _digest.fullmatch(digest):
        raise ValueError("the digest of a token has 64 hexadecimal digits, small ones")
    return Token(
        digest,
        preparedName(avatar, "the avatar id"),
        _timeIn(created, "a time of creation") or 0,
        _timeIn(expires, "an expiry"),
        _timeIn(revoked, "a time of revocation"),
        label,
    )

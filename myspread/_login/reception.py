"""
What all connections of one server have in common when they log in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Any, Final, Literal, get_args

from twisted.cred.credentials import IAnonymous, IUsernameHashedPassword, IUsernamePassword
from twisted.logger import Logger, LogLevel

from myspread._login.channel import Channel
from myspread._login.delays import Delays
from myspread._login.entering import nameOf
from myspread._login.mechanisms import (
    ANONYMOUS,
    CERTIFICATE,
    MD5,
    ON_PRIVATE_CHANNELS,
    PLAIN,
    SCRAM,
    SCRAM_PLUS,
    TOKEN,
)
from myspread._login.scram import DEFAULT_ITERATIONS, KEY_BYTES, SALT_BYTES, ScramVerifier
from myspread.interfaces import (
    ICertificateCredentials,
    IScramCredentials,
    IScramVerifiers,
    ITokenCredentials,
    IUsernameMD5Password,
)

__all__ = ["Md5", "Reception"]

_log = Logger()

Md5 = Literal["anywhere", "local", "never"]
"""From where a server takes logins with MD5."""

MOST_NAMES: Final = 1000
"""Users of MD5 whose names are remembered, so that the log tells of each once."""

_ADVICE: Final = (
    "{user!r} logs in with MD5 from {peer}. Who has listened can guess the password fast, and this "
    "server has to keep it, or its MD5 digest. Clients on myspread can use SCRAM-SHA-256: pb.Password in the "
    "place of UsernamePassword."
)

_REFUSAL: Final = (
    "{user!r} at {peer} is refused: no logins with MD5 are taken. (PBServerFactory's md5; "
    "twistd pbserver --md5)",
    "{user!r} at {peer} is refused: logins with MD5 are taken from this machine only. "
    "(PBServerFactory's md5; twistd pbserver --md5)",
)

_INTERFACES: Final[tuple[tuple[Any, str], ...]] = (
    (IScramCredentials, SCRAM_PLUS),
    (IScramCredentials, SCRAM),
    (ICertificateCredentials, CERTIFICATE),
    (ITokenCredentials, TOKEN),
    (IUsernamePassword, PLAIN),
    (IUsernameHashedPassword, MD5),
    (IUsernameMD5Password, MD5),
    (IAnonymous, ANONYMOUS),
)
"""What a checker has to take for a mechanism to be possible, strongest first."""


class Reception:
    """
    Knows how clients of one server may log in.

    @ivar portal: the L{Portal<twisted.cred.portal.Portal>}.
    @ivar delays: the failures of all connections.
    """

    __slots__ = ("_md5", "_names", "_secret", "delays", "portal")

    def __init__(self, portal: Any, md5: Md5 = "anywhere") -> None:
        """
        @param md5: from where logins with MD5 are taken.
        @raise ValueError: when it is none of these.
        """
        if md5 not in get_args(Md5):
            raise ValueError(f"md5 must be {', '.join(map(repr, get_args(Md5)))}, not {md5!r}")
        self.portal = portal
        self.delays = Delays()
        self._md5 = md5
        self._names: set[str | None] = set()
        self._secret = secrets.token_bytes(KEY_BYTES)

    def mechanisms(self, channel: Channel) -> list[str]:
        """What can be used on a connection, strongest first."""
        return list(dict.fromkeys(self._mechanisms(channel)))

    def _mechanisms(self, channel: Channel) -> Iterator[str]:
        checkers = getattr(self.portal, "checkers", {})
        for interface, name in _INTERFACES:
            if interface in checkers and self._isPossible(name, channel):
                yield name

    def _isPossible(self, name: str, channel: Channel) -> bool:
        if name in (SCRAM, SCRAM_PLUS):
            return self.verifiers is not None and (name == SCRAM or channel.binding() is not None)
        if name == CERTIFICATE:
            return channel.hasCertificate
        if name == MD5:
            return self.takesMd5(channel)
        return name not in ON_PRIVATE_CHANNELS or channel.isPrivate

    # Passwords

    @property
    def verifiers(self) -> Any:
        """Knows the verifiers of users; None where no checker does."""
        checker = getattr(self.portal, "checkers", {}).get(IScramCredentials)
        return checker if IScramVerifiers.providedBy(checker) else None

    def unknown(self, username: bytes) -> ScramVerifier:
        """
        What a user seems to have whom nobody knows: the same each time, and
        nothing that anybody could log in with.
        """
        iterations = getattr(self.verifiers, "iterations", DEFAULT_ITERATIONS)
        salt = hmac.digest(getattr(self.verifiers, "secret", self._secret), b"salt of " + username, "sha256")
        # Whoever knew these would know the preimage of a random digest.
        storedKey, serverKey = (hashlib.sha256(secrets.token_bytes(KEY_BYTES)).digest() for _ in range(2))
        return ScramVerifier(salt[:SALT_BYTES], iterations, storedKey, serverKey)

    # MD5

    def takesMd5(self, channel: Channel) -> bool:
        """Whether a login with MD5 may be made on a connection."""
        return self._md5 == "anywhere" or self._md5 == "local" and channel.isLocal

    def tellMd5(self, broker: Any) -> None:
        """Somebody has logged in with MD5: the log tells of each once, and says why they should not."""
        user = getattr(broker, "avatarId", None)
        if user in self._names or len(self._names) >= MOST_NAMES:
            return
        level, text = (
            (LogLevel.info, "{user!r} logs in with MD5 from {peer}.")
            if self._names
            else (LogLevel.warn, _ADVICE)
        )
        self._names.add(user)
        _emit(broker, level, text, user)

    def tellRefusedMd5(self, broker: Any, username: bytes | str) -> None:
        """Somebody was refused because of MD5: an operator wants to know why."""
        _emit(broker, LogLevel.warn, _REFUSAL[self._md5 == "local"], nameOf(username))


def _emit(broker: Any, level: Any, text: str, user: str | None) -> None:
    peer = broker.transport.getPeer()
    log = getattr(broker, "peerLog", None)
    if log is None:
        _log.emit(level, text, user=user, peer=peer)
    else:
        log.emit(_log, level, text, user=user, peer=peer)

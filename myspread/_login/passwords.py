"""
The records of a password file. Passwords themselves are never kept.

A line holds the name of a user, what Argon2id makes of the password, for logins
that send it, and what SCRAM-SHA-256 needs, for those that only prove to know it.
One line without a name holds random bytes: a login with SCRAM of an unknown
user looks like one with a wrong password thanks to them.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

from myspread._login.accountlines import Records, utf8
from myspread._login.argon2 import RECOMMENDED, Argon2Cost, costOf, fits, hashed, impossible
from myspread._login.saslprep import saslprep
from myspread._login.scram import DEFAULT_ITERATIONS, ScramVerifier, fromBase64, toBase64

__all__ = [
    "MOST_BYTES",
    "Accounts",
    "PasswordRecord",
    "Secret",
    "User",
    "isRight",
    "preparedName",
    "readPassword",
]

MOST_BYTES = 4096
"""Of a user name, and of a password."""

SECRET_BYTES = 32

T = TypeVar("T")


def preparedName(name: str | bytes, what: str = "the user name") -> str:
    """
    The form of a name that is kept and compared: that of SASLprep (RFC 4013).

    @param what: what it is, for messages.
    @raise ValueError: when it is too long, or SASLprep prohibits it.
    """
    if len(name) > MOST_BYTES:
        raise ValueError(f"{what} has {len(name)} characters or bytes, and may have {MOST_BYTES}")
    if name and isinstance(name, str) and name.isascii() and name.isprintable():
        # It is prepared already, and files can have thousands of them.
        return name
    return saslprep(name, what=what)


def _prepared(password: str | bytes, stored: bool) -> bytes:
    if len(password) > MOST_BYTES:
        raise ValueError(f"the password has more than {MOST_BYTES} characters or bytes")
    return utf8(saslprep(password, stored=stored, what="the password"))


@dataclass(frozen=True, repr=False)
class User:
    """
    Somebody who has a password.

    @ivar name: prepared.
    @ivar argon2: the hash in PHC string format, or empty: then a login that
        sends the password isn't possible.
    @ivar scram: the verifier, or None: then a login with SCRAM isn't possible.
    """

    name: str
    argon2: str = ""
    scram: ScramVerifier | None = None

    @classmethod
    def withPassword(
        cls,
        name: str,
        password: str,
        cost: Argon2Cost | None = RECOMMENDED,
        iterations: int | None = DEFAULT_ITERATIONS,
    ) -> User:
        """
        A user with a new password. This takes its time.

        @param cost: of Argon2; None for a user without.
        @param iterations: of SCRAM; None for a user without.
        @raise ValueError: when SASLprep prohibits the name or the password, or
            one is too long.
        """
        prepared = _prepared(password, stored=True)
        return cls(
            preparedName(name),
            "" if cost is None else hashed(prepared, cost),
            None if iterations is None else ScramVerifier.fromPassword(password, iterations),
        )

    @property
    def key(self) -> str:
        """The name."""
        return self.name

    def fields(self) -> list[str]:
        """Name, hash, verifier."""
        return [self.name, self.argon2, "" if self.scram is None else self.scram.text()]


@dataclass(frozen=True, repr=False)
class Secret:
    """
    What the salts of unknown users are made of.
    """

    value: bytes

    key = ""
    name = "the line without a user name"

    @classmethod
    def new(cls) -> Secret:
        """A new one."""
        return cls(secrets.token_bytes(SECRET_BYTES))

    def fields(self) -> list[str]:
        """No name, then the secret."""
        return ["", toBase64(self.value)]


PasswordRecord = User | Secret


def readPassword(fields: list[str]) -> PasswordRecord:
    """
    The record that a line of a password file holds.

    @raise ValueError: when it holds none.
    """
    if fields[0] == "" and len(fields) == 2:
        return _readSecret(fields[1])
    if len(fields) != 3:
        raise ValueError(
            f"a line has a user name, a hash of Argon2 and a verifier of SCRAM, not {len(fields)} fields"
        )
    name, phc, verifier = fields
    if preparedName(name) != name:
        raise ValueError(
            f"the user name {name!r} isn't in the form of SASLprep, which is {preparedName(name)!r}"
        )
    if phc:
        costOf(phc)
    return User(name, phc, ScramVerifier.fromText(verifier) if verifier else None)


def _readSecret(field: str) -> Secret:
    value = fromBase64(field)
    if len(value) < SECRET_BYTES:
        raise ValueError(f"the line without a user name has {SECRET_BYTES} random bytes, as Base64")
    return Secret(value)


class Accounts:
    """
    The content of a password file, arranged for those who log in.

    @ivar secret: what the salts of unknown users are made of.
    @ivar iterations: of SCRAM, as most users have them.
    @ivar impossible: the hash of no password, that costs what most hashes do.
    """

    def __init__(self, records: Records[PasswordRecord], otherwise: Secret) -> None:
        """
        @param records: what the file holds.
        @param otherwise: what is used when it holds no secret.
        """
        self._users = {each.name: each for each in records if isinstance(each, User)}
        secret = records.get(Secret.key)
        self.secret = (secret if isinstance(secret, Secret) else otherwise).value
        costs = Counter(costOf(each.argon2) for each in self._users.values() if each.argon2)
        self.impossible = impossible(_usual(costs, RECOMMENDED))
        counts = Counter(each.scram.iterations for each in self._users.values() if each.scram)
        self.iterations = _usual(counts, DEFAULT_ITERATIONS)

    def user(self, name: str | bytes) -> User | None:
        """The user of a name, in whatever form it is."""
        try:
            return self._users.get(preparedName(name))
        except ValueError:
            return None


def _usual(counted: Counter[T], otherwise: T) -> T:
    return counted.most_common(1)[0][0] if counted else otherwise


def isRight(password: str | bytes, phc: str) -> bool:
    """
    Whether a password fits a hash. This takes its time, also when SASLprep
    prohibits it.
    """
    try:
        prepared = _prepared(password, stored=False)
    except ValueError:
        # Its owner waits as long as everybody.
        fits(b"", phc)
        return False
    return fits(prepared, phc)

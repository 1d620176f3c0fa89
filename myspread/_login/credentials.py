"""
What clients log in with, and what checkers get of it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.x509 import Certificate
from twisted.cred.credentials import IAnonymous, ICredentials, UsernamePassword
from zope.interface import implementer

from myspread._login.mechanisms import (
    ANONYMOUS,
    CERTIFICATE,
    MD5,
    PLAIN,
    SCRAM_MECHANISMS,
    TOKEN,
    listed,
    strongestFirst,
)
from myspread._login.saslprep import saslprep
from myspread.interfaces import ICertificateCredentials, ITokenCredentials

__all__ = [
    "CertificateCredentials",
    "ClientCertificate",
    "Password",
    "PlainCredentials",
    "Token",
    "TokenCredentials",
    "acceptedMechanisms",
]

_OF_PASSWORDS = (*SCRAM_MECHANISMS, PLAIN, MD5)


def _encode(credentials: Password | Token, *names: str) -> None:
    for name in names:
        value = getattr(credentials, name)
        if not isinstance(value, (str, bytes)):
            raise TypeError(
                f"{type(credentials).__name__}.{name} is text or bytes, not a {type(value).__name__}"
            )
        if isinstance(value, str):
            object.__setattr__(credentials, name, value.encode("utf-8"))


class PlainCredentials(UsernamePassword):
    """
    A user name and a password that a client has sent.

    @ivar isWanted: says whether the client still waits for the outcome. Checkers
        that take long may ask.
    @ivar source: where the client is. Checkers that take long may look at logins
        from each source in turn.
    """

    def __init__(
        self,
        username: bytes,
        password: bytes,
        isWanted: Callable[[], bool],
        source: Hashable = None,
    ) -> None:
        super().__init__(username, password)
        self.isWanted = isWanted
        self.source = source


@dataclass(frozen=True)
class Password:
    """
    A user name and a password, to log in with SCRAM-SHA-256 unless the client
    accepts other mechanisms, too.

    @ivar username: UTF-8; text is encoded.
    @ivar password: UTF-8; text is encoded.
    """

    username: str | bytes
    password: str | bytes = field(repr=False)

    def __post_init__(self) -> None:
        """
        Cred's checkers want bytes.

        @raise TypeError: for what is neither text nor bytes.
        """
        _encode(self, "username", "password")


@dataclass(frozen=True)
class Token:
    """
    A secret text that says by itself who has it. It is sent as it is, so only
    where nobody can listen: over TLS, or within one machine.

    @ivar token: the text, as bytes.
    """

    token: str | bytes = field(repr=False)

    def __post_init__(self) -> None:
        """
        @raise TypeError: for what is neither text nor bytes.
        """
        _encode(self, "token")


@dataclass(frozen=True)
class ClientCertificate:
    """
    The certificate that this client has shown when the TLS connection was made;
    C{tls:HOST:PORT:certificate=FILE:privateKey=FILE} is an address that does.
    """


@implementer(ITokenCredentials, ICredentials)
class TokenCredentials:
    """
    What a checker gets of a L{Token}.

    @ivar token: what the client has sent.
    """

    def __init__(self, token: bytes) -> None:
        self.token = token


@implementer(ICertificateCredentials, ICredentials)
class CertificateCredentials:
    """
    What a checker gets of a L{ClientCertificate}.

    @ivar certificate: what TLS has verified.
    """

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate


def _choice(credentials: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The mechanisms that are possible with some credentials, and those that are accepted by default."""
    if isinstance(credentials, Token):
        return (TOKEN,), (TOKEN,)
    if isinstance(credentials, ClientCertificate):
        return (CERTIFICATE,), (CERTIFICATE,)
    if isinstance(credentials, Password):
        return _OF_PASSWORDS, SCRAM_MECHANISMS
    if IAnonymous.providedBy(credentials):
        return (ANONYMOUS,), (ANONYMOUS,)
    # As in twisted.spread, whatever has a user name and a password.
    return _OF_PASSWORDS, (MD5,)


def acceptedMechanisms(credentials: Any, mechanisms: Iterable[str] | None = None) -> tuple[str, ...]:
    """
    How a client may log in, strongest first.

    @param credentials: what with.
    @param mechanisms: what it accepts; None for the default for these
        credentials.
    @raise ValueError: when there is no such mechanism, or these credentials
        can't be used with it.
    """
    possible, default = _choice(credentials)
    accepted = default if mechanisms is None else _named(mechanisms)
    impossible = [name for name in accepted if name not in possible]
    if impossible:
        raise ValueError(
            f"{type(credentials).__name__} credentials can't be used with {listed(impossible)}, only with "
            f"{listed(possible)}"
        )
    if not set(SCRAM_MECHANISMS).isdisjoint(accepted):
        # What can't be used at all had better fail before anything is tried.
        saslprep(credentials.username, what="the user name")
        saslprep(credentials.password, what="the password")
    return accepted


def _named(mechanisms: Iterable[str]) -> tuple[str, ...]:
    return strongestFirst((mechanisms,) if isinstance(mechanisms, str) else mechanisms)

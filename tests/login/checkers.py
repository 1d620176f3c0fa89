"""
Checkers of every kind of credentials, for the tests of login.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import succeed
from zope.interface import implementer

from myspread import pb

__all__ = ["FEW", "CertificateChecker", "PlainChecker", "ScramChecker", "TokenChecker"]

FEW = 4096
"""Iterations, so that tests don't wait."""

_known: dict[str, pb.ScramVerifier] = {}


def verifier(password: str) -> pb.ScramVerifier:
    """The verifier of a password, made once."""
    if password not in _known:
        _known[password] = pb.ScramVerifier.fromPassword(password, FEW)
    return _known[password]


@implementer(ICredentialsChecker, pb.IScramVerifiers)
class ScramChecker:
    """
    Knows users by their verifiers.

    @ivar asked: whose verifiers were asked for.
    @ivar checked: how many proofs were checked.
    """

    credentialInterfaces = (pb.IScramCredentials,)
    iterations = FEW
    secret = b"secret of the server"

    def __init__(self, **passwords: str) -> None:
        self.verifiers = {
            name.encode("utf-8"): verifier(password)
            for name, password in (passwords or {"ann": "secret", "bob": "b\xf6b"}).items()
        }
        self.asked: list[bytes] = []
        self.checked = 0

    def verifierFor(self, username: bytes) -> Any:
        """At once for ann, later for others."""
        self.asked.append(username)
        known = self.verifiers.get(username)
        return known if username == b"ann" else succeed(known)

    def requestAvatarId(self, credentials: Any) -> Any:
        """Whoever has proven it."""
        self.checked += 1
        known = self.verifiers.get(credentials.username)
        if known is None or not credentials.check(known):
            raise UnauthorizedLogin("the checker says no")
        return credentials.username


@implementer(ICredentialsChecker)
class TokenChecker:
    """Knows one token."""

    credentialInterfaces = (pb.ITokenCredentials,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """Ann's."""
        if credentials.token != b"ann's token":
            raise UnauthorizedLogin("no such token")
        return b"ann"


@implementer(ICredentialsChecker)
class PlainChecker:
    """Wants to see the password, as LDAP and PAM do."""

    credentialInterfaces = (IUsernamePassword,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """The password is the user name, backwards."""
        if not credentials.checkPassword(credentials.username[::-1]):
            raise UnauthorizedLogin("wrong password")
        return credentials.username


@implementer(ICredentialsChecker)
class CertificateChecker:
    """
    Knows certificates by their fingerprints.

    @ivar pins: the avatar ids by the SHA-256 digests.
    """

    credentialInterfaces = (pb.ICertificateCredentials,)

    def __init__(self, **certificates: Any) -> None:
        self.pins = {
            certificate.fingerprint(hashes.SHA256()): name.encode("ascii")
            for name, certificate in certificates.items()
        }

    def requestAvatarId(self, credentials: Any) -> Any:
        """Whose certificate it is."""
        try:
            return self.pins[credentials.certificate.fingerprint(hashes.SHA256())]
        except KeyError:
            raise UnauthorizedLogin("nobody has this certificate") from None

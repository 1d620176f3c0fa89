"""
Check client certificates against a file that says who has which.
"""

from __future__ import annotations

import time
from typing import Any

from cryptography import x509
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from myspread._login.accountfiles import AccountFile
from myspread._login.accountlines import Records, utf8
from myspread._login.clientcertificates import (
    PIN,
    REVOKED,
    CertificateRecord,
    keyPin,
    namesOf,
    readCertificate,
)
from myspread._login.repeating import Repeating
from myspread.interfaces import ICertificateCredentials

__all__ = ["CertificateFile"]

_log = Logger()

Contents = Records[CertificateRecord]


def _same(records: Contents) -> Contents:
    return records


@implementer(ICredentialsChecker)
class CertificateFile:
    """
    Says who a client is by its certificate, which TLS has verified, from a file
    that C{myspread cert} keeps. The avatar id is the one of the line that fits,
    as UTF-8: the one with the pin of its key, otherwise those with one of its
    names.

    The file is read again whenever it has changed: so a key that is revoked is
    useless from then on.

    @ivar path: where the file is.
    """

    credentialInterfaces = (ICertificateCredentials,)

    def __init__(self, path: str, *, clock: Any = None) -> None:
        """
        @param path: where the file is.
        @param clock: a reactor, or another C{IReactorTime}, which says when the log is told again of keys
            that are revoked and used all the same; by default the system's time.
        @raise AccountFileError: when the file can't be used.
        """
        self._file: AccountFile[CertificateRecord, Contents] = AccountFile(path, readCertificate, _same)
        self.path = self._file.path
        self._useless = Repeating(_log, time.time if clock is None else clock.seconds)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        """
        Who has a certificate.

        @return: a Deferred of the avatar id. It fails with L{UnauthorizedLogin}
            when nobody has it, it is revoked, or its names are those of several.
        """
        return maybeDeferred(self._avatarId, credentials)

    def _avatarId(self, credentials: Any) -> bytes:
        contents = self._file.contents
        certificate = credentials.certificate
        try:
            pin = keyPin(certificate)
        except ValueError as error:
            raise UnauthorizedLogin(f"this certificate can't be used: {error}") from error
        if contents.get((REVOKED, pin)) is not None:
            self._useless.warn(pin, "revoked", "The revoked key {pin} was used to log in.", pin=pin)
            raise UnauthorizedLogin("the key of this certificate is revoked")
        record = contents.get((PIN, pin))
        avatar = self._byName(contents, pin, certificate) if record is None else record.avatar
        self._useless.isOver(pin, "The key {pin} lets {avatar} in again.", pin=pin, avatar=avatar)
        return utf8(avatar)

    def _byName(self, contents: Contents, pin: str, certificate: x509.Certificate) -> str:
        try:
            found = [contents.get(name) for name in namesOf(certificate)]
        except ValueError as error:
            raise UnauthorizedLogin(f"the names in this certificate are broken: {error}") from error
        avatars = sorted({record.avatar for record in found if record is not None})
        if len(avatars) > 1:
            text = "The certificate of the key {pin} has names of several: {avatars}."
            self._useless.warn(pin, f"{avatars}", text, pin=pin, avatars=avatars)
            raise UnauthorizedLogin("this certificate has names of several users")
        if not avatars:
            raise UnauthorizedLogin("nobody here has this certificate")
        return avatars.pop()

"""
What C{--auth} finds of ours: plugins for C{twisted.cred.strcred}, which any
other program that has C{--auth} finds, too.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from twisted.plugin import IPlugin
from twisted.python.reflect import namedAny
from zope.interface import implementer

from myspread.interfaces import ICertificateCredentials, IScramCredentials, ITokenCredentials

__all__ = ["FileChecker", "certificates", "passwords", "tokens"]


@implementer(ICheckerFactory, IPlugin)
class FileChecker:
    """
    Makes checkers that know their users from a file.

    @ivar authType: what stands before the colon.
    @ivar authHelp: what there is to know.
    @ivar argStringFormat: what stands behind it.
    @ivar credentialInterfaces: what the checkers take.
    """

    argStringFormat = "The path of a file."

    def __init__(self, authType: str, kind: str, authHelp: str, *credentialInterfaces: Any) -> None:
        """
        @param kind: the name of the class of the checkers. It is imported when
            one is made: to look which plugins there are takes no more time.
        """
        self.authType = authType
        self.authHelp = authHelp
        self.credentialInterfaces = credentialInterfaces
        self._kind = kind

    def generateChecker(self, argstring: str) -> Any:
        """
        A checker for a file.

        @param argstring: its path.
        @raise InvalidAuthArgumentString: when there is none.
        @raise AccountFileError: when the file can't be used.
        """
        if not argstring:
            raise InvalidAuthArgumentString(f"{self.authType} needs the path of a file: {self.authType}:FILE")
        return namedAny(self._kind)(argstring)


passwords = FileChecker(
    "pbpasswords",
    "myspread.accounts.PasswordFile",
    """
User names and passwords from a file that 'myspread passwd' keeps, which holds
hashes and no passwords. Clients prove with SCRAM-SHA-256 that they know the
password, or send it over TLS. Login with MD5, the only one that clients on
twisted.spread have, is not possible with such a file.
""",
    IUsernamePassword,
    IScramCredentials,
)

tokens = FileChecker(
    "pbtokens",
    "myspread.accounts.TokenFile",
    """
Tokens from a file that 'myspread token' keeps, which holds their digests. Clients
send their token over TLS.
""",
    ITokenCredentials,
)

certificates = FileChecker(
    "pbcertificates",
    "myspread.accounts.CertificateFile",
    """
The certificates that clients show over TLS: a file that 'myspread cert' keeps says
by their names, or by the pins of their keys, whose they are, and which are revoked.
The port has to ask clients for certificates.
""",
    ICertificateCredentials,
)

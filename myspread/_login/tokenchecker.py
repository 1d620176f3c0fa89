"""
Check tokens against a file of them.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from myspread._login.accountfiles import AccountFile
from myspread._login.accountlines import Records, utf8
from myspread._login.repeating import Repeating
from myspread._login.tokens import Token, digestOf, readToken
from myspread.interfaces import ITokenCredentials

__all__ = ["TokenFile"]

_log = Logger()

MOST_BYTES = 4096
"""Of what may be a token."""


def _same(records: Records[Token]) -> Records[Token]:
    return records


@implementer(ICredentialsChecker)
class TokenFile:
    """
    Checks tokens against a file that C{myspread token} keeps. The avatar id is
    the one that the token was made for, as UTF-8.

    The file is read again whenever it has changed: so a token that is revoked
    is useless from then on.

    @ivar path: where the file is.
    """

    credentialInterfaces = (ITokenCredentials,)

    def __init__(self, path: str, *, clock: Any = None) -> None:
        """
        @param path: where the file is.
        @param clock: a reactor, or another C{IReactorTime}, whose seconds begin in 1970; by default the
            system's.
        @raise AccountFileError: when the file can't be used.
        """
        self._file: AccountFile[Token, Records[Token]] = AccountFile(path, readToken, _same)
        self.path = self._file.path
        self._seconds = time.time if clock is None else clock.seconds
        self._useless = Repeating(_log, self._seconds)

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        """
        Check a token.

        @return: a Deferred of the avatar id. It fails with L{UnauthorizedLogin}
            when the token isn't valid. Only who has it learns that it was.
        """
        return maybeDeferred(self._avatarId, credentials)

    def _avatarId(self, credentials: Any) -> bytes:
        token = credentials.token
        if not isinstance(token, bytes) or len(token) > MOST_BYTES:
            raise UnauthorizedLogin()
        # Who guesses can't choose the digest: so where the search ends tells nothing.
        record = self._file.contents.get(digestOf(token))
        if record is None or not record.isOf(token):
            raise UnauthorizedLogin()
        state = record.state(float(self._seconds()))
        about = {"token": record.id, "avatar": record.avatar, "label": record.label}
        if state != "valid":
            text = "Token {token} of {avatar} ({label}) is {state}, and was used."
            self._useless.warn(record.digest, state, text, state=state, **about)
            raise UnauthorizedLogin(f"this token is {state}")
        self._useless.isOver(record.digest, "Token {token} of {avatar} ({label}) is valid again.", **about)
        return utf8(record.avatar)

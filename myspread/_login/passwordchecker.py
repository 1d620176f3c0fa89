"""
Check logins against a password file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from myspread._login.accountfiles import AccountFile
from myspread._login.accountlines import utf8
from myspread._login.argon2 import requireArgon2
from myspread._login.passwords import Accounts, PasswordRecord, Secret, User, isRight, readPassword
from myspread._login.scram import ScramVerifier
from myspread._login.threads import FewThreads, NobodyWaits, TooManyWait
from myspread.interfaces import IScramCredentials, IScramVerifiers

__all__ = ["PasswordFile"]

_log = Logger()


@implementer(ICredentialsChecker, IScramVerifiers)
class PasswordFile:
    """
    Checks user names and passwords against a file that C{myspread passwd}
    keeps. The avatar id is the name, prepared with SASLprep, as UTF-8.

    It takes passwords that the client sends, which it hashes with Argon2id in a
    thread, and logins with SCRAM-SHA-256. It can't take logins with MD5, the
    only ones of C{twisted.spread}: they would need the password itself.

    The file is read again whenever it has changed. A wrong password and an
    unknown user look the same, and take the same time.

    @ivar path: where the file is.
    """

    credentialInterfaces = (IUsernamePassword, IScramCredentials)

    def __init__(
        self,
        path: str,
        *,
        threads: int = 4,
        waiting: int = 1000,
        runInThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param path: where the file is.
        @param threads: how many passwords are hashed at the same time; each
            takes a processor, and 64 MiB if the file says nothing else. Those
            with several lanes, as is the default, are hashed one after the other.
        @param waiting: how many more logins may wait for that. Each address has
            its turn after each other one; when no more may wait, those of the address
            that has most are refused first.
        @param runInThread: called with function and arguments, runs it in a
            thread; by default in one of the reactor.
        @raise AccountFileError: when the file can't be used, or cryptography is
            older than version 45.
        """
        requireArgon2()
        arrange = partial(Accounts, otherwise=Secret.new())
        self._file: AccountFile[PasswordRecord, Accounts] = AccountFile(path, readPassword, arrange)
        self.path = self._file.path
        self._threads = FewThreads(threads, waiting, runInThread)
        self._toldTooMany = False

    @property
    def iterations(self) -> int:
        """Of SCRAM, as most users have them."""
        return self._file.contents.iterations

    @property
    def secret(self) -> bytes:
        """What the salts of unknown users are made of."""
        return self._file.contents.secret

    def verifierFor(self, username: bytes) -> ScramVerifier | None:
        """
        What SCRAM-SHA-256 needs of a user; None if there is none.
        """
        user = self._file.contents.user(username)
        return None if user is None else user.scram

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes | tuple[()]]:
        """
        Check credentials.

        @return: a Deferred of the avatar id; it fails with
            L{UnauthorizedLogin}.
        """
        accounts = self._file.contents
        user = accounts.user(credentials.username)
        if IScramCredentials.providedBy(credentials):
            return _outcome(_isProven(credentials, user), user)
        if self._toldTooMany and self._threads.isFree:
            self._toldTooMany = False
            _log.info("Logins are checked again: none waits any more.")
        phc = (user and user.argon2) or accounts.impossible
        checked = self._threads.run(
            isRight,
            credentials.password,
            phc,
            isWanted=getattr(credentials, "isWanted", _always),
            source=getattr(credentials, "source", None),
        )
        return checked.addCallbacks(_outcome, self._notChecked, callbackArgs=(user,))

    def _notChecked(self, failure: Failure) -> NoReturn:
        failure.trap(TooManyWait, NobodyWaits)
        if failure.check(NobodyWaits):
            raise UnauthorizedLogin("the client has left before its password was looked at")
        # Strangers can cause as many of these as they like.
        if not self._toldTooMany:
            self._toldTooMany = True
            _log.warn(
                "Logins are refused unchecked: {reason}. What follows of these isn't told, until none waits.",
                reason=failure.getErrorMessage(),
            )
        raise UnauthorizedLogin("too many logins wait to be checked; try again later")


def _always() -> bool:
    return True


def _isProven(credentials: Any, user: User | None) -> bool:
    return user is not None and user.scram is not None and bool(credentials.check(user.scram))


def _outcome(isRight: bool, user: User | None) -> Deferred[bytes | tuple[()]]:
    if user is None or not isRight:
        return fail(UnauthorizedLogin())
    return succeed(utf8(user.name))

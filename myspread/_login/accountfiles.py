"""
Read the files that accounts are kept in, again whenever they have changed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.logger import Logger

from myspread._login.accountlines import AccountFileError, Record, Records

__all__ = ["AccountFile", "readRecords", "requirePrivate"]

_log = Logger()

MOST_BYTES = 256 * 1024 * 1024
"""Of a file. Some millions of accounts belong into a database."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""What nobody but the owner may do."""

R = TypeVar("R", bound=Record)
T = TypeVar("T")


def requirePrivate(status: os.stat_result) -> None:
    """
    Make sure that nobody but its owner can read or write a file.

    @raise AccountFileError: when somebody can, or it is no file.
    """
    if not stat.S_ISREG(status.st_mode):
        raise AccountFileError("this is no file")
    mode = stat.S_IMODE(status.st_mode)
    if mode & OTHERS:
        raise AccountFileError(
            f"others than its owner have access, as its mode is {mode:04o}: change it with chmod 600"
        )
    if status.st_size > MOST_BYTES:
        raise AccountFileError(f"it has {status.st_size} bytes, and may have {MOST_BYTES}")


def _content(path: str) -> tuple[bytes, os.stat_result]:
    # A pipe would make this wait for whoever writes.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        requirePrivate(status)
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read(), status
    finally:
        os.close(descriptor)


def _explained(path: str, error: Exception) -> AccountFileError:
    why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return AccountFileError(f"{path}: {why}")


def readRecords(path: str, read: Callable[[list[str]], R]) -> tuple[Records[R], os.stat_result]:
    """
    Read a file.

    @param read: makes a record of the fields of a line.
    @return: what it holds, and what is known about it.
    @raise AccountFileError: when it can't be used.
    """
    try:
        data, status = _content(path)
        return Records.parse(data, read), status
    except (OSError, AccountFileError) as error:
        raise _explained(path, error) from error


class AccountFile(Generic[R, T]):
    """
    A file, and what was read from it.

    It is looked at whenever it is used, and read when it isn't what it was. If
    it can't be read then, what was read before stays in force. A file that is
    gone has no accounts in it. The log says so once, until it is something else,
    and when it is over: those who log in can cause no more.
    """

    def __init__(self, path: str, read: Callable[[list[str]], R], arrange: Callable[[Records[R]], T]) -> None:
        """
        @param path: where the file is.
        @param read: makes a record of the fields of a line.
        @param arrange: makes of the records what C{contents} is.
        @raise AccountFileError: when it can't be used.
        """
        # Also after the process has gone to another directory, as daemons do.
        self.path = os.path.abspath(path)
        self._read = read
        self._arrange = arrange
        records, status = readRecords(self.path, read)
        self._contents = arrange(records)
        self._state: Any = _stateOf(status)
        self._problem = ""

    @property
    def contents(self) -> T:
        """What the file holds."""
        state = self._stateNow()
        if state != self._state:
            self._readAgain(state)
        return self._contents

    def _stateNow(self) -> Any:
        try:
            return _stateOf(os.stat(self.path))
        except OSError as error:
            return type(error)

    def _readAgain(self, state: Any) -> None:
        if state is FileNotFoundError:
            self._state = state
            self._contents = self._arrange(Records())
            if self._isNew("gone"):
                _log.error("{path} is gone, and with it its accounts.", path=self.path)
            return
        try:
            records, status = readRecords(self.path, self._read)
        except AccountFileError as error:
            # What the system refuses now, it may allow the next time; no change of the file tells.
            self._state = None if isinstance(error.__cause__, OSError) else state
            if self._isNew(str(error)):
                _log.critical(
                    "A file of accounts can't be read, what was read before stays in force: {error}",
                    error=str(error),
                    path=self.path,
                )
            return
        self._contents = self._arrange(records)
        self._state = _stateOf(status)
        what = "can be read again" if self._problem else "has changed"
        self._problem = ""
        _log.info("{path} {what}: {count} records.", path=self.path, what=what, count=len(records))

    def _isNew(self, problem: str) -> bool:
        """Whether nobody has been told of a problem yet."""
        before, self._problem = self._problem, problem
        return problem != before


def _stateOf(status: os.stat_result) -> tuple[int, ...]:
    """What changes when a file does."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

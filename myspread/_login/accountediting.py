"""
Change the files that accounts are kept in: one writer at a time, and whole or
not at all.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TypeVar

from myspread._login.accountfiles import readRecords
from myspread._login.accountlines import AccountFileError, Record, Records

__all__ = ["editing"]

R = TypeVar("R", bound=Record)


@contextmanager
def editing(path: str, read: Callable[[list[str]], R], create: bool = False) -> Iterator[Records[R]]:
    """
    Change a file. Nobody else changes it in the meantime; who reads it sees it
    as it was before, or as it is afterwards.

    The new file has the owner of the old one, and no one else has access. Where
    the path is a symbolic link, it remains one. If the block raises, or changes
    nothing, the file stays.

    @param path: where the file is.
    @param read: makes a record of the fields of a line.
    @param create: whether there may be no such file yet.
    @return: what the file holds. What it is at the end of the block is written.
    @raise AccountFileError: when it can't be read or written.
    """
    path = os.path.realpath(path)
    with _lock(path):
        records, old = _before(path, read, create)
        text = records.text()
        yield records
        try:
            changed = records.text()
        except ValueError as error:
            raise AccountFileError(f"{path}: {error}") from error
        if old is None or changed != text:
            _replace(path, changed.encode("utf-8"), old)


@contextmanager
def _lock(path: str) -> Iterator[None]:
    # The file itself is another one after each change, so its directory stands for it.
    with ExitStack() as stack:
        try:
            directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, directory)
            fcntl.flock(directory, fcntl.LOCK_EX)
        except OSError as error:
            raise AccountFileError(f"{path}: {error.strerror}") from error
        yield


def _before(
    path: str, read: Callable[[list[str]], R], create: bool
) -> tuple[Records[R], os.stat_result | None]:
    if create and not os.path.lexists(path):
        return Records(), None
    return readRecords(path, read)


def _replace(path: str, data: bytes, old: os.stat_result | None) -> None:
    directory, name = os.path.split(path)
    try:
        # With mode 0600.
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=directory)
    except OSError as error:
        raise AccountFileError(f"{path}: {error.strerror}") from error
    try:
        with open(descriptor, "wb") as opened:
            _own(descriptor, old)
            opened.write(data)
            opened.flush()
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise AccountFileError(f"{path}: {error.strerror}") from error
        raise
    _sync(directory)


def _own(descriptor: int, old: os.stat_result | None) -> None:
    """Give a new file to the owner of the old one."""
    new = os.fstat(descriptor)
    if old is not None and (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

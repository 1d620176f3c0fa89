"""
The lines of the files that accounts are kept in.

Such a file is UTF-8 text. Each line holds one record: fields with blanks
between them. A line that begins with C{#} is a comment. A C{-} alone is an
empty field, and C{%} with two hexadecimal digits a byte that can't stand in a
field as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

__all__ = ["AccountFileError", "Record", "Records", "fieldsOf", "joined", "utf8"]

EMPTY = "-"

_broken = re.compile(r"%(?![0-9A-Fa-f]{2})")


class AccountFileError(Exception):
    """
    A file of accounts can't be used. The message is one line: which file, where
    in it, and why.
    """


class Record(Protocol):
    """
    What a line holds.
    """

    @property
    def key(self) -> Hashable:
        """What no other line of the file has."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    def fields(self) -> list[str]:
        """What the line says."""


R = TypeVar("R", bound=Record)


def _quoted(field: str) -> str:
    """A field as it stands in a line."""
    if not field:
        return EMPTY
    if field == EMPTY or field.startswith("#"):
        return _escaped(field[0]) + _quotedInside(field[1:])
    return _quotedInside(field)


def _quotedInside(text: str) -> str:
    if text.isprintable() and " " not in text and "%" not in text:
        return text
    return "".join(each if each.isprintable() and each not in " %" else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in utf8(character))


def _unquoted(field: str) -> str:
    if field == EMPTY:
        return ""
    if "%" not in field:
        return field
    if _broken.search(field):
        raise ValueError(f"in {field!r}, a % stands without two hexadecimal digits: write %25")
    try:
        return unquote_to_bytes(field).decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{field!r} doesn't stand for UTF-8") from None


def utf8(text: str) -> bytes:
    """
    The bytes of a text.

    @raise ValueError: when it has half of a surrogate pair.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("this is no text: it has bytes in it that aren't UTF-8") from None


def fieldsOf(line: str) -> list[str]:
    """
    The fields of a line.

    @raise ValueError: when one of them isn't well quoted.
    """
    return [_unquoted(each) for each in line.split()]


def joined(fields: list[str]) -> str:
    """The line that has some fields."""
    return " ".join(map(_quoted, fields))


class Records(Generic[R]):
    """
    What a file holds: its records, with its comments between them, in order.
    """

    def __init__(self) -> None:
        # By key the records, by a number of their own the lines that hold none.
        self._lines: dict[Hashable, R | str] = {}

    @classmethod
    def parse(cls, data: bytes, read: Callable[[list[str]], R]) -> Records[R]:
        """
        Read the text of a file.

        @param read: makes a record of the fields of a line. It raises
            L{ValueError} when it can't.
        @raise AccountFileError: when a line is wrong. The message says which,
            and doesn't name the file.
        """
        records: Records[R] = cls()
        numbers: dict[Hashable, int] = {}
        # Not splitlines, which takes other things for the end of a line, too.
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            try:
                record = records._read(number, line.removesuffix(b"\r"), read)
            except ValueError as error:
                raise AccountFileError(f"line {number}: {error}") from None
            if record is not None:
                first = numbers.setdefault(record.key, number)
                if first != number:
                    raise AccountFileError(f"line {number}: {record.name} has line {first} already")
        records._dropLastEnd()
        return records

    def _read(self, number: int, line: bytes, read: Callable[[list[str]], R]) -> R | None:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise ValueError("this isn't UTF-8") from None
        if not text.strip() or text.lstrip().startswith("#"):
            self._lines[_Number(number)] = text
            return None
        record = read(fieldsOf(text))
        self._lines.setdefault(record.key, record)
        return record

    def _dropLastEnd(self) -> None:
        """Nothing stands behind the end of the last line."""
        last = next(reversed(self._lines))
        if self._lines[last] == "":
            del self._lines[last]

    def __iter__(self) -> Iterator[R]:
        return (line for line in self._lines.values() if not isinstance(line, str))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get(self, key: Hashable) -> R | None:
        """The record with a key, if there is one."""
        line = self._lines.get(key)
        return None if isinstance(line, str) else line

    def put(self, record: R) -> None:
        """Put a record in place of the one with its key, or at the end."""
        self._lines[record.key] = record

    def remove(self, key: Hashable) -> None:
        """
        Take a record out.

        @raise KeyError: when there is none.
        """
        del self._lines[key]

    def text(self) -> str:
        """The text of the file."""
        lines = (line if isinstance(line, str) else joined(line.fields()) for line in self._lines.values())
        return "".join(f"{line}\n" for line in lines)


class _Number(int):
    """The number of a line, which is the key of no record."""

    __slots__ = ()

    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Number) and int(self) == int(other)

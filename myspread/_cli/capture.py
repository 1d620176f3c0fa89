"""
Files of messages that were tapped. Each line is a JSON object: C{time}, C{connection},
C{from} (C{client} or C{server}), and C{data}, the message in Banana as base64; or
C{event} in its place. Secrets are masked before anything is written.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from myspread._cli.errors import Failed
from myspread._cli.usage import UsageError
from myspread._codec import PB, Decoder, encode
from myspread.banana import BananaError
from myspread.limits import Limits

__all__ = ["Capture", "Record", "recordsIn"]

_FIRST = {"format": "myspread tap", "version": 1}

LIMITS = Limits()


class Record(NamedTuple):
    """
    One thing that was tapped.

    @ivar time: when, in seconds since 1970.
    @ivar connection: its number.
    @ivar fromClient: which side it came from.
    @ivar expression: the message; None if it is no message.
    @ivar event: what has happened otherwise.
    """

    time: float
    connection: int
    fromClient: bool
    expression: Any = None
    event: str = ""


class Capture:
    """
    Writes a file.
    """

    def __init__(self, path: str) -> None:
        """
        @raise UsageError: when there is such a file, or it can't be made.
        """
        try:
            # Secrets aside, what programs say to each other is nobody's business.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise UsageError(f"--write {path}: {error.strerror}") from None
        self._file: IO[str] = open(descriptor, "w", encoding="ascii", buffering=1)
        self._line(_FIRST)

    def write(self, record: Record) -> None:
        """One more line."""
        line: dict[str, Any] = {
            "time": record.time,
            "connection": record.connection,
            "from": "client" if record.fromClient else "server",
        }
        if record.event:
            line["event"] = record.event
        else:
            data = encode(record.expression, PB, LIMITS)
            line["data"] = base64.b64encode(data).decode("ascii")
        self._line(line)

    def _line(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """That was all."""
        self._file.close()


def recordsIn(path: str) -> Iterator[Record]:
    """
    What is in a file.

    @raise UsageError: when it can't be read.
    @raise Failed: when it isn't what L{Capture} has written.
    """
    try:
        file = open(path, encoding="ascii", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"--read {path}: {error.strerror}") from None
    with file:
        _checkFirst(path, file)
        for number, line in enumerate(file, 2):
            try:
                yield _record(json.loads(line))
            except (ValueError, KeyError, TypeError, RecursionError, BananaError) as error:
                raise Failed(f"{path}, line {number}: {type(error).__name__}: {error}") from None


def _checkFirst(path: str, file: IO[str]) -> None:
    try:
        if json.loads(file.readline()) == _FIRST:
            return
    except (ValueError, RecursionError):
        # It has no JSON, or nothing at all, in it.
        pass
    raise Failed(f"{path}, line 1: this is no file of 'myspread tap --write', or of another version")


def _record(line: dict[str, Any]) -> Record:
    start = float(line["time"]), int(line["connection"]), line["from"] == "client"
    if "event" in line:
        return Record(*start, event=str(line["event"]))
    try:
        data = base64.b64decode(line["data"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"no base64: {error}") from None
    (expression,) = Decoder(LIMITS, PB).feed(data)
    return Record(*start, expression=expression)

"""
Values as JSON, for programs.

What JSON has no form for is an object with one member whose name begins with
C{$}: C{{"$bytes": "aGk="}}. Tuples are lists.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
from decimal import Decimal
from typing import Any

from myspread import jelly, pb
from myspread._cli.text import shortened
from myspread._cli.unknown import Unknown

__all__ = ["TooLarge", "jsonLine", "jsonOf", "jsonText"]

DEEPEST = 100
MOST = 1_000_000


class TooLarge(ValueError):
    """A value is too deep, or would be too long, as JSON; it may hold the same list very often."""


class _Writer:
    """Makes one value something that C{json} can write."""

    def __init__(self) -> None:
        self._left = MOST
        self._inside: list[int] = []

    def convert(self, value: Any) -> Any:
        """The value in terms of JSON."""
        self._left -= 1
        if self._left < 0:
            raise TooLarge(f"it has more than {MOST} parts")
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$float": str(value)}
        scalar = self._scalar(value)
        return self._container(value) if scalar is None else scalar

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return {"$bytes": base64.b64encode(value).decode("ascii")}
        if isinstance(value, Decimal):
            return {"$decimal": str(value)}
        if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
            return {f"${type(value).__name__}": value.isoformat()}
        if isinstance(value, datetime.timedelta):
            return {"$timedelta": value.total_seconds()}
        if isinstance(value, pb.RemoteReference):
            return {"$reference": self.convert(value.luid)}
        if isinstance(value, jelly.Unpersistable):
            return {"$unpersistable": str(value.reason)}
        return None

    def _container(self, value: Any) -> Any:
        if id(value) in self._inside:
            return {"$cycle": self._inside[::-1].index(id(value)) + 1}
        if len(self._inside) >= DEEPEST:
            raise TooLarge(f"it is nested more than {DEEPEST} deep")
        self._inside.append(id(value))
        converted = self._open(value)
        self._inside.pop()
        return converted

    def _open(self, value: Any) -> Any:
        if isinstance(value, Unknown):
            kind = "$cache" if value.isCache else "$copy"
            return {kind: value.tag, "state": self.convert(value.state)}
        if isinstance(value, (list, tuple)):
            return [self.convert(each) for each in value]
        if isinstance(value, (set, frozenset)):
            return {"$set": [self.convert(each) for each in value]}
        if isinstance(value, dict):
            if all(isinstance(key, str) and not key.startswith("$") for key in value):
                return {key: self.convert(each) for key, each in value.items()}
            return {"$dictionary": [[self.convert(key), self.convert(each)] for key, each in value.items()]}
        return {"$other": shortened(repr(value), 1000)}


def jsonOf(value: Any) -> Any:
    """
    A value in terms of JSON.

    @raise TooLarge: when there is too much of it.
    """
    return _Writer().convert(value)


def jsonText(value: Any) -> str:
    """
    A value as JSON, on several lines. Nothing in it controls a terminal.

    @raise TooLarge: when there is too much of it.
    """
    return json.dumps(jsonOf(value), indent=2)


def jsonLine(value: Any) -> str:
    """
    What is in terms of JSON already, on one line.
    """
    return json.dumps(value)

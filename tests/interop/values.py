"""
Values of every type that Jelly carries. Both peers make them by name, so each
can check what it got without relying on what it would have sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

__all__ = ["STRING_LIMIT", "VALUES", "VOCABULARY"]

STRING_LIMIT = 640 * 1024
"""The longest byte string that Banana carries."""

VOCABULARY = (
    "None class dereference reference dictionary function instance list module persistent tuple "
    "unpersistable copy cache cached remote local lcache version login password challenge logged_in "
    "not_logged_in cachemessage message answer error decref decache uncache"
).split()
"""The words that dialect C{pb} sends as numbers."""


def around(value: int) -> list[int]:
    """A number, its neighbours, and the same on the other side of zero."""
    return [sign * (value + offset) for sign in (1, -1) for offset in (-1, 0, 1)]


def shared() -> Any:
    """Each kind of container, met several times."""
    pair, names, numbers = ("a", 1), {"name": b"x"}, [1, 2]
    members, frozen = {1, pair}, frozenset([pair, "b"])
    return [
        pair,
        names,
        numbers,
        members,
        frozen,
        (pair, frozen),
        {"again": [names, numbers, members]},
        frozen,
        pair,
    ]


def listCircle() -> Any:
    """A list that contains itself, also through others."""
    circle: list[Any] = [1]
    circle += [circle, [circle, {"circle": circle}]]
    return circle


def dictionaryCircle() -> Any:
    """Two dictionaries that contain each other."""
    one: dict[str, Any] = {"name": "one"}
    two: dict[str, Any] = {"name": "two", "other": one}
    one["other"] = two
    return [one, two]


def tupleCircle() -> Any:
    """A tuple that contains itself through a list."""
    parts: list[Any] = ["first"]
    circle = (parts, 2)
    parts.append(circle)
    return circle


def innerTupleCircle() -> Any:
    """A list that contains itself through a tuple and a dictionary."""
    parts: list[Any] = []
    parts.append((parts, {"parts": (parts,)}))
    return parts


def deep() -> Any:
    """Lists nested as deeply as every implementation can take."""
    value: list[Any] = []
    for _ in range(100):
        value = [value]
    return value


VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "booleans": lambda: [True, False],
    "smallIntegers": lambda: [0, 1, -1, 127, 128, -127, -128],
    "integersAtTheEdges": lambda: around(2**31) + around(2**32) + around(2**63) + around(2**64),
    "largestIntegers": lambda: [2**448 - 1, -(2**448) + 1, 2**447],
    "floats": lambda: [0.0, -0.0, 1.5, -1e308, 5e-324, 0.1],
    "infinities": lambda: [math.inf, -math.inf],
    "notANumber": lambda: math.nan,
    "bytes": lambda: [b"", b"x", bytes(range(256))],
    "vocabularyAsBytes": lambda: [word.encode() for word in VOCABULARY],
    "text": lambda: ["", "x", "a\x00b", "Zürich", "\u20ac", "\U0001d11e and \U0001f427"],
    "vocabularyAsText": lambda: list(VOCABULARY),
    "vocabularyAsKeys": lambda: {word.encode(): word for word in VOCABULARY},
    "lists": lambda: [[], [1], [[2], [[]]]],
    "tuples": lambda: [(), (1,), ((), (2, (3,)))],
    "dictionaries": lambda: [{}, {"a": 1}, {b"a": {1: (2,)}, ("k", 1): None, 1.5: "x", None: True}],
    "sets": lambda: [set(), {1, "a", b"a", (2, 3), None}],
    "frozensets": lambda: [frozenset(), frozenset([1, frozenset(["a"])]), {frozenset([2])}],
    "datetimes": lambda: [datetime.min, datetime.max, datetime(2024, 2, 29, 12, 30, 1, 5)],
    "dates": lambda: [date.min, date.max, date(2024, 2, 29)],
    "times": lambda: [time.min, time.max, time(12, 30)],
    "timedeltas": lambda: [timedelta.min, timedelta.max, timedelta(0), timedelta(-1, 5, 7)],
    "decimals": lambda: list(map(Decimal, ("0", "0.00", "1.50", "-3.14", "1E+400", "1E-400", "9" * 60))),
    "largestBytes": lambda: b"x" * STRING_LIMIT,
    "largestText": lambda: "ü" * (STRING_LIMIT // 2),
    "manyElements": lambda: list(range(5000)),
    "shared": shared,
    "sharedEmptyTuple": lambda: [(), [()], {"a": ()}],
    "listCircle": listCircle,
    "dictionaryCircle": dictionaryCircle,
    "tupleCircle": tupleCircle,
    "innerTupleCircle": innerTupleCircle,
    "deep": deep,
}
"""A function for each, by name: identity matters, so each call makes a new one."""

"""
Compare object graphs: values, types, and which of the objects are the same.
"""

from __future__ import annotations

import datetime
import decimal
import struct
from collections.abc import Iterable
from typing import Any

__all__ = ["difference"]

_EXACT = (
    type(None),
    bool,
    int,
    bytes,
    str,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
)


def difference(left: Any, right: Any) -> str:
    """
    Where two object graphs differ.

    They are equal when a walk through both at once meets the same types and
    values everywhere, and meets an object again on the one side exactly where
    it meets its counterpart again on the other. A NaN equals the same NaN, and
    -0.0 doesn't equal 0.0. The order of a dictionary counts, unless it has keys
    that may contain the dictionary.

    @return: the path to the first difference and what differs there, or the
        empty string if the graphs are equal.
    """
    partners: dict[int, int] = {}
    owners: dict[int, int] = {}
    kept: list[Any] = []
    rest = [("value", left, right)]
    while rest:
        path, one, other = rest.pop()
        if type(one) is not type(other):
            return f"{path}: {one!r:.200} is a {type(one)}, {other!r:.200} a {type(other)}"
        if isLeaf(one):
            if leafKey(one) != leafKey(other):
                return f"{path}: {one!r:.200} is not {other!r:.200}"
            continue
        known = partners.setdefault(id(one), id(other)), owners.setdefault(id(other), id(one))
        if known != (id(other), id(one)):
            return f"{path}: objects are shared differently"
        # An id stays the object's own only as long as the object lives.
        if len(kept) == 2 * len(partners):
            continue
        kept += (one, other)
        mine, theirs = parts(one), parts(other)
        if len(mine) != len(theirs):
            return f"{path}: {len(mine)} parts, not {len(theirs)}: {one!r:.200} and {other!r:.200}"
        rest += [
            (f"{path}{step}", part, counterpart)
            for (step, part), (_, counterpart) in reversed(list(zip(mine, theirs, strict=True)))
        ]
    return ""


def isLeaf(value: Any) -> bool:
    """Whether C{value} has no parts and no identity of its own."""
    return type(value) in _EXACT or isinstance(value, (float, decimal.Decimal, type))


def leafKey(value: Any) -> Any:
    """What two leaves of the same type have in common only if they are equal."""
    if isinstance(value, float):
        return struct.pack("!d", value)
    if isinstance(value, decimal.Decimal):
        return value.as_tuple()
    return value


def parts(value: Any) -> list[tuple[str, Any]]:
    """The parts of an object, each with the step of the path that leads to it."""
    if isinstance(value, (list, tuple)):
        return [(f"[{index}]", part) for index, part in enumerate(value)]
    if isinstance(value, dict):
        keys = list(value) if all(map(isLeaf, value)) else inOrder(value)
        return [(f"{{key {key!r:.40}}}", key) for key in keys] + [
            (f"[{key!r:.40}]", value[key]) for key in keys
        ]
    if isinstance(value, (set, frozenset)):
        return [("{item}", member) for member in inOrder(value)]
    return [(".__dict__", vars(value))]


def inOrder(members: Iterable[Any]) -> list[Any]:
    """The members of a set, or the keys of a dictionary, by their shapes."""
    return sorted(members, key=lambda member: repr(shape(member)))


def shape(member: Any) -> Any:
    """
    What the members of a set are ordered by: their values, and of instances
    the plain attributes, for only through these can there be a circle.
    """
    if isLeaf(member):
        return type(member).__name__, leafKey(member)
    if isinstance(member, tuple):
        return "tuple", [shape(part) for part in member]
    if isinstance(member, frozenset):
        return "frozenset", sorted(repr(shape(part)) for part in member)
    plain = {name: leafKey(part) for name, part in sorted(vars(member).items()) if isLeaf(part)}
    return type(member).__name__, plain

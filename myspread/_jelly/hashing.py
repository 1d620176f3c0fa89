"""
Keys of dictionaries and members of sets that a peer has chosen.

Python compares a new key with every other one that has the same hash, and the
hash of a number, or of a tuple of numbers, is easily foreseen. So a message of
some kilobytes could keep us busy for minutes. The hashes of str and bytes are
different in each process; nothing can be aimed at those.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from myspread._errors import MalformedJelly

__all__ = ["Keys", "Weights", "checkKeys", "isIdentity"]

_FEW = 64
"""How many keys may have any hashes."""

_COMPARISONS = 32
"""With how many others a key may share its hash, on the average. Some do: -1 and -2."""

_SAFE = frozenset({str, bytes, bool, type(None), float})
"""Types whose hashes can't be foreseen, or are shared by at most some two hundred: as floats' are."""

_OWN_HASH = sys.hash_info.modulus
"""Integers that are smaller than this have hashes of their own."""

_LARGEST_ID = 2**53

_HEAVIEST = 2**22
"""How many elements the hashing of one message may look at."""

_LIGHT = 2**17
"""How many it may look at in any message, however short."""

_EACH = 128
"""How often it may look at each element that the message has."""


def isIdentity(value: Any) -> bool:
    """
    Whether C{value} may be the id of a reference inside of a message. They count
    from one, or are names.
    """
    return isinstance(value, bytes) or isinstance(value, int) and 0 <= value <= _LARGEST_ID


def _crowded(count: int, pairs: int) -> bool:
    """
    Whether comparing keys would take too long.

    @param count: how many keys there are.
    @param pairs: how many pairs of them have the same hash.
    """
    return pairs > _COMPARISONS * max(count, _FEW)


def _refusal(count: int) -> MalformedJelly:
    return MalformedJelly(f"too many of {count} keys have the same hash")


def checkKeys(keys: Sequence[Any]) -> None:
    """
    Refuse keys that are made to collide, before they are put into a dictionary
    or set.

    @raise MalformedJelly: when they are.
    @raise TypeError: when one can't be hashed.
    """
    if len(keys) <= _FEW:
        return
    kinds = set(map(type, keys))
    if kinds <= _SAFE:
        return
    if kinds == {int} and -_OWN_HASH < min(keys) and max(keys) < _OWN_HASH:
        return
    hashes = [hash(key) for key in keys if _isRisky(key)]
    if len(set(hashes)) < len(hashes):
        pairs = sum(count * (count - 1) // 2 for count in Counter(hashes).values())
        if _crowded(len(hashes), pairs):
            raise _refusal(len(keys))


def _isRisky(key: Any) -> bool:
    kind = type(key)
    return kind not in _SAFE and not (kind is int and -_OWN_HASH < key < _OWN_HASH)


class Keys:
    """
    As L{checkKeys}, for keys that come one by one.
    """

    __slots__ = ("_hashes", "_number", "_pairs")

    def __init__(self) -> None:
        self._hashes: Counter[int] = Counter()
        self._number = 0
        self._pairs = 0

    def add(self, key: Any) -> None:
        """
        Check one more.

        @raise MalformedJelly: when too many have collided by now.
        @raise TypeError: when it can't be hashed.
        """
        if not _isRisky(key):
            return
        place = hash(key)
        self._number += 1
        self._pairs += self._hashes[place]
        self._hashes[place] += 1
        if _crowded(self._number, self._pairs):
            raise _refusal(self._number)


class Weights:
    """
    How much there is to hash in the keys of one message that has references.

    A tuple that holds another one twice, which holds another one twice, and so
    on, is short as a message, and endless for C{hash}.
    """

    __slots__ = ("_elements", "_hashed", "_known")

    def __init__(self) -> None:
        # The tuples themselves as well, since ids are given anew.
        self._known: dict[int, tuple[Any, int]] = {}
        self._elements = 0
        self._hashed = 0

    def check(self, keys: Iterable[Any]) -> None:
        """
        Refuse keys that are too heavy, before they are hashed.

        @raise MalformedJelly: when they are, with those before.
        """
        for key in keys:
            if type(key) is tuple or type(key) is frozenset:
                self._hashed += self._weigh(key)
                if self._hashed > min(_HEAVIEST, _LIGHT + _EACH * self._elements):
                    raise MalformedJelly("its keys hold each other too often to be hashed")

    def _weigh(self, key: Any) -> int:
        """How many elements a tuple holds, and those in it, each as often as it is met."""
        known = self._known
        todo = [key]
        while todo:
            part = todo[-1]
            if id(part) in known:
                todo.pop()
                continue
            inner = [each for each in part if type(each) is tuple or type(each) is frozenset]
            missing = [each for each in inner if id(each) not in known]
            todo += missing
            if not missing:
                self._elements += len(part)
                known[id(part)] = (part, len(part) + sum(known[id(each)][1] for each in inner))
        return known[id(key)][1]

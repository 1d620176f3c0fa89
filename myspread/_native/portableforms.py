"""
Reading the forms of plain values, for L{myspread._native.portable}.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any, Final

from myspread._native.portabletables import (
    DEEPEST,
    FEW_KEYS,
    FLOAT,
    HEAD,
    INT,
    KEPT,
    LIST,
    LONGEST_KEPT,
    LONGINT,
    LONGNEG,
    NEG,
    NOT_PLAIN,
    PAIR,
    STRING,
    UNREADABLE,
    VOCAB,
    NotPlain,
    Tables,
    unpackFloat,
)

__all__ = ["FormReader"]


class FormReader:
    """
    Reads forms of plain values, in one dialect and within some limits.
    """

    def __init__(
        self, tables: Tables, stringLength: int, listLength: int, nestingDepth: int, elements: int
    ) -> None:
        """
        The bounds are the fields of C{Limits}.
        """
        self._tables = tables
        self._heads = tables.headsRead
        self._text, self._textSize = tables.text, len(tables.text)
        self._pairText, self._pairTextSize = tables.pairText, len(tables.pairText)
        self._stringLength = stringLength
        self._listLength = listLength
        self._nestingDepth = min(nestingDepth, DEEPEST)
        self._mostElements = elements
        self._elements = 0

    def _digits(self, data: bytes, position: int) -> tuple[int, int, int]:
        """A number, the type byte behind it, and what follows."""
        number = data[position]
        kind = data[position + 1]
        if number > 127:
            return 0, number, position + 1
        if kind > 127:
            return number, kind, position + 2
        number |= kind << 7
        kind = data[position + 2]
        if kind > 127:
            return number, kind, position + 3
        number |= kind << 14
        for place in (3, 4, 5):
            kind = data[position + place]
            if kind > 127:
                return number, kind, position + place + 1
            number |= kind << 7 * place
        raise NotPlain

    def _atom(self, data: bytes, position: int) -> tuple[Any, int]:
        """An element that is no list, and what follows."""
        number, kind, position = self._digits(data, position)
        if kind == INT or kind == LONGINT:
            return number, position
        if kind == STRING:
            if number > self._stringLength:
                raise NotPlain
            return data[position : position + number], position + number
        if kind == VOCAB:
            word = self._tables.vocabulary[number]
            if word is None:
                raise NotPlain
            return word, position
        if kind == NEG or kind == LONGNEG:
            return -number, position
        if kind == FLOAT:
            return unpackFloat(data, position)[0], position + 8
        raise NotPlain

    def form(self, data: bytes, position: int, depth: int) -> tuple[Any, int]:
        """
        The value of the form at C{position}, and what follows it.

        @param depth: how many lists stand around it.
        """
        head = self._heads.get(data[position : position + HEAD])
        if head is None:
            return self._unusualForm(data, position, depth)
        return self._container(data, position + HEAD, head, depth)

    def _container(self, data: bytes, position: int, head: tuple[int, Any], depth: int) -> tuple[Any, int]:
        """
        A container, and what follows it.

        @param head: what it begins with: how many elements its form has, and its type.
        """
        size, kind = head
        self._elements += size
        if depth + 2 >= self._nestingDepth:
            raise NotPlain
        if size == 1:
            return kind(), position
        if kind is dict:
            return self._dictionary(data, position, size - 1, depth + 2)
        values, position = self._values(data, position, size - 1, depth + 1)
        return (values if kind is list else tuple(values)), position

    def _unusualForm(self, data: bytes, position: int, depth: int) -> tuple[Any, int]:
        """A form that doesn't begin as nearly all containers do."""
        size, kind, position = self._digits(data, position)
        self._elements += size
        if (
            kind != LIST
            or not 0 < size <= self._listLength
            or depth + 2 >= self._nestingDepth
            or self._elements > self._mostElements
            or size > len(data) - position
        ):
            raise NotPlain
        tag, position = self._atom(data, position)
        if tag == b"dictionary":
            return self._dictionary(data, position, size - 1, depth + 2)
        make = _MAKE.get(tag)
        if make is None:
            return self._small(tag, data, position, size)
        values, position = self._values(data, position, size - 1, depth + 1)
        if make is not _same and make is not tuple and size > FEW_KEYS:
            _checkKeys(values)
        return make(values), position

    def _small(self, tag: Any, data: bytes, position: int, size: int) -> tuple[Any, int]:
        """None, a boolean or a text, given its tag."""
        if tag == b"None" and size == 1:
            return None, position
        word, position = self._atom(data, position)
        if size != 2 or type(word) is not bytes:
            raise NotPlain
        if tag == b"unicode":
            return word.decode(), position
        if tag != b"boolean" or word not in (b"true", b"false"):
            raise NotPlain
        return word == b"true", position

    def _key(self, written: bytes) -> str:
        key = written.decode()
        if len(written) <= LONGEST_KEPT:
            kept = self._tables.keysRead
            if len(kept) >= KEPT:
                kept.clear()
            kept[written] = key
        return key

    def _values(self, data: bytes, position: int, count: int, depth: int) -> tuple[list[Any], int]:
        """
        The values of forms, one after the other, and what follows them.

        @param depth: how many lists stand around them.
        """
        values: list[Any] = []
        append = values.append
        for _ in repeat(None, count):
            first = data[position]
            if first > 127:
                value, position = self._atom(data, position)
                append(value)
                continue
            kind = data[position + 1]
            if kind == INT:
                append(first)
                position += 2
                continue
            if kind == LIST and first == 2 and data.startswith(self._text, position):
                begin = position + self._textSize + 2
                size = data[begin - 2]
                if size < 128 and data[begin - 1] == STRING:
                    position = begin + size
                    append(data[begin:position].decode())
                    continue
            value, position = self._value(data, position, depth)
            append(value)
        # The texts in it that were counted nowhere else; they had their place.
        self._elements += 2 * count
        return values, position

    def _dictionary(self, data: bytes, position: int, count: int, depth: int) -> tuple[dict[Any, Any], int]:
        """
        The dictionary of so many pairs, and what follows them.

        @param depth: how many lists stand around what is in the pairs.
        """
        made: dict[Any, Any] = {}
        text, textSize = self._text, self._textSize
        pairText, pairTextSize = self._pairText, self._pairTextSize
        known = self._tables.keysRead
        startswith = data.startswith
        for _ in repeat(None, count):
            key: Any = None
            if startswith(pairText, position):
                begin = position + pairTextSize + 2
                size = data[begin - 2]
                if size < 128 and data[begin - 1] == STRING:
                    position = begin + size
                    written = data[begin:position]
                    key = known.get(written)
                    if key is None:
                        key = self._key(written)
            if key is None:
                key, position = self._unusualKey(data, position, depth, count)
            # As in _values.
            first = data[position]
            if first > 127:
                made[key], position = self._atom(data, position)
                continue
            kind = data[position + 1]
            if kind == INT:
                made[key] = first
                position += 2
                continue
            if kind == LIST and first == 2 and startswith(text, position):
                begin = position + textSize + 2
                size = data[begin - 2]
                if size < 128 and data[begin - 1] == STRING:
                    position = begin + size
                    made[key] = data[begin:position].decode()
                    continue
            made[key], position = self._value(data, position, depth)
        # The pairs, and the texts in them that were counted nowhere else.
        self._elements += 6 * count
        return made, position

    def _unusualKey(self, data: bytes, position: int, depth: int, count: int) -> tuple[Any, int]:
        """A key that is no short text, given what a pair of so many begins with."""
        if not data.startswith(PAIR, position):
            raise NotPlain
        key, position = self._value(data, position + 2, depth)
        if count >= FEW_KEYS:
            _checkKeys([key])
        return key, position

    def _value(self, data: bytes, position: int, depth: int) -> tuple[Any, int]:
        if self._digits(data, position)[1] == LIST:
            return self.form(data, position, depth)
        return self._atom(data, position)

    def again(self, data: bytes, position: int) -> Any:
        """The value of the form at C{position}, which was read before."""
        self._elements = 0
        try:
            return self.form(data, position, 1)[0]
        except UNREADABLE:
            return NOT_PLAIN

    def lists(self, data: bytes, position: int) -> Any:
        """
        The expression at C{position} as lists. It was read before, and is
        nested no deeper than that allows.
        """
        return self._expression(data, position)[0]

    def _expression(self, data: bytes, position: int) -> tuple[Any, int]:
        number, kind, following = self._digits(data, position)
        if kind != LIST:
            return self._atom(data, position)
        made = []
        position = following
        for _ in repeat(None, number):
            element, position = self._expression(data, position)
            made.append(element)
        return made, position


_HARMLESS: Final = frozenset({str, bytes, int, float, bool, type(None)})
"""Types of keys whose hashes nobody can choose: integers as large as that aren't read here."""


def _same(values: list[Any]) -> list[Any]:
    return values


_MAKE: Final[dict[Any, Callable[[list[Any]], Any]]] = {
    b"list": _same,
    b"tuple": tuple,
    b"set": set,
    b"frozenset": frozenset,
}


def _checkKeys(keys: list[Any]) -> None:
    """Leave keys whose hashes a peer could have chosen to who knows them better."""
    if not _HARMLESS.issuperset(map(type, keys)):
        raise NotPlain

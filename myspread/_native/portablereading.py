"""
The half of L{myspread._native.portable} that reads.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any, Final

from myspread._native.portabletables import (
    ALL,
    DEEPEST,
    FEW_KEYS,
    FLOAT,
    INT,
    KEPT,
    LEAST,
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

__all__ = ["Raw", "Reader"]


class Raw:
    """
    An expression that has arrived: its bytes, and the value that it is the form
    of.
    """

    __slots__ = ("_data", "_reader", "_start", "_value")

    def __init__(self, reader: Reader, data: bytes, start: int, value: Any) -> None:
        """
        @param reader: has read it.
        @param data: it stands in these bytes.
        @param start: where it begins there.
        @param value: what it is the form of.
        """
        self._reader = reader
        self._data = data
        self._start = start
        self._value = value

    def expand(self) -> Any:
        """The expression as lists, as the decoder makes them."""
        return self._reader.lists(self._data, self._start)

    def plain(self, mask: int) -> Any:
        """
        The value of the expression's form, or L{NOT_PLAIN}.

        @param mask: which of the L{TAGS} are allowed, a bit for each.
        """
        if mask != ALL:
            return NOT_PLAIN
        value, self._value = self._value, NOT_PLAIN
        if value is NOT_PLAIN:
            # It was taken before, and may have been changed since.
            value = self._reader.again(self._data, self._start)
        return value


class Reader:
    """
    Reads whole messages of plain values, in one dialect and within some limits.
    """

    def __init__(
        self,
        tables: Tables,
        stringLength: int,
        listLength: int,
        prefixLength: int,
        nestingDepth: int,
        messageLength: int,
        elements: int,
    ) -> None:
        """
        The bounds are the fields of C{Limits}.
        """
        self._tables = tables
        self._stringLength = stringLength
        self._listLength = listLength
        self._nestingDepth = min(nestingDepth, DEEPEST)
        self._messageLength = messageLength
        self._mostElements = elements
        self._usable = stringLength >= LEAST and listLength >= LEAST and prefixLength >= 6
        self._elements = 0
        # The object, method and so on of a call that was read, as it is written.
        self._call: list[Any] = []
        self._callWritten: bytes | None = None
        self._missed = 0

    def message(self, data: bytes, start: int) -> tuple[list[Any], int] | None:
        """
        The message that begins at C{start}, and where it ends; None for one
        that isn't plain, or isn't whole.
        """
        try:
            size = data[start]
            if data[start + 1] != LIST or size > LEAST or not self._usable:
                return None
            self._elements = size
            fields, position = self._beginning(data, start)
            append = fields.append
            vocabulary = self._tables.vocabulary
            for _ in repeat(None, size - len(fields)):
                # The commonest elements are written out: that is faster.
                first, kind = data[position], data[position + 1]
                if first < 128:
                    if kind == INT:
                        append(first)
                        position += 2
                        continue
                    if kind == VOCAB and vocabulary[first] is not None:
                        append(vocabulary[first])
                        position += 2
                        continue
                    if kind == STRING:
                        begin = position + 2
                        position = begin + first
                        append(data[begin:position])
                        continue
                    if kind < 128 and data[position + 2] == INT:
                        append(first | kind << 7)
                        position += 3
                        continue
                    if kind == LIST or kind < 128 and self._digits(data, position)[1] == LIST:
                        value, end = self.form(data, position, 1)
                        append(Raw(self, data, position, value))
                        position = end
                        continue
                value, position = self._atom(data, position)
                append(value)
        except UNREADABLE:
            return None
        # What is cut off has been read as if it were shorter.
        if (
            position > len(data)
            or position - start > self._messageLength
            or self._elements > self._mostElements
        ):
            return None
        return fields, position

    def _beginning(self, data: bytes, start: int) -> tuple[list[Any], int]:
        """
        What a call or an answer begins with, and what follows: their numbers,
        and of a call that is like one before nearly all.
        """
        tables = self._tables
        if data.startswith(tables.callHead, start):
            head = tables.callHead
        elif data.startswith(tables.answerHead, start):
            head = tables.answerHead
        else:
            return [], start + 2
        position = start + len(head)
        request, kind = data[position], data[position + 1]
        if request > 127:
            return [], start + 2
        if kind == INT:
            position += 2
        elif kind < 128 and data[position + 2] == INT:
            request |= kind << 7
            position += 3
        else:
            return [], start + 2
        if head is tables.answerHead:
            return [b"answer", request], position
        known = self._callWritten
        if known is not None and data.startswith(known, position):
            return [b"message", request, *self._call], position + len(known)
        self._missed += 1
        if not self._missed & 7:
            self._learn(data, position)
        return [b"message", request], position

    def _learn(self, data: bytes, start: int) -> None:
        """Keep what comes after the number of a call: often there are many like it."""
        fields = []
        position = start
        for _ in range(3):
            field, position = self._atom(data, position)
            fields.append(field)
        if position <= len(data) and position - start <= 2 * LEAST:
            self._call = fields
            self._callWritten = data[start:position]

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
        size, kind = data[position], data[position + 1]
        if kind == LIST and size < 128:
            position += 2
        else:
            size, kind, position = self._digits(data, position)
        self._elements += size
        if (
            kind != LIST
            or not 0 < size <= self._listLength
            or depth + 2 >= self._nestingDepth
            or self._elements > self._mostElements
        ):
            raise NotPlain
        tag: Any
        if data[position + 1] == VOCAB and data[position] < 128:
            tag = self._tables.vocabulary[data[position]]
            position += 2
        else:
            tag, position = self._atom(data, position)
        if tag == b"dictionary":
            if size == 1:
                return {}, position
            # The pairs are lists, too.
            self._elements += 2 * size
            flat, position = self._values(data, position, 2 * size - 2, True, depth + 2)
            return self._dictionary(flat, size), position
        make = _MAKE.get(tag)
        if make is None:
            return self._small(tag, data, position, size)
        values, position = self._values(data, position, size - 1, False, depth + 1)
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

    def _dictionary(self, flat: list[Any], size: int) -> dict[Any, Any]:
        keys = flat[::2]
        if size > FEW_KEYS:
            _checkKeys(keys)
        return dict(zip(keys, flat[1::2], strict=True))

    def _key(self, written: bytes) -> str:
        key = written.decode()
        if len(written) <= LONGEST_KEPT:
            kept = self._tables.keysRead
            if len(kept) >= KEPT:
                kept.clear()
            kept[written] = key
        return key

    def _values(
        self, data: bytes, position: int, count: int, pairs: bool, depth: int
    ) -> tuple[list[Any], int]:
        """
        The values of forms, one after the other, and what follows them.

        @param pairs: whether they are those of a dictionary, two in a list.
        @param depth: how many lists stand around them.
        """
        tables = self._tables
        text, pairText, known = tables.text, tables.pairText, tables.keysRead
        textSize, pairTextSize = len(text), len(pairText)
        startswith = data.startswith
        values: list[Any] = []
        append = values.append
        isKey = pairs
        if count > len(data) - position:
            raise NotPlain
        for _ in repeat(None, count):
            if pairs:
                if isKey:
                    isKey = False
                    if startswith(pairText, position):
                        size = data[position + pairTextSize]
                        if size < 128 and data[position + pairTextSize + 1] == STRING:
                            begin = position + pairTextSize + 2
                            position = begin + size
                            written = data[begin:position]
                            append(known.get(written) or self._key(written))
                            continue
                    if not startswith(PAIR, position):
                        raise NotPlain
                    position += 2
                else:
                    isKey = True
            first = data[position]
            if first > 127:
                if first != FLOAT:
                    raise NotPlain
                append(unpackFloat(data, position + 1)[0])
                position += 9
                continue
            kind = data[position + 1]
            if kind == INT:
                append(first)
                position += 2
            elif kind == LIST and first == 2 and startswith(text, position):
                size = data[position + textSize]
                if size < 128 and data[position + textSize + 1] == STRING:
                    begin = position + textSize + 2
                    position = begin + size
                    append(data[begin:position].decode())
                else:
                    value, position = self.form(data, position, depth)
                    append(value)
            elif kind == LIST or kind < 128 and data[position + 2] == LIST:
                value, position = self.form(data, position, depth)
                append(value)
            else:
                value, position = self._value(data, position, depth)
                append(value)
        # The texts in it that were counted nowhere else; they had their place.
        self._elements += 2 * count
        return values, position

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

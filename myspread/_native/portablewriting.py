"""
The half of L{myspread._native.portable} that writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from myspread._native.portabletables import (
    CONTAINERS,
    DEEPEST,
    FLAT,
    FLOAT,
    INT,
    INTS,
    KEPT,
    LARGEST,
    LEAST,
    LIST,
    LISTS,
    LONGEST_KEPT,
    LONGEST_STRING,
    NEG,
    PAIR,
    STRINGS,
    UNWRITABLE,
    NotPlain,
    Tables,
    packFloat,
    written,
)

__all__ = ["Encoder"]


class Encoder:
    """
    Writes plain values in one dialect and within some limits.
    """

    def __init__(
        self,
        tables: Tables,
        stringLength: int,
        listLength: int,
        nestingDepth: int,
        messageLength: int,
        elements: int,
    ) -> None:
        """
        The bounds are the fields of C{Limits}; from C{nestingDepth}, the lists
        around what is encoded are taken off.
        """
        self._tables = tables
        self._longest = min(stringLength, LONGEST_STRING)
        self._listLength = listLength
        self._nestingDepth = min(nestingDepth, DEEPEST)
        self._messageLength = messageLength
        self._elements = elements
        self._usable = min(stringLength, listLength) >= LEAST and nestingDepth >= FLAT
        self._empty: Any = None
        self._calls: dict[tuple[bytes, Any, bytes, int], tuple[bytes, bytes]] = {}

    def encode(self, value: Any, encoded: Callable[[bytes, int], Any]) -> Any:
        """
        The form of a plain value as bytes, or C{None}.

        @param encoded: called with the bytes and with how many elements the
            lists in them have.
        """
        kind = type(value)
        if kind is dict and not value and self._empty is not None:
            return self._empty
        if not self._usable:
            return None
        if kind is int and 0 <= value < 128:
            return encoded(INTS[value], 0)
        parts: list[bytes] = []
        try:
            if kind in CONTAINERS:
                elements = self._container(parts.append, value, set(), 0)
            else:
                elements = self._write(parts.append, (value,), False, set(), -1)
        except UNWRITABLE:
            return None
        data = b"".join(parts)
        if len(data) > self._messageLength or elements > self._elements:
            return None
        made = encoded(data, elements)
        if kind is dict and not value:
            self._empty = made
        return made

    def message(self, expression: tuple[Any, ...], encoded: type) -> bytes | None:
        """
        A list of numbers, byte strings and expressions that are written
        already, as bytes; or C{None}.

        @param encoded: the class of the latter, which have C{data} and
            C{elements}.
        """
        tables = self._tables
        elements = len(expression)
        parts = [written(elements, LIST)]
        append = parts.append
        for item in expression:
            kind = type(item)
            if kind is encoded:
                if type(item.data) is not bytes:
                    return None
                append(item.data)
                elements += item.elements
            elif kind is bytes and len(item) <= LEAST and self._usable:
                token = tables.tokens.get(item)
                if token is None:
                    append(STRINGS[len(item)])
                    append(item)
                else:
                    append(token)
            elif kind is int and 0 <= item <= LARGEST:
                append(INTS[item] if item < 128 else written(item, INT))
            else:
                return None
        data = b"".join(parts)
        return data if len(data) <= self._messageLength and elements <= self._elements else None

    def call(
        self,
        command: bytes,
        request: int,
        target: Any,
        method: bytes,
        wanted: int,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> bytes | None:
        """
        The message of a call with plain arguments as bytes, or C{None}.

        @param request: the id of the call.
        @param target: the id of the object, a number or a name.
        @param method: the name of the method.
        @param wanted: whether an answer is.
        """
        if type(request) is not int or not 0 <= request <= LARGEST:
            return None
        known = self._calls.get((command, target, method, wanted)) or self._known(
            command, target, method, wanted
        )
        if known is None:
            return None
        head, rest = known
        parts = [head, INTS[request] if request < 128 else written(request, INT), rest]
        append = parts.append
        heads = self._tables.heads
        elements = 9
        try:
            if type(arguments) is tuple and len(arguments) < LEAST:
                append(heads[tuple][len(arguments)])
                elements += len(arguments) + self._write(append, arguments, False, set(), 0)
            else:
                elements += self._container(append, arguments, set(), 0) - 1
            if keywords:
                elements += self._container(append, keywords, set(), 0) - 1
            else:
                append(heads[dict][0])
        except UNWRITABLE:
            return None
        data = b"".join(parts)
        return data if len(data) <= self._messageLength and elements <= self._elements else None

    def _known(self, command: bytes, target: Any, method: bytes, wanted: int) -> tuple[bytes, bytes] | None:
        """What stands before and behind the number of such a call. The same ones recur all the time."""
        if not self._usable or type(wanted) is not int or not 0 <= wanted < 128:
            return None
        string = self._tables.string
        if type(target) is int and 0 <= target <= LARGEST:
            name = written(target, INT)
        elif type(target) is bytes and len(target) <= LEAST:
            name = string(target)
        else:
            return None
        if len(method) > LEAST:
            return None
        known = LISTS[7] + string(command), name + string(method) + INTS[wanted]
        if len(self._calls) >= KEPT:
            self._calls.clear()
        self._calls[command, target, method, wanted] = known
        return known

    def answer(self, request: int, value: Any) -> bytes | None:
        """
        The message that answers a call with a plain value as bytes, or
        C{None}.

        @param request: the id of the call.
        """
        if not self._usable or type(request) is not int or not 0 <= request <= LARGEST:
            return None
        parts = [self._tables.answerHead, INTS[request] if request < 128 else written(request, INT)]
        kind = type(value)
        try:
            if kind is int and 0 <= value < 128:
                parts.append(INTS[value])
                elements = 3
            elif kind in CONTAINERS:
                elements = 3 + self._container(parts.append, value, set(), 0)
            else:
                elements = 3 + self._write(parts.append, (value,), False, set(), -1)
        except UNWRITABLE:
            return None
        data = b"".join(parts)
        return data if len(data) <= self._messageLength and elements <= self._elements else None

    def _write(
        self,
        append: Callable[[bytes], None],
        values: Iterable[Any],
        arePairs: bool,
        seen: set[int],
        depth: int,
    ) -> int:
        """
        Write what is in a container.

        @param values: what it is; for a dictionary, its items.
        @param arePairs: whether it is a dictionary.
        @param seen: the ids of the containers that were met.
        @param depth: how many lists stand around it.
        @return: how many elements all lists that were begun have.
        """
        tables = self._tables
        elements = 0
        for item in values:
            if arePairs:
                key, item = item
                if type(key) is str:
                    append(tables.keys.get(key) or self._key(key))
                    elements += 4
                else:
                    append(PAIR)
                    elements += 2 + self._write(append, (key,), False, seen, depth)
            kind = type(item)
            if kind is int:
                append(INTS[item] if 0 <= item < 128 else _number(item))
            elif kind is str:
                data = item.encode()
                size = len(data)
                if size <= LEAST and (size > tables.longestWord or data not in tables.tokens):
                    append(tables.texts[size])
                    append(data)
                else:
                    append(tables.text + self._string(data))
                elements += 2
            elif kind is float:
                append(packFloat(FLOAT, item))
            elif item is None:
                append(tables.none)
                elements += 1
            elif kind is bool:
                append(tables.true if item else tables.false)
                elements += 2
            elif kind is bytes:
                append(self._string(item))
            else:
                elements += self._container(append, item, seen, depth + 1)
        return elements

    def _container(self, append: Callable[[bytes], None], value: Any, seen: set[int], depth: int) -> int:
        tag = CONTAINERS.get(type(value))
        size = len(value) + 1 if tag is not None else 0
        # One list more is around the keys and values of a dictionary, and what
        # is in it may be a list itself.
        inner = depth + (1 if tag == b"dictionary" else 0)
        if tag is None or size > self._listLength or inner + 1 >= self._nestingDepth or id(value) in seen:
            raise NotPlain
        seen.add(id(value))
        append(
            self._tables.heads[type(value)][size - 1]
            if size < 128
            else written(size, LIST) + self._tables.tags[tag]
        )
        if tag == b"dictionary":
            return size + self._write(append, value.items(), True, seen, inner)
        return size + self._write(append, value, False, seen, inner)

    def _key(self, key: str) -> bytes:
        tables = self._tables
        written = tables.pairText + self._string(key.encode())
        if len(key) <= LONGEST_KEPT:
            if len(tables.keys) >= KEPT:
                tables.keys.clear()
            tables.keys[key] = written
        return written

    def _string(self, data: bytes) -> bytes:
        if len(data) > self._longest:
            raise NotPlain
        return self._tables.string(data)


def _number(number: int) -> bytes:
    if 0 <= number <= LARGEST:
        return written(number, INT)
    if -LARGEST <= number < 0:
        return written(-number, NEG)
    # Few are as large, and limits may forbid them.
    raise NotPlain

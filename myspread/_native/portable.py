"""
What the accelerator does, in Python: plain values to bytes and back in one
step, for installations that have no accelerator.

As there, whatever is unusual or wrong is left to the modules that define it:
every function here has a way to say "not mine". It knows what nearly all
messages are made of, and can only be faster, never different.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any, Final

__all__ = ["NOT_PLAIN", "TAGS", "Encoder", "Raw", "Reader", "Tables"]

TAGS: Final = (b"None", b"unicode", b"boolean", b"list", b"tuple", b"dictionary", b"set", b"frozenset")
"""Tags of the forms that are known here, in the order of the bits of a mask."""

NOT_PLAIN: Any = object()
"""What the functions return for all that they leave to the modules that define it."""

_LIST = 0x80
_INT = 0x81
_STRING = 0x82
_NEG = 0x83
_FLOAT = 0x84
_LONGINT = 0x85
_LONGNEG = 0x86
_VOCAB = 0x87

_ALL: Final = (1 << len(TAGS)) - 1
_DEEPEST: Final = 64
_KEPT: Final = 512
_LONGEST_KEPT: Final = 24
_LONGEST_STRING: Final = 32768
_LARGEST: Final = 2**31 - 1
# Under limits that are smaller than this, everything is left to the others.
_LEAST: Final = 127
_FLAT: Final = 4
_FEW_KEYS: Final = 64

_NO_KEY: Any = object()
_PAIR: Final = bytes((2, _LIST))
_INTS: Final = [bytes((number, _INT)) for number in range(128)]
_LISTS: Final = [bytes((size, _LIST)) for size in range(128)]
_STRINGS: Final = [bytes((size, _STRING)) for size in range(128)]
_packFloat = struct.Struct("!Bd").pack
_unpackFloat = struct.Struct("!d").unpack_from


class _NotPlain(Exception):
    """Something is left to the modules that define it."""


_UNWRITABLE = (_NotPlain, UnicodeEncodeError, RecursionError)
_UNREADABLE = (_NotPlain, IndexError, UnicodeDecodeError, TypeError, RecursionError, struct.error)
"""What says that something isn't plain, isn't whole, or can't be a key. Nobody else's code runs in here."""


def _written(number: int, kind: int) -> bytes:
    """Digits in base 128, least significant first, and a type byte."""
    if number < 128:
        return bytes((number, kind))
    if number < 16384:
        return bytes((number & 127, number >> 7, kind))
    digits = bytearray()
    while number > 127:
        digits.append(number & 127)
        number >>= 7
    digits.append(number)
    digits.append(kind)
    return bytes(digits)


class Tables:
    """
    What a dialect means for the forms that are known here.
    """

    def __init__(self, words: dict[bytes, int], vocabulary: tuple[bytes | None, ...]) -> None:
        """
        @param words: the dialect's words and their numbers.
        @param vocabulary: by number, the word; None where there is none.
        """
        self.vocabulary = vocabulary
        self.tokens = {word: _written(number, _VOCAB) for word, number in words.items()}
        self.longestWord = max(map(len, words), default=0)
        self.tags = {tag: self.string(tag) for tag in TAGS}
        # How every text begins, and each short one.
        self.text = _PAIR + self.tags[b"unicode"]
        self.texts = [self.text + header for header in _STRINGS]
        self.pairText = _PAIR + self.text
        self.none = bytes((1, _LIST)) + self.tags[b"None"]
        boolean = _PAIR + self.tags[b"boolean"]
        self.true = boolean + self.string(b"true")
        self.false = boolean + self.string(b"false")
        # How a container of each small size begins.
        self.heads = {
            kind: [_LISTS[size] + self.tags[tag] for size in range(1, 128)]
            for kind, tag in _CONTAINERS.items()
        }
        self.callHead = _LISTS[7] + self.string(b"message")
        self.answerHead = _LISTS[3] + self.string(b"answer")
        # Dictionary keys that were met lately, in a pair that they begin.
        self.keys: dict[str, bytes] = {}
        self.keysRead: dict[bytes, str] = {}

    def string(self, data: bytes) -> bytes:
        """A byte string as it is written."""
        # Looking a long string up would hash all of it.
        token = self.tokens.get(data) if len(data) <= self.longestWord else None
        return _written(len(data), _STRING) + data if token is None else token


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
        self._longest = min(stringLength, _LONGEST_STRING)
        self._listLength = listLength
        self._nestingDepth = min(nestingDepth, _DEEPEST)
        self._messageLength = messageLength
        self._elements = elements
        self._usable = min(stringLength, listLength) >= _LEAST and nestingDepth >= _FLAT
        self._empty: Any = None
        self._calls: dict[tuple[bytes, Any, bytes, int], tuple[bytes, bytes]] = {}

    def encode(self, value: Any, encoded: Callable[[bytes, int], Any]) -> Any:
        """
        The form of a plain value as bytes, or L{NOT_PLAIN}.

        @param encoded: called with the bytes and with how many elements the
            lists in them have.
        """
        kind = type(value)
        if kind is dict and not value and self._empty is not None:
            return self._empty
        if not self._usable:
            return NOT_PLAIN
        if kind is int and 0 <= value < 128:
            return encoded(_INTS[value], 0)
        parts: list[bytes] = []
        try:
            if kind in _CONTAINERS:
                elements = self._container(parts.append, value, set(), 0)
            else:
                elements = self._write(parts.append, (value,), None, set(), -1)
        except _UNWRITABLE:
            return NOT_PLAIN
        data = b"".join(parts)
        if len(data) > self._messageLength or elements > self._elements:
            return NOT_PLAIN
        made = encoded(data, elements)
        if kind is dict and not value:
            self._empty = made
        return made

    def message(self, expression: tuple[Any, ...], encoded: type) -> Any:
        """
        A list of numbers, byte strings and expressions that are written
        already, as bytes; or L{NOT_PLAIN}.

        @param encoded: the class of the latter, which have C{data} and
            C{elements}.
        """
        tables = self._tables
        elements = len(expression)
        parts = [_written(elements, _LIST)]
        append = parts.append
        for item in expression:
            kind = type(item)
            if kind is encoded:
                if type(item.data) is not bytes:
                    return NOT_PLAIN
                append(item.data)
                elements += item.elements
            elif kind is bytes and len(item) <= _LEAST and self._usable:
                token = tables.tokens.get(item)
                if token is None:
                    append(_STRINGS[len(item)])
                    append(item)
                else:
                    append(token)
            elif kind is int and 0 <= item <= _LARGEST:
                append(_INTS[item] if item < 128 else _written(item, _INT))
            else:
                return NOT_PLAIN
        data = b"".join(parts)
        return data if len(data) <= self._messageLength and elements <= self._elements else NOT_PLAIN

    def call(
        self,
        command: bytes,
        request: int,
        target: Any,
        method: bytes,
        wanted: int,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        """
        The message of a call with plain arguments as bytes, or L{NOT_PLAIN}.

        @param request: the id of the call.
        @param target: the id of the object, a number or a name.
        @param method: the name of the method.
        @param wanted: whether an answer is.
        """
        if type(request) is not int or not 0 <= request <= _LARGEST:
            return NOT_PLAIN
        known = self._calls.get((command, target, method, wanted)) or self._known(
            command, target, method, wanted
        )
        if known is None:
            return NOT_PLAIN
        head, rest = known
        parts = [head, _INTS[request] if request < 128 else _written(request, _INT), rest]
        append = parts.append
        heads = self._tables.heads
        elements = 9
        try:
            if arguments:
                elements += self._container(append, arguments, set(), 0) - 1
            else:
                append(heads[tuple][0])
            if keywords:
                elements += self._container(append, keywords, set(), 0) - 1
            else:
                append(heads[dict][0])
        except _UNWRITABLE:
            return NOT_PLAIN
        return self._whole(parts, elements)

    def _known(self, command: bytes, target: Any, method: bytes, wanted: int) -> tuple[bytes, bytes] | None:
        """What stands before and behind the number of such a call. The same ones recur all the time."""
        if not self._usable or type(wanted) is not int or not 0 <= wanted < 128:
            return None
        string = self._tables.string
        if type(target) is int and 0 <= target <= _LARGEST:
            name = _written(target, _INT)
        elif type(target) is bytes and len(target) <= _LEAST:
            name = string(target)
        else:
            return None
        if len(method) > _LEAST:
            return None
        known = _LISTS[7] + string(command), name + string(method) + _INTS[wanted]
        if len(self._calls) >= _KEPT:
            self._calls.clear()
        self._calls[command, target, method, wanted] = known
        return known

    def answer(self, request: int, value: Any) -> Any:
        """
        The message that answers a call with a plain value as bytes, or
        L{NOT_PLAIN}.

        @param request: the id of the call.
        """
        if not self._usable or type(request) is not int or not 0 <= request <= _LARGEST:
            return NOT_PLAIN
        parts = [self._tables.answerHead, _INTS[request] if request < 128 else _written(request, _INT)]
        kind = type(value)
        try:
            if kind is int and 0 <= value < 128:
                parts.append(_INTS[value])
                elements = 3
            elif kind in _CONTAINERS:
                elements = 3 + self._container(parts.append, value, set(), 0)
            else:
                elements = 3 + self._write(parts.append, (value,), None, set(), -1)
        except _UNWRITABLE:
            return NOT_PLAIN
        return self._whole(parts, elements)

    def _whole(self, parts: list[bytes], elements: int) -> Any:
        data = b"".join(parts)
        return data if len(data) <= self._messageLength and elements <= self._elements else NOT_PLAIN

    def _write(
        self,
        append: Callable[[bytes], None],
        values: Iterable[Any],
        pairs: dict[Any, Any] | None,
        seen: set[int],
        depth: int,
    ) -> int:
        """
        Write what is in a container.

        @param values: what it is, if it is no dictionary.
        @param pairs: the dictionary that it is.
        @param seen: the ids of the containers that were met.
        @param depth: how many lists stand around it.
        @return: how many elements all lists that were begun have.
        """
        tables = self._tables
        tokens, texts, longestWord = tables.tokens, tables.texts, tables.longestWord
        elements = 0
        for key, item in zip(repeat(_NO_KEY), values, strict=False) if pairs is None else pairs.items():
            if key is not _NO_KEY:
                if type(key) is str:
                    append(tables.keys.get(key) or self._key(key))
                    elements += 4
                else:
                    append(_PAIR)
                    elements += 2 + self._write(append, (key,), None, seen, depth)
            kind = type(item)
            if kind is str:
                data = item.encode()
                size = len(data)
                if size <= _LEAST and (size > longestWord or data not in tokens):
                    append(texts[size])
                    append(data)
                else:
                    append(tables.text + self._string(data))
                elements += 2
            elif kind is int:
                append(_INTS[item] if 0 <= item < 128 else _number(item))
            elif kind is float:
                append(_packFloat(_FLOAT, item))
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
        tag = _CONTAINERS.get(type(value))
        size = len(value) + 1 if tag is not None else 0
        # One list more is around the keys and values of a dictionary, and what
        # is in it may be a list itself.
        inner = depth + (1 if tag == b"dictionary" else 0)
        if tag is None or size > self._listLength or inner + 1 >= self._nestingDepth or id(value) in seen:
            raise _NotPlain
        seen.add(id(value))
        append(
            self._tables.heads[type(value)][size - 1]
            if size < 128
            else _written(size, _LIST) + self._tables.tags[tag]
        )
        if tag == b"dictionary":
            return size + self._write(append, (), value, seen, inner)
        return size + self._write(append, value, None, seen, inner)

    def _key(self, key: str) -> bytes:
        tables = self._tables
        written = tables.pairText + self._string(key.encode())
        if len(key) <= _LONGEST_KEPT:
            if len(tables.keys) >= _KEPT:
                tables.keys.clear()
            tables.keys[key] = written
        return written

    def _string(self, data: bytes) -> bytes:
        if len(data) > self._longest:
            raise _NotPlain
        return self._tables.string(data)


_CONTAINERS: Final[dict[type, bytes]] = {
    dict: b"dictionary",
    list: b"list",
    tuple: b"tuple",
    set: b"set",
    frozenset: b"frozenset",
}


def _number(number: int) -> bytes:
    if 0 <= number <= _LARGEST:
        return _written(number, _INT)
    if -_LARGEST <= number < 0:
        return _written(-number, _NEG)
    # Few are as large, and limits may forbid them.
    raise _NotPlain


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
        if mask != _ALL:
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
        self._nestingDepth = min(nestingDepth, _DEEPEST)
        self._messageLength = messageLength
        self._mostElements = elements
        self._usable = stringLength >= _LEAST and listLength >= _LEAST and prefixLength >= 6
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
            if data[start + 1] != _LIST or size > _LEAST or not self._usable:
                return None
            self._elements = size
            fields, position = self._beginning(data, start)
            append = fields.append
            vocabulary = self._tables.vocabulary
            for _ in repeat(None, size - len(fields)):
                # The commonest elements are written out: that is faster.
                first, kind = data[position], data[position + 1]
                if first < 128:
                    if kind == _INT:
                        append(first)
                        position += 2
                        continue
                    if kind == _VOCAB and vocabulary[first] is not None:
                        append(vocabulary[first])
                        position += 2
                        continue
                    if kind == _STRING:
                        begin = position + 2
                        position = begin + first
                        append(data[begin:position])
                        continue
                    if kind < 128 and data[position + 2] == _INT:
                        append(first | kind << 7)
                        position += 3
                        continue
                    if kind == _LIST or kind < 128 and self._digits(data, position)[1] == _LIST:
                        value, end = self.form(data, position, 1)
                        append(Raw(self, data, position, value))
                        position = end
                        continue
                value, position = self._atom(data, position)
                append(value)
        except _UNREADABLE:
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
        if kind == _INT:
            position += 2
        elif kind < 128 and data[position + 2] == _INT:
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
        if position <= len(data) and position - start <= 2 * _LEAST:
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
        raise _NotPlain

    def _atom(self, data: bytes, position: int) -> tuple[Any, int]:
        """An element that is no list, and what follows."""
        number, kind, position = self._digits(data, position)
        if kind == _INT or kind == _LONGINT:
            return number, position
        if kind == _STRING:
            if number > self._stringLength:
                raise _NotPlain
            return data[position : position + number], position + number
        if kind == _VOCAB:
            word = self._tables.vocabulary[number]
            if word is None:
                raise _NotPlain
            return word, position
        if kind == _NEG or kind == _LONGNEG:
            return -number, position
        if kind == _FLOAT:
            return _unpackFloat(data, position)[0], position + 8
        raise _NotPlain

    def form(self, data: bytes, position: int, depth: int) -> tuple[Any, int]:
        """
        The value of the form at C{position}, and what follows it.

        @param depth: how many lists stand around it.
        """
        size, kind = data[position], data[position + 1]
        if kind == _LIST and size < 128:
            position += 2
        else:
            size, kind, position = self._digits(data, position)
        self._elements += size
        if (
            kind != _LIST
            or not 0 < size <= self._listLength
            or depth + 2 >= self._nestingDepth
            or self._elements > self._mostElements
        ):
            raise _NotPlain
        tag: Any
        if data[position + 1] == _VOCAB and data[position] < 128:
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
        if make is not _same and make is not tuple and size > _FEW_KEYS:
            _checkKeys(values)
        return make(values), position

    def _small(self, tag: Any, data: bytes, position: int, size: int) -> tuple[Any, int]:
        """None, a boolean or a text, given its tag."""
        if tag == b"None" and size == 1:
            return None, position
        word, position = self._atom(data, position)
        if size != 2 or type(word) is not bytes:
            raise _NotPlain
        if tag == b"unicode":
            return word.decode(), position
        if tag != b"boolean" or word not in (b"true", b"false"):
            raise _NotPlain
        return word == b"true", position

    def _dictionary(self, flat: list[Any], size: int) -> dict[Any, Any]:
        keys = flat[::2]
        if size > _FEW_KEYS:
            _checkKeys(keys)
        return dict(zip(keys, flat[1::2], strict=True))

    def _key(self, written: bytes) -> str:
        key = written.decode()
        if len(written) <= _LONGEST_KEPT:
            kept = self._tables.keysRead
            if len(kept) >= _KEPT:
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
            raise _NotPlain
        for _ in repeat(None, count):
            if pairs:
                if isKey:
                    isKey = False
                    if startswith(pairText, position):
                        size = data[position + pairTextSize]
                        if size < 128 and data[position + pairTextSize + 1] == _STRING:
                            begin = position + pairTextSize + 2
                            position = begin + size
                            written = data[begin:position]
                            append(known.get(written) or self._key(written))
                            continue
                    if not startswith(_PAIR, position):
                        raise _NotPlain
                    position += 2
                else:
                    isKey = True
            first = data[position]
            if first > 127:
                if first != _FLOAT:
                    raise _NotPlain
                append(_unpackFloat(data, position + 1)[0])
                position += 9
                continue
            kind = data[position + 1]
            if kind == _INT:
                append(first)
                position += 2
            elif kind == _LIST and first == 2 and startswith(text, position):
                size = data[position + textSize]
                if size < 128 and data[position + textSize + 1] == _STRING:
                    begin = position + textSize + 2
                    position = begin + size
                    append(data[begin:position].decode())
                else:
                    value, position = self.form(data, position, depth)
                    append(value)
            elif kind == _LIST or kind < 128 and data[position + 2] == _LIST:
                value, position = self.form(data, position, depth)
                append(value)
            else:
                value, position = self._value(data, position, depth)
                append(value)
        # The texts in it that were counted nowhere else; they had their place.
        self._elements += 2 * count
        return values, position

    def _value(self, data: bytes, position: int, depth: int) -> tuple[Any, int]:
        if self._digits(data, position)[1] == _LIST:
            return self.form(data, position, depth)
        return self._atom(data, position)

    def again(self, data: bytes, position: int) -> Any:
        """The value of the form at C{position}, which was read before."""
        self._elements = 0
        try:
            return self.form(data, position, 1)[0]
        except _UNREADABLE:
            return NOT_PLAIN

    def lists(self, data: bytes, position: int) -> Any:
        """
        The expression at C{position} as lists. It was read before, and is
        nested no deeper than that allows.
        """
        return self._expression(data, position)[0]

    def _expression(self, data: bytes, position: int) -> tuple[Any, int]:
        number, kind, following = self._digits(data, position)
        if kind != _LIST:
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
        raise _NotPlain

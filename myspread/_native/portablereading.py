"""
The half of L{myspread._native.portable} that reads.
"""

from __future__ import annotations

from typing import Any

from myspread._native.portableforms import FormReader
from myspread._native.portabletables import (
    ALL,
    HEAD,
    INT,
    LEAST,
    LIST,
    NOT_PLAIN,
    UNREADABLE,
    Tables,
)

__all__ = ["Raw", "Reader"]


class Raw:
    """
    An expression that has arrived: its bytes, and the value that it is the form
    of.

    @ivar reader: has read it.
    @ivar data: it stands in these bytes.
    @ivar start: where it begins there.
    @ivar value: what it is the form of.
    """

    __slots__ = ("data", "reader", "start", "value")

    # There is no __init__: with one, it takes twice as long to make one.

    data: bytes
    reader: Reader
    start: int
    value: Any

    def expand(self) -> Any:
        """The expression as lists, as the decoder makes them."""
        return self.reader.lists(self.data, self.start)

    def plain(self, mask: int) -> Any:
        """
        The value of the expression's form, or L{NOT_PLAIN}.

        @param mask: which of the L{TAGS} are allowed, a bit for each.
        """
        if mask != ALL:
            return NOT_PLAIN
        value, self.value = self.value, NOT_PLAIN
        if value is NOT_PLAIN:
            # It was taken before, and may have been changed since.
            value = self.reader.again(self.data, self.start)
        return value


class Reader(FormReader):
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
        super().__init__(tables, stringLength, listLength, nestingDepth, elements)
        self._messageLength = messageLength
        self._usable = stringLength >= LEAST and listLength >= LEAST and prefixLength >= 6
        self._callHead, self._callHeadSize = tables.callHead, len(tables.callHead)
        self._answerHead, self._answerHeadSize = tables.answerHead, len(tables.answerHead)
        # A call that was read, up to its arguments, and its object, method and so on as they are written.
        # Before there is one: what nothing is written like.
        self._call: list[Any] = []
        self._callWritten = b"\xff"
        self._callWrittenSize = 0
        self._missed = 0

    def message(self, data: bytes, start: int) -> tuple[list[Any], int] | None:
        """
        The message that begins at C{start}, and where it ends; None for one
        that isn't plain, or isn't whole.
        """
        if not self._usable:
            return None
        try:
            size = data[start]
            if data[start + 1] != LIST or size > LEAST:
                return None
            self._elements = size
            fields, position = self._beginning(data, start, size)
            append, heads = fields.append, self._heads
            while len(fields) < size:
                # The commonest elements are written out: that is faster.
                if data[position + 1] == INT and data[position] < 128:
                    append(data[position])
                    position += 2
                    continue
                head = heads.get(data[position : position + HEAD])
                if head is not None or self._digits(data, position)[1] == LIST:
                    raw = Raw()
                    raw.reader, raw.data, raw.start = self, data, position
                    if head is not None:
                        raw.value, position = self._container(data, position + HEAD, head, 1)
                    else:
                        raw.value, position = self._unusualForm(data, position, 1)
                    append(raw)
                else:
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

    def _beginning(self, data: bytes, start: int, size: int) -> tuple[list[Any], int]:
        """
        What a call or an answer begins with, and where more follows: their
        numbers, and of a call that is like one before nearly all.
        """
        if size == 7 and data.startswith(self._callHead, start):
            position = start + self._callHeadSize
        elif size == 3 and data.startswith(self._answerHead, start):
            position = start + self._answerHeadSize
        else:
            return [], start + 2
        request, kind, position = self._digits(data, position)
        if kind != INT:
            return [], start + 2
        if size == 3:
            return [b"answer", request], position
        if data.startswith(self._callWritten, position):
            fields = self._call.copy()
            fields[1] = request
            return fields, position + self._callWrittenSize
        self._missed += 1
        if not self._missed & 7:
            self._learn(data, position)
        return [b"message", request], position

    def _learn(self, data: bytes, start: int) -> None:
        """Keep what comes after the number of a call: often there are many like it."""
        fields: list[Any] = [b"message", 0]
        position = start
        for _ in range(3):
            field, position = self._atom(data, position)
            fields.append(field)
        if position <= len(data) and position - start <= 2 * LEAST:
            self._call = fields
            self._callWritten = data[start:position]
            self._callWrittenSize = position - start

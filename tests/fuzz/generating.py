"""
Making cases: up, by the grammars of Banana, Jelly and the messages of PB, and of
known ones, by changing them.

Everything is drawn from a L{random.Random}: a seeded one, or one of hypothesis,
which then finds the shortest case that fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from myspread._codec import PB, Decoder, encode
from myspread._errors import BananaError
from myspread.limits import Limits

__all__ = ["ROOMY", "Generator", "expressionsOf", "written"]

ROOMY = Limits(stringLength=2**24, listLength=2**20, nestingDepth=5000, prefixLength=100)
"""What is read and written here may be more than any peer takes."""

NUMBERS = (
    *range(0, 10),
    31,
    32,
    63,
    64,
    65,
    127,
    128,
    1023,
    1024,
    1025,
    16383,
    16384,
    640 * 1024,
    640 * 1024 + 1,
    2**31 - 1,
    2**31,
    2**31 + 1,
    2**32,
    2**63 - 1,
    2**63,
    2**64,
    2**448 - 1,
    2**448,
)
"""Where something changes, or something else overflows."""

DELIMITERS = bytes(range(0x80, 0x89)) + b"\xff"

FLOATS = (0.0, -0.0, 1.5, 6.0, float("inf"), float("-inf"), float("nan"), 1e308, 5e-324)

TEXTS = (
    b"",
    b"a",
    b"root",
    b"text",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "\N{SNOWMAN}".encode(),
    b"\x00",
    b"__class__",
    b"__init__",
    b"_private",
    b"x" * 300,
    b"1 2 3",
    b"2020 1 1 0 0 0 0",
    b"99999999999999999999 1 1",
    b"true",
    b"false",
    b"nan",
    b"builtins.eval",
    b"os.system",
    b"myspread.pb.Broker",
    b"type",
    b"value",
    b"parents",
    b"broker",
    b"luid",
)

LEAF_TAGS = (b"unicode", b"boolean", b"None", b"decimal", b"datetime", b"date", b"time", b"timedelta")
NAME_TAGS = (b"class", b"module", b"function", b"persistent", b"unpersistable", b"cached", b"lcache")
PART_TAGS = (b"list", b"tuple", b"set", b"frozenset", b"dictionary", b"instance", b"method")
REFERENCE_TAGS = (b"reference", b"dereference")
LENDING_TAGS = (b"remote", b"local", b"cached", b"lcache", b"copy", b"cache")
COMMANDS = (
    b"message",
    b"answer",
    b"error",
    b"decref",
    b"cachemessage",
    b"decache",
    b"uncache",
    b"version",
    b"didNotUnderstand",
)

DEEPEST = 4

LONGEST = 64 * 1024
"""Bytes of a case from which on it isn't changed any more: it mostly gets longer."""


def expressionsOf(stream: bytes) -> list[Any]:
    """The expressions at the beginning of a stream, as far as it can be read."""
    found: list[Any] = []
    try:
        for expression in Decoder(ROOMY, PB).feed(stream):
            found.append(expression)
    except BananaError:
        pass
    return found


def written(expressions: Sequence[Any]) -> bytes:
    """A stream of expressions in dialect C{pb}."""
    return b"".join(encode(each, PB, ROOMY) for each in expressions)


class Generator:
    """
    Makes cases.

    @ivar random: where everything is drawn from.
    """

    def __init__(self, random: Random, known: Sequence[bytes], words: Sequence[bytes]) -> None:
        """
        @param known: the cases to begin with.
        @param words: names that mean something to the target: of methods, tags
            and objects.
        """
        self.random = random
        self._known = known
        self._words = (*words, *TEXTS)
        self._tags = (
            *LEAF_TAGS,
            *NAME_TAGS,
            *PART_TAGS,
            *REFERENCE_TAGS,
            *LENDING_TAGS,
            *(word for word in words if b"." in word),
        )

    def case(self) -> bytes:
        """A case: mostly a known one with a few changes, sometimes a new one."""
        if not self._known or self._one(6):
            case = self.made()
        else:
            case = self.random.choice(self._known)
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            case = self.changed(case)
        return case

    def _one(self, of: int) -> bool:
        """True once in so many times."""
        return self.random.randrange(of) == 0

    # Made up

    def made(self) -> bytes:
        """A stream by one of the grammars."""
        kind = self.random.randrange(4)
        if kind == 0:
            return b"".join(self.element() for _ in range(self.random.randrange(12)))
        if kind == 1:
            return written([self.form() for _ in range(self.random.randrange(1, 3))])
        opening = self.random.choice(([b"pb", [b"version", 6]], [[b"pb", b"none"], [b"version", 6]], []))
        return written([*opening, *(self.message() for _ in range(self.random.randrange(1, 8)))])

    def number(self) -> int:
        """A number, mostly one that is close to a bound."""
        return self.random.choice(NUMBERS) if self._one(2) else self.random.randrange(12)

    def digits(self) -> bytes:
        """A number as it stands before a type byte, in one of the ways to write it."""
        number = self.number()
        size = max((number.bit_length() + 6) // 7, self.random.choice((0, 0, 1, 1, 2)))
        return bytes(number >> (7 * place) & 0x7F for place in range(size))

    def element(self) -> bytes:
        """An element of a stream, or what looks like one."""
        delimiter = self.random.choice(DELIMITERS)
        body = b""
        digits = self.digits()
        if delimiter == 0x82:
            body = self.word()
            digits = bytes((len(body) & 0x7F, len(body) >> 7)) if not self._one(8) else digits
        elif delimiter == 0x84:
            body = self.random.choice((bytes(8), b"\x7f\xf0" + bytes(6), b"\x7f\xf8" + bytes(6), b"\x3f"))
            digits = b""
        return digits + bytes((delimiter,)) + body

    def word(self) -> bytes:
        """A byte string."""
        return self.random.choice(self._words)

    def scalar(self) -> Any:
        """An element that is no list."""
        kind = self.random.randrange(6)
        if kind == 0:
            return self.random.choice(FLOATS)
        if kind < 3:
            number = self.number()
            return -number if self._one(4) else number
        return self.word()

    def form(self, depth: int = 0) -> Any:
        """A form of Jelly, mostly with the right fields."""
        kind = self.random.randrange(12)
        if kind < 2 or depth >= DEEPEST:
            return self.scalar()
        if kind < 5:
            return self._leaf()
        if kind < 8:
            return self._container(depth)
        if kind == 8:
            return [b"dereference", self.random.randrange(4)]
        if kind == 9:
            return [b"reference", self.random.randrange(4), self.form(depth + 1)]
        tag = self.random.choice(self._tags)
        if kind == 10:
            return [tag, self.scalar(), *self._forms(depth, 2)]
        return [tag, *self._forms(depth, 3)]

    def _leaf(self) -> list[Any]:
        tag = self.random.choice((*LEAF_TAGS, *NAME_TAGS, *LENDING_TAGS))
        if tag == b"None" and not self._one(6):
            return [tag]
        if tag == b"decimal":
            return [tag, self.scalar(), self.scalar()]
        if tag in LENDING_TAGS:
            return [tag, self.random.randrange(8) if not self._one(4) else self.scalar()]
        return [tag, self.scalar()]

    def _container(self, depth: int) -> list[Any]:
        tag = self.random.choice(PART_TAGS)
        if tag == b"dictionary":
            return [tag, *([self.form(depth + 1), self.form(depth + 1)] for _ in range(self._few()))]
        if tag in (b"instance", b"method"):
            named = [b"class", self.word()]
            return (
                [tag, named, self.form(depth + 1)]
                if tag == b"instance"
                else [
                    tag,
                    self.word(),
                    self.form(depth + 1),
                    named,
                ]
            )
        return [tag, *self._forms(depth, 4)]

    def _few(self) -> int:
        return self.random.choice((0, 1, 1, 2, 3))

    def _forms(self, depth: int, most: int) -> list[Any]:
        return [self.form(depth + 1) for _ in range(min(self._few(), most))]

    def message(self) -> Any:
        """A message of PB, mostly with the right fields."""
        command = self.random.choice((*COMMANDS, b"message", b"message", b"message"))
        if command in (b"message", b"cachemessage"):
            message = [
                command,
                self.random.randrange(12),
                self._target(),
                self.word(),
                self.random.choice((1, 1, 1, 0)),
                [b"tuple", *self._forms(1, 4)],
                self._keywords(),
            ]
        elif command in (b"answer", b"error"):
            message = [command, self.random.randrange(8), self.form(1)]
        elif command == b"version":
            message = [command, self.random.choice((6, 6, 6, 5, 6.0))]
        else:
            message = [command, self.random.choice((self.random.randrange(8), self.word()))]
        if self._one(8):
            message[self.random.randrange(len(message))] = self.form(1)
        if self._one(16):
            message.insert(self.random.randrange(len(message)), self.form(1))
        return message

    def _target(self) -> Any:
        return self.random.choice((b"root", b"root", self.random.randrange(8), self.word()))

    def _keywords(self) -> list[Any]:
        if not self._one(4):
            return [b"dictionary"]
        return [b"dictionary", *([[b"unicode", self.word()], self.form(2)] for _ in range(self._few()))]

    # Changed

    def changed(self, case: bytes) -> bytes:
        """A case with one change."""
        if len(case) > LONGEST:
            return case[:LONGEST]
        change: Callable[[bytes], bytes] = self.random.choice(_CHANGES).__get__(self)
        return change(case)

    def _place(self, case: bytes) -> int:
        return self.random.randrange(len(case) + 1)

    def _cut(self, case: bytes) -> bytes:
        """Without its end, or a part of its middle."""
        start = self._place(case)
        end = len(case) if self._one(2) else min(len(case), start + self.random.randrange(1, 20))
        return case[:start] + case[end:]

    def _duplicate(self, case: bytes) -> bytes:
        start = self._place(case)
        part = case[start : start + self.random.randrange(1, 30)]
        return case[:start] + part * self.random.choice((2, 2, 3, 40)) + case[start + len(part) :]

    def _flip(self, case: bytes) -> bytes:
        if not case:
            return case
        place = self.random.randrange(len(case))
        value = self.random.choice((case[place] ^ 1 << self.random.randrange(8), *DELIMITERS[:3]))
        return case[:place] + bytes((value,)) + case[place + 1 :]

    def _splice(self, case: bytes) -> bytes:
        other = self.random.choice(self._known or (b"",))
        return case[: self._place(case)] + other[self._place(other) :]

    def _insertElement(self, case: bytes) -> bytes:
        place = self._place(case)
        return case[:place] + self.element() + case[place:]

    def _renumber(self, case: bytes) -> bytes:
        """With another number, or length, before one of its type bytes."""
        places = [place for place, byte in enumerate(case) if byte > 0x7F]
        if not places:
            return case
        end = start = self.random.choice(places)
        while start and case[start - 1] < 0x80 and end - start < 5:
            start -= 1
        return case[: self.random.choice((start, end))] + self.digits() + case[end:]

    def _retype(self, case: bytes) -> bytes:
        """With another type byte."""
        places = [place for place, byte in enumerate(case) if byte > 0x7F]
        if not places:
            return case
        place = self.random.choice(places)
        return case[:place] + bytes((self.random.choice(DELIMITERS),)) + case[place + 1 :]

    def _messages(self, case: bytes) -> bytes:
        """With its messages in another order, or one more, fewer or twice."""
        messages = expressionsOf(case)
        if not messages:
            return case
        place = self.random.randrange(len(messages))
        kind = self.random.randrange(5)
        if kind == 0:
            del messages[place]
        elif kind == 1:
            messages[place:place] = [messages[place]] * self.random.choice((1, 1, 2, 30))
        elif kind == 2:
            other = self.random.randrange(len(messages))
            messages[place], messages[other] = messages[other], messages[place]
        elif kind == 3:
            messages.insert(self.random.choice((place, len(messages))), self.message())
        else:
            messages.insert(place, self.random.choice(self._strange() or messages))
        return written(messages)

    def _strange(self) -> list[Any]:
        """The messages of another case."""
        return expressionsOf(self.random.choice(self._known)) if self._known else []

    def _graft(self, case: bytes) -> bytes:
        """With another expression in the place of one that stands anywhere in it."""
        messages = expressionsOf(case)
        lists: list[list[Any]] = [messages]
        for each in lists:
            lists += [part for part in each if isinstance(part, list)]
        parent = self.random.choice([each for each in lists if each] or [[0]])
        place = self.random.randrange(len(parent))
        kind = self.random.randrange(7)
        if kind == 0:
            parent[place] = self.scalar()
        elif kind == 1:
            parent[place] = self.form(1)
        elif kind == 2:
            del parent[place]
        elif kind == 3:
            parent.insert(place, self.form(2))
        elif kind == 4:
            parent[place] = [b"reference", self.random.randrange(4), parent[place]]
        elif kind == 5:
            parent[place] = self._part(self._strange()) if self._one(2) else self.random.choice(self._tags)
        else:
            # Into each other, as no encoder would write them.
            parent[place] = [parent[place]] * self.random.choice((0, 1, 2, 20))
        return written(messages)

    def _part(self, messages: list[Any]) -> Any:
        """An expression that stands anywhere in others."""
        part: Any = messages
        while isinstance(part, list) and part and not self._one(4):
            part = self.random.choice(part)
        return part

    def _nest(self, case: bytes) -> bytes:
        """With lists inside each other, many of them, around one of its elements."""
        place = self._place(case)
        depth = self.random.choice((10, 64, 65, 200, 1024, 1500))
        return case[:place] + b"\x01\x80" * depth + case[place:]


_CHANGES: tuple[Callable[[Generator, bytes], bytes], ...] = (
    Generator._cut,
    Generator._duplicate,
    Generator._flip,
    Generator._splice,
    Generator._insertElement,
    Generator._renumber,
    Generator._retype,
    Generator._messages,
    Generator._messages,
    Generator._messages,
    Generator._graft,
    Generator._graft,
    Generator._graft,
    Generator._graft,
    Generator._nest,
)

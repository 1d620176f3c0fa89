"""
What the two halves of L{myspread._native.portable} share: type bytes, tags, and
what a dialect means for them.
"""

from __future__ import annotations

import struct
from typing import Any, Final

__all__ = [
    "ALL",
    "CONTAINERS",
    "DEEPEST",
    "FEW_KEYS",
    "FLAT",
    "FLOAT",
    "HEAD",
    "INT",
    "INTS",
    "KEPT",
    "LARGEST",
    "LEAST",
    "LIST",
    "LISTS",
    "LONGEST_KEPT",
    "LONGEST_STRING",
    "LONGINT",
    "LONGNEG",
    "NEG",
    "NOT_PLAIN",
    "PAIR",
    "STRING",
    "STRINGS",
    "TAGS",
    "UNREADABLE",
    "UNWRITABLE",
    "VOCAB",
    "NotPlain",
    "Tables",
    "packFloat",
    "unpackFloat",
    "written",
]

TAGS: Final = (b"None", b"unicode", b"boolean", b"list", b"tuple", b"dictionary", b"set", b"frozenset")
"""Tags of the forms that are known here, in the order of the bits of a mask."""

NOT_PLAIN: Any = object()
"""What the functions return for all that they leave to the modules that define it."""

LIST = 0x80
INT = 0x81
STRING = 0x82
NEG = 0x83
FLOAT = 0x84
LONGINT = 0x85
LONGNEG = 0x86
VOCAB = 0x87

ALL: Final = (1 << len(TAGS)) - 1
DEEPEST: Final = 64
KEPT: Final = 512
LONGEST_KEPT: Final = 24
LONGEST_STRING: Final = 32768
LARGEST: Final = 2**31 - 1
# Under limits that are smaller than this, everything is left to the others.
LEAST: Final = 127
# Bytes that a small container begins with, where its tag is a word of the dialect.
HEAD: Final = 4
FLAT: Final = 4
FEW_KEYS: Final = 64

PAIR: Final = bytes((2, LIST))
INTS: Final = [bytes((number, INT)) for number in range(128)]
LISTS: Final = [bytes((size, LIST)) for size in range(128)]
STRINGS: Final = [bytes((size, STRING)) for size in range(128)]
packFloat = struct.Struct("!Bd").pack
unpackFloat = struct.Struct("!d").unpack_from


class NotPlain(Exception):
    """Something is left to the modules that define it."""


UNWRITABLE = (NotPlain, UnicodeEncodeError, RecursionError)
UNREADABLE = (NotPlain, IndexError, UnicodeDecodeError, TypeError, RecursionError, struct.error)
"""What says that something isn't plain, isn't whole, or can't be a key. Nobody else's code runs in here."""


def written(number: int, kind: int) -> bytes:
    """Digits in base 128, least significant first, and a type byte."""
    if number < 128:
        return bytes((number, kind))
    if number < 16384:
        return bytes((number & 127, number >> 7, kind))
    if number < 2097152:
        return bytes((number & 127, number >> 7 & 127, number >> 14, kind))
    digits = bytearray()
    while number > 127:
        digits.append(number & 127)
        number >>= 7
    digits.append(number)
    digits.append(kind)
    return bytes(digits)


CONTAINERS: Final[dict[type, bytes]] = {
    dict: b"dictionary",
    list: b"list",
    tuple: b"tuple",
    set: b"set",
    frozenset: b"frozenset",
}
"""By type, the tag of a container."""


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
        self.tokens = {word: written(number, VOCAB) for word, number in words.items()}
        self.longestWord = max(map(len, words), default=0)
        self.tags = {tag: self.string(tag) for tag in TAGS}
        # How every text begins, and each short one.
        self.text = PAIR + self.tags[b"unicode"]
        self.texts = [self.text + header for header in STRINGS]
        self.pairText = PAIR + self.text
        self.none = bytes((1, LIST)) + self.tags[b"None"]
        boolean = PAIR + self.tags[b"boolean"]
        self.true = boolean + self.string(b"true")
        self.false = boolean + self.string(b"false")
        # How a container of each small size begins.
        self.heads = {
            kind: [LISTS[size] + self.tags[tag] for size in range(1, 128)] for kind, tag in CONTAINERS.items()
        }
        # The same, for reading: what each begins with, how many elements it has, and what it is.
        self.headsRead = {
            head: (size, kind)
            for kind in (dict, list, tuple)
            for size, head in enumerate(self.heads[kind], 1)
            if len(head) == HEAD
        }
        self.callHead = LISTS[7] + self.string(b"message")
        self.answerHead = LISTS[3] + self.string(b"answer")
        # Dictionary keys that were met lately, in a pair that they begin.
        self.keys: dict[str, bytes] = {}
        self.keysRead: dict[bytes, str] = {}

    def string(self, data: bytes) -> bytes:
        """A byte string as it is written."""
        # Looking a long string up would hash all of it.
        token = self.tokens.get(data) if len(data) <= self.longestWord else None
        return written(len(data), STRING) + data if token is None else token

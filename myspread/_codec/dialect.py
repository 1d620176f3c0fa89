"""
The dialects of Banana, which its specification calls profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from myspread._codec.tokens import VOCAB, digitsOf

__all__ = ["DIALECTS", "NONE", "PB", "Dialect", "dialectNamed"]


@dataclass(frozen=True)
class Dialect:
    """
    A set of byte strings that travel as numbers on one connection.
    """

    name: bytes
    """
    What the handshake calls it.
    """

    words: Mapping[bytes, int] = field(hash=False, repr=False)
    """
    The number that is sent for each byte string.
    """

    vocabulary: Mapping[int, bytes] = field(hash=False, repr=False)
    """
    The byte string that each received number stands for.
    """

    tokens: Mapping[bytes, bytes] = field(init=False, repr=False, compare=False)
    """
    The finished element of the stream for each byte string in L{words}.
    """

    longestWord: int = field(init=False, repr=False, compare=False)
    """
    The length of the longest of L{words}, in bytes.
    """

    def __post_init__(self) -> None:
        tokens = {word: digitsOf(number) + VOCAB for word, number in self.words.items()}
        object.__setattr__(self, "tokens", tokens)
        object.__setattr__(self, "longestWord", max(map(len, self.words), default=0))


def _makeDialect(name: bytes, *vocabulary: bytes) -> Dialect:
    """
    Number the words of a dialect from one.
    """
    words = {word: number for number, word in enumerate(vocabulary, 1)}
    numbers = dict(enumerate(vocabulary, 1))
    return Dialect(name, MappingProxyType(words), MappingProxyType(numbers))


NONE = _makeDialect(b"none")
"""
The dialect without a vocabulary.
"""

PB = _makeDialect(
    b"pb",
    b"None",
    b"class",
    b"dereference",
    b"reference",
    b"dictionary",
    b"function",
    b"instance",
    b"list",
    b"module",
    b"persistent",
    b"tuple",
    b"unpersistable",
    b"copy",
    b"cache",
    b"cached",
    b"remote",
    b"local",
    b"lcache",
    b"version",
    b"login",
    b"password",
    b"challenge",
    b"logged_in",
    b"not_logged_in",
    b"cachemessage",
    b"message",
    b"answer",
    b"error",
    b"decref",
    b"decache",
    b"uncache",
)
"""
The dialect of Perspective Broker, with the words that its messages are made of.
"""

DIALECTS: Mapping[bytes, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (PB, NONE)}
)
"""
The dialects of the Banana specification by name, the preferred one first.
"""


def dialectNamed(name: bytes) -> Dialect:
    """
    Find a dialect, or make one without a vocabulary for a name of the
    application's own: L{twisted.spread.banana.Banana} takes any name that a
    subclass puts into C{knownDialects}.

    @param name: The name, as in the handshake.

    @return: The dialect of that name.
    """
    return DIALECTS.get(name) or Dialect(name, {}, {})

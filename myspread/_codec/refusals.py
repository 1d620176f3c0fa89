"""
The errors of the decoder: what the peer may not send.
"""

from __future__ import annotations

from myspread._codec.dialect import PB, Dialect
from myspread._errors import (
    BananaError,
    LimitExceeded,
    UnknownVocabulary,
    VocabularyNotNegotiated,
)
from myspread.limits import Limits

__all__ = ["listTooLarge", "tooLarge", "unknownWord"]


def listTooLarge(
    length: int, depth: int, elements: int, limits: Limits
) -> LimitExceeded:
    """
    Make the error for a list that is one too many, too long or too deep.
    """
    if length > limits.listLength:
        return tooLarge("listLength", limits, length)
    if depth > limits.nestingDepth:
        return tooLarge("nestingDepth", limits, depth)
    return tooLarge("elements", limits, elements)


def tooLarge(field: str, limits: Limits, actual: int) -> LimitExceeded:
    """
    Make the error for a bound that the peer doesn't keep.
    """
    return LimitExceeded(
        f"The peer sent {_WHAT[field]}: {_size(actual)}, while Limits.{field} is"
        f" {getattr(limits, field)}. Whoever trusts the peer may allow more."
    )


_WHAT = {
    "stringLength": "too long a byte string",
    "listLength": "too long a list",
    "prefixLength": "too many digits before a type byte",
    "nestingDepth": "too many lists inside each other",
    "elements": "too many elements in one message",
    "messageLength": "too long a message",
}


def _size(actual: int) -> str:
    """
    Write a number that the peer chose, briefly whatever it is.
    """
    return str(actual) if actual < 10**20 else "more than 10**20"


def unknownWord(number: int, dialect: Dialect | None) -> BananaError:
    """
    Make the error for a vocabulary number that the dialect doesn't define.

    As in L{twisted.spread.banana.Banana}, a number that has no meaning in any
    dialect isn't excused by the handshake.
    """
    name = dialect.name if dialect else None
    if (dialect and dialect.vocabulary) or number not in PB.vocabulary:
        return UnknownVocabulary(
            f"No word has the number {_size(number)} in dialect {name!r}."
        )
    return VocabularyNotNegotiated(
        f"The peer sent the word {PB.vocabulary[number]!r} of dialect"
        f" {PB.name!r} as a number, but the dialect in force is {name!r}."
    )

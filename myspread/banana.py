"""
Banana: s-expressions as bytes. The names of L{twisted.spread.banana}.
"""

from __future__ import annotations

from myspread._codec import (
    FLOAT,
    INT,
    LIST,
    LONGINT,
    LONGNEG,
    NEG,
    STRING,
    VOCAB,
    b1282int,
    int2b128,
)
from myspread._errors import BananaError, UnknownTypeByte, UnknownVocabulary, VocabularyNotNegotiated
from myspread._net.banana import Banana, setPrefixLimit
from myspread._net.banana import decodeOne as decode
from myspread._net.banana import encodeOne as encode
from myspread.limits import Limits, settableConstants

__all__ = [
    "FLOAT",
    "HIGH_BIT_SET",
    "INT",
    "LIST",
    "LONGINT",
    "LONGNEG",
    "NEG",
    "SIZE_LIMIT",
    "STRING",
    "VOCAB",
    "Banana",
    "BananaError",
    "UnknownTypeByte",
    "UnknownVocabulary",
    "VocabularyNotNegotiated",
    "b1282int",
    "decode",
    "encode",
    "int2b128",
    "setPrefixLimit",
]

HIGH_BIT_SET = b"\x80"
"""Delimiter bytes are this or above it, prefix bytes below."""

SIZE_LIMIT = Limits.stringLength
"""
Bytes in a string and elements in a list. Setting it changes the limits of all
connections that have none of their own.
"""

settableConstants(__name__, SIZE_LIMIT=("stringLength", "listLength"))

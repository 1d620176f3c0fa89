"""
Banana: bytes to s-expressions and back, without any input or output.
"""

from __future__ import annotations

from myspread._codec.accelerated import PlainEncoder, encoderFor, giveDecoder, takeDecoder
from myspread._codec.blocks import keepLargeBlocks
from myspread._codec.decoder import Decoder
from myspread._codec.dialect import DIALECTS, NONE, PB, Dialect
from myspread._codec.encoder import encode
from myspread._codec.handshake import Handshake
from myspread._codec.tokens import (
    FLOAT,
    INT,
    LIST,
    LONGINT,
    LONGNEG,
    NEG,
    STRING,
    VOCAB,
    Encoded,
    Expression,
    b1282int,
    int2b128,
)

__all__ = [
    "DIALECTS",
    "FLOAT",
    "INT",
    "LIST",
    "LONGINT",
    "LONGNEG",
    "NEG",
    "NONE",
    "PB",
    "STRING",
    "VOCAB",
    "Decoder",
    "Dialect",
    "Encoded",
    "Expression",
    "Handshake",
    "PlainEncoder",
    "b1282int",
    "encode",
    "encoderFor",
    "giveDecoder",
    "int2b128",
    "keepLargeBlocks",
    "takeDecoder",
]

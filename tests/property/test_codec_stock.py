"""
For generated expressions and streams, the codec does what stock does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.spread import banana
from twisted.trial.unittest import TestCase

from myspread._codec import DIALECTS, PB, Decoder, Expression, encode
from myspread._errors import (
    BananaError,
    LimitExceeded,
    UnknownTypeByte,
    UnknownVocabulary,
    VocabularyNotNegotiated,
)
from myspread.limits import Limits

bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

integers = st.one_of(
    st.integers(-300, 300),
    st.integers(-(2**33), 2**33),
    st.integers(1 - 2**448, 2**448 - 1),
)
# Generated floats are numbers, so that results can be compared.
scalars = st.one_of(
    integers,
    st.floats(allow_nan=False),
    st.binary(max_size=300),
    st.sampled_from(sorted(PB.words)),
)
expressions: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=6), max_leaves=30
)
withTuples: st.SearchStrategy[Any] = st.recursive(
    st.one_of(scalars, st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6), st.lists(inner, max_size=6).map(tuple)
    ),
    max_leaves=30,
)
dialects = st.sampled_from(sorted(DIALECTS.values(), key=lambda dialect: dialect.name))

# Bytes that are more likely to mean something than random ones.
pieces = st.one_of(
    st.binary(max_size=4),
    st.builds(
        lambda digits, typeByte: digits + typeByte,
        st.binary(max_size=2).map(lambda raw: bytes(byte & 0x7F for byte in raw)),
        st.sampled_from([bytes((byte,)) for byte in range(0x80, 0x8A)]),
    ),
    expressions.map(lambda expression: encode(expression, PB)),
    st.integers(60, 70).map(lambda count: b"\x01" * count),
)
streams = st.lists(pieces, max_size=12).map(b"".join)

Outcome = tuple[list[Any], type[Exception] | None]


class StockBanana(banana.Banana):
    """
    Stock, noting what arrives.
    """

    def __init__(self, dialect: bytes) -> None:
        banana.Banana.__init__(self)
        self.received: list[Any] = []
        self.written = StringTransport()
        self.makeConnection(self.written)
        self._selectDialect(dialect)

    def expressionReceived(self, lst: Any) -> None:
        """
        Take one expression.
        """
        self.received.append(lst)

    def encode(self, expression: object) -> bytes:
        """
        Write one expression.
        """
        self.written.clear()
        self.sendEncoded(expression)
        value: bytes = self.written.value()
        return value


def outcomeOf(
    feed: Callable[[bytes], None], received: list[Any]
) -> Callable[..., Outcome]:
    """
    Make a function that feeds chunks and tells what came of it.
    """

    def run(chunks: list[bytes]) -> Outcome:
        try:
            for chunk in chunks:
                feed(chunk)
        except Exception as error:
            return received, type(error)
        return received, None

    return run


def ourOutcome(chunks: list[bytes], dialect: bytes = b"pb") -> Outcome:
    """
    Feed chunks to our decoder.
    """
    decoder = Decoder(Limits(), DIALECTS[dialect])
    received: list[Any] = []

    def feed(chunk: bytes) -> None:
        for expression in decoder.feed(chunk):
            received.append(expression)

    return outcomeOf(feed, received)(chunks)


def cutAt(data: bytes, places: list[int]) -> list[bytes]:
    """
    Cut bytes into chunks.
    """
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in zip(marks, marks[1:], strict=False)]


def typed(expression: Expression) -> Any:
    """
    Make expressions unequal that differ in a type or in the sign of a zero.
    """
    if isinstance(expression, list):
        return [typed(element) for element in expression]
    return type(expression).__name__, repr(expression)


class ExpressionTests(TestCase):
    """
    Expressions there and back.
    """

    @bounded
    @given(expressions, dialects)
    def test_roundTrip(self, expression: Any, dialect: Any) -> None:
        """
        What was written is read again, with the same types.
        """
        (decoded,) = Decoder(Limits(), dialect).feed(encode(expression, dialect))
        self.assertEqual(typed(decoded), typed(expression))

    @bounded
    @given(withTuples, dialects)
    def test_sameBytes(self, expression: Any, dialect: Any) -> None:
        """
        Stock writes the same bytes.
        """
        self.assertEqual(
            encode(expression, dialect), StockBanana(dialect.name).encode(expression)
        )

    @bounded
    @given(expressions, dialects)
    def test_stockReads(self, expression: Any, dialect: Any) -> None:
        """
        Stock reads what we write.
        """
        peer = StockBanana(dialect.name)
        peer.dataReceived(encode(expression, dialect))
        (decoded,) = peer.received
        self.assertEqual(typed(decoded), typed(expression))


class StreamTests(TestCase):
    """
    Streams that need not make sense.
    """

    @bounded
    @given(streams, st.lists(st.integers(0, 10_000), max_size=20))
    def test_cutAnywhere(self, data: bytes, places: list[int]) -> None:
        """
        However the stream is cut, the same expressions and then the same
        error come out.
        """
        whole, error = ourOutcome([data])
        parts, laterError = ourOutcome(cutAt(data, places))
        self.assertEqual(list(map(typed, parts)), list(map(typed, whole)))
        self.assertEqual(laterError, error)

    @bounded
    @given(st.one_of(streams, st.binary(max_size=200)))
    def test_onlyBananaErrors(self, data: bytes) -> None:
        """
        Whatever arrives, nothing but a L{BananaError} is raised.
        """
        _, error = ourOutcome([data])
        self.assertTrue(error is None or issubclass(error, BananaError), error)

    @bounded
    @given(streams, dialects)
    def test_sameAsStock(self, data: bytes, dialect: Any) -> None:
        """
        Stock gets the same expressions out of the same bytes, and stops for
        the same reason.
        """
        peer = StockBanana(dialect.name)
        expected, stockError = outcomeOf(peer.dataReceived, peer.received)([data])
        received, error = ourOutcome([data], dialect.name)
        self.assertEqual(list(map(typed, received)), list(map(typed, expected)))
        self.assertEqual(_STOCK_ERRORS[error], stockError)


_STOCK_ERRORS: dict[type[Exception] | None, type[Exception] | None] = {
    None: None,
    LimitExceeded: BananaError,
    UnknownTypeByte: NotImplementedError,
    UnknownVocabulary: KeyError,
    VocabularyNotNegotiated: NotImplementedError,
}

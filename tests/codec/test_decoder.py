"""
Tests for L{myspread._codec.decoder}.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from twisted.trial.unittest import TestCase

from myspread._codec import NONE, PB, Decoder, Dialect, Expression, encode
from myspread._errors import (
    BananaError,
    LimitExceeded,
    UnknownTypeByte,
    UnknownVocabulary,
    VocabularyNotNegotiated,
)
from myspread.limits import Limits


def collect(
    decoder: Decoder, chunks: Iterable[bytes]
) -> tuple[list[Expression], BananaError | None]:
    """
    Feed chunks until something is wrong.

    @return: The expressions, and what was wrong.
    """
    expressions: list[Expression] = []
    try:
        for chunk in chunks:
            for expression in decoder.feed(chunk):
                expressions.append(expression)
    except BananaError as error:
        return expressions, error
    return expressions, None


def single(data: bytes) -> list[bytes]:
    """
    Cut bytes into pieces of one.
    """
    return [data[index : index + 1] for index in range(len(data))]


# One of each, forms that we never send included.
EVERYTHING: list[tuple[bytes, Expression]] = [
    (b"\x80", []),
    (b"\x00\x80", []),
    (b"\x00\x00\x80", []),
    (b"\x81", 0),
    (b"\x01\x81", 1),
    (b"\x00\x01\x81", 128),
    (b"\x05\x00\x00\x81", 5),
    (b"\x7f" * 64 + b"\x81", 2**448 - 1),
    (b"\x82", b""),
    (b"\x05\x82hello", b"hello"),
    (b"\x00\x01\x82" + b"\xff" * 128, b"\xff" * 128),
    (b"\x83", 0),
    (b"\x01\x83", -1),
    (b"\x00\x00\x00\x00\x08\x83", -(2**31)),
    (b"\x84\x3f\xf8\0\0\0\0\0\0", 1.5),
    (b"\x05\x06\x84\x3f\xf8\0\0\0\0\0\0", 1.5),
    (b"\x84\xff\xf0\0\0\0\0\0\0", -math.inf),
    (b"\x00\x00\x00\x00\x08\x85", 2**31),
    (b"\x7f" * 64 + b"\x85", 2**448 - 1),
    (b"\x7f" * 64 + b"\x86", 1 - 2**448),
    (b"\x01\x87", b"None"),
    (b"\x1f\x00\x87", b"uncache"),
    (b"\x02\x80\x01\x80\x80\x01\x80\x01\x81", [[[]], [1]]),
    (b"\x03\x80\x01\x82x\x80\x08\x87", [b"x", [], b"list"]),
]


class ElementTests(TestCase):
    """
    Each type of element, and how the stream is cut.
    """

    def test_each(self) -> None:
        """
        Each element is read, and has exactly the type of its kind.
        """
        for data, expected in EVERYTHING:
            expressions, error = collect(Decoder(Limits(), PB), [data])
            self.assertIsNone(error)
            self.assertEqual(expressions, [expected])
            self.assertIs(type(expressions[0]), type(expected))

    def test_cutAnywhere(self) -> None:
        """
        Wherever the stream is cut in two, the same comes out, and each
        expression comes with the chunk that holds its last byte.
        """
        data = b"".join(data for data, _ in EVERYTHING)
        expected = [expression for _, expression in EVERYTHING]
        ends: list[int] = []
        for piece, _ in EVERYTHING:
            ends.append(len(piece) + (ends[-1] if ends else 0))
        for cut in range(len(data) + 1):
            decoder = Decoder(Limits(), PB)
            before = list(decoder.feed(data[:cut]))
            self.assertEqual(len(before), sum(end <= cut for end in ends), cut)
            self.assertEqual(before + list(decoder.feed(data[cut:])), expected, cut)

    def test_anySize(self) -> None:
        """
        Chunks may have any size, one byte and none included.
        """
        data = b"".join(data for data, _ in EVERYTHING)
        expected = [expression for _, expression in EVERYTHING]
        for size in (1, 2, 3, 7, 64, 100):
            chunks = [data[at : at + size] for at in range(0, len(data), size)]
            padded = [piece for chunk in chunks for piece in (b"", chunk, b"")]
            self.assertEqual(
                collect(Decoder(Limits(), PB), padded), (expected, None), size
            )

    def test_nan(self) -> None:
        """
        What is not a number arrives as such.
        """
        (number,) = Decoder(Limits()).feed(encode(math.nan))
        assert isinstance(number, float)
        self.assertTrue(math.isnan(number))

    def test_otherBuffers(self) -> None:
        """
        A C{bytearray} or C{memoryview} gives plain bytes all the same.
        """
        data = encode([b"list", b"x" * 200])
        kinds: list[Any] = [bytearray, memoryview]
        for kind in kinds:
            for cut in (0, 1, 5, 10, 100):
                decoder = Decoder(Limits())
                chunks = [kind(data[:cut]), kind(data[cut:])]
                expressions, error = collect(decoder, chunks)
                self.assertEqual((expressions, error), ([[b"list", b"x" * 200]], None))
                self.assertEqual(hash(expressions[0][0]), hash(b"list"))  # type: ignore[index]

    def test_listsAreSeparate(self) -> None:
        """
        Each list is an object of its own.
        """
        ((first, second),) = Decoder(Limits()).feed(b"\x02\x80\x80\x80")  # type: ignore[misc]
        self.assertIsNot(first, second)

    def test_deep(self) -> None:
        """
        Nesting doesn't lean on the interpreter's recursion limit, whole or in
        single bytes.
        """
        depth = sys.getrecursionlimit() * 20
        data = b"\x01\x80" * (depth - 1) + b"\x80"
        for chunks in ([data], single(data)):
            decoder = Decoder(Limits(nestingDepth=depth))
            expressions, error = collect(decoder, chunks)
            self.assertIsNone(error)
            inner = expressions[0]
            levels = 1
            while inner:
                assert isinstance(inner, list)
                (inner,) = inner
                levels += 1
            self.assertEqual(levels, depth)


class ConsumerTests(TestCase):
    """
    The consumer changes things, stops or fails between two expressions.
    """

    data = b"\x01\x81\x02\x81\x03\x81\x05\x82he"

    def test_dialectFromNextOn(self) -> None:
        """
        The dialect that the consumer sets holds within the same chunk.
        """
        decoder = Decoder(Limits())
        seen: list[Expression] = []
        for expression in decoder.feed(encode(b"pb") + encode([b"version", 6], PB)):
            seen.append(expression)
            decoder.dialect = PB
        self.assertEqual(seen, [b"pb", [b"version", 6]])

    def test_limitsFromNextOn(self) -> None:
        """
        So do the limits.
        """
        decoder = Decoder(Limits())
        stream = decoder.feed(b"\x02\x82ab\x02\x82cd")
        self.assertEqual(next(stream), b"ab")
        decoder.limits = Limits(stringLength=1)
        self.assertRaises(LimitExceeded, next, stream)

    def test_notIterated(self) -> None:
        """
        Even if nobody looks at the result, the bytes aren't lost.
        """
        decoder = Decoder(Limits())
        decoder.feed(self.data)
        self.assertEqual(list(decoder.feed(b"llo")), [1, 2, 3, b"hello"])

    def test_stopped(self) -> None:
        """
        What a consumer leaves behind comes out of the next call, with or
        without more bytes.
        """
        for more in (b"", b"llo\x04\x81"):
            decoder = Decoder(Limits())
            for expression in decoder.feed(self.data):
                self.assertEqual(expression, 1)
                break
            seen = list(decoder.feed(more))
            self.assertEqual(seen, [2, 3] + ([b"hello", 4] if more else []))
            if not more:
                self.assertEqual(list(decoder.feed(b"llo")), [b"hello"])

    def test_failed(self) -> None:
        """
        A consumer's own exception takes nothing with it, not even a
        L{BananaError}.
        """
        decoder = Decoder(Limits())
        seen: list[Expression] = []

        def consume(data: bytes) -> None:
            for expression in decoder.feed(data):
                seen.append(expression)
                if expression == 2:
                    raise BananaError("not of the stream")

        self.assertRaises(BananaError, consume, self.data)
        consume(b"llo")
        self.assertEqual(seen, [1, 2, 3, b"hello"])

    def test_nested(self) -> None:
        """
        Bytes that arrive while an expression is being handled, as with two
        peers in one process, stay in order, and none is handled twice.
        """
        decoder = Decoder(Limits())
        seen: list[Expression] = []

        def consume(data: bytes) -> None:
            for expression in decoder.feed(data):
                seen.append(expression)
                if expression == 2:
                    consume(b"llo\x04\x81")

        consume(self.data)
        consume(b"\x05\x81")
        self.assertEqual(seen, [1, 2, 3, b"hello", 4, 5])


class LimitTests(TestCase):
    """
    What the peer may not send.
    """

    def assertRefused(
        self,
        data: bytes,
        limits: Limits,
        *parts: str,
        before: list[Expression] | None = None,
    ) -> None:
        """
        Expect L{LimitExceeded} with some words, in one chunk and in many.
        """
        for chunks in ([data], single(data)):
            expressions, error = collect(Decoder(limits, PB), chunks)
            self.assertEqual(expressions, before or [])
            self.assertIsInstance(error, LimitExceeded)
            for part in parts:
                self.assertIn(part, str(error))

    def assertAccepted(self, data: bytes, limits: Limits) -> None:
        """
        Expect one expression, in one chunk and in many.
        """
        for chunks in ([data], single(data)):
            expressions, error = collect(Decoder(limits, PB), chunks)
            self.assertIsNone(error)
            self.assertEqual(len(expressions), 1)

    def test_stringLength(self) -> None:
        """
        A string may be as long as the limit. One byte more is refused as soon
        as it is declared.
        """
        for length in (0, 5, 127, 128, 640 * 1024):
            limits = Limits(stringLength=length)
            expressions, error = collect(Decoder(limits), [encode(b"x" * length)])
            self.assertEqual((expressions, error), ([b"x" * length], None))
            header = encode(b"x" * (length + 1), limits=Limits(stringLength=2**20))
            self.assertRefused(
                header[: -(length + 1)],
                limits,
                str(length + 1),
                f"Limits.stringLength is {length}.",
            )

    def test_listLength(self) -> None:
        """
        A list may be as long as the limit; inner elements don't count.
        """
        for length in (0, 5, 127, 128):
            limits = Limits(listLength=length)
            self.assertAccepted(encode([1] * length), limits)
            header = encode([1] * (length + 1))[: -2 * (length + 1)]
            self.assertRefused(
                header, limits, str(length + 1), f"Limits.listLength is {length}."
            )
        self.assertAccepted(encode([[1, 1], [1, 1]]), Limits(listLength=2))

    def test_stockSizes(self) -> None:
        """
        The declared sizes of stock's own tests are refused.
        """
        for data in (
            b"\x02\x01\x01\x01\x01\x80",
            b"\x02\x01\x01\x01\x01\x82",
            b"\x00\x00\x00\x00\x04\x80",
        ):
            self.assertRefused(data, Limits())

    def test_giantSize(self) -> None:
        """
        The message doesn't spell out a size that is a giant number.
        """
        data = b"\x7f" * 5000
        for typeByte in (b"\x80", b"\x82"):
            self.assertRefused(
                data + typeByte, Limits(prefixLength=5000), "more than 10**20"
            )

    def test_prefixLength(self) -> None:
        """
        As many digits as the limit says are accepted. One more is refused,
        before any type byte.
        """
        for length in (1, 2, 3, 64):
            limits = Limits(prefixLength=length)
            for typeByte in (b"\x81", b"\x83", b"\x85", b"\x86"):
                self.assertAccepted(b"\x01" * length + typeByte, limits)
            self.assertAccepted(b"\x01" + b"\0" * (length - 1) + b"\x82x", limits)
            for tail in (b"", b"\x81", b"\x82", b"\x84" + b"\0" * 8, b"\xff"):
                self.assertRefused(
                    b"\x01" * (length + 1) + tail,
                    limits,
                    f": {length + 1},",
                    f"Limits.prefixLength is {length}.",
                )

    def test_nestingDepth(self) -> None:
        """
        As many lists are inside each other as the limit says, the empty
        innermost one included. Siblings don't add up.
        """
        limits = Limits(nestingDepth=3)
        self.assertAccepted(encode([[[]], [[1]], [], [[]], 2]), limits)
        self.assertRefused(
            b"\x01\x80" * 3 + b"\x80", limits, ": 4,", "Limits.nestingDepth is 3."
        )
        self.assertRefused(encode([1, [[], [[]]]]), limits)

    def test_stockDepth(self) -> None:
        """
        By default 1024 lists are inside each other, and not one more.
        """
        self.assertAccepted(b"\x01\x80" * 1023 + b"\x80", Limits())
        self.assertRefused(b"\x01\x80" * 1024 + b"\x80", Limits())

    def test_goodOnesFirst(self) -> None:
        """
        The expressions before the offending one are delivered.
        """
        good = encode(1) + encode([b"list"])
        self.assertRefused(
            good + b"\x02\x80\x01\x81\x7f\x7f\x7f\x7f\x82",
            Limits(),
            before=[1, [b"list"]],
        )


class BrokenTests(TestCase):
    """
    Elements that make no sense.
    """

    def test_unknownTypeByte(self) -> None:
        """
        All type bytes from 0x88 on are refused, with the error that stock's
        callers expect too.
        """
        for typeByte in range(0x88, 0x100):
            for prefix in (b"", b"\x01", b"\x01\x02"):
                expressions, error = collect(
                    Decoder(Limits(), PB), [b"\x05\x81" + prefix + bytes((typeByte,))]
                )
                self.assertEqual(expressions, [5])
                self.assertIsInstance(error, UnknownTypeByte)
                self.assertIsInstance(error, NotImplementedError)
                self.assertIn(f"0x{typeByte:02x}", str(error))

    def test_unknownVocabulary(self) -> None:
        """
        A number without a word is refused before and after the handshake.
        """
        for dialect in (None, NONE, PB):
            for number in (b"", b"\x00", b"\x20", b"\x7a", b"\x7f\x7f\x7f"):
                expressions, error = collect(
                    Decoder(Limits(), dialect), [b"\x05\x81" + number + b"\x87"]
                )
                self.assertEqual(expressions, [5])
                self.assertIsInstance(error, UnknownVocabulary)
                self.assertIsInstance(error, KeyError)

    def test_notNegotiated(self) -> None:
        """
        A word as a number is refused until a dialect with words is in force.
        """
        for dialect in (None, NONE, Dialect(b"own", {}, {})):
            expressions, error = collect(
                Decoder(Limits(), dialect), [b"\x05\x81\x10\x87"]
            )
            self.assertEqual(expressions, [5])
            self.assertIsInstance(error, VocabularyNotNegotiated)
            self.assertIsInstance(error, NotImplementedError)
            self.assertIn("remote", str(error))

    def test_ownVocabulary(self) -> None:
        """
        Another dialect has words of its own, and lacks those of C{pb}.
        """
        dialect = Dialect(b"own", {b"word": 200}, {200: b"word"})
        expressions, error = collect(
            Decoder(Limits(), dialect), [encode([b"word"], dialect), b"\x01\x87"]
        )
        self.assertEqual(expressions, [[b"word"]])
        self.assertIsInstance(error, UnknownVocabulary)

    def test_staysBroken(self) -> None:
        """
        After an error, each call fails in the same way, and nothing is kept.
        """
        for bad in (
            b"\xff",
            b"\x7a\x87",
            b"\x1f\x87",
            b"\0" * 65,
            b"\x7f" * 5 + b"\x80",
        ):
            decoder = Decoder(Limits())
            first = self.assertRaises(
                BananaError, list, decoder.feed(b"\x02\x80" + bad)
            )
            for more in (b"", b"\x01\x81", b"\x01\x81"):
                again = self.assertRaises(BananaError, list, decoder.feed(more))
                self.assertIs(type(again), type(first))
                self.assertEqual(str(again), str(first))
                self.assertIsNot(again, first)

    def test_brokenInside(self) -> None:
        """
        If the stream breaks in a nested call, the outer one fails too.
        """
        decoder = Decoder(Limits())
        outer = decoder.feed(b"\x01\x81\x02\x81")
        self.assertEqual(next(outer), 1)
        inner = decoder.feed(b"\xff")
        self.assertEqual(next(inner), 2)
        self.assertRaises(UnknownTypeByte, next, inner)
        self.assertRaises(UnknownTypeByte, next, outer)

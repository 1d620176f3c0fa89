"""
What a whole message may cost, while it arrives and when it leaves: both
decoders, and both encoders.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from myspread._codec import NONE, PB, Decoder, Encoded, PlainEncoder, encode
from myspread._codec.accelerated import AcceleratedDecoder
from myspread._codec.tokens import LIST, STRING, digitsOf
from myspread._errors import BananaError, LimitExceeded
from myspread._native import accelerator
from myspread.limits import Limits

HUGE = Limits(messageLength=2**40, elements=2**40, nestingDepth=2**20)


def cut(data: bytes, size: int) -> list[bytes]:
    """
    Cut bytes into chunks of one size.
    """
    return [data[start : start + size] for start in range(0, len(data), size)]


def header(size: int, kind: bytes) -> bytes:
    """
    The beginning of a list or string.
    """
    return digitsOf(size) + kind


class Decoding(SynchronousTestCase):
    """
    Tests of a decoder.
    """

    make: Callable[..., Any] = staticmethod(Decoder)

    def collect(self, limits: Limits, chunks: list[bytes]) -> tuple[list[Any], int, Any]:
        """
        Feed chunks until something is wrong.

        @return: the expressions, how many bytes were fed, the error.
        """
        decoder = self.make(limits, PB)
        made: list[Any] = []
        fed = 0
        for chunk in chunks:
            fed += len(chunk)
            try:
                made.extend(decoder.feed(chunk))
            except BananaError as error:
                self.assertEqual(decoder.waitingBytes, 0)
                return made, fed, error
        return made, fed, None

    def assertAccepted(self, expression: Any, limits: Limits) -> None:
        """
        An expression gets in, however it is cut, and so does the same again.
        """
        data = encode(expression, PB, HUGE)
        for size in (1, 2, 7, 100, 2 * len(data)):
            made, _, error = self.collect(limits, cut(data * 2, size))
            self.assertEqual((made, error), ([expression] * 2, None), size)

    def assertRefused(self, data: bytes, limits: Limits, text: str, before: int | None = None) -> None:
        """
        Bytes are refused, in one piece and in many, after the expressions
        before them.

        @param before: how many bytes must be enough for that.
        """
        good = encode([b"good"], PB)
        for chunks in ([good + data], cut(good + data, 1), cut(good + data, 50)):
            made, fed, error = self.collect(limits, chunks)
            self.assertEqual(made, [[b"good"]])
            self.assertIs(type(error), LimitExceeded)
            self.assertIn(text, str(error))
            if before is not None and len(chunks[0]) == 1:
                self.assertEqual(fed - len(good), before)


class LengthTests(Decoding):
    """
    C{Limits.messageLength}
    """

    def test_exactly(self) -> None:
        """
        A message may have exactly as many bytes as the limit says.
        """
        for expression in (
            [1] * 30,
            b"x" * 60,
            [b"x" * 30, [b"y" * 2000]],
            [1.5] * 7,
            [[[b"list"]], 5, 2**40],
            7,
        ):
            length = len(encode(expression, PB, HUGE))
            self.assertAccepted(expression, Limits(messageLength=length))

    def test_tooMany(self) -> None:
        """
        One that has more is refused with the first byte beyond.
        """
        limits = Limits(messageLength=60)
        text = "The peer sent too long a message: 61, while Limits.messageLength is 60."
        for expression in ([1] * 30, [[1]] * 20, [b""] * 60, [1.5] * 10, [b"list"] * 30, [2**30] * 12):
            self.assertRefused(encode(expression, PB), limits, text, 61)
        self.assertRefused(b"\x7f\x80" + b"\x01\x81" * 29 + b"\x01", limits, text, 61)

    def test_declared(self) -> None:
        """
        A string that would make it longer is refused before any of it arrives.
        """
        limits = Limits(messageLength=100)
        for size in (96, 97, 1000, 100_000):
            begun = b"\x02\x80" + b"\x05\x81" + header(size, STRING)
            text = f"too long a message: {len(begun) + size}, while Limits.messageLength is 100."
            self.assertRefused(begun, limits, text, len(begun))
        self.assertAccepted([5, b"x" * 94], limits)

    def test_eachMessage(self) -> None:
        """
        Each message counts for itself.
        """
        made, _, error = self.collect(Limits(messageLength=10), [encode([1, 2, 3], PB) * 1000])
        self.assertEqual((len(made), error), (1000, None))

    def test_everyOffset(self) -> None:
        """
        Wherever it is cut, the error is the same, and comes before the bytes beyond are kept.
        """
        data = encode([1, b"x" * 20, [b"list", 1.5], [b"y" * 1500], 2**70], PB)
        for length in range(1, len(data), 7):
            limits = Limits(messageLength=length)
            errors = {
                str(self.collect(limits, [data[:place], data[place:]])[2])
                for place in range(0, len(data), 11)
            }
            self.assertEqual(len(errors), 1, errors)
            self.assertIn(f"Limits.messageLength is {length}.", errors.pop())

    def test_handshake(self) -> None:
        """
        The handshake is a message like any other.
        """
        for dialect in (None, NONE):
            decoder = self.make(Limits(messageLength=64), dialect)
            error = self.assertRaises(LimitExceeded, list, decoder.feed(header(65, STRING)))
            self.assertIn("Limits.messageLength", str(error))

    def test_smallerLater(self) -> None:
        """
        A limit that becomes smaller in the middle of a message refuses it.
        """
        decoder = self.make(Limits(), PB)
        self.assertEqual(list(decoder.feed(header(100, STRING) + b"x" * 50)), [])
        decoder.limits = Limits(messageLength=40)
        self.assertRaises(LimitExceeded, list, decoder.feed(b"x"))


class ElementsTests(Decoding):
    """
    C{Limits.elements}
    """

    def test_exactly(self) -> None:
        """
        Every number, string and list in a message is an element of it.
        """
        for expression, count in (
            ([], 0),
            (5, 0),
            ([1, 2, 3], 3),
            ([[], [], []], 3),
            ([1, [2, [3, b"x"]], 1.5, b"list"], 8),
            ([[1]] * 100, 200),
        ):
            self.assertAccepted(expression, Limits(elements=count))
            if count:
                text = f"too many elements in one message: {count}, while Limits.elements is {count - 1}."
                self.assertRefused(encode(expression, PB), Limits(elements=count - 1), text)

    def test_declared(self) -> None:
        """
        A list that would make them too many is refused before its elements arrive.
        """
        limits = Limits(elements=10)
        for begun in (b"\x0b\x80", b"\x05\x80\x06\x80", b"\x03\x80\x81\x07\x80\x82\x01\x80"):
            self.assertRefused(begun, limits, "too many elements in one message: 11,", len(begun))

    def test_whichOne(self) -> None:
        """
        A list that exceeds several limits is told of the nearest.
        """
        limits = Limits(elements=10, listLength=8, nestingDepth=2)
        self.assertRefused(header(9, LIST), limits, "Limits.listLength is 8.")
        self.assertRefused(header(99, LIST), limits, "Limits.listLength is 8.")
        self.assertRefused(b"\x01\x80" * 2 + b"\x08\x80", limits, "Limits.nestingDepth is 2.")

    def test_eachMessage(self) -> None:
        """
        Each message counts for itself.
        """
        made, _, error = self.collect(Limits(elements=3), cut(encode([1, [2]], PB) * 1000, 100))
        self.assertEqual((len(made), error), (1000, None))

    def test_stockSizes(self) -> None:
        """
        By default a list of texts may be as long as stock allows.
        """
        form = [b"list", *[[b"unicode", b"x"]] * (640 * 1024 - 1)]
        data = encode(form, PB, HUGE)
        made, _, error = self.collect(Limits(), cut(data, 65536))
        self.assertIsNone(error)
        self.assertEqual(len(made[0]), 640 * 1024)


class WaitingTests(Decoding):
    """
    What is kept of a message that isn't whole.
    """

    def waiting(self, chunks: list[bytes], limits: Limits = HUGE) -> int:
        """
        How many bytes a decoder says to keep, once it was fed.
        """
        decoder = self.make(limits, PB)
        for chunk in chunks:
            list(decoder.feed(chunk))
        waiting: int = decoder.waitingBytes
        return waiting

    def test_nothing(self) -> None:
        """
        Between messages nothing waits, whatever came before.
        """
        self.assertEqual(self.waiting([]), 0)
        for expression in ([1, 2], [b"x" * 5000], [[1]] * 20_000, b"x", [[[]]]):
            data = encode(expression, PB, HUGE)
            for size in (1, 5, 1000, 2 * len(data)) if len(data) < 10_000 else (1000, 2 * len(data)):
                self.assertEqual(self.waiting(cut(data, size)), 0)
                self.assertEqual(self.waiting([*cut(data, size), b""]), 0)

    def test_notLookedAt(self) -> None:
        """
        Expressions that the consumer left behind aren't parts of one.
        """
        decoder = self.make(Limits(), PB)
        for _ in decoder.feed(encode([1], PB) * 3):
            break
        self.assertEqual(decoder.waitingBytes, 0)

    def test_atLeastItsBytes(self) -> None:
        """
        Every byte counts, wherever the message is cut.
        """
        data = encode([1, b"x" * 20, [b"list", 1.5], [b"y" * 3000], [[]] * 50, 2**70], PB)
        for place in range(1, len(data)):
            for chunks in ([data[:place]], [data[: place // 2], data[place // 2 : place]]):
                waiting = self.waiting(chunks)
                self.assertGreaterEqual(waiting, place)
                self.assertLess(waiting, place + 100 * 160)

    def test_longString(self) -> None:
        """
        Of a string there are its bytes and no more.
        """
        begun = header(1, LIST) + header(600_000, STRING) + b"x" * 500_000
        for size in (600, 65536, 10**6):
            self.assertEqual(self.waiting(cut(begun, size)), len(begun))

    def test_memory(self) -> None:
        """
        Whatever an unfinished message is made of, it costs hardly more than
        is said.
        """
        for element in (b"\x80", b"\x01\x80\x80", b"\x08\x87", b"\x82", b"\x01\x82x", b"\x7f\x7f\x81"):
            for count in (2000, 40_000):
                body = element * (count // 2)
                begun = header(count, LIST) + body
                for size in (1, 1000, 65536) if count < 10_000 else (1000, 30_000):
                    decoder = self.make(HUGE, PB)
                    chunks = cut(begun, size)
                    gc.collect()
                    tracemalloc.start()
                    try:
                        for chunk in chunks:
                            list(decoder.feed(chunk))
                        held, _ = tracemalloc.get_traced_memory()
                    finally:
                        tracemalloc.stop()
                    self.assertGreaterEqual(decoder.waitingBytes, len(begun))
                    self.assertLess(held, 2 * decoder.waitingBytes + 10_000, (element, count, size))
                    if count > 10_000:
                        self.assertLess(held, 1.3 * len(begun) + 70_000, (element, count, size))

    def test_then(self) -> None:
        """
        What waited so comes out whole.
        """
        for expression in (
            [[index, b"abc", [], 1.5] for index in range(20_000)],
            [[b"x" * 5000] * 3, [b"y" * 2000, [b"z" * 1025]], [b"w" * 1024], 2**400],
        ):
            data = encode(expression, PB, HUGE)
            for size in (999, 4096, 65536):
                made, _, error = self.collect(HUGE, cut(data * 2 + encode(5), size))
                self.assertIsNone(error)
                self.assertTrue(made == [expression, expression, 5])

    def test_deep(self) -> None:
        """
        Depth, too, is forgotten and found again.
        """
        expression: Any = [b"x" * 2000]
        for index in range(2000):
            expression = [index, expression, [b"y"] * 10]
        for size in (1000, 65536):
            made, _, error = self.collect(HUGE, cut(encode(expression, PB, HUGE), size))
            self.assertIsNone(error)
            self.assertTrue(encode(made[0], PB, HUGE) == encode(expression, PB, HUGE))


class Accelerated:
    """
    The same for the accelerator.
    """

    make = AcceleratedDecoder

    def setUp(self) -> None:
        """
        @raise SkipTest: when the extension module was not built.
        """
        if accelerator is None:
            raise SkipTest("the extension module is not built, or MYSPREAD_PURE=1 switches it off")


class AcceleratedLengthTests(Accelerated, LengthTests):
    """
    C{Limits.messageLength}, accelerated.
    """


class AcceleratedElementsTests(Accelerated, ElementsTests):
    """
    C{Limits.elements}, accelerated.
    """


class AcceleratedWaitingTests(Accelerated, WaitingTests):
    """
    What is kept, accelerated.
    """

    def test_fastAgain(self) -> None:
        """
        Limits that change in the middle of a message slow that message down,
        not those that follow.
        """
        for data in (encode([b"list", [b"x" * 20]], PB), encode([b"x" * 5000], PB)):
            decoder = AcceleratedDecoder(Limits(), PB)
            list(decoder.feed(data[:7]))
            decoder.limits = Limits(references=5)
            self.assertIsNotNone(decoder._pure)
            self.assertEqual(decoder.waitingBytes, 7)
            expected = list(Decoder(Limits(), PB).feed(data))
            self.assertEqual(list(decoder.feed(data[7:] + data[:3])), expected)
            self.assertEqual(list(decoder.feed(data[3:])), expected)
            self.assertIsNone(decoder._pure)
            self.assertEqual(list(decoder.feed(data)), expected)

    def test_fastAgainWithinChunk(self) -> None:
        """
        So does a change that the consumer makes while it has more.
        """
        data = encode([b"list", 1], PB)
        decoder = AcceleratedDecoder(Limits(), PB)
        list(decoder.feed(data[:3]))
        decoder.limits = Limits(references=5)
        made = []
        for expression in decoder.feed(data[3:] + data * 2 + data[:5]):
            made.append(expression)
            decoder.limits = Limits(references=6)
        made += decoder.feed(data[5:])
        self.assertEqual(made, [[b"list", 1]] * 4)
        self.assertIsNone(decoder._pure)


class EncodingTests(SynchronousTestCase):
    """
    What we don't send.
    """

    def assertRefused(self, expression: Any, limits: Limits, *words: str) -> None:
        error = self.assertRaises(LimitExceeded, encode, expression, PB, limits)
        for word in (*words, "too large to send"):
            self.assertIn(word, str(error))

    def test_messageLength(self) -> None:
        """
        A message may have as many bytes as the limit says.
        """
        for expression in ([1] * 20, [b"x" * 500], [b"list"] * 9, [[2**50, 1.5]] * 4, b"abc", 7):
            length = len(encode(expression, PB))
            self.assertTrue(encode(expression, PB, Limits(messageLength=length)))
            self.assertRefused(
                expression,
                Limits(messageLength=length - 1),
                f"A message of {length} bytes",
                f"Limits.messageLength is {length - 1}.",
            )

    def test_notJoined(self) -> None:
        """
        One that is much too large isn't put together first.
        """
        text = b"x" * 600_000
        tracemalloc.start()
        try:
            self.assertRefused([text] * 1000, Limits(), "Limits.messageLength", "Place: [55].")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 200_000)

    def test_elements(self) -> None:
        """
        And as many elements.
        """
        self.assertTrue(encode([1, [2, [], b"x"]], PB, Limits(elements=5)))
        self.assertRefused(
            [1, [2, [], b"x"]],
            Limits(elements=4),
            "A message of 5 elements",
            "Limits.elements is 4.",
            "Place: [1].",
        )

    def test_encoded(self) -> None:
        """
        What is written already counts as well.
        """
        inner = Encoded(encode([b"y", b"z"], PB), 2)
        whole = len(encode([1, [b"y", b"z"]], PB))
        self.assertTrue(encode([1, inner], PB, Limits(messageLength=whole, elements=4)))
        self.assertRefused([1, inner], Limits(elements=3), "Limits.elements", "Place: [1].")
        self.assertRefused([1, inner], Limits(messageLength=whole - 1), "Limits.messageLength")
        self.assertRefused([1, inner], Limits(messageLength=3), "Limits.messageLength", "Place: [1].")


class AcceleratedEncodingTests(SynchronousTestCase):
    """
    What the accelerator doesn't write.
    """

    values: list[Any] = [
        [1, 2, 3],
        {"a": [1], "b": {2: (3, "x")}, "c": None, "d": True},
        {1, 2},
        "text" * 300,
        [[]] * 1 + [[[[1.5]]]],
        {},
        (1, "x"),
        b"bytes",
    ]

    def setUp(self) -> None:
        """
        @raise SkipTest: when the extension module was not built.
        """
        if accelerator is None:
            raise SkipTest("the extension module is not built, or MYSPREAD_PURE=1 switches it off")

    def counted(self, data: bytes) -> int:
        """
        How many elements the lists in an expression have, counted slowly.
        """

        def each(expression: Any) -> Iterator[int]:
            if isinstance(expression, list):
                yield len(expression)
                for part in expression:
                    yield from each(part)

        (expression,) = Decoder(HUGE, PB).feed(data)
        return sum(each(expression))

    def test_counts(self) -> None:
        """
        It tells how many elements there are.
        """
        for value in self.values:
            encoded = PlainEncoder(PB, Limits()).encode(value)
            assert encoded is not None
            self.assertEqual(encoded.elements, self.counted(encoded.data), value)

    def test_limits(self) -> None:
        """
        It writes up to the limits, and leaves what exceeds them to the pure
        encoder.
        """
        for value in self.values:
            encoded = PlainEncoder(PB, Limits()).encode(value)
            assert encoded is not None
            size, elements = len(encoded.data), encoded.elements
            exact = Limits(messageLength=size, elements=elements)
            self.assertIsNotNone(PlainEncoder(PB, exact).encode(value))
            self.assertIsNone(PlainEncoder(PB, Limits(messageLength=size - 1)).encode(value))
            if elements:
                self.assertIsNone(PlainEncoder(PB, Limits(elements=elements - 1)).encode(value))

    def test_messages(self) -> None:
        """
        So it does for messages.
        """
        for value in self.values:
            encoded = PlainEncoder(PB, Limits()).encode(value)
            assert encoded is not None
            message = (b"answer", 5, encoded, encoded)
            data = encode(message, PB)
            elements = self.counted(data)
            exact = Limits(messageLength=len(data), elements=elements)
            self.assertEqual(PlainEncoder(PB, exact).message(message), data)
            for small in (
                Limits(messageLength=len(data) - 1, elements=elements),
                Limits(messageLength=len(data), elements=elements - 1),
            ):
                self.assertIsNone(PlainEncoder(PB, small).message(message))
                self.assertRaises(LimitExceeded, encode, message, PB, small)

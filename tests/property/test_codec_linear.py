"""
The decoder's work grows with the bytes fed, not with their square, however the
stream is cut.

The work is counted, in lines of the codec that run and in bytes that are
allocated, so the load of the machine doesn't matter.
"""

from __future__ import annotations

import sys
import tracemalloc
from types import FrameType
from typing import Any

from twisted.trial.unittest import TestCase

from myspread._codec import Decoder, Expression, decoder, encode
from myspread.limits import Limits


def cut(data: bytes, size: int) -> list[bytes]:
    """
    Cut bytes into chunks of one size.
    """
    return [data[start : start + size] for start in range(0, len(data), size)]


def linesToDecode(chunks: list[bytes]) -> tuple[int, list[Expression]]:
    """
    Count the lines that run while chunks are decoded.
    """
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if frame.f_code.co_filename != decoder.__file__:
            return None
        if event == "line":
            count += 1
        return trace

    fed = Decoder(Limits())
    expressions: list[Expression] = []
    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        for chunk in chunks:
            expressions.extend(fed.feed(chunk))
    finally:
        sys.settrace(previous)
    return count, expressions


def bytesToDecode(chunks: list[bytes]) -> tuple[int, list[Expression]]:
    """
    Add up how many bytes are allocated for each chunk.
    """
    count = 0
    fed = Decoder(Limits())
    expressions: list[Expression] = []
    tracemalloc.start()
    try:
        for chunk in chunks:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            expressions.extend(fed.feed(chunk))
            _, peak = tracemalloc.get_traced_memory()
            count += peak - before
    finally:
        tracemalloc.stop()
    return count, expressions


class LinearTests(TestCase):
    """
    Each byte costs the same, whatever was fed before it.
    """

    def assertBounded(self, expression: Expression, size: int) -> None:
        """
        Decode in chunks of a size, and bound the work for each byte.
        """
        wire = encode(expression)
        chunks = cut(wire, size)
        lines, decoded = linesToDecode(chunks)
        self.assertEqual(decoded, [expression])
        # A chunk costs some fifty lines by itself, an element some twenty; the
        # shortest element has one byte.
        self.assertLess(lines, 100 * len(chunks) + 40 * len(wire))
        allocated, decoded = bytesToDecode(chunks)
        self.assertEqual(decoded, [expression])
        # An iterator and slices for a chunk; 56 bytes for an empty list, which
        # grows by steps, for what may be a single byte.
        self.assertLess(allocated, 2000 * len(chunks) + 200 * len(wire))

    def test_longString(self) -> None:
        """
        A long string in short chunks is neither scanned nor copied again.
        """
        for size in (1, 100):
            self.assertBounded([b"x" * 40_000], size)

    def test_longList(self) -> None:
        """
        A long list of short lists is not begun again with each chunk.
        """
        for size in (1, 100):
            self.assertBounded([[index, b"abc", []] for index in range(3000)], size)

    def test_deepList(self) -> None:
        """
        Nor is a deep one, opening or closing.
        """
        expression: list[Any] = []
        for _ in range(250):
            expression = [expression, 1]
        self.assertBounded(expression, 1)

    def test_many(self) -> None:
        """
        Many expressions in one chunk cost no more than in many chunks.
        """
        wire = encode([1, b"abc"]) * 3000
        lines, decoded = linesToDecode([wire])
        self.assertEqual(len(decoded), 3000)
        self.assertLess(lines, 40 * len(wire))

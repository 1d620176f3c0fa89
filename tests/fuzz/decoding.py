"""
Target C{decoder}: any bytes, for the decoders.

Both decoders make the same expressions of the same stream, however it is cut,
keep their limits, and end it in the same way: with one L{BananaError}, from
then on for ever, or not at all.
"""

from __future__ import annotations

from random import Random
from typing import Any
from zlib import crc32

from myspread._codec import NONE, PB, Decoder, Dialect
from myspread._codec.accelerated import AcceleratedDecoder
from myspread._errors import BananaError
from myspread._native import Raw, accelerator
from myspread.limits import Limits

__all__ = ["WORDS", "check", "pieces"]

WORDS = (b"pb", b"none", *PB.words)

TINY = Limits(stringLength=8, listLength=3, prefixLength=2, nestingDepth=3)

SETTINGS: tuple[tuple[Dialect | None, Limits], ...] = (
    (PB, Limits()),
    (NONE, Limits()),
    (None, TINY),
    (PB, TINY),
)

Outcome = tuple[list[Any], type[BananaError] | None, str]


def pieces(case: bytes) -> list[bytes]:
    """A case in pieces; the case itself says where it is cut."""
    random = Random(crc32(case))
    size = random.choice((1, 2, 3, 7, 50, 1000))
    if len(case) > 4096:
        size *= 100
    cut, start = [], 0
    while start < len(case):
        end = start + random.randrange(1, 2 * size + 1)
        cut.append(case[start:end])
        start = end
    return cut


def flat(expression: Any) -> list[Any]:
    """
    The elements of an expression in order, with their types. It may be nested
    more deeply than Python compares.
    """
    found: list[Any] = []
    todo = [expression]
    while todo:
        here = todo.pop()
        if type(here) is Raw:
            here = here.expand()
        if type(here) is list:
            found.append(len(here))
            todo += reversed(here)
        else:
            found.append((type(here), repr(here) if type(here) is float else here))
    return found


def outcome(decoder: Any, chunks: list[bytes]) -> Outcome:
    """What a decoder makes of a stream, and how that ends."""
    made: list[Any] = []
    for index, chunk in enumerate(chunks):
        try:
            for expression in decoder.feed(chunk):
                made.append(flat(expression))
        except BananaError as error:
            assertStaysBroken(decoder, error, chunks[index + 1 :])
            return made, type(error), str(error)
    return made, None, ""


def assertStaysBroken(decoder: Any, error: BananaError, chunks: list[bytes]) -> None:
    """After an error, nothing but this error comes."""
    for chunk in (*chunks[:2], b"", b"\x00\x81"):
        try:
            more = list(decoder.feed(chunk))
        except BananaError as again:
            assert (type(again), str(again)) == (type(error), str(error)), f"{again!r} follows {error!r}"
        else:
            raise AssertionError(f"{more!r} follows {error!r}")


def assertWithin(made: list[Any], limits: Limits) -> None:
    """Nothing was made that is larger than the limits allow."""
    for elements in made:
        outer: list[int] = []
        for element in elements:
            while outer and not outer[-1]:
                outer.pop()
            if outer:
                outer[-1] -= 1
            if type(element) is int:
                assert element <= limits.listLength, f"a list of {element} elements"
                outer.append(element)
                assert len(outer) <= limits.nestingDepth, f"a nesting of {len(outer)} lists"
            elif element[0] is bytes:
                known = element[1] in PB.words
                assert known or len(element[1]) <= limits.stringLength, f"{len(element[1])} bytes"
            elif element[0] is int:
                assert abs(element[1]) < 2 ** (7 * limits.prefixLength), "too large an integer"


def check(case: bytes) -> None:
    """
    Let the decoders read a case.

    @raise AssertionError: when one of them does what it must not.
    """
    for dialect, limits in SETTINGS:
        expected = outcome(Decoder(limits, dialect), [case])
        assertWithin(expected[0], limits)
        whole, error, text = expected
        assert len(text) < 1000, f"an error text of {len(text)} characters"
        cut = pieces(case)
        again = outcome(Decoder(limits, dialect), cut)
        assert again[:2] == (whole, error), f"cut, it gives {again}, whole {expected}"
        if accelerator is None:
            continue
        for lazy in (False, True):
            for chunks in ([case], cut):
                decoder = AcceleratedDecoder(limits, dialect)
                decoder.lazy = lazy
                fast = outcome(decoder, chunks)
                assert fast[:2] == (whole, error), f"{lazy=}, accelerated {fast}, pure {expected}"

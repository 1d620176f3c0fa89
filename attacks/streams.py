"""
Attacks on the stream: what is no Banana, or too much of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import repeat
from typing import Any

from attacks.crowd import Target
from attacks.wire import FLOAT, HELLO, INT, LIST, LONGINT, STRING, VOCAB, Ready, call, head, write

__all__ = [
    "amplified",
    "badDialects",
    "endlessPrefixes",
    "garbage",
    "hugeLengths",
    "longNumbers",
    "nesting",
    "nestingWithinLimits",
    "unfinishedMessages",
    "unknownVocabulary",
]

DIALECTS = (
    write(b"evil"),
    write(b""),
    write(b"pb\x00"),
    write(b"\xff\xfe"),
    write(b"p" * 600_000),
    write(7),
    write(1.5),
    write([]),
    write([b"pb", b"none"]),
    write([[b"pb"]] * 1000),
    write(b"none") + write(b"pb") + call(b"echo"),
    head(1, VOCAB),
)
"""What may follow the offer of dialects, and shouldn't."""

STRANGERS = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(512),
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"\x00" * 4096,
    b"\xff" * 4096,
    b"\x80" * 4096,
    b"\x81" * 4096,
    b"\x82" * 4096,
)
"""The first words of other protocols, and of none."""


def badDialects(target: Target) -> None:
    """Each of them, often."""
    for _ in range(25):
        with target.crowd(len(DIALECTS)) as crowd:
            for line, dialect in zip(crowd.lines, DIALECTS, strict=False):
                line.queue.append(iter([dialect]))
            crowd.deliver()
            crowd.ask()


def garbage(target: Target) -> None:
    """Random bytes, and other protocols, before the handshake and after it."""
    source = random.Random(1)
    for hello in (b"", HELLO):
        chunks = [source.randbytes(64 * 1024) for _ in range(100)] + [*STRANGERS] * 5
        with target.crowd(len(chunks)) as crowd:
            for line, chunk in zip(crowd.lines, chunks, strict=False):
                line.queue.append(iter([hello + chunk]))
            crowd.deliver()
            crowd.hold(reading=True)


def endlessPrefixes(target: Target) -> None:
    """Digits without an end, before the handshake and after it."""
    for hello in (b"", HELLO):
        with target.crowd(10) as crowd:
            crowd.send(hello, repeat(b"\x01" * 65536, 160)).deliver()


def hugeLengths(target: Target) -> None:
    """Declared sizes of strings and lists that never come: such as are refused, and such as aren't."""
    largest = 640 * 1024
    declared = [
        head(2**31, STRING),
        head(2**448 - 1, STRING),
        head(2**31, LIST),
        head(2**448 - 1, LIST),
        head(largest + 1, STRING),
        head(largest, LIST) * 1000,
        head(largest, STRING),
        (head(largest, LIST) + write([])) * 500,
    ]
    for hello in (b"", HELLO):
        with target.crowd(25 * len(declared)) as crowd:
            for number, line in enumerate(crowd.lines):
                line.queue.append(iter([hello + declared[number % len(declared)]]))
            crowd.deliver()
            crowd.hold(reading=True)


def _nested(depth: int, *before: bytes) -> Ready:
    """Lists inside each other, whose first elements are those."""
    opening = head(len(before) + 1, LIST) + b"".join(map(write, before))
    return Ready(opening * depth + write([*before]))


def nesting(target: Target) -> None:
    """A million lists inside each other: as a message, as an argument, and as one of Jelly's."""
    million = 1_000_000
    for message in (
        _nested(million),
        call(b"echo", _nested(million)),
        call(b"echo", _nested(million, b"list")),
        call(b"echo", _nested(million, b"tuple")),
    ):
        with target.crowd() as crowd:
            crowd.send(HELLO, message).deliver()
            crowd.ask()


def nestingWithinLimits(target: Target) -> None:
    """The same, 300 and 990 deep, and eight hundred times; all of it legal where a thousand is."""
    with target.crowd(4) as crowd:
        crowd.send(HELLO)
        for depth in (300, 990):
            for tag in ((b"list",), (b"tuple",), (b"dictionary",), (b"reference", b"1")):
                crowd.send(repeat(call(b"echo", _nested(depth, *tag)), 25))
        crowd.deliver()
        crowd.ask()


def _many(element: Any, count: int) -> bytes:
    """A call with a list of so many."""
    return call(b"echo", Ready(head(count + 1, LIST) + write(b"list") + write(element) * count))


def amplified(target: Target) -> None:
    """Messages of small elements: a few bytes each here, much more there. As many as may be, and more."""
    few = (_many([], 98_000), _many([b"set"], 49_000), _many([b"remote", 1], 32_500))
    with target.crowd() as crowd:
        crowd.send(HELLO, *few, _many([], 600_000)).deliver()
        crowd.ask()


def unknownVocabulary(target: Target) -> None:
    """Words that nobody agreed on, in either dialect and before one is chosen."""
    hellos = (b"", HELLO, write(b"none") + write([b"version", 6]))
    for number in (0, 32, 99, 2**31, 2**440):
        with target.crowd(10 * len(hellos)) as crowd:
            for place, line in enumerate(crowd.lines):
                line.queue.append(iter([hellos[place % len(hellos)] + head(number, VOCAB) * 1000]))
            crowd.deliver()
            crowd.ask()


def longNumbers(target: Target) -> None:
    """Numbers as long as they may be, and with as many leading zeros."""
    padded = Ready(b"\x01" + b"\x00" * 62 + INT)
    largest = 2**448 - 1

    def messages() -> Iterator[bytes]:
        for _ in range(100):
            yield call(
                b"echo", [b"list", *[largest] * 200], [b"list", *[-largest] * 200], [b"list", *[padded] * 200]
            )
            yield write([b"message", largest, -largest, b"echo", 1, [b"tuple"], [b"dictionary"]])
            yield write([b"answer", largest, Ready(b"\x7f" * 64 + LONGINT)])
            yield FLOAT + b"\x7f\xf0" + bytes(6)

    with target.crowd() as crowd:
        crowd.send(HELLO, messages()).deliver()
        crowd.ask()


def unfinishedMessages(target: Target) -> None:
    """A hundred messages of 600 kB that lack their ends."""
    message = call(b"echo", b"x" * 620_000)[:600_000]
    with target.crowd(100) as crowd:
        crowd.send(HELLO, message).deliver()
        crowd.hold()

"""
Attacks with messages: Banana that is no Perspective Broker, or is none of this connection's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

from attacks.crowd import Target
from attacks.wire import FLOAT, HELLO, Ready, call, text, write

__all__ = [
    "decrefFlood",
    "forgedForms",
    "invalidText",
    "unknownCommands",
    "unknownIds",
    "versionFlood",
    "wrongTypes",
]

WRONG: tuple[Any, ...] = (
    0,
    -1,
    2**31,
    -(2**63),
    2**448 - 1,
    1.5,
    Ready(FLOAT + b"\x7f\xf8" + bytes(6)),
    b"",
    b"\xff\xfe",
    b"x" * 5000,
    b"__class__",
    [],
    [[]],
    [0],
    [b""],
    [b"\xff"],
    [b"unicode"],
    [b"None"],
    [b"tuple", [b"tuple"]],
    [b"dictionary", b"x"],
    [b"dictionary", [1]],
    [b"dereference", 1],
)
"""What may stand in a field."""

MESSAGES: tuple[tuple[Any, ...], ...] = (
    (b"message", 1, b"root", b"echo", 1, [b"tuple", 1], [b"dictionary"]),
    (b"cachemessage", 1, 1, b"echo", 1, [b"tuple", 1], [b"dictionary"]),
    (b"answer", 1, 1),
    (b"error", 1, text("bad")),
    (b"decref", 1),
    (b"decache", 1),
    (b"uncache", 1),
    (b"version", 6),
    (b"didNotUnderstand", b"message"),
)
"""One of each."""

BAD_UTF8 = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"abc\xe2\x98")

BUILTINS = (
    b"os.system",
    b"builtins.eval",
    b"attacks.ours.Root",
    b"twisted.spread.pb.Broker",
    b"this.Zen",
    b"\xff.x",
    b".",
    b"",
)
"""What an attacker would like to have."""

FORMS: tuple[Any, ...] = (
    *(
        [tag, name]
        for tag in (b"class", b"module", b"function", b"persistent", b"unpersistable")
        for name in BUILTINS
    ),
    *([name, [b"dictionary"]] for name in BUILTINS),
    *([b"instance", [b"class", name], [b"dictionary"]] for name in BUILTINS),
    *([b"method", b"system", [b"None"], [b"class", name]] for name in BUILTINS),
    *(
        [tag, 1]
        for tag in (b"remote", b"local", b"cached", b"lcache", b"dereference", b"method", b"instance")
    ),
    *([tag, b"root"] for tag in (b"remote", b"local", b"cached", b"lcache")),
    [b"cache", 1, b"twisted.spread.pb.Broker", [b"dictionary"]],
    [b"copy", b"twisted.spread.pb.Broker", [b"dictionary"]],
    [b"reference", 1, [b"reference", 1, [b"list"]]],
    [b"reference", 1, [b"tuple", [b"dereference", 1]]],
    [b"reference", 1, [b"dictionary", [[b"dereference", 1], 1]]],
    [b"reference", b"x" * 5000, [b"list"]],
    [b"twisted.spread.pb.CopyableFailure", [b"dictionary", [text("type"), [b"list"]]]],
    [b"remote"],
    [b"remote", 1, 2, 3],
    [b"unicode", 7],
    [b"boolean", b"perhaps"],
)
"""What a peer could claim that an object is."""


def _with(expressions: Iterator[bytes], target: Target, connections: int = 1) -> None:
    messages = b"".join(expressions)
    with target.crowd(connections) as crowd:
        crowd.send(HELLO, messages).deliver()
        crowd.ask()


def wrongTypes(target: Target) -> None:
    """Each wrong thing in each field of each message; too few fields, and too many."""
    batches: list[list[bytes]] = []
    for message in MESSAGES:
        batches += [
            [write([*message[:place], wrong, *message[place + 1 :]]) for wrong in WRONG]
            for place in range(len(message))
        ]
        batches.append([write(message[:count]) for count in range(len(message))])
        batches.append([write([*message, *[0] * count]) for count in (1, 2, 5000)])
    batches.append([write(wrong) for wrong in WRONG])
    with target.crowd(len(batches)) as crowd:
        for line, batch in zip(crowd.lines, batches, strict=False):
            line.queue.append(iter([HELLO, *batch * 20]))
        crowd.deliver()
        crowd.ask()


def unknownCommands(target: Target) -> None:
    """Messages that there are none of, in the form of names of methods and of nothing."""
    names = (b"evil", b"__init__", b"_flush", b"version\x00", b"\xff", b"", b"proto", b"message ", b"x" * 600)
    with target.crowd(len(names)) as crowd:
        for line, name in zip(crowd.lines, names, strict=False):
            line.queue.append(iter([HELLO, write([name, 1, 2, 3]) * 3000]))
        crowd.deliver()
        crowd.ask()


def invalidText(target: Target) -> None:
    """Bytes that are no UTF-8 wherever text is wanted."""
    messages = [
        message
        for bad in BAD_UTF8
        for message in (
            call(bad),
            call(b"echo", [b"unicode", bad]),
            call(b"echo", keywords=[b"dictionary", [bad, 1]]),
            call(b"echo", keywords=[b"dictionary", [[b"unicode", bad], 1]]),
            call(b"echo", target=bad),
            call(b"echo", [bad, [b"dictionary"]]),
            call(b"echo", [b"class", bad]),
            call(b"echo", [b"datetime", bad]),
        )
    ]
    _with(chain.from_iterable(repeat(messages, 50)), target)


def unknownIds(target: Target) -> None:
    """Objects that aren't lent, answers to calls that were never made, caches that there aren't."""
    ids = (0, 1, 7, -1, 2**31, 2**440, b"", b"0", b"nobody", b"\xff", b"x" * 5000)
    calls = [call(b"echo", target=each, request=number) for number, each in enumerate(ids)]
    others = [
        write([command, number, *rest])
        for command, *rest in ((b"answer", 1), (b"error", text("x")), (b"decache",), (b"uncache",))
        for number in ids
        if isinstance(number, int)
    ]
    _with(chain.from_iterable(repeat(calls + others, 500)), target)


def decrefFlood(target: Target) -> None:
    """References given back that nobody has, and the root again and again."""
    one = b"".join(
        write([command, number])
        for command in (b"decref", b"decache", b"uncache")
        for number in (1, 2, -1, 2**200)
    )
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat((one + write([b"decref", b"root"])) * 100, 80)).deliver()
        crowd.ask()


def forgedForms(target: Target) -> None:
    """Classes, functions, methods, instances, copies, caches, persistent ids, references: all forged."""
    calls = [call(b"echo", form) for form in FORMS] + [write([b"answer", 1, form]) for form in FORMS]
    calls += [write([b"error", 1, form]) for form in FORMS]
    with target.crowd(8) as crowd:
        crowd.send(HELLO, repeat(b"".join(calls), 8)).deliver()
        crowd.ask()


def versionFlood(target: Target) -> None:
    """Another version of the protocol; the right one, very often; one that is no number."""
    versions = (
        write([b"version", 99]),
        write([b"version", 6]),
        write([b"version", Ready(FLOAT + b"\x7f\xf8" + bytes(6))]),
    )
    with target.crowd(30) as crowd:
        for number, line in enumerate(crowd.lines):
            line.queue.append(iter([HELLO, versions[number % 3] * 3000]))
        crowd.deliver()
        crowd.ask()

"""
An example or more for each row of C{docs/topics/malformed.rst}.

An example is what a peer sends: bytes, or expressions. The last call among them
has the request id L{REQUEST}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from myspread import pb
from myspread._peer.messages import COMMANDS
from myspread.limits import Limits
from tests.peer.wire import NO_KEYWORDS, Wire, arguments, call

__all__ = [
    "BEFORE_HANDSHAKE",
    "EXAMPLES",
    "LENT",
    "REQUEST",
    "TO_CLIENT",
    "Desk",
    "Row",
    "prepared",
    "rowsOf",
]

REQUEST = 9

PAGE = Path(__file__).parents[2] / "docs" / "topics" / "malformed.rst"

LIMITS = Limits(
    stringLength=1000,
    listLength=1000,
    nestingDepth=50,
    messageLength=20_000,
    elements=5000,
    calls=2,
    cachesTaken=1,
)


class Row(NamedTuple):
    """
    A row of the page.
    """

    message: str
    outcome: str
    sees: str
    log: str


def rowsOf(page: Path = PAGE) -> Iterator[Row]:
    """The rows of all tables of the page, without their headers."""
    text = re.sub(r"\n {7}(?=\S)", " ", page.read_text(encoding="utf-8"))
    for cells in re.findall(r"^   \* - (.*)\n     - (.*)\n     - (.*)\n     - (.*)$", text, re.MULTILINE):
        if cells[0] != "Message":
            yield Row(*cells)


class Lent(pb.Referenceable):
    """An object that is lent."""


class Kept(pb.Cacheable):
    """An object that the peer caches."""

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {}


class Taken(pb.RemoteCache):
    """A cache of an object of the peer."""


class Seen:
    """An object with a view."""


class Desk(pb.Root):
    """Has a bit of everything."""

    remote_number = 5
    secret = "gold"

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def _hidden(self) -> str:
        """Nobody's business."""
        return self.secret

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_keep(self, value: Any) -> None:
        """Keep C{value}."""
        self.kept.append(value)

    def remote_wait(self) -> Any:
        """A Deferred that never fires."""
        return Deferred()

    def remote_lend(self) -> Any:
        """An object to call."""
        return Lent()

    def remote_cache(self) -> Any:
        """An object to cache."""
        return Kept()

    def remote_view(self) -> Any:
        """A view."""
        return pb.ViewPoint(None, Seen())


KEPT = b"tests.peer.malformed.Kept"

LENT, CACHED, VIEW, GIVEN_BACK = 1, 2, 3, 4
"""Ids that the peer has got."""

TAKEN = 70
"""The id of a cache that the peer has given."""

WAITING = 1
"""The id of a call of ours."""


def prepared(message: str) -> Wire:
    """
    A broker for an example: a server with an object lent, one cached, one taken,
    and a call that waits.

    @param message: the row that the example is of.
    """
    if message in TO_CLIENT:
        return Wire(broker=pb.Broker(True), greet=False)
    policy = pb.SecurityPolicy().allowUnjellyable(KEPT, Taken)
    broker = pb.Broker(False, policy, limits=LIMITS)
    wire = Wire(Desk(), broker, greet=message not in BEFORE_HANDSHAKE)
    if message in BEFORE_HANDSHAKE:
        return wire
    wire.exchange(*[call(1, name) for name in (b"lend", b"cache", b"view", b"lend")], [b"decref", GIVEN_BACK])
    wire.exchange(call(1, b"keep", [KEPT, TAKEN, [b"dictionary"]]))
    wire.called = broker.remoteForName("root").callRemote("anything")  # type: ignore[attr-defined]
    wire.received()
    return wire


def _message(**changes: Any) -> list[Any]:
    """A call with some fields changed."""
    fields = {
        "command": b"message",
        "request": REQUEST,
        "target": b"root",
        "method": b"echo",
        "wanted": 1,
        "args": arguments(5),
        "kw": NO_KEYWORDS,
    }
    return list({**fields, **changes}.values())


def _both(**changes: Any) -> list[Any]:
    """The same as C{message} and as C{cachemessage}."""
    return [_message(**changes), _message(command=b"cachemessage", **{"target": TAKEN, **changes})]


def _wrong(command: bytes, *names: str, wanted: Any = 1) -> Iterator[list[Any]]:
    """The message with each field of these names, with each type that it can't have."""
    good = {
        "request id": REQUEST, "object id": b"root", "method": b"echo", "version": 6, "cache id": 5,
        "whether an answer is wanted": wanted, "arguments": arguments(5), "keyword arguments": NO_KEYWORDS,
        "result": 5, "failure": 5, "command": b"x",
    }  # fmt: skip
    for index, (name, types) in enumerate(COMMANDS[command]):
        if name in names:
            for value in (5, 1.5, b"x", [], [b"tuple"], [[]]):
                if not isinstance(value, types):
                    fields = [good[each] for each, _ in COMMANDS[command]]
                    fields[index] = value
                    yield [command, *fields]


def _arity(command: bytes) -> list[Any]:
    """The message without fields, with one too few, and with one too many."""
    count = len(COMMANDS[command])
    return [[command], [command, *[5] * (count - 1)], [command, *[5] * (count + 1)]]


def _nested(depth: int) -> bytes:
    return b"\x01\x80" * depth


HUGE = (2**53 + 1, -(2**53) - 1, 2**60, 2**440)
"""Ids that no counter reaches."""

WRONG_FIELDS = ("object id", "method", "arguments", "keyword arguments")

NO_METHODS = (
    b"", b"absent", b"a.b", b"a b", b"x" * 500, b"_hidden", b"__init__", b"__class__", b"__dict__", b"secret",
    b"remote_echo", b"echo()", b"echo\n", b"1", b"\xc3\xa9", b"callRemote", b"remoteMessageReceived",
)  # fmt: skip
"""Names under which a root has no method."""

BEFORE_HANDSHAKE = {
    "before the handshake: no name of a dialect that was offered",
    "before the handshake: a message",
}
TO_CLIENT = {"before the handshake, to a client: no list of dialects, or none that is known"}

EXAMPLES: dict[str, list[Any]] = {
    "an unknown type byte": [b"\x01\x90", b"\xff", b"\x05\x88"],
    "an unknown vocabulary id": [b"\x7f\x87", b"\x01\x80\x7f\x87"],
    "a string that is declared longer than `Limits.stringLength`": [b"\x69\x07\x82"],
    "a list that is declared longer than `Limits.listLength`": [b"\x69\x07\x80"],
    "a number of more digits than `Limits.prefixLength`": [b"\x01" * 65 + b"\x81", b"\x01" * 1000],
    "lists deeper than `Limits.nestingDepth`": [_nested(51)],
    "a message of more bytes than `Limits.messageLength`": [
        b"\x28\x80" + (b"\x68\x07\x82" + b"x" * 1000) * 20,
    ],
    "a message of more elements than `Limits.elements`": [
        b"\x06\x80" + (b"\x68\x07\x80" + b"\x01\x81" * 1000) * 5,
    ],
    "before the handshake: no name of a dialect that was offered": [
        [b"nonsense"], [b""], [5], [1.5], [[b"pb"]], [[b"none", 6]], [[]],
    ],
    "before the handshake, to a client: no list of dialects, or none that is known": [
        [b"pb"], [5], [[]], [[b"none of ours"]], [[5, []]],
    ],
    "before the handshake: a message": [
        [[b"version", 6]], [_message()], [[b"decref", 1]], [[b"answer", 1, 5]],
    ],
    "``version`` with another number": [[[b"version", number]] for number in (5, 7, 0, -6, 2**40, 6.5)],
    "``version`` once more": [[[b"version", 6]], [[b"version", 6]] * 3, [[b"version", 6.0]]],
    "``version`` with no number, or with other fields": [
        *([each] for each in _wrong(b"version", "version")),
        [[b"version"]], [[b"version", 6, 6]],
    ],
    "no list": [[5], [0.5], [b"decref"], [b""], [-(2**40)]],
    "a list that doesn't begin with a byte string": [
        [[]], [[5]], [[[b"decref", 1]]], [[1.5, b"decref"]], [[[]]],
    ],
    "an unknown command": [
        [[command, 1, []]]
        for command in (
            b"hello", b"", b"\xff", b"a b", b"__class__", b"x" * 900, b"Message", b"message ", b"__init__",
            b"proto_message", b"unregisterReference",
        )
    ],
    "``didNotUnderstand``": [
        [[b"didNotUnderstand", command]] for command in (b"message", b"", b"\xff" * 900)
    ],
    "``didNotUnderstand`` without a command": [
        *([each] for each in _wrong(b"didNotUnderstand", "command")),
        [[b"didNotUnderstand"]], [[b"didNotUnderstand", b"x", b"y"]],
    ],
    "too few or too many fields": [
        *([each[:-1]] for each in _both()),
        *([each[:-2]] for each in _both()),
        *([[*each, 5]] for each in _both()),
    ],
    "so few fields that they don't say whether an answer is wanted": [
        [each[:length]] for each in _both() for length in range(1, 5)
    ],
    "a field of a wrong type": [
        *([each] for each in _wrong(b"message", *WRONG_FIELDS)),
        *([each] for each in _wrong(b"cachemessage", *WRONG_FIELDS)),
    ],
    "a field of a wrong type, where no answer is wanted": [
        *([each] for each in _wrong(b"message", *WRONG_FIELDS, wanted=0)),
        *([each] for each in _wrong(b"cachemessage", *WRONG_FIELDS, wanted=[])),
    ],
    "a request id that is none, or beyond 2**53": [
        *([each] for each in _wrong(b"message", "request id")),
        *([each] for each in _wrong(b"cachemessage", "request id")),
        *([each] for huge in HUGE for each in _both(request=huge)),
    ],
    "an object id beyond 2**53": [[each] for huge in HUGE for each in _both(target=huge)],
    "an unknown object id: never given out, given back, another connection's, of the other kind, a name": [
        *([each] for luid in (0, -1, 77, GIVEN_BACK, b"", b"nothing", b"1") for each in _both(target=luid)),
        [_message(target=CACHED)], [_message(target=TAKEN)],
        [_message(command=b"cachemessage", target=LENT)],
        [_message(command=b"cachemessage", target=b"root")],
        [_message(command=b"cachemessage", target=CACHED)],
    ],
    "a method name that isn't UTF-8": [[each] for name in (b"\xff", b"a\x80") for each in _both(method=name)],
    "a method that there isn't, or whose name no method can have": [
        *([_message(method=name)] for name in NO_METHODS),
        [_message(target=LENT)],
        [_message(command=b"cachemessage", target=TAKEN, method=b"a b")],
        [_message(target=VIEW, method=b"x" * 500)],
    ],
    "a method of an avatar, view or cache that there isn't": [
        *([_message(target=VIEW, method=name)] for name in (b"absent", b"__init__", b"_hidden")),
        [_message(command=b"cachemessage", target=TAKEN, method=b"absent")],
        [_message(command=b"cachemessage", target=TAKEN, method=b"__init__")],
    ],
    r"an attribute that can't be called \*": [[_message(method=b"number")]],
    r"arguments that the method doesn't take \*": [
        [_message(args=arguments())],
        [_message(args=arguments(1, 2))],
        *(
            [_message(kw=[b"dictionary", [[b"unicode", name], 1]])]
            for name in (b"other", b"value", b"self", b"_x", b"__class__", b"a b", b"", b"pbanswer")
        ),
        [_message(kw=[b"dictionary", [b"other", 1]])],
    ],
    "arguments that are no tuple": [
        [each]
        for args in ([b"dictionary"], [b"unicode", b"x"], [b"None"], [b"set"])
        for each in _both(args=args)
    ],
    "arguments or keyword arguments that are no form": [
        [each]
        for form in ([], [[]], [5], [[[b"tuple"]]])
        for each in (*_both(args=form), *_both(kw=form))
    ],
    "keyword arguments that are no dictionary, or whose names are no text": [
        [each]
        for kw in (
            [b"tuple"], [b"list"], [b"None"], [b"dictionary", 5], [b"dictionary", [5]],
            [b"dictionary", [5, 5]], [b"dictionary", [[b"None"], 5]], [b"dictionary", [b"\xff", 5]],
            [b"dictionary", [b"x" * 900, 5]], [b"dictionary", [[b"unicode", b"\xff"], 5]],
            [b"dictionary", [[b"tuple"], 5]],
        )
        for each in _both(kw=kw)
    ],
    "an argument that is no form, or a form with wrong fields": [
        [_message(args=arguments(form))]
        for form in (
            [], [5], [[]], [1.5, b"x"], [b"unicode"], [b"unicode", 5], [b"unicode", b"\xff"],
            [b"boolean"], [b"boolean", 5], [b"dictionary", 5], [b"dictionary", [1]], [b"reference"],
            [b"reference", [], 5], [b"reference", 1, [b"dereference", 1]], [b"dereference", 77],
            [b"dereference"],
            [b"date", b"nonsense"], [b"decimal", b"x", b"y"], [b"set", [b"list"]],
            [b"dictionary", [[b"list"], 5]],
        )
    ],
    "an argument of a type or class that the policy doesn't allow": [
        [_message(args=arguments(form))]
        for form in (
            [b"nonsense", 5], [b"os.system", [b"dictionary"]], [b"module", b"os"],
            [b"class", b"builtins.dict"],
            [b"function", b"os.system"], [b"method", b"x", [b"None"], [b"class", b"builtins.dict"]],
            [b"instance", [b"class", b"builtins.dict"], [b"dictionary"]], [b"__class__", 5], [b"", 5],
            [b"twisted.spread.pb.CopiedFailure", [b"dictionary"]],
        )
    ],
    "a reference or cache with an id that is none": [
        [_message(args=arguments([tag, luid]))]
        for tag in (b"remote", b"local", b"cached", b"lcache")
        for luid in ([], 1.5, [b"unicode", b"x"], -1, 2**60, b"x" * 900)
    ],
    "a cache that we don't have, or that the peer doesn't have": [
        [_message(args=arguments([tag, luid]))]
        for tag in (b"cached", b"lcache")
        for luid in (77, LENT, b"root", 0)
    ],
    "more calls in progress than `Limits.calls`": [
        [*[call(number, b"wait") for number in range(2)], _message()],
    ],
    "more caches than `Limits.cachesTaken`": [
        [_message(method=b"keep", args=arguments([KEPT, 71, [b"dictionary"]]))],
    ],
    "too few or too many fields in an answer": [
        [each] for name in (b"answer", b"error") for each in _arity(name)
    ],
    "an answer under a request id that is none, or beyond 2**53": [
        [each]
        for name in (b"answer", b"error")
        for each in (*_wrong(name, "request id"), *([name, huge, 5] for huge in HUGE))
    ],
    "an answer to a call that was never made, or is answered already": [
        [[name, request, value]]
        for name in (b"answer", b"error")
        for request in (0, -1, 77, 2**53)
        for value in (5, [b"nonsense"], [])
    ],
    "a result that is no form, or that the policy doesn't allow": [
        [[b"answer", WAITING, form]]
        for form in ([], [5], [b"nonsense", 5], [b"module", b"os"], [b"unicode", b"\xff"], [b"remote", -1])
    ],
    "a failure that is none": [
        [[b"error", WAITING, form]]
        for form in (5, b"x", [], [b"None"], [b"unicode", b"x"], [b"tuple"], [b"nonsense", 5])
    ],
    "``decref``, ``decache`` or ``uncache`` without an id, with one that is none, or beyond 2**53": [
        [each]
        for name in (b"decref", b"decache", b"uncache")
        for each in (
            *_wrong(name, "object id", "cache id"),
            [name], [name, 1, 1],
            *([name, huge] for huge in HUGE),
        )
    ],
    "``decref`` of a name, or of an id that the peer has no reference to (any more)": [
        [[b"decref", luid]]
        for luid in (77, 0, -1, GIVEN_BACK, CACHED, TAKEN, b"root", b"nothing", b"", b"\xff")
    ],
    "``decache`` of an id that the peer has no cache of": [
        [[b"decache", luid]] for luid in (77, 0, -1, LENT, TAKEN)
    ],
    "``uncache`` of an id that we have no cache of": [
        [[b"uncache", luid]] for luid in (77, 0, -1, LENT, CACHED)
    ],
}  # fmt: skip
"""By the first cell of its row, what a peer may send."""

"""
What two programs say to each other, message by message, with names in the place
of numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from myspread import pb
from myspread._cli.showing import brief, prettyCall
from myspread._cli.tapmasks import MASK, maskAll, maskNamed, maskPlaces, secretPlaces, soundsSecret
from myspread._cli.tapvalues import Unshown, policyFor
from myspread._cli.text import shortened, visible
from myspread.security import JELLY_TYPES

__all__ = ["Conversation", "Message"]

MOST_NAMES = 10_000
"""Objects, and calls without an answer, of each side that are remembered."""


class Message:
    """
    One message.

    @ivar kind: what it is: C{call}, C{answer}, C{error}, or another command.
    @ivar text: all of it, for people.
    @ivar fields: all of it, for programs.
    """

    def __init__(self, kind: str, text: str, **fields: Any) -> None:
        self.kind = kind
        self.text = text
        self.fields = fields


class _Side:
    """
    What one of the two has said.

    @ivar lent: by id, the method that gave an object of this side.
    @ivar calls: by request, method, object and time of the calls of this side.
    """

    def __init__(self) -> None:
        self.lent: dict[Any, bytes] = {}
        self.calls: dict[Any, tuple[bytes, Any, float]] = {}


def _remember(table: dict[Any, Any], key: Any, value: Any) -> None:
    if len(table) >= MOST_NAMES:
        del table[next(iter(table))]
    table[key] = value


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")


class Conversation:
    """
    What there is to know of one connection.
    """

    def __init__(self) -> None:
        self._sides = {True: _Side(), False: _Side()}

    def message(self, fromClient: bool, expression: Any, now: float) -> Message:
        """
        The next message. Its secrets are masked, in the expression too.

        @param expression: what has arrived.
        @param now: when, in seconds.
        """
        if not isinstance(expression, list) or not expression or not isinstance(expression[0], bytes):
            return _handshake(expression)
        command, *fields = expression
        read = _READERS.get(command)
        if read is None or len(fields) != read[0]:
            if all(isinstance(each, bytes) for each in expression):
                return _handshake(expression)
            return Message("unknown", f"unknown message {shortened(visible(command))}")
        return read[1](self, fromClient, expression, now)

    def _name(self, isClients: bool, luid: Any) -> str:
        if isinstance(luid, bytes):
            return shortened(visible(luid))
        origin = self._sides[isClients].lent.get(luid)
        number = str(luid) if isinstance(luid, int) else "?"
        return number if origin is None else f"{number} of {shortened(visible(origin))}"

    def _value(self, fromClient: bool, form: Any) -> Any:
        """What a form stands for, as a value that can be shown."""

        def naming(isSenders: bool, luid: Any) -> str:
            whose = "client's" if isSenders == fromClient else "server's"
            return f"the {whose} {self._name(isSenders == fromClient, luid)}"

        try:
            return pb.unjelly(form, policyFor(naming))
        # Whatever the two say to each other, we only look on.
        except Exception as error:
            return Unshown(shortened(visible(f"can't be shown: {error}")))

    def _lend(self, fromClient: bool, form: Any, method: bytes) -> None:
        """Remember which method gave what is lent or cached in a form."""
        lent = self._sides[fromClient].lent
        waiting = [form]
        while waiting:
            form = waiting.pop()
            if not isinstance(form, list):
                continue
            if len(form) in (2, 3) and isinstance(form[0], bytes) and isinstance(form[1], int):
                if form[0] == b"remote" or len(form) == 3 and form[0] not in JELLY_TYPES:
                    _remember(lent, form[1], method)
            waiting += form

    # The messages

    def _call(self, fromClient: bool, expression: list[Any], now: float) -> Message:
        command, request, luid, method, wanted, args, kw = expression
        request, luid = _id(request), _id(luid)
        method = method if isinstance(method, bytes) else b"?"
        # A cache is told about by the side that has the original.
        isCache = command == b"cachemessage"
        isClients = fromClient if isCache else not fromClient
        side, origin = self._sides[fromClient], self._sides[isClients].lent.get(luid)
        maskPlaces(args, secretPlaces(method, origin))
        if soundsSecret(method):
            maskAll(args)
        maskNamed(args)
        maskNamed(kw)
        self._lend(fromClient, [args, kw], method)
        if wanted:
            _remember(side.calls, request, (method, origin, now))
        values, named = self._value(fromClient, args), self._value(fromClient, kw)
        target = self._name(isClients, luid)
        values = values if isinstance(values, tuple) else (values,)
        named = named if isinstance(named, dict) else {"**": named}
        named = {name if isinstance(name, str) else _decoded(name): each for name, each in named.items()}
        text = prettyCall(_decoded(method), values, named)
        number = f"{request} " if wanted else ""
        return Message(
            "observe" if isCache else "call",
            f"{number}{'observe ' if isCache else ''}<{target}>.{text}",
            request=request,
            object=target,
            method=_decoded(method),
            args=list(values),
            kw=named,
            wanted=bool(wanted),
        )

    def _answered(self, fromClient: bool, request: Any, now: float) -> tuple[bytes, Any, float | None]:
        method, origin, began = self._sides[not fromClient].calls.pop(request, (b"?", None, None))
        return method, origin, None if began is None else now - began

    def _outcome(self, fromClient: bool, expression: list[Any], now: float) -> Message:
        command, request, form = expression[0], _id(expression[1]), expression[2]
        method, origin, took = self._answered(fromClient, request, now)
        if method in (b"finish", b"prove") and secretPlaces(method, origin) or soundsSecret(method):
            # The object that a login gives stays.
            _maskBytes(expression)
        maskNamed(form)
        self._lend(fromClient, form, method)
        value = self._value(fromClient, expression[2])
        verb = "error of" if command == b"error" else "answer of"
        after = "" if took is None else f" after {took * 1000:.3g} ms"
        return Message(
            _decoded(command),
            f"{request} {verb} {visible(method)}{after}: {brief(value)}",
            request=request,
            method=_decoded(method),
            took=took,
            value=value,
        )

    def _release(self, fromClient: bool, expression: list[Any], now: float) -> Message:
        command, luid = expression[0], _id(expression[1])
        # Who forgets something tells the one who has it; an uncache is the other way round.
        isClients = fromClient if command == b"uncache" else not fromClient
        name = self._name(isClients, luid)
        return Message(_decoded(command), f"{_decoded(command)} <{name}>", object=name)

    def _other(self, fromClient: bool, expression: list[Any], now: float) -> Message:
        command, value = expression
        shown = _decoded(value) if isinstance(value, bytes) else value
        return Message(_decoded(command), f"{_decoded(command)} {brief(shown)}", value=shown)


def _id(value: Any) -> Any:
    """What can be an id, or None."""
    return value if isinstance(value, (int, bytes)) else None


def _maskBytes(expression: list[Any]) -> None:
    """Mask the text in a result, or in a tuple that is one."""
    form = expression[2]
    if isinstance(form, list) and form[:1] in ([b"tuple"], [b"list"]):
        form[1:] = [each if _isLent(each) else MASK for each in form[1:]]
    elif not _isLent(form):
        expression[2] = MASK


def _isLent(form: Any) -> bool:
    return isinstance(form, list) and form[:1] == [b"remote"]


def _handshake(expression: Any) -> Message:
    if isinstance(expression, list):
        names = [_decoded(each) for each in expression if isinstance(each, bytes)]
        return Message("dialects", f"dialects {brief(names)}", value=names)
    if isinstance(expression, bytes):
        return Message("dialect", f"dialect {shortened(visible(expression))}", value=_decoded(expression))
    return Message("unknown", f"no message, but {brief(expression)}")


_READERS: dict[bytes, tuple[int, Callable[[Conversation, bool, list[Any], float], Message]]] = {
    b"message": (6, Conversation._call),
    b"cachemessage": (6, Conversation._call),
    b"answer": (2, Conversation._outcome),
    b"error": (2, Conversation._outcome),
    b"decref": (1, Conversation._release),
    b"decache": (1, Conversation._release),
    b"uncache": (1, Conversation._release),
    b"version": (1, Conversation._other),
    b"didNotUnderstand": (1, Conversation._other),
}
"""By command, how many fields it has and what reads them."""

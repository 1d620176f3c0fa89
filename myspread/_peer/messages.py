"""
The messages of the protocol, as a table.

What a peer sends is held against it before anything else looks at it: so the
code behind each message can rely on the types of its fields.
"""

from __future__ import annotations

from typing import Any

from myspread._errors import ProtocolError
from myspread._flavors.dispatch import LARGEST_ID
from myspread._jelly.paths import brief
from myspread._native import Raw

__all__ = ["COMMANDS", "answerable", "checkFields", "commandOf"]

Fields = tuple[tuple[str, tuple[type, ...]], ...]

_FORM = (list, Raw)
_ANY = (int, float, bytes, *_FORM)
_ID = (int, bytes)
_CALL: Fields = (
    ("request id", (int,)),
    ("object id", _ID),
    ("method", (bytes,)),
    ("whether an answer is wanted", _ANY),
    ("arguments", _FORM),
    ("keyword arguments", _FORM),
)

COMMANDS: dict[bytes, Fields] = {
    b"version": (("version", (int, float)),),
    b"message": _CALL,
    b"cachemessage": _CALL,
    b"answer": (("request id", (int,)), ("result", _ANY)),
    b"error": (("request id", (int,)), ("failure", _ANY)),
    b"decref": (("object id", _ID),),
    b"decache": (("cache id", (int,)),),
    b"uncache": (("cache id", (int,)),),
    b"didNotUnderstand": (("command", (bytes,)),),
}
"""By command, name and types of each field."""

_IDS = {
    command: tuple(index for index, (name, _) in enumerate(fields) if name.endswith(" id"))
    for command, fields in COMMANDS.items()
}
"""By command, which fields are ids."""


_rightShapes: set[tuple[Any, ...]] = set()
"""
Commands with the types of their fields that were found to be right: few, since
there are only a handful of types that a decoder makes.
"""


def commandOf(expression: Any) -> bytes:
    """
    The command of a message.

    @raise ProtocolError: when the expression is no message.
    """
    if not isinstance(expression, list) or not expression or not isinstance(expression[0], bytes):
        raise ProtocolError(f"a message is a list that starts with a command, not {brief(expression)}")
    return expression[0]


def checkFields(command: bytes, fields: list[Any]) -> None:
    """
    Hold the fields of a known message against the table.

    @raise ProtocolError: when there are too few or too many, or one has the
        wrong type or is an id that nobody gives out; the text names the field.
    """
    shape = (command, *map(type, fields))
    if shape not in _rightShapes:
        _checkTypes(command, fields)
        _rightShapes.add(shape)
    for index in _IDS[command]:
        value = fields[index]
        if type(value) is int and not -LARGEST_ID <= value <= LARGEST_ID:
            name = COMMANDS[command][index][0]
            raise ProtocolError(f"the {name} of {command.decode()} can't be {brief(value)}: ids count from 1")


def _checkTypes(command: bytes, fields: list[Any]) -> None:
    wanted = COMMANDS[command]
    if len(fields) != len(wanted):
        raise ProtocolError(f"{command.decode()} has {len(wanted)} fields, not {len(fields)}")
    for value, (name, types) in zip(fields, wanted, strict=True):
        if not isinstance(value, types):
            raise ProtocolError(f"the {name} of {command.decode()} can't be {brief(value)}")


def answerable(expression: list[Any]) -> int | None:
    """
    The request id of a malformed call, if it gets as far as to say that it
    wants an answer.
    """
    if expression[0] not in (b"message", b"cachemessage") or len(expression) < 5:
        return None
    request, wanted = expression[1], expression[4]
    if type(wanted) is Raw:
        wanted = wanted.expand()
    return request if isinstance(request, int) and abs(request) <= LARGEST_ID and wanted else None

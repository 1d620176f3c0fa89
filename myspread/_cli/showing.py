"""
Values as people read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from myspread import jelly, pb
from myspread._cli.text import shortened, visible
from myspread._cli.unknown import Unknown

__all__ = ["brief", "pretty", "prettyCall", "referenceText"]

WIDTH = 88
DEEPEST = 50
MOST = 20_000
"""Values that are shown at most: few bytes may say that many are the same one."""

FEW = 300
"""Values that are shown on one line at most."""

_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}

_EMPTY: dict[type, str] = {set: "set()", frozenset: "frozenset()"}

Part = tuple[str, Any]
"""What stands in front of a value, and the value."""


def referenceText(reference: Any) -> str:
    """A reference to an object of the peer."""
    luid = reference.luid
    name = luid if isinstance(luid, int) else visible(luid)
    return f"<reference {name}>"


def _ofUnknown(value: Unknown) -> tuple[str, list[Part], str]:
    """Opening, parts and closing of a copy or cache."""
    opening = f"{'cache of ' if value.isCache else ''}{shortened(visible(value.tag))}("
    state = value.state
    if isinstance(state, dict) and all(isinstance(name, str) for name in state):
        names = [name if name.isidentifier() else repr(name) for name in state]
        return opening, [(f"{name}=", part) for name, part in zip(names, state.values(), strict=True)], ")"
    return opening, [("", state)], ")"


def _pieces(value: Any) -> tuple[str, list[Part], str] | None:
    """Opening, parts and closing of a container; None for what is no container."""
    if isinstance(value, Unknown):
        return _ofUnknown(value)
    kind = type(value)
    if kind not in _BRACKETS or not value:
        return None
    opening, closing = _BRACKETS[kind]
    if kind is dict:
        return opening, [(f"{brief(key)}: ", part) for key, part in value.items()], closing
    if kind is tuple and len(value) == 1:
        closing = ",)"
    return opening, [("", part) for part in value], closing


def _atom(value: Any) -> str:
    """What is no container, or an empty one."""
    if isinstance(value, pb.RemoteReference):
        return referenceText(value)
    if isinstance(value, jelly.Unpersistable):
        return f"<unpersistable: {shortened(visible(str(value.reason)))}>"
    # These have a repr that is printable, whatever is in them.
    return _EMPTY.get(type(value)) or visible(repr(value))


class _Printer:
    """
    Shows one value.
    """

    def __init__(self, width: int, most: int) -> None:
        """
        @param width: characters in a line, if possible.
        @param most: values that are shown.
        """
        self._width = width
        self._left = most
        self._inside: list[int] = []

    def brief(self, value: Any) -> str:
        """A value in one line."""
        return "".join(self._flat(value, None))

    def lines(self, value: Any, indent: str, before: str, after: str) -> Iterator[str]:
        """
        The lines of a value.

        @param indent: what lines begin with.
        @param before: what stands in front of the value.
        @param after: what follows it.
        """
        room = self._width - len(indent) - len(before) - len(after)
        flat = self._within(value, room)
        pieces = None if flat is not None else self._enter(value)
        if flat is not None or not isinstance(pieces, tuple):
            yield f"{indent}{before}{flat if flat is not None else pieces}{after}"
            return
        opening, parts, closing = pieces
        yield f"{indent}{before}{opening}"
        for name, part in parts:
            if self._left <= 0:
                yield f"{indent}    ..."
                break
            yield from self.lines(part, f"{indent}    ", name, ",")
        yield f"{indent}{closing.lstrip(',')}{after}"
        self._inside.pop()

    def _enter(self, value: Any) -> tuple[str, list[Part], str] | str:
        """What a container consists of, once we are inside it; or a text in its place."""
        self._left -= 1
        pieces = _pieces(value)
        if pieces is None:
            return _atom(value)
        if id(value) in self._inside:
            return f"<the {type(value).__name__.lower()} around it>"
        if len(self._inside) >= DEEPEST or self._left <= 0:
            return "..."
        self._inside.append(id(value))
        return pieces

    def _within(self, value: Any, room: int) -> str | None:
        """A value in one line, if it fits."""
        left, inside = self._left, list(self._inside)
        text = ""
        for piece in self._flat(value, room):
            text += piece
            if len(text) > room and (text != piece or _pieces(value) is not None):
                self._left, self._inside = left, inside
                return None
        return text

    def _flat(self, value: Any, room: int | None) -> Iterable[str]:
        pieces = self._enter(value)
        if isinstance(pieces, str):
            yield pieces
            return
        opening, parts, closing = pieces
        yield opening
        for index, (name, part) in enumerate(parts):
            if self._left <= 0:
                yield ", ..."
                break
            yield f"{', ' if index else ''}{name}"
            yield from self._flat(part, room)
        yield closing
        self._inside.pop()


def brief(value: Any) -> str:
    """A value on one line, or the beginning of it."""
    return shortened(_Printer(WIDTH, FEW).brief(value))


def pretty(value: Any, width: int = WIDTH) -> str:
    """
    A value as Python writes it, on as many lines as it takes.

    References are C{<reference 3>}, copies C{package.Class(name=value)}. What is
    very large or deep is cut, and none of it controls a terminal.
    """
    return "\n".join(_Printer(width, MOST).lines(value, "", "", ""))


def prettyCall(name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> str:
    """A call as Python writes it, in one line."""
    words = [brief(each) for each in args]
    words += [f"{visible(key)}={brief(each)}" for key, each in kw.items()]
    return f"{visible(name)}({', '.join(words)})"

"""
Forms that contain others: lists, dictionaries, tuples and sets.

Each has a function that begins it, which pushes a L{Frame}, and one that ends
it, once its parts are made. Lists and dictionaries exist from the beginning, so
that their parts can refer to them; the others exist at the end, and what refers
to them before waits. (See L{myspread._jelly.unresolved}.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from myspread._errors import MalformedJelly
from myspread._jelly.hashing import Keys
from myspread._jelly.unresolved import Resolver, Unresolved

__all__ = [
    "Form",
    "Frame",
    "IUnjellier",
    "Ids",
    "enterDictionary",
    "enterImmutable",
    "enterList",
    "enterSet",
    "finishImmutable",
]

Form = list[Any]
Ids = tuple[Any, ...]


class Frame:
    """
    A form whose parts are being made.

    @ivar form: the s-expression.
    @ivar parts: forms that become objects, in place, from the left.
    @ivar index: how many have become objects.
    @ivar open: index and stand-in of each part that doesn't exist yet.
    @ivar finish: makes the object once all parts are there.
    @ivar ids: the reference ids of the object.
    @ivar given: how many stand-ins were in use before.
    """

    __slots__ = ("finish", "form", "given", "ids", "index", "open", "parts")

    def __init__(
        self, form: Form, parts: list[Any], finish: Callable[[Frame], Any], ids: Ids, given: int
    ) -> None:
        self.form = form
        self.parts = parts
        self.index = 0
        self.open: list[tuple[int, Unresolved]] = []
        self.finish = finish
        self.ids = ids
        self.given = given


class IUnjellier(Protocol):
    """What the functions here use of the unjellier."""

    resolver: Resolver

    def push(self, form: Form, parts: list[Any], finish: Callable[[Frame], Any], ids: Ids) -> Any:
        """Make the parts of a form, then finish it."""

    def define(self, ids: Ids, value: Any) -> Any:
        """Let reference ids refer to a value."""

    def build(self, make: Callable[..., Any], *parts: Any) -> Any:
        """What C{make} returns; what it can't take is the peer's fault."""

    def checkKeys(self, keys: list[Any]) -> None:
        """Refuse keys, or members of a set, that would take too long to hash or compare."""

    def malformed(self, why: str) -> MalformedJelly:
        """The error that says where, and why."""


def enterList(unjellier: IUnjellier, form: Form, ids: Ids) -> Any:
    """Begin C{[list, part, ...]}."""
    parts = unjellier.define(ids, form[1:])
    return unjellier.push(form, parts, partial(_finishList, unjellier), ())


def _finishList(unjellier: IUnjellier, frame: Frame) -> list[Any]:
    for index, part in frame.open:
        unjellier.resolver.whenKnown(part, partial(frame.parts.__setitem__, index))
    return frame.parts


def enterDictionary(unjellier: IUnjellier, form: Form, ids: Ids) -> Any:
    """Begin C{[dictionary, [key, value], ...]}."""
    parts = []
    for pair in form[1:]:
        if type(pair) is not list or len(pair) != 2:
            raise unjellier.malformed("a dictionary is made of pairs")
        parts += pair
    made: dict[Any, Any] = {}
    unjellier.define(ids, made)
    return unjellier.push(form, parts, partial(_finishDictionary, unjellier, made), ())


def _finishDictionary(unjellier: IUnjellier, made: dict[Any, Any], frame: Frame) -> dict[Any, Any]:
    parts = frame.parts
    keys = parts[::2]
    if not frame.open:
        unjellier.build(unjellier.checkKeys, keys)
        unjellier.build(made.update, zip(keys, parts[1::2], strict=True))
        return made
    met = Keys()
    for key, value in zip(keys, parts[1::2], strict=True):
        if type(key) is Unresolved:
            unjellier.resolver.whenKnown(key, partial(_setLater, unjellier, made, met, value))
        else:
            _setLater(unjellier, made, met, value, key)
    return made


def _setLater(unjellier: IUnjellier, made: dict[Any, Any], met: Keys, value: Any, key: Any) -> None:
    unjellier.build(unjellier.checkKeys, [key])
    unjellier.build(met.add, key)
    # Keeps the order of the keys; the value may follow later.
    unjellier.build(made.setdefault, key)
    unjellier.resolver.whenKnown(value, partial(unjellier.build, made.__setitem__, key))


def enterImmutable(make: Callable[[list[Any]], Any], unjellier: IUnjellier, form: Form, ids: Ids) -> Any:
    """
    Begin C{[tag, part, ...]} of something that exists once its parts do.

    @param make: makes it of the list of its parts.
    """
    return unjellier.push(form, form[1:], finishImmutable(unjellier, make), ids)


def enterSet(make: Callable[[list[Any]], Any], unjellier: IUnjellier, form: Form, ids: Ids) -> Any:
    """
    Begin C{[tag, member, ...]}.

    @param make: C{set} or C{frozenset}.
    """

    def makeChecked(members: list[Any]) -> Any:
        unjellier.checkKeys(members)
        return make(members)

    return enterImmutable(makeChecked, unjellier, form, ids)


def finishImmutable(unjellier: IUnjellier, make: Callable[[list[Any]], Any]) -> Callable[[Frame], Any]:
    """What ends a form by making it of the list of its parts."""
    return partial(_finishImmutable, unjellier, make)


def _finishImmutable(unjellier: IUnjellier, make: Callable[[list[Any]], Any], frame: Frame) -> Any:
    if not frame.open:
        return unjellier.build(make, frame.parts)
    made = unjellier.resolver.give()
    missing = [len(frame.open)]

    def fill(index: int, part: Any) -> None:
        frame.parts[index] = part
        missing[0] -= 1
        if not missing[0]:
            unjellier.resolver.resolve(made, unjellier.build(make, frame.parts))

    for index, part in frame.open:
        unjellier.resolver.whenKnown(part, partial(fill, index))
    return made

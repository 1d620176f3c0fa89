"""
Classes and functions that the tests of Jelly send.
"""

from __future__ import annotations

from enum import Enum, Flag
from posixpath import join
from typing import Any, NamedTuple

from myspread import jelly, pb

__all__ = [
    "Colour",
    "Counting",
    "Invoker",
    "Own",
    "Permission",
    "Plain",
    "Point",
    "RemotePlain",
    "Slotted",
    "Stateful",
    "Strict",
    "WithHook",
    "join",
    "nameOf",
    "notAFunction",
    "ofPlain",
    "reference",
    "see",
    "shout",
]


class Plain:
    """One that travels by the name of its class where the policy allows it."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def greet(self) -> str:
        """A method that can travel."""
        return f"I am {self.name}"  # type: ignore[attr-defined]

    def _hidden(self) -> str:
        """A method that can't, because it is private."""
        return "hidden"

    notAMethod = 5


class Stateful(Plain):
    """One that says itself what its state is."""

    def __getstate__(self) -> Any:
        return ["packed", self.__dict__]

    def __setstate__(self, state: Any) -> None:
        assert state[0] == "packed"
        self.__dict__ = state[1]


class Strict(Plain):
    """One that looks closely at what it is given."""

    def __setstate__(self, state: Any) -> None:
        raise ZeroDivisionError("the application's own error")


class Counting(Plain):
    """One that counts how often it is compared, and has the hash that it is told."""

    comparisons = 0

    def __hash__(self) -> int:
        return self.place  # type: ignore[attr-defined,no-any-return]

    def __eq__(self, other: object) -> bool:
        Counting.comparisons += 1
        return self is other


class Slotted:
    """One without a dictionary."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


class Point(NamedTuple):
    """One that can't be made without its fields."""

    x: int
    y: int


class Colour(Enum):
    """An enumeration that a policy may allow."""

    RED = 1
    GREEN = "green"


class Permission(Flag):
    """An enumeration whose members can be combined."""

    READ = 1
    WRITE = 2


class Own(jelly.Jellyable, jelly.Unjellyable):
    """One that makes its own s-expression."""


class RemotePlain(pb.RemoteCopy):
    """What stands for a copy here."""


class WithHook(pb.RemoteCopy):
    """One that wants to know when the whole message is there."""

    done: list[Any] = []

    def postUnjelly(self) -> None:
        """Note the state at this moment."""
        self.done.append(dict(self.__dict__))


class Invoker:
    """As much of a broker as copies need."""

    serializingPerspective = None
    unserializingPerspective = None


def shout(text: str) -> str:
    """A function that can travel."""
    return text.upper()


def _hidden() -> str:
    """A function that can't travel unless a policy names it."""
    return "hidden"


notAFunction = "neither a function nor a class"

ofPlain = b"tests.jelly.shapes.Plain"


def nameOf(klass: type) -> bytes:
    """The tag under which a class of this module travels."""
    return f"{klass.__module__}.{klass.__qualname__}".encode()


def reference(identity: Any, form: Any) -> list[Any]:
    """C{[reference, identity, form]}"""
    return [b"reference", identity, form]


def see(identity: Any) -> list[Any]:
    """C{[dereference, identity]}"""
    return [b"dereference", identity]

"""
Classes that travel by value with us, and as copies with C{twisted.spread}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from tests.interop.implementation import OURS, PACKAGE, pb

__all__ = ["SKY", "Clouded", "Colour", "Place", "Reading", "describeSky", "makeSky"]


class Copy(pb.Copyable, pb.RemoteCopy):
    """A copy that arrives as the same class, under a tag."""

    tag = b""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def getTypeToCopy(self) -> bytes:
        """The tag."""
        return self.tag

    def __hash__(self) -> int:
        return hash(repr(sorted(self.__dict__.items())))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__


def declared(tag: str, **options: Any) -> Callable[[Any], Any]:
    """
    Decorate a class: with us it is declared; with C{twisted.spread} a copy
    stands for it.
    """

    def stand(klass: Any) -> Any:
        if issubclass(klass, Exception):
            bases: tuple[type, ...] = (pb.Error, pb.Copyable, pb.RemoteCopy)
            copy = type(klass.__name__, bases, {"getTypeToCopy": lambda self: tag.encode()})
        else:
            copy = type(klass.__name__, (Copy,), {"tag": tag.encode()})
        pb.setUnjellyableForClass(tag, copy)
        return copy

    return pb.value(tag, **options) if PACKAGE == OURS else stand


@declared("interop.Reading", version=2)
@dataclass(frozen=True)
class Reading:
    """Immutable, with defaults."""

    star: str
    magnitude: float = 0.5
    flags: tuple[str, ...] = ()


@declared("interop.Place")
class Place(NamedTuple):
    """A tuple with names."""

    latitude: float
    longitude: float = 0.0


@declared("interop.Colour")
class Colour(Enum):
    """An enumeration."""

    RED = 1
    BLUE = 2


@declared("interop.Clouded")
class Clouded(pb.Error):  # type: ignore[misc]
    """An error with an attribute."""

    cover: int


def makeSky() -> list[Any]:
    """One of each, as this process has them."""
    reading = Reading(star="Vega")
    colour = Colour.RED if PACKAGE == OURS else Colour(name="RED")  # type: ignore[call-overload]
    return [reading, {"again": reading, Place(latitude=1.5): colour}]


SKY = {
    "star": "Vega",
    "magnitude": 0.5,
    "flags": (),
    "latitude": 1.5,
    "longitude": 0.0,
    "name": "RED",
}
"""What whoever has the classes reads in what anybody sends."""


def describeSky(sky: Any) -> dict[str, Any]:
    """What is read in it here."""
    reading, others = sky
    assert others["again"] is reading
    assert type(reading) is Reading
    place, colour = next((key, value) for key, value in others.items() if key != "again")
    attributes = {}
    for each in (reading, place, colour):
        for name in SKY:
            if hasattr(each, name):
                attributes[name] = getattr(each, name)
    return attributes

"""
Classes that travel by value, for the tests of this folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from enum import Enum, Flag, IntEnum, IntFlag
from typing import Any, NamedTuple

import attrs

from myspread import pb
from myspread.testing import BrokerPair, brokerPair

__all__ = [
    "CLASSES",
    "Band",
    "Catalogue",
    "Colour",
    "Echo",
    "Filters",
    "Magnitude",
    "Mode",
    "Mount",
    "Night",
    "Observer",
    "Place",
    "Pointing",
    "Reading",
    "Series",
    "Star",
    "pairFor",
]


@pb.value("observatory.Reading")
@dataclass(frozen=True)
class Reading:
    """Immutable, and hashed by its fields."""

    star: str
    magnitude: float = 0.0
    flags: tuple[str, ...] = ()


@pb.value("observatory.Magnitude")
@dataclass(frozen=True, order=True)
class Magnitude:
    """Immutable, without a dictionary, with an invariant."""

    __slots__ = ("value",)

    value: float

    def __post_init__(self) -> None:
        if not -30 <= self.value <= 40:
            raise ValueError(f"no star has the magnitude {self.value}")


@pb.value("observatory.Star")
@dataclass
class Star:
    """Changes, and may be part of a circle."""

    name: str
    companions: list[Star] = field(default_factory=list)
    primary: Star | None = None


@pb.value("observatory.Series")
@dataclass
class Series(Star):
    """Inherits fields; has one that its constructor doesn't take, and one that it needs only once."""

    readings: list[Reading] = field(default_factory=list)
    count: int = field(default=0, init=False)
    first: InitVar[Reading | None] = None

    def __post_init__(self, first: Reading | None) -> None:
        if first is not None:
            self.readings.append(first)
            self.count += 1


@pb.value("observatory.Night", without=["weather"])
@dataclass
class Night:
    """Keeps one field here."""

    date: str
    weather: Callable[[], str] = field(default=lambda: "unknown", repr=False, compare=False)


@pb.value("observatory.Catalogue", extras="others")
@dataclass
class Catalogue:
    """Keeps what it doesn't know."""

    title: str
    others: dict[str, Any] = field(default_factory=dict)


@pb.value("observatory.Place")
class Place(NamedTuple):
    """A tuple with names."""

    latitude: float
    longitude: float = 0.0


@pb.value("observatory.Mount")
@attrs.define
class Mount:
    """Made with attrs; changes."""

    kind: str
    _load: int = 0
    parts: list[Mount] = attrs.field(factory=list)


@pb.value("observatory.Pointing")
@attrs.frozen
class Pointing:
    """Made with attrs; immutable, and checks what it is given."""

    altitude: float = attrs.field(validator=attrs.validators.ge(0))


@pb.value("observatory.Colour")
class Colour(Enum):
    """Values that don't matter, one of which can't travel."""

    RED = 1
    BLUE = "b"
    DARK = object()
    CRIMSON = RED


@pb.value("observatory.Band")
class Band(IntEnum):
    """Numbers."""

    U = 1
    V = 2


@pb.value("observatory.Mode")
class Mode(str, Enum):
    """Texts."""

    FAST = "fast"
    DEEP = "deep"


@pb.value("observatory.Filters")
class Filters(Flag):
    """Bits."""

    HALPHA = 1
    OIII = 2
    SII = 4


@pb.value("observatory.Observer")
class Observer(IntFlag):
    """Bits that are numbers."""

    READS = 4
    WRITES = 2


CLASSES: list[Any] = [
    Reading,
    Magnitude,
    Star,
    Series,
    Night,
    Catalogue,
    Place,
    Mount,
    Pointing,
    Colour,
    Band,
    Mode,
    Filters,
    Observer,
]


class Echo(pb.Root):
    """Sends back what it gets, and keeps it."""

    def __init__(self) -> None:
        self.received: Any = None

    def remote_echo(self, value: Any) -> Any:
        """Keep it and return it."""
        self.received = value
        return value


def pairFor(
    *classes: type, server: pb.SecurityPolicy | None = None, client: pb.SecurityPolicy | None = None
) -> BrokerPair:
    """
    Two brokers. The policies allow these classes and no others.
    """
    policy = pb.SecurityPolicy().allowValue(*classes)
    return brokerPair(
        serverFactory=pb.PBServerFactory(Echo(), security=server or policy),
        clientFactory=pb.PBClientFactory(security=client or policy),
    )

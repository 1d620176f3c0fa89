"""
Which connections a server factory takes: L{Admission}.
"""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import Any

from twisted.internet.protocol import Protocol

from myspread._net.addresses import sourceOf
from myspread.limits import Limits

__all__ = ["Admission", "Refused"]

_chance = SystemRandom().random


class Refused(Protocol):
    """
    The protocol of a connection that isn't taken: it closes it.

    A factory that returns no protocol at all leaves the connection open for
    ever where it stands behind another, as that of TLS.
    """

    # What factories give to their brokers.
    factory: Any = None

    def connectionMade(self) -> None:
        """Close the connection now, and keep nothing of it."""
        transport: Any = self.transport
        getattr(transport, "abortConnection", transport.loseConnection)()

    def dataReceived(self, data: bytes) -> None:
        """Nothing of it is looked at."""


class Admission:
    """
    Counts the connections of one server factory, and says which new ones it
    doesn't take.

    A connection counts from the moment that its broker is connected. So one
    that never gets a broker, whatever the reason, isn't counted, and each that
    was counted ends once.

    @ivar refused: how many connections were not taken.
    """

    __slots__ = ("_bySource", "_random", "_sources", "_starting", "refused")

    def __init__(self, random: Callable[[], float] = _chance) -> None:
        """
        @param random: gives numbers from 0 up to 1.
        """
        self._random = random
        self._sources: dict[Any, str | None] = {}
        self._bySource: dict[str, int] = {}
        self._starting: set[Any] = set()
        self.refused = 0

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._sources)

    @property
    def brokers(self) -> list[Any]:
        """The brokers of these connections."""
        return list(self._sources)

    @property
    def starting(self) -> int:
        """How many of them are not ready: handshake or login isn't done."""
        return len(self._starting)

    def connectionsFrom(self, address: Any) -> int:
        """How many of them come from where this address belongs to."""
        source = sourceOf(address)
        return 0 if source is None else self._bySource.get(source, 0)

    def refusal(self, limits: Limits, address: Any) -> str | None:
        """
        Why a new connection is not taken; None when it is.

        @param address: where it comes from.
        """
        reason = self._refusal(limits, address)
        if reason is not None:
            self.refused += 1
        return reason

    def _refusal(self, limits: Limits, address: Any) -> str | None:
        if limits.connections is not None and self.connections >= limits.connections:
            return f"there are {self.connections} already (Limits.connections)"
        most = limits.connectionsPerAddress
        if most is not None and self.connectionsFrom(address) >= most:
            source = sourceOf(address)
            if source is not None:
                return f"there are {most} already from {source} (Limits.connectionsPerAddress)"
        percent = _dropped(len(self._starting), limits)
        if percent and self._random() * 100 < percent:
            return f"{self.starting} others are not ready yet (Limits.startups)"
        return None

    def connected(self, broker: Any) -> None:
        """A connection begins."""
        if broker in self._sources:
            return
        source = sourceOf(broker.transport.getPeer())
        self._sources[broker] = source
        self._starting.add(broker)
        if source is not None:
            self._bySource[source] = self._bySource.get(source, 0) + 1

    def opened(self, broker: Any) -> None:
        """Handshake, and login where there is one, are done."""
        self._starting.discard(broker)

    def lost(self, broker: Any) -> None:
        """A connection has ended."""
        self._starting.discard(broker)
        source = self._sources.pop(broker, None)
        if source is None:
            return
        left = self._bySource[source] - 1
        if left:
            self._bySource[source] = left
        else:
            del self._bySource[source]


def _dropped(starting: int, limits: Limits) -> float:
    """How many percent of new connections are dropped while others start."""
    first, full = limits.startups, limits.startupsFull
    if full is not None and starting >= full:
        return 100
    if first is None or starting < first:
        return 0
    rate = min(limits.startupsRate, 100)
    return rate if full is None else rate + (100 - rate) * (starting - first) / (full - first)

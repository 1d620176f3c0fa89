"""
What programs look into: the state of a connection under the names that
C{twisted.spread} has for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from myspread._peer import Local, Peer

__all__ = ["BrokerTables"]

Notifier = Callable[[], Any]
Notifiers = list[Notifier] | tuple[()] | None


class BrokerTables:
    """
    The tables of a broker. They are None once the connection is lost.

    Most connections never have anything in most of them: so they are made when
    somebody looks.
    """

    _peer: Peer
    disconnected: Any
    # Who is to be told; an empty tuple for nobody yet, None when it is too late.
    _connects: Notifiers = ()
    _failures: Notifiers = ()
    _disconnects: Notifiers = ()

    @property
    def connects(self) -> list[Notifier] | None:
        """Who is told of the end of the handshake; None after it."""
        if isinstance(self._connects, tuple):
            self._connects = []
        return self._connects

    @connects.setter
    def connects(self, notifiers: list[Notifier] | None) -> None:
        self._connects = notifiers

    @property
    def failures(self) -> list[Notifier] | None:
        """Who is told if the connection is lost before; None after that."""
        if isinstance(self._failures, tuple):
            self._failures = []
        return self._failures

    @failures.setter
    def failures(self, notifiers: list[Notifier] | None) -> None:
        self._failures = notifiers

    @property
    def disconnects(self) -> list[Notifier] | None:
        """Who is told of the loss of the connection; None after it."""
        if isinstance(self._disconnects, tuple):
            self._disconnects = []
        return self._disconnects

    @disconnects.setter
    def disconnects(self, notifiers: list[Notifier] | None) -> None:
        self._disconnects = notifiers

    def _table(self, table: Any) -> Any:
        return None if self.disconnected else table

    @property
    def localObjects(self) -> dict[Any, Local]:
        """By id or name, what is lent to the peer."""
        return self._table(self._peer.references.objects)  # type: ignore[no-any-return]

    @property
    def luids(self) -> dict[Any, int]:
        """By C{processUniqueID()}, the ids of what is lent to the peer."""
        return self._table(self._peer.references.luids)  # type: ignore[no-any-return]

    @property
    def _localCleanup(self) -> dict[Any, Notifier]:
        return self._peer.references.cleanups

    @property
    def remotelyCachedObjects(self) -> dict[int, Local]:
        """By id, our objects that the peer caches."""
        return self._table(self._peer.caches.given)  # type: ignore[no-any-return]

    @property
    def remotelyCachedLUIDs(self) -> dict[Any, int]:
        """By C{processUniqueID()}, the ids of what the peer caches."""
        return self._table(self._peer.caches.luids)  # type: ignore[no-any-return]

    @property
    def locallyCachedObjects(self) -> dict[int, Any]:
        """By id, our caches of the peer's objects."""
        return self._table(self._peer.caches.taken)  # type: ignore[no-any-return]

    @property
    def waitingForAnswers(self) -> dict[int, Deferred[Any]]:
        """By request id, the Deferreds of our calls."""
        return self._table(self._peer.calls.waiting)  # type: ignore[no-any-return]

    @property
    def currentRequestID(self) -> int:
        """The id of our latest call."""
        return self._peer.calls.lastRequest

    @property
    def currentLocalID(self) -> int:
        """The latest id of a reference or cache."""
        return self._peer.lastLuid

    @property
    def maxBrokerRefsViolations(self) -> int:
        """How often the peer made us exceed a limit on references."""
        return self._peer.violations

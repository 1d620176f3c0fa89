"""
L{UnfinishedMessages}: what all peers of a factory have sent of messages that
aren't whole.
"""

from __future__ import annotations

from typing import Any

from myspread._net.reasons import UNFINISHED
from myspread.limits import Limits

__all__ = ["FREE", "UnfinishedMessages"]

FREE = 4096
"""Bytes of each connection that don't count: small messages that happen to be cut."""


class UnfinishedMessages:
    """
    An account that the connections of one factory share. When it is too full,
    those that add to it have to wait, except for the one whose message began
    first: so one after the other ends its message. If this doesn't help within
    a while, those whose messages began first are closed.

    A connection alone is never too much: C{Limits.messageLength} bounds it.

    @ivar total: bytes of messages that aren't whole.
    """

    __slots__ = ("_connections", "_excess", "_limits", "_timer", "_waiting", "total")

    def __init__(self) -> None:
        self.total = 0
        # In the order in which their messages began.
        self._connections: dict[Any, None] = {}
        self._waiting: dict[Any, None] = {}
        # By how many bytes it was too full at most since the timer was started.
        self._excess = 0
        self._limits: Limits | None = None
        self._timer: Any = None

    def count(self, connection: Any, size: int, isNew: bool) -> None:
        """
        A connection has handled what has arrived.

        @param connection: a L{Reading<myspread._net.reading.Reading>}.
        @param size: the bytes that it keeps of a message that isn't whole.
        @param isNew: whether that message began just now.
        """
        counted = max(0, size - FREE)
        if isNew or not counted:
            self.forget(connection)
        added = counted - connection.unfinished
        if not added:
            return
        self._connections[connection] = None
        connection.unfinished = counted
        self.total += added
        self._limits = connection.limits
        if added > 0 and self._isTooFull() and connection is not self._oldest():
            self._letWait(connection)
        else:
            self._relieve()

    def forget(self, connection: Any) -> None:
        """The message of a connection is whole, or will never be."""
        if connection in self._connections:
            del self._connections[connection]
            self._waiting.pop(connection, None)
            self.total -= connection.unfinished
            connection.unfinished = 0
            self._relieve()

    def _oldest(self) -> Any:
        return next(iter(self._connections))

    def _isTooFull(self) -> bool:
        limits = self._limits
        return limits is not None and self.total > limits.unfinishedMessages and len(self._connections) > 1

    def _letWait(self, connection: Any) -> None:
        self._waiting[connection] = None
        connection.holdReading(UNFINISHED)
        if self._timer is None:
            self._setTimer(connection)
        else:
            self._excess = max(self._excess, self.total - connection.limits.unfinishedMessages)

    def _setTimer(self, connection: Any) -> None:
        limits = connection.limits
        self._excess = self.total - limits.unfinishedMessages
        self._timer = connection.clock.callLater(limits.unfinishedTime, self._timeIsUp, connection)

    def _relieve(self) -> None:
        """If there is room again, everybody goes on; if not, the oldest does."""
        if self._isTooFull():
            oldest = self._oldest()
            if oldest in self._waiting:
                del self._waiting[oldest]
                oldest.releaseReading(UNFINISHED)
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        for connection in waiting:
            connection.releaseReading(UNFINISHED)

    def _timeIsUp(self, connection: Any) -> None:
        self._timer = None
        if 2 * (self.total - connection.limits.unfinishedMessages) <= self._excess:
            # Many have sent much at once, and end their messages one by one.
            self._setTimer(connection)
        else:
            self._closeOldest()

    def _closeOldest(self) -> None:
        for connection in list(self._connections):
            if not self._isTooFull():
                break
            connection.closeConnection(
                f"all peers together have sent {self.total} bytes of messages that aren't whole, this one"
                f" among the first, while Limits.unfinishedMessages is {connection.limits.unfinishedMessages}"
            )
        self._relieve()

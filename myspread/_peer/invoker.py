"""
What a peer needs from the broker above it.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime

from myspread._codec import PlainEncoder
from myspread._peer.logbudget import LogBudget
from myspread.limits import Limits

__all__ = ["IInvoker"]


class IInvoker(Protocol):
    """
    The broker, as flavors and the peer see it. All that an application may
    override in a broker is called through this, never directly.

    @ivar factory: has C{unsafeTracebacks}; None for a broker without one.
    @ivar disconnected: whether the connection is lost.
    @ivar limits: what the peer may cost.
    @ivar clock: the time, or None where there is none.
    @ivar logBudget: what all peers of the factory may fill of the log together,
        or None.
    @ivar refusesCalls: whether no call of the peer is run because the server is
        being stopped; then C{limits} allow none.
    """

    factory: Any
    disconnected: Any
    limits: Limits
    clock: IReactorTime | None
    logBudget: LogBudget | None
    refusesCalls: bool
    serializingPerspective: Any
    unserializingPerspective: Any
    jellyMethod: Any
    jellyArgs: Any
    jellyKw: Any

    @property
    def peerLog(self) -> LogBudget:
        """What the peer may fill of the log."""

    def sendCall(self, *exp: Any) -> None:
        """Send a message, given its command and fields."""

    def sendEncoded(self, obj: Any) -> None:
        """Encode an expression and write it."""

    def sendWritten(self, data: bytes, isAnswer: bool = False) -> None:
        """Write a message that is encoded already."""

    def checkEncodable(self, obj: Any) -> None:
        """Raise L{BananaError} if an expression can't be encoded."""

    def serialize(
        self, object: Any, perspective: Any = None, method: Any = None, args: Any = None, kw: Any = None
    ) -> Any:
        """The s-expression of an object, or a Deferred of it."""

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """The object of an s-expression."""

    def plainEncoder(self) -> PlainEncoder | None:
        """What writes plain values directly, if that is possible."""

    def localObjectForID(self, luid: Any) -> Any:
        """The object lent under an id, or None."""

    def pinged(self) -> None:
        """A ping of the peer's has arrived, or its answer to ours."""

    def closeConnection(self, reason: str) -> None:
        """Close the connection because the peer has broken its rules."""

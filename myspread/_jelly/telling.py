"""
Log entries that a peer can cause, from rooms that know no peer.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

__all__ = ["tell", "tellFailure"]


def tell(invoker: Any, log: Logger, level: Any, text: str, **fields: Any) -> None:
    """
    Write an entry to the log, out of what the peer of a connection may fill of
    it.

    @param invoker: the broker, or whatever stands in its place; one without
        C{peerLog} sets no bound.
    @param log: the logger of the module that the entry is of.
    """
    budget = getattr(invoker, "peerLog", None)
    if budget is None:
        log.emit(level, text, **fields)
    else:
        budget.emit(log, level, text, **fields)


def tellFailure(invoker: Any, log: Logger, text: str, failure: Failure, **fields: Any) -> None:
    """As L{tell}, for an entry with a traceback."""
    budget = getattr(invoker, "peerLog", None)
    if budget is None:
        log.failure(text, failure, **fields)
    else:
        budget.failure(log, text, failure, **fields)

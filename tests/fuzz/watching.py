"""
What must hold of a connection, whatever its peer sends: in one place, for all
targets and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

import myspread
from myspread._errors import BananaError, ForeignReference, InsecureJelly
from tests.fuzz.application import Application, Notes

__all__ = ["assertNothingLeft", "assertOnceEach", "lose", "waitForLoss", "watchedLog"]

PACKAGE = myspread.__path__[0]

CALLING = ("receiveCall", "callMethod", "<lambda>", "findMethod", "asText")
"""
Where a method that a peer asks for is looked up and called: a wrong signature is
a C{TypeError} there, a missing C{perspective_} method an C{AttributeError}, a
name that isn't UTF-8 a C{UnicodeDecodeError}.
"""

DOCUMENTED = (InsecureJelly, BananaError, ForeignReference)
MODULES = ("twisted.spread.pb", "twisted.spread.flavors", "twisted.cred.error")
"""What may be raised in our code because of a peer: these, and exceptions of these modules."""

FAULTS = (
    "The message {command} failed.",
    "Unhandled error in Deferred:",
    "A notifier of a broker failed.",
    "A message that had to wait could not be encoded, and is lost.",
    "A logout failed.",
)
"""Entries of the log that tell of a mistake of ours, whatever the peer has sent."""


def _raisedAt(failure: Failure) -> tuple[str, str]:
    """File and function in which an exception was raised."""
    trace: TracebackType | None = failure.getTracebackObject()
    if trace is None:
        return "", ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename, trace.tb_frame.f_code.co_name


def _fault(event: dict[str, Any]) -> str | None:
    """What is wrong about an entry, or None."""
    text = str(event.get("log_format"))
    failure = event.get("log_failure")
    if failure is None:
        return text if text in FAULTS else None
    where, function = _raisedAt(failure)
    if text in FAULTS:
        return f"{text} {failure!r} in {function}, {where}"
    module = getattr(failure.type, "__module__", None)
    documented = isinstance(failure.value, DOCUMENTED) or module in MODULES
    if where.startswith(PACKAGE) and not documented and function not in CALLING:
        return f"{failure!r} in {function}, {where}"
    return None


@contextmanager
def watchedLog() -> Iterator[list[dict[str, Any]]]:
    """
    Watch the log.

    @return: its entries, a list that gets longer.
    @raise AssertionError: at the end, when there is one that tells of a mistake
        of ours.
    """
    entries: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(entries.append)
    try:
        yield entries
    finally:
        globalLogPublisher.removeObserver(entries.append)
    faults = [fault for fault in map(_fault, entries) if fault is not None]
    assert not faults, faults[0]


MOST_TURNS = 5000


def lose(broker: Any) -> None:
    """A broker loses its connection, after it has done what had arrived before."""
    if not broker.disconnected:
        broker.connectionLost(Failure(ConnectionDone()))
    waitForLoss(broker)


def waitForLoss(broker: Any) -> None:
    """
    Let a broker do, turn by turn, what arrived before the connection was lost.

    @raise AssertionError: when it takes too long.
    """
    for _ in range(MOST_TURNS):
        if broker.disconnected:
            return
        broker.clock.advance(0.001)
    raise AssertionError("what had arrived isn't done after many turns")


def assertOnceEach(notes: Iterable[Notes]) -> None:
    """Each call on a connection that is lost has ended, once."""
    for each in notes:
        wrong = [
            asked
            for asked in each.asked
            if asked.fired > 1 or (not asked.fired and (asked.broker is None or asked.broker.disconnected))
        ]
        assert not wrong, f"these calls haven't ended once: {wrong}"


def assertNothingLeft(broker: Any, application: Application | None = None) -> None:
    """A broker that has lost its connection holds nothing any more."""
    peer = broker._peer
    left = {
        "references": peer.references.objects,
        "luids": peer.references.luids,
        "cleanups": peer.references.cleanups,
        "caches given": peer.caches.given,
        "cache luids": peer.caches.luids,
        "caches taken": peer.caches.taken,
        "calls": peer.calls.waiting,
        "pagers": broker.pageProducers,
    }
    assert not any(left.values()), f"left: { {name: what for name, what in left.items() if what} }"
    if application is not None:
        observing = [each for each in application.meter.observers if each.broker is broker]
        assert not observing, f"these still observe: {observing}"
        assert not application.meter.wrong, application.meter.wrong

"""
Attacks with calls that are right in themselves, and too many, or too large.
"""

from __future__ import annotations

from itertools import repeat

from attacks.crowd import Target
from attacks.wire import HELLO, call, text

__all__ = [
    "callsWithoutReading",
    "failingCalls",
    "neverRead",
    "neverReadByMany",
    "pendingCalls",
    "referenceFlood",
    "unansweredCalls",
    "wrongSignatures",
]

_LARGE = call(b"large")


def neverRead(target: Target) -> None:
    """Four hundred answers of 500 kB that aren't read."""
    _neverRead(target, 1, 400)


def neverReadByMany(target: Target) -> None:
    """The same, from twenty at once; forty answers each."""
    _neverRead(target, 20, 40)


def _neverRead(target: Target, callers: int, calls: int) -> None:
    with target.crowd(callers) as crowd:
        crowd.send(HELLO, repeat(_LARGE, calls))
        crowd.hold()


def callsWithoutReading(target: Target) -> None:
    """Two hundred thousand small calls, whose answers aren't read."""
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat(call(b"echo", 1) * 1000, 200))
        crowd.hold(times=8)


def unansweredCalls(target: Target) -> None:
    """Fifty thousand small calls that want no answer."""
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat(call(b"echo", 1, wanted=0) * 1000, 50)).deliver()
        crowd.ask()


def pendingCalls(target: Target) -> None:
    """Fifty thousand calls of a method that doesn't answer."""
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat(call(b"never") * 1000, 50)).deliver()
        crowd.hold(reading=True)


def failingCalls(target: Target) -> None:
    """Twenty thousand calls of a method that fails."""
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat(call(b"fail") * 100, 200)).deliver()
        crowd.ask()


def wrongSignatures(target: Target) -> None:
    """Twenty calls with 500 kB that the method doesn't take, in its arguments and in their names."""
    large = b"x" * 500_000
    calls = (
        call(b"large", large),
        call(b"echo", keywords=[b"dictionary", [text("value"), large], [text("other"), 1]]),
        call(b"echo", keywords=[b"dictionary", [[b"unicode", large], 1]]),
        call(b"x" * 500_000),
        call(b"echo", target=large),
    )
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat(b"".join(calls), 4)).deliver()
        crowd.ask()


def referenceFlood(target: Target) -> None:
    """References of the attacker's by the hundred thousand; each that the server forgets, it gives back."""
    references = [b"list", *([b"remote", number] for number in range(1, 1001))]
    with target.crowd() as crowd:
        crowd.send(HELLO, repeat(call(b"echo", references, wanted=0), 100))
        crowd.send(repeat(call(b"never", references), 20)).deliver(reading=False)
        crowd.hold()

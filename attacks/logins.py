"""
Attacks of somebody who has no password.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat

from attacks.crowd import Target
from attacks.wire import HELLO, call, text

__all__ = ["abandonedLogins", "beforeLogin", "guessing", "guessingFromMany"]


def _guesses(count: int) -> Iterator[bytes]:
    """
    Challenges wanted, and responded to. What they are lent has ids from 1 on.
    """
    for number in range(1, count + 1):
        yield call(b"login", b"honest", request=2 * number)
        yield call(b"respond", b"0" * 16, [b"None"], target=number, request=2 * number + 1)


def guessing(target: Target) -> None:
    """Two thousand passwords, tried on one connection; or as many as it takes, then on others."""
    for _ in range(20):
        with target.crowd() as crowd:
            crowd.send(HELLO, b"".join(_guesses(100))).deliver()
            crowd.ask()


def guessingFromMany(target: Target) -> None:
    """The same from a hundred connections at once, of forty addresses."""
    with target.crowd(100, sources=40) as crowd:
        crowd.send(HELLO, b"".join(_guesses(20))).deliver()
        crowd.hold(reading=True)


def abandonedLogins(target: Target) -> None:
    """Twenty thousand challenges that nobody responds to."""
    with target.crowd(4) as crowd:
        crowd.send(HELLO, repeat(call(b"login", b"honest") * 100, 50)).deliver()
        crowd.hold(reading=True)


def beforeLogin(target: Target) -> None:
    """Large messages, nested ones, forged ones and very many, from somebody who isn't logged in."""
    large = [call(b"login", b"x" * 600_000), call(b"loginAnonymous", [b"list", *[text("x" * 600)] * 5000])]
    many = call(b"echo", 1) * 1000 + call(b"loginAnonymous", [b"remote", 1]) * 1000
    with target.crowd(10) as crowd:
        for number, line in enumerate(crowd.lines):
            content = [*large * 5, *repeat(many, 10)] if number % 2 else [*repeat(many, 10)]
            line.queue.append(iter([HELLO, *content]))
        crowd.deliver()
        crowd.hold(reading=True)

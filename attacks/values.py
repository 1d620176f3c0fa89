"""
Attacks with values: what is cheap to send and dear to make.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

from attacks.crowd import Target
from attacks.wire import HELLO, call

__all__ = [
    "collidingDecimals",
    "collidingFloats",
    "collidingIntegers",
    "collidingReferences",
    "collidingSets",
    "collidingTuples",
    "dates",
    "decimals",
    "unhashableKeys",
]

MODULUS = 2**61 - 1
"""Python's hash of an integer is its remainder by this."""

COLLISIONS = 16384
"""Keys in one dictionary."""


def _dictionary(keys: Iterable[Any]) -> list[Any]:
    return [b"dictionary", *([key, 0] for key in keys)]


def _multiples(count: int = COLLISIONS) -> list[int]:
    return [number * MODULUS for number in range(1, count + 1)]


def _calls(target: Target, *forms: Any) -> None:
    with target.crowd() as crowd:
        crowd.send(HELLO, *(call(b"echo", form) for form in forms)).deliver()
        crowd.ask()


def collidingIntegers(target: Target) -> None:
    """Dictionaries whose keys are integers of one hash."""
    _calls(target, *[_dictionary(_multiples())] * 3)


def collidingTuples(target: Target) -> None:
    """Dictionaries whose keys are tuples of one hash: of such integers, and of -1 and -2, which have one."""
    inner = [[b"tuple", number] for number in _multiples()]
    twins = [[b"tuple", *numbers] for numbers in product((-1, -2), repeat=14)]
    _calls(target, _dictionary(inner), _dictionary(twins))


def collidingFloats(target: Target) -> None:
    """Dictionaries whose keys are floats: of as few hashes as they can have, and of similar ones."""
    same = [
        number * 2.0 ** (power + 61 * turn)
        for number in range(1, 500)
        for power in (0,)
        for turn in range(16)
    ]
    near = [float(number << 40) for number in range(COLLISIONS)]
    _calls(target, *[_dictionary(same), _dictionary(near)] * 3)


def collidingDecimals(target: Target) -> None:
    """Dictionaries whose keys are decimals of one hash."""
    _calls(target, _dictionary([b"decimal", number, 0] for number in _multiples()))


def collidingSets(target: Target) -> None:
    """Sets of integers of one hash, and a dictionary whose keys are sets of one hash."""
    numbers = _multiples()
    _calls(
        target,
        [b"set", *numbers],
        [b"frozenset", *numbers],
        _dictionary([b"frozenset", number] for number in numbers),
    )


def collidingReferences(target: Target) -> None:
    """A message whose references have numbers of one hash."""
    numbers = _multiples()
    lists = [[b"reference", number, [b"list"]] for number in numbers]
    _calls(target, [b"list", *lists, *([b"dereference", number] for number in numbers)])


def unhashableKeys(target: Target) -> None:
    """Keys and elements of sets that can't be any."""
    bad = ([b"list"], [b"dictionary"], [b"set"], [b"tuple", [b"list"]], [b"reference", 1, [b"list"]])
    forms = [form for key in bad for form in ([b"dictionary", [key, 1]], [b"set", key], [b"frozenset", key])]
    _calls(target, *[[b"list", form] for form in forms] * 150)


def decimals(target: Target) -> None:
    """Decimals with exponents beyond all measure: as values, as keys (hashed), twice in a set (compared)."""
    exponents = (10**6, 10**9, 10**18, 10**100, -(10**9), -(10**18), 2**447)
    forms: list[Any] = []
    for exponent in exponents:
        large = [b"decimal", 2**440, exponent]
        forms += [large, _dictionary([large]), [b"set", large, [b"decimal", 2**440 * 10, exponent - 1]]]
    _calls(target, *forms * 50)


def dates(target: Target) -> None:
    """Dates and times that there are none of, with numbers of any length."""
    long = b"9" * 4000
    longer = b"9" * 600_000
    forms = [
        [tag, b" ".join([number] * count)]
        for number in (b"0", b"-1", b"99999999999999999999", b"1e9", b"x", b"\xff", long)
        for tag, count in ((b"datetime", 7), (b"date", 3), (b"time", 4), (b"timedelta", 3))
    ]
    spaces = [b"date", b" 1" * 300_000]
    _calls(target, *forms * 50, *[[b"timedelta", longer + b" 0 0"], spaces] * 5)

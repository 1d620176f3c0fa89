"""
The cases that are kept, by target, and how one is added.

A line is a name, a tab and the case as a Python byte string: so a change of the
corpus can be read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

from myspread._login import saltedpasswords, scramclient, scramserver, server

__all__ = ["CHALLENGE", "TARGETS", "add", "cases", "everyCase", "sameChallenges", "write"]

CHALLENGE = b"16 random bytes."
"""What logins are challenged with here, so that recorded responses are right."""

NONCE = "24 random characters ...".replace(" ", "-")
"""The same for SCRAM, on both sides."""

_keys = lru_cache(maxsize=16)(saltedpasswords._keys)


@contextmanager
def sameChallenges() -> Iterator[None]:
    """Challenges are the same each time; and passwords are hashed once."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(server, "challenge", lambda: CHALLENGE))
        for module in (scramserver, scramclient):
            patches.enter_context(patch.object(module, "newNonce", lambda: NONCE))
        patches.enter_context(patch.object(saltedpasswords, "_keys", _keys))
        yield


TARGETS = ("decoder", "unjelly", "session", "login")
"""The names of the targets, each of which has a file of cases."""

_FOLDER = Path(__file__).parent / "corpus"


def _file(target: str) -> Path:
    return _FOLDER / f"{target}.txt"


def cases(target: str) -> dict[str, bytes]:
    """
    By name, the cases of a target.

    @raise ValueError: when a line isn't one.
    """
    found: dict[str, bytes] = {}
    for line in _file(target).read_text(encoding="ascii").splitlines():
        name, _, literal = line.partition("\t")
        case = ast.literal_eval(literal)
        if not isinstance(case, bytes) or name in found:
            raise ValueError(f"{_file(target)}: the line of {name!r} is no case, or its name is taken")
        found[name] = case
    return found


def everyCase() -> list[bytes]:
    """The cases of all targets: what one target knows is a beginning for the others."""
    return list(dict.fromkeys(case for target in TARGETS for case in cases(target).values()))


def add(target: str, name: str, case: bytes) -> None:
    """
    Keep a case.

    @raise ValueError: when there is one of this name, or the name is no word.
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} can't be the name of a case: letters, digits and underscores can")
    if name in cases(target):
        raise ValueError(f"{target} has a case {name!r} already")
    write(target, {**cases(target), name: case})


def write(target: str, kept: dict[str, bytes]) -> None:
    """Keep these cases for a target, and no others."""
    text = "".join(f"{name}\t{case!r}\n" for name, case in kept.items())
    _file(target).write_text(text, encoding="ascii")

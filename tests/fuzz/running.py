"""
Runs a target on cases for as long as wanted, and shortens those that fail.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from tests.fuzz import corpus, decoding, login, session, unjellying
from tests.fuzz.generating import Generator, expressionsOf, written

__all__ = ["CHECKS", "Failed", "Run", "run", "shortened"]

Check = Callable[[bytes], None]

CHECKS: dict[str, tuple[Check, tuple[bytes, ...]]] = {
    "decoder": (decoding.check, decoding.WORDS),
    "unjelly": (unjellying.check, unjellying.WORDS),
    "session": (session.check, session.WORDS),
    "login": (login.check, login.WORDS),
}
"""By target, what checks a case, and the names that mean something there."""

_VARYING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\d+")

SHORTENING_TIME = 60.0
"""Seconds that are spent on making a case shorter."""


@dataclass
class Failed:
    """
    A case that fails.

    @ivar case: the shortest form of it that was found.
    @ivar error: how it fails.
    """

    case: bytes
    error: BaseException


@dataclass
class Run:
    """
    What came of running a target.

    @ivar cases: how many were run.
    @ivar seconds: how long that took, of CPU.
    @ivar failed: by type and text of the error, the first case that failed so.
    @ivar failures: how many failed.
    """

    cases: int = 0
    seconds: float = 0.0
    failures: int = 0
    failed: dict[str, Failed] = field(default_factory=dict)


def errorOf(check: Check, case: bytes) -> BaseException | None:
    """How a case fails, or None."""
    try:
        check(case)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error
    return None


def kindOf(error: BaseException) -> str:
    """
    Which of the failures this one is: the first line of its text without numbers and quotations, and
    where it was raised. Further lines are what pytest adds to an assertion: parts of the case.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    line = "" if place is None else f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    text = _VARYING.sub("", str(error).partition("\n")[0])[:160]
    return f"{type(error).__name__} {text} ({line})"


def _shorter(case: bytes) -> Iterator[bytes]:
    """Cases with less in them, the shortest ones first."""
    messages = expressionsOf(case)
    size = len(messages)
    while size > 1:
        size = (size + 1) // 2
        for start in range(0, len(messages), size):
            yield written(messages[:start] + messages[start + size :])
        if size == 1:
            break
    size = len(case)
    while size > 1:
        size //= 2
        for start in range(0, len(case), size):
            yield case[:start] + case[start + size :]


def shortened(check: Check, case: bytes, kind: str, seconds: float = SHORTENING_TIME) -> bytes:
    """The shortest case that can be found with the same kind of failure."""
    until = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for shorter in _shorter(case):
            if time.monotonic() > until:
                return case
            if len(shorter) < len(case):
                error = errorOf(check, shorter)
                if error is not None and kindOf(error) == kind:
                    case, progress = shorter, True
                    break
    return case


def run(target: str, seconds: float, seed: int, tell: Callable[[str], None]) -> Run:
    """
    Run a target.

    @param seconds: how long, of CPU.
    @param tell: called with a line of text for each new kind of failure.
    """
    check, words = CHECKS[target]
    generator = Generator(Random(seed), corpus.everyCase(), words)
    result = Run()
    start = time.process_time()
    while result.seconds < seconds:
        case = generator.case()
        result.cases += 1
        error = errorOf(check, case)
        if error is not None:
            result.failures += 1
            kind = kindOf(error)
            if kind not in result.failed:
                short = shortened(check, case, kind)
                result.failed[kind] = Failed(short, errorOf(check, short) or error)
                tell(f"{target}: {kind}\n  case {result.cases}, seed {seed}: {short!r}")
        result.seconds = time.process_time() - start
    return result

"""
Target C{login}: any bytes, from the first one on, for a server behind a portal.

Until somebody has logged in, no class of the application comes out of a message,
and none of its methods runs; the checker sees user names that are text or bytes;
whoever has logged in is logged out once. All that L{session} asks for holds, too.
"""

from __future__ import annotations

from unittest.mock import patch

from twisted.internet.task import Clock

from myspread._login import server as loginServer
from myspread.limits import Limits
from tests.fuzz.application import DEEDS, MADE, METER, POINT, Application
from tests.fuzz.corpus import CHALLENGE
from tests.fuzz.session import THERE, TINY, Victim, serverOf
from tests.fuzz.watching import assertNothingLeft, assertOnceEach, watchedLog

__all__ = ["WORDS", "check"]

WORDS = (
    b"login",
    b"loginAnonymous",
    b"respond",
    b"ann",
    b"slow",
    b"broken",
    POINT,
    METER,
    *(name.encode("ascii") for name in DEEDS),
)

ALLOWED = {"checked"}
"""What may happen before somebody has logged in."""


def checkLogin(case: bytes, limits: Limits | None) -> None:
    """
    Let a server behind a portal read a case.

    @raise AssertionError: when it does what it must not.
    """
    clock, application = Clock(), Application()
    factory = serverOf(application.portal(), limits, clock)
    victim = Victim(factory.buildProtocol(THERE), clock)
    notes = application.shared
    notes.broker = victim.broker
    MADE.clear()
    for _ in victim.read(case):
        if not application.users:
            early = set(notes.happened) - ALLOWED
            assert not early, f"before login, the application was asked for {early}"
            assert not MADE, f"before login, objects of the application were made: {dict(MADE)}"
        assert all(type(name) in (bytes, str) for name in application.checker.seen), application.checker.seen
    victim.end()
    for waiting in notes.waiting:
        waiting.callback("too late")
    for user in application.users:
        user.mind = None
        assert user.left == 1, f"logged out {user.left} times"
    notes.forget()
    assertOnceEach([notes])
    assertNothingLeft(victim.broker, application)
    assert not clock.getDelayedCalls(), f"left on the clock: {clock.getDelayedCalls()}"


def check(case: bytes) -> None:
    """
    Let a server behind a portal read a case.

    @raise AssertionError: when it does what it must not.
    """
    for limits in (None, TINY):
        with watchedLog(), patch.object(loginServer, "challenge", lambda: CHALLENGE):
            checkLogin(case, limits)

"""
Target C{login}: any bytes, from the first one on, for a server behind a portal.

Until somebody has logged in, no class of the application comes out of a message,
and none of its methods runs; the checker sees user names that are text or bytes;
whoever has logged in is logged out once. All that L{session} asks for holds, too.

A case that begins with a list is what a client reads that logs in with SCRAM. It
hears how its login ends, and sends its password to nobody.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from myspread import pb
from myspread.limits import Limits
from tests.fuzz.application import DEEDS, MADE, METER, PASSWORD, POINT, TOKEN, Application
from tests.fuzz.corpus import sameChallenges
from tests.fuzz.session import HERE, THERE, TINY, Victim, serverOf
from tests.fuzz.watching import assertNothingLeft, assertOnceEach, watchedLog

__all__ = ["WORDS", "check"]

ANN = pb.Password(b"ann", PASSWORD)

WORDS = (
    b"login",
    b"loginAnonymous",
    b"respond",
    b"mechanisms",
    b"loginScram",
    b"finish",
    b"prove",
    b"enter",
    b"loginToken",
    b"loginPlain",
    b"loginCertificate",
    b"scram-sha-256",
    b"scram-sha-256-plus",
    b"n,,n=ann,r=24-random-characters-...",
    b"y,,n=slow,r=24-random-characters-...",
    b"p=tls-exporter,,n=ann,r=24-random-characters-...",
    TOKEN,
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
        assert all(type(name) is bytes for name in application.otherChecker.seen)
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


def checkClientLogin(case: bytes, limits: Limits | None) -> None:
    """
    Let a client that logs in read a case.

    @raise AssertionError: when it does what it must not.
    """
    clock = Clock()
    factory = pb.PBClientFactory(limits=limits, clock=clock)
    outcome: list[Any] = []
    factory.login(ANN).addBoth(outcome.append)
    victim = Victim(factory.buildProtocol(HERE), clock)
    written = bytearray()
    write = victim.transport.write
    victim.transport.write = lambda data: (written.extend(data), write(data))  # type: ignore[method-assign]
    for _ in victim.read(case):
        pass
    victim.end()
    assert outcome, "the client waits for ever"
    assert PASSWORD not in written, "the client sends its password"
    outcome.clear()
    assertNothingLeft(victim.broker)
    assert not clock.getDelayedCalls(), f"left on the clock: {clock.getDelayedCalls()}"


def check(case: bytes) -> None:
    """
    Let a server behind a portal read a case; or a client that logs in, if it
    begins with a list.

    @raise AssertionError: when it does what it must not.
    """
    checkRole = checkClientLogin if b"\x80" in case[:3] else checkLogin
    for limits in (None, TINY):
        with watchedLog(), sameChallenges():
            checkRole(case, limits)

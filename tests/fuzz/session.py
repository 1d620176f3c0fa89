"""
Target C{session}: any bytes, from the first one on, for a broker that has an
application.

A case that begins with a list is what a client reads, another what a server
does. Nothing escapes C{dataReceived}; the log tells of no mistake of ours;
somebody else's connection to the same server goes on; and once the connection
is lost, every call has ended, nobody observes any more, and nothing is left.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref
from zlib import crc32

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from myspread import pb
from myspread.limits import BeforeLogin, Limits
from myspread.testing import BrokerPair, MemoryTransport, brokerPair
from tests.fuzz.application import DEEDS, METER, POINT, Application, Door, Notes
from tests.fuzz.decoding import pieces
from tests.fuzz.watching import assertNothingLeft, assertOnceEach, lose, watchedLog

__all__ = ["HERE", "THERE", "TINY", "WORDS", "Honest", "Victim", "check", "checkServer", "serverOf"]

WORDS = (
    *(name.encode("ascii") for name in DEEDS),
    POINT,
    METER,
    b"changed",
    b"look",
    b"gotPage",
    b"endedPaging",
    b"x.y",
)

TINY = Limits(
    stringLength=300,
    listLength=40,
    nestingDepth=12,
    prefixLength=10,
    references=4,
    caches=1,
    violations=1,
    messageLength=1500,
    elements=120,
    cachesTaken=2,
    calls=3,
    unreadAnswers=500,
    unreadTime=5.0,
    unfinishedMessages=200,
    unfinishedTime=1.0,
    turnTime=0.0,
    handshakeTime=10.0,
    loginTime=20.0,
    idleTime=30.0,
    closingTime=1.0,
    loginAttempts=2,
    logEntries=2,
    beforeLogin=BeforeLogin(messageLength=1200, elements=110, nestingDepth=6, references=3, calls=2),
)
"""Such that every limit is met, and an error can just be sent."""

MOST_PULLED = 50

COLLECTED = 64
"""Once in so many cases, all that is left is looked for."""

HERE = IPv4Address("TCP", "127.0.0.1", 8787)
THERE = IPv4Address("TCP", "127.0.0.2", 40000)


class Victim:
    """
    A broker that reads a case.

    @ivar broker: the broker.
    @ivar clock: its time.
    """

    def __init__(self, broker: Any, clock: Clock) -> None:
        self.broker = broker
        self.clock = clock
        self.transport = MemoryTransport(HERE, THERE)
        broker.clock = clock
        broker.makeConnection(self.transport)

    def read(self, case: bytes) -> Iterator[None]:
        """Read a case, piece by piece."""
        for piece in pieces(case):
            # As a transport does: it reads no more while it is paused.
            for _ in range(MOST_PULLED):
                if not self.transport.paused:
                    break
                self._write()
            else:
                return
            self.broker.dataReceived(piece)
            self._write()
            yield

    def _write(self) -> None:
        """All that is written leaves, and so do some pages."""
        for _ in range(MOST_PULLED):
            self.transport.take(None)
            self.transport.pull()
            if not self.transport.written:
                break
        self.clock.advance(0.01)

    def end(self) -> None:
        """
        The connection ends.

        @raise AssertionError: when something is left.
        """
        lose(self.broker)
        self.transport.take(None)


class Honest:
    """Somebody else, who is connected to the same server."""

    def __init__(self, serverFactory: Any, clock: Clock) -> None:
        self.pair: BrokerPair = brokerPair(
            serverFactory=serverFactory, clientFactory=pb.PBClientFactory(clock=clock), clock=clock
        )
        self.pair.clientFactory.getRootObject().addCallback(self._begin)
        self.calls = 0

    def _begin(self, root: Any) -> None:
        self.root = root
        self.waiting: list[Any] = []
        root.callRemote("later").addBoth(self.waiting.append)
        self.pair.flush()

    def call(self) -> None:
        """
        A call, and its answer.

        @raise AssertionError: when it isn't the right one.
        """
        self.calls += 1
        answer = self.pair.result(self.root.callRemote("echo", self.calls))
        assert answer == self.calls, f"an honest call was answered with {answer!r}"

    def end(self) -> None:
        """The answer that was owed all the time comes now."""
        self.call()
        assert self.waiting == [], f"an honest call that waits was answered with {self.waiting}"
        self.pair.result(self.root.callRemote("fire", "late"))
        assert self.waiting == ["late"], f"an honest call that waits was answered with {self.waiting}"
        del self.root
        self.pair.disconnect()


def serverOf(root: Any, limits: Limits | None, clock: Clock) -> Any:
    """A server's factory."""
    return pb.PBServerFactory(root, limits=limits, clock=clock)


@contextmanager
def ended(case: bytes, broker: Any) -> Iterator[None]:
    """Now and then, look whether a broker is still there when nobody needs it any more."""
    left = ref(broker)
    del broker
    yield
    if crc32(case) % COLLECTED == 0:
        gc.collect()
        assert left() is None, f"the broker is still held by {gc.get_referrers(left())}"


def checkServer(case: bytes, limits: Limits | None = None) -> None:
    """
    Let a server read a case.

    @raise AssertionError: when it does what it must not.
    """
    clock, application = Clock(), Application()
    factory = serverOf(application, limits, clock)
    honest = Honest(factory, clock) if limits is None else None
    victim = Victim(factory.buildProtocol(THERE), clock)
    notes = application.notes[-1]
    for _ in victim.read(case):
        if honest:
            honest.call()
    victim.end()
    if honest:
        honest.end()
    _finish(notes)
    assertOnceEach(application.notes)
    assertNothingLeft(victim.broker, application)
    assert not clock.getDelayedCalls(), f"left on the clock: {clock.getDelayedCalls()}"


def checkClient(case: bytes, limits: Limits | None = None) -> None:
    """
    Let a client read a case.

    @raise AssertionError: when it does what it must not.
    """
    clock = Clock()
    factory = pb.PBClientFactory(limits=limits, clock=clock)
    notes = Notes()
    outcome: list[Any] = []
    Deferred.fromCoroutine(_visit(factory, notes)).addBoth(outcome.append)
    notes.broker = factory.buildProtocol(HERE)
    victim = Victim(notes.broker, clock)
    for _ in victim.read(case):
        pass
    victim.end()
    _finish(notes)
    assertOnceEach([notes])
    assertNothingLeft(victim.broker)
    assert not notes.meter.observers and not notes.meter.wrong, (notes.meter.observers, notes.meter.wrong)
    assert outcome, "the client waits for ever"
    assert not clock.getDelayedCalls(), f"left on the clock: {clock.getDelayedCalls()}"


async def _visit(factory: Any, notes: Notes) -> None:
    """What the client does, so that there are calls to answer and references to use."""
    root = await factory.getRootObject()
    door = Door(notes)
    names = ("lend", "watch", "copy", "giveBack", "echo", "later")
    asked = [notes.ask(root, name) for name in names]
    asked.append(notes.ask(root, "take", door, notes.thing, notes.meter))
    for answer in asked:
        answer.addCallbacks(notes.taken.append, lambda failure: None)
    for answer in asked:
        await answer
    for value in list(notes.taken):
        if isinstance(value, pb.RemoteReference):
            await notes.ask(value, "echo", notes.taken)


def _finish(notes: Notes) -> None:
    """The application goes on for a moment: answers that come too late do no harm."""
    for waiting in notes.waiting:
        waiting.callback("too late")
    notes.forget()


def check(case: bytes) -> None:
    """
    Let a broker read a case: a client, if it begins with a list.

    @raise AssertionError: when it does what it must not.
    """
    checkRole = checkClient if b"\x80" in case[:3] else checkServer
    for limits in (None, TINY):
        with watchedLog():
            checkRole(case, limits)

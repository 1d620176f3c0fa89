"""
Two sessions with one server, and anything that may happen to them: calls of all
kinds in both directions, forged and broken messages, and the connection lost at
any moment, also in the middle of a method.

One of the two is only ever used honestly; whatever happens to the other, it
must not be disturbed.
"""

from __future__ import annotations

import gc
import os
from contextlib import ExitStack
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.cred.credentials import UsernamePassword
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.banana import BananaError
from myspread.jelly import InsecureJelly
from myspread.limits import Limits
from myspread.testing import BrokerPair
from myspread.testing._memory import Side
from myspread.util import getAllPages
from tests.fuzz import corpus
from tests.fuzz.application import Application, Door, Notes
from tests.fuzz.generating import Generator, written
from tests.fuzz.session import TINY, WORDS
from tests.fuzz.watching import assertNothingLeft, assertOnceEach, waitForLoss, watchedLog

bounded = settings(
    deadline=None,
    database=None,
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    stateful_step_count=50,
    # A sequence that fails is printed as it is: to shorten it can take minutes.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)

ENDS = (
    pb.PBConnectionLost,
    pb.DeadReferenceError,
    pb.ProtocolError,
    CancelledError,
    InsecureJelly,
    BananaError,
)
"""How a call fails here; those that fail at the other side are L{pb.CopiedFailure}s."""


class Session:
    """
    A connection, and both sides' applications.

    @ivar sides: what happens at the server and at the client.
    @ivar honest: whether nothing but what applications do has happened to it.
    @ivar wrong: what should not have happened.
    """

    def __init__(self, application: Application, factory: Any, clock: Clock, isLogin: bool) -> None:
        self.application = application
        self.pair = BrokerPair(factory, pb.PBClientFactory(clock=clock), clock)
        self.honest = True
        self.wrong: list[str] = []
        client = Notes()
        client.broker = self.pair.client
        if isLogin:
            server = Notes(application.meter)
            application.shared = server
        else:
            server = application.notes[-1]
        server.broker = self.pair.server
        self.sides = {"server": server, "client": client}
        self.door = Door(client)
        # What each side calls: the server's root, or an avatar, and the client's door.
        self.reached: dict[str, Any] = {}
        self._begin(isLogin)

    def _begin(self, isLogin: bool) -> None:
        factory = self.pair.clientFactory
        if isLogin:
            reached = factory.login(UsernamePassword(b"ann", b"secret"), None)
        else:
            reached = factory.getRootObject()
        self.pair.flush()
        reached.addCallback(lambda root: self.reached.update(client=root))
        self._pump()
        self.ask("client", "take", self.door)
        self._pump()
        self.reached["server"] = self.sides["server"].taken.pop()

    def _pump(self) -> None:
        """Let everything arrive, and what is left for later turns be done."""
        for _ in range(10):
            self.pair.flush()
            self.pair.clock.advance(0.001)

    @property
    def standing(self) -> bool:
        """Whether neither side has lost the connection."""
        return self.pair.connected

    def other(self, side: Side) -> Notes:
        """What happens at the side across."""
        return self.sides["client" if side == "server" else "server"]

    def ask(self, side: Side, name: str, *args: Any, **kw: Any) -> Deferred[Any]:
        """One side calls the other."""
        answer = self.sides[side].ask(self.reached[side], name, *args, **kw)
        return answer.addErrback(self._failed)

    def _failed(self, failure: Failure) -> Any:
        expected = isinstance(failure, pb.CopiedFailure) or failure.check(*ENDS)
        if self.honest and not expected:
            self.wrong.append(f"a call has failed with {failure!r}")
        return failure.value

    def check(self) -> None:
        """
        What always holds.

        @raise AssertionError: when it doesn't.
        """
        assert not self.wrong, self.wrong
        assertOnceEach(self.sides.values())
        for notes in self.sides.values():
            assert not notes.meter.wrong, notes.meter.wrong
            lost = [each for each in notes.meter.observers if each.broker.disconnected]
            assert not lost, f"these still observe: {lost}"

    def assertUndisturbed(self) -> None:
        """
        The connection stands, and nobody wants to close it.

        @raise AssertionError: when it doesn't.
        """
        wants = self.pair.serverTransport.disconnecting, self.pair.clientTransport.disconnecting
        assert self.standing and wants == (False, False), f"closed: {wants}"

    def settle(self) -> None:
        """All that is owed is given, and all that was taken is forgotten."""
        self._pump()
        for notes in self.sides.values():
            while notes.waiting:
                notes.waiting.pop().callback("at last")
            notes.forget()
        # What came in the middle of something else has a turn of its own.
        self._pump()
        gc.collect(0)
        self._pump()

    def assertSettled(self) -> None:
        """
        All calls have ended, and neither side holds anything for the other but
        what it began with.

        @raise AssertionError: when something is left.
        """
        for notes in self.sides.values():
            # The other session may observe what changes here.
            own = [asked for asked in notes.asked if asked.broker in (self.pair.server, self.pair.client)]
            assert all(asked.fired == 1 for asked in own), own
        began = {"server": 1 if "perspective" in repr(self.reached["client"]) else 0, "client": 1}
        for broker, side in ((self.pair.server, "server"), (self.pair.client, "client")):
            lent = [luid for luid in broker.localObjects if isinstance(luid, int)]
            assert len(lent) <= max(began[side], 1), f"the {side} still lends {lent}"
            assert not broker.remotelyCachedObjects, f"the {side} is still observed"
            assert not broker.locallyCachedObjects, f"the {side} still has caches"
            assert not broker.waitingForAnswers, f"the {side} still waits"

    def end(self) -> None:
        """
        The connection ends, if it hasn't.

        @raise AssertionError: when something is left.
        """
        self.pair.disconnect()
        for broker in (self.pair.server, self.pair.client):
            waitForLoss(broker)
        for notes in self.sides.values():
            notes.hook = notes.meter.hook = lambda what: None
            for waiting in notes.waiting:
                if not waiting.called:
                    waiting.callback("too late")
            notes.forget()
        self.check()
        for broker in (self.pair.server, self.pair.client):
            assertNothingLeft(broker, self.application)


whiches = st.sampled_from([0, 1])
sides: st.SearchStrategy[Any] = st.sampled_from(["client", "server"])
indices = st.integers(0, 100)
moments = st.sampled_from([None, "stopped", "observed", "logout", "echo", "take"])
values = st.one_of(
    st.integers(-5, 5),
    st.none(),
    st.text(max_size=5),
    st.lists(st.integers(0, 3) | st.booleans(), max_size=3),
    st.dictionaries(st.text(max_size=2), st.binary(max_size=3), max_size=2),
)


class TwoSessions(RuleBasedStateMachine):
    """
    The two sessions, and all that happens. Number 0 may be broken; number 1 is
    honest until the end.
    """

    def __init__(self, isLogin: bool, limits: Limits | None) -> None:
        super().__init__()
        self.log = ExitStack()
        self.log.enter_context(watchedLog())
        self.clock = Clock()
        self.isLogin = isLogin
        self.limits = limits
        self.application = Application()
        root = self.application.portal() if isLogin else self.application
        self.factory = pb.PBServerFactory(root, limits=limits, clock=self.clock)
        self.sessions = [self._newSession(), self._newSession()]
        self.known = corpus.everyCase()

    def _newSession(self) -> Session:
        return Session(self.application, self.factory, self.clock, self.isLogin)

    # What applications do

    @rule(which=whiches, side=sides, value=values, wanted=st.booleans())
    def echo(self, which: int, side: Side, value: Any, wanted: bool) -> None:
        """A call, with or without an answer."""
        session = self.sessions[which]
        if not wanted:
            session.ask(side, "echo", value, pbanswer=False)
            return

        def same(answer: Any) -> None:
            ended = isinstance(answer, Exception) and not session.standing
            refused = self.limits is not None and "Limits." in str(answer)
            if answer != value and session.honest and not ended and not refused:
                session.wrong.append(f"{answer!r} in the place of {value!r}")

        session.ask(side, "echo", value).addCallback(same)

    @rule(which=whiches, side=sides, name=st.sampled_from(["refuse", "crash", "nothing", "leave"]))
    def fail(self, which: int, side: Side, name: str) -> None:
        """A call that fails."""
        self.sessions[which].ask(side, name)

    @rule(which=whiches, side=sides, name=st.sampled_from(["later", "soon"]), wanted=st.booleans())
    def callThatWaits(self, which: int, side: Side, name: str, wanted: bool) -> None:
        """A call whose answer comes later."""
        self.sessions[which].ask(side, name, pbanswer=wanted)

    @rule(which=whiches, side=sides, choice=indices, how=st.sampled_from(["callback", "errback", "cancel"]))
    def answer(self, which: int, side: Side, choice: int, how: str) -> None:
        """Such an answer comes, or never will."""
        waiting = self.sessions[which].sides[side].waiting
        if waiting:
            owed = waiting.pop(choice % len(waiting))
            if how == "callback":
                owed.callback(choice)
            elif how == "errback":
                owed.errback(pb.Error("on purpose"))
            else:
                owed.cancel()

    @rule(which=whiches, side=sides)
    def giveUp(self, which: int, side: Side) -> None:
        """A call that the caller gives up."""
        self.sessions[which].ask(side, "later").cancel()

    @rule(which=whiches, side=sides, name=st.sampled_from(["lend", "lendNew", "watch", "copy", "view"]))
    def get(self, which: int, side: Side, name: str) -> None:
        """One side gets something of the other, and keeps it."""
        session = self.sessions[which]
        taken = session.sides[side].taken

        def keep(thing: Any) -> None:
            if session.standing:
                taken.append(thing)

        session.ask(side, name).addCallback(keep)

    @rule(which=whiches, side=sides, kind=st.sampled_from(["thing", "meter", "taken"]))
    def give(self, which: int, side: Side, kind: str) -> None:
        """One side gives something to the other, its own or the other's."""
        session = self.sessions[which]
        notes = session.sides[side]
        session.ask(side, "take", *(notes.taken if kind == "taken" else [getattr(notes, kind)]))

    @rule(which=whiches, side=sides, choice=indices)
    def drop(self, which: int, side: Side, choice: int) -> None:
        """One side lets go of something."""
        taken = self.sessions[which].sides[side].taken
        if taken:
            del taken[choice % len(taken)]

    @rule(which=whiches, side=sides)
    def dropAll(self, which: int, side: Side) -> None:
        """One side lets go of everything."""
        self.sessions[which].sides[side].forget()

    @rule(which=whiches, side=sides, value=values)
    def change(self, which: int, side: Side, value: Any) -> None:
        """What is watched changes."""
        notes = self.sessions[which].sides[side]
        for observer in list(notes.meter.observers):
            notes.ask(observer, "changed", value).addErrback(lambda failure: None)

    @rule(which=whiches, depth=st.integers(1, 4))
    def within(self, which: int, depth: int) -> None:
        """Calls within calls."""
        session = self.sessions[which]
        args: list[Any] = ["echo", depth]
        for level in range(depth):
            args = ["callBack", session.door if level % 2 == 0 else session.reached["client"], *args]
        if depth % 2:
            session.ask("client", *args)

    @rule(which=whiches, size=st.integers(0, 4000))
    def page(self, which: int, size: int) -> None:
        """Pages."""
        session = self.sessions[which]
        if session.standing:
            pages = getAllPages(session.reached["client"], "pages", size)
            pages.addErrback(session._failed)

    @precondition(lambda self: self.isLogin)
    @rule(which=whiches, password=st.sampled_from([b"secret", b"wrong"]))
    def loginAgain(self, which: int, password: bytes) -> None:
        """One more login on the same connection."""
        session = self.sessions[which]
        if session.standing:
            logged = session.pair.clientFactory.login(UsernamePassword(b"bob", password), None)
            logged.addCallbacks(session.sides["client"].taken.append, session._failed)

    # What the network does

    @rule(which=whiches, size=st.one_of(st.integers(1, 40), st.none()))
    def deliver(self, which: int, size: int | None) -> None:
        """Something arrives on both sides, cut anywhere."""
        self.sessions[which].pair.deliver(size)

    @rule(which=whiches)
    def flush(self, which: int) -> None:
        """Everything arrives."""
        self.sessions[which].pair.flush()

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.5, 3.0]))
    def wait(self, seconds: float) -> None:
        """Time goes on."""
        self.clock.advance(seconds)

    @rule(first=sides)
    def lose(self, first: Side) -> None:
        """The connection is lost; one side hears of it first."""
        session = self.sessions[0]
        session.honest = False
        if session.standing:
            session.pair.lose(first)

    @rule(first=sides, after=st.integers(0, 3), of=moments)
    def loseWithin(self, first: Side, after: int, of: str | None) -> None:
        """It will be lost, in the middle of something."""
        session = self.sessions[0]
        session.honest = False
        left = [after]

        def happens(what: str) -> None:
            left[0] -= of in (None, what)
            if left[0] < 0 and session.standing:
                session.pair.lose(first)

        for notes in session.sides.values():
            notes.hook = notes.meter.hook = happens

    @rule()
    def begin(self) -> None:
        """If the connection is lost, there is a new one."""
        session = self.sessions[0]
        if not session.standing:
            session.end()
            self.sessions[0] = self._newSession()

    # What peers do that aren't honest

    @rule(to=sides, seed=st.integers(0, 2**32))
    def forge(self, to: Side, seed: int) -> None:
        """A message that no application has sent arrives behind those on their way."""
        message = Generator(Random(seed), self.known, WORDS).message()
        self._inject(to, written([message]))

    @rule(to=sides, seed=st.integers(0, 2**32))
    def garble(self, to: Side, seed: int) -> None:
        """So do bytes that may be none."""
        generator = Generator(Random(seed), self.known, WORDS)
        self._inject(to, b"".join(generator.element() for _ in range(3)))

    def _inject(self, to: Side, data: bytes) -> None:
        session = self.sessions[0]
        session.honest = False
        if session.standing:
            pair = session.pair
            transport = pair.clientTransport if to == "server" else pair.serverTransport
            transport.written += data

    # What holds

    @invariant()
    def holds(self) -> None:
        """Nobody is told twice, nobody who should have been told waits, the honest one is undisturbed."""
        for session in self.sessions:
            session.check()
        if self.limits is None:
            self.sessions[1].assertUndisturbed()
        left = [user.left for user in self.application.users]
        assert max(left, default=0) <= 1, f"logged out so often: {left}"

    def teardown(self) -> None:
        """In the end nothing is left."""
        broken, honest = self.sessions
        try:
            if self.limits is None:
                honest.settle()
                honest.assertSettled()
                honest.assertUndisturbed()
            broken.end()
            honest.end()
            for user in self.application.users:
                assert user.left == 1, f"logged out {user.left} times"
            assert not self.application.meter.observers, self.application.meter.observers
            for notes in self.application.notes:
                notes.forget()
            self.clock.advance(100_000)
            assert not self.clock.getDelayedCalls(), self.clock.getDelayedCalls()
        finally:
            self.log.close()


class TwoSessionsTests(SynchronousTestCase):
    """
    Whatever happens.
    """

    def try_(self, isLogin: bool, limits: Limits | None = None) -> None:
        """Try sequences."""
        run_state_machine_as_test(lambda: TwoSessions(isLogin, limits), settings=bounded)
        self.flushLoggedErrors()

    def test_root(self) -> None:
        """With a root that anybody may call."""
        self.try_(False)

    def test_login(self) -> None:
        """Behind a portal."""
        self.try_(True)

    def test_smallLimits(self) -> None:
        """With limits that are soon met."""
        self.try_(False, TINY)

    def test_tooManyCalls(self) -> None:
        """Where calls are limited, one too many may be refused to the honest, too."""
        sequence = TwoSessions(False, TINY)
        for _ in range(TINY.calls):
            sequence.callThatWaits(1, "client", "later", True)
        sequence.echo(1, "client", 4, True)
        sequence.sessions[1].settle()
        sequence.teardown()
        self.assertEqual(len(self.flushLoggedErrors()), 1)

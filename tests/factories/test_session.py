"""
Tests for sessions, in memory and on a clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.application.service import IServiceCollection, MultiService
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionRefusedError
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.logger import capturedLogs
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._factories.states import TRANSITIONS, Event, SessionState, after
from tests.factories.memory import MemoryServer, Network
from tests.login.realms import RecordingRealm, User, portalFor

ANN = UsernamePassword(b"ann", b"secret")
WRONG = UsernamePassword(b"ann", b"wrong")
BACKOFF = pb.Backoff(first=1, longest=8, factor=2, jitter=0)
NEW, CONNECTING, UP, WAITING, CLOSING, ENDED = SessionState


class Counter(pb.Cacheable):
    """Counts its observers."""

    observers = 0

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """One more."""
        self.observers += 1
        return {"value": self.observers}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """One less."""
        self.observers -= 1


class CounterCopy(pb.RemoteCache):
    """What a client holds of it."""


pb.setUnjellyableForClass(Counter, CounterCopy)


class Desk(pb.Root):
    """
    What is served.

    @ivar calls: how often L{remote_later} was called.
    """

    def __init__(self) -> None:
        self.counter = Counter()
        self.answers: list[Deferred[Any]] = []
        self.calls = 0

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_counter(self) -> Any:
        """Something to be cached."""
        return self.counter

    def remote_later(self) -> Deferred[Any]:
        """Answer when the test wants it."""
        self.calls += 1
        answer: Deferred[Any] = Deferred()
        self.answers.append(answer)
        return answer

    def remote_lost(self) -> None:
        """Have lost a connection of one's own."""
        raise pb.PBConnectionLost("another one")


class StockUser(stock.Avatar):  # type: ignore[misc]
    """Somebody, of C{twisted.spread}."""

    def __init__(self, avatarId: Any) -> None:
        self.avatarId = avatarId

    perspective_whoAmI: Any = User.perspective_whoAmI


class StockRealm(RecordingRealm):
    """Gives these."""

    def __init__(self) -> None:
        super().__init__(make=StockUser)


class Echoing(Protocol):
    """What sessions are typed with."""

    async def echo(self, value: str) -> str:
        """Return C{value}."""
        ...


class SessionCase(TestCase):
    """
    Sessions with a server in memory.
    """

    def setUp(self) -> None:
        """A server of a desk, and one of a portal."""
        self.network = Network()
        self.clock = self.network.clock
        self.settle = self.network.settle
        self.desk = Desk()
        self.server = self.network.serve(self.desk)
        self.realm = RecordingRealm()
        self.portal = self.network.serve(portalFor(self.realm))

    def session(self, where: Any = None, **settings: Any) -> pb.Session:
        """A session that isn't persistent unless it says so."""
        return pb.session(self.server if where is None else where, reactor=self.clock, **settings)

    def persistent(self, where: Any = None, **settings: Any) -> pb.Session:
        """A persistent one."""
        return self.session(where, **{"persistent": True, "backoff": BACKOFF, **settings})

    def up(self, session: pb.Session) -> pb.Session:
        """A session that has come up."""
        session.startService()
        self.settle()
        self.assertIs(session.state, UP)
        return session

    def closed(self, *sessions: pb.Session) -> None:
        """Close sessions; nothing is left behind."""
        for session in sessions:
            closing = session.close()
            self.settle()
            self.successResultOf(closing)
            self.assertIs(session.state, ENDED)
        # The server logs whom it refuses.
        self.flushLoggedErrors(UnauthorizedLogin)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.server.connected + self.portal.connected, 0)


# By transition, what brings a session into the state, and what happens then.


def _started(case: SessionCase) -> pb.Session:
    session = case.persistent()
    session.startService()
    return session


def _refused(case: SessionCase) -> pb.Session:
    case.server.mode = "refuse"
    session = case.persistent()
    session.startService()
    case.settle()
    return session


def _closing(case: SessionCase) -> pb.Session:
    session = case.up(case.persistent())
    session.close()
    return session


def _once(case: SessionCase) -> pb.Session:
    session = case.session()
    session.startService()
    return session


def _over(case: SessionCase) -> pb.Session:
    session = case.session()
    session.close()
    return session


def _closingOnce(case: SessionCase) -> pb.Session:
    session = case.up(case.session())
    session.close()
    return session


def _start(case: SessionCase, session: pb.Session) -> None:
    session.startService()


def _close(case: SessionCase, session: pb.Session) -> None:
    session.close()


def _settle(case: SessionCase, session: pb.Session) -> None:
    case.settle()


def _lose(case: SessionCase, session: pb.Session) -> None:
    case.server.lose()


def _fail(case: SessionCase, session: pb.Session) -> None:
    case.server.mode = "refuse"
    case.settle()


def _wait(case: SessionCase, session: pb.Session) -> None:
    case.clock.advance(1)


Scenario = tuple[
    Callable[[SessionCase], pb.Session],
    Callable[[SessionCase, pb.Session], None],
    list[tuple[Event, SessionState]],
]

SCENARIOS: dict[tuple[SessionState, Event], Scenario] = {
    (NEW, Event.ATTEMPT): (lambda case: case.persistent(), _start, [(Event.ATTEMPT, CONNECTING)]),
    (NEW, Event.CLOSE): (
        lambda case: case.persistent(),
        _close,
        [(Event.CLOSE, CLOSING), (Event.STOPPED, ENDED)],
    ),
    (CONNECTING, Event.READY): (_started, _settle, [(Event.READY, UP)]),
    (CONNECTING, Event.TROUBLE): (_started, _fail, [(Event.TROUBLE, WAITING)]),
    (CONNECTING, Event.GIVE_UP): (_once, _fail, [(Event.GIVE_UP, ENDED)]),
    (CONNECTING, Event.CLOSE): (_started, _close, [(Event.CLOSE, CLOSING), (Event.STOPPED, ENDED)]),
    (UP, Event.TROUBLE): (lambda case: case.up(case.persistent()), _lose, [(Event.TROUBLE, WAITING)]),
    (UP, Event.GIVE_UP): (lambda case: case.up(case.session()), _lose, [(Event.GIVE_UP, ENDED)]),
    (UP, Event.CLOSE): (lambda case: case.up(case.persistent()), _close, [(Event.CLOSE, CLOSING)]),
    (WAITING, Event.ATTEMPT): (
        _refused,
        _wait,
        [(Event.ATTEMPT, CONNECTING), (Event.TROUBLE, WAITING)],
    ),
    (WAITING, Event.CLOSE): (_refused, _close, [(Event.CLOSE, CLOSING), (Event.STOPPED, ENDED)]),
    (CLOSING, Event.TROUBLE): (_closing, _lose, [(Event.TROUBLE, CLOSING), (Event.STOPPED, ENDED)]),
    (ENDED, Event.ATTEMPT): (_over, _start, [(Event.ATTEMPT, CONNECTING)]),
}


class StateTests(SessionCase):
    """
    Every transition of the table.
    """

    def test_table(self) -> None:
        """Each transition happens when it should, and no other."""
        for (state, event), (reach, act, follows) in SCENARIOS.items():
            self.setUp()
            session = reach(self)
            self.assertIs(session.state, state, event)
            happened: list[Any] = []

            def record(event: Event, session: Any = session, happened: Any = happened) -> None:
                session.state = after(session.state, event)
                happened.append((event, session.state))

            session._happened = record  # type: ignore[method-assign]
            act(self, session)
            self.assertEqual(happened, follows, (state, event))
            self.assertEqual(follows[0][0], event)
            self.closed(session)

    def test_everyTransition(self) -> None:
        """The table has no transition that these tests don't bring about."""
        brought = set(SCENARIOS)
        for (state, _), (_, _, follows) in SCENARIOS.items():
            for event, following in follows:
                brought.add((state, event))
                state = following
        self.assertEqual(brought, set(TRANSITIONS))

    def test_impossible(self) -> None:
        """What isn't in the table is a mistake of ours, and raises."""
        self.assertRaises(KeyError, after, NEW, Event.READY)
        self.assertRaises(KeyError, after, ENDED, Event.TROUBLE)


class OnceTests(SessionCase):
    """
    Sessions that aren't persistent.
    """

    def test_root(self) -> None:
        """The root, for callbacks, coroutines and inlineCallbacks alike; waiting starts the session."""
        session = self.session()
        got: list[Any] = []

        async def coroutine() -> Any:
            return await (await session.root).callRemote("echo", 2)

        @inlineCallbacks  # type: ignore[arg-type]
        def generator() -> Any:
            root = yield session.root
            value = yield root.callRemote("echo", 3)
            return value

        session.root.addCallback(lambda root: root.callRemote("echo", 1)).addCallback(got.append)
        waiting = [Deferred.fromCoroutine(coroutine()), generator()]
        self.assertIs(session.state, CONNECTING)
        self.settle()
        self.assertEqual(got, [1])
        self.assertEqual([self.successResultOf(each) for each in waiting], [2, 3])
        self.assertEqual(self.successResultOf(session.root).luid, b"root")
        self.assertEqual(self.server.attempts, 1)
        self.closed(session)

    def test_avatar(self) -> None:
        """With credentials, the avatar; closing logs out."""
        session = self.session(self.portal, credentials=ANN, mind="mind")
        avatar = session.avatar
        self.settle()
        called = self.successResultOf(avatar).callRemote("whoAmI")
        self.settle()
        self.assertEqual(self.successResultOf(called), b"ann")
        self.assertEqual(self.realm.requests[0][:2], (b"ann", "mind"))
        self.assertEqual(self.successResultOf(session.root).luid, b"root")
        self.closed(session)
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_withoutCredentials(self) -> None:
        """Without credentials there is no avatar, and asking for it is a mistake."""
        session = self.session()
        self.assertRaises(ValueError, lambda: session.avatar)
        self.assertIs(session.state, NEW)

    def test_asyncWith(self) -> None:
        """C{async with} waits until it is up, and closes it."""
        session = self.session(self.portal, credentials=ANN)

        async def use() -> Any:
            async with session as up:
                self.assertIs(up, session)
                self.assertIs(up.state, UP)
                return await up.callRemote("whoAmI")

        used = Deferred.fromCoroutine(use())
        for _ in range(4):
            self.settle()
        self.assertEqual(self.successResultOf(used), b"ann")
        self.closed(session)

    def test_asyncWithFails(self) -> None:
        """If it doesn't come up, C{async with} raises why."""
        self.server.mode = "refuse"

        async def use(session: pb.Session) -> None:
            async with session:
                self.fail("not reached")

        used = Deferred.fromCoroutine(use(self.session()))
        persistent = self.persistent(waitTimeout=3)
        waits = Deferred.fromCoroutine(use(persistent))
        self.settle()
        self.failureResultOf(used, ConnectionRefusedError)
        self.settle(3)
        self.failureResultOf(waits, pb.SessionTimeout)
        self.closed(persistent)

    def test_refused(self) -> None:
        """It fails at once with the reason, and for all who ask later."""
        self.server.mode = "refuse"
        session = self.session()
        ended = session.whenEnded()
        waiting = [session.root, session.callRemote("echo", 1)]
        self.settle()
        for each in [*waiting, session.root, ended, session.whenEnded()]:
            self.failureResultOf(each, ConnectionRefusedError)
        self.assertIs(session.state, ENDED)
        self.assertEqual(self.server.attempts, 1)
        self.closed(session)

    def test_refusedLogin(self) -> None:
        """A wrong password fails with LoginFailed, in all ways in which one waits."""
        session = self.session(self.portal, credentials=WRONG)
        avatar = session.avatar
        self.settle()
        failure = self.failureResultOf(avatar, UnauthorizedLogin)
        self.assertIsInstance(failure.value, LoginFailed)
        self.assertIsInstance(failure.value, pb.RemoteError)
        self.closed(session)

    def test_noPortal(self) -> None:
        """So does a login where there is none, with what the server says."""
        session = self.session(credentials=ANN)
        avatar = session.avatar
        self.settle()
        self.failureResultOf(avatar, pb.NoSuchMethod)
        self.flushLoggedErrors()
        self.closed(session)

    def test_lost(self) -> None:
        """When the connection is lost the session has ended, with that reason."""
        session = self.up(self.session())
        call = session.callRemote("later")
        self.settle()
        self.server.lose()
        self.failureResultOf(call, pb.PBConnectionLost)
        for late in (session.root, session.callRemote("echo", 1), session.whenEnded()):
            self.failureResultOf(late, ConnectionDone)
        self.closed(session)

    def test_timeouts(self) -> None:
        """A server that hangs has connectTimeout seconds; the text says with what."""
        for mode, stage in (("hang", "connection"), ("silent", "handshake")):
            self.server.mode = mode
            session = self.session(connectTimeout=5)
            root = session.root
            self.settle()
            self.settle(4.9)
            self.assertNoResult(root)
            self.settle(0.2)
            failure = self.failureResultOf(root, ConnectionTimeout)
            self.assertIn(f"no {stage} within 5 s", str(failure.value))
            self.closed(session)
        self.assertEqual(self.server.cancelled, 1)

    def test_loginTimeout(self) -> None:
        """So has the login."""
        self.realm.answer = lambda result: Deferred()
        session = self.session(self.portal, credentials=ANN, connectTimeout=5)
        avatar = session.avatar
        self.settle()
        self.assertEqual(self.portal.connected, 1)
        self.settle(5)
        failure = self.failureResultOf(avatar, ConnectionTimeout)
        self.assertIn("no answer to the login within 5 s", str(failure.value))
        self.closed(session)

    def test_waitTimeout(self) -> None:
        """Nobody waits longer than waitTimeout seconds, and the text says for what."""
        self.server.mode = "hang"
        session = self.session(waitTimeout=3)
        root = session.root
        self.settle(3)
        error = self.failureResultOf(root, pb.SessionTimeout).value
        text = "no session with <server in memory> within 3 s; no attempt has ended yet"
        self.assertEqual(str(error), text)
        self.assertIsNone(error.reason)
        self.assertIsInstance(error, TimeoutError)
        self.assertIsInstance(error, DeferredTimeout)
        self.closed(session)

    def test_cancel(self) -> None:
        """Who gives up waiting leaves the others and the session alone."""
        session = self.session()
        given, kept = session.root, session.root
        given.cancel()
        self.failureResultOf(given, CancelledError)
        self.settle()
        self.successResultOf(kept)
        self.closed(session)

    def test_cancelEachOther(self) -> None:
        """Even if one of those who hear first makes another one give up."""
        session = self.session()
        first, second = session.root, session.root
        first.addCallback(lambda root: second.cancel())
        self.settle()
        self.failureResultOf(second, CancelledError)
        self.closed(session)


class AddressTests(SessionCase):
    """
    Several servers.
    """

    def test_inTurn(self) -> None:
        """They are tried in their order; the first that can be used is."""
        refusing, silent, unused = (
            self.network.serve(Desk(), mode) for mode in ("refuse", "silent", "serve")
        )
        session = self.session([refusing, silent, self.server, unused], connectTimeout=5)
        root = session.root
        self.settle()
        self.settle(5)
        self.successResultOf(root)
        tried = [each.attempts for each in (refusing, silent, self.server, unused)]
        self.assertEqual(tried, [1, 1, 1, 0])
        self.assertEqual(silent.connected, 0)
        self.closed(session)

    def test_none(self) -> None:
        """If none can be used, the error says why for each."""
        servers = [self.network.serve(Desk(), mode) for mode in ("refuse", "hang")]
        session = self.session(servers, connectTimeout=5)
        root = session.root
        self.settle()
        self.settle(5)
        error = self.failureResultOf(root, pb.NoServer).value
        self.assertIsInstance(error, ConnectError)
        kinds = [(where, type(failure.value)) for where, failure in error.failures]
        self.assertEqual(
            kinds,
            [("<server in memory>", ConnectionRefusedError), ("<server in memory>", ConnectionTimeout)],
        )
        self.assertIn("<server in memory>: Connection was refused", str(error))
        self.assertIn("no connection within 5 s", str(error))
        self.closed(session)

    def test_refusedLogin(self) -> None:
        """A password that one server refuses isn't shown to the others."""
        other = self.network.serve(portalFor(self.realm))
        session = self.session([self.portal, other], credentials=WRONG)
        avatar = session.avatar
        self.settle()
        self.failureResultOf(avatar, LoginFailed)
        self.assertEqual(other.attempts, 0)
        self.closed(session)

    def test_failover(self) -> None:
        """A persistent session goes to the next server when one is gone."""
        second = self.network.serve(self.desk)
        session = self.up(self.persistent([self.server, second]))
        self.server.mode = "refuse"
        self.server.lose()
        self.settle(1)
        self.assertIs(session.state, UP)
        self.assertEqual((self.server.connected, second.connected), (0, 1))
        self.closed(session)


class PersistentTests(SessionCase):
    """
    Sessions that come back.
    """

    def test_reconnects(self) -> None:
        """After a loss it connects and logs in again, and hands out the new avatar."""
        session = self.up(self.persistent(self.portal, credentials=ANN))
        old = self.successResultOf(session.avatar)
        self.portal.lose()
        self.assertIs(session.state, WAITING)
        waiting = session.avatar
        self.assertNoResult(waiting)
        self.settle(1)
        new = self.successResultOf(waiting)
        self.assertIsNot(new.broker, old.broker)
        call = new.callRemote("whoAmI")
        self.settle()
        self.assertEqual(self.successResultOf(call), b"ann")
        self.assertEqual(self.realm.logouts, [b"ann"])
        del old, new
        self.closed(session)
        self.assertEqual(self.realm.logouts, [b"ann", b"ann"])

    def test_askedWhileLosing(self) -> None:
        """Who asks while the connection is being lost gets the next one."""
        session = self.up(self.persistent())
        again: list[Any] = []
        session.callRemote("later").addErrback(lambda lost: again.append(session.root))
        self.settle()
        self.server.lose()
        self.assertNoResult(again[0])
        self.settle(1)
        self.assertTrue(self.successResultOf(again[0]).broker.connected)
        self.closed(session)

    def test_backoff(self) -> None:
        """It waits longer each time, up to a limit."""
        self.server.mode = "refuse"
        session = self.persistent()
        session.startService()
        self.settle()
        for wait in (1, 2, 4, 8, 8, 8):
            before = self.server.attempts
            self.settle(wait - 0.01)
            self.assertEqual(self.server.attempts, before)
            self.settle(0.02)
            self.assertEqual(self.server.attempts, before + 1)
        self.closed(session)

    def test_flapping(self) -> None:
        """A server that lets us in and drops us is asked less and less; one that had worked is not."""
        session = self.up(self.persistent())
        for wait in (1, 2, 4, 8):
            self.server.lose()
            self.settle(wait - 0.01)
            self.assertIs(session.state, WAITING)
            self.settle(0.02)
            self.assertIs(session.state, UP)
        self.settle(BACKOFF.longest)
        self.server.lose()
        self.settle(1.01)
        self.assertIs(session.state, UP)
        self.closed(session)

    def test_waitTimeout(self) -> None:
        """Nobody waits for ever; the error tells how the latest attempt failed."""
        self.server.mode = "refuse"
        session = self.persistent(waitTimeout=10)
        root = session.root
        self.settle()
        for _ in range(10):
            self.settle(1)
        error = self.failureResultOf(root, pb.SessionTimeout).value
        self.assertIn("within 10 s; the latest attempt failed: Connection was refused", str(error))
        self.assertTrue(error.reason.check(ConnectionRefusedError))
        self.server.mode = "serve"
        later = session.root
        self.settle(8)
        self.successResultOf(later)
        self.closed(session)

    def test_refusedLogin(self) -> None:
        """A refused login ends it, and the log says so."""
        session = self.persistent(self.portal, credentials=WRONG)
        avatar, ended = session.avatar, session.whenEnded()
        with capturedLogs() as events:
            self.settle()
        self.failureResultOf(avatar, LoginFailed)
        self.failureResultOf(ended, LoginFailed)
        self.settle(100)
        self.assertEqual(self.portal.attempts, 1)
        errors = [each for each in events if each["log_namespace"] == "myspread._factories.lifecycle"]
        self.assertEqual([each["log_level"].name for each in errors], ["error"])
        self.assertIn("has ended", errors[0]["log_format"])
        self.assertNotIn("wrong", str(errors))
        self.closed(session)

    def test_retryRefusedLogin(self) -> None:
        """Unless it was told otherwise."""
        session = self.persistent(self.portal, credentials=WRONG, retryRefusedLogin=True)
        session.startService()
        self.settle()
        self.settle(1)
        self.settle(2)
        self.assertEqual(self.portal.attempts, 3)
        self.assertIs(session.state, WAITING)
        self.closed(session)

    def test_log(self) -> None:
        """The log tells why there is no session, and when the next attempt is."""
        self.server.mode = "refuse"
        session = self.persistent()
        with capturedLogs() as events:
            session.startService()
            self.settle()
        told = [each for each in events if each["log_namespace"] == "myspread._factories.lifecycle"]
        self.assertEqual([each["delay"] for each in told], [1])
        self.assertIn("ConnectionRefusedError: ", told[0]["reason"])
        self.closed(session)

    def test_callbacks(self) -> None:
        """Callbacks hear of each up and down; one that fails doesn't keep the others from it."""
        session = self.persistent(self.portal, credentials=ANN)
        heard: list[Any] = []

        def heardUp(avatar: Any) -> None:
            heard.append(("up", avatar.broker))

        def heardDown(reason: Any) -> None:
            heard.append(("down", reason.type))

        for register in (session.notifyOnUp, session.notifyOnDown):
            register(lambda ignored: 1 / 0)
        session.notifyOnUp(heardUp)
        session.notifyOnDown(heardDown)
        self.up(session)
        first = self.portal.pairs[-1].client
        self.portal.lose()
        self.settle(1)
        second = self.portal.pairs[-1].client
        self.assertEqual(heard, [("up", first), ("down", ConnectionDone), ("up", second)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)
        late: list[Any] = []
        session.notifyOnUp(late.append)
        self.assertEqual([each.broker for each in late], [second])
        session.dontNotify(heardUp)
        session.dontNotify(heardDown)
        self.assertRaises(ValueError, session.dontNotify, heardUp)
        del late
        self.closed(session)
        self.assertEqual(len(heard), 3)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_callbackCloses(self) -> None:
        """A callback may close the session, and one who waits, too."""
        for register in ("notifyOnUp", "notifyOnDown", "root"):
            self.setUp()
            session = self.persistent()
            if register == "root":
                session.root.addCallback(lambda root, session=session: session.close() and None)  # type: ignore[misc]
            else:
                getattr(session, register)(lambda ignored, session=session: session.close())
                session.startService()
            self.settle()
            if register == "notifyOnDown":
                self.server.lose()
                self.settle()
            self.assertIs(session.state, ENDED, register)
            self.closed(session)


class LeavingTests(SessionCase):
    """
    A session whose server is being stopped goes elsewhere.
    """

    def drain(self, server: MemoryServer) -> Deferred[int]:
        """Stop a server; it takes no connections any more."""
        server.mode = "refuse"
        server.factory._clock = self.clock
        drained: Deferred[int] = server.factory.drain(10)
        self.settle()
        return drained

    def test_elsewhere(self) -> None:
        """
        A persistent one connects to the next server. A call in progress is
        answered by the first one, which then closes the connection.
        """
        other = self.network.serve(Desk())
        session = self.up(self.persistent([self.server, other]))
        reasons: list[Any] = []
        session.notifyOnDown(reasons.append)
        answer = session.callRemote("later")
        self.settle()
        drained = self.drain(self.server)
        self.assertIs(session.state, WAITING)
        self.assertEqual([reason.type for reason in reasons], [pb.ServerLeaving])
        self.settle(1)
        self.assertIs(session.state, UP)
        self.assertEqual((self.server.connected, other.connected), (1, 1))
        self.desk.answers[0].callback("late")
        self.settle()
        self.assertEqual(self.successResultOf(answer), "late")
        self.settle(0.1)
        self.settle(0.1)
        self.assertEqual(self.successResultOf(drained), 0)
        self.assertEqual((self.server.connected, len(reasons)), (0, 1))
        self.assertIs(session.state, UP)
        self.closed(session)
        self.assertEqual(other.connected, 0)

    def test_closed(self) -> None:
        """Closing the session closes the connection that it has left, too."""
        session = self.up(self.persistent())
        session.callRemote("later").addErrback(lambda reason: reason.trap(pb.PBConnectionLost))
        self.settle()
        drained = self.drain(self.server)
        closing = session.close()
        self.settle(0.1)
        self.successResultOf(closing)
        self.assertEqual(self.server.connected, 0)
        self.settle(0.1)
        self.assertEqual(self.successResultOf(drained), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_whileClosing(self) -> None:
        """One that is being closed anyway doesn't mind."""
        session = self.up(self.persistent())
        session.close()
        self.drain(self.server)
        self.assertIs(session.state, ENDED)
        self.settle(0.1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_once(self) -> None:
        """One that isn't persistent doesn't ask; it ends when its connection does."""
        session = self.up(self.session())
        self.assertIsNone(self.server.pairs[-1].server.leavingObserver)
        self.drain(self.server)
        self.assertIs(session.state, UP)
        for _ in range(8):
            self.settle(0.05)
        self.assertIs(session.state, ENDED)


class CutTests(SessionCase):
    """
    Connections that are lost at any moment.
    """

    def servers(self) -> list[MemoryServer]:
        """One of ours, and one of C{twisted.spread}."""
        stockPortal = self.network.serve(None, factory=stock.PBServerFactory(portalFor(StockRealm())))
        return [self.portal, stockPortal]

    def test_anywhere(self) -> None:
        """
        Wherever in handshake, login and the first call the connection is lost,
        a persistent session comes up later, everybody who waits hears, and
        nothing is left behind.
        """
        for index in (0, 1):
            for chunk in (5, None):
                cut = 0
                while self.cutAfter(index, chunk, cut):
                    cut += 1
                self.assertGreater(cut, 2 if chunk is None else 20)

    def cutAfter(self, index: int, chunk: int | None, cut: int) -> bool:
        """
        Lose the connection after so many deliveries of so many bytes.

        @return: False when everything was done before.
        """
        self.setUp()
        server = self.servers()[index]
        session = self.persistent(server, credentials=ANN)
        kept = session.keep("me", lambda avatar: avatar.callRemote("whoAmI"))
        waiting = [session.avatar, kept.get(), session.idempotent().callRemote("whoAmI")]
        ordinary = session.callRemote("whoAmI")
        self.clock.advance(0)
        for _ in range(cut):
            server.pairs[0].deliver(chunk)
        unfinished = not all(each.called for each in [*waiting, ordinary])
        server.lose()
        self.settle(1)
        self.assertIs(session.state, UP)
        avatar, me, answer = map(self.successResultOf, waiting)
        self.assertEqual((me, answer), (b"ann", b"ann"))
        self.assertTrue(ordinary.called)
        ordinary.addErrback(lambda failure: failure.trap(pb.PBConnectionLost))
        del avatar
        self.closed(session)
        return unfinished

    def test_silence(self) -> None:
        """The same, if the connection stays and nothing moves any more."""
        for cut in range(5):
            self.setUp()
            session = self.persistent(self.portal, credentials=ANN, connectTimeout=5)
            avatar = session.avatar
            self.clock.advance(0)
            pair = self.portal.pairs[0]
            for _ in range(cut):
                pair.deliver()
            if session.state is UP:
                break
            pair.deliver = lambda size=None: False  # type: ignore[method-assign]
            self.settle(5)
            pair.disconnect()
            self.settle(1)
            self.successResultOf(avatar)
            self.closed(session)
        else:
            self.fail("the login is never done")
        self.assertGreater(cut, 2)
        self.closed(session)


class CloseTests(SessionCase):
    """
    Tests for L{pb.Session.close}.
    """

    def test_waiting(self) -> None:
        """Whoever waits hears that the session was closed; so does who asks afterwards."""
        for mode in ("serve", "refuse", "hang", "silent"):
            self.server.mode = mode
            session = self.persistent()
            root, ended = session.root, session.whenEnded()
            closing = session.close()
            self.settle()
            self.successResultOf(closing)
            for each in (root, session.root, session.callRemote("echo", 1)):
                failure = self.failureResultOf(each, pb.SessionClosed)
            self.assertEqual(str(failure.value), "the session with <server in memory> was closed")
            for end in (ended, session.whenEnded()):
                self.assertIsNone(self.successResultOf(end))
            self.closed(session)

    def test_calls(self) -> None:
        """Calls that wait for answers fail."""
        session = self.up(self.persistent())
        call = session.callRemote("later")
        self.settle()
        self.closed(session)
        self.failureResultOf(call, pb.PBConnectionLost)

    def test_twice(self) -> None:
        """It may be closed twice, and before it began."""
        session = self.up(self.session())
        closings = [session.close(), session.close()]
        self.assertNoResult(closings[0])
        self.settle()
        for closing in [*closings, session.close(), self.session().close()]:
            self.assertIsNone(self.successResultOf(closing))

    def test_stuck(self) -> None:
        """A connection that doesn't close by itself is closed after closeTimeout seconds."""
        session = self.up(self.session(closeTimeout=5))
        self.server.pairs[-1].clientTransport.loseConnection = lambda: None  # type: ignore[method-assign]
        closing = session.close()
        self.settle(4.9)
        self.assertNoResult(closing)
        self.assertRaises(pb.SessionClosed, session.startService)
        self.settle(0.2)
        self.assertIsNone(self.successResultOf(closing))
        self.closed(session)

    def test_service(self) -> None:
        """It can be the child of a service, and be started again."""
        parent = MultiService()
        session = self.persistent()
        session.setName("desk")
        session.setServiceParent(parent)
        self.assertIs(IServiceCollection(parent).getServiceNamed("desk"), session)
        for _ in range(2):
            parent.startService()
            root = session.root
            self.settle()
            self.successResultOf(root)
            self.assertTrue(session.running)
            stopping = parent.stopService()
            self.settle()
            self.successResultOf(stopping)
            self.assertFalse(session.running)
        self.assertEqual(self.server.attempts, 2)
        self.closed(session)

    def test_startedTwice(self) -> None:
        """Waiting for it and starting it as a service are one start."""
        session = self.session()
        session.root.addCallback(lambda root: None)
        session.startService()
        self.settle()
        self.assertEqual(self.server.attempts, 1)
        self.closed(session)

    def test_failedIsNotRunning(self) -> None:
        """A session that has failed doesn't run, and can be started again."""
        self.server.mode = "refuse"
        session = self.session()
        session.startService()
        self.settle()
        self.assertFalse(session.running)
        self.server.mode = "serve"
        self.up(session)
        self.closed(session)


class CallTests(SessionCase):
    """
    Calls through a session.
    """

    def test_waits(self) -> None:
        """A call waits until the session is up, in all spellings."""
        session = self.persistent()
        calls = [
            session.callRemote("echo", "a"),
            session.remote.echo("a"),
            session.withTimeout(5).callRemote("echo", "a"),
            session.idempotent().withTimeout(5).remote.echo("a"),
            pb.typed(session, Echoing).echo("a"),
            pb.typed(session.withTimeout(5), Echoing).echo("a"),
        ]
        self.settle()
        for call in calls:
            self.assertEqual(self.successResultOf(call), "a")  # type: ignore[arg-type]
        self.closed(session)

    def test_deadline(self) -> None:
        """A deadline holds for waiting and calling together, and takes the place of the session's."""
        session = self.persistent(callTimeout=2)
        call = session.withTimeout(5).callRemote("later")
        self.clock.advance(3)
        self.settle()
        self.assertEqual(self.desk.calls, 1)
        self.settle(1.9)
        self.assertNoResult(call)
        self.settle(0.2)
        error = self.failureResultOf(call, pb.CallTimeout).value
        self.assertEqual((error.method, error.age, error.peer), ("later", 5, "<server in memory>"))
        self.assertEqual(dict(self.server.pairs[-1].client.waitingForAnswers), {})
        self.server.mode = "hang"
        self.server.lose()
        waits = session.withTimeout(5).callRemote("echo", 1)
        self.settle(5)
        self.failureResultOf(waits, pb.CallTimeout)
        self.closed(session)

    def test_default(self) -> None:
        """A session has a deadline for all calls, those through the avatar too."""
        session = self.up(self.session(callTimeout=2))
        root = self.successResultOf(session.root)
        calls = [session.callRemote("later"), root.callRemote("later")]
        longer = root.withTimeout(3).callRemote("later")
        self.settle(2)
        for call in calls:
            self.failureResultOf(call, pb.CallTimeout)
        self.assertNoResult(longer)
        self.settle(1)
        self.failureResultOf(longer, pb.CallTimeout)
        self.closed(session)

    def test_defaultAfterLogin(self) -> None:
        """The login has a deadline of its own, C{connectTimeout}."""
        waiting: Deferred[Any] = Deferred()
        self.realm.answer = lambda result: waiting.addCallback(lambda ignored: result)
        session = self.session(self.portal, credentials=ANN, callTimeout=2, connectTimeout=10)
        avatar = session.avatar
        self.settle()
        self.settle(5)
        waiting.callback(None)
        self.settle()
        self.assertEqual(self.successResultOf(avatar).broker.callTimeout, 2)
        self.closed(session)

    def test_lost(self) -> None:
        """A call whose connection is lost fails: it may have been run."""
        session = self.up(self.persistent())
        call = session.callRemote("later")
        self.settle()
        self.server.lose()
        self.failureResultOf(call, pb.PBConnectionLost)
        self.settle(1)
        self.assertEqual(self.desk.calls, 1)
        self.closed(session)

    def test_idempotent(self) -> None:
        """One that is marked idempotent is made again, as often as it may."""
        session = self.up(self.persistent())
        call = session.idempotent(retries=2).callRemote("later")
        self.settle()
        for wait in (1, 2):
            self.server.lose()
            self.assertNoResult(call)
            self.settle(wait)
        self.assertEqual(self.desk.calls, 3)
        self.desk.answers[-1].callback("done")
        self.settle()
        self.assertEqual(self.successResultOf(call), "done")
        again = session.idempotent(retries=1).callRemote("later")
        self.settle()
        self.server.lose()
        self.settle(4)
        self.server.lose()
        self.failureResultOf(again, pb.PBConnectionLost)
        self.assertRaises(ValueError, session.idempotent, -1)
        self.closed(session)

    def test_idempotentDeadline(self) -> None:
        """Its deadline is for all attempts together; so is cancelling."""
        session = self.up(self.persistent())
        late = session.idempotent().withTimeout(5).callRemote("later")
        cancelled = session.withTimeout(5).idempotent().callRemote("later")
        self.settle()
        self.server.lose()
        self.settle(1)
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.settle(3.9)
        self.assertNoResult(late)
        self.settle(0.2)
        self.failureResultOf(late, pb.CallTimeout)
        self.assertEqual(self.desk.calls, 4)
        self.assertEqual(dict(self.server.pairs[-1].client.waitingForAnswers), {})
        self.closed(session)

    def test_errorsAreNotLosses(self) -> None:
        """A failure of the method itself is no reason to call it again, whatever its type."""
        session = self.up(self.persistent())
        call = session.idempotent().callRemote("lost")
        self.settle()
        failure = self.failureResultOf(call)
        self.assertIsInstance(failure, pb.CopiedFailure)
        self.settle(10)
        self.assertEqual(self.server.attempts, 1)
        self.flushLoggedErrors()
        self.closed(session)

    def test_withoutAnswer(self) -> None:
        """A session's calls always want an answer."""
        self.assertRaises(TypeError, self.session().callRemote, "echo", 1, pbanswer=False)

    def test_repr(self) -> None:
        """It shows where it calls, and how."""
        session = self.session()
        self.assertEqual(repr(session), "<Session with <server in memory>, new>")
        self.assertEqual(
            repr(session.withTimeout(5).idempotent(2)),
            "<SessionCaller of <server in memory> with timeout 5 and 2 retries>",
        )


class KeptTests(SessionCase):
    """
    Tests for L{pb.Session.keep}.
    """

    def ask(self, root: Any) -> Any:
        """Get the counter."""
        return root.callRemote("counter")

    def test_again(self) -> None:
        """It is got again from each connection; the application hears of each new one."""
        session = self.persistent()
        values: list[Any] = []
        kept = session.keep("counter", self.ask, lambda counter: values.append(counter.value))
        self.assertIsNone(kept.current)
        self.up(session)
        first = kept.current
        self.assertEqual(self.successResultOf(kept.get()), first)
        self.server.lose()
        self.assertIsNone(kept.current)
        self.assertEqual(self.desk.counter.observers, 0)
        waiting = kept.get()
        self.settle(1)
        self.assertIsNot(kept.current, first)
        self.assertEqual(self.successResultOf(waiting), kept.current)
        self.assertEqual(values, [1, 1])
        self.assertEqual(self.desk.counter.observers, 1)
        self.closed(session)
        self.assertEqual(self.desk.counter.observers, 0)

    def test_afterUp(self) -> None:
        """One may begin to keep something when the session is up, and stop it; coroutines will do."""
        session = self.up(self.persistent())

        async def ask(root: Any) -> Any:
            return await root.callRemote("echo", 5)

        kept = session.keep("five", ask)
        self.settle()
        self.assertEqual(kept.current, 5)
        session.forget(kept)
        self.assertRaises(ValueError, session.forget, kept)
        self.server.lose()
        self.settle(1)
        self.assertEqual(kept.current, 5)
        self.closed(session)

    def test_getStarts(self) -> None:
        """Waiting for it starts the session."""
        session = self.session()
        waiting = session.keep("counter", self.ask).get()
        self.settle()
        self.successResultOf(waiting)
        self.closed(session)

    def test_fails(self) -> None:
        """If it can't be got, the log says so, and who waits hears why; who asks later tries again."""
        session = self.session()
        asked: list[Any] = []

        def ask(root: Any) -> Any:
            asked.append(root)
            return root.callRemote("echo" if len(asked) > 2 else "nothing", 5)

        kept = session.keep("five", ask)
        first = kept.get()
        self.settle()
        self.failureResultOf(first).trap("twisted.spread.flavors.NoSuchMethod")
        second, third = kept.get(), kept.get()
        self.settle()
        for each in (second, third):
            self.failureResultOf(each)
        fourth = kept.get()
        self.settle()
        self.assertEqual(self.successResultOf(fourth), 5)
        self.assertEqual(len(asked), 3)
        self.assertTrue(self.flushLoggedErrors())
        self.closed(session)

    def test_neverCame(self) -> None:
        """Nobody waits for it for ever: not if it never comes, and not if the session ends."""
        session = self.persistent(waitTimeout=5)
        kept = session.keep("later", lambda root: root.callRemote("later"))
        early = kept.get()
        self.settle()
        self.settle(5)
        self.failureResultOf(early, pb.SessionTimeout)
        waiting = kept.get()
        self.settle()
        self.closed(session)
        self.failureResultOf(waiting, pb.SessionClosed)
        self.failureResultOf(kept.get(), pb.SessionClosed)

    def test_lostWhileAsking(self) -> None:
        """A connection that is lost while it is being got leaves those who wait to the next one."""
        session = self.up(self.persistent())
        kept = session.keep("later", lambda root: root.callRemote("later"))
        waiting = kept.get()
        self.settle()
        self.server.lose()
        self.assertNoResult(waiting)
        self.settle(1)
        self.desk.answers[-1].callback("at last")
        self.settle()
        self.assertEqual(self.successResultOf(waiting), "at last")
        self.assertEqual(self.desk.calls, 2)
        self.closed(session)

    def test_notCallable(self) -> None:
        """What can't be called is refused at once, and isn't kept."""
        session = self.up(self.persistent())
        keep: Any = session.keep
        for given in ((pb.Referenceable(),), (self.ask, pb.Referenceable())):
            error = self.assertRaises(TypeError, keep, "listen", *given)
            self.assertIn("'listen'", str(error))
            self.assertIn("Referenceable", str(error))
        self.server.lose()
        self.settle(1)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.closed(session)

    def test_callbackFails(self) -> None:
        """A callback that fails is logged, and nobody else hears of it."""
        session = self.session()
        kept = session.keep("counter", self.ask, lambda counter: 1 / 0)
        waiting = kept.get()
        self.settle()
        self.successResultOf(waiting)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.closed(session)


class SettingTests(SessionCase):
    """
    What a session is given.
    """

    def test_brokers(self) -> None:
        """Policy, limits and tracebacks are those of its brokers."""
        policy, limits = pb.SecurityPolicy(), pb.Limits(references=7)
        session = self.up(self.session(security=policy, limits=limits, unsafeTracebacks=True))
        broker = self.server.pairs[-1].client
        self.assertIs(broker.security, policy)
        self.assertIs(broker.limits, limits)
        self.assertTrue(broker.factory.unsafeTracebacks)
        self.closed(session)

    def test_wrongTimes(self) -> None:
        """Times are positive."""
        for name in ("callTimeout", "connectTimeout", "waitTimeout", "closeTimeout"):
            self.assertRaises(ValueError, self.session, **{name: 0})

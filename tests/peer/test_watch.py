"""
Tests for L{myspread._peer.events}, L{myspread._peer.watch} and L{myspread._peer.watchedcalls}.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._peer.events import EVENTS, limitIn
from myspread.limits import BeforeLogin
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import ANN, RecordingRealm, portalFor

COMMON = {"event", "leftOut", "message", "time", "system", "format", "isError", "failure", "why"}
"""Fields of any event, those that the old interface to the log adds included."""


class Desk(pb.Root):
    """Takes its time."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waiting: list[Deferred[Any]] = []
        self.client: Any = None

    def remote_take(self, seconds: float) -> str:
        """So many seconds."""
        self.clock.advance(seconds)
        return "done"

    def remote_later(self) -> Deferred[Any]:
        """Answer later."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def remote_fail(self, seconds: float) -> None:
        """Fail."""
        self.clock.advance(seconds)
        raise ZeroDivisionError

    def remote_lend(self, count: int) -> Any:
        """So many objects."""
        return [pb.Referenceable() for _ in range(count)]


class WatchCase(SynchronousTestCase):
    """
    A server that is watched, in memory.
    """

    def serve(
        self, root: Any = None, slowCall: float | None = None, security: Any = None, **limits: Any
    ) -> None:
        """Make its factory."""
        self.clock = Clock()
        self.desk = Desk(self.clock)
        # Methods take their time on this clock.
        bounds = pb.Limits(turnTime=1e6, **limits)
        self.factory = pb.PBServerFactory(
            root or self.desk, security=security, limits=bounds, clock=self.clock
        )
        self.factory.watch = self.watch = self.makeWatch(slowCall)

    def makeWatch(self, slowCall: float | None) -> Any:
        """What watches."""
        return pb.Watch(slowCall)

    def connect(self) -> BrokerPair:
        """A connection."""
        return brokerPair(serverFactory=self.factory, clock=self.clock)

    def told(self, logs: list[Any], name: str) -> list[dict[str, Any]]:
        """The events of a name, with their own fields. They have those that the table says."""
        found = [entry for entry in logs if entry.get("event") == name]
        wanted = {field for field, _ in EVENTS[name].fields}
        for entry in found:
            self.assertEqual(entry["log_level"], EVENTS[name].level)
            own = {field for field in entry if not field.startswith("log_")} - COMMON
            self.assertEqual(own, wanted - {"log_failure"})
            self.assertNotIn("Unable to format", str(formatEvent(entry)))
        return [{field: entry.get(field) for field in wanted} for entry in found]


class EventTests(WatchCase):
    """
    What happens is told.
    """

    def test_life(self) -> None:
        """A connection comes and goes."""
        self.serve()
        with capturedLogs() as logs:
            pair = self.connect()
            self.clock.advance(5)
            other = self.connect()
            pair.disconnect()
            other.disconnect()
        peer = str(pair.serverTransport.getPeer())
        self.assertEqual(
            self.told(logs, "connect"), [{"connection": 1, "peer": peer}, {"connection": 2, "peer": peer}]
        )
        first, second = self.told(logs, "disconnect")
        self.assertEqual((first["connection"], first["seconds"], second["seconds"]), (1, 5.0, 0.0))
        self.assertEqual(first["reason"], "Connection was closed cleanly.")

    def test_login(self) -> None:
        """Who has logged in, and how."""
        self.serve(portalFor(RecordingRealm()))
        pair = self.connect()
        with capturedLogs() as logs:
            pair.result(pair.clientFactory.login(ANN))
        [event] = self.told(logs, "login")
        self.assertEqual((event["avatar"], event["mechanism"], event["connection"]), ("ann", "md5", 1))

    def test_loginRefused(self) -> None:
        """A login that is refused."""
        self.serve(portalFor(RecordingRealm()))
        pair = self.connect()
        wrong = UsernamePassword(b"ann", b"wrong")
        with capturedLogs() as logs:
            self.assertRaises(pb.RemoteError, pair.result, pair.clientFactory.login(wrong))
        [event] = self.told(logs, "login-refused")
        self.assertNotIn("wrong", str(event))
        self.assertEqual(self.told(logs, "login"), [])
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_refused(self) -> None:
        """A connection that is refused; the limit is named. It is told without a watch, too."""
        self.serve(connections=1)
        for watch in (self.watch, None):
            self.factory.watch = watch
            pair = self.connect()
            with capturedLogs() as logs:
                self.factory.buildProtocol(None)
            [event] = self.told(logs, "refused")
            self.assertEqual(event["limit"], "connections")
            pair.disconnect()

    def test_closed(self) -> None:
        """A connection that is closed because of a limit; also without a watch."""
        self.serve(messageLength=2000)
        for watch in (self.watch, None):
            self.factory.watch = watch
            pair = self.connect()
            with capturedLogs() as logs:
                pair.client.transport.write(b"\x01\x80" + b"\x7f\x7f\x82")
                pair.flush()
            [event] = self.told(logs, "closed")
            self.assertEqual(event["limit"], "messageLength")

    def test_limit(self) -> None:
        """A call that is refused because of a limit: also where calls aren't timed."""
        for slowCall in (9, None):
            self.checkLimit(slowCall)

    def checkLimit(self, slowCall: float | None) -> None:
        """It is told once."""
        self.serve(slowCall=slowCall, calls=1)
        pair = self.connect()
        pair.root.callRemote("later").addErrback(lambda reason: None)
        with capturedLogs() as logs:
            self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("take", 0))
        [event] = self.told(logs, "limit")
        self.assertEqual((event["limit"], event["connection"]), ("calls", 1))
        self.flushLoggedErrors(pb.LimitExceeded)

    def test_stockLimit(self) -> None:
        """A limit that C{twisted.spread} has, whose text is that of C{twisted.spread}."""
        self.serve(slowCall=9, references=3)
        pair = self.connect()
        with capturedLogs() as logs:
            self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("lend", 5))
        [event] = self.told(logs, "limit")
        self.assertEqual(event["limit"], "references")

    def test_slowAfterTheEnd(self) -> None:
        """A call that ends when its peer has left isn't told to be answered; its connection had a number."""
        self.serve(slowCall=1)
        for result, outcome in ((None, "over"), (Failure(ZeroDivisionError()), "failed")):
            pair = self.connect()
            pair.root.callRemote("later").addErrback(lambda reason: None)
            pair.flush()
            pair.disconnect()
            self.clock.advance(2)
            with capturedLogs() as logs:
                self.desk.waiting.pop().callback(result)
            [event] = self.told(logs, "slow-call")
            self.assertEqual(event["outcome"], f"{outcome}, after its caller had left")
            self.assertEqual(event["connection"], 1 if result is None else 2)
            self.flushLoggedErrors(ZeroDivisionError)

    def test_budget(self) -> None:
        """Many connections don't fill the log, and displace no warning."""
        self.serve(logEntriesTogether=5, connections=50)
        with capturedLogs() as logs:
            pairs = [self.connect() for _ in range(50)]
            self.factory.buildProtocol(None)
        self.assertEqual(len(self.told(logs, "connect")), 5)
        self.assertEqual(len(self.told(logs, "refused")), 1)
        del pairs

    def test_hostileName(self) -> None:
        """A name breaks no line of the log."""
        self.serve()
        pair = self.connect()
        pair.server.avatarId, pair.server.mechanism = "eve\n2026 all is well", "md5"
        with capturedLogs() as logs:
            self.watch.loggedIn(pair.server)
        [entry] = [entry for entry in logs if entry.get("event") == "login"]
        self.assertNotIn("\n", str(formatEvent(entry)))


class SlowCallTests(WatchCase):
    """
    Calls that take long.
    """

    def slow(self, logs: list[Any]) -> list[tuple[Any, ...]]:
        """What is told of them."""
        events = self.told(logs, "slow-call")
        return [(event["method"], event["seconds"], event["outcome"]) for event in events]

    def test_synchronous(self) -> None:
        """A method that blocks; a fast one is not told of."""
        self.serve(slowCall=2)
        pair = self.connect()
        with capturedLogs() as logs:
            for seconds in (1, 2, 3):
                pair.result(pair.root.callRemote("take", seconds))
        self.assertEqual(self.slow(logs), [("take", 2.0, "answered"), ("take", 3.0, "answered")])

    def test_deferred(self) -> None:
        """A method whose Deferred fires late."""
        self.serve(slowCall=2)
        pair = self.connect()
        answers = [pair.root.callRemote("later") for _ in range(2)]
        pair.flush()
        with capturedLogs() as logs:
            self.clock.advance(1)
            self.desk.waiting[0].callback(1)
            self.clock.advance(3)
            self.desk.waiting[1].callback(2)
            pair.flush()
        self.assertEqual([self.successResultOf(answer) for answer in answers], [1, 2])
        self.assertEqual(self.slow(logs), [("later", 4.0, "answered")])

    def test_failed(self) -> None:
        """One that fails; nothing of it sticks to the next one."""
        self.serve(slowCall=2)
        pair = self.connect()
        with capturedLogs() as logs:
            self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("fail", 3))
            pair.result(pair.root.callRemote("take", 4))
        self.assertEqual(self.slow(logs), [("fail", 3.0, "failed"), ("take", 4.0, "answered")])
        self.flushLoggedErrors(ZeroDivisionError)

    def test_incident(self) -> None:
        """What the caller gets in place of an error is in both entries: the error's, and this."""
        self.serve(slowCall=2, security=pb.SecurityPolicy(errors="incident"))
        pair = self.connect()
        with capturedLogs() as logs:
            error = self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("fail", 3))
            later = pair.root.callRemote("later")
            pair.flush()
            self.clock.advance(5)
            self.desk.waiting[0].errback(ZeroDivisionError())
            pair.flush()
        ids = [event["incident"] for event in self.told(logs, "slow-call")]
        self.assertEqual(ids[0], error.incident)
        self.assertIn(ids[1], self.failureResultOf(later).getErrorMessage())
        self.assertEqual([event["incident"] for event in self.told(logs, "incident")], ids)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_within(self) -> None:
        """A call that is run within another, on the same connection, is timed by itself."""
        self.serve(slowCall=2)
        pair = self.connect()

        class Nesting(pb.Referenceable):
            def remote_nest(inner) -> str:
                data, pair.clientTransport.written = pair.clientTransport.written, bytearray()
                pair.client.remoteForName("root").callRemote("take", 3)
                sent = pair.clientTransport.take(None)
                [expression] = pair.server._decoder.__class__(pair.server.limits, pair.server._dialect).feed(
                    sent
                )
                pair.clientTransport.written = data
                pair.server.expressionReceived(expression)
                self.clock.advance(1)
                return "nested"

        pair.server.setNameForLocal("nesting", Nesting())
        with capturedLogs() as logs:
            answer = pair.client.remoteForName("nesting").callRemote("nest")
            self.assertEqual(pair.result(answer), "nested")
        self.assertEqual(self.slow(logs), [("take", 3.0, "answered"), ("nest", 4.0, "answered")])

    def test_untimed(self) -> None:
        """Where nobody asks, no call is timed."""
        self.serve()
        pair = self.connect()
        self.assertEqual(type(pair.server._peer.incoming).__name__, "IncomingCalls")


class LimitInTests(SynchronousTestCase):
    """
    L{limitIn}.
    """

    def test_names(self) -> None:
        """The field that is named, if there is such a field."""
        for text, name in (
            ("there are 5 already (Limits.connections)", "connections"),
            ("(Limits.unreadAnswers, Limits.unreadTime)", "unreadAnswers"),
            ("Limits.beforeLogin.references: respond", "beforeLogin.references"),
            ("Limits.calls = 5", "calls"),
            ("for 'ann', Budget.callsPerSecond = 5: wait", "Budget.callsPerSecond"),
            ("Budget.nothing", None),
            ("Maximum PB cache count exceeded.", "caches"),
            ("Maximum PB reference count exceeded.  Goodbye.", "references"),
            ("Limits.nothing", None),
            ("nothing", None),
        ):
            self.assertEqual(limitIn(text), name, text)

    def test_fields(self) -> None:
        """Those of L{BeforeLogin} are known."""
        self.assertEqual(limitIn("Limits.beforeLogin.calls"), "beforeLogin.calls")
        self.assertTrue(hasattr(BeforeLogin, "calls"))

"""
Tests for L{myspread._net.broker}: the connection and who hears of it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._codec import PB, encode
from myspread._errors import BananaError
from myspread.limits import Limits
from myspread.testing import brokerPair
from tests.peer.wire import CALL, Wire, call


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any = None) -> Any:
        """Return C{value}."""
        return value


def fail() -> None:
    """A notifier that fails."""
    raise ZeroDivisionError("a notifier")


class StartTests(TestCase):
    """
    How a connection begins.
    """

    def test_greeting(self) -> None:
        """A server offers its dialects first; each side sends its version once the dialect is known."""
        server = Wire(greet=False)
        self.assertEqual(server.received(), [[b"pb", b"none"]])
        self.assertEqual(server.exchange(b"pb"), [[b"version", 6]])
        client = Wire(broker=pb.Broker(), greet=False)
        self.assertEqual(client.received(), [])
        self.assertEqual(client.exchange([b"pb", b"none"]), [b"pb", [b"version", 6]])

    def test_noDelay(self) -> None:
        """Nagle's algorithm is turned off, on transports that have it."""
        asked: list[bool] = []

        class Tcp(StringTransport):
            def setTcpNoDelay(self, enabled: bool) -> None:
                asked.append(enabled)

        pb.Broker().makeConnection(Tcp())
        self.assertEqual(asked, [True])
        pb.Broker().makeConnection(StringTransport())

    def test_arguments(self) -> None:
        """Policy and limits are those given, else the defaults."""
        policy, limits = pb.SecurityPolicy(), Limits(references=5)
        broker = pb.Broker(0, policy, limits=limits)
        self.assertIs(broker.security, policy)
        self.assertIs(broker.limits, limits)
        self.assertEqual(broker.isClient, 0)
        self.assertIs(pb.Broker().security, pb.globalSecurity)
        self.assertEqual(pb.Broker().isClient, 1)
        broker.security = pb.globalSecurity
        self.assertIs(broker.security, pb.globalSecurity)

    def test_ids(self) -> None:
        """New ids for objects and for calls."""
        broker = pb.Broker()
        self.assertEqual([broker.newLocalID(), broker.newLocalID(), broker.currentLocalID], [1, 2, 2])
        self.assertEqual([broker.newRequestID(), broker.newRequestID(), broker.currentRequestID], [1, 2, 2])


class NotifierTests(TestCase):
    """
    Tests for C{notifyOnConnect}, C{notifyOnFail} and C{notifyOnDisconnect}.
    """

    def setUp(self) -> None:
        """A broker that hasn't begun."""
        self.events: list[str] = []
        self.broker = pb.Broker(False)

    def note(self, event: str) -> Any:
        """A notifier that records C{event}."""
        return lambda: self.events.append(event)

    def test_connect(self) -> None:
        """Called once the handshake is done, in order; those that come later at once."""
        self.broker.notifyOnConnect(self.note("one"))
        self.broker.notifyOnConnect(self.note("two"))
        self.broker.notifyOnFail(self.note("failed"))
        wire = Wire(broker=self.broker, greet=False)
        self.assertEqual(self.events, [])
        wire.send(b"pb")
        self.assertEqual(self.events, ["one", "two"])
        self.broker.notifyOnConnect(self.note("late"))
        wire.lose()
        self.assertEqual(self.events, ["one", "two", "late"])

    def test_fail(self) -> None:
        """Called when the connection is lost before the handshake is done; connect isn't then."""
        self.broker.notifyOnConnect(self.note("connected"))
        self.broker.notifyOnFail(self.note("failed"))
        self.broker.notifyOnDisconnect(self.note("lost"))
        Wire(broker=self.broker, greet=False).lose()
        self.assertEqual(self.events, ["failed", "lost"])
        self.broker.notifyOnFail(self.note("late"))
        self.broker.notifyOnConnect(self.note("never"))
        self.assertEqual(self.events, ["failed", "lost"])

    def test_disconnect(self) -> None:
        """Called once, when the connection is lost; those that come later at once."""
        taken = self.note("taken back")
        self.broker.notifyOnDisconnect(taken)
        self.broker.notifyOnDisconnect(self.note("lost"))
        self.broker.dontNotifyOnDisconnect(taken)
        self.broker.dontNotifyOnDisconnect(taken)
        wire = Wire(broker=self.broker)
        wire.lose()
        self.assertEqual(self.events, ["lost"])
        self.broker.notifyOnDisconnect(self.note("late"))
        self.broker.dontNotifyOnDisconnect(taken)
        self.assertEqual(self.events, ["lost", "late"])

    def test_failing(self) -> None:
        """A notifier that fails is logged, and keeps nobody else from hearing."""
        for notify in (self.broker.notifyOnConnect, self.broker.notifyOnDisconnect):
            notify(fail)
            notify(self.note("told"))
        Wire(broker=self.broker).lose()
        self.assertEqual(self.events, ["told", "told"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_takenBackMeanwhile(self) -> None:
        """A notifier may take back another, or add one; each is still called at most once."""
        later = self.note("later")

        def meddle() -> None:
            self.broker.dontNotifyOnDisconnect(later)
            self.broker.notifyOnDisconnect(self.note("added"))

        self.broker.notifyOnDisconnect(meddle)
        self.broker.notifyOnDisconnect(later)
        Wire(broker=self.broker).lose()
        self.assertEqual(sorted(self.events), ["added", "later"])

    def test_notCallable(self) -> None:
        """What can't be called is refused at once."""
        for notify in (
            self.broker.notifyOnConnect,
            self.broker.notifyOnFail,
            self.broker.notifyOnDisconnect,
        ):
            self.assertRaises(AssertionError, notify, 5)


class LostTests(TestCase):
    """
    The end of a connection.
    """

    def test_order(self) -> None:
        """First the calls fail, then observing ends, then the notifiers are called, then the factory."""
        events: list[str] = []

        class Observed(pb.Cacheable):
            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                events.append("stoppedObserving")

        class Factory(pb.PBClientFactory):
            def brokerLost(self, broker: Any, reason: Any) -> None:
                events.append("factory")

        pair = brokerPair(Echo(), clientFactory=Factory())
        pair.client.notifyOnDisconnect(lambda: events.append("notifier"))
        pair.root.callRemote("echo", Observed()).addErrback(lambda failure: events.append("call"))
        pair.disconnect()
        self.assertEqual(events, ["call", "stoppedObserving", "notifier", "factory"])

    def test_pendingCalls(self) -> None:
        """Every call that waits fails with PBConnectionLost, which says why."""
        wire = Wire(broker=pb.Broker(True))
        calls = [wire.broker.remoteForName("root").callRemote("x") for _ in range(3)]
        why = Failure(ConnectionLost("the cable"))
        wire.lose(why)
        for each in calls:
            failure = self.failureResultOf(each, pb.PBConnectionLost)
            self.assertIs(failure.value.args[0], why)

    def test_callFromErrback(self) -> None:
        """A call that is made because one failed raises DeadReferenceError; nothing waits for ever."""
        wire = Wire(broker=pb.Broker(True))
        root = wire.broker.remoteForName("root")
        again = root.callRemote("x").addErrback(lambda failure: root.callRemote("x"))
        wire.lose()
        self.failureResultOf(again, pb.DeadReferenceError)

    def test_tables(self) -> None:
        """Afterwards the tables are gone, and C{disconnected} is set."""
        wire = Wire(Echo())
        names = (
            "localObjects",
            "luids",
            "remotelyCachedObjects",
            "remotelyCachedLUIDs",
            "locallyCachedObjects",
            "waitingForAnswers",
        )
        for name in names:
            self.assertIsInstance(getattr(wire.broker, name), dict)
        self.assertFalse(wire.broker.disconnected)
        wire.lose()
        for name in names:
            self.assertIsNone(getattr(wire.broker, name))
        self.assertTrue(wire.broker.disconnected)

    def test_reference(self) -> None:
        """References tell who asked, and calling one raises at once; forgetting one sends nothing."""
        pair = brokerPair(Echo())
        echoed = pair.result(pair.root.callRemote("echo", pb.Referenceable()))
        self.assertIsInstance(echoed, pb.Referenceable)
        root, told = pair.root, []
        root.notifyOnDisconnect(told.append)
        pair.disconnect()
        self.assertEqual(told, [root])
        self.assertRaises(pb.DeadReferenceError, root.callRemote, "echo")

    def test_givenBackLate(self) -> None:
        """A reference that is forgotten after the connection was lost sends nothing."""
        kept: list[Any] = []

        class Keeping(pb.Root):
            def remote_keep(self, reference: Any) -> None:
                kept.append(reference)

        wire = Wire(Keeping())
        wire.exchange(call(1, b"keep", [b"remote", 5]))
        wire.lose()
        kept.clear()
        self.assertEqual(wire.received(), [])

    def test_withoutReason(self) -> None:
        """A broker may be told of the loss without a reason."""
        broker = pb.Broker()
        broker.makeConnection(StringTransport())
        pending = broker.remoteForName("root").callRemote("x")
        broker.connectionLost()
        self.failureResultOf(pending, pb.PBConnectionLost)


class BrokenTests(TestCase):
    """
    Streams that can't be read.
    """

    def test_closes(self) -> None:
        """What isn't Banana closes the connection; the log says to whom, and why; calls then fail."""
        for data, text in (
            (b"\x05\xff", "0xff"),
            (b"\x7f\x87", "127"),
            (b"\x01" * 65, "prefixLength"),
            (b"\x7f\x7f\x7f\x82", "stringLength"),
            (b"\x7f\x7f\x7f\x80", "listLength"),
            (b"\x01\x80" * 1100, "nestingDepth"),
        ):
            with self.subTest(text), capturedLogs() as events:
                wire = Wire(broker=pb.Broker(True))
                pending = wire.broker.remoteForName("root").callRemote("x")
                wire.broker.dataReceived(data)
                self.assertTrue(wire.closing)
                closing = events[-1]["log_format"].format(**events[-1])
                self.assertIn("Closing the connection to IPv4Address", closing)
                self.assertIn(text, closing)
                wire.broker.dataReceived(b"\x01\x80\x01\x81")
                self.assertEqual(events[-1]["log_format"].format(**events[-1]), closing)
                wire.lose()
                self.failureResultOf(pending, pb.PBConnectionLost)

    def test_whatCameBefore(self) -> None:
        """Messages before the broken place are handled."""
        wire = Wire(Echo())
        wire.broker.dataReceived(encode(CALL, PB) + b"\xff" + encode(CALL, PB))
        self.assertEqual(wire.received(), [[b"answer", 1, 5]])

    def test_limitsOfTheBroker(self) -> None:
        """The limits that count are the broker's own."""
        wire = Wire(Echo(), limits=Limits(stringLength=10))
        wire.send(call(1, b"echo", b"x" * 11))
        self.assertTrue(wire.closing)


class SendingTests(TestCase):
    """
    Tests for L{pb.Broker.sendCall}.
    """

    def test_message(self) -> None:
        """A message of a program's own is sent as it is."""
        wire = Wire()
        wire.broker.sendCall(b"hello", 1, [b"x", 0.5])
        self.assertEqual(wire.received(), [[b"hello", 1, [b"x", 0.5]]])

    def test_cannotBeEncoded(self) -> None:
        """One that can't be encoded raises, and nothing is sent."""
        wire = Wire()
        self.assertRaises(BananaError, wire.broker.sendCall, b"hello", "text")
        self.assertEqual(wire.received(), [])

    def test_noFactory(self) -> None:
        """A broker needs no factory."""
        wire = Wire(Echo())
        self.assertIsNone(wire.broker.factory)
        self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_factoryWithoutBrokerLost(self) -> None:
        """A factory of the program's own needs no more than C{clientConnectionMade}."""
        made: list[Any] = []

        class Factory:
            unsafeTracebacks = 0
            clientConnectionMade = staticmethod(made.append)

        broker = pb.Broker(True)
        broker.factory = Factory()
        Wire(broker=broker).lose()
        self.assertEqual(made, [broker])


class ReentrantTests(TestCase):
    """
    Transports that deliver while a message is handled.
    """

    def test_order(self) -> None:
        """Each message is handled after the one before it, and answered in order."""
        order: list[Any] = []

        class Nested(pb.Root):
            def remote_note(self, value: Any) -> Any:
                order.append(("begin", value))
                if value == 1:
                    wire.send(call(3, b"note", 3))
                order.append(("end", value))
                return value

        wire = Wire(Nested())
        answers = wire.exchange(call(1, b"note", 1), call(2, b"note", 2))
        self.assertEqual([each[2] for each in answers], [1, 2, 3])
        self.assertEqual(order, [(step, value) for value in (1, 2, 3) for step in ("begin", "end")])

    def test_lostMeanwhile(self) -> None:
        """If a method loses the connection, what came with it is answered no more."""

        class Leaving(pb.Root):
            def remote_leave(self) -> None:
                wire.broker.connectionLost(Failure(ConnectionDone()))

        wire = Wire(Leaving())
        self.assertEqual(wire.exchange(call(1, b"leave"), call(2, b"leave"), [b"hello"]), [])


class TableTests(TestCase):
    """
    What programs ask a broker for.
    """

    def test_objects(self) -> None:
        """What is lent and cached is found under its id, until it is taken back."""
        broker, lent, cached = Wire().broker, pb.Referenceable(), pb.Cacheable()
        luid = broker.registerReference(lent)
        self.assertEqual(broker.registerReference(lent), luid)
        self.assertIs(broker.localObjectForID(luid), lent)
        broker.unregisterReference(luid)
        self.assertIsNone(broker.localObjectForID(luid))
        cid = broker.cacheRemotely(cached)
        self.assertEqual(broker.cachedRemotelyAs(cached), cid)
        self.assertIs(broker.remotelyCachedForLUID(cid), cached)
        broker.cacheLocally(7, "taken")
        self.assertEqual(broker.cachedLocallyAs(7), "taken")
        self.assertEqual(broker.maxBrokerRefsViolations, 0)

    def test_didNotUnderstand(self) -> None:
        """What the peer didn't understand is in the log."""
        with capturedLogs() as events:
            self.assertEqual(Wire().exchange([b"didNotUnderstand", b"hello"]), [])
        self.assertEqual(events[-1]["command"], b"hello")


class AddressTests(TestCase):
    """
    What error texts call a peer.
    """

    def test_peer(self) -> None:
        """The transport of a broker, and its peer's address, are the program's to ask for."""
        pair = brokerPair(Echo())
        self.assertIsInstance(pair.root.broker.transport.getPeer(), IPv4Address)

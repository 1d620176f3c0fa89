"""
Tests for L{myspread._factories.draining} and L{myspread._net.leaving}.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._factories.admission import Refused
from myspread._net.leaving import LEAVING
from myspread.testing import BrokerPair, brokerPair
from tests.factories.sockets import SocketCase, reactor
from tests.login.realms import ANN, RecordingRealm, portalFor


class Slow(pb.Root):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []
        self.ran: list[Any] = []

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        self.ran.append(value)
        return value

    def remote_later(self) -> Deferred[Any]:
        """Answer later."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def remote_keep(self, reference: Any) -> None:
        """Keep a reference."""
        self.kept = reference

    def remote_large(self, size: int) -> bytes:
        """So many bytes."""
        return b"x" * size


class DrainCase(SynchronousTestCase):
    """
    A server in memory that is drained.
    """

    def setUp(self) -> None:
        """One connection."""
        self.clock = Clock()
        self.root = Slow()
        self.factory = pb.PBServerFactory(self.root, clock=self.clock)
        self.pair = self.connect()
        self.ends: list[int] = []

    def connect(self, clientFactory: Any = None) -> BrokerPair:
        """A connection."""
        return brokerPair(serverFactory=self.factory, clientFactory=clientFactory, clock=self.clock)

    def drain(self, seconds: float) -> None:
        """Begin."""
        self.factory.drain(seconds).addCallback(self.ends.append)

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything be delivered."""
        for _ in range(round(seconds / 0.05)):
            self.clock.advance(0.05)
            self.pair.flush()


class DrainTests(DrainCase):
    """
    Each connection is closed when it may be.
    """

    def test_nobody(self) -> None:
        """Without connections, there is nothing to wait for."""
        self.pair.disconnect()
        self.drain(10)
        self.assertEqual(self.ends, [0])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle(self) -> None:
        """A connection without calls is closed after a moment."""
        self.advance(100)
        self.drain(10)
        self.advance(0.2)
        self.assertTrue(self.pair.connected, "what is under way has time to arrive")
        self.advance(0.2)
        self.assertFalse(self.pair.connected)
        self.assertEqual(self.ends, [0])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_inProgress(self) -> None:
        """A call may go on, and its answer arrives before the connection is closed."""
        answer = self.pair.root.callRemote("later")
        self.pair.flush()
        self.drain(10)
        self.advance(8)
        self.assertTrue(self.pair.connected)
        self.root.waiting[0].callback("done")
        self.advance(0.2)
        self.assertEqual(self.successResultOf(answer), "done")
        self.assertFalse(self.pair.connected)
        self.assertEqual(self.ends, [0])

    def test_meanwhile(self) -> None:
        """A call that is made meanwhile is run, and answered."""
        self.drain(10)
        self.advance(0.1)
        self.assertEqual(self.pair.result(self.pair.root.callRemote("echo", 1)), 1)
        self.advance(0.2)
        self.assertTrue(self.pair.connected, "the peer has just been heard")
        self.advance(0.2)
        self.assertFalse(self.pair.connected)

    def test_neverSilent(self) -> None:
        """
        A peer that always calls again isn't waited for longer than half of the
        time; each call that is run is answered.
        """
        self.drain(4)
        answers: list[Any] = []
        while self.pair.connected and self.clock.seconds() < 10:
            answer = self.pair.root.callRemote("echo", len(answers))
            answer.addCallbacks(answers.append, lambda failure: failure.trap(pb.PBConnectionLost))
            self.advance(0.1)
        self.assertEqual(answers, self.root.ran)
        self.assertGreater(len(answers), 15)
        self.assertLess(abs(self.clock.seconds() - 2), 0.2)
        self.advance(0.1)
        self.assertEqual(self.ends, [0])

    def test_refusedCalls(self) -> None:
        """
        After half of the time calls are refused, in a way that a program can
        recognise; one that is in progress goes on.
        """
        first = self.pair.root.callRemote("later")
        self.pair.flush()
        self.drain(4)
        self.advance(2.1)
        refused = self.pair.root.callRemote("echo", 1)
        self.pair.flush()
        failure = self.failureResultOf(refused, "myspread.pb.ServerLeaving")
        self.assertEqual(failure.getErrorMessage(), "the server is being stopped: this call has not been run")
        self.assertEqual((self.root.ran, self.ends), ([], []))
        self.root.waiting[0].callback("done")
        self.advance(0.1)
        self.assertEqual(self.successResultOf(first), "done")
        self.advance(0.1)
        self.assertEqual(self.ends, [0])

    def test_callsBack(self) -> None:
        """A call in progress that calls the client back goes on until its end."""

        class Client(pb.Referenceable):
            def remote_ask(self) -> int:
                return 5

        first = self.pair.root.callRemote("later")
        client = Client()
        given = self.pair.result(self.pair.root.callRemote("keep", client))
        self.assertIsNone(given)
        self.drain(4)
        self.advance(2.1)
        self.root.kept.callRemote("ask").chainDeferred(self.root.waiting[0])
        self.advance(0.1)
        self.assertEqual(self.successResultOf(first), 5)

    def test_tooLate(self) -> None:
        """After all of the time a call is given up; the peer sees that its connection is lost."""
        answer = self.pair.root.callRemote("later")
        self.pair.flush()
        self.drain(3)
        self.advance(2.9)
        self.assertNoResult(answer)
        self.advance(0.2)
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual(self.ends, [1])
        self.root.waiting[0].callback("too late")

    def test_atOnce(self) -> None:
        """With no time at all, only what is written is still sent."""
        answer = self.pair.root.callRemote("later")
        self.pair.flush()
        self.drain(0)
        self.pair.flush()
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.advance(0.1)
        self.assertEqual(self.ends, [1])

    def test_negative(self) -> None:
        """There is no negative time."""
        self.assertRaises(ValueError, self.factory.drain, -1)
        self.assertRaises(ValueError, pb.DrainService, self.factory, -1)
        self.assertEqual(self.pair.result(self.pair.root.callRemote("echo", 1)), 1)

    def test_twice(self) -> None:
        """Whoever drains a second time waits for the same end."""
        self.drain(10)
        self.drain(20)
        self.advance(0.5)
        self.assertEqual(self.ends, [0, 0])

    def test_refused(self) -> None:
        """A new connection is refused, and taken again after the end."""
        self.drain(10)
        self.assertIsInstance(self.factory.buildProtocol(None), Refused)
        self.advance(0.5)
        self.assertEqual(self.ends, [0])
        self.assertIsInstance(self.factory.buildProtocol(None), pb.Broker)

    def test_closeAll(self) -> None:
        """All can be closed at once, which ends the drain."""
        answer = self.pair.root.callRemote("later")
        self.pair.flush()
        self.drain(10)
        self.factory.closeAll()
        self.advance(0.1)
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.assertEqual(self.ends, [0])

    def test_readsNothing(self) -> None:
        """A peer that reads nothing has all of the time to do so."""
        self.pair.clientTransport.paused = True
        self.pair.root.callRemote("large", 100000).addErrback(lambda reason: None)
        self.pair.flush()
        self.drain(10)
        self.advance(9.9)
        self.assertTrue(self.pair.connected)
        self.advance(0.2)
        self.assertEqual(self.ends, [0])

    def test_log(self) -> None:
        """The log tells when it begins and when it ends, and of calls that were given up."""
        entries: list[Any] = []
        globalLogPublisher.addObserver(entries.append)
        self.addCleanup(globalLogPublisher.removeObserver, entries.append)
        self.pair.root.callRemote("later").addErrback(lambda reason: None)
        self.pair.flush()
        self.drain(1)
        self.advance(1.2)
        first, last = [each for each in entries if each["log_namespace"].endswith("draining")]
        self.assertEqual((first["connections"], first["seconds"]), (1, 1))
        self.assertEqual((last["unfinished"], last["log_level"].name), (1, "warn"))


class LeavingTests(DrainCase):
    """
    Those clients that want to know are told.
    """

    def test_told(self) -> None:
        """A client hears how long its calls may go on."""
        told: list[float] = []
        pb.notifyOnLeaving(self.pair.root, told.append)
        self.pair.flush()
        self.assertEqual(told, [])
        self.drain(7)
        self.pair.flush()
        self.assertEqual(told, [7.0])

    def test_toldLate(self) -> None:
        """So does one that asks while the server is being stopped already."""
        told: list[float] = []
        self.pair.root.callRemote("later").addErrback(lambda reason: None)
        self.drain(7)
        pb.notifyOnLeaving(self.pair.root, told.append)
        self.pair.flush()
        self.assertEqual(told, [7.0])

    def test_notAsked(self) -> None:
        """A client that doesn't ask is sent nothing."""
        self.drain(7)
        self.assertEqual(bytes(self.pair.serverTransport.written), b"")

    def test_stockServer(self) -> None:
        """A server of C{twisted.spread} drops the question: no answer, no entry in the log."""

        class Echo(stock.Root):  # type: ignore[misc]
            def remote_echo(self, value: Any) -> Any:
                return value

        pair = brokerPair(serverFactory=stock.PBServerFactory(Echo()))
        entries: list[Any] = []
        globalLogPublisher.addObserver(entries.append)
        self.addCleanup(globalLogPublisher.removeObserver, entries.append)
        pb.notifyOnLeaving(pair.root, lambda seconds: None)
        self.assertTrue(pair.deliver())
        self.assertEqual(bytes(pair.serverTransport.written), b"")
        self.assertEqual(entries, [])
        self.assertEqual(pair.result(pair.root.callRemote("echo", 1)), 1)

    def test_wrongObserver(self) -> None:
        """What can't be told is refused."""
        desk = self.pair.client.remoteForName(LEAVING)
        failure = self.assertRaises(pb.RemoteError, self.pair.result, desk.callRemote("observe", 5))
        self.assertIn("must be a Referenceable", str(failure))

    def test_beforeLogin(self) -> None:
        """Before a login there is nothing to ask; afterwards there is."""
        factory = pb.PBServerFactory(portalFor(RecordingRealm()), clock=self.clock)
        pair = brokerPair(serverFactory=factory, clock=self.clock)
        self.assertIsNone(pair.server.localObjectForID(LEAVING))
        avatar = pair.result(pair.clientFactory.login(ANN))
        told: list[float] = []
        pb.notifyOnLeaving(avatar, told.append)
        pair.flush()
        pair.serverFactory.drain(3)
        pair.flush()
        self.assertEqual(told, [3.0])

    def test_client(self) -> None:
        """A client lends nothing of the kind."""
        self.assertIsNone(self.pair.client.localObjectForID(LEAVING))

    def test_ownObject(self) -> None:
        """An object that the application lends under this name is its own."""
        mine = Slow()
        self.pair.server.setNameForLocal(LEAVING, mine)
        self.assertIs(self.pair.server.localObjectForID(LEAVING), mine)

    def test_strangeTime(self) -> None:
        """A server that says something else than a time is heard all the same."""
        told: list[float] = []
        pb.notifyOnLeaving(self.pair.root, told.append)
        self.pair.flush()
        self.pair.server.leavingObserver.callRemote("leaving", "soon")
        self.pair.flush()
        self.assertEqual(told, [0.0])


class ServiceTests(DrainCase):
    """
    L{pb.DrainService}.
    """

    def test_stop(self) -> None:
        """Stopping it is a drain."""
        service = pb.DrainService(self.factory, 10, handlesSignals=False)
        service.startService()
        stopped = service.stopService()
        self.assertNoResult(stopped)
        self.advance(0.5)
        self.successResultOf(stopped)
        self.assertFalse(self.pair.connected)

    def test_signal(self) -> None:
        """A signal during the drain closes all connections; afterwards the handlers are what they were."""
        self.patch(signal, "signal", self.install)
        self.handlers: dict[int, Any] = {signal.SIGINT: "first", signal.SIGTERM: None}
        soon: list[Any] = []
        self.patch(reactor, "callFromThread", soon.append)
        answer = self.pair.root.callRemote("later")
        self.pair.flush()
        stopped = pb.DrainService(self.factory, 10).stopService()
        self.handlers[signal.SIGTERM](signal.SIGTERM, None)
        soon.pop()()
        self.advance(0.1)
        self.failureResultOf(answer, pb.PBConnectionLost)
        self.successResultOf(stopped)
        self.assertEqual(self.handlers, {signal.SIGINT: "first", signal.SIGTERM: signal.SIG_DFL})

    def install(self, number: int, handler: Any) -> Any:
        """In place of C{signal.signal}."""
        earlier, self.handlers[number] = self.handlers[number], handler
        return earlier

    def test_signalsAreLeftAlone(self) -> None:
        """Nothing is changed where there is nothing to wait for."""
        before = signal.getsignal(signal.SIGTERM)
        self.pair.disconnect()
        self.successResultOf(pb.DrainService(self.factory, 10).stopService())
        self.assertIs(signal.getsignal(signal.SIGTERM), before)


class SocketTests(SocketCase):
    """
    What is written arrives, however much, also if the peer goes on sending.
    """

    async def assertArrives(self, port: int, connect: Any) -> None:
        """Large answers arrive that were not read when the connection was closed."""
        factory = self.client(stock.PBClientFactory())
        connect(factory)
        root = await factory.getRootObject()
        root.broker.transport.pauseProducing()
        answers = [root.callRemote("large", 600_000) for _ in range(20)]
        drained = self.factory.drain(0.4)
        broker = self.factory.admission.brokers[0]
        while not broker._phase.name == "CLOSING":
            await self.sleep(0.02)
        # It arrives at a server that reads no more of it.
        late = root.callRemote("echo", b"y" * 500_000)
        late.addErrback(lambda reason: None)
        await self.sleep(0.05)
        root.broker.transport.resumeProducing()
        sizes = [len(await answer) for answer in answers]
        self.assertEqual(sizes, [600_000] * 20)
        await drained
        await late
        self.assertEqual(self.root.ran, [])

    def sleep(self, seconds: float) -> Deferred[None]:
        """Wait."""
        waiting: Deferred[None] = Deferred()
        reactor.callLater(seconds, waiting.callback, None)
        return waiting

    async def test_tcp(self) -> None:
        """Over TCP."""
        self.root = Slow()
        self.factory = pb.PBServerFactory(self.root, limits=pb.Limits(unreadAnswers=2**30))
        port = self.listen(self.factory)
        await self.assertArrives(port, lambda factory: reactor.connectTCP("127.0.0.1", port, factory))

    async def test_unix(self) -> None:
        """Over a UNIX socket."""
        self.root = Slow()
        self.factory = pb.PBServerFactory(self.root, limits=pb.Limits(unreadAnswers=2**30))
        path = f"drain{os.getpid()}.socket"
        self.ports.append(reactor.listenUNIX(path, self.track(self.factory)))
        await self.assertArrives(0, lambda factory: reactor.connectUNIX(path, factory))

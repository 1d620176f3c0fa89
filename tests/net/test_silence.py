"""
Tests for peers that are silent, in memory.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._net import silence
from myspread._net.reasons import UNREAD
from myspread._peer.peer import Peer
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import RecordingRealm, portalFor

LIMITS = replace(pb.Limits(), deadPeerTime=8.0)


class Quiet(pb.Root):
    """Says nothing by itself."""

    def remote_later(self) -> Any:
        """Never answer."""
        return Deferred()

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class SilenceCase(SynchronousTestCase):
    """
    A client that watches a server.
    """

    def setUp(self) -> None:
        """The server watches nobody."""
        self.pings: Counter[Peer] = Counter()
        ping = Peer.ping

        def counting(peer: Peer) -> bool:
            asked = ping(peer)
            self.pings[peer] += asked
            return asked

        self.patch(Peer, "ping", counting)
        self.clock = Clock()
        self.pair = self.pairWith(pb.PBServerFactory(Quiet(), limits=pb.Limits(deadPeerTime=None)))

    def pairWith(self, serverFactory: Any, settled: bool = True) -> BrokerPair:
        """A pair whose client watches the server."""
        clientFactory = pb.PBClientFactory(limits=LIMITS, clock=self.clock)
        pair = brokerPair(serverFactory=serverFactory, clientFactory=clientFactory, clock=self.clock)
        pair.flush()
        self.watch(pair.client, settled)
        return pair

    def watch(self, broker: Any, settled: bool = True) -> None:
        """Let a broker watch its peer, as it does over a transport of a reactor's."""
        broker.transport.reactor = self.clock
        broker.beginWatching()
        # The first look is at no certain time, and sees what was before.
        if settled:
            self.clock.advance(broker._peer.silence.interval)

    def look(self, times: int = 1, deliver: bool = True, pair: BrokerPair | None = None) -> None:
        """As much time passes as lies between looks."""
        pair = pair or self.pair
        for _ in range(times):
            if deliver:
                pair.flush()
            self.clock.advance(1)
        if deliver:
            pair.flush()


class PingTests(SilenceCase):
    """
    Who is pinged, and when.
    """

    def test_whenSilent(self) -> None:
        """
        A peer that is silent for three of eight looks is pinged; the answer is
        life.
        """
        self.pair.clientTransport.written.clear()
        self.look(2, deliver=False)
        self.assertEqual(bytes(self.pair.clientTransport.written), b"")
        self.look(1, deliver=False)
        self.assertIn(b"\x04\x82ping", bytes(self.pair.clientTransport.written))
        self.look(100)
        self.assertTrue(self.pair.connected)
        self.assertEqual(self.pair.result(self.pair.root.callRemote("echo", 1)), 1)

    def test_system(self) -> None:
        """The system is asked to look, too: once, and of connections that last until the first look."""
        asked: list[Any] = []
        self.patch(pb.Broker, "hasLasted", lambda broker, seconds: asked.append((broker, seconds)))
        pair = self.pairWith(pb.PBServerFactory(Quiet()), settled=False)
        self.assertEqual(asked, [])
        self.look(20, pair=pair)
        self.assertEqual(asked, [(pair.client, 8.0)])

    def test_notTwice(self) -> None:
        """A ping that isn't answered isn't repeated."""
        self.look(3, deliver=False)
        before = bytes(self.pair.clientTransport.written)
        self.look(2, deliver=False)
        self.assertEqual(bytes(self.pair.clientTransport.written), before)

    def test_notWhileHeard(self) -> None:
        """Who says something now and then is never pinged."""
        for _ in range(20):
            self.pair.server.sendCall(b"decref", 99)
            self.look(2)
        self.assertEqual(self.pings, {})

    def test_oneByte(self) -> None:
        """Any byte is life, although the message isn't whole: an answer may wait behind a long one."""
        self.look(3)
        self.look(3, deliver=False)
        upload = memoryview(b"\x05\x80" + b"\x06\x82decref" + b"\x00" * 64)
        for position in range(20):
            self.pair.client.dataReceived(bytes(upload[position : position + 1]))
            self.look(3, deliver=False)
        self.assertTrue(self.pair.connected)
        self.assertFalse(self.pair.clientTransport.disconnecting)

    def test_nothingLogged(self) -> None:
        """
        A ping leaves no trace in the log, counts as no violation, and as no
        message that was dropped: neither with ours, nor with C{twisted.spread},
        before and after a login.
        """
        self.pair.disconnect()
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for module in (pb, stock):
            for root in (Quiet(), portalFor(RecordingRealm())):
                factory: Any = module.PBServerFactory(root)
                if module is pb:
                    factory.limits = pb.Limits(deadPeerTime=None)
                pair = self.pairWith(factory)
                del events[:]
                for _ in range(30):
                    self.look(pair=pair)
                self.assertTrue(pair.connected)
                self.assertGreater(self.pings.pop(pair.client._peer), 5)
                self.assertEqual(pair.client.waitingForAnswers, {})
                self.assertEqual(events, [])
                if module is pb:
                    peer = pair.server._peer
                    self.assertEqual((peer.dropped, peer.violations, peer.incoming.inProgress), (0, 0, 0))
                pair.disconnect()

    def test_serverPings(self) -> None:
        """A server pings its clients, ours and stock's, also before they have logged in."""
        for module in (pb, stock):
            for root in (Quiet(), portalFor(RecordingRealm())):
                factory = pb.PBServerFactory(root, limits=LIMITS, clock=self.clock)
                pair = BrokerPair(factory, module.PBClientFactory(), self.clock)
                pair.flush()
                self.watch(pair.server)
                for _ in range(30):
                    self.look(pair=pair)
                self.assertTrue(pair.connected)
                self.assertGreater(self.pings.pop(pair.server._peer), 5)
                self.assertFalse(pair.server._peer.pinging)

    def test_answer(self) -> None:
        """
        A ping is answered as the call of any object that there isn't, and leaves
        nothing in the broker that was pinged.
        """
        # What the first call of any kind leaves is no matter.
        self.pair.result(self.pair.root.callRemote("echo", 5))
        before = set(vars(self.pair.server))
        answers = []
        for luid in (0, 99):
            self.pair.client.sendCall(b"message", 7, luid, b"ping", 1, [b"tuple"], [b"dictionary"])
            self.pair.server.dataReceived(self.pair.clientTransport.take(None))
            answers.append(bytes(self.pair.serverTransport.take(None)))
            if not luid:
                self.assertEqual(set(vars(self.pair.server)) - before, set())
        self.assertIn(b"Invalid Object ID", answers[0])
        self.assertEqual(*answers)

    def test_incidents(self) -> None:
        """Where the policy shows no errors, a ping is no incident."""
        factory = pb.PBServerFactory(Quiet(), security=pb.SecurityPolicy(errors="incident"))
        pair = self.pairWith(factory)
        self.look(30, pair=pair)
        self.assertTrue(pair.connected)
        self.assertEqual(pair.server._peer.log.leftOut, 0)

    def test_manyCalls(self) -> None:
        """A peer with as many calls in progress as it may have is answered, unlogged."""
        factory = pb.PBServerFactory(Quiet(), limits=pb.Limits(calls=1, deadPeerTime=None))
        pair = self.pairWith(factory)
        waiting = pair.root.callRemote("later")
        self.look(30, pair=pair)
        self.assertTrue(pair.connected)
        self.assertNoResult(waiting)
        pair.disconnect()
        self.failureResultOf(waiting, pb.PBConnectionLost)


class DeadTests(SilenceCase):
    """
    Who counts as dead, and what becomes of it.
    """

    def test_dead(self) -> None:
        """
        After seven looks at a peer that says nothing, calls fail with the
        reason, and so does whoever waits for the end of the connection.
        """
        reasons: list[Any] = []
        self.pair.clientFactory.brokerLost = lambda broker, reason: reasons.append(reason)
        call = self.pair.root.callRemote("later")
        self.look(6, deliver=False)
        self.assertFalse(self.pair.clientTransport.aborting)
        self.look(1, deliver=False)
        self.assertTrue(self.pair.clientTransport.aborting)
        self.pair.flush()
        failure = self.failureResultOf(call, pb.PBConnectionLost)
        self.assertIn("was silent for more than 7 s and didn't answer a ping", str(failure.value))
        self.assertIn("(Limits.deadPeerTime = 8)", str(failure.value))
        [reason] = reasons
        self.assertTrue(reason.check(ConnectionLost))
        self.assertIsInstance(reason.value, pb.PeerSilent)
        self.assertEqual(reason.value.seconds, 7.0)
        self.assertIn("127.0.0.1", reason.value.peer)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_logged(self) -> None:
        """It is logged once."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.look(7, deliver=False)
        self.pair.flush()
        self.look(20)
        [event] = events
        self.assertEqual(event["log_level"].name, "warn")
        self.assertIn("was silent", event["reason"])

    def test_withoutGreeting(self) -> None:
        """A server that takes the connection and never greets is dead, and isn't pinged."""
        factory = pb.PBClientFactory(limits=LIMITS, clock=self.clock)
        pair = BrokerPair(pb.PBServerFactory(Quiet()), factory, self.clock)
        self.watch(pair.client)
        root = factory.getRootObject()
        self.look(7, deliver=False)
        self.assertEqual(bytes(pair.clientTransport.written), b"")
        self.assertTrue(pair.clientTransport.aborting)
        pair.flush()
        self.failureResultOf(root, pb.PeerSilent)

    def test_weWereStopped(self) -> None:
        """
        Time in which this process was stopped, or the computer slept, is no
        silence: what the peers have sent is still to be read.
        """
        for _ in range(3):
            self.clock.advance(100_000)
        self.assertFalse(self.pair.clientTransport.aborting)

    def test_weDontRead(self) -> None:
        """While we don't read, we hear nothing; that isn't the peer's fault."""
        self.pair.client.holdReading(UNREAD)
        self.look(50, deliver=False)
        self.assertFalse(self.pair.clientTransport.aborting)
        self.pair.client.releaseReading(UNREAD)
        self.look(7, deliver=False)
        self.assertTrue(self.pair.clientTransport.aborting)

    def test_takesData(self) -> None:
        """A peer that takes what it is sent, where that is much, is alive; it can't answer before."""
        transport: Any = self.pair.clientTransport
        transport.dataBuffer = b"x" * 1_000_000
        for _ in range(30):
            transport.offset += 1000
            self.look(1, deliver=False)
        self.assertFalse(transport.aborting)
        self.look(7, deliver=False)
        self.assertTrue(transport.aborting)

    def test_takesLittle(self) -> None:
        """That a few bytes are on their way says nothing: a stopped process takes as much."""
        transport: Any = self.pair.clientTransport
        transport.dataBuffer = b"x" * 10_000
        for _ in range(7):
            transport.offset += 100
            self.look(1, deliver=False)
        self.assertTrue(transport.aborting)

    def test_off(self) -> None:
        """None ends the watch, a number begins it."""
        self.pair.client.limits = replace(LIMITS, deadPeerTime=None)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.pair.client.limits = LIMITS
        self.assertEqual(self.pair.client.watchedFor, 8.0)
        self.pair.client.limits = replace(LIMITS, deadPeerTime=80.0)
        self.assertEqual(self.pair.client.watchedFor, 80.0)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_shortest(self) -> None:
        """Less than a second counts as one."""
        self.pair.client.limits = replace(LIMITS, deadPeerTime=0.0)
        self.assertEqual(self.pair.client._peer.silence.interval, 0.125)

    def test_inMemory(self) -> None:
        """Over a transport that belongs to no reactor nobody is watched, so tests have no timer left."""
        factory = pb.PBServerFactory(Quiet(), clock=self.clock)
        pair = brokerPair(serverFactory=factory, clientFactory=pb.PBClientFactory(clock=self.clock))
        pair.flush()
        self.assertIsNone(pair.client.watchedFor)
        self.assertIsNone(pair.server.watchedFor)

    def test_default(self) -> None:
        """By default it is a minute, for servers and clients."""
        self.assertEqual(pb.Limits().deadPeerTime, 60.0)


class SharingTests(SilenceCase):
    """
    One timer for many connections.
    """

    def test_together(self) -> None:
        """A timer is for so many connections, and gone with the last of them."""
        self.patch(silence, "TOGETHER", 4)
        self.pair.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        pairs = [self.pairWith(pb.PBServerFactory(Quiet()), settled=False) for _ in range(10)]
        self.assertEqual(len(self.clock.getDelayedCalls()), 3)
        for pair in pairs[1:]:
            pair.disconnect()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        # One that has room takes newcomers.
        pairs.append(self.pairWith(pb.PBServerFactory(Quiet()), settled=False))
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        for pair in pairs:
            pair.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertNotIn((id(self.clock), 8.0), silence._withRoom)

    def test_onesEndEndsAnother(self) -> None:
        """That one is dead may be the end of others, in the same look."""
        other = self.pairWith(pb.PBServerFactory(Quiet()))
        for one, two in ((self.pair, other), (other, self.pair)):
            one.client.notifyOnDisconnect(lambda two=two: two.connected and two.disconnect())
        self.patch(self.pair.clientTransport, "abortConnection", self.pair.disconnect)
        self.patch(other.clientTransport, "abortConnection", other.disconnect)
        self.look(10, deliver=False)
        self.assertFalse(self.pair.connected or other.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class IdleTests(SilenceCase):
    """
    Pings are no use: C{Limits.idleTime}.
    """

    def idleAfter(self, clientLimits: Any, serverLimits: Any) -> float:
        """After how many seconds a connection that nobody uses is closed."""
        factory = pb.PBServerFactory(Quiet(), limits=serverLimits, clock=self.clock)
        clientFactory = pb.PBClientFactory(limits=clientLimits, clock=self.clock)
        pair = brokerPair(serverFactory=factory, clientFactory=clientFactory, clock=self.clock)
        pair.flush()
        for broker in (pair.client, pair.server):
            if broker.limits.deadPeerTime:
                self.watch(broker)
        pair.result(pair.root.callRemote("echo", 1))
        began = self.clock.seconds()
        while pair.connected and self.clock.seconds() - began < 200:
            self.look(pair=pair)
        return self.clock.seconds() - began

    def test_ourPings(self) -> None:
        """A peer that only answers pings is idle."""
        without = replace(LIMITS, deadPeerTime=None)
        self.assertLessEqual(self.idleAfter(without, replace(LIMITS, idleTime=50.0)), 52)

    def test_theirPings(self) -> None:
        """A peer that only pings is idle, give or take one ping."""
        without = replace(LIMITS, deadPeerTime=None)
        self.assertLessEqual(self.idleAfter(LIMITS, replace(without, idleTime=50.0)), 56)

    def test_used(self) -> None:
        """A connection that is used now and then isn't closed, with pings in between."""
        factory = pb.PBServerFactory(Quiet(), limits=replace(LIMITS, idleTime=50.0), clock=self.clock)
        pair = self.pairWith(factory)
        self.watch(pair.server)
        for _ in range(8):
            self.assertEqual(pair.result(pair.root.callRemote("echo", 1)), 1)
            self.look(40, pair=pair)
        self.assertTrue(pair.connected)
        self.look(20, pair=pair)
        self.assertFalse(pair.connected)

    def test_deadWithinIdleTime(self) -> None:
        """A dead peer is noticed on a server whose idle time is shorter, although a call is in progress."""
        limits = replace(LIMITS, idleTime=3.0)
        factory = pb.PBServerFactory(Quiet(), limits=limits, clock=self.clock)
        pair = brokerPair(serverFactory=factory, clock=self.clock)
        pair.flush()
        self.watch(pair.server)
        pair.root.callRemote("later").addErrback(lambda reason: None)
        pair.flush()
        self.look(10, deliver=False)
        self.assertTrue(pair.serverTransport.aborting)

"""
Tests for L{myspread._net.unread}: a peer that doesn't read its answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from myspread import pb, util
from myspread._net.banana import UNWATCHED
from myspread._net.unread import UnreadAnswers
from myspread.limits import Limits
from myspread.testing import brokerPair
from tests.login.realms import RecordingRealm, portalFor
from tests.peer.wire import call

LIMITS = Limits(unreadAnswers=1_000_000, unreadTime=60.0, closingTime=3.0)
LARGE = 300_000


class Root(pb.Root):
    """Has large answers."""

    def __init__(self) -> None:
        self.calls = 0
        self.waiting: list[Deferred[Any]] = []
        self.collected: Any = None

    def remote_large(self, size: int = LARGE) -> bytes:
        """Return so many bytes."""
        self.calls += 1
        return bytes(size)

    def remote_later(self) -> Deferred[Any]:
        """Answer when the test wants."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def remote_take(self, *references: Any) -> None:
        """Keep none of them."""

    def remote_fail(self) -> None:
        """Fail with a long text."""
        self.calls += 1
        raise pb.Error("x" * LARGE)

    def remote_pages(self, collector: Any, size: int) -> None:
        """Send pages."""
        util.StringPager(collector, bytes(size), 10_000)


class Producer:
    """One of an application."""

    def resumeProducing(self) -> None:
        """Nothing to send."""

    pauseProducing = stopProducing = resumeProducing


class UnreadCase(TestCase):
    """
    A server, and a client whose transport may stop reading.
    """

    def setUp(self) -> None:
        """Connect them."""
        self.clock = Clock()
        self.root = Root()
        factory = pb.PBServerFactory(self.root, limits=LIMITS, clock=self.clock)
        self.pair = brokerPair(serverFactory=factory, clock=self.clock)
        self.server: Any = self.pair.server
        self.transport, self.reader = self.pair.serverTransport, self.pair.clientTransport
        self.answers: list[Any] = []

    def call(self, count: int, method: str = "large", *args: Any) -> None:
        """Call so often."""
        for _ in range(count):
            self.pair.root.callRemote(method, *args).addBoth(lambda result: self.answers.append(result))

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(50):
            self.pair.flush()
            self.clock.advance(0)

    def assertIdle(self) -> None:
        """Nobody waits for anything."""
        self.assertEqual((self.transport.paused, self.transport.producer), (False, None))
        self.assertLessEqual(self.server.answerBytes, UNWATCHED)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class BoundTests(UnreadCase):
    """
    Tests for C{Limits.unreadAnswers}.
    """

    def test_bounded(self) -> None:
        """What waits for a peer that doesn't read is bounded; then it isn't read either."""
        self.reader.pauseProducing()
        self.call(20)
        self.settle()
        self.assertEqual(self.root.calls, 4)
        self.assertTrue(self.transport.paused)
        self.assertLess(len(self.transport.written), LIMITS.unreadAnswers + LARGE + 1000)

    def test_goesOn(self) -> None:
        """When it reads again, the rest is handled, in order, and read on."""
        self.reader.pauseProducing()
        for size in range(20):
            self.call(1, "large", LARGE + size)
        self.settle()
        self.reader.resumeProducing()
        self.settle()
        self.assertEqual([len(each) for each in self.answers], [LARGE + size for size in range(20)])
        self.assertIdle()

    def test_small(self) -> None:
        """Many small answers count as large ones do."""
        self.reader.pauseProducing()
        self.call(10_000, "large", 200)
        self.settle()
        self.assertLess(self.root.calls, 10_000)
        self.assertLess(len(self.transport.written), LIMITS.unreadAnswers + 1000)
        self.reader.resumeProducing()
        self.settle()
        self.assertEqual(len(self.answers), 10_000)
        self.assertIdle()

    def test_reading(self) -> None:
        """A peer that reads never notices, and nothing is left behind."""
        for _ in range(10):
            self.call(2)
            self.settle()
            self.assertIdle()
        self.assertEqual(len(self.answers), 20)

    def test_below(self) -> None:
        """Below the limit it is still read, and may wait for as long as it wants."""
        self.reader.pauseProducing()
        self.call(2)
        self.settle()
        self.assertFalse(self.transport.paused)
        self.clock.advance(10_000)
        self.assertTrue(self.pair.connected)
        self.assertFalse(self.transport.disconnecting)

    def test_errors(self) -> None:
        """Errors are answers, too."""
        self.reader.pauseProducing()
        self.call(20, "fail")
        self.settle()
        self.assertLess(self.root.calls, 20)
        self.assertTrue(self.transport.paused)
        self.reader.resumeProducing()
        self.settle()
        self.assertEqual(len(self.answers), 20)
        self.assertIdle()

    def test_unknownMessages(self) -> None:
        """The names of unknown messages, which are sent back, count as well."""
        self.reader.pauseProducing()
        for _ in range(5000):
            self.pair.client.sendEncoded([b"x" * 300])
        self.settle()
        self.assertTrue(self.transport.paused)
        self.assertLess(len(self.transport.written), LIMITS.unreadAnswers + 1000)
        self.reader.resumeProducing()
        self.settle()
        self.assertIdle()

    def test_longNames(self) -> None:
        """Of a name that is longer than any, only the beginning is sent back."""
        self.reader.pauseProducing()
        self.pair.client.sendEncoded([b"x" * LARGE])
        self.settle()
        self.assertLess(len(self.transport.written), 300)

    def test_untilLogin(self) -> None:
        """Of a peer that hasn't logged in, less may wait."""
        factory = pb.PBServerFactory(portal=portalFor(RecordingRealm()), limits=LIMITS, clock=self.clock)
        self.pair = brokerPair(serverFactory=factory, clock=self.clock)
        self.pair.clientTransport.pauseProducing()
        self.call(2000, "x" * 200)
        self.settle()
        transport = self.pair.serverTransport
        self.assertTrue(transport.paused)
        self.assertLess(len(transport.written), LIMITS.beforeLogin.unreadAnswers + 1000)
        self.pair.clientTransport.resumeProducing()
        self.settle()
        self.assertEqual((len(self.answers), transport.paused), (2000, False))
        self.assertTrue(self.flushLoggedErrors(pb.NoSuchMethod))

    def test_givenBack(self) -> None:
        """So does it that references, which a peer lends and nobody keeps, are given back."""
        self.reader.pauseProducing()
        self.server.limits = replace(LIMITS, unreadAnswers=100_000)
        lent = [[b"remote", each] for each in range(1000)]
        for _ in range(40):
            self.pair.client.sendEncoded(call(1, b"take", *lent, wanted=0))
        self.settle()
        self.assertTrue(self.transport.paused)
        self.assertLess(len(self.transport.written), 120_000)
        self.reader.resumeProducing()
        self.settle()
        self.assertIdle()

    def test_later(self) -> None:
        """Answers count that are given later, also while the peer isn't read."""
        self.call(6, "later")
        self.pair.flush()
        self.reader.pauseProducing()
        for each in self.root.waiting:
            self.assertEqual(self.transport.paused, each in self.root.waiting[4:])
            each.callback(bytes(LARGE))
        self.call(1)
        self.settle()
        self.assertEqual(self.root.calls, 0)
        self.reader.resumeProducing()
        self.settle()
        self.assertEqual(len(self.answers), 7)
        self.assertIdle()

    def test_ourCalls(self) -> None:
        """Calls that we make don't count."""
        self.reader.pauseProducing()
        for _ in range(10):
            self.server.remoteForName("root").callRemote("x", bytes(LARGE), pbanswer=False)
        self.settle()
        self.assertFalse(self.transport.paused)
        self.call(1)
        self.settle()
        self.assertEqual(self.root.calls, 1)
        self.assertFalse(self.transport.paused)

    def test_client(self) -> None:
        """A client reads always: if both sides waited, both would for ever."""
        client = self.pair.client
        client.limits = LIMITS
        client.setNameForLocal("root", Root())
        self.transport.pauseProducing()
        for _ in range(20):
            self.server.remoteForName("root").callRemote("large")
        self.pair.flush()
        self.assertGreater(len(self.reader.written), 20 * LARGE)
        self.assertFalse(self.reader.paused)

    def test_oneChunk(self) -> None:
        """It holds within a chunk, too: calls that have arrived wait in order."""
        self.reader.pauseProducing()
        self.call(10)
        self.pair.flush()
        self.assertEqual((self.root.calls, len(self.server._backlog)), (4, 1))

    def test_lost(self) -> None:
        """If the connection is lost, the calls that were made before are handled, and no timer is left."""
        self.reader.pauseProducing()
        self.call(10)
        self.pair.flush()
        self.pair.disconnect()
        self.clock.advance(0)
        self.assertEqual((self.root.calls, self.server.disconnected), (10, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_withoutProducers(self) -> None:
        """A transport that knows no producers will do; then there is no bound."""

        class Plain:
            disconnecting = False
            written = 0

            def getPeer(self) -> None:
                """Nobody."""

            def write(self, data: bytes) -> None:
                self.written += len(data)

        plain: Any = Plain()
        broker: Any = pb.PBServerFactory(self.root, limits=LIMITS, clock=self.clock).buildProtocol(None)
        broker.makeConnection(plain)
        broker.dataReceived(b"\x02\x82pb")
        for request in range(20):
            broker.sendCall(b"answer", request, bytes(LARGE))
        self.assertGreater(plain.written, 20 * LARGE)

    def test_withoutClock(self) -> None:
        """Nor is there one without a clock."""
        broker: Any = pb.PBServerFactory(self.root, limits=LIMITS).buildProtocol(None)
        broker.makeConnection(self.transport)
        broker.dataReceived(b"\x02\x82pb")
        broker.sendCall(b"answer", 1, bytes(LARGE))
        self.assertIsNone(self.transport.producer)

    def test_sendEncoded(self) -> None:
        """What isn't a message doesn't count."""
        for each in (5, b"x", [], (), [b"x"]):
            self.server.sendEncoded(each)
        self.assertEqual(self.server.answerBytes, 0)


class TimeTests(UnreadCase):
    """
    Tests for C{Limits.unreadTime}.
    """

    def setUp(self) -> None:
        """The peer has stopped reading."""
        super().setUp()
        self.reader.pauseProducing()
        self.call(20)
        self.settle()

    def test_nothing(self) -> None:
        """A peer that reads nothing is aborted; the log names the limits."""
        self.clock.advance(59)
        self.assertFalse(self.transport.aborting)
        with capturedLogs() as events:
            self.clock.advance(2)
        self.assertTrue(self.transport.aborting)
        self.assertIn("for 60 seconds (Limits.unreadAnswers, Limits.unreadTime)", events[-1]["reason"])
        self.pair.flush()
        self.assertFalse(self.pair.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.root.calls, 4)

    def test_slowly(self) -> None:
        """One that reads slowly may go on."""
        for _ in range(100):
            self.clock.advance(50)
            self.reader.resumeProducing()
            self.pair.deliver(100)
            self.reader.pauseProducing()
        self.assertFalse(self.transport.disconnecting)
        self.clock.advance(61)
        self.clock.advance(61)
        self.assertTrue(self.transport.aborting)


class ProducerTests(UnreadCase):
    """
    Other producers on the same transport.
    """

    def test_interface(self) -> None:
        """It is a producer."""
        verifyObject(IPushProducer, UnreadAnswers(self.server))

    def test_notForLong(self) -> None:
        """The transport has a producer for as long as it takes to see that the answers leave."""
        self.call(1, "large", 70_000)
        self.pair.deliver()
        self.assertIsInstance(self.transport.producer, UnreadAnswers)
        self.pair.flush()
        self.assertIdle()

    def test_notFull(self) -> None:
        """If the transport isn't full, nothing waits: after two turns nobody looks any more."""
        self.transport.bufferSize = 10**6
        self.reader.pauseProducing()
        self.call(1, "large", 70_000)
        self.pair.flush()
        self.assertIsInstance(self.transport.producer, UnreadAnswers)
        self.clock.advance(0)
        self.clock.advance(0)
        self.assertIdle()

    def test_ofTheApplication(self) -> None:
        """A producer of the application is left alone."""
        producer = Producer()
        self.transport.registerProducer(producer, True)
        self.call(20)
        self.settle()
        self.assertEqual(len(self.answers), 20)
        self.assertIs(self.transport.producer, producer)
        self.assertFalse(self.transport.paused)

    def test_pagersBefore(self) -> None:
        """Pagers that have begun before send all their pages, and answers are bounded as ever."""
        pages = util.getAllPages(self.pair.root, "pages", 200_000)
        self.pair.deliver()
        self.assertIs(self.transport.producer, self.server)
        self.reader.pauseProducing()
        self.call(20)
        self.settle()
        self.assertEqual(self.root.calls, 4)
        self.assertTrue(self.transport.paused)
        self.reader.resumeProducing()
        self.settle()
        self.assertEqual(len(b"".join(self.successResultOf(pages))), 200_000)
        self.assertEqual(len(self.answers), 20)
        self.assertIdle()

    def test_pagersAfterwards(self) -> None:
        """Pagers that begin when answers wait send their pages after them."""
        self.reader.pauseProducing()
        self.call(2)
        self.settle()
        pages = util.getAllPages(self.pair.root, "pages", 200_000)
        self.call(2)
        self.settle()
        waiting = len(self.transport.written)
        self.assertLess(waiting, 4 * LARGE + 1000)
        self.reader.resumeProducing()
        self.settle()
        self.assertEqual(len(b"".join(self.successResultOf(pages))), 200_000)
        self.assertEqual(len(self.answers), 4)
        self.assertIdle()

    def test_pagersOnly(self) -> None:
        """Pages are calls of ours and don't count."""
        pages = [util.getAllPages(self.pair.root, "pages", 2_000_000) for _ in range(3)]
        for _ in range(100):
            self.pair.deliver()
            self.assertFalse(self.transport.paused)
        self.settle()
        for each in pages:
            self.assertEqual(len(b"".join(self.successResultOf(each))), 2_000_000)
        self.assertIdle()

    def test_pagersOfAPeerThatDoesNotRead(self) -> None:
        """The time of a peer that doesn't read runs although pages wait."""
        util.getAllPages(self.pair.root, "pages", 200_000).addErrback(lambda failure: None)
        self.pair.deliver()
        self.reader.pauseProducing()
        self.call(20)
        self.settle()
        self.clock.advance(61)
        self.assertTrue(self.transport.aborting)

    def test_close(self) -> None:
        """A connection that the application closes is closed once everything is read."""
        for size in (70_000, LARGE):
            self.setUp()
            self.call(1, "large", size)
            self.pair.deliver()
            self.transport.loseConnection()
            self.settle()
            self.assertEqual(len(self.answers), 1)
            self.assertFalse(self.pair.connected)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closeBecauseOfThePeer(self) -> None:
        """One that is closed because of the peer doesn't wait for pages or answers."""
        util.getAllPages(self.pair.root, "pages", 2_000_000).addErrback(lambda failure: None)
        self.call(5)
        self.pair.deliver()
        self.server.closeConnection("a reason")
        self.assertIsNone(self.transport.producer)
        self.settle()
        self.assertFalse(self.pair.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])

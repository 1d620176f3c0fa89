"""
Tests for L{myspread._net.reading} and L{myspread._net.turns}: work for one peer
is bounded in each turn, and stays in order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from myspread import banana, pb
from myspread._codec import PB, encode
from myspread._net.reasons import UNREAD
from myspread._net.turns import Turns
from myspread.limits import Limits
from myspread.testing import BrokerPair, brokerPair
from tests.peer.wire import NO_KEYWORDS, arguments

LIMITS = Limits(turnTime=0.02, closingTime=3.0)


class Slow(pb.Root):
    """Takes its time."""

    def __init__(self, clock: Clock, seconds: float = 0.005) -> None:
        self.clock = clock
        self.seconds = seconds
        self.done: list[Any] = []
        self.during: Any = None

    def remote_work(self, value: Any) -> Any:
        """Take C{seconds}."""
        # Not advance(), which would let others go on now.
        self.clock.rightNow += self.seconds
        self.done.append(value)
        if self.during is not None:
            self.during(value)
        return value


def works(*values: int) -> bytes:
    """Calls of C{work} that want no answer, as they travel."""
    return b"".join(
        encode([b"message", each + 1, b"root", b"work", 0, arguments(each), NO_KEYWORDS], PB)
        for each in values
    )


def oneTurn(clock: Clock) -> None:
    """
    Let a clock call what is due, as a reactor does: what is scheduled by that
    is left for the next turn. C{advance} would call it, as time goes by here.
    """
    due = [each for each in clock.getDelayedCalls() if each.getTime() <= clock.seconds()]
    for call in due:
        if call.active():
            clock.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class SlowCase(TestCase):
    """
    A server whose method takes a quarter of a turn.
    """

    def setUp(self) -> None:
        """Connect it."""
        self.clock = Clock()
        self.root = Slow(self.clock)
        self.factory = pb.PBServerFactory(self.root, limits=LIMITS, clock=self.clock)
        self.pair = self.connect()
        self.server, self.transport = self.pair.server, self.pair.serverTransport

    def connect(self) -> BrokerPair:
        """One more connection of the same factory."""
        return brokerPair(serverFactory=self.factory, clock=self.clock)

    def turn(self) -> list[Any]:
        """What is done in one turn of the reactor."""
        self.root.done.clear()
        oneTurn(self.clock)
        return list(self.root.done)

    def assertIdle(self) -> None:
        """Nothing is left to do, and the transport is read again."""
        self.assertFalse(self.transport.paused)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class TurnTests(SlowCase):
    """
    Tests for C{Limits.turnTime}.
    """

    def test_within(self) -> None:
        """What takes less is handled synchronously."""
        self.server.dataReceived(works(*range(3)))
        self.assertEqual(self.root.done, [0, 1, 2])
        self.assertIdle()

    def test_beyond(self) -> None:
        """What takes more goes on in the next turns, in order; until then nothing is read."""
        self.server.dataReceived(works(*range(10)))
        self.assertEqual(self.root.done, [0, 1, 2, 3])
        self.assertTrue(self.transport.paused)
        self.assertEqual(self.turn(), [4, 5, 6, 7])
        self.assertTrue(self.transport.paused)
        self.assertEqual(self.turn(), [8, 9])
        self.assertIdle()

    def test_arrivesMeanwhile(self) -> None:
        """What arrives although reading is paused, as over TLS, and cut anywhere, comes after the rest."""
        data = works(*range(20))
        cut = len(data) // 2 + 7
        self.server.dataReceived(data[:cut])
        for start in range(cut, len(data), 9):
            self.server.dataReceived(data[start : start + 9])
        done = list(self.root.done)
        for _ in range(5):
            done += self.turn()
        self.assertEqual(done, list(range(20)))
        self.assertIdle()

    def test_answersInOrder(self) -> None:
        """Calls are answered in the order in which they were made."""
        answers: list[Any] = []
        for each in range(10):
            self.pair.root.callRemote("work", each).addCallback(answers.append)
        self.pair.flush()
        self.assertEqual(answers, [0, 1, 2, 3])
        for _ in range(2):
            self.turn()
            self.pair.flush()
        self.assertEqual(answers, list(range(10)))

    def test_slowMethod(self) -> None:
        """Of what takes longer than a turn, one message is handled in each."""
        self.root.seconds = 1.0
        self.server.dataReceived(works(*range(3)))
        self.assertEqual([self.root.done[:], self.turn(), self.turn()], [[0], [1], [2]])
        self.turn()
        self.assertIdle()

    def test_noRecursion(self) -> None:
        """However many turns it takes, each begins from the reactor."""
        self.root.seconds = 1.0
        self.server.dataReceived(works(*range(3000)))
        done = list(self.root.done)
        for _ in range(3000):
            done += self.turn()
        self.assertEqual(done, list(range(3000)))
        self.assertIdle()

    def test_withoutClock(self) -> None:
        """A broker without a clock does all of it at once."""
        self.server.clock = None
        self.server.dataReceived(works(*range(10)))
        self.assertEqual(self.root.done, list(range(10)))

    def test_withoutPausing(self) -> None:
        """A transport that can't pause will do."""
        plain: Any = type("Plain", (), {"write": lambda self, data: None})()
        self.server.transport = plain
        self.server.dataReceived(works(*range(10)))
        self.assertEqual([self.root.done[:], self.turn(), self.turn()], [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])

    def test_alone(self) -> None:
        """A broker that shares with nobody has turns of its own."""
        self.server.together = None
        self.server.dataReceived(works(*range(10)))
        self.assertEqual([self.turn(), self.turn()], [[4, 5, 6, 7], [8, 9]])

    def test_closesMeanwhile(self) -> None:
        """A method that closes the connection keeps nothing from being handled that was there."""
        self.root.during = lambda value: self.server.transport.loseConnection() if value == 5 else None
        self.server.dataReceived(works(*range(10)))
        self.assertEqual([self.turn(), self.turn()], [[4, 5, 6, 7], [8, 9]])

    def test_broken(self) -> None:
        """If the rest can't be read, what came before is handled, and the connection is closed."""
        self.server.dataReceived(works(*range(6)) + b"\x05\xff" + works(*range(5)))
        self.assertEqual(self.turn(), [4, 5])
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(self.turn(), [])
        self.assertTrue(self.transport.paused)

    def test_closedMeanwhile(self) -> None:
        """If the connection is closed because of the peer, nothing of the rest is handled."""
        self.server.dataReceived(works(*range(6)))
        self.server.closeConnection("a reason")
        self.assertEqual(self.turn(), [])
        self.assertTrue(self.transport.paused)

    def test_failing(self) -> None:
        """What fails in a later turn is logged and ends the connection, as the reactor would."""

        class Failing(banana.Banana):
            def expressionReceived(this, lst: Any) -> None:
                self.clock.rightNow += 1
                if lst == 2:
                    raise ZeroDivisionError("on the second")

        failing = Failing(False)
        failing.clock = self.clock
        failing.makeConnection(self.transport)
        failing.dataReceived(b"\x02\x82pb" + b"\x01\x81\x02\x81\x03\x81")
        for _ in range(3):
            self.clock.advance(0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(self.transport.aborting)


class LossTests(SlowCase):
    """
    Connections that are lost while something is left to do.
    """

    def setUp(self) -> None:
        """Note who hears of it."""
        super().setUp()
        self.server.notifyOnDisconnect(lambda: self.root.done.append("lost"))

    def test_server(self) -> None:
        """The rest is handled, in turns, before anybody hears of the loss."""
        why = Failure(ConnectionDone())
        told: list[Any] = []
        self.factory.brokerLost = lambda broker, reason: told.append(reason)  # type: ignore[attr-defined]
        self.server.dataReceived(works(*range(10)))
        self.server.connectionLost(why)
        self.server.connectionLost(why)
        self.assertEqual([self.turn(), self.server.disconnected], [[4, 5, 6, 7], 0])
        self.assertEqual(self.turn(), [8, 9, "lost"])
        self.assertEqual((told, self.server.disconnected), ([why], 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_client(self) -> None:
        """A client handles it at once: a connector tells its factory without waiting."""
        client = self.pair.client
        client.limits = LIMITS
        client.setNameForLocal("root", self.root)
        client.notifyOnDisconnect(lambda: self.root.done.append("client lost"))
        client.dataReceived(works(*range(10)))
        client.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.root.done, [*range(10), "client lost"])
        self.assertEqual(self.turn(), [])

    def test_nothingLeft(self) -> None:
        """Without a rest everybody hears at once."""
        self.server.dataReceived(works(1) + works(2)[:5])
        self.server.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.root.done, [1, "lost"])

    def test_broken(self) -> None:
        """If the rest can't be read, that is the end."""
        self.server.dataReceived(works(*range(5)) + b"\x05\xff")
        self.server.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.turn(), [4, "lost"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closed(self) -> None:
        """So it is if the connection is closed because of the peer meanwhile."""
        self.server.dataReceived(works(*range(10)))
        self.server.connectionLost(Failure(ConnectionDone()))
        self.server.closeConnection("a reason")
        self.assertEqual(self.turn(), ["lost"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_callsFail(self) -> None:
        """Calls of ours fail after the rest is handled, which may have answered them."""
        first = self.server.remoteForName("root").callRemote("x")
        second = self.server.remoteForName("root").callRemote("x")
        self.server.dataReceived(works(*range(5)) + encode([b"answer", 1, 7], PB))
        self.server.connectionLost(Failure(ConnectionDone()))
        self.assertNoResult(second)
        self.turn()
        self.assertEqual(self.successResultOf(first), 7)
        self.failureResultOf(second, pb.PBConnectionLost)


class FairnessTests(SlowCase):
    """
    Several connections that have more to do than one turn allows.
    """

    def test_honest(self) -> None:
        """While others flood, a call is answered at once."""
        floods = [self.connect() for _ in range(20)]
        for each in floods:
            each.server.dataReceived(works(*range(100)))
        self.root.seconds = 0.0001
        for _ in range(5):
            self.turn()
            self.assertEqual(self.pair.result(self.pair.root.callRemote("work", 5)), 5)

    def test_together(self) -> None:
        """All floods together get the time of one, in a circle; so each comes forward."""
        floods = [self.connect() for _ in range(4)]
        for number, each in enumerate(floods):
            each.server.dataReceived(works(*range(100 * number, 100 * number + 10)))
        # Who comes later finds less time left: a quarter is one call.
        self.assertEqual(self.root.done, [0, 1, 2, 3, 100, 101, 200, 201, 300])
        self.assertEqual(self.turn(), [4, 102, 202, 301])
        self.assertEqual(self.turn(), [5, 103, 203, 302])
        for _ in range(20):
            self.clock.advance(0)
        self.assertEqual([each.serverTransport.paused for each in floods], [False] * 4)

    def test_notInOneTurn(self) -> None:
        """Those for whom nothing is left of a turn are the first of the next one."""
        self.root.seconds = 0.025
        floods = [self.connect() for _ in range(3)]
        for number, each in enumerate(floods):
            each.server.dataReceived(works(*range(10 * number, 10 * number + 3)))
        self.assertEqual([self.turn() for _ in range(6)], [[1], [11], [21], [2], [12], [22]])

    def test_share(self) -> None:
        """One connection alone has all of the time."""
        turns = Turns()
        self.assertEqual(turns.share(0.02), 0.02)
        turns.wait(self.server, self.clock)
        self.assertEqual(turns.share(0.02), 0.01)
        self.clock.advance(0)
        self.assertEqual(turns.share(0.02), 0.02)

    def test_failing(self) -> None:
        """One that fails keeps nobody else from going on."""

        class Failing:
            limits = LIMITS

            def goOn(self) -> None:
                raise ZeroDivisionError("a bug")

        self.server.dataReceived(works(*range(5)))
        self.factory._together.turns.waiting.appendleft(Failing())  # type: ignore[union-attr]
        self.assertRaises(ZeroDivisionError, self.turn)
        self.assertEqual(self.turn(), [4])


class IdleTests(SlowCase):
    """
    Tests for C{Limits.idleTime}.
    """

    def setUp(self) -> None:
        """A server with patience for ten seconds."""
        super().setUp()
        self.factory.limits = replace(LIMITS, idleTime=10.0)
        self.pair = self.connect()
        self.transport = self.pair.serverTransport

    def test_silent(self) -> None:
        """A peer that sends nothing loses the connection; the log names the limit."""
        with capturedLogs() as events:
            self.clock.advance(10.1)
        self.assertTrue(self.transport.disconnecting)
        self.assertIn("silent for 10 seconds (Limits.idleTime)", events[-1]["reason"])

    def test_talking(self) -> None:
        """One that sends something now and then may stay, with one timer."""
        for _ in range(10):
            self.clock.advance(6)
            self.pair.result(self.pair.root.callRemote("work", 5))
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.assertFalse(self.transport.disconnecting)
        self.clock.advance(10)
        self.assertTrue(self.transport.disconnecting)

    def test_busy(self) -> None:
        """One for which a call is in progress isn't silent; afterwards it has all its time again."""
        waiting: Deferred[None] = Deferred()
        self.root.remote_wait = lambda: waiting  # type: ignore[attr-defined]
        self.pair.root.callRemote("wait")
        self.pair.flush()
        for _ in range(5):
            self.clock.advance(10.1)
        self.assertFalse(self.transport.disconnecting)
        waiting.callback(None)
        self.clock.advance(10.1)
        self.assertFalse(self.transport.disconnecting)
        self.clock.advance(10.1)
        self.assertTrue(self.transport.disconnecting)

    def test_notRead(self) -> None:
        """One that isn't read, as it still reads its answers, isn't silent either."""
        self.pair.server.holdReading(UNREAD)
        for _ in range(5):
            self.clock.advance(10.1)
        self.assertFalse(self.transport.disconnecting)
        self.pair.server.releaseReading(UNREAD)
        self.clock.advance(10.1)
        self.assertFalse(self.transport.disconnecting)
        self.clock.advance(10.1)
        self.assertTrue(self.transport.disconnecting)

    def test_off(self) -> None:
        """By default there is no such limit."""
        self.assertIsNone(Limits().idleTime)
        self.pair.server.limits = LIMITS
        self.assertEqual(self.clock.getDelayedCalls(), [])

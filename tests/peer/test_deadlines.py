"""
Tests for calls that are given up: cancelled, or not answered before their deadline.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread.testing import brokerPair
from tests.peer.wire import Wire

FACTORIES: dict[str, Any] = {
    "ours": lambda root: pb.PBServerFactory(root),
    "stock": lambda root: stock.PBServerFactory(root),
}
"""Servers for one root, by what they speak."""


class Copy(pb.RemoteCopy):
    """What becomes of an object by value."""


class Cache(pb.RemoteCache):
    """What becomes of an object that is kept up to date."""


class OurShown(pb.Cacheable):
    """An object that counts its observers."""

    observers = 0

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """One more."""
        self.observers += 1
        return {"value": 5}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """One less."""
        self.observers -= 1


class StockShown(stock.Cacheable):
    """The same, of C{twisted.spread}."""

    observers = 0
    getStateToCacheAndObserveFor: Any = OurShown.getStateToCacheAndObserveFor
    stoppedObserving: Any = OurShown.stoppedObserving


pb.setUnjellyableForClass(OurShown, Cache)
pb.setUnjellyableForClass(StockShown, Cache)


class Slow:
    """Answers when the test wants it to."""

    lend: Any
    show: Any

    def __init__(self) -> None:
        self.answers: list[Deferred[Any]] = []
        self.shown = self.show()

    def rootObject(self, broker: Any) -> Any:
        """The root."""
        return self

    def remote_later(self) -> Deferred[Any]:
        """Answer later."""
        answer: Deferred[Any] = Deferred()
        self.answers.append(answer)
        return answer

    def remote_echo(self, value: Any) -> Any:
        """Answer now."""
        return value

    def lent(self) -> list[Any]:
        """Two objects by reference, and one to be cached."""
        return [self.lend(), {"more": (self.lend(), self.shown)}]


class OurSlow(Slow, pb.Root):
    """Served by us."""

    lend = pb.Referenceable
    show = OurShown


class StockSlow(Slow, stock.Root):  # type: ignore[misc]
    """Served by C{twisted.spread}."""

    lend = stock.Referenceable
    show = StockShown


ROOTS: dict[str, type[Any]] = {"ours": OurSlow, "stock": StockSlow}


class Given:
    """
    What becomes of calls that are given up, whoever serves.

    @cvar kind: what the server speaks.
    """

    kind: str

    def setUp(self) -> None:
        """A client, and a server that answers late."""
        self.slow: Any = ROOTS[self.kind]()
        self.pair = brokerPair(serverFactory=FACTORIES[self.kind](self.slow))
        self.clock = self.pair.clock
        self.root = self.pair.root

    def call(self, caller: Any = None) -> Any:
        """Begin a call that isn't answered yet."""
        result = (caller or self.root).callRemote("later")
        self.pair.flush()
        return result

    def settle(self) -> None:
        """Let everything happen that has to, on both sides."""
        self.pair.flush()
        gc.collect()
        self.pair.flush()

    def answer(self, value: Any) -> None:
        """Answer the first call that isn't answered."""
        answer = self.slow.answers.pop(0)
        if isinstance(value, Exception):
            answer.errback(value)
        else:
            answer.callback(value)
        self.settle()

    def assertNothingHeld(self: Any) -> None:
        """Neither side holds anything for the other, no call waits and no timer runs."""
        self.settle()
        for broker in (self.pair.client, self.pair.server):
            self.assertEqual(dict(broker.waitingForAnswers), {})
            self.assertEqual([luid for luid in broker.localObjects if isinstance(luid, int)], [])
            self.assertEqual(dict(broker.remotelyCachedObjects), {})
            self.assertEqual(dict(broker.locallyCachedObjects), {})
        self.assertFalse(self.pair.client._peer.calls._deadlines)
        self.assertEqual(self.slow.shown.observers, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_answered(self: Any) -> None:
        """A call that is answered keeps what came; that it is given back shows that these tests can fail."""
        result = self.call()
        self.answer(self.slow.lent())
        self.assertEqual(len(self.pair.server.remotelyCachedObjects), 1)
        self.assertEqual(self.slow.shown.observers, 1)
        first, rest = self.successResultOf(result)
        self.assertEqual(rest["more"][1].value, 5)
        del first, rest, result
        self.assertNothingHeld()

    def test_cancelled(self: Any) -> None:
        """Cancelling drops the call at once; what comes with the late answer is given back."""
        result = self.call()
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertEqual(dict(self.pair.client.waitingForAnswers), {})
        self.answer(self.slow.lent())
        self.assertNothingHeld()

    def test_cancelledByUsers(self: Any) -> None:
        """So does cancelling what waits for it: a coroutine, or a Deferred with a timeout of its own."""

        async def wait() -> Any:
            return await self.root.callRemote("later")

        waiting = Deferred.fromCoroutine(wait())
        limited = self.root.callRemote("later").addTimeout(5, self.clock)
        self.pair.flush()
        waiting.cancel()
        self.clock.advance(5)
        self.failureResultOf(waiting, CancelledError)
        self.failureResultOf(limited, defer.TimeoutError)
        self.answer(self.slow.lent())
        self.answer(self.slow.lent())
        self.assertNothingHeld()

    def test_cancelledBeforeSent(self: Any) -> None:
        """A call can be cancelled before anything has left."""
        result = self.root.callRemote("later")
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.pair.flush()
        self.answer(self.slow.lent())
        self.assertNothingHeld()

    def test_argumentsAreGivenBack(self: Any) -> None:
        """What a call that is given up has lent comes back, if the peer forgets it."""
        result = self.root.callRemote("echo", pb.Referenceable())
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.pair.flush()
        self.assertNothingHeld()

    def test_late(self: Any) -> None:
        """A call that isn't answered before its deadline fails then; a late answer is given back."""
        result = self.call(self.root.withTimeout(5))
        self.clock.advance(4.9)
        self.assertNoResult(result)
        self.clock.advance(0.2)
        error = self.failureResultOf(result, pb.CallTimeout).value
        self.assertEqual(error.method, "later")
        self.assertAlmostEqual(error.age, 5.1)
        self.assertEqual(error.peer, str(self.pair.clientTransport.getPeer()))
        self.assertEqual(str(error), f"later: no answer from {error.peer} within 5 s")
        self.assertIsInstance(error, TimeoutError)
        self.assertIsInstance(error, defer.TimeoutError)
        self.assertEqual(dict(self.pair.client.waitingForAnswers), {})
        self.answer(self.slow.lent())
        self.assertNothingHeld()

    def test_lateFailure(self: Any) -> None:
        """A failure that comes too late is dropped."""
        result = self.call(self.root.withTimeout(5))
        self.clock.advance(5)
        self.failureResultOf(result, pb.CallTimeout)
        self.answer(stock.Error("too late"))
        self.assertNothingHeld()

    def test_inTime(self: Any) -> None:
        """An answer or a failure that comes in time takes the timer away."""
        result = self.call(self.root.withTimeout(5))
        self.clock.advance(4.9)
        self.answer("in time")
        self.assertEqual(self.successResultOf(result), "in time")
        self.assertNothingHeld()
        failed = self.root.withTimeout(5).callRemote("nothing")
        self.settle()
        self.assertTrue(self.failureResultOf(failed).check(stock.NoSuchMethod))
        self.flushLoggedErrors()
        self.assertNothingHeld()

    def test_lost(self: Any) -> None:
        """So does the loss of the connection, and cancelling."""
        lost, cancelled = self.call(self.root.withTimeout(5)), self.call(self.root.withTimeout(5))
        cancelled.cancel()
        self.failureResultOf(cancelled, CancelledError)
        self.pair.disconnect()
        self.failureResultOf(lost, pb.PBConnectionLost)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_default(self: Any) -> None:
        """A connection may have a deadline for all calls; one that says otherwise has its own, or none."""
        self.pair.client.callTimeout = 5
        calls = {
            5: self.call(),
            8: self.call(self.root.withTimeout(8)),
            2: self.call(self.root.withTimeout(2)),
            None: self.call(self.root.withTimeout(None)),
        }
        self.assertEqual(len(self.clock.getDelayedCalls()), 3)
        for now in range(1, 10):
            self.clock.advance(1)
            self.assertEqual(
                {at for at, each in calls.items() if each.called}, {2, 5, 8} & set(range(now + 1))
            )
        for at in (2, 5, 8):
            self.failureResultOf(calls[at], pb.CallTimeout)
        self.assertNoResult(calls[None])
        self.pair.client.callTimeout = None
        self.assertIsNone(self.pair.client.callTimeout)
        self.assertNoResult(self.call())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_withoutAnswer(self: Any) -> None:
        """A call that wants no answer has no deadline."""
        self.pair.client.callTimeout = 5
        self.assertIsNone(self.root.withTimeout(2).callRemote("echo", 1, pbanswer=False))
        self.assertIsNone(self.root.callRemote("echo", 1, pbanswer=False))
        self.assertNothingHeld()

    def test_refused(self: Any) -> None:
        """Nor has one that can't be sent."""
        result = self.root.withTimeout(2).callRemote("echo", b"x" * 10**6)
        self.failureResultOf(result, pb.LimitExceeded)
        self.assertNothingHeld()

    def test_firedByUsers(self: Any) -> None:
        """A Deferred that the application itself has fired is left alone by its deadline and the answer."""
        for answer in (True, False):
            result = self.call(self.root.withTimeout(5))
            result.callback("fired")
            if answer:
                self.answer(self.slow.lent())
            else:
                self.clock.advance(5)
                self.answer(self.slow.lent())
            self.assertEqual(self.successResultOf(result), "fired")
            self.assertNothingHeld()


class OursTests(Given, TestCase):
    """With a server of ours."""

    kind = "ours"


class StockTests(Given, TestCase):
    """With one of C{twisted.spread}."""

    kind = "stock"


class Between(pb.Broker):
    """Puts something between every call and its answer."""

    def _sendMessage(self, *call: Any) -> Any:
        result: Any = super()._sendMessage(*call)
        return defer.DeferredList([result], consumeErrors=True).addCallback(lambda results: results[0])


class ClockTests(TestCase):
    """
    What deadlines need.
    """

    def test_withoutClock(self) -> None:
        """Without a clock there are no deadlines."""
        wire = Wire(broker=pb.Broker(True))
        root = wire.broker.remoteForName("root")
        self.assertRaises(ValueError, root.withTimeout, 5)
        wire.broker.callTimeout = 5
        for caller in (root, root.withTimeout(None)):
            self.assertNoResult(caller.callRemote("echo", 1))

    def test_wrong(self) -> None:
        """A deadline is positive."""
        root = brokerPair(OurSlow()).root
        for seconds in (0, -1, float("nan")):
            error = self.assertRaises(ValueError, root.withTimeout, seconds)
            self.assertIn("positive", str(error))
            self.assertRaises(ValueError, setattr, root.broker, "callTimeout", seconds)

    def test_betweenCallAndAnswer(self) -> None:
        """Where a subclass returns a Deferred of its own, that one has the deadline."""
        pair = brokerPair(OurSlow())
        pair.client.__class__ = Between
        result = pair.root.withTimeout(5).callRemote("later")
        pair.flush()
        pair.clock.advance(5)
        self.failureResultOf(result, pb.CallTimeout)
        answered = pair.result(pair.root.withTimeout(5).callRemote("echo", 1))
        self.assertEqual(answered, (True, 1))
        self.assertEqual(pair.clock.getDelayedCalls(), [])


class UnexpectedTests(TestCase):
    """
    Answers that nobody waits for.
    """

    def setUp(self) -> None:
        """A client whose peer is the test."""
        self.wire = Wire(broker=pb.PBClientFactory(clock=Clock()).buildProtocol(None))
        self.root = self.wire.broker.remoteForName("root")

    def send(self, request: int, luid: int) -> list[Any]:
        """Answer with a reference; what the client says to it."""
        said = self.wire.exchange([b"answer", request, [b"remote", luid]])
        gc.collect()
        return said + self.wire.received()

    def test_neverMade(self) -> None:
        """The answer to a call that was never made isn't even looked at."""
        self.assertEqual(self.send(7, 1), [])

    def test_once(self) -> None:
        """A call that was given up has one answer; a second one isn't looked at."""
        result = self.root.callRemote("later")
        self.wire.received()
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertEqual(self.send(1, 1), [[b"decref", 1]])
        self.assertEqual(self.send(1, 2), [])

    def test_unreadable(self) -> None:
        """A late answer that can't be read harms nobody."""
        result = self.root.callRemote("later")
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.wire.received()
        self.assertEqual(self.wire.exchange([b"answer", 1, [b"no such form"]]), [])
        self.assertFalse(self.wire.closing)
        again = self.root.callRemote("later")
        self.wire.exchange([b"answer", 2, 5])
        self.assertEqual(self.successResultOf(again), 5)

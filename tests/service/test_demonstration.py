"""
Tests of L{myspread._service.demonstration}.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._service.demonstration import CLOCKS, Demonstration
from myspread._service.received import ReceivedCounter, ReceivedSample
from myspread.testing import BrokerPair, brokerPair
from tests.service.stockclient import Listener, StockCounter, StockSample


class OurListener(pb.Referenceable):
    """What a clock calls, as a client with myspread writes it."""

    __init__ = Listener.__init__
    remote_tick = Listener.remote_tick


class DemonstrationTests(SynchronousTestCase):
    """
    What a newcomer can call.

    @cvar clientFactory: what the client speaks.
    @cvar sample: what becomes of a C{Sample} there.
    @cvar counter: what becomes of a C{Counter} there.
    @cvar listener: what a clock calls there.
    @cvar deaf: an object without C{remote_tick}.
    """

    clientFactory: Any = pb.PBClientFactory
    sample: Any = ReceivedSample
    counter: Any = ReceivedCounter
    listener: Any = OurListener
    deaf: Any = pb.Referenceable

    def setUp(self) -> None:
        self.clock = Clock()
        self.demonstration = Demonstration(self.clock)
        self.pair = self.connect()

    def connect(self) -> BrokerPair:
        """One more client."""
        return brokerPair(self.demonstration, clientFactory=self.clientFactory(), clock=self.clock)

    def call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """What a method of the root answers."""
        return self.pair.result(self.pair.root.callRemote(method, *arguments, **keywords))

    def refusal(self, method: str, *arguments: Any) -> str:
        """What a method of the root answers when it raises L{stock.Error}."""
        answer = self.pair.root.callRemote(method, *arguments)
        self.pair.flush()
        return self.failureResultOf(answer, stock.Error).getErrorMessage()

    def advance(self, seconds: float, times: int = 1, pair: BrokerPair | None = None) -> None:
        """Let time pass, in steps, with a client that reads after each."""
        for _ in range(times):
            self.clock.advance(seconds)
            (pair or self.pair).flush()

    def test_echo(self) -> None:
        """Whatever is sent comes back."""
        value = [1, 2.5, "\N{SNOWMAN}", b"bytes", None, True, {"a": (1, 2)}]
        self.assertEqual(self.call("echo", value), value)
        listener = self.listener()
        self.assertIs(self.call("echo", listener), listener)

    def test_add(self) -> None:
        """Two values are added."""
        self.assertEqual(self.call("add", 2**70, 1), 2**70 + 1)
        self.assertEqual(self.call("add", "a", "b"), "ab")
        self.assertEqual(self.call("add", a=[1], b=[2]), [1, 2])

    def test_methods(self) -> None:
        """Every method is described, on one line, as one would call it."""
        methods = self.call("methods")
        self.assertEqual(set(methods), {"add", "clock", "counter", "echo", "methods", "sample"})
        for name, description in methods.items():
            self.assertTrue(description.startswith(f"{name}("), description)
            self.assertNotIn("\n", description)

    def test_sample(self) -> None:
        """A sample arrives with its time, and with what is shared in it."""
        self.clock.advance(1000)
        sample = self.call("sample")
        self.assertIsInstance(sample, self.sample)
        self.assertEqual(sample.taken, 1000)
        self.assertEqual(sample.numbers, [1, 2.5, 2**100])
        self.assertEqual(
            sample.words, {"str": "\N{SNOWMAN}", "bytes": b"\x00\xff", "the same list": sample.numbers}
        )
        self.assertIs(sample.words["the same list"], sample.numbers)

    def test_counter(self) -> None:
        """A counter grows at the client's by one each second."""
        counter = self.call("counter")
        self.assertIsInstance(counter, self.counter)
        self.assertEqual(counter.count, 0)
        self.advance(0.5)
        self.assertEqual(counter.count, 0)
        self.advance(0.5)
        self.assertEqual(counter.count, 1)
        self.advance(1, 3)
        self.assertEqual(counter.count, 4)

    def test_oneCounter(self) -> None:
        """All clients see the same number."""
        first = self.call("counter")
        self.advance(1, 2)
        other = self.connect()
        second = other.result(other.root.callRemote("counter"))
        self.assertEqual((first.count, second.count), (2, 2))
        self.advance(1)
        other.flush()
        self.assertEqual((first.count, second.count), (3, 3))

    def test_counterRests(self) -> None:
        """The counter grows only while somebody watches."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        counter = self.call("counter")
        self.advance(1, 2)
        del counter
        gc.collect()
        self.pair.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.advance(1, 5)
        self.assertEqual(self.call("counter").count, 2)

    def test_counterForgetsTheLost(self) -> None:
        """A lost connection watches no more; the other clients do."""
        lost = self.call("counter")
        other = self.connect()
        counter = other.result(other.root.callRemote("counter"))
        self.pair.disconnect()
        self.advance(1, pair=other)
        self.assertEqual((lost.count, counter.count), (0, 1))
        other.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_clock(self) -> None:
        """A clock tells the time again and again, at first after the given seconds."""
        listener = self.listener()
        self.call("clock", listener, 2)
        self.advance(1)
        self.assertEqual(listener.times, [])
        self.advance(1, 5)
        self.assertEqual(listener.times, [2, 4, 6])

    def test_clockEachSecond(self) -> None:
        """Unless told otherwise, a clock ticks each second."""
        listener = self.listener()
        self.call("clock", listener)
        self.advance(1, 2)
        self.assertEqual(listener.times, [1, 2])

    def test_clockStops(self) -> None:
        """The client can stop a clock, and do so again."""
        listener = self.listener()
        clock = self.call("clock", listener)
        self.advance(1)
        for _ in range(2):
            self.pair.result(clock.callRemote("stop"))
        self.advance(1, 3)
        self.assertEqual(listener.times, [1])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_clockWaits(self) -> None:
        """A clock doesn't tick again before its listener has answered."""
        listener = self.listener()
        listener.answers = Deferred()
        self.call("clock", listener, 1)
        self.advance(1, 4)
        self.assertEqual(listener.times, [1])
        listener.answers.callback(None)
        self.pair.flush()
        self.advance(1)
        self.assertEqual(listener.times, [1, 5])

    def test_clockOfTheLost(self) -> None:
        """A clock stops with its connection, between two ticks."""
        self.call("clock", self.listener(), 3600)
        self.pair.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_clockOfTheLostThatOwesAnAnswer(self) -> None:
        """It stops with its connection, too, while it waits for an answer."""
        listener = self.listener()
        listener.answers = Deferred()
        self.call("clock", listener, 1)
        self.advance(1)
        self.pair.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_clockOfTheDeaf(self) -> None:
        """A clock whose listener has no C{remote_tick} stops."""
        self.call("clock", self.deaf(), 1)
        self.advance(1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.flushLoggedErrors(stock.NoSuchMethod)

    def test_clockRefuses(self) -> None:
        """A clock needs a listener that can be called, and a sensible number of seconds."""
        self.assertSubstring("the listener must be", self.refusal("clock", "listener", 1))
        for seconds in (0, 0.001, -1, 4000, float("nan"), float("inf"), "1", None, [1]):
            self.assertSubstring("seconds must be", self.refusal("clock", self.listener(), seconds))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_clocksAreCounted(self) -> None:
        """There is a bound to the clocks that tick; one that stops makes room."""
        listener = self.listener()
        clocks = [self.pair.root.callRemote("clock", listener, 9) for _ in range(CLOCKS)]
        self.pair.flush()
        self.assertSubstring("too many clocks", self.refusal("clock", listener, 9))
        self.pair.result(self.successResultOf(clocks[0]).callRemote("stop"))
        self.call("clock", listener, 9)
        self.pair.disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class StockClientTests(DemonstrationTests):
    """
    The same, from a client that runs C{twisted.spread}.
    """

    clientFactory = stock.PBClientFactory
    sample = StockSample
    counter = StockCounter
    listener = Listener
    deaf = stock.Referenceable

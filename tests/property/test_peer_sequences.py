"""
Random sequences of what two peers may do with each other, in memory, between
every pair of implementations, with every message cut anywhere.

What each side lends, holds and observes is known here too, as plain lists; the
tables of both brokers must agree with these whenever nothing is on its way.
"""

from __future__ import annotations

import gc
from collections import Counter as Multiset
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred, gatherResults
from twisted.spread import pb as stockPB
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb as ourPB
from myspread.testing import BrokerPair, brokerPair
from tests.interop.graphs import difference
from tests.property.test_jelly_differential import graphs

bounded = settings(
    deadline=None,
    database=None,
    max_examples=40,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

TAG = b"sequences.Counter"


@dataclass(frozen=True)
class Kinds:
    """The classes of one implementation."""

    pb: Any
    target: Any
    counter: Any
    door: Any


def makeKinds(pb: Any) -> Kinds:
    """
    The classes that are sent about.

    @param pb: the module that they come from.
    """

    class Target(pb.Referenceable):
        """Something that can be called."""

    class Counter(pb.Cacheable):
        """A number that others keep a cache of, and all the values it had."""

        def __init__(self) -> None:
            self.history = [0]
            self.observers: list[Any] = []

        def getTypeToCopy(self) -> bytes:
            return TAG

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            self.observers.append(observer)
            return {"value": self.history[-1]}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None:
            self.observers.remove(observer)

        def change(self, value: int) -> Any:
            self.history.append(value)
            told = [observer.callRemote("changed", value) for observer in self.observers]
            return gatherResults(told, consumeErrors=True)

    class RemoteCounter(pb.RemoteCache):
        """The cache, with the values that it heard of."""

        def setCopyableState(self, state: Any) -> None:
            self.history = [state["value"]]

        def observe_changed(self, value: int) -> None:
            self.history.append(value)

    pb.setUnjellyableForClass(TAG, RemoteCounter)

    class Door(pb.Referenceable):
        """Where the other side brings things."""

        def __init__(self, side: Side) -> None:
            self.side = side

        def remote_take(self, kind: str, index: int, *things: Any) -> None:
            self.side.held += [(kind, index, thing) for thing in things]

        def remote_isMine(self, kind: str, index: int, thing: Any, *, again: Any) -> bool:
            return thing is again is self.side.own[kind][index]

        def remote_echo(self, graph: Any) -> Any:
            return graph

        def remote_number(self, number: int) -> int:
            self.side.numbers.append(number)
            return number

        def remote_refuse(self, number: int) -> None:
            self.side.numbers.append(number)
            raise pb.Error(f"refused {number}")

        def remote_later(self) -> Any:
            self.side.later.append(Deferred())
            return self.side.later[-1]

    return Kinds(pb, Target, Counter, Door)


KINDS = {"stock": makeKinds(stockPB), "our": makeKinds(ourPB)}


@dataclass
class Side:
    """
    One of the peers.

    @ivar own: what it lends, by kind.
    @ivar held: what it has of the other side: kind, number and object.
    @ivar numbers: what it was called with, in order.
    @ivar sent: what it has called the other side with, in order.
    @ivar later: Deferreds that calls of the other side wait for.
    """

    kinds: Kinds
    broker: Any
    own: dict[str, list[Any]] = field(default_factory=dict)
    held: list[tuple[str, int, Any]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    later: list[Any] = field(default_factory=list)
    other: Any = None

    def __post_init__(self) -> None:
        self.own["target"] = [self.kinds.target() for _ in range(3)]
        self.own["counter"] = [self.kinds.counter() for _ in range(2)]
        self.broker.setNameForLocal("door", self.kinds.door(self))
        self.door = self.broker.remoteForName("door")


class Peers(RuleBasedStateMachine):
    """
    Two peers, and all they do.

    @ivar check: has the C{assert...} methods.
    @ivar pending: calls without an answer yet, each with a check of what it
        will be answered with.
    """

    def __init__(self, check: SynchronousTestCase, server: Kinds, client: Kinds) -> None:
        super().__init__()
        self.check = check
        self.pair: BrokerPair = brokerPair(
            serverFactory=server.pb.PBServerFactory(server.pb.Root()),
            clientFactory=client.pb.PBClientFactory(),
        )
        self.sides = Side(server, self.pair.server), Side(client, self.pair.client)
        self.sides[0].other, self.sides[1].other = self.sides[1], self.sides[0]
        self.pending: list[tuple[Any, Callable[[Any], None]]] = []
        self.counted = 0

    def expect(self, answer: Any, checkAnswer: Callable[[Any], None]) -> None:
        """Check the answer of a call when it has come."""
        self.pending.append((answer, checkAnswer))

    def call(self, side: Side, method: str, expected: Any, *args: Any, **kw: Any) -> None:
        """Call the door of the other side; the answer must be the expected one."""
        answer = side.door.callRemote(method, *args, **kw)
        self.expect(answer, lambda result: self.check.assertEqual(result, expected))

    # What may happen

    sides_ = st.sampled_from([0, 1])

    @rule(which=sides_, index=st.integers(0, 2), times=st.integers(1, 3))
    def lend(self, which: int, index: int, times: int) -> None:
        """Give the other side references to a target."""
        side = self.sides[which]
        self.call(side, "take", None, "target", index, *[side.own["target"][index]] * times)

    @rule(which=sides_, index=st.integers(0, 1))
    def show(self, which: int, index: int) -> None:
        """Give the other side a cache of a counter."""
        side = self.sides[which]
        self.call(side, "take", None, "counter", index, side.own["counter"][index])

    @rule(which=sides_, index=st.integers(0, 1), value=st.integers())
    def change(self, which: int, index: int, value: int) -> None:
        """Change a counter."""
        self.expect(self.sides[which].own["counter"][index].change(value), lambda result: None)

    @rule(which=sides_, choice=st.integers(0, 100))
    def giveBack(self, which: int, choice: int) -> None:
        """Send something to where it came from."""
        side = self.sides[which]
        if side.held:
            kind, index, thing = side.held[choice % len(side.held)]
            self.call(side, "isMine", True, kind, index, thing, again=thing)

    @rule(which=sides_, choice=st.integers(0, 100))
    def drop(self, which: int, choice: int) -> None:
        """Let go of something."""
        side = self.sides[which]
        if side.held:
            del side.held[choice % len(side.held)]

    @rule(which=sides_, graph=graphs())
    def echo(self, which: int, graph: Any) -> None:
        """Send values there and back."""
        if difference(graph, stockRoundTrip(graph)) == "":
            answer = self.sides[which].door.callRemote("echo", graph)
            self.expect(answer, lambda result: self.check.assertEqual(difference(graph, result), ""))

    @rule(which=sides_, how=st.sampled_from(["answer", "refuse", "none"]))
    def number(self, which: int, how: str) -> None:
        """Call with a number, to see the order of calls."""
        side = self.sides[which]
        self.counted += 1
        number = self.counted
        side.sent.append(number)
        if how == "none":
            self.check.assertIsNone(side.door.callRemote("number", number, pbanswer=False))
        elif how == "answer":
            self.call(side, "number", number, number)
        else:
            answer = side.door.callRemote("refuse", number).addErrback(lambda failure: failure.value)
            self.expect(answer, lambda result: self.check.assertEqual(result, f"refused {number}"))

    @rule(which=sides_)
    def askForLater(self, which: int) -> None:
        """Make a call whose answer isn't there yet."""
        self.call(self.sides[which], "later", "later")

    @rule(which=sides_, choice=st.integers(0, 100))
    def answerLater(self, which: int, choice: int) -> None:
        """Give one of these answers."""
        side = self.sides[which]
        if side.later:
            side.later.pop(choice % len(side.later)).callback("later")

    @rule(size=st.integers(1, 50))
    def deliverPart(self, size: int) -> None:
        """A few bytes arrive."""
        self.pair.deliver(size)

    @rule()
    def deliver(self) -> None:
        """All that is on its way arrives."""
        self.pair.deliver()

    @precondition(lambda self: self.pending)
    @rule()
    def settle(self) -> None:
        """All calls get their answers, and everything agrees."""
        self.pair.flush()
        for side in self.sides:
            while side.later:
                side.later.pop().callback("later")
        self.pair.flush()
        for answer, checkAnswer in self.pending:
            checkAnswer(self.check.successResultOf(answer))
        self.pending.clear()
        gc.collect(0)
        self.pair.flush()
        for side in self.sides:
            self.compare(side, side.other)

    def compare(self, side: Side, other: Side) -> None:
        """What the broker of one side knows is what the other side holds."""
        self.check.assertEqual(other.numbers, side.sent)
        lent = {
            luid: local.refcount for luid, local in side.broker.localObjects.items() if isinstance(luid, int)
        }
        held = Multiset(thing.luid for kind, _, thing in other.held if kind == "target")
        self.check.assertEqual(lent, dict(held))
        caches = {thing.luid: index for kind, index, thing in other.held if kind == "counter"}
        self.check.assertEqual(set(side.broker.remotelyCachedObjects), set(caches))
        self.check.assertEqual(set(other.broker.locallyCachedObjects), set(caches))
        for index, counter in enumerate(side.own["counter"]):
            self.check.assertEqual(len(counter.observers), int(index in caches.values()))
        for kind, index, thing in other.held:
            if kind == "counter":
                values = thing.history
                self.check.assertEqual(side.own["counter"][index].history[-len(values) :], values)

    def teardown(self) -> None:
        """When the connection is lost, every call ends, and so does observing."""
        if self.pair.connected:
            self.pair.disconnect()
        for answer, _ in self.pending:
            answer.addErrback(lambda failure: failure.trap(stockPB.PBConnectionLost, stockPB.Error))
            answer.addErrback(lambda failure: failure.value.subFailure.trap(stockPB.PBConnectionLost))
            self.check.assertNotEqual(self.check.successResultOf(answer), self)
        for side in self.sides:
            self.check.assertEqual([counter.observers for counter in side.own["counter"]], [[], []])
            side.held.clear()


def stockRoundTrip(graph: Any) -> Any:
    """What stock makes of values, or something else where it can't."""
    try:
        return stockPB.unjelly(stockPB.jelly(graph))
    except Exception:
        return stockRoundTrip


class SequenceTests(SynchronousTestCase):
    """
    Whatever two peers do, their tables agree.
    """

    def run_(self, server: str, client: str) -> None:
        """Try sequences between two implementations."""
        run_state_machine_as_test(lambda: Peers(self, KINDS[server], KINDS[client]), settings=bounded)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_ourServerOurClient(self) -> None:
        """
        myspread on both sides.
        """
        self.run_("our", "our")

    def test_ourServerStockClient(self) -> None:
        """
        A stock client.
        """
        self.run_("our", "stock")

    def test_stockServerOurClient(self) -> None:
        """
        A stock server.
        """
        self.run_("stock", "our")

    def test_stockServerStockClient(self) -> None:
        """
        Stock on both sides: what we ask for is what stock does.
        """
        self.run_("stock", "stock")

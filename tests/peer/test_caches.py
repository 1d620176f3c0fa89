"""
Tests for the caches that peers hold: L{myspread._peer.caches}.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._peer.caches import Caches
from myspread.limits import Limits
from myspread.testing import brokerPair
from tests.peer.test_order import Counter, RemoteCounter
from tests.peer.test_references import Stubborn
from tests.peer.wire import NO_KEYWORDS, Wire, arguments, call

TAG = b"tests.peer.test_order.Counter"


class Noisy(Counter):
    """Records how observing ends."""

    def __init__(self, value: int = 0) -> None:
        super().__init__(value)
        self.stopped: list[Any] = []

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Say goodbye to the observer, as long as it can be called."""
        super().stoppedObserving(perspective, observer)
        self.stopped.append((perspective, observer.callRemote("changed", -1)))


class Fragile(Counter):
    """Fails when it is no longer observed."""

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Fail."""
        raise ZeroDivisionError("stopped")


class Twin(Counter):
    """All instances count as the same object."""

    def processUniqueID(self) -> Any:
        """The same for all."""
        return "twin"


for kind in (Noisy, Fragile, Twin):
    pb.setUnjellyableForClass(kind, RemoteCounter)


class Desk(pb.Root):
    """Lets counters be cached."""

    def __init__(self, counter: Counter | None = None) -> None:
        self.counter = counter or Counter(5)
        self.result: Any = self.counter
        self.taken: list[Any] = []

    def remote_counter(self) -> Any:
        """The counter, or whatever the test put in its place."""
        return self.result

    def remote_new(self) -> Any:
        """A new counter."""
        return Counter()

    def remote_take(self, *values: Any) -> None:
        """Keep something."""
        self.taken += values

    def remote_isIt(self, value: Any) -> bool:
        """Whether this is the counter itself."""
        return value is self.counter


class WireTests(TestCase):
    """
    The messages about caches.
    """

    def setUp(self) -> None:
        """A server."""
        self.desk = Desk()
        self.wire = Wire(self.desk)

    def test_forms(self) -> None:
        """The first time the state is sent, then only the id."""
        self.assertEqual(
            self.wire.exchange(call(1, b"counter"), call(2, b"counter")),
            [
                [b"answer", 1, [TAG, 1, [b"dictionary", [[b"unicode", b"value"], 5]]]],
                [b"answer", 2, [b"cached", 1]],
            ],
        )
        self.assertEqual(self.wire.broker.remotelyCachedObjects[1].refcount, 2)
        self.assertEqual(list(self.wire.broker.remotelyCachedLUIDs.values()), [1])

    def test_update(self) -> None:
        """A change travels as C{cachemessage}."""
        self.wire.exchange(call(1, b"counter"))
        self.desk.counter.change(6)
        self.assertEqual(
            self.wire.received(), [[b"cachemessage", 1, 1, b"changed", 1, arguments(6), NO_KEYWORDS]]
        )

    def test_decache(self) -> None:
        """The last C{decache} ends observing and is answered with C{uncache}; further ones are ignored."""
        self.wire.exchange(call(1, b"counter"), call(2, b"counter"))
        self.assertEqual(self.wire.exchange([b"decache", 1]), [])
        self.assertEqual(len(self.desk.counter.observers), 1)
        self.assertEqual(self.wire.exchange([b"decache", 1]), [[b"uncache", 1]])
        self.assertEqual(self.desk.counter.observers, [])
        self.assertEqual(self.wire.exchange(*[[b"decache", luid] for luid in (1, 2, -1)] * 300), [])
        self.assertFalse(self.wire.closing)
        self.assertEqual(self.wire.exchange(call(3, b"counter"))[0][2][:2], [TAG, 2])

    def test_goodbye(self) -> None:
        """During stoppedObserving the observer can still be called; C{uncache} follows."""
        self.desk.result = counter = Noisy()
        self.wire.exchange(call(1, b"counter"))
        goodbye = [each[0] for each in self.wire.exchange([b"decache", 1])]
        self.assertEqual(goodbye, [b"cachemessage", b"uncache"])
        self.assertEqual(len(counter.stopped), 1)

    def test_failingGoodbye(self) -> None:
        """A stoppedObserving that fails is logged; the peer gets its C{uncache}."""
        self.desk.result = Fragile()
        self.wire.exchange(call(1, b"counter"))
        self.assertEqual(self.wire.exchange([b"decache", 1]), [[b"uncache", 1]])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_updateOfUnknown(self) -> None:
        """An update of a cache that we don't hold fails, unlogged."""
        answers = self.wire.exchange([b"cachemessage", 1, 9, b"changed", 1, arguments(6), NO_KEYWORDS])
        self.assertEqual([each[:2] for each in answers], [[b"error", 1]])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_holding(self) -> None:
        """A cache that we hold gets its updates, is given back, and forgotten on C{uncache}."""
        state = [b"dictionary", [[b"unicode", b"value"], 5]]
        self.wire.send([b"message", 1, b"root", b"take", 1, arguments([TAG, 9, state]), NO_KEYWORDS])
        (cache,) = self.desk.taken
        update = [b"cachemessage", 2, 9, b"changed", 0, arguments(6), NO_KEYWORDS]
        self.wire.send(update)
        self.assertEqual(cache.value, 6)
        self.wire.send([b"message", 3, b"root", b"take", 0, arguments([b"cached", 9]), NO_KEYWORDS])
        self.assertEqual(self.desk.taken[1].value, 6)
        self.assertIsNot(self.desk.taken[1], cache)
        self.wire.received()
        del cache
        self.desk.taken.clear()
        gc.collect()
        self.assertEqual(self.wire.received(), [[b"decache", 9], [b"decache", 9]])
        self.assertEqual(self.wire.exchange([b"uncache", 9], [b"uncache", 9]), [])
        self.assertEqual(self.wire.broker.locallyCachedObjects, {})

    def test_uncacheWhileHeld(self) -> None:
        """A cache that the peer forgets keeps its state, and is no longer given back."""
        form = [TAG, 9, [b"dictionary", [[b"unicode", b"value"], 5]]]
        self.wire.exchange([b"message", 1, b"root", b"take", 1, arguments(form), NO_KEYWORDS])
        self.wire.send([b"uncache", 9])
        self.assertEqual(self.desk.taken[0].value, 5)
        self.desk.taken.clear()
        gc.collect()
        self.assertEqual(self.wire.received(), [])


class PairTests(TestCase):
    """
    Caches between two brokers.
    """

    def setUp(self) -> None:
        """A pair."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)

    def ask(self, method: str, *args: Any) -> Any:
        """The result of a call."""
        return self.pair.result(self.pair.root.callRemote(method, *args))

    def test_goesBack(self) -> None:
        """A cache that is sent back arrives as the original."""
        self.assertTrue(self.ask("isIt", self.ask("counter")))

    def test_processUniqueID(self) -> None:
        """Objects of one C{processUniqueID} are one cache."""
        self.desk.result = [Twin(1), Twin(2)]
        first, second = self.ask("counter")
        self.assertEqual((first.value, second.value), (1, 1))
        self.assertEqual(self.pair.server.remotelyCachedLUIDs, {"twin": 1})

    def test_broker(self) -> None:
        """The Broker's own view of its caches."""
        cache = self.ask("counter")
        server, client = self.pair.server, self.pair.client
        self.assertEqual(server.cachedRemotelyAs(self.desk.counter), 1)
        self.assertIs(server.remotelyCachedForLUID(1), self.desk.counter)
        self.assertEqual(client.cachedLocallyAs(1), cache)
        self.assertIsNone(server.cachedRemotelyAs(Counter()))
        self.assertRaises(KeyError, server.remotelyCachedForLUID, 2)
        self.assertRaises(KeyError, client.cachedLocallyAs, 2)

    def test_disconnect(self) -> None:
        """When the connection is lost, observing ends once, whatever the peer's receipts do later."""
        self.desk.result = counter = Counter()
        stops: list[Any] = []
        counter.stoppedObserving = lambda *args: stops.append(args)  # type: ignore[method-assign]
        caches = [self.ask("counter"), self.ask("counter")]
        observers = list(counter.observers)
        self.pair.disconnect()
        caches.clear()
        gc.collect()
        self.assertEqual(stops, [(None, observers[0])])
        self.assertIsNone(self.pair.server.remotelyCachedObjects)

    def test_failingOnDisconnect(self) -> None:
        """One object that fails then doesn't keep the others from hearing of it."""
        other = Counter()
        self.desk.result = [Fragile(), other]
        caches = self.ask("counter")
        self.pair.disconnect()
        self.assertEqual(other.observers, [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        del caches

    def test_refusedCall(self) -> None:
        """A call that is refused ends observing; what was cached before stays."""
        counter, known = Counter(), Counter()
        self.ask("take", known)
        for bad in (Stubborn(), b"x" * (640 * 1024 + 1)):
            self.failureResultOf(self.pair.root.callRemote("take", known, counter, bad))
        self.assertEqual(counter.observers, [])
        self.assertEqual(len(known.observers), 1)
        self.assertEqual([each.refcount for each in self.pair.client.remotelyCachedObjects.values()], [1])

    def test_refusedAnswer(self) -> None:
        """An answer that is refused ends observing."""
        for bad in (Stubborn(), b"x" * (640 * 1024 + 1)):
            self.desk.result = [self.desk.counter, bad]
            self.failureResultOf(self.flushed("counter"))
        self.assertEqual(self.desk.counter.observers, [])
        self.assertEqual(self.pair.server.remotelyCachedObjects, {})
        self.flushLoggedErrors()

    def flushed(self, method: str) -> Any:
        """The Deferred of a call, after all has moved."""
        result = self.pair.root.callRemote(method)
        self.pair.flush()
        return result


class LimitTests(TestCase):
    """
    How many caches one peer may hold.
    """

    def test_threeErrorsThenClose(self) -> None:
        """Over the limit three calls fail; the fourth closes the connection."""
        wire = Wire(Desk(), limits=Limits(caches=1))
        answers = wire.exchange(*[call(number, b"new") for number in range(1, 8)])
        self.assertEqual([each[0] for each in answers], [b"answer"] * 2 + [b"error"] * 3)
        self.assertIn(b"Maximum PB cache count exceeded.", answers[2][2][1][3][1])
        self.assertTrue(wire.closing)

    def test_together(self) -> None:
        """Violations of both limits, on references and on caches, are counted together."""

        class Both(Desk):
            def remote_lend(self) -> Any:
                return pb.Referenceable()

        wire = Wire(Both(), limits=Limits(caches=0, references=0, violations=1))
        calls = enumerate((b"new", b"new", b"lend", b"new"))
        answers = wire.exchange(*[call(number, method) for number, method in calls])
        self.assertEqual([each[0] for each in answers], [b"answer", b"error"])
        self.assertTrue(wire.closing)


class CachesTests(TestCase):
    """
    Tests for L{Caches} alone.
    """

    def test_unknown(self) -> None:
        """Giving back what nobody has is a KeyError."""
        self.assertRaises(KeyError, Caches().giveBack, 1, None)

"""
Tests for L{myspread._peer.broadcasting}.
"""

from __future__ import annotations

import gc
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._codec import PB
from myspread._jelly import globalSecurity
from myspread._native import accelerator
from myspread._peer.broadcasting import SharedArguments
from myspread.limits import Limits
from myspread.testing import BrokerPair, brokerPair

_numbers = some.integers() | some.floats(allow_nan=False)
_scalars = some.none() | some.booleans() | _numbers | some.text() | some.binary()
_plain = some.recursive(
    _scalars,
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.lists(inner, max_size=4).map(tuple)
        | some.dictionaries(some.text() | some.integers(), inner, max_size=4)
        # The same list twice.
        | some.lists(inner, max_size=2).map(lambda each: [each, each])
        | some.sets(some.integers(), max_size=3)
    ),
    max_leaves=20,
)


anyPace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For busy machines."""


class Listener(pb.Referenceable):
    """
    What is called.

    @ivar heard: the arguments of each call.
    """

    def __init__(self, answer: Any = None) -> None:
        self.heard: list[Any] = []
        self.answer = answer

    def remote_changed(self, *args: Any, **kw: Any) -> Any:
        """Remember it."""
        self.heard.append((args, kw))
        return self.answer

    def remote_broken(self) -> None:
        """Fail."""
        raise pb.Error("broken")


class Board(pb.Root):
    """
    What listeners register with.
    """

    def __init__(self) -> None:
        self.listeners: list[Any] = []

    def remote_register(self, listener: Any) -> None:
        """Remember somebody."""
        self.listeners.append(listener)


class Price(pb.Cacheable):
    """Something that is observed."""

    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        """Nothing yet."""
        self.observers.append(observer)
        return {}


class SeenPrice(pb.RemoteCache):
    """What becomes of it."""

    value: Any = None

    def observe_changed(self, value: Any) -> None:
        """It has changed."""
        self.value = value


pb.setUnjellyableForClass(Price, SeenPrice)


class Looking(pb.Broker):
    """Wants to see what is sent."""

    sent: list[Any]

    def sendCall(self, *exp: Any) -> None:
        """Look."""
        self.__dict__.setdefault("sent", []).append(exp)
        super().sendCall(*exp)


class BroadcastTests(SynchronousTestCase):
    """
    L{pb.broadcast} from a server to its clients.
    """

    def setUp(self) -> None:
        self.board = Board()
        self.pairs: list[BrokerPair] = []
        self.heard: list[Listener] = []

    def join(self, listener: Listener | None = None, **kw: Any) -> BrokerPair:
        """One more client, with a listener."""
        pair = brokerPair(self.board, **kw)
        heard = listener or Listener(len(self.heard))
        pair.result(pair.root.callRemote("register", heard))
        self.pairs.append(pair)
        self.heard.append(heard)
        return pair

    def flush(self) -> None:
        """Let everything arrive."""
        for pair in self.pairs:
            pair.flush()

    def outcomes(self, *args: Any, name: str = "changed", **kw: Any) -> list[Any]:
        """What a broadcast to all comes to."""
        waiting = pb.broadcast(self.board.listeners, name, *args, **kw)
        self.flush()
        found: list[Any] = self.successResultOf(waiting)
        return found

    def test_everybody(self) -> None:
        """Each gets the same, and each has an answer of its own, in order."""
        for _ in range(3):
            self.join()
        self.assertEqual(self.outcomes([1, {"a": "b"}], word="\N{SNOWMAN}"), [0, 1, 2])
        for listener in self.heard:
            self.assertEqual(listener.heard, [(([1, {"a": "b"}],), {"word": "\N{SNOWMAN}"})])

    def test_nobody(self) -> None:
        """There may be nobody to call."""
        self.assertEqual(self.successResultOf(pb.broadcast([], "changed", 1)), [])

    def test_bytesName(self) -> None:
        """A name may be bytes, as for callRemote."""
        self.join()
        waiting = pb.broadcast(self.board.listeners, b"changed")
        self.flush()
        self.assertEqual(self.successResultOf(waiting), [0])

    @anyPace
    @given(_plain)
    def test_sameBytes(self, value: Any) -> None:
        """What leaves are the bytes of a call."""
        pair = brokerPair(self.board)
        self.board.listeners.clear()
        heard = Listener()
        pair.result(pair.root.callRemote("register", heard))
        [listener] = self.board.listeners
        written = []
        for start in (
            lambda: listener.callRemote("changed", value, key=value, pbanswer=False),
            lambda: pb.broadcast([listener], "changed", value, key=value, pbanswer=False),
        ):
            # Both are the same call, so that both have the same number.
            pair.server._peer.calls.lastRequest = 7
            start()
            written.append(bytes(pair.serverTransport.written))
            pair.flush()
        self.assertEqual(written[0], written[1])
        self.assertEqual(len(heard.heard), 2)

    def test_writtenOnce(self) -> None:
        """Connections that have the same policy and limits share what was written."""
        for each in ((1, "two"), ([{"a": 1}], {"b"})):
            shared = SharedArguments(each, {"k": None})
            limits = Limits()
            first = shared.formsFor(PB, limits, globalSecurity, None)
            self.assertIsNotNone(first)
            self.assertIs(shared.formsFor(PB, limits, globalSecurity, None), first)
            self.assertIsNot(shared.formsFor(PB, Limits(references=7), globalSecurity, None), first)

    def test_sameEitherWay(self) -> None:
        """The accelerator writes what the pure modules write."""
        if accelerator is None:
            return
        self.join()
        server = self.pairs[0].server
        shared = SharedArguments(([1, "a", {"b": 2.5}],), {})
        native = shared.formsFor(PB, server.limits, globalSecurity, server.plainEncoder())
        pure = shared.formsFor(PB, server.limits, globalSecurity, None)
        assert native is not None and pure is not None
        self.assertEqual(
            [(each.data, each.elements) for each in native], [(each.data, each.elements) for each in pure]
        )

    def test_lostConnection(self) -> None:
        """Somebody who is gone has an outcome, and the others don't notice."""
        for _ in range(3):
            self.join()
        self.pairs[1].disconnect()
        first, second, third = self.outcomes(7)
        self.assertEqual((first, third), (0, 2))
        self.assertIsInstance(second, Failure)
        self.assertTrue(second.check(pb.DeadReferenceError))

    def test_lostMeanwhile(self) -> None:
        """So has somebody whose connection is lost before the answer."""
        for _ in range(2):
            self.join()
        waiting = pb.broadcast(self.board.listeners, "changed", 7)
        self.pairs[0].disconnect()
        self.flush()
        first, second = self.successResultOf(waiting)
        self.assertTrue(first.check(pb.PBConnectionLost))
        self.assertEqual(second, 1)

    def test_failing(self) -> None:
        """What fails at one listener is its outcome."""
        for _ in range(2):
            self.join()
        for outcome in self.outcomes(name="broken"):
            self.assertTrue(outcome.check(pb.Error))
        self.assertEqual(self.outcomes(), [0, 1])

    def test_withoutAnswers(self) -> None:
        """It has fired at once, and nobody answers."""
        for _ in range(2):
            self.join()
        self.pairs[1].disconnect()
        waiting = pb.broadcast(self.board.listeners, "changed", 7, pbanswer=False)
        sent, lost = self.successResultOf(waiting)
        self.assertIsNone(sent)
        self.assertTrue(lost.check(pb.DeadReferenceError))
        self.flush()
        self.assertEqual(self.heard[0].heard, [((7,), {})])
        self.assertEqual(self.pairs[0].server.waitingForAnswers, {})

    def test_references(self) -> None:
        """What isn't plain is converted for each: a reference is lent to each, and given back."""
        for _ in range(2):
            self.join()
        lent = Listener("lent")
        self.assertEqual(self.outcomes(lent), [0, 1])
        for pair, listener in zip(self.pairs, self.heard, strict=True):
            self.assertIn(lent, [each.object for each in pair.server.localObjects.values()])
            [((reference,), _)] = listener.heard
            self.assertEqual(pair.result(reference.callRemote("changed")), "lent")
            listener.heard.clear()
        del reference
        gc.collect()
        self.flush()
        for pair in self.pairs:
            self.assertNotIn(lent, [each.object for each in pair.server.localObjects.values()])

    def test_cannotTravel(self) -> None:
        """What can't travel fails for each, and leaves nothing lent."""
        for _ in range(2):
            self.join()
        lent = Listener()
        for outcome in self.outcomes(lent, Decimal("NaN")):
            self.assertTrue(outcome.check(pb.InsecureJelly), outcome)
        for pair in self.pairs:
            self.assertNotIn(lent, [each.object for each in pair.server.localObjects.values()])

    def test_tooLarge(self) -> None:
        """What is too large for one connection isn't for another."""
        small = pb.PBServerFactory(self.board, limits=Limits(stringLength=1000))
        self.join(serverFactory=small)
        self.join()
        first, second = self.outcomes(b"x" * 1001)
        self.assertTrue(first.check(pb.LimitExceeded), first)
        self.assertSubstring("Limits.stringLength is 1000", str(first.value))
        self.assertEqual(second, 1)

    def test_overridden(self) -> None:
        """A broker that looks at what it sends sees lists."""
        factory = pb.PBServerFactory(self.board)
        factory.protocol = Looking
        self.join(serverFactory=factory)
        self.assertEqual(self.outcomes([1], word=2), [0])
        [call] = [each for each in self.pairs[0].server.sent if each[0] == b"message"]
        self.assertEqual(call[5:], ([b"tuple", [b"list", 1]], [b"dictionary", [[b"unicode", b"word"], 2]]))

    def test_closedPolicy(self) -> None:
        """Where a policy doesn't allow all plain values, each connection converts for itself."""
        policy = pb.SecurityPolicy(types=("tuple", "dictionary", "remote"))
        self.assertIsNone(SharedArguments((1,), {}).formsFor(PB, Limits(), policy, None))
        self.join(serverFactory=pb.PBServerFactory(self.board, security=policy))
        self.assertEqual(self.outcomes(1), [0])
        self.assertEqual(self.heard[0].heard, [((1,), {})])

    def test_cancelled(self) -> None:
        """Cancelling gives up the calls that aren't answered."""
        self.join()
        self.join(Listener(Deferred()))
        waiting = pb.broadcast(self.board.listeners, "changed")
        self.flush()
        self.assertNoResult(waiting)
        waiting.cancel()
        first, second = self.successResultOf(waiting)
        self.assertEqual(first, 0)
        self.assertTrue(second.check(CancelledError))
        self.assertEqual(self.pairs[1].server.waitingForAnswers, {})

    def test_deadline(self) -> None:
        """A reference with a deadline keeps it."""
        self.join()
        pair = self.join(Listener(Deferred()))
        listeners = [each.withTimeout(5) for each in self.board.listeners]
        waiting = pb.broadcast(listeners, "changed")
        self.flush()
        pair.clock.advance(6)
        first, second = self.successResultOf(waiting)
        self.assertEqual(first, 0)
        self.assertTrue(second.check(pb.CallTimeout))

    def test_observers(self) -> None:
        """Observers of a cache are told in the same way."""
        price = Price()
        caches = []
        for _ in range(2):
            pair = self.join()
            listener = self.board.listeners[-1]
            sending = listener.callRemote("changed", price)
            self.flush()
            self.successResultOf(sending)
            caches.append(self.heard[-1].heard[0][0][0])
            self.assertIsInstance(caches[-1], SeenPrice)
            self.assertIsNotNone(pair)
        waiting = pb.broadcast(price.observers, "changed", [1.5])
        self.flush()
        self.assertEqual(self.successResultOf(waiting), [None, None])
        self.assertEqual([cache.value for cache in caches], [[1.5], [1.5]])
        self.pairs[0].disconnect()
        first, second = self.successResultOf(pb.broadcast(price.observers, "changed", 2, pbanswer=False))
        self.assertTrue(first.check(pb.DeadReferenceError))
        self.assertIsNone(second)

    def test_otherCallees(self) -> None:
        """Whatever has callRemote can be called, a session for example."""

        class Callee:
            def callRemote(self, _name: str, *args: Any, **kw: Any) -> Any:
                calls.append((_name, args, kw))
                return None if kw.get("pbanswer") is False else succeed("fine")

        calls: list[Any] = []
        self.assertEqual(self.successResultOf(pb.broadcast([Callee()], "changed", 1, k=2)), ["fine"])
        self.assertEqual(self.successResultOf(pb.broadcast([Callee()], "changed", pbanswer=False)), [None])
        self.assertEqual(calls, [("changed", (1,), {"k": 2}), ("changed", (), {"pbanswer": False})])

    def test_callbacks(self) -> None:
        """The callbacks of old have no place here."""
        error = self.assertRaises(TypeError, pb.broadcast, [], "changed", pbcallback=print)
        self.assertSubstring("no pbcallback", str(error))

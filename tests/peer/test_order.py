"""
Tests for the order in which messages leave: L{myspread._peer.outbox}.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._errors import BananaError, LimitExceeded
from myspread._peer.outbox import Outbox
from myspread.testing import brokerPair
from tests.peer.wire import Wire, call


class Counter(pb.Cacheable):
    """A number that is kept up to date."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """The number so far."""
        self.observers.append(observer)
        return {"value": self.value}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Forget the observer."""
        self.observers.remove(observer)

    def change(self, value: int) -> list[Any]:
        """Set the number here and at the peers."""
        self.value = value
        return [observer.callRemote("changed", value) for observer in self.observers]


class RemoteCounter(pb.RemoteCache):
    """The copy."""

    def observe_changed(self, value: int) -> None:
        """Take over a change."""
        self.value = value


class Hasty(Counter):
    """Changes while its first state is being taken."""

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """The number; a moment later it is another."""
        state = super().getStateToCacheAndObserveFor(perspective, observer)
        self.change(self.value + 1)
        return state


pb.setUnjellyableForClass(Counter, RemoteCounter)
pb.setUnjellyableForClass(Hasty, RemoteCounter)


class Telling(pb.Copyable):
    """Calls back while its state is being taken."""

    def __init__(self, tell: Any) -> None:
        self.tell = tell

    def getStateToCopy(self) -> dict[str, Any]:
        """Nothing, but somebody is told."""
        self.tell()
        return {}


pb.setUnjellyableForClass(Telling, pb.RemoteCopy)


class Lent(pb.Referenceable):
    """An object that is lent."""

    def remote_name(self) -> str:
        """Say who this is."""
        return "lent"


class Desk(pb.Root):
    """Does what the tests need."""

    def __init__(self) -> None:
        self.counter = Counter()
        self.heard: list[Any] = []

    def remote_echo(self, *values: Any) -> Any:
        """Return the values."""
        self.heard.append(len(values))
        return values

    def remote_tell(self, what: Any) -> None:
        """Remember."""
        self.heard.append(what)

    def remote_counter(self) -> Counter:
        """The counter."""
        return self.counter

    def remote_hasty(self) -> Counter:
        """A counter that changes at once."""
        return Hasty(5)

    def remote_change(self, value: int) -> int:
        """Change the counter."""
        self.counter.change(value)
        return value


class OutboxTests(TestCase):
    """
    Tests for L{Outbox} alone.
    """

    def setUp(self) -> None:
        """An outbox that writes to a list, but nothing large."""
        self.written: list[Any] = []
        self.refused = ""
        self.outbox = Outbox(self)

    def checkEncodable(self, expression: Any) -> None:
        """Refuse what is large."""
        if expression == "large":
            raise LimitExceeded("too large")

    def sendEncoded(self, expression: Any) -> None:
        """Write, if it can be written."""
        self.checkEncodable(expression)
        if expression == self.refused:
            raise BananaError("a subclass won't send this")
        self.written.append(expression)

    def test_atOnce(self) -> None:
        """Usually a message is written at once, and so is what is given back."""
        self.outbox.send("a")
        self.outbox.release("b")
        self.assertEqual(self.written, ["a", "b"])

    def test_whileConverting(self) -> None:
        """What is sent while something is being serialised is written after its message."""
        self.outbox.converting += 1
        self.outbox.send("late")
        self.outbox.release("later")
        self.outbox.sendWaiting()
        self.assertEqual(self.written, [])
        self.outbox.converting -= 1
        self.outbox.send("first")
        self.assertEqual(self.written, ["first", "late", "later"])

    def test_whileHandling(self) -> None:
        """What is given back while calls are handled is written after the outermost."""
        self.outbox.handling += 2
        self.outbox.release("decref")
        self.outbox.handled()
        self.outbox.send("answer")
        self.outbox.handled()
        self.assertEqual(self.written, ["answer", "decref"])

    def test_refused(self) -> None:
        """A message that can't be encoded is refused, whether or not it has to wait."""
        self.assertRaises(LimitExceeded, self.outbox.send, "large")
        self.outbox.converting += 1
        self.assertRaises(LimitExceeded, self.outbox.send, "large")
        self.outbox.converting -= 1
        self.outbox.sendWaiting()
        self.assertEqual(self.written, [])

    def test_refusedAfterWaiting(self) -> None:
        """If one that has waited is refused after all, it is logged, and the next ones leave."""

        self.outbox.converting += 1
        self.outbox.send("a")
        self.outbox.send("b")
        self.outbox.converting -= 1
        self.refused = "a"
        self.outbox.sendWaiting()
        self.assertEqual(self.written, ["b"])
        self.assertEqual(len(self.flushLoggedErrors(BananaError)), 1)

    def test_clear(self) -> None:
        """Nothing that waits survives the connection."""
        self.outbox.handling += 1
        self.outbox.converting += 1
        self.outbox.send("a")
        self.outbox.release("b")
        self.outbox.clear()
        self.outbox.converting -= 1
        self.outbox.handled()
        self.assertEqual(self.written, [])


class UpdatesTests(TestCase):
    """
    Updates of caches, in their order with answers.
    """

    def setUp(self) -> None:
        """A pair."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)

    def test_updateBeforeAnswer(self) -> None:
        """An update that was sent before an answer is applied before the answer fires."""
        cache = self.pair.result(self.pair.root.callRemote("counter"))
        seen: list[int] = []
        answer = self.pair.root.callRemote("change", 7)
        answer.addCallback(lambda value: seen.append(cache.value))
        self.pair.flush()
        self.assertEqual(seen, [7])

    def test_updateWhileSerialising(self) -> None:
        """A change that happens while the first state is being taken reaches the peer after it."""
        cache = self.pair.result(self.pair.root.callRemote("hasty"))
        self.assertEqual(cache.value, 6)

    def test_updateWhileSerialisingAnArgument(self) -> None:
        """The same holds for a cache that the client sends."""
        held: list[Any] = []
        self.desk.remote_tell = held.append  # type: ignore[method-assign]
        self.pair.result(self.pair.root.callRemote("tell", Hasty(5)))
        self.assertEqual(held[0].value, 6)

    def test_callWhileSerialising(self) -> None:
        """A call made while arguments are being serialised leaves after their call."""
        inner: list[Deferred[Any]] = []
        root = self.pair.root
        outer = root.callRemote("echo", Telling(lambda: inner.append(root.callRemote("tell", "inner"))))
        self.pair.result(outer)
        self.assertEqual(self.desk.heard, [1, "inner"])
        self.assertIsNone(self.successResultOf(inner[0]))

    def test_callWhileSerialisingWhatIsRefused(self) -> None:
        """If their call is refused, the other one leaves all the same."""
        inner: list[Deferred[Any]] = []
        root = self.pair.root
        tell = Telling(lambda: inner.append(root.callRemote("tell", "inner")))
        outer = root.callRemote("echo", tell, b"x" * (640 * 1024 + 1))
        self.failureResultOf(outer, LimitExceeded)
        self.pair.flush()
        self.assertIsNone(self.successResultOf(inner[0]))
        self.assertEqual(self.desk.heard, ["inner"])

    def test_refusedCallWhileSerialising(self) -> None:
        """A call that is too large fails even when it is made while something is being serialised."""
        inner: list[Deferred[Any]] = []
        root = self.pair.root
        tell = Telling(lambda: inner.append(root.callRemote("tell", Lent(), b"x" * (640 * 1024 + 1))))
        self.pair.result(root.callRemote("echo", tell))
        self.failureResultOf(inner[0], LimitExceeded)
        self.assertEqual(self.pair.client.localObjects, {})
        self.assertEqual(self.pair.client.waitingForAnswers, {})

    def test_refusedAnswerWhileSerialising(self) -> None:
        """A pending answer that fires just then, and is too large, is answered with an error."""
        waiting: Deferred[Any] = Deferred()
        self.desk.remote_tell = lambda what: waiting  # type: ignore[method-assign]
        pending = self.pair.root.callRemote("tell", 1)
        self.pair.flush()
        tell = Telling(lambda: waiting.callback(b"x" * (640 * 1024 + 1)))
        self.desk.remote_echo = lambda: tell  # type: ignore[assignment,method-assign]
        self.pair.result(self.pair.root.callRemote("echo"))
        self.pair.flush()
        self.assertIn(b"LimitExceeded", self.failureResultOf(pending).type)
        self.flushLoggedErrors(LimitExceeded)

    def test_methodThatCallsBack(self) -> None:
        """A call that a method makes leaves before the answer to it."""
        heard: list[Any] = []

        class Ear(pb.Referenceable):
            def remote_hear(self, what: Any) -> None:
                heard.append(what)

        def tell(ear: Any) -> str:
            ear.callRemote("hear", "during")
            return "after"

        self.desk.remote_tell = tell  # type: ignore[assignment,method-assign]
        self.pair.root.callRemote("tell", Ear()).addCallback(heard.append)
        self.pair.flush()
        self.assertEqual(heard, ["during", "after"])


class EchoTests(TestCase):
    """
    References that come back.
    """

    def test_decrefAfterTheAnswer(self) -> None:
        """A reference that a call brought is given back after the answer that may name it."""
        wire = Wire(Desk())
        answers = wire.exchange(call(1, b"echo", [b"remote", 9]))
        self.assertEqual(answers, [[b"answer", 1, [b"tuple", [b"local", 9]]], [b"decref", 9]])

    def test_decrefWithoutAnswer(self) -> None:
        """It is given back even if no answer is wanted, and if the method fails."""
        wire = Wire(Desk())
        self.assertEqual(wire.exchange(call(1, b"echo", [b"remote", 9], wanted=0)), [[b"decref", 9]])
        answers = wire.exchange(call(1, b"absent", [b"remote", 9]))
        self.flushLoggedErrors(pb.NoSuchMethod)
        gc.collect()
        self.assertEqual([each[0] for each in answers + wire.received()], [b"error", b"decref"])

    def test_identical(self) -> None:
        """An object of the client that is echoed comes back as itself; the counts return to zero."""
        pair = brokerPair(Desk())
        lent = Lent()
        for _ in range(3):
            first, second, again = pair.result(pair.root.callRemote("echo", lent, [lent], lent))
            self.assertIs(first, lent)
            self.assertIs(second[0], lent)
            self.assertIs(again, lent)
            gc.collect()
            pair.flush()
            self.assertEqual(pair.client.localObjects, {})
            self.assertEqual(list(pair.server.localObjects), [b"root"])

    def test_cacheIdentical(self) -> None:
        """So does a Cacheable of the client; it is no longer observed after that."""
        pair = brokerPair(Desk())
        counter = Counter(3)
        (echoed,) = pair.result(pair.root.callRemote("echo", counter))
        self.assertIs(echoed, counter)
        gc.collect()
        pair.flush()
        self.assertEqual(counter.observers, [])
        self.assertEqual(pair.client.remotelyCachedObjects, {})
        self.assertEqual(pair.server.locallyCachedObjects, {})

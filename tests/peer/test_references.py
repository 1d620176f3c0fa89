"""
Tests for what is lent to a peer: L{myspread._peer.references}.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._peer.references import Local, References
from myspread.limits import Limits
from myspread.testing import brokerPair
from tests.peer.wire import Wire, call


class Lent(pb.Referenceable):
    """An object that is lent."""


class Twin(Lent):
    """All instances count as the same object."""

    def processUniqueID(self) -> Any:
        """The same for all."""
        return "twin"


class Stubborn(pb.Copyable):
    """Can't be sent."""

    def getStateToCopy(self) -> Any:
        """Fail."""
        raise ZeroDivisionError("no state")


class Desk(pb.Root):
    """Lends what it is told to."""

    def __init__(self) -> None:
        self.shared = Lent()
        self.result: Any = None

    def remote_new(self, count: int = 1) -> Any:
        """New objects."""
        return [Lent() for _ in range(count)]

    def remote_shared(self) -> Any:
        """Always the same object."""
        return self.shared

    def remote_given(self) -> Any:
        """What the test has put there."""
        return self.result

    def remote_take(self, *ignored: Any) -> None:
        """Take anything, and forget it."""


class LocalTests(TestCase):
    """
    Tests for L{Local}.
    """

    def test_counts(self) -> None:
        """A new one counts 1; counting returns the new count."""
        local = Local("object", "perspective")
        self.assertEqual((local.object, local.perspective, local.refcount), ("object", "perspective", 1))
        self.assertEqual([local.incref(), local.decref(), local.decref()], [2, 1, 0])
        self.assertIs(pb.Local, Local)

    def test_repr(self) -> None:
        """Its repr shows object and count."""
        self.assertEqual(repr(Local("object")), "<pb.Local 'object' ref:1>")


class LuidsTests(TestCase):
    """
    Tests for the ids of references and caches.
    """

    def test_new(self) -> None:
        """Ids begin with 1 and are never repeated."""
        broker = pb.Broker()
        self.assertEqual([broker.newLocalID(), broker.newLocalID(), broker.currentLocalID], [1, 2, 2])


class ReferencesTests(TestCase):
    """
    Tests for L{References}.
    """

    def setUp(self) -> None:
        """Nothing is lent yet."""
        self.references = References()
        self.lent = Lent()

    def test_lend(self) -> None:
        """What is lent is found, and counted."""
        self.assertIsNone(self.references.again(self.lent))
        self.references.lend(1, self.lent)
        self.assertEqual(self.references.again(self.lent), 1)
        self.assertIs(self.references.find(1), self.lent)
        self.assertEqual(self.references.objects[1].refcount, 2)
        self.assertEqual(len(self.references), 1)
        self.assertIsNone(self.references.find(2))

    def test_giveBack(self) -> None:
        """Given back as often as it was lent, it is forgotten, and the clean-up called once."""
        cleaned: list[int] = []
        self.references.lend(1, self.lent)
        self.references.again(self.lent)
        self.references.cleanups[self.lent.processUniqueID()] = lambda: cleaned.append(1)
        self.assertTrue(self.references.giveBack(1))
        self.assertEqual(cleaned, [])
        self.assertTrue(self.references.giveBack(1))
        self.assertEqual(cleaned, [1])
        self.assertFalse(self.references.giveBack(1))
        self.assertEqual((cleaned, len(self.references), self.references.luids), ([1], 0, {}))

    def test_named(self) -> None:
        """A named object isn't counted, and stays until it is withdrawn."""
        self.references.name(b"name", self.lent)
        for _ in range(3):
            self.assertFalse(self.references.giveBack(b"name"))
        self.assertIs(self.references.find(b"name"), self.lent)
        self.assertIsNone(self.references.again(self.lent))
        self.references.withdraw(b"name")
        self.assertIsNone(self.references.find(b"name"))

    def test_withdraw(self) -> None:
        """What is withdrawn is forgotten, however often it was lent."""
        self.references.lend(1, self.lent)
        self.references.again(self.lent)
        self.references.withdraw(1)
        self.assertIsNone(self.references.find(1))
        self.assertRaises(KeyError, self.references.withdraw, 1)

    def test_changedIdentity(self) -> None:
        """An object that got a second id keeps it when the first one is withdrawn."""
        self.references.lend(1, self.lent)
        self.references.lend(2, self.lent)
        self.references.withdraw(1)
        self.assertEqual(self.references.again(self.lent), 2)

    def test_withdrawNameOfLentObject(self) -> None:
        """Withdrawing a name leaves the same object's references alone."""
        self.references.lend(1, self.lent)
        self.references.name(b"name", self.lent)
        cleaned: list[int] = []
        self.references.cleanups[self.lent.processUniqueID()] = lambda: cleaned.append(1)
        self.references.withdraw(b"name")
        self.assertEqual((self.references.again(self.lent), cleaned), (1, []))


class LendingTests(TestCase):
    """
    References between two brokers.
    """

    def setUp(self) -> None:
        """A pair."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)
        self.client, self.server = self.pair.client, self.pair.server

    def ask(self, method: str, *args: Any) -> Any:
        """The result of a call."""
        return self.pair.result(self.pair.root.callRemote(method, *args))

    def counts(self) -> dict[Any, int]:
        """How often the server has lent what."""
        gc.collect()
        self.pair.flush()
        return {luid: local.refcount for luid, local in self.server.localObjects.items() if luid != b"root"}

    def test_counting(self) -> None:
        """Each answer counts once for each time that it names the object by id."""
        first = self.ask("shared")
        second = self.ask("shared")
        self.assertEqual(first, second)
        self.assertEqual(self.counts(), {1: 2})
        del first
        self.assertEqual(self.counts(), {1: 1})
        del second
        self.assertEqual(self.counts(), {})

    def test_newIds(self) -> None:
        """An object that was given back gets a new id the next time."""
        self.assertEqual([self.ask("shared").luid, self.ask("shared").luid], [1, 2])
        self.assertEqual((self.server.currentLocalID, self.counts()), (2, {}))

    def test_processUniqueID(self) -> None:
        """Objects of one C{processUniqueID} are one for the peer."""
        twins = Twin(), Twin()
        self.desk.result = twins
        first, second = self.ask("given")
        self.assertEqual(first, second)
        self.assertEqual(self.server.luids, {"twin": 1})
        self.assertIs(self.server.localObjectForID(1), twins[0])
        del first, second
        self.assertEqual(self.counts(), {})

    def test_cleanup(self) -> None:
        """The clean-up of an object is called when its last reference is given back."""
        cleaned: list[int] = []
        reference = self.ask("shared")
        self.server._localCleanup[self.desk.shared.processUniqueID()] = lambda: cleaned.append(1)
        self.ask("take", reference)
        self.assertEqual(cleaned, [])
        del reference
        self.counts()
        self.assertEqual(cleaned, [1])

    def test_outsideOfACall(self) -> None:
        """A program may lend an object itself; calls that are refused don't take that back."""
        lent = Lent()
        luid = self.client.registerReference(lent)
        self.failureResultOf(self.pair.root.callRemote("take", lent, Stubborn()))
        self.assertEqual(self.client.localObjects[luid].refcount, 1)

    def test_unregister(self) -> None:
        """An object that is unregistered is dead for the peer, at once."""
        reference = self.ask("shared")
        self.server.unregisterReference(reference.luid)
        with self.assertRaises(pb.Error):
            self.pair.result(reference.callRemote("anything"))
        self.assertEqual(self.counts(), {})

    def test_names(self) -> None:
        """Names are bytes on the wire, str or bytes for programs; a name that isn't lent fails the call."""
        self.server.setNameForLocal("extra", self.desk)
        for name in ("extra", b"extra"):
            self.assertIs(self.server.localObjectForID(name), self.desk)
            self.pair.result(self.client.remoteForName(name).callRemote("take"))
        with self.assertRaises(pb.Error):
            self.pair.result(self.client.remoteForName("other").callRemote("take"))
        self.server.unregisterReference("extra")
        self.assertIsNone(self.server.localObjectForID("extra"))
        self.assertRaises(AssertionError, self.server.setNameForLocal, "none", None)

    def test_namedIsNotGivenBack(self) -> None:
        """Forgetting a reference to a named object sends nothing."""
        reference = self.client.remoteForName("root")
        del reference
        gc.collect()
        self.assertEqual(self.pair.clientTransport.written, b"")

    def test_localOfUnknown(self) -> None:
        """C{[local, id]} of an object that isn't lent any more arrives as None, as in stock."""
        wire = Wire(self.desk)
        self.desk.remote_take = lambda value: value is None  # type: ignore[method-assign]
        self.assertEqual(
            wire.exchange(call(1, b"take", [b"local", 99])), [[b"answer", 1, [b"boolean", b"true"]]]
        )


class GivingBackTests(TestCase):
    """
    The C{decref} message.
    """

    def test_unknown(self) -> None:
        """Giving back what isn't lent has no effect, however often it is done."""
        wire = Wire(Desk())
        flood = [[b"decref", luid] for luid in (0, -1, 1, 2**70, b"root", b"nothing")] * 200
        self.assertEqual(wire.exchange(*flood), [])
        self.assertFalse(wire.closing)
        self.assertEqual(wire.exchange(call(1, b"take")), [[b"answer", 1, [b"None"]]])

    def test_tooOften(self) -> None:
        """Giving back more often than it was lent harms nobody else."""
        wire = Wire(Desk())
        wire.send(call(1, b"shared"), [b"decref", 1], [b"decref", 1], call(2, b"shared"))
        counts = {luid: local.refcount for luid, local in wire.broker.localObjects.items()}
        self.assertEqual(counts, {b"root": 1, 2: 1})

    def test_failingCleanup(self) -> None:
        """A clean-up that fails is logged; the connection stays."""
        desk = Desk()
        wire = Wire(desk)
        wire.send(call(1, b"shared"))

        def fail() -> None:
            raise ZeroDivisionError("clean-up")

        wire.broker._localCleanup[desk.shared.processUniqueID()] = fail
        wire.send([b"decref", 1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(list(wire.broker.localObjects), [b"root"])


class LimitTests(TestCase):
    """
    How much is lent to one peer.
    """

    def test_threeErrorsThenClose(self) -> None:
        """Over the limit three calls fail; the fourth closes the connection. The named root counts."""
        wire = Wire(Desk(), limits=Limits(references=3))
        answers = wire.exchange(*[call(number, b"new") for number in range(1, 10)])
        self.assertEqual(
            [each[:2] for each in answers],
            [[b"answer", 1], [b"answer", 2], [b"answer", 3]] + [[b"error", 4], [b"error", 5], [b"error", 6]],
        )
        self.assertIn(b"Maximum PB reference count exceeded.", answers[3][2][1][3][1])
        self.assertTrue(wire.closing)
        self.assertEqual(wire.broker.maxBrokerRefsViolations, 4)

    def test_roomAgain(self) -> None:
        """References that are given back make room; those already lent may be sent again."""
        wire = Wire(Desk(), limits=Limits(references=2))
        wire.send(call(1, b"shared"), call(2, b"new"), call(3, b"new"))
        answers = wire.exchange(call(4, b"shared"), [b"decref", 2], call(5, b"new"))
        self.assertEqual([each[:2] for each in answers][-2:], [[b"answer", 4], [b"answer", 5]])
        self.assertEqual(wire.broker.maxBrokerRefsViolations, 1)

    def test_nothingStaysLent(self) -> None:
        """An answer that goes over the limit takes back all that it had lent."""
        wire = Wire(Desk(), limits=Limits(references=3))
        self.assertEqual([each[0] for each in wire.exchange(call(1, b"new", 10))], [b"error"])
        self.assertEqual(list(wire.broker.localObjects), [b"root"])
        self.assertEqual(wire.broker.luids, {})

    def test_default(self) -> None:
        """By default 1024 are lent, named ones included, and one more, as in stock."""
        wire = Wire(Desk())
        answers = wire.exchange(call(1, b"new", 1024), call(2, b"new"))
        self.assertEqual([each[0] for each in answers], [b"answer", b"error"])
        self.assertEqual(pb.MAX_BROKER_REFS, 1024)


class RefusedTests(TestCase):
    """
    Calls and answers that are refused leave nothing lent.
    """

    def setUp(self) -> None:
        """A pair."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)

    def test_call(self) -> None:
        """A call with an argument that can't travel takes back the others."""
        lent = Lent()
        before = self.pair.client.remoteForName("root").callRemote("take", lent)
        for bad in (Stubborn(), b"x" * (640 * 1024 + 1)):
            refused = self.pair.root.callRemote("take", lent, Lent(), bad)
            self.failureResultOf(refused)
            refused = self.pair.root.callRemote("take", lent, key=[Lent(), bad])
            self.failureResultOf(refused)
        self.assertEqual([local.refcount for local in self.pair.client.localObjects.values()], [1])
        self.pair.result(before)
        gc.collect()
        self.pair.flush()
        self.assertEqual(self.pair.client.localObjects, {})

    def test_answer(self) -> None:
        """So does an answer, at once or later."""
        for bad in (Stubborn(), b"x" * (640 * 1024 + 1)):
            self.desk.result = [Lent(), self.desk.shared, bad]
            with self.assertRaises(Exception):  # noqa: B017 - either of two errors
                self.pair.result(self.pair.root.callRemote("given"))
            later: Deferred[Any] = Deferred()
            self.desk.remote_take = lambda later=later: later  # type: ignore[method-assign,misc]
            pending = self.pair.root.callRemote("take")
            self.pair.flush()
            later.callback(self.desk.result)
            self.pair.flush()
            self.failureResultOf(pending)
        self.assertEqual(list(self.pair.server.localObjects), [b"root"])
        self.assertTrue(self.flushLoggedErrors())

    def test_afterTheConnectionIsLost(self) -> None:
        """If the connection is lost in the middle, there is nothing to take back."""

        class Leaving(pb.Copyable):
            def getStateToCopy(this) -> Any:
                self.pair.disconnect()
                raise ZeroDivisionError("gone")

        self.failureResultOf(self.pair.root.callRemote("take", Lent(), Leaving()), ZeroDivisionError)
        self.assertIsNone(self.pair.client.localObjects)


class UnansweredTests(TestCase):
    """
    What a method returns to a call that wants no answer isn't lent: nobody
    could give it back.
    """

    def setUp(self) -> None:
        """A desk that returns what the test has put there."""
        self.desk = Desk()
        self.wire = Wire(self.desk)

    def assertNothingLent(self) -> None:
        """Only the root is lent, nothing is cached, and calls that want answers still get theirs."""
        broker = self.wire.broker
        self.assertEqual((list(broker.localObjects), broker.remotelyCachedObjects), ([b"root"], {}))
        ((command, request, form),) = self.wire.exchange(call(9, b"new"))
        self.assertEqual((command, request, form[1][0]), (b"answer", 9, b"remote"))

    def test_result(self) -> None:
        """Neither references nor caches are."""
        self.desk.result = [Lent(), pb.Cacheable()]
        self.assertEqual(self.wire.exchange(call(1, b"given", wanted=0)), [])
        self.assertNothingLent()

    def test_deferred(self) -> None:
        """Nor what comes later, of a Deferred or of a coroutine."""
        self.desk.result = Deferred()
        self.assertEqual(self.wire.exchange(call(1, b"given", wanted=0)), [])
        self.desk.result.callback(Lent())

        async def later() -> Any:
            return Lent()

        self.desk.result = later()
        self.assertEqual(self.wire.exchange(call(2, b"given", wanted=0)), [])
        self.assertNothingLent()

    def test_perspective(self) -> None:
        """Nor what is returned through a view."""

        class Seen(pb.Viewable):
            def view_new(self, perspective: Any) -> Any:
                return Lent()

        self.desk.result = Seen()
        ((_, _, form),) = self.wire.exchange(call(1, b"given"))
        self.assertEqual(self.wire.exchange(call(2, b"new", wanted=0, target=form[1])), [])
        self.assertEqual(sorted(map(str, self.wire.broker.localObjects)), ["1", "b'root'"])


class EndOfTheInterpreterTests(TestCase):
    """
    References that are left when the interpreter ends.
    """

    def test_nothingIsSent(self) -> None:
        """Whoever would have to be told of them isn't any more."""
        pair = brokerPair(Desk())
        [reference] = pair.result(pair.root.callRemote("new"))
        sent: list[Any] = []
        reference.broker.sendDecRef = sent.append
        reference.__del__(lambda: True)
        self.assertEqual(sent, [])
        reference.__del__()
        self.assertEqual(sent, [reference.luid])
        reference.doRefCount = 0

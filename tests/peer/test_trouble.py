"""
What happens when application code fails, or surprises, at the worst moment.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from myspread import pb, util
from myspread.testing import brokerPair
from tests.peer.wire import Wire, arguments, call


class Lent(pb.Referenceable):
    """An object that is lent."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Desk(pb.Root):
    """Returns what the test has put there."""

    result: Any = None

    def remote_given(self) -> Any:
        """What the test has put there."""
        return self.result() if callable(self.result) else self.result

    def remote_take(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Hooked(pb.Copyable):
    """Does something while it is being sent."""

    def __init__(self, hook: Any) -> None:
        self.hook = hook

    def getStateToCopy(self) -> Any:
        return self.hook()


class Sudden(pb.RemoteCopy):
    """Fails in a way that isn't an Exception."""

    def setCopyableState(self, state: Any) -> None:
        raise asyncio.CancelledError("sudden")


pb.setUnjellyableForClass("tests.peer.Sudden", Sudden)


class TroubleTests(TestCase):
    """
    Two brokers in memory.
    """

    def setUp(self) -> None:
        """Nothing has happened yet."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)

    def test_firedByTheApplication(self) -> None:
        """A call that the application gave up itself keeps nobody else from hearing of the loss."""
        told: list[str] = []
        self.desk.result = Deferred
        abandoned = self.pair.root.callRemote("given")
        waiting = self.pair.root.callRemote("given")
        abandoned.errback(Failure(ZeroDivisionError()))
        self.pair.client.notifyOnDisconnect(lambda: told.append("lost"))
        self.pair.disconnect()
        self.failureResultOf(waiting, pb.PBConnectionLost)
        self.failureResultOf(abandoned, ZeroDivisionError)
        self.assertEqual(told, ["lost"])

    def test_answeredAfterwards(self) -> None:
        """The late answer to such a call is ignored."""
        abandoned = self.pair.root.callRemote("take", 1)
        abandoned.callback("own")
        self.pair.flush()
        self.assertEqual(self.successResultOf(abandoned), "own")
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_exitingNotifier(self) -> None:
        """A notifier that exits keeps no other from being called."""
        told: list[str] = []

        def leave() -> None:
            raise SystemExit

        self.pair.client.notifyOnDisconnect(leave)
        self.pair.client.notifyOnDisconnect(lambda: told.append("lost"))
        self.pair.disconnect()
        self.assertEqual(told, ["lost"])
        self.assertEqual(len(self.flushLoggedErrors(SystemExit)), 1)

    def test_lostWhileSerialising(self) -> None:
        """A call whose argument loses the connection while it is being serialised fails."""

        def lose() -> Any:
            self.pair.disconnect()
            return {}

        self.failureResultOf(self.pair.root.callRemote("take", Hooked(lose)), pb.PBConnectionLost)

    def test_suddenAnswer(self) -> None:
        """An answer whose class raises what is no Exception fails its call, and no other."""
        client = self.pair.client
        asked = self.pair.root.callRemote("given")
        client.proto_answer(1, [b"tests.peer.Sudden", [b"dictionary"]])
        self.failureResultOf(asked, asyncio.CancelledError)
        self.assertEqual(self.pair.result(self.pair.root.callRemote("take", 5)), 5)

    def test_sharedFailure(self) -> None:
        """Each call that is answered by one failing Deferred hears of the failure, early or late."""
        shared: Deferred[Any] = Deferred()
        self.desk.result = lambda: shared
        early = [self.pair.root.callRemote("given") for _ in range(2)]
        self.pair.flush()
        shared.errback(Failure(pb.Error("no")))
        early.append(self.pair.root.callRemote("given"))
        self.pair.flush()
        for asked in early:
            self.assertEqual(self.failureResultOf(asked).value, "no")

    def test_firedWithin(self) -> None:
        """A Deferred that fires while another result is being made, and refused, keeps what it lends."""
        first: Deferred[Any] = Deferred()
        self.desk.result = lambda: first
        asked = self.pair.root.callRemote("given")
        self.pair.flush()

        def fire() -> Any:
            first.callback(Lent())
            raise pb.Error("refused")

        self.desk.result = lambda: Hooked(fire)
        refused = self.pair.root.callRemote("given")
        lent = self.pair.result(asked)
        self.failureResultOf(refused)
        self.assertEqual(self.pair.result(lent.callRemote("echo", 1)), 1)

    def test_refusedAnswer(self) -> None:
        """An answer that turns out too deep for its message takes back what it lent."""
        deep: Any = Lent()
        for _ in range(1023):
            deep = [deep]
        self.desk.result = deep
        asked = self.pair.root.callRemote("given")
        self.pair.flush()
        self.failureResultOf(asked)
        self.assertEqual(list(self.pair.server.localObjects), [b"root"])
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_changingIdentity(self) -> None:
        """An object whose processUniqueID changes can be given back and lent again."""

        class Moody(Lent):
            identity = 1

            def processUniqueID(self) -> Any:
                return self.identity

        moody = Moody()
        self.desk.result = moody
        reference = self.pair.result(self.pair.root.callRemote("given"))
        moody.identity = 2
        del reference
        gc.collect()
        self.pair.flush()
        moody.identity = 1
        reference = self.pair.result(self.pair.root.callRemote("given"))
        self.assertEqual(self.pair.result(reference.callRemote("echo", 1)), 1)

    def test_permissiveResult(self) -> None:
        """A result that has any attribute isn't taken for a coroutine."""

        class Anything:
            def __getattr__(self, name: str) -> Any:
                if name.startswith("__"):
                    raise AttributeError(name)
                return None

        self.desk.result = [Anything()]
        (stand,) = self.pair.result(self.pair.root.callRemote("given"))
        self.assertIn("Anything", stand.reason)

    def test_deadObserver(self) -> None:
        """An observer whose connection is lost says so."""
        seen: list[Any] = []

        class Kept(pb.Cacheable):
            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
                seen.append(observer)
                return {}

        self.desk.result = Kept()
        self.pair.root.callRemote("given").addErrback(lambda ignored: None)
        self.pair.flush()
        self.pair.disconnect()
        self.assertRaises(pb.DeadReferenceError, seen[0].callRemote, "change")


class WireTests(TestCase):
    """
    One broker, whose peer is the test.
    """

    def test_wanted(self) -> None:
        """Anything false means that no answer is wanted, anything else that one is."""
        for wanted in (b"", 0.0, [], 0):
            self.assertEqual(Wire(Desk()).exchange(call(1, b"take", 5, wanted=wanted)), [])  # type: ignore[arg-type]
        for wanted in (b"x", 1.5, [1], 2):
            answers = Wire(Desk()).exchange(call(1, b"take", 5, wanted=wanted))  # type: ignore[arg-type]
            self.assertEqual(answers, [[b"answer", 1, 5]])

    def test_longNames(self) -> None:
        """Names that no method or argument can have end up in no log at length."""
        wire = Wire(Desk())
        for name in (b"x" * 600000, b"a\nforged line", b"a b", b""):
            ((_, _, failure),) = wire.exchange(call(1, name))
            self.assertLess(len(repr(failure)), 2000)
        keywords = [b"dictionary", [[b"unicode", b"k" * 600000], 1]]
        ((_, _, failure),) = wire.exchange([b"message", 1, b"root", b"take", 1, arguments(), keywords])
        self.assertLess(len(repr(failure)), 2000)
        logged = self.flushLoggedErrors()
        self.assertEqual(len(logged), 5)
        self.assertLess(max(len(str(failure)) for failure in logged), 2000)


class LocalTests(TestCase):
    """
    Objects that look remote.
    """

    def test_coroutine(self) -> None:
        """A local method may be C{async def}, too."""

        class Local(util.LocalAsRemote):
            async def async_double(self, value: int) -> int:
                return 2 * value

        self.assertEqual(self.successResultOf(Local().callRemote("double", 4)), 8)


class Demanding(pb.RemoteCache):
    """A cache that can't be made."""

    def __init__(self, needed: Any) -> None:
        """Never called rightly."""


class Offered(pb.Cacheable):
    """An object that the peer can't cache."""

    def __init__(self) -> None:
        self.stopped = 0

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.stopped += 1


pb.setUnjellyableForClass(Offered, Demanding)


class CacheTests(TestCase):
    """
    Caches that can't be made.
    """

    def test_toldOnce(self) -> None:
        """The peer is told once that a cache whose C{__init__} fails is forgotten."""
        desk = Desk()
        desk.result = offered = Offered()
        pair = brokerPair(desk)
        asked = pair.root.callRemote("given")
        pair.flush()
        self.failureResultOf(asked, TypeError)
        gc.collect()
        pair.flush()
        self.assertEqual((offered.stopped, pair.server.remotelyCachedObjects), (1, {}))
        self.assertEqual(self.flushLoggedErrors(), [])

"""
How much a peer may have of us, and make us keep.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import LimitExceeded
from myspread.testing import brokerPair
from tests.peer.wire import Wire, arguments, call


class Desk(pb.Root):
    """Keeps whom it serves waiting."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []
        self.kept: list[Any] = []

    def remote_wait(self) -> Deferred[Any]:
        """Return a Deferred that the test fires."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_keep(self, *values: Any) -> int:
        """Keep them."""
        self.kept += values
        return len(self.kept)


class CallsTests(SynchronousTestCase):
    """
    C{Limits.calls}.
    """

    def setUp(self) -> None:
        """A server that waits for three calls of a peer at once."""
        self.desk = Desk()
        self.wire = Wire(self.desk, limits=pb.Limits(calls=3))

    def test_beyond(self) -> None:
        """The call beyond fails, and says by which limit; the others go on."""
        ((command, request, failure),) = self.wire.exchange(*[call(number, b"wait") for number in range(4)])
        self.assertEqual((command, request), (b"error", 3))
        self.assertIn(b"Limits.calls = 3", repr(failure).encode())
        self.assertIn(b"myspread.pb.LimitExceeded", repr(failure).encode())
        self.assertEqual(len(self.desk.waiting), 3)
        self.assertEqual(len(self.flushLoggedErrors(LimitExceeded)), 1)
        self.assertFalse(self.wire.closing)
        self.desk.waiting[1].callback(5)
        self.assertEqual(self.wire.received(), [[b"answer", 1, 5]])
        self.assertEqual(self.wire.exchange(call(4, b"echo", 6)), [[b"answer", 4, 6]])
        self.assertEqual(self.wire.exchange(call(5, b"wait")), [])

    def test_everyEnd(self) -> None:
        """A call is over when its Deferred fires or fails, or its answer can't be sent."""
        for fire in (
            lambda result: result.callback(5),
            lambda result: result.errback(pb.Error("no")),
            lambda result: result.callback(object),
            lambda result: result.callback([b"x" * 10**6]),
        ):
            self.wire.exchange(*[call(number, b"wait") for number in range(3)])
            for result in self.desk.waiting[-3:]:
                fire(result)
            self.assertEqual(self.wire.broker._peer.incoming.inProgress, 0)
        self.flushLoggedErrors()

    def test_withoutAnswer(self) -> None:
        """Calls that want no answer count as well; the one beyond is logged only."""
        self.assertEqual(self.wire.exchange(*[call(number, b"wait", wanted=0) for number in range(4)]), [])
        self.assertEqual(len(self.flushLoggedErrors(LimitExceeded)), 1)
        self.desk.waiting[0].callback(5)
        self.desk.waiting[1].errback(ZeroDivisionError())
        self.assertEqual(self.wire.broker._peer.incoming.inProgress, 1)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_firedAtOnce(self) -> None:
        """A Deferred that has fired already is no call in progress."""
        self.desk.remote_echo = succeed  # type: ignore[method-assign]
        for number in range(10):
            self.assertEqual(self.wire.exchange(call(number, b"echo", 5)), [[b"answer", number, 5]])

    def test_default(self) -> None:
        """The default is far above what an honest peer has in progress."""
        wire = Wire(self.desk)
        self.assertEqual(wire.exchange(*[call(number, b"wait") for number in range(8192)]), [])
        self.assertEqual([each[0] for each in wire.exchange(call(1, b"wait"))], [b"error"])
        self.flushLoggedErrors(LimitExceeded)


class Kept(pb.Cacheable):
    """Something to cache."""

    def __init__(self) -> None:
        self.stopped = 0

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.stopped += 1


class Taken(pb.RemoteCache):
    """What becomes of it."""


pb.setUnjellyableForClass(Kept, Taken)


class CachesTakenTests(SynchronousTestCase):
    """
    C{Limits.cachesTaken}.
    """

    def test_beyond(self) -> None:
        """
        The call that brings one more fails; the peer is told that it isn't
        kept. Those that are kept already may come again.
        """
        desk = Desk()
        pair = brokerPair(serverFactory=pb.PBServerFactory(desk, limits=pb.Limits(cachesTaken=2)))
        first, second, third = (Kept() for _ in range(3))
        self.assertEqual(pair.result(pair.root.callRemote("keep", first, second)), 2)
        with self.assertRaises(LimitExceeded) as caught:
            pair.result(pair.root.callRemote("keep", third))
        self.assertIn("Limits.cachesTaken = 2", str(caught.exception))
        self.assertEqual(len(self.flushLoggedErrors(LimitExceeded)), 1)
        gc.collect()
        pair.flush()
        self.assertEqual([each.stopped for each in (first, second, third)], [0, 0, 1])
        self.assertEqual(pair.result(pair.root.callRemote("keep", first)), 3)
        desk.kept.clear()
        gc.collect()
        pair.flush()
        self.assertEqual([each.stopped for each in (first, second, third)], [1, 1, 1])
        self.assertEqual(pair.result(pair.root.callRemote("keep", third)), 1)


class IdTests(SynchronousTestCase):
    """
    Ids that nobody gives out.
    """

    def test_messages(self) -> None:
        """A message with such an id is dropped; nothing is answered under such an id."""
        wire = Wire(Desk())
        for huge in (2**53 + 1, -(2**53) - 1, 2**447):
            for message in (
                call(huge, b"echo", 5),
                [b"answer", huge, 5],
                [b"error", huge, 5],
                [b"decref", huge],
                [b"decache", huge],
                [b"uncache", huge],
                [b"message", huge, b"root", b"echo", 1],
            ):
                self.assertEqual(wire.exchange(message), [])
        self.assertEqual(wire.broker._peer.dropped, 21)
        ((command, request, failure),) = wire.exchange(call(7, b"echo", 5, target=2**60))
        self.assertEqual((command, request), (b"error", 7))
        self.assertIn(b"the object id of message can't be", repr(failure).encode())

    def test_forms(self) -> None:
        """A form with such an id fails the call."""
        wire = Wire(Desk())
        kept = b"tests.peer.test_limits.Kept"
        for form in (
            [b"remote", 2**53 + 1],
            [b"remote", -1],
            [b"remote", b"x" * 257],
            [b"local", 2**60],
            [b"cached", 2**60],
            [b"lcache", 2**60],
            [kept, 2**60, [b"dictionary"]],
            [kept, -1, [b"dictionary"]],
            [kept, b"name", [b"dictionary"]],
        ):
            ((command, request, failure),) = wire.exchange(
                [b"message", 7, b"root", b"keep", 1, arguments(form), [b"dictionary"]]
            )
            self.assertEqual((command, request), (b"error", 7))
            self.assertIn(b"MalformedJelly", repr(failure).encode())
        self.assertEqual(len(self.flushLoggedErrors(pb.MalformedJelly)), 9)
        self.assertEqual(wire.broker.locallyCachedObjects, {})

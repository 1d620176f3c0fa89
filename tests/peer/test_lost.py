"""
The connection is lost in the middle of something.

Transports in memory, and some that encrypt, say so from within a call that the
application makes; reactors say so in between.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from myspread import pb, util
from myspread.testing import brokerPair
from tests.login.realms import RecordingRealm, pairFor


class Watched(pb.Cacheable):
    """
    Something that is observed.

    @ivar told: how often it was told that it isn't any more.
    """

    told = 0

    def __init__(self, during: Any = lambda: None) -> None:
        self.observers: list[Any] = []
        self.during = during

    def getTypeToCopy(self) -> bytes:
        return b"tests.peer.Watched"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.told += 1
        self.observers.remove(observer)
        self.during()


class RemoteWatched(pb.RemoteCache):
    """Its cache."""


pb.setUnjellyableForClass(b"tests.peer.Watched", RemoteWatched)


class Losing(pb.Copyable):
    """Loses the connection while it is being sent."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def getStateToCopy(self) -> Any:
        self.desk.lose()
        return {}


class Desk(pb.Root):
    """Does as it is told, in the middle of a call."""

    def __init__(self) -> None:
        self.lose: Any = None
        self.result: Any = None

    def remote_loseAndGive(self) -> Any:
        """Lose the connection, and return something."""
        self.lose()
        return self.result

    def remote_give(self) -> Any:
        """Return something."""
        return self.result

    def remote_pages(self, collector: Any) -> None:
        """Lose the connection, and send pages."""
        self.lose()
        util.StringPager(collector, b"page" * 5000)


class LostTests(TestCase):
    """
    Nothing is given out any more, everybody is told once.
    """

    def setUp(self) -> None:
        """A pair that the server can break."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)
        self.desk.lose = self.pair.disconnect

    def assertNothingGiven(self) -> None:
        """The server holds nothing for its peer."""
        peer = self.pair.server._peer
        self.assertEqual([peer.references.objects, peer.caches.given], [{}, {}])

    def test_result(self) -> None:
        """The result of a call that loses the connection isn't lent, nor observed."""
        watched = Watched()
        for result in (pb.Referenceable(), watched, [pb.Referenceable(), watched]):
            self.setUp()
            self.desk.result = result
            self.failureResultOf(self.call("loseAndGive"), pb.PBConnectionLost)
            self.assertNothingGiven()
        self.assertEqual((watched.observers, watched.told), ([], 0))
        self.assertEqual(self.flushLoggedErrors(), [])

    def call(self, name: str, *args: Any) -> Deferred[Any]:
        """Call the server."""
        asked: Deferred[Any] = self.pair.root.callRemote(name, *args)
        self.pair.flush()
        return asked

    def test_laterResult(self) -> None:
        """Nor is one that comes later."""
        self.desk.result = Deferred()
        asked = self.call("give")
        self.desk.lose()
        self.desk.result.callback(pb.Referenceable())
        self.failureResultOf(asked, pb.PBConnectionLost)
        self.assertNothingGiven()

    def test_whileSerialising(self) -> None:
        """In one message: what comes after the loss isn't lent nor observed, what came before it is told."""
        before, after = Watched(), Watched()
        for later in (after, pb.Referenceable()):
            self.setUp()
            self.desk.result = [before, Losing(self.desk), later]
            self.failureResultOf(self.call("give"), pb.PBConnectionLost)
            self.assertNothingGiven()
            self.assertEqual((before.observers, before.told), ([], 1))
            self.assertEqual((after.observers, after.told), ([], 0))
            before.told = 0
        self.assertEqual(len(self.flushLoggedErrors(pb.PBConnectionLost)), 2)

    def test_arguments(self) -> None:
        """So with the arguments of a call of ours."""
        after = Watched()
        asked = self.pair.root.callRemote("take", Losing(self.desk), after)
        self.failureResultOf(asked, pb.PBConnectionLost)
        self.assertEqual((after.observers, after.told), ([], 0))

    def test_stoppedObserving(self) -> None:
        """One that loses the connection when it is told isn't told again; the others are, once."""
        losing, other = Watched(self.desk.lose), Watched()
        self.desk.result = [losing, other]
        held = self.successResultOf(self.call("give"))
        del held[0]
        self.pair.flush()
        self.assertEqual([losing.told, other.told], [1, 1])
        self.assertNothingGiven()

    def test_pages(self) -> None:
        """A pager that begins afterwards sends no pages, and isn't kept."""
        pages = util.getAllPages(self.pair.root, "pages")
        self.pair.flush()
        self.failureResultOf(pages, pb.PBConnectionLost)
        self.assertEqual(self.pair.server.pageProducers, [])

    def test_login(self) -> None:
        """Who has logged in when the connection is lost already is logged out at once, and forgotten."""
        realm = RecordingRealm(answer=lambda result: pair.disconnect() or result)
        pair = pairFor(realm)
        asked = pair.root.callRemote("loginAnonymous", None)
        pair.flush()
        self.failureResultOf(asked, pb.PBConnectionLost)
        self.assertEqual(len(realm.logouts), 1)
        self.assertEqual(pair.server._localCleanup, {})

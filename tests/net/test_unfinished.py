"""
Tests for L{myspread._net.unfinished}: messages of all peers together that
aren't whole.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._codec import PB, encode
from myspread.limits import Limits
from myspread.testing import BrokerPair, brokerPair
from tests.net.test_reading import works
from tests.peer.wire import NO_KEYWORDS, arguments

LIMITS = Limits(unfinishedMessages=100_000, unfinishedTime=5.0)


class Kept(pb.Root):
    """Keeps the size of what it gets."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def remote_keep(self, data: bytes) -> None:
        """Keep it."""
        self.sizes.append(len(data))

    def remote_work(self, value: int) -> None:
        """Keep it."""
        self.sizes.append(value)


def keep(size: int) -> bytes:
    """A large call as it travels."""
    return encode([b"message", 1, b"root", b"keep", 0, arguments(bytes(size)), NO_KEYWORDS], PB)


class UnfinishedTests(TestCase):
    """
    Tests for C{Limits.unfinishedMessages} and C{Limits.unfinishedTime}.
    """

    def setUp(self) -> None:
        """A server with some connections."""
        self.clock = Clock()
        self.root = Kept()
        self.factory = pb.PBServerFactory(self.root, limits=LIMITS, clock=self.clock)
        self.pairs = [self.connect() for _ in range(4)]
        self.account: Any = self.factory._together.unfinishedMessages  # type: ignore[union-attr]

    def connect(self) -> BrokerPair:
        """One more connection."""
        return brokerPair(serverFactory=self.factory, clock=self.clock)

    def begin(self, index: int, size: int) -> None:
        """Send so many bytes of a message of 200,000."""
        self.pairs[index].server.dataReceived(keep(200_000)[:size])

    def paused(self) -> list[bool]:
        """Which connections aren't read."""
        return [each.serverTransport.paused for each in self.pairs]

    def closed(self) -> list[bool]:
        """Which connections are closed."""
        return [each.serverTransport.disconnecting for each in self.pairs]

    def test_fits(self) -> None:
        """As long as they fit, nothing happens; the first 4 KiB of each don't count."""
        for index in range(4):
            self.begin(index, 20_000)
        self.assertEqual(self.account.total, 4 * (20_000 - 4096))
        self.assertEqual((self.paused(), self.clock.getDelayedCalls()), ([False] * 4, []))
        for each in self.pairs:
            each.server.dataReceived(keep(200_000)[20_000:])
        self.assertEqual((self.root.sizes, self.account.total), ([200_000] * 4, 0))

    def test_small(self) -> None:
        """Small messages that happen to be cut don't count at all."""
        for each in self.pairs:
            each.server.dataReceived(works(1)[:-1])
        self.assertEqual(self.account.total, 0)

    def test_alone(self) -> None:
        """One connection alone is bounded by the length of a message only."""
        self.begin(0, 150_000)
        self.assertEqual(self.paused(), [False] * 4)

    def test_waits(self) -> None:
        """Whoever adds to an account that is too full has to wait, and goes on when there is room again."""
        self.begin(0, 60_000)
        self.begin(1, 60_000)
        self.assertEqual(self.paused(), [False, True, False, False])
        self.pairs[0].server.dataReceived(keep(200_000)[60_000:])
        self.assertEqual(self.paused(), [False] * 4)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.pairs[1].server.dataReceived(keep(200_000)[60_000:])
        self.assertEqual((self.root.sizes, self.closed()), ([200_000] * 2, [False] * 4))

    def test_oldestGoesOn(self) -> None:
        """Though it is too full, the one that began first may end its message, then the next one."""
        for index in range(4):
            self.begin(index, 60_000)
        for index in range(4):
            self.assertEqual(self.paused(), [each > index for each in range(4)])
            for start in range(60_000, 200_000, 20_000):
                self.pairs[index].server.dataReceived(keep(200_000)[start : start + 20_000])
            self.pairs[index].server.dataReceived(keep(200_000)[200_000:])
        self.assertEqual((self.root.sizes, self.account.total), ([200_000] * 4, 0))
        self.assertEqual((self.paused(), self.clock.getDelayedCalls()), ([False] * 4, []))

    def test_itGetsBetter(self) -> None:
        """Nobody is closed as long as the excess is halved in each while."""
        self.pairs = [self.connect() for _ in range(8)]
        for index in range(8):
            self.begin(index, 60_000)
        for ending in ((0, 1, 2, 3), (4, 5)):
            for index in ending:
                self.pairs[index].server.dataReceived(keep(200_000)[60_000:])
            self.clock.advance(5.1)
            self.assertEqual(self.closed(), [False] * 8)
        self.clock.advance(5.1)
        self.assertEqual(self.closed(), [each == 6 for each in range(8)])
        self.assertEqual((self.paused()[7], self.root.sizes), (False, [200_000] * 6))

    def test_othersGoOn(self) -> None:
        """Whoever sends whole messages never has to wait."""
        self.begin(0, 60_000)
        self.begin(1, 60_000)
        self.pairs[2].server.dataReceived(works(5))
        self.assertEqual(self.root.sizes, [5])
        self.assertFalse(self.pairs[2].serverTransport.paused)

    def test_oldestIsClosed(self) -> None:
        """After a while those whose messages began first are closed, until the rest fits and goes on."""
        for index in (2, 0, 1):
            self.begin(index, 60_000)
        with capturedLogs() as events:
            self.clock.advance(5.1)
        self.assertEqual(self.closed(), [True, False, True, False])
        self.assertFalse(self.pairs[1].serverTransport.paused)
        self.assertEqual(len(events), 2)
        for each in events:
            self.assertTrue(each["reason"].endswith("Limits.unfinishedMessages is 100000"))
        self.assertEqual(self.account.total, 60_000 - 4096)
        self.pairs[1].server.dataReceived(keep(200_000)[60_000:])
        self.assertEqual((self.root.sizes, self.account.total), ([200_000], 0))

    def test_theNextMessage(self) -> None:
        """Whoever has finished a message is the youngest with its next one."""
        self.begin(0, 30_000)
        self.begin(1, 50_000)
        self.pairs[0].server.dataReceived(keep(200_000)[30_000:] + keep(200_000)[:60_000])
        self.assertEqual(self.paused(), [True, False, False, False])
        self.clock.advance(5.1)
        self.assertEqual(self.closed(), [False, True, False, False])

    def test_lost(self) -> None:
        """A connection that is lost counts no more, and makes room."""
        self.begin(0, 60_000)
        self.begin(1, 60_000)
        self.pairs[0].disconnect()
        self.assertEqual(self.paused(), [False] * 4)
        self.pairs[1].disconnect()
        self.assertEqual((self.account.total, self.clock.getDelayedCalls()), (0, []))

    def test_lostWhileWaiting(self) -> None:
        """So does one that had to wait."""
        self.begin(0, 60_000)
        self.begin(1, 60_000)
        self.pairs[1].disconnect()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closedForOtherReasons(self) -> None:
        """So does one that is closed."""
        self.begin(0, 60_000)
        self.pairs[0].server.closeConnection("a reason")
        self.assertEqual(self.account.total, 0)

    def test_orderAfterWaiting(self) -> None:
        """What arrived while a connection had to wait is handled in order."""
        self.begin(0, 60_000)
        self.begin(1, 60_000)
        self.pairs[1].server.dataReceived(keep(200_000)[60_000:] + works(*range(5)))
        self.assertEqual(self.root.sizes, [])
        self.pairs[0].disconnect()
        self.clock.advance(0)
        self.assertEqual(self.root.sizes, [200_000, *range(5)])
        self.assertEqual(self.paused(), [False] * 4)

    def test_withoutClock(self) -> None:
        """Without a clock nobody could go on, so nobody has to wait."""
        for index in (0, 1):
            self.pairs[index].server.clock = None
            self.begin(index, 60_000)
        self.assertEqual((self.paused(), self.account.total), ([False] * 4, 0))

    def test_eachFactory(self) -> None:
        """Each factory has an account of its own."""
        other = pb.PBServerFactory(self.root)
        self.assertIsNot(other.buildProtocol(None).together.unfinishedMessages, self.account)
        self.assertIs(self.pairs[0].server.together.unfinishedMessages, self.account)
        self.assertIsNone(self.pairs[0].client.together)

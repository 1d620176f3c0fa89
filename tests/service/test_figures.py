"""
Tests for L{myspread._service.figures} and L{myspread._service.histogram}.
"""

from __future__ import annotations

import random
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._service import figures
from myspread._service.figures import Figures
from myspread._service.histogram import OCTAVES, Histogram, percentile
from tests.login.realms import ANN, RecordingRealm, portalFor
from tests.peer.test_watch import WatchCase


class FiguresTests(WatchCase):
    """
    What is counted.
    """

    watch: Figures

    def makeWatch(self, slowCall: float | None) -> Figures:
        """What counts."""
        return Figures(slowCall)

    def test_calls(self) -> None:
        """Calls, those in progress, and how long they took."""
        self.serve(slowCall=2)
        pair = self.connect()
        for seconds in (0.1, 0.1, 3):
            pair.result(pair.root.callRemote("take", seconds))
        self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("fail", 0))
        pair.root.callRemote("later").addErrback(lambda reason: None)
        pair.flush()
        self.assertEqual((sum(self.watch.times.counts), self.watch.inProgress), (4, 1))
        self.assertAlmostEqual(self.watch.times.seconds, 3.2)
        self.assertEqual((self.watch.failures, self.watch.slowCalls), (1, 1))
        self.flushLoggedErrors(ZeroDivisionError)

    def test_bytes(self) -> None:
        """What comes in and goes out, also of connections that have ended."""
        self.serve()
        pair = self.connect()
        pair.result(pair.root.callRemote("take", 0))
        [meter] = self.watch.meters.values()
        self.assertEqual(meter.received, pair.clientTransport.offset)
        self.assertEqual(meter.sent, pair.serverTransport.offset)
        received, sent = meter.received, meter.sent
        pair.disconnect()
        self.assertEqual(self.watch.meters, {})
        self.assertEqual((self.watch.received, self.watch.sent), (received, sent))
        other = self.connect()
        self.assertEqual(self.watch.received, received + other.clientTransport.offset)
        self.assertEqual(self.watch.connections, 2)

    def test_nothingIsLeft(self) -> None:
        """A connection that has ended is kept by nobody here."""
        self.serve()
        pair = self.connect()
        broker = pair.server
        pair.disconnect()
        self.assertNotIn("dataReceived", vars(broker))
        self.assertNotIn("_write", vars(broker))
        self.assertIsNone(broker.watched)

    def test_connection(self) -> None:
        """What is known of a connection."""
        self.serve(portalFor(RecordingRealm()))
        pair = self.connect()
        self.clock.advance(2)
        [meter] = self.watch.meters.values()
        described = meter.described()
        self.assertEqual(described["phase"], "login")
        self.assertIsNone(described["avatar"])
        avatar = pair.result(pair.clientFactory.login(ANN))
        self.clock.advance(3)
        described = meter.described()
        wanted = {
            "number": 1,
            "avatar": "ann",
            "mechanism": "md5",
            "tls": None,
            "dialect": "pb",
            "phase": "open",
            "age": 5.0,
            "silent": 3.0,
            "references": 2,
            "caches": 0,
            "inProgress": 0,
            "calls": 2,
        }
        self.assertEqual({name: described[name] for name in wanted}, wanted)
        self.assertGreater(described["received"], 50)
        del avatar

    def test_logins(self) -> None:
        """Logins by mechanism, those that are refused, and who uses MD5."""
        self.serve(portalFor(RecordingRealm()))
        pair = self.connect()
        pair.result(pair.clientFactory.login(ANN))
        self.clock.advance(5)
        pair.result(pair.clientFactory.login(ANN))
        pair.result(pair.clientFactory.login(Anonymous()))
        wrong = UsernamePassword(b"bob", b"wrong")
        self.assertRaises(pb.RemoteError, pair.result, pair.clientFactory.login(wrong))
        self.assertEqual(self.watch.logins, {"md5": 2, "anonymous": 1})
        self.assertEqual(self.watch.loginRefusals, 1)
        [(name, old)] = self.watch.oldLogins.items()
        self.assertEqual((name, old.times, old.time), ("ann", 2, 5.0))
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_oldLoginsAreBounded(self) -> None:
        """Only so many names are remembered, the latest."""
        self.patch(figures, "OLD_LOGINS", 3)
        self.serve()
        pair = self.connect()
        pair.server.mechanism = "md5"
        for name in "abcad":
            pair.server.avatarId = name
            self.watch.loggedIn(pair.server)
        self.assertEqual(list(self.watch.oldLogins), ["c", "a", "d"])

    def test_limits(self) -> None:
        """Limits that are met, by name: of connections, of calls, of streams."""
        self.serve(connections=1, calls=1, messageLength=2000)
        pair = self.connect()
        self.factory.buildProtocol(None)
        pair.root.callRemote("later").addErrback(lambda reason: None)
        self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("take", 0))
        pair.client.transport.write(b"\x01\x80" + b"\x7f\x7f\x82")
        pair.flush()
        self.assertEqual(self.watch.limitHits, {"connections": 1, "calls": 1, "messageLength": 1})
        self.assertEqual(self.watch.refusals, 1)
        self.flushLoggedErrors(pb.LimitExceeded)


class HistogramTests(SynchronousTestCase):
    """
    L{Histogram}.
    """

    def test_percentiles(self) -> None:
        """They are right to a tenth, whatever the times."""
        chance = random.Random(5)
        for spread in (0.1, 1, 3):
            times = sorted(chance.lognormvariate(-6, spread) for _ in range(2000))
            histogram = Histogram()
            for seconds in times:
                histogram.add(seconds)
            for percent in (1, 50, 90, 99, 100):
                exact = times[max(0, round(len(times) * percent / 100) - 1)]
                found = percentile(histogram.counts, percent)
                assert found is not None
                self.assertTrue(exact <= found * 1.0001 <= exact * 1.0906, (percent, exact, found))
            self.assertAlmostEqual(histogram.seconds, sum(times))

    def test_none(self) -> None:
        """There is no percentile of nothing."""
        self.assertIsNone(percentile(Histogram().counts, 50))

    def test_ends(self) -> None:
        """Times beyond the ends count as the first and the last; a clock may be set back."""
        histogram = Histogram()
        for seconds in (-5.0, 0.0, 1e-12, 5e-324):
            histogram.add(seconds)
        self.assertEqual(histogram.counts[0], 4)
        histogram.add(1e9)
        self.assertEqual(histogram.counts[-1], 1)

    def test_cumulative(self) -> None:
        """How many are at most so long, for every doubling."""
        histogram = Histogram()
        for seconds in (0.001, 0.3, 0.49, 0.51, 700.0):
            histogram.add(seconds)
        counts: dict[float, Any] = dict(histogram.cumulative())
        self.assertEqual(len(counts), OCTAVES)
        self.assertEqual((counts[0.25], counts[0.5], counts[1.0], counts[1024.0]), (1, 3, 4, 5))

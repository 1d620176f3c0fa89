"""
C{myspread bench}.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from myspread._cli.times import Times, duration
from tests.cli.commanding import CommandTestCase, OnTerminal

QUICK = ("--seconds", "0.2")


class TimesTests(SynchronousTestCase):
    """
    L{Times}.
    """

    def test_percentiles(self) -> None:
        """They are right to some percent, whatever was measured."""
        times = Times()
        for number in range(1, 1001):
            times.add(number / 1000)
        self.assertEqual((times.count, times.least, times.most), (1000, 0.001, 1.0))
        self.assertAlmostEqual(times.mean, 0.5005)
        for percent in (5, 50, 90, 99):
            self.assertApproximates(times.percentile(percent) / (percent / 100), 1, 0.06)
        self.assertEqual(times.percentile(100), 1.0)

    def test_histogram(self) -> None:
        """Each doubling has its row, empty ones in between too."""
        times = Times()
        for seconds in (0.3, 0.4, 1.5, -1):
            times.add(seconds)
        rows = times.histogram()
        self.assertEqual(rows[-3:], [(0.25, 0.5, 2), (0.5, 1.0, 0), (1.0, 2.0, 1)])
        self.assertEqual(sum(count for _, _, count in rows), 4)

    def test_none(self) -> None:
        """Of nothing there is nothing."""
        times = Times()
        self.assertEqual((times.mean, times.percentile(50), times.histogram()), (0.0, 0.0, []))

    def test_duration(self) -> None:
        """In units that people read."""
        for seconds, text in ((0, "0 us"), (1.2e-5, "12 us"), (0.0345, "34.5 ms"), (61, "61 s")):
            self.assertEqual(duration(seconds), text)


class BenchTests(CommandTestCase):
    """
    Against a server of ours, and one of C{twisted.spread}.
    """

    def test_figures(self) -> None:
        """Calls a second, percentiles and a histogram; and a warning."""
        ended = self.myspread("bench", self.server.root, "counter", "/", "more", "by=2", *QUICK)
        self.assertEqual(ended.status, 0, ended)
        self.assertIn("gets as many calls of 'more' as it can answer", ended.errors)
        first, *rest = ended.output.splitlines()
        self.assertRegex(
            first, r"\A\d+ calls in \S+ m?s: [\d,]+ a second, 1 connection with 10 calls at once\Z"
        )
        names = ["least", "mean", "p50", "p90", "p99", "p99.9", "most"]
        self.assertEqual([line.split()[0] for line in rest[:7]], names)
        self.assertRegex(rest[7], r"\A +\S+ [mu]?s \.\. +\S+ [mu]?s +\d+ #*\Z")

    def test_json(self) -> None:
        """The figures for programs, of several connections."""
        words = ("add", "1", "--json", "--connections", "2", "--inflight", "3")
        figures = json.loads(self.prints("bench", self.server.root, *words, *QUICK))
        self.assertGreater(figures["calls"], 0)
        self.assertEqual(figures["errors"], 0)
        self.assertAlmostEqual(figures["callsPerSecond"], figures["calls"] / figures["seconds"])
        latency = figures["latency"]
        self.assertTrue(0 < latency["least"] <= latency["p50"] * 1.05 <= latency["most"] * 1.05)

    def test_errors(self) -> None:
        """Calls that fail are told beside: they make no throughput, and the status says so."""
        ended = self.myspread("bench", self.server.root, "fail", "--json", "--inflight", "1", *QUICK)
        self.assertEqual(ended.status, 1)
        figures = json.loads(ended.output)
        self.assertEqual((figures["calls"], figures["callsPerSecond"], figures["latency"]["most"]), (0, 0, 0))
        self.assertGreater(figures["errors"], 0)
        self.assertIn("calls failed; the first: the remote method raised ValueError", ended.errors)

    def test_allFail(self) -> None:
        """Of nothing but failed calls there are no times to show."""
        ended = self.myspread("bench", self.server.root, "fail", *QUICK)
        self.assertEqual(ended.status, 1)
        self.assertRegex(
            ended.output,
            r"\A0 calls in \S+ m?s: 0 a second, 1 connection with 10 calls at once; [1-9]\d* failed\n\Z",
        )

    def test_someFail(self) -> None:
        """Each second one of these fails: the others are counted."""
        words = ("bench", self.server.root, "counter", "/", "everySecond", "--json", "--inflight", "1")
        ended = self.myspread(*words, *QUICK)
        self.assertEqual(ended.status, 1, ended)
        figures = json.loads(ended.output)
        self.assertGreater(figures["errors"], 0)
        self.assertIn(figures["errors"] - figures["calls"], (0, 1))
        self.assertAlmostEqual(figures["callsPerSecond"], figures["calls"] / figures["seconds"])

    def test_others(self) -> None:
        """Somebody else's server isn't loaded by mistake, and nothing is without bounds."""
        text = self.fails(2, "bench", "tcp:192.0.2.1:8787", "add", *QUICK)
        self.assertIn("may be others' server", text)
        for option, value in (("--seconds", "1e9"), ("--inflight", "100000"), ("--connections", "0")):
            self.assertIn("bench: ", self.fails(2, "bench", self.server.root, "add", option, value))

    def test_interrupted(self) -> None:
        """On a terminal there is a bar; Ctrl-C ends it with the figures so far."""
        terminal = OnTerminal(self, "bench", self.server.root, "add", "1", "--seconds", "600")
        terminal.wait(r"\r\[#* +\] [1-9]\d* calls")
        terminal.interrupt(r"\d+ calls in ")
        self.assertEqual(terminal.ended(), 0)

    def test_lost(self) -> None:
        """When the connection is lost, the figures so far are told all the same."""
        between = self.start("tap", "tcp:0:interface=127.0.0.1", self.server.root)
        where = f"tcp:{between.wait(r'listening on (127.0.0.1:[0-9]+)')[1]}"
        started = self.start("bench", where, "add", "1", "--seconds", "600", "--inflight", "1")
        between.wait("< 2 answer of add")
        between.end()
        ended = self.finish(started)
        self.assertEqual(ended.status, 3)
        self.assertRegex(ended.output, r"\A\d+ calls? in ")
        self.assertIn("myspread: the connection was lost: ", ended.errors)


class StockBenchTests(CommandTestCase):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"

    def test_figures(self) -> None:
        """It is measured alike."""
        figures = json.loads(self.prints("bench", self.server.root, "add", "1", "--json", *QUICK))
        self.assertGreater(figures["calls"], 0)

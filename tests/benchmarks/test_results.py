"""
What the benchmarks make of their samples.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree import ElementTree

from twisted.trial.unittest import TestCase

from benchmarks.measuring import Figures, measureRow
from benchmarks.peers import BASELINE, OURS, PEERS
from benchmarks.plots import drawCurves, drawTable
from benchmarks.publish import BEGIN, END, SOURCE, publishCurves, publishTable
from benchmarks.rows import ROWS, SCALES
from benchmarks.scaling import PATIENCE, Curve, curvesTable, measureScale
from benchmarks.session import Broken, Session
from benchmarks.table import duration, table


class FakeSession(Session):
    """
    A peer whose speed is known, in no process. L{order} has the peers in the
    order in which samples were taken.
    """

    order: list[str] = []
    secondsPerSize = {BASELINE: 0.1, OURS: 0.01}
    power = 1.0

    def __init__(self, peer: str) -> None:
        self.peer = peer

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def connect(self) -> None:
        pass

    def sample(
        self, work: str, seconds: float = 0.3, *, size: int | None = None, count: int | None = None
    ) -> dict[str, Any] | None:
        if self.peer == "AMP":
            return None
        if self.peer == "RPyC":
            raise Broken("it is broken")
        self.order.append(self.peer)
        spent = self.secondsPerSize[self.peer] * (size or 1) ** self.power
        return {"count": 2, "seconds": 2 * spent, "client": spent, "server": spent}


class Quadratic(FakeSession):
    """
    A peer whose time grows with the square of the size.
    """

    secondsPerSize = {BASELINE: 1e-6, OURS: 1e-6}
    power = 2.0


class ResultTests(TestCase):
    """
    From samples to a table, a plot, a slope.
    """

    def setUp(self) -> None:
        FakeSession.order = []

    def figures(self) -> list[Figures]:
        """Figures of four peers, two of which give none."""
        return measureRow(ROWS["W1"], [BASELINE, OURS, "AMP", "RPyC"], 3, 0.1, FakeSession)

    def test_interleaved(self) -> None:
        """
        Peers take turns.
        """
        self.figures()
        self.assertEqual(FakeSession.order, [BASELINE, OURS] * 3)

    def test_ratios(self) -> None:
        """
        Ratios refer to C{twisted.spread}; more is better.
        """
        stock, ours, amp, rpyc = self.figures()
        self.assertEqual((stock.ratio, stock.processorRatio), (1.0, 1.0))
        assert ours.ratio is not None and ours.processorRatio is not None
        self.assertAlmostEqual(ours.ratio, 10)
        self.assertAlmostEqual(ours.processorRatio, 10)
        self.assertEqual((amp.ratio, amp.trouble), (None, "unsupported"))
        self.assertEqual((rpyc.ratio, rpyc.trouble), (None, "it is broken"))

    def test_table(self) -> None:
        """
        The table has a line for every peer, and the goal beside our figures.
        """
        lines = table(self.figures()).splitlines()
        self.assertEqual(lines[1], "W1: small echo, one at a time")
        ours = next(line for line in lines if OURS in line)
        self.assertEqual(
            ours.split(),
            [OURS, "10.0", "ms", "10.0", "10.0..10.0", "5.00", "ms", "5.00", "ms", "10.0", "3.30"],
        )
        self.assertEqual(next(line.split() for line in lines if "AMP" in line), ["AMP", "-"])

    def test_duration(self) -> None:
        """
        Durations have three digits and a unit.
        """
        self.assertEqual(
            [duration(each) for each in (2.0, 0.02, 0.0005, 1.5e-6)],
            ["2.00 s", "20.0 ms", "500 us", "1.50 us"],
        )

    def test_slope(self) -> None:
        """
        A slope of one is found where the time grows with the size.
        """
        for curve in measureScale(SCALES["inflight"], [OURS], 1, 0.1, FakeSession):
            assert curve.slope is not None
            self.assertAlmostEqual(curve.slope, 1)

    def test_curveEnds(self) -> None:
        """
        A curve ends before the point that would take too long, and says so.
        """
        (curve,) = measureScale(SCALES["elements"], [OURS], 1, 0.1, Quadratic)
        assert curve.slope is not None and curve.ended is not None
        self.assertAlmostEqual(curve.slope, 2)
        self.assertEqual(curve.points[-1][0], 1000)
        self.assertGreater(curve.expected(10_000), PATIENCE)
        self.assertIn("10,000 would take", curvesTable(SCALES["elements"], [curve]))

    def test_plots(self) -> None:
        """
        Plots are well-formed, and name what they show.
        """
        file = Path(self.mktemp())
        drawTable(self.figures(), file)
        self.assertIn(OURS, " ".join(ElementTree.parse(file).getroot().itertext()))
        drawCurves([Curve("clients", OURS, [(1, 0.001), (100, 0.1), (1000, 1.0)])], file)
        self.assertIn("slope 1.00", " ".join(ElementTree.parse(file).getroot().itertext()))

    def test_peers(self) -> None:
        """
        What ships with Twisted can be measured wherever the tests run.
        """
        self.assertTrue(all(PEERS[name].importable() for name in (BASELINE, OURS, "AMP")))


class PublishTests(TestCase):
    """
    Tests for L{benchmarks.publish}.
    """

    def setUp(self) -> None:
        """A source tree with the README that there is."""
        self.source = Path(self.mktemp())
        (self.source / "docs" / "topics").mkdir(parents=True)
        self.readme = self.source / "README.rst"
        self.readme.write_bytes((SOURCE / "README.rst").read_bytes())

    def test_table(self) -> None:
        """The table, its plot and the summary in the README; what was there before is replaced."""
        before = self.readme.read_text(encoding="utf-8")
        figures = measureRow(ROWS["W1"], [BASELINE, OURS], 2, 0.1, FakeSession)
        for heading in ("An old machine", "A machine"):
            publishTable(figures, heading, self.source)
        folder = self.source / "docs" / "topics" / "figures"
        self.assertEqual((folder / "table.txt").read_text(), f"A machine\n\n{table(figures)}\n")
        self.assertEqual(ElementTree.parse(folder / "table.svg").getroot().tag[-3:], "svg")
        after = self.readme.read_text(encoding="utf-8")
        self.assertNotIn("An old machine", after)
        self.assertRegex(after, r"small echo, one at a time +10.0 +-\n")
        self.assertEqual(after.split(BEGIN)[0], before.split(BEGIN)[0])
        self.assertEqual(after.split(END)[1], before.split(END)[1])

    def test_curves(self) -> None:
        """The curves, as text and as a plot."""
        curves = [Curve("clients", OURS, [(1, 0.1), (10, 1.0)])]
        publishCurves(curves, "the points", "A machine", self.source)
        folder = self.source / "docs" / "topics" / "figures"
        self.assertEqual((folder / "scaling.txt").read_text(), "A machine\n\nthe points\n")
        self.assertEqual(ElementTree.parse(folder / "scaling.svg").getroot().tag[-3:], "svg")

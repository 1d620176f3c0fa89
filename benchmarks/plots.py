"""
The table as bars, and the scales as curves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from pathlib import Path
from statistics import median

from benchmarks.measuring import Figures
from benchmarks.rows import ROWS, SCALES
from benchmarks.scaling import Curve
from benchmarks.svg import COLOURS, Drawing
from benchmarks.table import amount, duration

__all__ = ["drawCurves", "drawTable"]

BAR, GAP = 14, 30
LEFT, WIDTH = 330, 480
PANEL, MARGIN = 400, 70

COLUMNS = 3
"""Panels side by side."""


def _scale(values: Sequence[float], begin: float, end: float) -> tuple[Callable[[float], float], range]:
    """A logarithmic axis: where a value lies, and its powers of ten."""
    lowest, highest = floor(log10(min(values))), ceil(log10(max(values)))
    highest = max(highest, lowest + 1)
    unit = (end - begin) / (highest - lowest)
    return lambda value: begin + (log10(value) - lowest) * unit, range(lowest, highest + 1)


def drawTable(all: Sequence[Figures], file: Path) -> None:
    """
    A bar for each peer in each row: how many times better than
    C{twisted.spread}, on a logarithmic scale.
    """
    shown = [figures for figures in all if figures.ratio is not None]
    if not shown:
        return
    keys = list(dict.fromkeys(figures.row for figures in shown))
    peers = list(dict.fromkeys(figures.peer for figures in shown))
    height = 60 + len(shown) * BAR + len(keys) * GAP
    drawing = Drawing(LEFT + WIDTH + 130, height)
    drawing.text(10, 20, "How many times better than twisted.spread (logarithmic; each bar bears its figure)")
    where, powers = _scale([0.5, 2.0, *(figures.ratio or 1 for figures in shown)], LEFT, LEFT + WIDTH)
    for power in powers:
        drawing.line([(where(10.0**power), 32), (where(10.0**power), height - 25)], "#dddddd")
        drawing.text(where(10.0**power), height - 10, f"{10.0**power:g}", "middle")
    top = 40.0
    for key in keys:
        row = ROWS[key]
        drawing.text(10, top + 10, f"{key}: {row.title}")
        top += 16
        for figures in (each for each in shown if each.row == key):
            ratio = figures.ratio or 1.0
            colour = COLOURS[peers.index(figures.peer) % len(COLOURS)]
            begin, end = sorted((where(1.0), where(ratio)))
            drawing.text(LEFT - 70, top + 10, figures.peer, "end")
            drawing.bar(begin, top, max(end - begin, 2), BAR - 2, colour)
            label = f"{ratio:.3g}  ({amount(row, median(figures.values))})"
            drawing.text(max(end, where(1.0)) + 5, top + 10, label)
            top += BAR
        top += GAP - 16
    drawing.line([(where(1.0), 32), (where(1.0), height - 25)], "#555555")
    drawing.save(file)


def _drawPanel(drawing: Drawing, left: float, top: float, curves: Sequence[Curve], peers: list[str]) -> None:
    """
    The curves of one scale.

    @param left: where its axes begin.
    @param top: where its title stands.
    @param peers: all there are, for their colours.
    """
    scale = SCALES[curves[0].scale]
    right, bottom = left + PANEL - 20, top + PANEL - 20
    across, across10 = _scale([x for curve in curves for x, _ in curve.points], left, right)
    up, up10 = _scale([y for curve in curves for _, y in curve.points], bottom, top + 20)
    for power in across10:
        x = across(10.0**power)
        drawing.line([(x, top + 20), (x, bottom)], "#dddddd")
        drawing.text(x, bottom + 16, f"{10**power:,}", "middle")
    for power in up10:
        y = up(10.0**power)
        drawing.line([(left, y), (right, y)], "#dddddd")
        drawing.text(left - 5, y + 4, duration(10.0**power), "end")
    drawing.text(left, top, scale.title)
    drawing.text(left + PANEL / 2, bottom + 36, scale.unit, "middle")
    for number, curve in enumerate(curves):
        colour = COLOURS[peers.index(curve.peer) % len(COLOURS)]
        drawing.line([(across(x), up(y)) for x, y in curve.points], colour, 2)
        for x, y in curve.points:
            drawing.dot(across(x), up(y), colour)
        slope = curve.slope
        words = curve.peer if slope is None else f"{curve.peer}: slope {slope:.2f}"
        drawing.text(left + 10, top + 36 + number * 16, words, colour=colour)


def drawCurves(curves: Sequence[Curve], file: Path) -> None:
    """A panel for each scale, both axes logarithmic, with the slopes."""
    curves = [curve for curve in curves if curve.points]
    keys = list(dict.fromkeys(curve.scale for curve in curves))
    peers = list(dict.fromkeys(curve.peer for curve in curves))
    rows = ceil(len(keys) / COLUMNS)
    drawing = Drawing(min(COLUMNS, max(1, len(keys))) * (PANEL + MARGIN) + 30, max(1, rows) * (PANEL + 60))
    for place, key in enumerate(keys):
        row, column = divmod(place, COLUMNS)
        here = [curve for curve in curves if curve.scale == key]
        _drawPanel(drawing, column * (PANEL + MARGIN) + MARGIN, row * (PANEL + 60) + 20, here, peers)
    drawing.save(file)

"""
How time grows with the size of messages, with calls in flight, with clients.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import log
from statistics import linear_regression, median

from benchmarks.rows import Scale
from benchmarks.session import Broken, Session
from benchmarks.table import aligned, duration

__all__ = ["Curve", "curvesTable", "measureScale"]

PATIENCE = 4.0
"""Seconds that one repetition may take; where it would take more, a curve ends."""

SPARE_FILES = 200
"""Files that stay free when clients are as many as C{ulimit -n} allows."""


@dataclass
class Curve:
    """
    The samples of one peer on one scale.

    @ivar scale: the key of the scale.
    @ivar peer: the name of the peer.
    @ivar points: sizes, and the median of the seconds that each took.
    @ivar ended: why there are no more points, or None.
    """

    scale: str
    peer: str
    points: list[tuple[int, float]] = field(default_factory=list)
    ended: str | None = None

    @property
    def slope(self) -> float | None:
        """
        By which power of the size the time grows, from a hundred on (below,
        the cost of a single call shows); None for fewer than two points.
        """
        large = [(log(x), log(y)) for x, y in self.points if x >= 100]
        if len(large) < 2:
            return None
        return linear_regression([x for x, _ in large], [y for _, y in large]).slope

    def expected(self, size: int) -> float:
        """Seconds that a size will take, as the last two points have it."""
        if len(self.points) < 2:
            return 0.0
        (x0, y0), (x1, y1) = self.points[-2:]
        power = max(1.0, log(y1 / y0) / log(x1 / x0))
        return float(y1 * (size / x1) ** power)


def _point(session: Session, curve: Curve, size: int, rounds: int, seconds: float) -> None:
    if curve.ended is not None:
        return
    if curve.expected(size) > PATIENCE:
        curve.ended = f"{size:,} would take about {duration(curve.expected(size))}"
        return
    try:
        samples = [session.sample(curve.scale, seconds, size=size) for _ in range(rounds)]
    except Broken as error:
        curve.ended = str(error)
        return
    values = [sample["seconds"] / sample["count"] for sample in samples if sample is not None]
    if values:
        curve.points.append((size, median(values)))
    else:
        curve.ended = "unsupported"


def measureScale(
    scale: Scale,
    peers: list[str],
    rounds: int,
    seconds: float,
    open: Callable[[str], Session] = Session,
) -> list[Curve]:
    """
    Measure all peers on one scale, in turn at each size.

    @param open: starts the session of a peer.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES
    curves = [Curve(scale.key, peer) for peer in peers]
    with ExitStack() as stack:
        sessions = [stack.enter_context(open(peer)) for peer in peers]
        for session, curve in zip(sessions, curves, strict=True):
            try:
                session.connect()
            except Broken as error:
                curve.ended = str(error)
        for size in scale.sizes:
            for session, curve in zip(sessions, curves, strict=True):
                if scale.key == "clients" and size > files:
                    curve.ended = curve.ended or f"{size:,} clients need a higher ulimit -n"
                _point(session, curve, size, rounds, seconds)
    return curves


def curvesTable(scale: Scale, curves: Iterable[Curve]) -> str:
    """The curves of one scale as text, the slopes under them."""
    curves = list(curves)
    found = [dict(curve.points) for curve in curves]
    lines = [(f"{scale.title} ({scale.unit})", *(curve.peer for curve in curves))]
    for size in scale.sizes:
        values = [duration(points[size]) if size in points else "-" for points in found]
        lines.append((f"  {size:,}", *values))
    slopes = ["-" if curve.slope is None else f"{curve.slope:.2f}" for curve in curves]
    lines.append(("  slope, from 100 on", *slopes))
    notes = [f"  {curve.peer}: {curve.ended}" for curve in curves if curve.ended is not None]
    return "\n".join([aligned(lines), *notes])

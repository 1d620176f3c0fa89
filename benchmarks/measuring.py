"""
Rounds of samples, and what they come to.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.peers import BASELINE
from benchmarks.rows import Row
from benchmarks.session import Broken, Session

__all__ = ["Figures", "measureRow"]


@dataclass
class Figures:
    """
    The samples of one peer in one row.

    @ivar row: the key of the row.
    @ivar peer: the name of the peer.
    @ivar values: per round, seconds or bytes per repetition.
    @ivar client: per round, seconds of CPU of the client per repetition.
    @ivar server: per round, those of the server.
    @ivar ratios: per round, how many times better than C{twisted.spread} in
        the same round.
    @ivar processorRatio: how many times less CPU both processes together used
        than those of C{twisted.spread}, by the medians; None if unknown.
    @ivar trouble: why there are no samples, or None.
    """

    row: str
    peer: str
    values: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    processorRatio: float | None = None
    trouble: str | None = None

    def add(self, sample: dict[str, Any]) -> None:
        """Add what L{Session.sample} has returned."""
        count = sample["count"]
        self.values.append(sample.get("seconds", sample.get("bytes")) / count)
        self.client.append(sample.get("client", 0.0) / count)
        self.server.append(sample.get("server", 0.0) / count)

    def compare(self, baseline: Figures) -> None:
        """Compute the ratios."""
        pairs = zip(baseline.values, self.values, strict=False)
        self.ratios = [theirs / max(ours, 1e-9) for theirs, ours in pairs]
        if self.processor and baseline.processor:
            self.processorRatio = baseline.processor / self.processor

    @property
    def processor(self) -> float:
        """Seconds of CPU of both processes per repetition; 0.0 if unknown."""
        return median(map(sum, zip(self.client, self.server, strict=True))) if self.values else 0.0

    @property
    def ratio(self) -> float | None:
        """The median of the ratios, or None."""
        return median(self.ratios) if self.ratios else None


def _round(session: Session, figures: Figures, seconds: float) -> None:
    if figures.trouble is not None:
        return
    try:
        sample = session.sample(figures.row, seconds)
    except Broken as error:
        figures.trouble = str(error)
        return
    if sample is None:
        figures.trouble = "unsupported"
    else:
        figures.add(sample)


def measureRow(
    row: Row,
    peers: list[str],
    rounds: int,
    seconds: float,
    open: Callable[[str], Session] = Session,
) -> list[Figures]:
    """
    Measure all peers in one row, in fresh processes, in turn: A B A B ...

    @param peers: their names, C{twisted.spread} among them.
    @param seconds: the length of a sample.
    @param open: starts the session of a peer.
    """
    all = [Figures(row.key, peer) for peer in peers]
    with ExitStack() as stack:
        sessions = [stack.enter_context(open(peer)) for peer in peers]
        for session, figures in zip(sessions, all, strict=True):
            try:
                session.connect()
            except Broken as error:
                figures.trouble = str(error)
        for _ in range(rounds):
            for session, figures in zip(sessions, all, strict=True):
                _round(session, figures, seconds)
    baseline = next(figures for figures in all if figures.peer == BASELINE)
    for figures in all:
        figures.compare(baseline)
    return all

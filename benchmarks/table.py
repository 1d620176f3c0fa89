"""
The table, as text.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from benchmarks.measuring import Figures
from benchmarks.peers import OURS
from benchmarks.rows import ROWS, Row

__all__ = ["aligned", "amount", "duration", "ratioText", "table"]

COLUMNS = ("", "each", "ratio", "spread", "CPU client", "server", "CPU ratio", "goal")


def duration(seconds: float) -> str:
    """Seconds, in the unit that suits them."""
    unit, size = ("s", 1.0) if seconds >= 1 else ("ms", 1e-3) if seconds >= 1e-3 else ("us", 1e-6)
    value = seconds / size
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {unit}"


def amount(row: Row, value: float) -> str:
    """What a row measures."""
    return f"{value / 1000:.2f} kB" if row.memory else duration(value)


def aligned(lines: Iterable[tuple[str, ...]]) -> str:
    """Cells under each other: the first column to the left, all others to the right."""
    lines = list(lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def ratioText(value: float) -> str:
    """A ratio, with as many digits as it deserves."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


def _cells(figures: Figures) -> tuple[str, ...]:
    row = ROWS[figures.row]
    name = f"  {figures.peer}"
    goal = ratioText(row.goal) if row.goal and figures.peer == OURS else ""
    if not figures.values:
        return name, "-", "", "", "", "", "", goal
    processor = ("", "")
    if not row.memory:
        processor = duration(median(figures.client)), duration(median(figures.server))
    ratio = spread = ""
    if figures.ratio is not None:
        ratio = ratioText(figures.ratio)
        spread = f"{ratioText(min(figures.ratios))}..{ratioText(max(figures.ratios))}"
    cpuRatio = "" if figures.processorRatio is None else ratioText(figures.processorRatio)
    return name, amount(row, median(figures.values)), ratio, spread, *processor, cpuRatio, goal


def table(figures: Iterable[Figures]) -> str:
    """
    The table: per row and peer the median, how many times better than
    C{twisted.spread} (the median of the rounds, and the least and the most of
    them), the CPU time of each process, and how many times less CPU both used.
    """
    lines: list[tuple[str, ...]] = [COLUMNS]
    latest = ""
    for each in figures:
        if each.row != latest:
            latest = each.row
            row = ROWS[latest]
            lines.append((f"{row.key}: {row.title}", *[""] * (len(COLUMNS) - 1)))
        lines.append(_cells(each))
    return aligned(lines)

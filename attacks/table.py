"""
The table, as text and as reStructuredText.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attacks.catalogue import ATTACKS
from attacks.measuring import Figures, troubles

__all__ = ["asRest", "asText"]

COLUMNS = ("latency", "newcomer", "memory", "kept", "log", "CPU", "alive")


def _seconds(value: float) -> str:
    if value == float("inf"):
        return "never"
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def _memory(value: int | None) -> str:
    return "" if value is None else f"{max(value, 0) / 2**20:.1f} MB"


def _cells(figures: Figures) -> tuple[str, ...]:
    newcomer = f"{figures.refused} refused" if figures.refused else _seconds(figures.newcomer)
    return (
        _seconds(figures.latency),
        newcomer,
        _memory(figures.memory),
        _memory(figures.kept),
        f"{figures.logged / 1000:.1f} kB",
        f"{figures.processor:.1f} s",
        "yes" if figures.alive else "no",
    )


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place > 1 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def asText(figures: Iterable[Figures]) -> str:
    """A line for each attack on each package; what was promised and not kept is at the end of the line."""
    lines: list[tuple[str, ...]] = [("attack", "on", *COLUMNS, "took")]
    remarks = [""]
    for each in figures:
        lines.append((each.attack, each.package, *_cells(each), f"{each.seconds:.0f} s"))
        remarks.append("; ".join(troubles(each)))
    return "\n".join(
        f"{line}  {remark}".rstrip() for line, remark in zip(_aligned(lines), remarks, strict=True)
    )


def asRest(figures: Iterable[Figures]) -> str:
    """The same as a C{list-table}: the packages in the order in which they come, attack by attack."""
    rows: list[tuple[str, ...]] = [("attack", "on", *COLUMNS)]
    before = None
    for each in figures:
        rows.append(
            ("" if each.attack == before else ATTACKS[each.attack].title, each.package, *_cells(each))
        )
        before = each.attack
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    for row in rows:
        lines += [f"   {' ' if place else '*'} - {cell}".rstrip() for place, cell in enumerate(row)]
    return "\n".join(lines)

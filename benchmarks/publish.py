"""
The places in the documentation and the README that show what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import Figures
from benchmarks.peers import OURS, PURE
from benchmarks.plots import drawCurves, drawTable
from benchmarks.rows import ROWS
from benchmarks.scaling import Curve
from benchmarks.table import aligned, ratioText, table

__all__ = ["SOURCE", "publishCurves", "publishTable"]

SOURCE = Path(__file__).parents[1]

BEGIN = ".. Figures: python -m benchmarks --publish writes them.\n"
END = ".. End of the figures.\n"


def _folder(source: Path) -> Path:
    folder = source / "docs" / "topics" / "figures"
    folder.mkdir(exist_ok=True)
    return folder


def _ratio(all: Sequence[Figures], row: str, peer: str) -> str:
    found = [each.ratio for each in all if each.row == row and each.peer == peer]
    return "-" if not found or found[0] is None else ratioText(found[0])


def _summary(all: Sequence[Figures]) -> str:
    """How many times better than C{twisted.spread}, with the accelerator and without."""
    lines = [("", "myspread", "without a C compiler")]
    for key in dict.fromkeys(each.row for each in all):
        lines.append((ROWS[key].title, _ratio(all, key, OURS), _ratio(all, key, PURE)))
    return aligned(lines)


def publishTable(all: Sequence[Figures], heading: str, source: Path = SOURCE) -> None:
    """
    Write the table where the documentation shows it, its plot, and a summary in
    the README.

    @param heading: on which machine, and how.
    @param source: the root of the source tree.
    """
    folder = _folder(source)
    (folder / "table.txt").write_text(f"{heading}\n\n{table(all)}\n", encoding="utf-8")
    drawTable(all, folder / "table.svg")
    readme = source / "README.rst"
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    block = "\n".join(
        f"    {line}".rstrip() for line in [*_summary(all).splitlines(), "", *heading.split("; ")]
    )
    shown = f"How many times better than ``twisted.spread``::\n\n{block}"
    plot = ".. image:: docs/topics/figures/table.svg"
    readme.write_text(f"{before}{BEGIN}\n{shown}\n\n{plot}\n\n{END}{after}", encoding="utf-8")


def publishCurves(curves: Sequence[Curve], text: str, heading: str, source: Path = SOURCE) -> None:
    """
    Write the curves where the documentation shows them.

    @param text: their points, and slopes.
    @param heading: on which machine, and how.
    @param source: the root of the source tree.
    """
    folder = _folder(source)
    (folder / "scaling.txt").write_text(f"{heading}\n\n{text}\n", encoding="utf-8")
    drawCurves(curves, folder / "scaling.svg")

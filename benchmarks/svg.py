"""
A little SVG: enough for bars, lines and text, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

__all__ = ["COLOURS", "Drawing"]

COLOURS = (
    "#7f7f7f",
    "#d62728",
    "#1f77b4",
    "#2ca02c",
    "#9467bd",
    "#ff7f0e",
    "#8c564b",
    "#e377c2",
    "#bcbd22",
    "#17becf",
)
"""One per peer."""


class Drawing:
    """
    A picture. Coordinates are pixels, from the upper left corner.
    """

    def __init__(self, width: float, height: float) -> None:
        self._head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="12">'
        )
        self._parts: list[str] = []
        self.bar(0, 0, width, height, "#ffffff")

    def bar(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        self._parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
        )

    def line(self, points: Iterable[tuple[float, float]], colour: str, width: float = 1) -> None:
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
        )

    def dot(self, x: float, y: float, colour: str) -> None:
        """A point."""
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def text(self, x: float, y: float, words: str, anchor: str = "start", colour: str = "#222222") -> None:
        """
        Words.

        @param anchor: which part of them is at C{x}: C{start}, C{middle} or
            C{end}.
        """
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'
        )

    def save(self, file: Path) -> None:
        """Write the picture."""
        file.write_text("\n".join([self._head, *self._parts, "</svg>"]) + "\n", encoding="utf-8")

"""
C{docs/topics/architecture.rst} knows every room of the package.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import myspread

ROOMS = {
    path.stem
    for path in Path(myspread.__file__).parent.iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"__init__"}


class ArchitectureTests(SynchronousTestCase):
    """
    The page and the package have the same rooms.
    """

    def setUp(self) -> None:
        page = Path(__file__).parents[2] / "docs" / "topics" / "architecture.rst"
        text = page.read_text(encoding="utf-8")
        self.table = text[text.index("The rooms\n") : text.index("Imports go")]

    def test_everyRoomIsThere(self) -> None:
        """
        Each module and package stands in the table of rooms.
        """
        self.assertEqual(ROOMS - set(re.findall(r"``(\w+)``", self.table)), set())

    def test_everyRoomExists(self) -> None:
        """
        Each room at the beginning of a row exists.
        """
        self.assertEqual(set(re.findall(r"^``(\w+)``", self.table, re.MULTILINE)) - ROOMS, set())

"""
C{docs/topics/events.rst} lists every event, with all its fields.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from myspread._peer.events import EVENTS

PAGE = Path(__file__).parents[2] / "docs" / "topics" / "events.rst"


class EventsTests(SynchronousTestCase):
    """
    The page and the table.
    """

    def test_complete(self) -> None:
        """Each event is there, with its level and what each field says; nothing else is."""
        _, _, listed = PAGE.read_text(encoding="utf-8").partition("\nAll events\n")
        found = {
            name: (level, re.findall(r"^   - ``(\w+)``: (.+)$", rest, re.MULTILINE))
            for name, level, rest in re.findall(
                r"^``([\w-]+)`` \((\w+)\)\n((?:   .*\n|\n)+)", listed, re.MULTILINE
            )
        }
        wanted = {event.name: (event.level.name, list(event.fields)) for event in EVENTS.values()}
        self.assertEqual(found, wanted)

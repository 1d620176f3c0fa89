"""
What C{docs/howto/serve.rst} says of C{twistd pbserver} is so.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.endpoints import BACKLOG
from myspread._service.limiting import SERVER_LIMITS, withSetting
from myspread._service.options import Options
from myspread.limits import Limits

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "serve.rst").read_text(encoding="utf-8")

ELSEWHERE = ("--root", "--realm", "--auth", "--policy")
"""Options that name what only the reader has."""


class ServeTests(SynchronousTestCase):
    """
    The table and the command lines of the page.
    """

    def test_table(self) -> None:
        """The table lists each limit that isn't that of a bare factory, with its value."""
        rows = dict(re.findall(r"^   \* - ``(\w+)``\n     - (\S+)$", PAGE, re.MULTILINE))
        listed = Limits()
        for name, value in rows.items():
            listed = withSetting(listed, f"{name}={value}")
        self.assertEqual(listed, SERVER_LIMITS)
        own = {name for name, value in vars(SERVER_LIMITS).items() if value != getattr(Limits(), name)}
        self.assertEqual(set(rows) - own, {"startupsRate"})

    def test_commands(self) -> None:
        """Every command line is one that the server takes."""
        page = PAGE.replace("\\\n", "")
        lines = re.findall(r"^    twistd (?:-n )?pbserver (.+)$", page, re.MULTILINE)
        self.assertGreater(len(lines), 4)
        for line in lines:
            if "privateKey" in line:
                continue
            options = Options()
            options.reactor = MemoryReactorClock()
            words = shlex.split(line)
            for name in ELSEWHERE:
                while name in words:
                    at = words.index(name)
                    del words[at : at + 2]
            options.parseOptions(words)

    def test_backlog(self) -> None:
        """The queue is as long as the page says."""
        self.assertIn(f"a queue for {BACKLOG} connections", PAGE)

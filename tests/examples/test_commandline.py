"""
The shell sessions of the page on the command line.
"""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from tests.cli.commanding import CommandTestCase
from tests.examples.programs import EXAMPLES
from tests.substitution.running import cleanEnvironment

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "command-line.rst"

_session = re.compile(r"^\.\. code-block:: console\n\n((?:(?:   .*)?\n)+)", re.MULTILINE)


def sessionsIn(text: str) -> list[tuple[str, str]]:
    """Commands and what the page shows of their output."""
    found = []
    for block in _session.findall(text):
        for part in re.split(r"^\$ ", dedent(block).strip() + "\n", flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


class PageTests(CommandTestCase):
    """
    Each command of the page does what the page shows.
    """

    def openShop(self) -> str:
        """Start the shop; it is closed at the end of the test."""
        shop = subprocess.Popen(
            [sys.executable, str(EXAMPLES / "commandline" / "shop.py"), "0"],
            env=cleanEnvironment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(shop.communicate)
        self.addCleanup(shop.kill)
        assert shop.stdout is not None
        return shop.stdout.readline().split()[-1]

    def test_port(self) -> None:
        """Without a port it is the one that the page shows."""
        code = (
            "import runpy, sys\n"
            "from twisted.internet import endpoints\n"
            "endpoints.serverFromString = lambda reactor, text: sys.exit(text)\n"
            "sys.argv[:] = sys.argv[1:]\n"
            "runpy.run_path(sys.argv[0], run_name='__main__')\n"
        )
        shop = str(EXAMPLES / "commandline" / "shop.py")
        for words, port in (([], 8787), (["8788"], 8788)):
            ended = subprocess.run(
                [sys.executable, "-c", code, shop, *words],
                env=cleanEnvironment(),
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(ended.stderr, f"tcp:{port}:interface=127.0.0.1\n")

    def test_sessions(self) -> None:
        """What is typed and shown there happens."""
        port = self.openShop()
        checker = doctest.OutputChecker()
        sessions = sessionsIn(PAGE.read_text(encoding="utf-8"))
        self.assertGreater(len(sessions), 6)
        status = None
        for command, wanted in sessions:
            if command == "echo $?":
                self.assertEqual(f"{status}\n", wanted)
                continue
            echoed, _, command = command.rpartition(" | ")
            program, *words = shlex.split(command.replace("localhost:8787", f"127.0.0.1:{port}"))
            self.assertEqual(program, "myspread")
            typed = shlex.split(echoed)[1:]
            ended = self.feed("".join(f"{line}\n" for line in typed), *words)
            shown = (ended.errors + ended.output).replace(f"127.0.0.1:{port}", "localhost:8787")
            shown = re.sub(r"^\d\d:\d\d:\d\d", "12:34:56", shown, flags=re.MULTILINE)
            status = ended.status
            fits = checker.check_output(wanted, shown, doctest.ELLIPSIS)
            self.assertTrue(fits, f"$ {command}\n{shown}\ninstead of\n{wanted}")

    def test_statuses(self) -> None:
        """The table of exit statuses is that of the program."""
        text = PAGE.read_text(encoding="utf-8")
        for number, meaning in re.findall(r"^  (\d+) +(.+)$", self.prints("--help"), re.MULTILINE):
            self.assertRegex(text, rf"(?m)^{number} +{re.escape(meaning)}$")

"""
The table of the commands, and what all of them have.
"""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

import myspread
from myspread._cli import main
from myspread._cli.commands import COMMANDS
from myspread._cli.status import MEANINGS, Status
from tests.substitution.running import cleanEnvironment


def outcome(*arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of a command that needs no process of its own."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            status = main(list(arguments))
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, output.getvalue(), errors.getvalue()


class TableTests(SynchronousTestCase):
    """
    What holds for every command.
    """

    def test_help(self) -> None:
        """Each tells what it does, how it is used, and gives examples that can be typed."""
        for name, command in COMMANDS.items():
            status, text, errors = outcome(name, "--help")
            self.assertEqual((status, errors), (0, ""), name)
            self.assertEqual(text.splitlines()[0], command.summary)
            self.assertIn(f"usage: myspread {name}", text)
            examples = text.partition("\nexamples:\n")[2].splitlines()
            self.assertTrue(any(f"myspread {name}" in line for line in examples), text)
            self.assertLess(max(map(len, text.splitlines())), 100, name)

    def test_nonsense(self) -> None:
        """Each refuses an option that it doesn't have in one line, with the status that says so."""
        for name in COMMANDS:
            status, text, errors = outcome(name, "--no-such-option", "x")
            self.assertEqual((status, text), (Status.USAGE, ""), name)
            self.assertRegex(errors, rf"\Amyspread: .*see: myspread {name} --help\n\Z")

    def test_list(self) -> None:
        """The help lists all commands, and what each exit status means."""
        status, text, _ = outcome("--help")
        self.assertEqual(status, 0)
        for name, command in COMMANDS.items():
            self.assertIn(f"  {name:<12} {command.summary}\n", text)
        for number, meaning in MEANINGS.items():
            self.assertIn(f"  {number:<12d} {meaning}\n", text)
        self.assertEqual(set(MEANINGS), set(Status))

    def test_nothing(self) -> None:
        """Without a command the help goes to stderr."""
        status, text, errors = outcome()
        self.assertEqual((status, text), (Status.USAGE, ""))
        self.assertIn("usage: myspread COMMAND", errors)

    def test_unknown(self) -> None:
        """For a command that there isn't, the nearest one is named."""
        self.assertEqual(
            outcome("enviroment"),
            (2, "", "myspread: there is no command 'enviroment'; did you mean 'environment'?\n"),
        )
        self.assertIn("see: myspread --help", outcome("xyzzy")[2])

    def test_version(self) -> None:
        """The version of all that matters."""
        status, text, _ = outcome("--version")
        self.assertEqual(status, 0)
        versions = rf"{myspread.__version__} \(Twisted \d\S*, Python 3\.\d+\.\d+\)"
        self.assertRegex(text, rf"\Amyspread {versions}\n\Z")

    def test_module(self) -> None:
        """C{python -m myspread} is the same, and its status that of the command."""
        for arguments, status in ((["--version"], 0), (["nothing"], 2)):
            done = subprocess.run(
                [sys.executable, "-m", "myspread", *arguments],
                env=cleanEnvironment(),
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual((done.returncode, done.stdout, done.stderr), outcome(*arguments))
            self.assertEqual(done.returncode, status)

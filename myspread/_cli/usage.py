"""
What the commands share: how they are told what to do.
"""

from __future__ import annotations

import argparse
from typing import NoReturn

from myspread._cli.commands import COMMANDS

__all__ = ["CommandParser", "UsageError"]


class UsageError(Exception):
    """The arguments of a command make no sense; the text says why."""


class CommandParser(argparse.ArgumentParser):
    """
    The arguments of one command. Its help begins with the summary of the
    command, and ends with examples.
    """

    def __init__(self, command: str, examples: str, usage: str | None = None, description: str = "") -> None:
        """
        @param command: its name in L{COMMANDS}.
        @param examples: lines of a shell, each of which can be typed.
        @param usage: what comes after the name of the command, if argparse
            would not say it well.
        @param description: what there is to say beside the summary.
        """
        super().__init__(
            prog=f"myspread {command}",
            usage=None if usage is None else f"myspread {command} {usage}",
            description=description or None,
            epilog="examples:\n" + "\n".join(f"  {line}".rstrip() for line in examples.strip().splitlines()),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._command = command

    def format_help(self) -> str:
        """The summary, and then the help."""
        return f"{COMMANDS[self._command].summary}\n\n{super().format_help()}"

    def error(self, message: str) -> NoReturn:
        """
        Refuse the arguments.

        @raise UsageError: always.
        """
        raise UsageError(f"{self._command}: {message}; see: {self.prog} --help")

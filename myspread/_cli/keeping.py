"""
What the commands share that keep files of accounts.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from myspread._cli.errors import Failed
from myspread._cli.output import complain, prepareOutput, say
from myspread._cli.status import Status
from myspread._cli.text import block, visible
from myspread._cli.usage import CommandParser, UsageError
from myspread._login.accountfiles import readRecords
from myspread._login.accountlines import AccountFileError, Record, Records

__all__ = ["Actions", "addCreate", "checkFile", "finished", "recordsIn", "showTable"]

R = TypeVar("R", bound=Record)


class _ActionParser(argparse.ArgumentParser):
    """
    The arguments of one action.
    """

    def error(self, message: str) -> NoReturn:
        """
        Refuse the arguments.

        @raise UsageError: always.
        """
        raise UsageError(f"{self.prog.partition(' ')[2]}: {message}; see: {self.prog} --help")


class Actions:
    """
    A command that does several things, each with arguments of its own.
    """

    def __init__(self, command: str, examples: str, description: str) -> None:
        """
        @param command: its name.
        @param examples: lines of a shell.
        @param description: what there is to say beside the summary.
        """
        usage = "ACTION [ARGS...]"
        self._parser = CommandParser(
            command, examples, usage, f"{description}\nmyspread {command} ACTION --help tells more."
        )
        self._actions = self._parser.add_subparsers(
            title="actions",
            metavar="ACTION",
            required=True,
            parser_class=_ActionParser,
            prog=f"myspread {command}",
        )

    def add(self, name: str, summary: str, do: Callable[[Any], int]) -> argparse.ArgumentParser:
        """
        Add an action.

        @param do: given the options, does it and returns the exit status.
        @return: what its arguments are added to.
        """
        parser = self._actions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        parser.set_defaults(do=do)
        return parser

    def run(self, arguments: list[str]) -> int:
        """Do what the arguments say."""
        options = self._parser.parse_args(arguments)
        return finished(lambda: options.do(options))


def finished(work: Callable[[], int]) -> int:
    """
    Work with files, and tell in one line what can't be done.

    @return: the exit status.
    """
    prepareOutput()
    try:
        return work()
    except AccountFileError as error:
        complain(block(str(error)))
        return Status.ERROR
    except Failed as error:
        complain(block(str(error)))
        return error.status


def addCreate(parser: argparse.ArgumentParser) -> None:
    """Add an option that lets a file be made."""
    parser.add_argument("--create", action="store_true", help="make the file if there is none")


def checkFile(path: str, read: Callable[[list[str]], R], create: bool) -> None:
    """
    Make sure that a file can be changed, before anything is asked of the user.

    @raise Failed: when there is none, and none is to be made.
    @raise AccountFileError: when it can't be used.
    """
    if os.path.lexists(path):
        readRecords(path, read)
    elif not create:
        raise Failed(f"{path}: there is no such file; --create makes it")


def recordsIn(path: str, read: Callable[[list[str]], R]) -> Records[R]:
    """
    What is in a file.

    @raise AccountFileError: when it can't be used.
    """
    return readRecords(path, read)[0]


def showTable(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; whatever is in it is safe for a terminal."""
    lines = [titles, *([visible(cell) or "-" for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

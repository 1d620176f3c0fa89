"""
The command line: C{myspread COMMAND}, or C{python -m myspread COMMAND}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import version

from myspread import __version__
from myspread._cli.commands import COMMANDS, Command
from myspread._cli.output import closedOutput
from myspread._cli.status import MEANINGS, Status
from myspread._cli.usage import UsageError

__all__ = ["main"]


def _help() -> str:
    return "\n".join(
        [
            "usage: myspread COMMAND [ARGS...]",
            "       myspread COMMAND --help",
            "       myspread --version",
            "",
            "commands:",
            *(f"  {name:<12} {command.summary}" for name, command in COMMANDS.items()),
            "",
            "exit status:",
            *(f"  {status:<12d} {meaning}" for status, meaning in MEANINGS.items()),
            "",
            "The status of 'run' is that of the program. Without the script 'myspread',",
            "'python -m myspread' does the same.",
        ]
    )


def _version() -> str:
    python = ".".join(map(str, sys.version_info[:3]))
    return f"myspread {__version__} (Twisted {version('twisted')}, Python {python})"


def _load(command: Command) -> Callable[[list[str]], int]:
    module, _, function = command.place.partition(":")
    loaded: Callable[[list[str]], int] = getattr(import_module(module), function)
    return loaded


def _dispatch(arguments: list[str]) -> int:
    name, *rest = arguments
    if name in ("--help", "-h"):
        print(_help())
        return Status.OK
    if name == "--version":
        print(_version())
        return Status.OK
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else "see: myspread --help"
        raise UsageError(f"there is no command {name!r}; {hint}")
    return _load(COMMANDS[name])(rest)


def main(arguments: list[str] | None = None) -> int:
    """
    Run a command.

    @param arguments: its name, and what it is given; by default those of the
        process.
    @return: the exit status.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments:
        print(_help(), file=sys.stderr)
        return Status.USAGE
    try:
        return int(_dispatch(arguments))
    except UsageError as error:
        print(f"myspread: {error}", file=sys.stderr)
        return Status.USAGE
    except BrokenPipeError:
        return closedOutput()
    except KeyboardInterrupt:
        return Status.INTERRUPTED

"""
The commands of C{python -m myspread}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from myspread._cli.environment import printEnvironment
from myspread._cli.run import runProgram
from myspread._cli.usage import UsageError

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": runProgram,
    "environment": printEnvironment,
}
"""
By name, what runs a command: it is given the arguments after the name, returns
the exit status, and its docstring is the help.
"""


def _help() -> str:
    lines = ["usage: python -m myspread COMMAND [ARGS...]", ""]
    for name, command in COMMANDS.items():
        lines.append(f"  {name:<12} {(command.__doc__ or '').strip().splitlines()[0]}")
    return "\n".join([*lines, "", "python -m myspread COMMAND --help tells more of one."])


def main(arguments: list[str]) -> int:
    """
    Run a command.

    @param arguments: its name, and what it is given.
    @return: the exit status; 2 when the arguments make no sense.
    """
    if arguments in ([], ["--help"], ["-h"]):
        print(_help())
        return 0 if arguments else 2
    name, *rest = arguments
    try:
        if name not in COMMANDS:
            raise UsageError(f"there is no command {name!r}")
        return COMMANDS[name](rest)
    except UsageError as error:
        print(f"myspread: {error}", file=sys.stderr)
        return 2

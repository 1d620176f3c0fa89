"""
C{python -m myspread environment}
"""

from __future__ import annotations

import shlex

from myspread._cli.usage import UsageError, printedHelp
from myspread.substitution import environment

__all__ = ["printEnvironment"]


def printEnvironment(arguments: list[str]) -> int:
    """
    Print, for a shell, what lets a whole tree of processes run on myspread.

    usage: eval "$(python -m myspread environment)"

    Every Python process that is started in that shell from then on, and every
    one that it starts in turn, takes myspread for twisted.spread. To end this:

    unset MYSPREAD_SUBSTITUTE
    """
    if printedHelp(printEnvironment, arguments):
        return 0
    if arguments:
        raise UsageError("environment takes no arguments")
    for name, value in environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0

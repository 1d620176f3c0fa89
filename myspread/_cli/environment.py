"""
C{myspread environment}
"""

from __future__ import annotations

import shlex

from myspread._cli.status import Status
from myspread._cli.usage import CommandParser
from myspread.substitution import environment

__all__ = ["printEnvironment"]

_EXAMPLES = """
eval "$(myspread environment)"
unset MYSPREAD_SUBSTITUTE
"""

_DESCRIPTION = """\
Every Python process that is started in that shell from then on, and every one
that it starts in turn, takes myspread for twisted.spread, until the variable
is unset.
"""


def printEnvironment(arguments: list[str]) -> int:
    """
    Print, for a shell, what lets a whole tree of processes run on myspread.
    """
    CommandParser("environment", _EXAMPLES, description=_DESCRIPTION).parse_args(arguments)
    for name, value in environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return Status.OK

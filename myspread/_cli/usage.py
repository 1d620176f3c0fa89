"""
What the commands share.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import getdoc

__all__ = ["UsageError", "printedHelp"]


class UsageError(Exception):
    """The arguments of a command make no sense; the text says why."""


def printedHelp(command: Callable[..., int], arguments: list[str]) -> bool:
    """Print the help of a command, its docstring, if that is asked for."""
    if arguments[:1] not in (["--help"], ["-h"]):
        return False
    print(getdoc(command))
    return True

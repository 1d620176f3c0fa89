"""
Writing to the terminal, or to whatever is in its place.
"""

from __future__ import annotations

import os
import sys

from myspread._cli.status import Status

__all__ = ["closedOutput", "complain", "prepareOutput", "say"]


def say(text: str) -> None:
    """Print a line at once, even into a pipe."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Tell the user something that is no result."""
    print(f"myspread: {text}", file=sys.stderr, flush=True)


def prepareOutput() -> None:
    """Let no character that the terminal's encoding doesn't have end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def closedOutput() -> int:
    """
    Whoever read our output has had enough, as C{head} has; the interpreter must
    not complain of it at the end.

    @return: the exit status.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return int(Status.ERROR)

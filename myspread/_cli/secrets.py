"""
Passwords and other secrets: from a file, the environment or the terminal, and
never from the command line, which all users of a machine can read.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path

from myspread._cli.output import complain
from myspread._cli.usage import UsageError

__all__ = ["hasTerminal", "secretFrom"]


def secretFrom(
    path: str | None, variable: str, prompt: str, option: str, ask: Callable[[str], str] = getpass
) -> bytes:
    """
    A secret of the user.

    @param path: the file whose first line it is, if there is one.
    @param variable: the environment variable that may hold it.
    @param prompt: what to ask on the terminal otherwise.
    @param option: the option that names a file, for error texts.
    @raise UsageError: when it is nowhere, or empty.
    """
    if path is not None:
        secret = _firstLine(path, option)
    elif variable in os.environ:
        secret = os.fsencode(os.environ[variable])
    else:
        secret = _asked(prompt, f"{option} FILE or the variable {variable}", ask)
    if not secret:
        raise UsageError(f"the secret from {path or variable} is empty")
    return secret


def _firstLine(path: str, option: str) -> bytes:
    try:
        text = Path(path).read_bytes()
        mode = os.stat(path).st_mode
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        complain(f"warning: other users may read {path}; try: chmod 600 {path}")
    return text.partition(b"\n")[0].removesuffix(b"\r")


def hasTerminal() -> bool:
    """Whether there is somebody to ask."""
    if sys.stdin is not None and sys.stdin.isatty():
        return True
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _asked(prompt: str, otherwise: str, ask: Callable[[str], str]) -> bytes:
    if not hasTerminal():
        raise UsageError(f"there is no terminal to ask on; use {otherwise}")
    try:
        return os.fsencode(ask(prompt))
    except EOFError:
        raise UsageError(f"nothing was typed; {otherwise} would do as well") from None

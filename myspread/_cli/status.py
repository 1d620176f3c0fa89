"""
How commands end.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["MEANINGS", "Status"]


class Status(IntEnum):
    """
    The exit status of a command, for scripts. L{MEANINGS} says what each means.
    """

    OK = 0
    ERROR = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    TIMEOUT = 5
    UNUSABLE = 6
    INTERRUPTED = 130


MEANINGS: dict[Status, str] = {
    Status.OK: "all is well",
    Status.ERROR: "the remote method raised an exception, or what was to be done failed",
    Status.USAGE: "the arguments make no sense",
    Status.UNREACHABLE: "no connection could be made, or it was lost",
    Status.REFUSED: "the server refused the login",
    Status.TIMEOUT: "something took longer than --timeout",
    Status.UNUSABLE: "what the server sent can't be understood, or is larger than a limit",
    Status.INTERRUPTED: "ended by SIGINT (Ctrl-C) before it was done",
}
"""
The one table of what each exit status means; C{myspread --help} shows it.
"""

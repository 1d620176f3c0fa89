"""
The table of the commands. Nothing that a command needs is imported here: C{run}
must be there before anything of C{twisted.spread} is.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COMMANDS", "Command"]


class Command(NamedTuple):
    """
    What there is to know of a command before it runs.

    @ivar summary: what it does, in a line: the first one of its help.
    @ivar place: C{module:function}. The function is given the arguments after
        the name of the command, and returns the exit status. It raises
        L{UsageError<myspread._cli.usage.UsageError>} for arguments that make no
        sense.
    """

    summary: str
    place: str


COMMANDS: dict[str, Command] = {
    "call": Command("Call a method of a server, and print what it returns.", "myspread._cli.call:call"),
    "ping": Command("Measure how long a server takes to answer.", "myspread._cli.ping:ping"),
    "describe": Command("Tell what can be called on a server.", "myspread._cli.describe:describe"),
    "watch": Command("Follow a cache of a server as it changes.", "myspread._cli.watch:watch"),
    "bench": Command("Measure how many calls a server of yours can take.", "myspread._cli.bench:bench"),
    "repl": Command("Call methods from a Python prompt.", "myspread._cli.repl:repl"),
    "tap": Command("Show what a client and a server say to each other.", "myspread._cli.tap:tap"),
    "passwd": Command("Keep a file of users and their passwords.", "myspread._cli.passwd:passwd"),
    "token": Command("Keep a file of tokens, which programs log in with.", "myspread._cli.token:token"),
    "cert": Command(
        "Keep a file that says whose the certificates of clients are.", "myspread._cli.cert:cert"
    ),
    "run": Command(
        "Run a program that uses twisted.spread, unchanged, on myspread.",
        "myspread._cli.run:runProgram",
    ),
    "environment": Command(
        "Print, for a shell, what lets a whole tree of processes run on myspread.",
        "myspread._cli.environment:printEnvironment",
    ),
}
"""
By name, each command of C{myspread}, in the order in which the help lists them.
"""

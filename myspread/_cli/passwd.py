"""
C{myspread passwd}
"""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Any

from myspread._cli.errors import Failed
from myspread._cli.keeping import addCreate, checkFile, finished, recordsIn, showTable
from myspread._cli.output import say
from myspread._cli.secrets import hasTerminal
from myspread._cli.status import Status
from myspread._cli.text import visible
from myspread._cli.usage import CommandParser, UsageError
from myspread._login.accountediting import editing
from myspread._login.argon2 import RECOMMENDED, Argon2Cost, costOf
from myspread._login.passwords import Secret, User, preparedName, readPassword
from myspread._login.scram import DEFAULT_ITERATIONS, FEWEST_ITERATIONS, MOST_ITERATIONS

__all__ = ["passwd"]

_USAGE = """[--create] FILE USER
       myspread passwd FILE USER --remove
       myspread passwd FILE --list"""

_EXAMPLES = """
myspread passwd --create passwords ann
myspread passwd passwords bob --stdin < bobs-password
myspread passwd passwords ann --remove
myspread passwd passwords --list
twistd pbserver --realm shop:Realm --auth pbpasswords:passwords
"""

_DESCRIPTION = """\
Gives a user a password, whether or not there is one already. It is asked for
twice, or is the first line of the standard input. The file holds no password,
but a hash of it (Argon2id) and what SCRAM-SHA-256 needs; nobody but its owner
may read it. Servers that use it notice the change.
"""


def passwd(arguments: list[str]) -> int:
    """
    Keep a file of users and their passwords.
    """
    parser = CommandParser("passwd", _EXAMPLES, _USAGE, _DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="where the users are kept")
    parser.add_argument("user", metavar="USER", nargs="?", help="the name of a user")
    parser.add_argument(
        "--list", action="store_true", help="list the users, and what their passwords cost to guess"
    )
    parser.add_argument("--remove", action="store_true", help="remove the user")
    parser.add_argument("--stdin", action="store_true", help="read the password from the standard input")
    addCreate(parser)
    parser.add_argument(
        "--without",
        choices=("argon2", "scram"),
        help="keep no hash, so that the user can't log in by sending the password; or nothing for SCRAM",
    )
    parser.add_argument(
        "--argon2", metavar="COST", help=f"memory (KiB), passes and lanes [default: {RECOMMENDED.text()}]"
    )
    parser.add_argument(
        "--iterations", metavar="N", help=f"iterations of SCRAM [default: {DEFAULT_ITERATIONS}]"
    )
    options = parser.parse_args(arguments)
    return finished(lambda: _action(options, parser)(options))


def _action(options: Any, parser: CommandParser) -> Any:
    if options.list and options.remove:
        parser.error("--list or --remove?")
    if options.list != (options.user is None):
        parser.error("--list takes no USER" if options.list else "which USER?")
    if options.list:
        return _list
    return _remove if options.remove else _set


def _list(options: Any) -> int:
    users = [each for each in recordsIn(options.file, readPassword) if isinstance(each, User)]
    rows = [
        (
            user.name,
            costOf(user.argon2).text() if user.argon2 else "",
            "" if user.scram is None else str(user.scram.iterations),
        )
        for user in users
    ]
    showTable(("USER", "ARGON2", "SCRAM"), rows)
    return Status.OK


def _remove(options: Any) -> int:
    name = _name(options.user)
    with editing(options.file, readPassword) as records:
        if records.get(name) is None:
            raise Failed(f"{options.file}: there is no user {name!r}")
        records.remove(name)
    say(f"{visible(name)} is removed.")
    return Status.OK


def _set(options: Any) -> int:
    name, cost, iterations = _name(options.user), _cost(options), _iterations(options)
    checkFile(options.file, readPassword, options.create)
    password = _fromStdin() if options.stdin else _asked(name)
    try:
        user = User.withPassword(name, password, cost, iterations)
    except ValueError as error:
        raise Failed(str(error)) from error
    with editing(options.file, readPassword, options.create) as records:
        isNew = records.get(name) is None
        if records.get(Secret.key) is None:
            records.put(Secret.new())
        records.put(user)
    say(f"{visible(name)} {'is added' if isNew else 'has a new password'}.")
    return Status.OK


def _name(name: str) -> str:
    try:
        return preparedName(name)
    except ValueError as error:
        raise UsageError(f"passwd: {error}") from error


def _cost(options: Any) -> Argon2Cost | None:
    if options.without == "argon2":
        return None
    try:
        return RECOMMENDED if options.argon2 is None else Argon2Cost.fromText(options.argon2)
    except ValueError as error:
        raise UsageError(f"passwd: --argon2 {options.argon2}: {error}") from error


def _iterations(options: Any) -> int | None:
    if options.without == "scram":
        return None
    if options.iterations is None:
        return DEFAULT_ITERATIONS
    text = options.iterations
    isNumber = text.isascii() and text.isdigit() and len(text) <= 10
    if not isNumber or not FEWEST_ITERATIONS <= int(text) <= MOST_ITERATIONS:
        raise UsageError(
            f"passwd: --iterations {text}: it is a number from {FEWEST_ITERATIONS} to {MOST_ITERATIONS}"
        )
    return int(text)


def _fromStdin() -> str:
    line = sys.stdin.buffer.readline().removesuffix(b"\n").removesuffix(b"\r")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise Failed("the password isn't UTF-8") from None


def _asked(name: str) -> str:
    if not hasTerminal():
        raise UsageError("passwd: there is no terminal to ask on; use --stdin")
    try:
        password = getpass(f"New password of {visible(name)}: ")
        if getpass("The same again: ") != password:
            raise Failed("that was another password: nothing is changed")
    except EOFError:
        raise Failed("no password: nothing is changed") from None
    return password

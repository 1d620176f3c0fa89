"""
C{myspread token}
"""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from myspread._cli.errors import Failed
from myspread._cli.keeping import Actions, addCreate, checkFile, recordsIn, showTable
from myspread._cli.output import complain, say
from myspread._cli.status import Status
from myspread._cli.text import visible
from myspread._cli.usage import UsageError
from myspread._login.accountediting import editing
from myspread._login.accountlines import Records
from myspread._login.passwords import preparedName
from myspread._login.tokens import ID_CHARACTERS, Token, digestOf, newToken, readToken, shownTime

__all__ = ["token"]

_EXAMPLES = """
myspread token create --create tokens build1 --label "the first builder"
myspread token create tokens build2 --expires 30d > build2.token
myspread token list tokens
myspread token revoke tokens 1f3a5c7e9b2d
myspread token expire tokens 1f3a5c7e9b2d 2027-01-31
myspread token prune tokens
twistd pbserver --realm shop:Realm --auth pbtokens:tokens
"""

_DESCRIPTION = """\
A token is a secret that a program logs in with. It is printed when it is made,
and never again: the file holds a digest of it, with the avatar id of who logs in
with it, a label, and when it expires. Servers that use the file notice the
change.
"""

_WHEN = "90d, 12h, 2w, 1y; 2027-01-31 or 2027-01-31T12:00:00Z, in UTC; or never"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}

_span = re.compile(r"([0-9]{1,9})([smhdwy])")

_FORMS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ")

END = int(datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp())
"""No time is later."""


def token(arguments: list[str]) -> int:
    """
    Keep a file of tokens, which programs log in with.
    """
    actions = Actions("token", _EXAMPLES, _DESCRIPTION)
    parser = actions.add("create", "Make a token, and print it.", _create)
    addCreate(parser)
    _addFile(parser)
    parser.add_argument("avatar", metavar="AVATAR", help="the avatar id of who logs in with it")
    parser.add_argument("--label", default="", help="what it is for")
    parser.add_argument("--expires", metavar="WHEN", default="90d", help=f"{_WHEN} [default: 90d]")
    _addFile(actions.add("list", "List the tokens, and whether they are valid.", _list))
    _addId(actions.add("revoke", "Make a token useless, at once.", _revoke))
    parser = actions.add("expire", "Change when a token expires.", _expire)
    _addId(parser)
    parser.add_argument("when", metavar="WHEN", help=f"now; {_WHEN}")
    _addFile(actions.add("prune", "Remove what is known of tokens that are expired or revoked.", _prune))
    return actions.run(arguments)


def _addFile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="where the tokens are kept")


def _addId(parser: argparse.ArgumentParser) -> None:
    _addFile(parser)
    parser.add_argument("id", metavar="ID", help="as the list has it, or the beginning")


def _now() -> int:
    return int(time.time())


def _time(text: str, now: int) -> int | None:
    """A time that the user has typed; None for never."""
    if text == "never":
        return None
    if text == "now":
        return now
    span = _span.fullmatch(text)
    when = now + int(span[1]) * _UNITS[span[2]] if span else _date(text)
    if when > END:
        raise UsageError(f"token: {text!r} is too late; say never")
    return when


def _date(text: str) -> int:
    for form in _FORMS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=timezone.utc).timestamp())
        except ValueError:
            continue
    raise UsageError(f"token: {text!r} is no time; it is like {_WHEN}")


def _create(options: Any) -> int:
    now = _now()
    expires = _time(options.expires, now)
    if expires is not None and expires <= now:
        raise UsageError(f"token: {options.expires!r} is over already")
    try:
        avatar = preparedName(options.avatar, "the avatar id")
    except ValueError as error:
        raise UsageError(f"token: {error}") from error
    checkFile(options.file, readToken, options.create)
    secret = newToken()
    record = Token(digestOf(secret.encode("ascii")), avatar, now, expires, None, options.label)
    with editing(options.file, readToken, options.create) as records:
        records.put(record)
    until = "never expires" if expires is None else f"expires at {shownTime(expires)}"
    complain(f"token {record.id} of {visible(avatar)} {until}; it is shown only now:")
    say(secret)
    return Status.OK


def _list(options: Any) -> int:
    now = _now()
    rows = [
        (
            each.id,
            each.state(now),
            each.avatar,
            shownTime(each.created),
            shownTime(each.expires) or "never",
            each.label,
        )
        for each in recordsIn(options.file, readToken)
    ]
    showTable(("ID", "STATE", "AVATAR", "CREATED", "EXPIRES", "LABEL"), rows)
    return Status.OK


def _found(records: Records[Token], options: Any) -> Token:
    if len(options.id) > ID_CHARACTERS:
        # Somebody may take the token for its id; then it is known to others by now.
        raise UsageError(f"token: an id has {ID_CHARACTERS} characters; myspread token list FILE shows it")
    found = [each for each in records if options.id and each.id.startswith(options.id.lower())]
    if not found:
        raise Failed(f"{options.file}: there is no token {options.id!r}")
    if len(found) > 1:
        raise Failed(f"{options.file}: {len(found)} tokens begin with {options.id!r}; say more of the id")
    return found[0]


def _revoke(options: Any) -> int:
    with editing(options.file, readToken) as records:
        found = _found(records, options)
        if found.revoked is None:
            records.put(replace(found, revoked=_now()))
    say(f"token {found.id} of {visible(found.avatar)} is revoked.")
    return Status.OK


def _expire(options: Any) -> int:
    expires = _time(options.when, _now())
    with editing(options.file, readToken) as records:
        found = _found(records, options)
        records.put(replace(found, expires=expires))
    when = "never expires" if expires is None else f"expires at {shownTime(expires)}"
    also = "" if found.revoked is None else "; it is revoked all the same"
    say(f"token {found.id} of {visible(found.avatar)} {when}{also}.")
    return Status.OK


def _prune(options: Any) -> int:
    now = _now()
    with editing(options.file, readToken) as records:
        useless = [each for each in records if each.state(now) != "valid"]
        for each in useless:
            records.remove(each.key)
    say(f"{len(useless)} removed, {len(records)} left.")
    return Status.OK

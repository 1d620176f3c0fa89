"""
The limits of C{twistd pbserver}, and how its command line changes them.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from difflib import get_close_matches
from math import inf
from typing import Any

from myspread.limits import BeforeLogin, Limits
from myspread.pb import Budget

__all__ = ["SERVER_LIMITS", "NoSuchSetting", "seconds", "withBudget", "withEarlyDrop", "withSetting"]

SERVER_LIMITS = Limits(
    messageLength=16 * 1024 * 1024,
    # Each may take a quarter of a kilobyte while it is read.
    elements=96 * 1024,
    unreadAnswers=256 * 1024,
    unfinishedMessages=16 * 1024 * 1024,
    loginTime=120.0,
    loginAttempts=6,
    loginDelay=0.25,
    loginDelayLimit=10.0,
    connections=8192,
    connectionsPerAddress=4096,
    startups=1500,
    startupsRate=30,
    startupsFull=3000,
)
"""
What holds unless the command line says otherwise: for a server that anybody may
reach. A build farm of 1,000 workers behind one address meets none of them.
"""

_NESTED = "beforeLogin."

_NAMES = [
    *(field.name for field in fields(Limits) if field.name != "beforeLogin"),
    *(_NESTED + field.name for field in fields(BeforeLogin)),
]

_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_number = re.compile(r"(\d+(?:\.\d+)?)([kKmMgG]?)(?:[iI][bB])?", re.ASCII)


class NoSuchSetting(ValueError):
    """
    A setting that can't be made. The message is one line, and says why.
    """


def withSetting(limits: Limits, setting: str) -> Limits:
    """
    Limits with one of them changed.

    @param setting: C{NAME=VALUE}. The name is that of a field of L{Limits}, or
        C{beforeLogin.} and that of a field of L{BeforeLogin}. The value is a
        number, to which a letter may be added, such as C{16M} for 16 times
        1024 times 1024, if it isn't a time; or C{none}.
    @raise NoSuchSetting: when there is no such field, or the value is none that
        it can have.
    """
    name, value = _pair("limit", _NAMES, setting)
    if name.startswith(_NESTED):
        inner = name.removeprefix(_NESTED)
        return replace(limits, beforeLogin=_replaced(limits.beforeLogin, inner, value))
    changed: Limits = _replaced(limits, name, value)
    return changed


def withBudget(budget: Budget, setting: str) -> Budget:
    """
    A budget with one of its bounds changed.

    @param setting: C{NAME=VALUE}, with a field of L{Budget}; values are those of
        L{withSetting}.
    @raise NoSuchSetting: when there is no such field, or the value is none that
        it can have.
    """
    name, value = _pair("budget", [field.name for field in fields(Budget)], setting)
    changed: Budget = _replaced(budget, name, value)
    return changed


def _pair(kind: str, names: list[str], setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise NoSuchSetting(f"a {kind} is given as NAME=VALUE")
    if name not in names:
        byLowerCase = {each.lower(): each for each in names}
        [nearest] = get_close_matches(name.lower(), byLowerCase, 1, 0.0)
        raise NoSuchSetting(f"there is no {kind} {name!r}; do you mean {byLowerCase[nearest]}?")
    return name, value


def seconds(text: str) -> float:
    """
    A time on the command line.

    @raise ValueError: when it is no number of seconds from 0 on.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < inf:
        raise ValueError("a time is a number of seconds from 0 on")
    return number


def withEarlyDrop(limits: Limits) -> Limits:
    """
    Limits under which some connections are dropped at random before all are:
    where others of them leave no room for that, C{startups} and
    C{startupsFull} shrink.
    """
    bounds = [each for each in (limits.startupsFull, limits.connections) if each is not None]
    if limits.startups is None or not bounds:
        return limits
    full = min(bounds)
    startups = limits.startups if limits.startups <= full else full // 2
    return replace(limits, startups=startups, startupsFull=full)


def _replaced(limits: Any, name: str, value: str) -> Any:
    [kind] = [str(field.type) for field in fields(limits) if field.name == name]
    try:
        return replace(limits, **{name: _parsed(value, whole=kind.startswith("int"))})
    except ValueError as error:
        # The limits themselves know what they want.
        raise NoSuchSetting(" ".join(str(error).split())) from error


def _parsed(value: str, whole: bool) -> Any:
    """
    A number or None; the text itself if it is neither.
    """
    if value.lower() == "none":
        return None
    parsed = _number.fullmatch(value)
    if parsed is None or (parsed[2] and not whole):
        # Minutes would be taken for millions.
        return value
    digits, unit = parsed.groups()
    number = (float(digits) if "." in digits else int(digits)) * _UNITS[unit.lower()]
    # 1.5M is as whole as any.
    return int(number) if whole and number == number // 1 else number

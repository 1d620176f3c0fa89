"""
What a server tells of what happens: the one table of its events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Final

from twisted.logger import Logger, LogLevel

from myspread._peer.budgets import Budget
from myspread.limits import BeforeLogin, Limits

__all__ = ["EVENTS", "EventKind", "emit", "limitIn"]


@dataclass(frozen=True)
class EventKind:
    """
    One kind of entry that programs can look for in the log.

    @ivar name: what the entry has in its field C{event}.
    @ivar level: its level.
    @ivar text: its format.
    @ivar fields: its other fields, each with what it says.
    """

    name: str
    level: Any
    text: str
    fields: tuple[tuple[str, str], ...]


_PEER = ("peer", "the address of the peer")
_CONNECTION = ("connection", "the number of the connection, counted from 1 since the server started")
_AVATAR = ("avatar", "who has logged in, or None")
_LIMIT = ("limit", "the field of Limits that says so, or Budget. and one of Budget, or None")

EVENTS: Final = {
    event.name: event
    for event in (
        EventKind(
            "connect", LogLevel.debug, "Connection {connection} from {peer} has begun.", (_CONNECTION, _PEER)
        ),
        EventKind(
            "login",
            LogLevel.info,
            "Connection {connection} from {peer}: {avatar!r} has logged in, with {mechanism}.",
            (
                _CONNECTION,
                _PEER,
                _AVATAR,
                ("mechanism", "how: md5, scram-sha-256, anonymous ..."),
            ),
        ),
        EventKind(
            "login-refused",
            LogLevel.warn,
            "Connection {connection} from {peer}: a login is refused: {reason}",
            (_CONNECTION, _PEER, ("reason", "the error that the peer gets")),
        ),
        EventKind(
            "refused",
            LogLevel.warn,
            "A connection from {peer} is refused: {reason}",
            (_PEER, ("reason", "why"), _LIMIT),
        ),
        EventKind(
            "limit",
            LogLevel.warn,
            "Connection {connection} from {peer}: a call is refused: {reason}",
            (_CONNECTION, _PEER, _AVATAR, ("reason", "the error that the peer gets"), _LIMIT),
        ),
        EventKind(
            "closed",
            LogLevel.warn,
            "Closing the connection to {peer}: {reason}",
            (_PEER, ("reason", "the rule that the peer has broken"), _LIMIT),
        ),
        EventKind(
            "incident",
            LogLevel.critical,
            "Incident {incident}: a call has failed, and {peer} is told no more than this number:",
            (_PEER, ("incident", "the id, which the caller has too"), ("log_failure", "the error")),
        ),
        EventKind(
            "slow-call",
            LogLevel.warn,
            "Connection {connection} from {peer}: {method!r} took {seconds:.3g} s, until it was {outcome}.",
            (
                _CONNECTION,
                _PEER,
                _AVATAR,
                ("method", "what the peer has called"),
                ("seconds", "from when it was begun until its answer was handed to the transport"),
                ("outcome", "answered, or failed; or over, or failed, after its caller had left"),
                ("incident", "the id that the caller got in place of an error, or None"),
            ),
        ),
        EventKind(
            "disconnect",
            LogLevel.debug,
            "Connection {connection} from {peer} has ended after {seconds:.3g} s: {reason}",
            (_CONNECTION, _PEER, _AVATAR, ("seconds", "how long it has lasted"), ("reason", "how it ended")),
        ),
    )
}
"""By name, every event."""


def emit(budget: Any, logger: Logger, name: str, **values: Any) -> None:
    """
    Write an event to the log, as far as a budget allows.

    @param budget: a L{LogBudget<myspread._peer.logbudget.LogBudget>}.
    @param name: one of L{EVENTS}.
    @param values: its fields.
    """
    event = EVENTS[name]
    budget.emit(logger, event.level, event.text, event=name, **values)


_named = re.compile(r"(?:Limits\.((?:beforeLogin\.)?[A-Za-z]+)|(Budget\.[A-Za-z]+))")
_NAMES = frozenset(
    [
        *(field.name for field in fields(Limits)),
        *(f"beforeLogin.{field.name}" for field in fields(BeforeLogin)),
        *(f"Budget.{field.name}" for field in fields(Budget)),
    ]
)
_STOCK_TEXTS = {
    "Maximum PB reference count exceeded.": "references",
    "Maximum PB cache count exceeded.": "caches",
}
"""Errors that are word for word those of C{twisted.spread}."""


def limitIn(text: str) -> str | None:
    """
    The limit that a text names as the reason of something; None if it names
    none. Every error of ours that is about a limit names its field.
    """
    found = _named.search(text)
    if found is None:
        return _STOCK_TEXTS.get(text.partition("  ")[0])
    name = found[1] or found[2]
    return name if name in _NAMES else None

"""
The phases of a connection, as a table.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

__all__ = ["DEADLINES", "Event", "Phase", "following"]


class Phase(Enum):
    """
    How far a connection has come.
    """

    # Enum's own hashes the name, in Python.
    __hash__ = object.__hash__

    HANDSHAKE = auto()
    """The dialect isn't agreed on."""

    HANDSHAKE_BEFORE_LOGIN = auto()
    """The dialect isn't agreed on, and the peer has to log in afterwards."""

    LOGIN = auto()
    """The peer has to log in; until then little is accepted."""

    OPEN = auto()
    """Both sides call each other."""

    CLOSING = auto()
    """We close: the peer has broken the rules, or the server stops. Nothing that it sends counts any more."""

    LOST = auto()
    """There is no connection any more."""


class Event(Enum):
    """
    What brings a connection from one phase to another.
    """

    __hash__ = object.__hash__

    LOGIN_BEGUN = auto()
    """The root object is one that leads to a login."""

    AGREED = auto()
    """The handshake is done."""

    LOGGED_IN = auto()
    """The peer gets an avatar."""

    CLOSED = auto()
    """We close: the peer has broken the rules, or the server stops."""

    LOST = auto()
    """The transport has lost the connection."""


_TRANSITIONS: Final = {
    (Phase.HANDSHAKE, Event.LOGIN_BEGUN): Phase.HANDSHAKE_BEFORE_LOGIN,
    (Phase.HANDSHAKE, Event.AGREED): Phase.OPEN,
    (Phase.HANDSHAKE_BEFORE_LOGIN, Event.AGREED): Phase.LOGIN,
    (Phase.HANDSHAKE_BEFORE_LOGIN, Event.LOGGED_IN): Phase.HANDSHAKE,
    (Phase.LOGIN, Event.LOGGED_IN): Phase.OPEN,
    (Phase.HANDSHAKE, Event.CLOSED): Phase.CLOSING,
    (Phase.HANDSHAKE_BEFORE_LOGIN, Event.CLOSED): Phase.CLOSING,
    (Phase.LOGIN, Event.CLOSED): Phase.CLOSING,
    (Phase.OPEN, Event.CLOSED): Phase.CLOSING,
    (Phase.HANDSHAKE, Event.LOST): Phase.LOST,
    (Phase.HANDSHAKE_BEFORE_LOGIN, Event.LOST): Phase.LOST,
    (Phase.LOGIN, Event.LOST): Phase.LOST,
    (Phase.OPEN, Event.LOST): Phase.LOST,
    (Phase.CLOSING, Event.LOST): Phase.LOST,
    # A root within an open connection may lead to a further login.
    (Phase.OPEN, Event.LOGIN_BEGUN): Phase.OPEN,
    (Phase.OPEN, Event.LOGGED_IN): Phase.OPEN,
    (Phase.HANDSHAKE_BEFORE_LOGIN, Event.LOGIN_BEGUN): Phase.HANDSHAKE_BEFORE_LOGIN,
    (Phase.LOGIN, Event.LOGIN_BEGUN): Phase.LOGIN,
    (Phase.HANDSHAKE, Event.LOGGED_IN): Phase.HANDSHAKE,
    # An application may come too late.
    (Phase.CLOSING, Event.LOGIN_BEGUN): Phase.CLOSING,
    (Phase.LOST, Event.LOGIN_BEGUN): Phase.LOST,
    (Phase.CLOSING, Event.LOGGED_IN): Phase.CLOSING,
    (Phase.LOST, Event.LOGGED_IN): Phase.LOST,
    (Phase.CLOSING, Event.CLOSED): Phase.CLOSING,
    (Phase.LOST, Event.CLOSED): Phase.LOST,
    (Phase.LOST, Event.LOST): Phase.LOST,
}

DEADLINES: Final = {
    Phase.HANDSHAKE: "handshakeTime",
    Phase.HANDSHAKE_BEFORE_LOGIN: "handshakeTime",
    Phase.LOGIN: "loginTime",
    Phase.OPEN: "idleTime",
    Phase.CLOSING: "closingTime",
}
"""By phase, the field of L{Limits} that says how long it may last."""


def following(phase: Phase, event: Event) -> Phase:
    """
    The phase after an event.

    @raise ValueError: when there is no such event in this phase.
    """
    try:
        return _TRANSITIONS[phase, event]
    except KeyError:
        raise ValueError(f"a connection in the phase {phase.name} can't be {event.name}") from None

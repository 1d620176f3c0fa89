"""
The states of a session, as a table.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["TRANSITIONS", "Event", "SessionState", "after"]


class SessionState(Enum):
    """
    What a session is doing.

    @cvar NEW: nothing yet.
    @cvar CONNECTING: it tries to connect and to log in.
    @cvar UP: it can be used.
    @cvar WAITING: it will try again.
    @cvar CLOSING: it was told to stop, and has not stopped yet.
    @cvar ENDED: it was closed, or has failed for good.
    """

    NEW = "new"
    CONNECTING = "connecting"
    UP = "up"
    WAITING = "waiting"
    CLOSING = "closing"
    ENDED = "ended"


class Event(Enum):
    """
    What happens to a session.

    @cvar ATTEMPT: an attempt to connect begins.
    @cvar READY: it has succeeded: connected, and logged in if there are
        credentials.
    @cvar TROUBLE: it has failed, or the connection is lost; there will be
        another one.
    @cvar GIVE_UP: the same, and there will be none.
    @cvar CLOSE: somebody closes the session.
    @cvar STOPPED: it has no connection any more, and begins none.
    """

    ATTEMPT = "attempt"
    READY = "ready"
    TROUBLE = "trouble"
    GIVE_UP = "give up"
    CLOSE = "close"
    STOPPED = "stopped"


TRANSITIONS: dict[tuple[SessionState, Event], SessionState] = {
    (SessionState.NEW, Event.ATTEMPT): SessionState.CONNECTING,
    (SessionState.NEW, Event.CLOSE): SessionState.CLOSING,
    (SessionState.CONNECTING, Event.READY): SessionState.UP,
    (SessionState.CONNECTING, Event.TROUBLE): SessionState.WAITING,
    (SessionState.CONNECTING, Event.GIVE_UP): SessionState.ENDED,
    (SessionState.CONNECTING, Event.CLOSE): SessionState.CLOSING,
    (SessionState.UP, Event.TROUBLE): SessionState.WAITING,
    (SessionState.UP, Event.GIVE_UP): SessionState.ENDED,
    (SessionState.UP, Event.CLOSE): SessionState.CLOSING,
    (SessionState.WAITING, Event.ATTEMPT): SessionState.CONNECTING,
    (SessionState.WAITING, Event.CLOSE): SessionState.CLOSING,
    (SessionState.CLOSING, Event.TROUBLE): SessionState.CLOSING,
    (SessionState.CLOSING, Event.STOPPED): SessionState.ENDED,
    # A service may be started again.
    (SessionState.ENDED, Event.ATTEMPT): SessionState.CONNECTING,
}
"""By state and event, the next state. Nothing else can happen."""


def after(state: SessionState, event: Event) -> SessionState:
    """
    The state that follows.

    @raise KeyError: when the event can't happen in this state.
    """
    return TRANSITIONS[state, event]

"""
L{Handshake}: how two peers agree on a dialect, without any input or output.

The server sends the list of its dialects, the client answers with the first of
them that it knows. (Banana specification, "Protocol Handshake and Behaviour")
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from myspread._codec.dialect import Dialect, dialectNamed
from myspread._codec.excerpt import excerpt
from myspread._codec.tokens import Expression
from myspread._errors import BananaError

__all__ = ["Handshake"]


class _State(Enum):
    # Enum's own hashes the name, in Python.
    __hash__ = object.__hash__

    SERVER_OPENS = auto()
    CLIENT_OPENS = auto()
    OFFER_EXPECTED = auto()
    CHOICE_EXPECTED = auto()
    AGREED = auto()
    REFUSED = auto()


class _Event(Enum):
    __hash__ = object.__hash__

    OPENED = auto()
    AGREED = auto()
    REFUSED = auto()


_TRANSITIONS: Final = {
    (_State.SERVER_OPENS, _Event.OPENED): _State.CHOICE_EXPECTED,
    (_State.CLIENT_OPENS, _Event.OPENED): _State.OFFER_EXPECTED,
    (_State.CHOICE_EXPECTED, _Event.AGREED): _State.AGREED,
    (_State.CHOICE_EXPECTED, _Event.REFUSED): _State.REFUSED,
    (_State.OFFER_EXPECTED, _Event.AGREED): _State.AGREED,
    (_State.OFFER_EXPECTED, _Event.REFUSED): _State.REFUSED,
}


class Handshake:
    """
    One side of the negotiation on one connection.

    Call L{opening} once, send what it returns, then give L{receive} the first
    expression that arrives.

    @ivar dialect: What was agreed on, C{None} until then.
    """

    dialect: Dialect | None = None

    def __init__(self, isClient: bool, known: Sequence[bytes]) -> None:
        """
        @param isClient: Whether we opened the connection.
        @param known: The names of the dialects that we speak, the preferred
            one first. A name that isn't in L{myspread._codec.DIALECTS} means
            a dialect without a vocabulary.
        """
        self._known = list(known)
        self._state = _State.CLIENT_OPENS if isClient else _State.SERVER_OPENS

    def opening(self) -> Expression | None:
        """
        Begin.

        @return: The expression to send first: the offer of a server, or
            C{None} for a client, which waits.

        @raise BananaError: The handshake has already begun.
        """
        self._follow(_Event.OPENED)
        if self._state is _State.CHOICE_EXPECTED:
            return list(self._known)
        return None

    def receive(self, expression: Expression) -> tuple[bytes | None, Dialect]:
        """
        Take the peer's part.

        @param expression: The first expression that arrived.

        @return: What to answer, C{None} for nothing, and the dialect that
            is in force from now on.

        @raise BananaError: No dialect is shared, the expression is no part of
            a handshake, or the handshake isn't waiting for one.
        """
        if self._state is _State.OFFER_EXPECTED:
            name = answer = self._choose(expression)
        elif self._state is _State.CHOICE_EXPECTED:
            name, answer = self._confirm(expression), None
        else:
            raise self._outOfOrder()
        self._follow(_Event.AGREED)
        self.dialect = dialectNamed(name)
        return answer, self.dialect

    def _choose(self, offer: Expression) -> bytes:
        """
        Pick the first name in a server's offer that we know.
        """
        if not isinstance(offer, list):
            raise self._refusal("The server sent no list of dialects", offer)
        for name in offer:
            if isinstance(name, bytes) and name in self._known:
                return name
        raise self._refusal("The server offers no dialect that we know", offer)

    def _confirm(self, choice: Expression) -> bytes:
        """
        Check the name that a client chose.
        """
        if not isinstance(choice, bytes):
            raise self._refusal("The client sent no name of a dialect", choice)
        if choice not in self._known:
            raise self._refusal("The client chose a dialect that we don't know", choice)
        return choice

    def _refusal(self, reason: str, expression: Expression) -> BananaError:
        """
        End the handshake, and make the error that says why.
        """
        self._follow(_Event.REFUSED)
        return BananaError(
            f"{reason}: {excerpt(expression)}. We know {excerpt(self._known)}."
        )

    def _follow(self, event: _Event) -> None:
        """
        Go to the next state.
        """
        following = _TRANSITIONS.get((self._state, event))
        if following is None:
            raise self._outOfOrder()
        self._state = following

    def _outOfOrder(self) -> BananaError:
        """
        Make the error for a step that has no place in the present state.
        """
        return BananaError(
            f"The handshake has no such step in the state {self._state.name}."
        )

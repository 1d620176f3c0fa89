"""
What can be broken: L{Conversation}.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from myspread._errors import DeadReferenceError, PBConnectionLost
from myspread._factories.client import PBClientFactory
from myspread._factories.server import PBServerFactory
from myspread._flavors.dispatch import awaited
from myspread.testing._memory import BrokerPair

__all__ = ["Conversation"]


class Conversation:
    """
    What a client and a server have to say to each other, for L{breakEverywhere}.
    It can be used as it is, or be subclassed, to check more and to end in
    another way.

    @ivar pair: the two brokers, between which nothing has moved yet.
    @cvar endings: the exceptions with which it may end when the connection is
        lost.
    @cvar keeps: classes of objects that may stay lent, or cached by the other
        side, when it is over and the connection still stands.
    @cvar patience: the seconds on the clock until which it has to be over.
    """

    endings: tuple[type[BaseException], ...] = (
        PBConnectionLost,
        DeadReferenceError,
        ConnectionDone,
        ConnectionLost,
    )
    keeps: tuple[type, ...] = ()
    patience = 30.0

    def __init__(
        self,
        root: Any,
        talk: Callable[[Any], Awaitable[Any]] | Callable[[Any], Any],
        *,
        serverFactory: Any = None,
        clientFactory: Any = None,
        clock: Clock | None = None,
    ) -> None:
        """
        @param root: what the server serves: a root or a portal.
        @param talk: what the client does, given its factory: a coroutine
            function, or one that returns a Deferred. What it returns must be
            equal each time.
        @param serverFactory: a factory to use in place of one for C{root}.
        @param clientFactory: a factory to use in place of a L{PBClientFactory}.
        @param clock: the time of both.
        """
        clock = clock or Clock()
        self.talk = talk
        self.pair = BrokerPair(
            serverFactory or PBServerFactory(root), clientFactory or PBClientFactory(clock=clock), clock
        )

    def begin(self) -> Deferred[Any]:
        """
        Begin to talk.

        @return: a Deferred of the outcome, whatever it is: it must fire, too,
            when the connection is lost.
        """
        return maybeDeferred(lambda: awaited(self.talk(self.pair.clientFactory)))

    def end(self) -> None:
        """
        It is over: let go of what was only held for it. Subclasses override
        this; what is still lent afterwards is a leak.
        """

    def check(self, outcome: Any, lost: bool) -> None:
        """
        The connection is over, and the clock has gone on for a long time.

        @param outcome: what it has ended with; perhaps a
            L{Failure<twisted.python.failure.Failure>}.
        @param lost: whether the connection was lost before that.
        @raise AssertionError: when something is wrong.
        """
        if isinstance(outcome, Failure) and not (lost and outcome.check(*self.endings)):
            raise AssertionError(f"it has failed: {outcome.getTraceback()}") from outcome.value

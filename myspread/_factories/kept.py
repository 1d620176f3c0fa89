"""
What a session gets again from each connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._factories.sessioncalls import isLoss
from myspread._factories.waiting import Waiting
from myspread._flavors.dispatch import awaited

__all__ = ["Kept"]

_log = Logger()


class Kept:
    """
    Something of the server's that a session gets again each time that it comes
    up: a cache, or a reference to another object. L{Session.keep} makes it.

    @ivar name: what it is called in the log.
    @ivar current: what there is now; None while there is nothing.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[Any], Any],
        changed: Callable[[Any], Any] | None,
        whenUp: Callable[[], Deferred[Any]],
        waiting: Waiting,
        seconds: float,
    ) -> None:
        """
        @param ask: gets it, given the avatar or root.
        @param changed: told what there is, each time that it is new.
        @param whenUp: gives a Deferred that fires when the session is up.
        @param waiting: for those who wait for it.
        @param seconds: for how long they may.
        """
        self.name = name
        self.current: Any = None
        self._ask = ask
        self._changed = changed
        self._whenUp = whenUp
        self._waiting = waiting
        self._seconds = seconds
        self._asking: Deferred[Any] | None = None

    def get(self) -> Deferred[Any]:
        """
        What there is, as soon as there is something. If it could not be got
        last time, it is asked for again.

        @return: a Deferred that fails as those of the session do, or with what
            asking fails with.
        """
        return self._whenUp().addCallback(self._now)

    def _now(self, link: Any) -> Any:
        if self.current is not None:
            return succeed(self.current)
        waiting = self._waiting.add(self._seconds)
        if self._asking is None:
            self.up(link.reference)
        return waiting

    def up(self, reference: Any) -> None:
        """The session is up: ask."""
        asking: Deferred[Any] = maybeDeferred(lambda: awaited(self._ask(reference)))
        self._asking = asking

        def got(outcome: Any) -> None:
            if self._asking is not asking:
                # It belongs to a connection that is lost.
                return
            self._asking = None
            if isLoss(outcome):
                # Whoever waits will get it from the next connection, or hear of the end of the session.
                return
            if isinstance(outcome, Failure):
                _log.failure("A session could not get {name}.", outcome, name=self.name)
            else:
                self.current = outcome
                self._tell(outcome)
            self._waiting.fire(outcome)

        asking.addBoth(got)

    def _tell(self, value: Any) -> None:
        if self._changed is not None:
            try:
                self._changed(value)
            except Exception:
                _log.failure("A callback of {name} failed.", name=self.name)

    def down(self) -> None:
        """The connection is lost: what there was is stale."""
        self.current = None
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()

    def ended(self, reason: Failure) -> None:
        """The session has ended: who waits fails."""
        self._waiting.fire(reason)

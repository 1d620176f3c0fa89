"""
The logins that one connection attempts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from myspread._login.delays import Delays, Failures
from myspread._net.addresses import sourceOf
from myspread.limits import Limits, defaultLimits

__all__ = ["Attempts"]

Login = Callable[[], Any]


class _Attempt:
    """
    One login.

    @ivar login: looks at the credentials.
    @ivar guesses: whether it could be a guess at a password.
    @ivar answer: fires with what comes of it.
    @ivar latest: when it is looked at, whatever has happened by then.
    """

    __slots__ = ("answer", "guesses", "latest", "login")

    def __init__(self, login: Login, guesses: bool, latest: float) -> None:
        self.login = login
        self.guesses = guesses
        self.latest = latest
        self.answer: Deferred[Any] = Deferred()


class Attempts:
    """
    Has the logins of one connection looked at, each when it may be, and counts
    those that fail.

    The broker may be any: one that has no limits has the default ones, and
    without a clock nothing waits.
    """

    __slots__ = (
        "_broker",
        "_delays",
        "_ended",
        "_failed",
        "_inProgress",
        "_isStarting",
        "_own",
        "_source",
        "_timers",
        "_waiting",
    )

    def __init__(self, broker: Any, delays: Delays | None = None) -> None:
        """
        @param broker: the connection.
        @param delays: the failures of all connections of the same server.
        """
        self._broker = broker
        self._delays = Delays() if delays is None else delays
        self._source: str | None = None
        # What has failed here, where there is no address.
        self._own: Failures | None = None
        self._failed = 0
        self._inProgress = 0
        self._isStarting = False
        self._ended = False
        # Lists, as they are small: most connections log in once.
        self._waiting: list[_Attempt] = []
        self._timers: list[Any] = []

    @property
    def limits(self) -> Limits:
        """The limits of the connection."""
        limits: Limits | None = getattr(self._broker, "limits", None)
        return limits or defaultLimits()

    @property
    def clock(self) -> Any:
        """The time of the connection, if it has one."""
        return getattr(self._broker, "clock", None)

    @property
    def now(self) -> float:
        """The time; it stands still without a clock."""
        return 0.0 if self.clock is None else float(self.clock.seconds())

    @property
    def _hasLeft(self) -> bool:
        """Whether the connection is lost."""
        return bool(getattr(self._broker, "disconnected", False))

    def run(self, login: Login, guesses: bool = True) -> Deferred[Any]:
        """
        Attempt a login.

        @param login: looks at the credentials, and returns what was asked for,
            or a Deferred of it.
        @param guesses: whether it could be a guess at a password, so that it
            waits after failures, and others wait after its own.
        @return: a Deferred of what C{login} returns. It fails with
            L{UnauthorizedLogin} once too many logins have failed.
        """
        attempt = _Attempt(login, guesses, self.now + self.limits.loginDelayLimit)
        if self._ended:
            attempt.answer.errback(self._tooMany())
        else:
            transport = getattr(self._broker, "transport", None)
            self._source = None if transport is None else sourceOf(transport.getPeer())
            self._waiting.append(attempt)
            self._start()
        return attempt.answer

    # An attempt waits while those in progress could be the last that may fail,
    # then for its time; then it is looked at.

    def _start(self) -> None:
        if self._isStarting:
            return
        self._isStarting = True
        try:
            while self._waiting and self._failed + self._inProgress <= self.limits.loginAttempts:
                if self._hasLeft:
                    self._lost()
                    return
                self._inProgress += 1
                self._wait(self._waiting.pop(0))
        finally:
            self._isStarting = False

    def _wait(self, attempt: _Attempt) -> None:
        if self._ended:
            attempt.answer.errback(self._tooMany())
            return
        clock, wait = self.clock, min(self._notBefore(), attempt.latest) - self.now
        if clock is None or wait <= 0 or not attempt.guesses:
            looked: Deferred[Any] = maybeDeferred(attempt.login)
            about = (attempt,)
            looked.addCallbacks(self._succeeded, self._refused, callbackArgs=about, errbackArgs=about)
            return
        if not self._timers:
            self._broker.notifyOnDisconnect(self._lost)
        timer: Any = clock.callLater(wait, lambda: self._waited(timer, attempt))
        self._timers.append(timer)

    def _waited(self, timer: Any, attempt: _Attempt) -> None:
        self._timers.remove(timer)
        if not self._timers:
            self._broker.dontNotifyOnDisconnect(self._lost)
        self._wait(attempt)

    def _lost(self) -> None:
        """The connection is lost: nobody waits any more."""
        self._ended = True
        self._waiting.clear()
        timers, self._timers = self._timers, []
        for timer in timers:
            timer.cancel()

    def _succeeded(self, result: Any, attempt: _Attempt) -> None:
        self._inProgress -= 1
        self._failed = 0
        attempt.answer.callback(result)
        self._start()

    def _refused(self, failure: Failure, attempt: _Attempt) -> None:
        self._inProgress -= 1
        # It doesn't learn how its guess ended.
        if self._hasLeft:
            attempt.answer.errback(failure)
            return
        self._failed += 1
        watch = getattr(self._broker, "watch", None)
        if watch is not None:
            watch.loginRefused(self._broker, failure.getErrorMessage())
        if attempt.guesses:
            self._remember()
        if self._failed > self.limits.loginAttempts:
            self._end(failure, attempt)
        else:
            attempt.answer.errback(failure)
            self._start()

    # The end

    def _tooMany(self) -> Failure:
        text = (
            f"{self._failed} logins have failed on this connection, which closes "
            f"(Limits.loginAttempts is {self.limits.loginAttempts})"
        )
        return Failure(UnauthorizedLogin(text))

    def _end(self, failure: Failure, attempt: _Attempt) -> None:
        self._ended = True
        attempts = [attempt, *self._waiting]
        self._waiting.clear()
        failures = [self._tooMany() for _ in attempts]
        if failure.check(LoginFailed) is None:
            # Something else went wrong, which says more.
            failures[0] = failure
        if self.clock is None:
            self._tellAndClose(attempts, failures)
        else:
            # Whoever called has to get its Deferred first: then the answer leaves before the end.
            self.clock.callLater(0, self._tellAndClose, attempts, failures)

    def _tellAndClose(self, attempts: list[_Attempt], failures: list[Failure]) -> None:
        reason = self._tooMany().getErrorMessage()
        for attempt, failure in zip(attempts, failures, strict=True):
            attempt.answer.errback(failure)
        if not self._hasLeft:
            self._close(reason)

    def _close(self, reason: str) -> None:
        close = getattr(self._broker, "closeConnection", None)
        if close is None:
            self._broker.transport.loseConnection()
        else:
            close(reason)

    # Failures that make others wait

    def _notBefore(self) -> float:
        if self._source is None:
            return 0.0 if self._own is None else self._own.notBefore
        return self._delays.notBefore(self._source)

    def _remember(self) -> None:
        if self._source is None:
            self._own = self._own or Failures()
            self._own.failed(self.now, self.limits)
        else:
            self._delays.failed(self._source, self.now, self.limits)

"""
Calls that we make, and their answers.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._errors import CallTimeout, ProtocolError, lostWhileWaiting
from myspread._flavors.remote import describePeer

__all__ = ["OutgoingCalls", "PendingCall", "takeOptions"]

_log = Logger()


def takeOptions(kw: dict[str, Any]) -> tuple[Any, Any, int]:
    """
    Take out of the keyword arguments of a call what is meant for us.

    @return: C{pbcallback}, C{pberrback}, and 1 or 0 for C{pbanswer}.
    @raise AssertionError: when callbacks are given for a call that wants no
        answer.
    """
    callback = kw.pop("pbcallback", None)
    errback = kw.pop("pberrback", None)
    assert not ("pbanswer" in kw and (callback or errback)), "You can't specify a no-answer requirement."
    return callback, errback, int(bool(kw.pop("pbanswer", True)))


class PendingCall(Deferred[Any]):
    """
    The result of a call that waits for its answer.

    @ivar request: the id of the call.
    """

    request = 0


class OutgoingCalls:
    """
    The calls that wait for answers of one peer.

    @ivar waiting: by request id, the Deferred of the result.
    @ivar lastRequest: the id of the latest call.
    @ivar timeout: how many seconds a call may wait for its answer, unless it
        says otherwise; None for as long as the connection lasts.
    """

    __slots__ = ("_abandoned", "_deadlines", "lastRequest", "timeout", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Deferred[Any]] = {}
        self.lastRequest = 0
        self.timeout: float | None = None
        self._abandoned: set[int] | None = None
        self._deadlines: dict[int, Any] | None = None

    def newRequest(self) -> int:
        """The id of a new call."""
        self.lastRequest += 1
        return self.lastRequest

    def expect(self, request: int, callback: Any, errback: Any) -> PendingCall:
        """
        The Deferred of a call that is about to be sent. Cancelling it gives
        the call up.

        @param callback: old style: called with the result.
        @param errback: old style: called with the failure.
        """
        result = PendingCall(self._giveUp)
        result.request = request
        self.waiting[request] = result
        if callback or errback:
            _log.warn("pbcallback and pberrback are deprecated; use the Deferred that callRemote returns.")
            result.addCallbacks(callback or (lambda value: value), errback)
        return result

    def refuse(self, request: int, failure: Failure) -> Deferred[Any]:
        """A call could not be sent: what it returns instead."""
        self.waiting.pop(request, None)
        return fail(failure)

    def take(self, request: int) -> Deferred[Any] | None:
        """The Deferred of a call that has been answered; None if there is none."""
        if self._deadlines is not None:
            self._withdrawDeadline(request)
        return self.waiting.pop(request, None)

    def _withdrawDeadline(self, request: int) -> None:
        deadline = self._deadlines.pop(request, None) if self._deadlines else None
        if deadline is not None and deadline.active():
            deadline.cancel()

    def isLate(self, request: int) -> bool:
        """
        Whether an answer that nobody waits for belongs to a call that was given
        up. It is the only one that such a call may have.
        """
        if self._abandoned is None or request not in self._abandoned:
            return False
        self._abandoned.discard(request)
        return True

    def expire(self, result: Deferred[Any], message: str | bytes, seconds: float | None, broker: Any) -> None:
        """
        Give a call that was just made a deadline, in place of any that it has.

        @param result: what the call returned.
        @param message: the name of the method.
        @param seconds: from now; None for no deadline.
        @param broker: has the clock; without one there is no deadline.
        """
        if result.called:
            return
        if isinstance(result, PendingCall):
            self._withdrawDeadline(result.request)
        clock = broker.clock
        if seconds is None or clock is None:
            return
        began = clock.seconds()

        def tooLate(*ignored: Any) -> Failure:
            age = clock.seconds() - began
            name = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
            return Failure(CallTimeout.after(name, seconds, describePeer(broker), age))

        def expired(pending: PendingCall) -> None:
            self._giveUp(pending)
            # The application may have fired it itself.
            if not pending.called:
                pending.errback(tooLate())

        if isinstance(result, PendingCall):
            if self._deadlines is None:
                self._deadlines = {}
            self._deadlines[result.request] = clock.callLater(seconds, expired, result)
        else:
            # A subclass of the broker has put something between.
            result.addTimeout(seconds, clock, tooLate)

    def _giveUp(self, result: Any) -> None:
        """Nobody wants the answer any more; what it carries will have to be given back."""
        self._withdrawDeadline(result.request)
        if self.waiting.pop(result.request, None) is not None:
            if self._abandoned is None:
                self._abandoned = set()
            self._abandoned.add(result.request)

    def failAll(self, reason: Any) -> None:
        """The connection is lost: every call fails with L{PBConnectionLost}."""
        waiting, self.waiting = self.waiting, {}
        self._abandoned = None
        for request in list(self._deadlines or ()):
            self._withdrawDeadline(request)
        for result in waiting.values():
            # The application may have fired it itself, to give up waiting.
            if not result.called:
                result.errback(Failure(lostWhileWaiting(reason)))


def asFailure(error: Any) -> Failure:
    """What an C{error} message carried, as a failure."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, BaseException):
        return Failure(error)
    if hasattr(type(error), "toException"):
        # It stands for an error whose class isn't known here.
        return Failure(error.toException())
    return Failure(ProtocolError(f"the peer reports an error that is none, but a {type(error).__name__}"))

"""
Calls that we make, and their answers.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._errors import PBConnectionLost, ProtocolError

__all__ = ["OutgoingCalls", "takeOptions"]

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


class OutgoingCalls:
    """
    The calls that wait for answers of one peer.

    @ivar waiting: by request id, the Deferred of the result.
    @ivar lastRequest: the id of the latest call.
    """

    __slots__ = ("lastRequest", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Deferred[Any]] = {}
        self.lastRequest = 0

    def newRequest(self) -> int:
        """The id of a new call."""
        self.lastRequest += 1
        return self.lastRequest

    def expect(self, request: int, callback: Any, errback: Any) -> Deferred[Any]:
        """
        The Deferred of a call that is about to be sent.

        @param callback: old style: called with the result.
        @param errback: old style: called with the failure.
        """
        result: Deferred[Any] = Deferred()
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
        return self.waiting.pop(request, None)

    def failAll(self, reason: Any) -> None:
        """The connection is lost: every call fails with L{PBConnectionLost}."""
        waiting, self.waiting = self.waiting, {}
        for result in waiting.values():
            # The application may have fired it itself, to give up waiting.
            if not result.called:
                result.errback(Failure(PBConnectionLost(reason)))


def asFailure(error: Any) -> Failure:
    """What an C{error} message carried, as a failure."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, BaseException):
        return Failure(error)
    return Failure(ProtocolError(f"the peer reports an error that is none, but a {type(error).__name__}"))

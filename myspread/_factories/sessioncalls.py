"""
Calls through a session: they wait for it, and may be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from myspread._errors import CallTimeout, DeadReferenceError, PBConnectionLost, RemoteError
from myspread._flavors.calling import RemoteMethods, checkedTimeout
from myspread._flavors.failures import CopiedFailure

__all__ = ["SessionCaller", "isLoss"]


def isLoss(outcome: Any) -> bool:
    """Whether a call has ended because its connection was lost, and not some other one."""
    if not isinstance(outcome, Failure) or isinstance(outcome, CopiedFailure):
        return False
    # Not one of the peer's, whose own connection to a third is lost.
    return isinstance(outcome.value, PBConnectionLost) and not isinstance(outcome.value, RemoteError)


class SessionCaller:
    """
    Calls methods of the avatar of a session, or of the root where there are no
    credentials: waits until the session is up, and then calls.

    @ivar timeout: how many seconds a call may take, waiting and repetitions
        included; None for those of the session.
    @ivar retries: how often a call whose connection is lost may be made again.
    """

    def __init__(
        self,
        whenUp: Callable[[], Deferred[Any]],
        where: str,
        clock: Any,
        timeout: float | None = None,
        retries: int = 0,
    ) -> None:
        """
        @param whenUp: gives a Deferred of the link of the session.
        @param where: the servers, for error texts.
        @param clock: provides C{IReactorTime}.
        """
        self.timeout = timeout
        self.retries = retries
        self._whenUp = whenUp
        self._where = where
        self._clock = clock

    def withTimeout(self, seconds: float | None) -> SessionCaller:
        """
        The same, with a deadline: for the whole, however often the call is made.

        @raise ValueError: when it isn't positive.
        """
        return self._with(checkedTimeout(seconds), self.retries)

    def idempotent(self, retries: int = 3) -> SessionCaller:
        """
        The same, for methods that may run more than once: if the connection is
        lost before the answer has come, the call is made again through the
        next one.

        @param retries: how often, at most.
        """
        if retries < 0:
            raise ValueError(f"a call can be made again 0 times or more, not {retries}")
        return self._with(self.timeout, retries)

    def _with(self, timeout: float | None, retries: int) -> SessionCaller:
        return SessionCaller(self._whenUp, self._where, self._clock, timeout, retries)

    @property
    def remote(self) -> RemoteMethods:
        """As L{RemoteReference.remote}."""
        return RemoteMethods(self)

    def callRemote(self, _name: str, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        Call a method, now or as soon as the session is up.

        @return: a Deferred of the result. It fails as
            L{RemoteReference.callRemote} does, with L{CallTimeout}, and with
            what L{Session.avatar} fails with.
        @raise TypeError: for C{pbanswer=False}: nobody would know whether the
            call was ever made.
        """
        if "pbanswer" in kw:
            raise TypeError("a session's calls always want an answer; for pbanswer call the avatar itself")
        left = self.retries

        def attempt() -> Deferred[Any]:
            return self._whenUp().addCallback(call)

        def call(link: Any) -> Deferred[Any]:
            callee = link.reference if self.timeout is None else link.reference.withTimeout(None)
            try:
                sent: Deferred[Any] = callee.callRemote(_name, *args, **kw)
            except DeadReferenceError:
                # Lost since; nothing was sent.
                return attempt()
            return sent.addErrback(failed)

        def failed(failure: Failure) -> Any:
            nonlocal left
            if left and isLoss(failure):
                left -= 1
                return attempt()
            return failure

        result = attempt()
        if self.timeout is not None:
            result.addTimeout(
                self.timeout,
                self._clock,
                lambda outcome, seconds: Failure(CallTimeout.after(_name, seconds, self._where)),
            )
        return result

    def __repr__(self) -> str:
        return f"<SessionCaller of {self._where} with timeout {self.timeout} and {self.retries} retries>"

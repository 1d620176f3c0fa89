"""
The life of a session: what happens to it, and what it does then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.internet import ClientService
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from myspread._errors import ServerLeaving, SessionClosed, SessionTimeout
from myspread._factories.attempt import REFUSALS, Connecting, Link
from myspread._factories.backoff import Backoff
from myspread._factories.kept import Kept
from myspread._factories.states import Event, SessionState, after
from myspread._factories.waiting import Waiting

__all__ = ["Lifecycle"]

_log = Logger()


def _textOf(reason: Failure | None) -> str:
    if reason is None:
        return "no reason is known"
    return f"{type(reason.value).__name__}: {reason.getErrorMessage()}"


class _Stand:
    """
    What stands for the connection of a session where C{ClientService} wants a
    protocol and its transport.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self.loseConnection = close


@implementer(IStreamClientEndpoint)
class _Attempts:
    """
    The endpoint of the C{ClientService} of a session: connecting is one attempt
    to reach a server and to log in.

    C{ClientService} can't bear that a connection is lost before it is ready, so
    it hears of none before that.
    """

    def __init__(self, session: Lifecycle) -> None:
        self._session = session

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Begin an attempt."""
        session = self._session
        session._happened(Event.ATTEMPT)
        # Never at once: ClientService would not be ready for the result.
        attempt: Deferred[Any] = deferLater(
            session.clock, 0, lambda: Deferred.fromCoroutine(session._connecting.link())
        )
        result: Deferred[Any] = Deferred(lambda cancelled: attempt.cancel())

        def succeeded(link: Link) -> None:
            proxy = protocolFactory.buildProtocol(None)
            link.whenLost(lambda reason: session._lost(link, proxy, reason))
            if session.persistent:
                link.whenLeaving(lambda seconds: session._leave(link, proxy))
            proxy.makeConnection(_Stand(lambda: link.close(session.clock, session.closeTimeout)))
            result.callback(proxy)
            session._up(link)

        def failed(reason: Failure) -> None:
            session._failed(reason)
            if not result.called:
                result.errback(reason)

        attempt.addCallbacks(succeeded, failed)
        attempt.addErrback(lambda reason: _log.failure("A session failed.", reason))
        return result

    def __repr__(self) -> str:
        return self._session.where


class Lifecycle(Service):
    """
    A session without the ways to use it.
    """

    def __init__(
        self,
        connecting: Connecting,
        clock: Any,
        *,
        persistent: bool,
        waitTimeout: float,
        closeTimeout: float,
        backoff: Backoff,
        retryRefusedLogin: bool,
    ) -> None:
        self.where = ", ".join(address.text for address in connecting.addresses)
        self.state = SessionState.NEW
        self.persistent = persistent
        self.closeTimeout = closeTimeout
        self.clock = clock
        self.reason: Failure | None = None
        self._connecting = connecting
        self._waitTimeout = waitTimeout
        self._backoff = backoff
        self._retryRefusedLogin = retryRefusedLogin
        self._link: Link | None = None
        # Those whose server is being stopped, until they are lost.
        self._left: list[Link] = []
        self._upSince = 0.0
        self._failures = 0
        self._ending: Failure | None = None
        self._waiting = Waiting(clock, self._tooLate)
        self._closing = Waiting(clock, self._tooLate)
        self._ends = Waiting(clock, self._tooLate)
        self._kept: list[Kept] = []
        self._upCallbacks: list[Callable[[Any], Any]] = []
        self._downCallbacks: list[Callable[[Failure], Any]] = []
        factory: Any = Factory.forProtocol(Protocol)
        self._service = ClientService(_Attempts(self), factory, self._delay, clock)

    def _tooLate(self, seconds: float) -> Exception:
        return SessionTimeout.after(seconds, self.where, self.reason)

    # What happens

    def _happened(self, event: Event) -> None:
        self.state = after(self.state, event)

    def _up(self, link: Link) -> None:
        """An attempt has succeeded."""
        self._happened(Event.READY)
        self._link = link
        self._upSince = self.clock.seconds()
        _log.info("The session with {where} is up.", where=link.where)
        for kept in list(self._kept):
            kept.up(link.reference)
        self._waiting.fire(link)
        # One of those who have waited may have closed it.
        if self._link is link:
            self._tell(self._upCallbacks, link.reference)

    def _failed(self, reason: Failure) -> None:
        """An attempt has failed, or was cancelled."""
        if self.state is SessionState.CLOSING:
            return
        self.reason = reason
        if self._isFinal(reason):
            self._giveUp(reason)
            self._service.stopService()
            self._tellEnd(reason)
        else:
            self._happened(Event.TROUBLE)

    def _lost(self, link: Link, proxy: Any, reason: Failure) -> None:
        """The connection is lost."""
        self._link = None
        self.reason = reason
        if self.clock.seconds() - self._upSince >= self._backoff.longest:
            self._failures = 0
        final = self.state is SessionState.UP and not self.persistent
        if final:
            self._giveUp(reason)
            self._service.stopService()
        else:
            self._happened(Event.TROUBLE)
        for kept in list(self._kept):
            kept.down()
        self._tell(self._downCallbacks, reason)
        proxy.connectionLost(reason)
        if final:
            self._tellEnd(reason)

    def _leave(self, link: Link, proxy: Any) -> None:
        """
        The server is being stopped: connect elsewhere. Calls that were made may
        still be answered; the server closes the connection after that.
        """
        if self._link is not link or self.state is not SessionState.UP:
            return
        self._left.append(link)
        link.whenLost(lambda reason: self._left.remove(link))
        why = f"{link.where} is being stopped, and ends the calls that are in progress"
        self._lost(link, proxy, Failure(ServerLeaving(why)))

    def _isFinal(self, reason: Failure) -> bool:
        if not self.persistent:
            return True
        return not self._retryRefusedLogin and reason.check(*REFUSALS) is not None

    def _giveUp(self, reason: Failure) -> None:
        self._happened(Event.GIVE_UP)
        self._ending = reason
        super().stopService()  # type: ignore[no-untyped-call]
        if self.persistent:
            # Maybe nobody waits for it now.
            _log.error(
                "The session with {where} has ended: {reason}", where=self.where, reason=_textOf(reason)
            )

    def _delay(self, attempt: int) -> float:
        """How long to wait until the next attempt."""
        self._failures += 1
        delay = self._backoff.delay(self._failures)
        _log.warn(
            "No session with {where}: {reason}; trying again in {delay:.3g} s",
            where=self.where,
            reason=_textOf(self.reason),
            delay=delay,
        )
        return delay

    def _stopped(self) -> None:
        self._happened(Event.STOPPED)
        self._closing.fire(None)
        self._ends.fire(None)

    def _tellEnd(self, reason: Failure) -> None:
        """Nobody will get anything any more."""
        for kept in list(self._kept):
            kept.ended(reason)
        self._waiting.fire(reason)
        if self.state is SessionState.ENDED:
            self._ends.fire(reason)

    def _tell(self, callbacks: list[Callable[[Any], Any]], what: Any) -> None:
        for callback in list(callbacks):
            try:
                callback(what)
            except Exception:
                _log.failure("A callback of the session with {where} failed.", where=self.where)

    # Starting and ending

    def startService(self) -> None:
        """
        Begin to connect. Whoever waits for the session starts it, too.

        @raise SessionClosed: while it is being closed.
        """
        if self.running:
            return
        if self.state is SessionState.CLOSING:
            raise SessionClosed(f"the session with {self.where} is being closed; wait until it is")
        super().startService()  # type: ignore[no-untyped-call]
        self._ending = None
        self._service.startService()

    def stopService(self) -> Deferred[None]:
        """
        End the session.

        @return: a Deferred that fires when it is done.
        """
        if self.state is SessionState.ENDED:
            return succeed(None)
        closed = self._closing.add(None)
        if self.state is not SessionState.CLOSING:
            super().stopService()  # type: ignore[no-untyped-call]
            self._happened(Event.CLOSE)
            self._ending = Failure(SessionClosed(f"the session with {self.where} was closed"))
            self._tellEnd(self._ending)
            for link in self._left:
                link.close(self.clock, self.closeTimeout)
            self._service.stopService().addCallback(lambda ignored: self._stopped())
        return closed

    def _whenUp(self) -> Deferred[Link]:
        if self._link is not None and self._link.alive and self.state is SessionState.UP:
            return succeed(self._link)
        if self.state in (SessionState.CLOSING, SessionState.ENDED):
            assert self._ending is not None
            return fail(self._ending)
        self.startService()
        return self._waiting.add(self._waitTimeout)

"""
What a broker's connection goes through: handshake, login, deadlines, the end.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from myspread._net.alive import Alive
from myspread._net.paging import PageProducers
from myspread._net.phases import DEADLINES, Event, Phase, following
from myspread._net.reasons import CLOSED, UNREAD
from myspread._net.unread import UnreadAnswers
from myspread._net.untillogin import policyUntilLogin
from myspread._peer import Peer
from myspread._peer.events import emit, limitIn
from myspread.limits import Limits, defaultLimits
from myspread.security import ITaster

__all__ = ["Connection"]

_log = Logger()

_ENDING = (Phase.CLOSING, Phase.LOST)


@lru_cache(maxsize=16)
def _untilLogin(limits: Limits) -> Limits:
    # Shared by all connections: it is larger than all else that a login needs.
    return limits.untilLogin()


class Connection(PageProducers, Alive):
    """
    A connection in phases. Each may last only so long, on a server; and one
    whose peer has broken the rules is soon gone, whatever the peer does.

    @ivar clock: provides C{IReactorTime}. Without one there are no deadlines;
        by default it is the reactor of the transport, if that has one.
    @ivar factory: the factory that made this connection.
    @ivar watch: a L{Watch<myspread._peer.watch.Watch>}, or None.
    @ivar watched: what the watch knows of this connection, or None.
    """

    factory: Any = None
    watch: Any = None
    watched: Any = None
    _peer: Peer
    _phase = Phase.HANDSHAKE
    _timer: Any = None
    # Whether the peer had calls in progress, or wasn't read, when it was looked at whether it is silent.
    _wasBusy = False
    _unread: UnreadAnswers | None = None
    # The policy and limits that hold after a login; None where there is none.
    _afterLogin: tuple[ITaster, Limits | None] | None = None

    @property
    def security(self) -> ITaster:
        """The policy; until a login is done, the one that holds afterwards."""
        return self._peer.incoming.security if self._afterLogin is None else self._afterLogin[0]

    @security.setter
    def security(self, security: ITaster) -> None:
        if self._afterLogin is None:
            self._peer.usePolicy(security)
        else:
            self._holdUntilLogin(security, self._afterLogin[1])

    @property
    def limits(self) -> Limits:
        """The bounds of this connection; until a login is done, the smaller ones."""
        return self._limits or defaultLimits()

    @limits.setter
    def limits(self, limits: Limits | None) -> None:
        if self._afterLogin is None:
            self._limits = limits
        else:
            self._holdUntilLogin(self._afterLogin[0], limits)
        if self._phase is Phase.OPEN:
            self._setDeadline()
        if self._phase in (Phase.LOGIN, Phase.OPEN) and self.watchedFor != self.limits.deadPeerTime:
            self.beginWatching()

    # The phases

    def connectionMade(self) -> None:
        """Turn off Nagle's algorithm, and tell the factory; the handshake begins, and its time."""
        transport = self.transport
        # With it, a large call waits 40 ms for the peer's delayed ACK.
        setTcpNoDelay = getattr(transport, "setTcpNoDelay", None)
        if setTcpNoDelay is not None:
            setTcpNoDelay(True)
        if self.clock is None:
            reactor = getattr(transport, "reactor", None)
            self.clock = reactor if IReactorTime.providedBy(reactor) else None
        connected = getattr(self.factory, "brokerConnected", None)
        if connected is not None:
            connected(self)
        if self.isClient:
            self.beginWatching()
        elif self.clock is not None:
            # The handshake has a time of its own.
            self._setDeadline()
            if hasattr(transport, "registerProducer"):
                self.answerBytes = 0
        super().connectionMade()

    def beginLogin(self) -> None:
        """
        The root object is one that leads to a login: until L{endLogin} the
        peer is held to the smaller limits, and to a policy under which no
        object of the application's is made.
        """
        self._follow(Event.LOGIN_BEGUN)
        if self._phase is Phase.HANDSHAKE_BEFORE_LOGIN and self._afterLogin is None:
            self._holdUntilLogin(self.security, self._limits)

    def endLogin(self) -> None:
        """The peer gets an avatar: policy and limits are those of the factory."""
        if self._afterLogin is not None:
            _, self._limits = self._afterLogin
            self._afterLogin = None
            self._peer.acceptOnly(None)
            if self._decoder is not None:
                self._decoder.limits = self.limits
        self._follow(Event.LOGGED_IN)
        if self.watch is not None:
            self.watch.loggedIn(self)

    def _holdUntilLogin(self, security: ITaster, limits: Limits | None) -> None:
        self._afterLogin = security, limits
        self._peer.usePolicy(security)
        # What we send stands under the factory's policy, as ever.
        self._peer.acceptOnly(policyUntilLogin(security))
        self._limits = _untilLogin(limits or defaultLimits())

    def _follow(self, event: Event) -> None:
        """Go to the phase that an event leads to, and tell the factory when it is the open one."""
        before = self._phase
        self._phase = phase = following(before, event)
        if phase is before:
            return
        # A client has deadlines of its own for what it waits for.
        if not self.isClient or phase is Phase.CLOSING or self._timer is not None:
            self._setDeadline()
        if phase in _ENDING:
            if self._peer.silence is not None:
                self.endWatching()
            return
        if event is Event.AGREED and not self.isClient:
            self.beginWatching()
        if phase is Phase.OPEN:
            opened = getattr(self.factory, "brokerOpened", None)
            if opened is not None:
                opened(self)

    # Deadlines

    def _setDeadline(self) -> None:
        """Begin the time that the present phase may last."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        field = DEADLINES.get(self._phase)
        if field is None or self.clock is None or not self.connected:
            return
        if self.isClient and self._phase is not Phase.CLOSING:
            return
        seconds = getattr(self._limits or defaultLimits(), field)
        if seconds is not None:
            self._timer = self.clock.callLater(seconds, self._timeIsUp)

    def _timeIsUp(self) -> None:
        self._timer = None
        field = DEADLINES[self._phase]
        seconds = getattr(self.limits, field)
        if self._phase is Phase.CLOSING:
            self.transport.abortConnection()
        elif self._phase is not Phase.OPEN:
            what = "logged in" if self._phase is Phase.LOGIN else "done with the handshake"
            self.closeConnection(f"the peer isn't {what} after {seconds:g} seconds (Limits.{field})")
        elif not self._isActive(seconds):
            self.closeConnection(f"the peer was silent for {seconds:g} seconds (Limits.{field})")

    def _isActive(self, seconds: float) -> bool:
        """Whether the peer may go on; then it is looked at again later."""
        assert self.clock is not None
        now = self.clock.seconds()
        # While it waits for us, or isn't read, it says nothing; and afterwards it has all its time again.
        wasBusy, self._wasBusy = self._wasBusy, bool(self._peer.incoming.inProgress or self._reasons)
        if wasBusy or self._wasBusy:
            self._used = self._peer.meant, now
        left = self.lastUse + seconds - now
        if left > 0:
            self._timer = self.clock.callLater(left, self._timeIsUp)
        return left > 0

    # Answers

    def _watchAnswers(self) -> None:
        if self._unread is None:
            self._unread = UnreadAnswers(self)
            if self.clock is None or not self._unread.begin():
                self._unread = None
                self.answersRead()
                return
        self._unread.answered()

    def _mayPage(self) -> bool:
        return self._unread is None

    def answersRead(self) -> None:
        """The peer has read its answers, as far as is known."""
        if self.answerBytes is not None:
            self.answerBytes = 0
        if self._unread is not None:
            unread, self._unread = self._unread, None
            unread.end()
            self._beginPaging()
            self.releaseReading(UNREAD)

    # The end

    def closeConnection(self, reason: str) -> None:
        """
        Close the connection because the peer has broken the rules: it gets
        what is written already, if it reads it within C{Limits.closingTime},
        and nothing that it sends counts any more.

        @param reason: for the log.
        """
        if not self._beginClosing():
            return
        if self._gathers:
            # Over TLS, the peer's last word has still to be read.
            self._setReading(False)
        super().closeConnection(reason)

    @property
    def isBusy(self) -> bool:
        """Whether something that the peer has asked for isn't done, as far as is known."""
        waits = self._reasons & ~CLOSED
        return bool(self._peer.incoming.inProgress or self._backlog or waits or self.isPaging)

    def finish(self, seconds: float = 0.0) -> None:
        """
        Close the connection in order: the peer gets all that is written. What it
        sends from now on isn't looked at.

        @param seconds: how many it has for reading, at least; C{Limits.closingTime}
            in any case.
        """
        if not self._beginClosing():
            return
        if self._timer is not None and seconds > self.limits.closingTime:
            self._timer.reset(seconds)
        self._stopReceiving()
        self._flush()
        half = getattr(self.transport, "loseWriteConnection", None) if self._gathers else None
        if half is None:
            self.transport.loseConnection()
        else:
            # A socket that is closed while there is something to read takes back what it hasn't sent yet.
            # So the peer is told that there is nothing more, and read until it has closed.
            self._setReading(True)
            half()

    def _beginClosing(self) -> bool:
        """
        Nothing that the peer sends counts any more.

        @return: False where that is so already.
        """
        if self._phase in (Phase.CLOSING, Phase.LOST):
            return False
        self._reasons |= CLOSED
        self._follow(Event.CLOSED)
        # A transport that has a producer would wait for it.
        self._endPaging()
        self.answersRead()
        self.answerBytes = None
        return True

    def _connectionEnded(self, reason: Any) -> None:
        self._follow(Event.LOST)
        if self._unread is not None:
            self._unread.connectionLost()
            self._unread = None
        super()._connectionEnded(reason)

    def _warn(self, text: str, **fields: Any) -> None:
        reason = fields["reason"]
        emit(self._peer.log, _log, "closed", limit=limitIn(reason), **fields)
        if self.watch is not None:
            self.watch.closing(self, reason)

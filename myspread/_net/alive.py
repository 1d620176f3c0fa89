"""
Whether the peer of a connection is still there.
"""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime

from myspread._errors import PeerSilent
from myspread._flavors.remote import describePeer
from myspread._net.banana import Banana
from myspread._net.keepalive import giveUpAfter, hasUnread, keepAlive, whereItIs
from myspread._net.silence import watchSilence
from myspread._peer import Peer
from myspread.limits import defaultLimits

__all__ = ["Alive"]


class Alive(Banana):
    """
    A connection whose peer is pinged when it is silent, and dead when it
    remains so: C{Limits.deadPeerTime}.
    """

    _peer: Peer
    # Where the transport was, if it had much to send, when it was last looked at.
    _position: tuple[int, int, int] | None = None
    # What the connection was lost of, where we know better than its transport.
    _death: ConnectionLost | None = None
    # How many messages that are no pings had come at the latest ping; and when
    # the latest of them had, or the first ping after it.
    _used: tuple[int, float] | None = None

    @property
    def watchedFor(self) -> float | None:
        """After how many seconds a silent peer is dead; None where nobody looks."""
        silence = self._peer.silence
        return None if silence is None else silence.seconds

    def beginWatching(self) -> None:
        """Find out from now on whether the peer is there."""
        if self._peer.silence is not None:
            self.endWatching()
        seconds = (self._limits or defaultLimits()).deadPeerTime
        clock: IReactorTime | None = self.clock
        # A connection in memory has nothing to do with the reactor whose time a client's factory takes.
        if seconds is not None and clock is not None and hasattr(self.transport, "reactor"):
            self._peer.silence = watchSilence(self, clock, seconds)

    def endWatching(self) -> None:
        """It doesn't matter any more."""
        silence, self._peer.silence = self._peer.silence, None
        if silence is not None:
            silence.forget(self)

    # What Silence asks for

    def hasLasted(self, seconds: float) -> None:
        """
        Let TCP look after the peer's system, too. Most connections that are ever
        made don't last as long, and needn't pay for it.
        """
        keepAlive(self.transport, seconds)

    def wasHeard(self, since: float) -> bool:
        """Whether anything has come since some time."""
        return self._heard >= since

    def isTakingData(self) -> bool:
        """
        Whether a peer that is silent shows life otherwise: it takes what we
        send, behind which a ping would have to wait. And where we don't read,
        we can't hear it.
        """
        if self._reasons:
            return True
        before, now = self._position, whereItIs(self.transport)
        if before != now:
            self._position = now
        return before is not None and before != now

    def askForLife(self, seconds: float) -> None:
        """Ping the peer, unless it has a ping to answer already."""
        giveUpAfter(self.transport, seconds)
        if self.currentDialect is not None and self._peer.ping():
            # What it answers isn't meant for anybody.
            self._noteUse()

    def livesOn(self) -> None:
        """A peer that was asked for life has shown some."""
        giveUpAfter(self.transport, 0)

    def foundDead(self, silentFor: float, seconds: float) -> bool:
        """
        The peer hasn't answered: the connection is lost.

        @return: False when it has, and we haven't read it.
        """
        if hasUnread(self.transport):
            # Somebody else has stopped the transport from reading.
            return False
        self._death = PeerSilent.after(describePeer(self), silentFor, seconds)
        self.closeConnection(str(self._death))
        transport = self.transport
        getattr(transport, "abortConnection", transport.loseConnection)()
        return True

    # Pings are no use of a connection

    def pinged(self) -> None:
        """
        A ping of the peer's has arrived, or its answer to ours: for
        C{Limits.idleTime} that is nothing.
        """
        self._peer.meant -= 1
        self._noteUse()

    def _noteUse(self) -> None:
        if self.limits.idleTime is not None and (self._used is None or self._used[0] != self._peer.meant):
            self._used = self._peer.meant, self._heard

    @property
    def lastUse(self) -> float:
        """When the peer was last heard, pings left out; at the latest."""
        used = self._used
        return self._heard if used is None or used[0] != self._peer.meant else used[1]

"""
L{Silence}: which peers are silent for too long, found with few timers for many
connections.
"""

from __future__ import annotations

from random import random
from typing import Any

from twisted.internet.interfaces import IReactorTime

__all__ = ["LOOKS", "Silence", "watchSilence"]

LOOKS = 8
"""How often a connection is looked at within the time after which a silent peer is dead."""

PING_AT = 3
"""After how many looks at a silent peer it is pinged: then more than half of the time is left."""

DEAD_AT = LOOKS - 1
"""
After how many looks a silent peer is dead. It has become silent before the
first of them, but not as early as the look before.
"""

TOGETHER = 128
"""How many connections one timer is for, so that looking at them never takes long."""

SHORTEST = 1.0
"""Seconds that a peer may be silent at least."""


class Silence:
    """
    Looks at some connections again and again, all at once.

    It counts looks, not seconds: where this process itself was stopped, or the
    computer slept, the peers have as many looks left as before.

    @ivar seconds: how long a peer may be silent.
    """

    __slots__ = ("_call", "_clock", "_hasRoom", "_key", "_lastLook", "_silent", "interval", "seconds")

    def __init__(self, clock: IReactorTime, seconds: float) -> None:
        self.seconds = seconds
        self.interval = max(seconds, SHORTEST) / LOOKS
        self._clock = clock
        self._key = id(clock), seconds
        # By connection, how many looks it is silent: nothing is kept in the connection itself.
        self._silent: dict[Any, int] = {}
        # Whether newcomers are added.
        self._hasRoom = True
        self._lastLook = clock.seconds()
        # Those of others, begun at the same time, come at other times.
        self._call: Any = clock.callLater(self.interval * (1 - random() / 2), self._look)

    def add(self, connection: Any) -> None:
        """Look at a connection, too: a L{Alive<myspread._net.alive.Alive>}."""
        # The time until the first look is shorter than that between looks.
        self._silent[connection] = -1
        if len(self._silent) >= TOGETHER:
            self._hasNoRoom()

    def forget(self, connection: Any) -> None:
        """Look at a connection no more."""
        del self._silent[connection]
        if not self._silent:
            self._hasNoRoom()
            if self._call is not None:
                self._call.cancel()
                self._call = None
        elif not self._hasRoom and len(self._silent) < TOGETHER // 2:
            self._hasRoom = True
            _withRoom.setdefault(self._key, {})[self] = None

    def _hasNoRoom(self) -> None:
        self._hasRoom = False
        others = _withRoom.get(self._key, {})
        others.pop(self, None)
        if not others:
            _withRoom.pop(self._key, None)

    def _look(self) -> None:
        self._call = self._clock.callLater(self.interval, self._look)
        since, self._lastLook = self._lastLook, self._clock.seconds()
        silent = self._silent
        pinged, dead = [], []
        for connection, before in silent.items():
            if before < 0:
                connection.hasLasted(self.seconds)
            if connection.wasHeard(since) or connection.isTakingData():
                silent[connection] = looks = 0
            else:
                silent[connection] = looks = before + 1
            if looks >= DEAD_AT:
                dead.append(connection)
            elif looks == PING_AT:
                pinged.append(connection)
            elif before >= PING_AT > looks:
                connection.livesOn()
        # These may end connections, that of others, too.
        for connection in pinged:
            if connection in silent:
                connection.askForLife(self.seconds)
        for connection in dead:
            if connection in silent and not connection.foundDead(DEAD_AT * self.interval, self.seconds):
                silent[connection] = 0
                connection.livesOn()


_withRoom: dict[tuple[int, float], dict[Silence, None]] = {}
"""
By clock and time, what newcomers are added to. Each has connections, and keeps
its clock.
"""


def watchSilence(connection: Any, clock: IReactorTime, seconds: float) -> Silence:
    """
    Look at a connection from now on.

    @param connection: a L{Alive<myspread._net.alive.Alive>}.
    @param seconds: how long its peer may be silent.
    @return: what looks at it; C{forget} ends it.
    """
    key = id(clock), seconds
    silence = next(iter(_withRoom.get(key, ())), None)
    if silence is None:
        silence = Silence(clock, seconds)
        _withRoom[key] = {silence: None}
    silence.add(connection)
    return silence

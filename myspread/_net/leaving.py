"""
How a server tells its clients that it is being stopped, those that want to know.

A client that wants to know calls C{observe} of the object that each server
broker of ours lends under the name C{LEAVING}, with an object of its own, and
wants no answer. A server of C{twisted.spread} lends no such object, and drops
the call: it neither answers nor logs it. A client that doesn't ask, as those of
C{twisted.spread}, is never told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from myspread._errors import Error
from myspread._flavors.referencing import Referenceable
from myspread._flavors.remote import RemoteReference
from myspread._net.phases import Phase
from myspread.limits import Limits

__all__ = ["LEAVING", "Leaving", "notifyOnLeaving"]

LEAVING = b"myspread.leaving"
"""The name of the object whose C{observe} takes those that want to know."""


@lru_cache(maxsize=16)
def _withoutCalls(limits: Limits) -> Limits:
    # This is where calls are looked at anyway.
    return replace(limits, calls=0)


class _Desk(Referenceable):
    """
    Takes the observer of one connection.
    """

    def __init__(self, broker: Leaving) -> None:
        self._broker = broker

    def remote_observe(self, observer: Any) -> None:
        """
        Call C{observer.remote_leaving(seconds)} once the server is being stopped.

        @raise Error: when the observer is none.
        """
        if not isinstance(observer, RemoteReference):
            raise Error("the observer must be a Referenceable of yours, with a method remote_leaving")
        self._broker.leavingObserver = observer
        if self._broker.leavesIn is not None:
            self._broker.tellLeaving(self._broker.leavesIn)


class Leaving:
    """
    What a server broker tells of the end of its server.

    @ivar leavingObserver: the client's object that wants to know, or None.
    @ivar leavesIn: how many seconds the peer was told, or would have been;
        None while the server isn't being stopped.
    @ivar refusesCalls: whether no call of the peer is run any more.
    """

    leavingObserver: RemoteReference | None = None
    leavesIn: float | None = None
    refusesCalls = False
    limits: Any
    isClient: Any
    _phase: Phase

    def tellLeaving(self, seconds: float) -> None:
        """
        The server is being stopped: tell the client, if it wants to know.

        @param seconds: how long its calls may go on.
        """
        self.leavesIn = seconds
        if self.leavingObserver is not None:
            self.leavingObserver.callRemote("leaving", seconds, pbanswer=False)

    def refuseCalls(self) -> None:
        """Run no call of the peer any more: each fails with L{ServerLeaving}."""
        if not self.refusesCalls:
            self.refusesCalls = True
            self.limits = _withoutCalls(self.limits)

    def _leavingDesk(self) -> Referenceable | None:
        """What is lent under the name C{LEAVING}, to clients that have logged in."""
        return None if self.isClient or self._phase is not Phase.OPEN else _Desk(self)


class _Observer(Referenceable):
    """
    Hears from the server.
    """

    def __init__(self, callback: Callable[[float], Any]) -> None:
        self._callback = callback

    def remote_leaving(self, seconds: Any) -> None:
        """The server is being stopped."""
        self._callback(float(seconds) if isinstance(seconds, (int, float)) else 0.0)


def notifyOnLeaving(reference: Any, callback: Callable[[float], Any]) -> None:
    """
    Call C{callback(seconds)} when the server of a reference is being stopped: it
    takes no connections any more, and closes this one as soon as no call is in
    progress, or after so many seconds. A server of C{twisted.spread} never says so.

    Persistent sessions do this by themselves.

    @param reference: a L{RemoteReference}, such as the root or the avatar.
    @raise DeadReferenceError: when the connection is lost.
    """
    desk = reference.broker.remoteForName(LEAVING)
    desk.callRemote("observe", _Observer(callback), pbanswer=False)

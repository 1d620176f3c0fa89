"""
The caches that the peer has of our objects, and we of the peer's.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from myspread._flavors.caching import observerOf
from myspread._peer.invoker import IInvoker
from myspread._peer.references import Local

__all__ = ["Caches"]

_log = Logger()


class Caches:
    """
    The caches of one connection.

    @ivar given: by id, our objects that the peer caches.
    @ivar luids: by C{processUniqueID()}, the id of such an object.
    @ivar taken: by id, our caches of the peer's objects.
    """

    __slots__ = ("given", "luids", "taken")

    def __init__(self) -> None:
        self.given: dict[int, Local] = {}
        self.luids: dict[Any, int] = {}
        self.taken: dict[int, Any] = {}

    def luidOf(self, object: Any) -> int | None:
        """The id under which the peer caches an object, or None."""
        return self.luids.get(object.processUniqueID())

    def give(self, luid: int, object: Any, perspective: Any) -> None:
        """The peer gets a cache of an object under a new id."""
        self.given[luid] = local = Local(object, perspective)
        local.identity = object.processUniqueID()
        self.luids[local.identity] = luid

    def giveBack(self, luid: int, invoker: IInvoker) -> bool:
        """
        The peer has forgotten one receipt. With the last one, the object is
        told that it is no longer observed.

        @return: whether it was the last one.
        @raise KeyError: when the peer has no such cache.
        """
        local = self.given[luid]
        if local.decref():
            return False
        self._stopped(local, invoker)
        del self.given[luid]
        self.luids.pop(local.identity, None)
        return True

    def stopAll(self, invoker: IInvoker) -> None:
        """The connection is lost: every object is told that it isn't observed."""
        for local in list(self.given.values()):
            # One without receipts is being told at this very moment, and has lost the connection.
            if local.refcount > 0:
                self._stopped(local, invoker)

    def _stopped(self, local: Local, invoker: IInvoker) -> None:
        observer = observerOf(local.object, invoker, local.perspective)
        try:
            local.object.stoppedObserving(local.perspective, observer)
        # Not even SystemExit may keep the others from being told.
        except BaseException:
            text = "stoppedObserving of {cached} failed."
            invoker.peerLog.failure(_log, text, cached=type(local.object).__qualname__)

"""
What each side of a connection holds of the other: references and caches.
"""

from __future__ import annotations

from typing import Any

from myspread._errors import Error, LimitExceeded, PBConnectionLost
from myspread._peer.budgets import Account
from myspread._peer.caches import Caches
from myspread._peer.conversion import Conversion
from myspread._peer.invoker import IInvoker
from myspread._peer.references import References
from myspread.security import ITaster

__all__ = ["Holdings"]


class Holdings(Conversion):
    """
    Lends objects to the peer, and keeps caches on both sides, within the limits.

    @ivar references: what is lent to the peer.
    @ivar lastLuid: the latest id of a reference or cache; they share them, and
        none is used again.
    @ivar account: what the peer's avatar spends, where it has a budget; else None.
    @ivar violations: how often the peer made us exceed a limit on references.
    """

    __slots__ = ("_caches", "account", "lastLuid", "references", "violations")

    def __init__(self, invoker: IInvoker, security: ITaster) -> None:
        super().__init__(invoker, security)
        self.lastLuid = 0
        self.references = References()
        self.account: Account | None = None
        self.violations = 0
        self._caches: Caches | None = None

    @property
    def caches(self) -> Caches:
        """What is cached on both sides."""
        if self._caches is None:
            self._caches = Caches()
        return self._caches

    @caches.setter
    def caches(self, caches: Caches) -> None:
        self._caches = caches

    def newLuid(self) -> int:
        """A new id for a reference or cache."""
        self.lastLuid += 1
        return self.lastLuid

    def lend(self, object: Any) -> int:
        """
        The id of an object that is about to be sent.

        @raise Error: when the peer has as many references as it may.
        @raise PBConnectionLost: when the connection has been lost meanwhile.
        """
        self._checkConnected()
        luid = self.references.again(object)
        if luid is None:
            self._checkRoom(len(self.references), self._invoker.limits.references, "reference")
            luid = self.newLuid()
            self.references.lend(luid, object)
        self._gave(lambda: self.references.giveBack(luid))
        return luid

    def cacheLuid(self, object: Any, again: Any) -> int | None:
        """
        The id under which the peer caches an object, or None.

        @param again: whether it is about to be sent once more.
        """
        luid = self.caches.luidOf(object)
        if luid is not None and again:
            self.caches.given[luid].incref()
            self._gave(lambda: self.caches.giveBack(luid, self._invoker))
        return luid

    def giveCache(self, object: Any) -> int:
        """
        The new id of an object that the peer is about to cache.

        @raise Error: when the peer has as many caches as it may.
        @raise PBConnectionLost: when the connection has been lost meanwhile.
        """
        self._checkConnected()
        self._checkRoom(len(self.caches.given), self._invoker.limits.caches, "cache")
        luid = self.newLuid()
        self.caches.give(luid, object, self._invoker.serializingPerspective)
        self._gave(lambda: self.caches.giveBack(luid, self._invoker))
        return luid

    def _checkConnected(self) -> None:
        """Nobody would take back what is given out on a connection that is lost."""
        if not self.connected:
            raise PBConnectionLost("the connection was lost while an object was being serialised")

    def takeCache(self, luid: int, cache: Any) -> None:
        """
        Keep a cache of an object of the peer.

        @raise LimitExceeded: when there are as many as there may be.
        """
        taken = self.caches.taken
        limit = self._invoker.limits.cachesTaken
        if len(taken) >= limit and luid not in taken:
            raise LimitExceeded(
                f"{len(taken)} caches of objects of the peer are kept, Limits.cachesTaken = {limit}:"
                " no more before some are forgotten"
            )
        taken[luid] = cache

    def _checkRoom(self, count: int, limit: int, what: str) -> None:
        if count <= limit:
            if self.account is not None:
                self.account.checkReferences()
            return
        self.violations += 1
        text = f"Maximum PB {what} count exceeded."
        if self.violations > self._invoker.limits.violations:
            self._invoker.closeConnection(text)
            raise Error(text + "  Goodbye.")
        raise Error(text)

    def release(self, command: bytes, luid: Any) -> None:
        """Tell the peer that a reference or cache is forgotten here."""
        if self.connected:
            self.outbox.release((command, luid))

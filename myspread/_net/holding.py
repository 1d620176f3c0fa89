"""
What each side of a connection holds of the other, under the names that
C{twisted.spread} has for keeping it.
"""

from __future__ import annotations

from typing import Any

from myspread._net.tables import BrokerTables

__all__ = ["Holding", "asBytes"]


def asBytes(name: Any) -> Any:
    """A name as it travels; what isn't text stays as it is."""
    return name.encode("utf-8") if isinstance(name, str) else name


class Holding(BrokerTables):
    """
    Lends objects to the peer, and keeps caches on both sides.
    """

    # References

    def registerReference(self, object: Any) -> int:
        """
        Lend an object to the peer, or count one more.

        @return: its id.
        @raise Error: when the peer has as many references as it may.
        """
        return self._peer.lend(object)

    def unregisterReference(self, refnum: Any) -> None:
        """
        Forget an object that is lent to the peer, however often it was sent:
        the peer's references to it are dead from now on.

        @raise KeyError: when nothing is lent under this id.
        """
        self._peer.references.withdraw(asBytes(refnum))

    def setNameForLocal(self, name: Any, object: Any) -> None:
        """Lend an object under a name, such as C{root}."""
        assert object is not None
        self._peer.references.name(asBytes(name), object)

    def sendDecRef(self, objectID: Any) -> None:
        """Tell the peer that a reference of its is forgotten here."""
        self._peer.release(b"decref", objectID)

    # Caches

    def cachedRemotelyAs(self, instance: Any, incref: Any = 0) -> int | None:
        """
        The id under which the peer caches an object, or None.

        @param incref: whether it is about to be sent once more.
        """
        return self._peer.cacheLuid(instance, incref)

    def remotelyCachedForLUID(self, luid: Any) -> Any:
        """
        The object that the peer caches under an id.

        @raise KeyError: when there is none.
        """
        return self._peer.caches.given[luid].object

    def cacheRemotely(self, instance: Any) -> int:
        """
        A new id for an object that the peer is about to cache.

        @raise Error: when the peer has as many caches as it may.
        """
        return self._peer.giveCache(instance)

    def cacheLocally(self, cid: Any, instance: Any) -> None:
        """
        Keep a cache of an object of the peer, to be kept up to date.

        @raise LimitExceeded: when there are as many as there may be.
        """
        self._peer.takeCache(cid, instance)

    def cachedLocallyAs(self, cid: Any) -> Any:
        """
        The cache that we hold under an id.

        @raise KeyError: when there is none.
        """
        return self._peer.caches.taken[cid]

    def decCacheRef(self, objectID: Any) -> None:
        """Tell the peer that a receipt of a cache is forgotten here."""
        self._peer.release(b"decache", objectID)

    def newLocalID(self) -> int:
        """A new id for a reference or cache."""
        return self._peer.newLuid()

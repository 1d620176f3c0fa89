"""
The objects that are lent to the peer, and how often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Local", "Luids", "References"]


class Local:
    """
    An object that the peer has references to, or a cache of.

    @ivar object: the object.
    @ivar perspective: whom a cache was sent to.
    @ivar identity: its C{processUniqueID()} when it was sent first.
    @ivar refcount: how often it was sent and not given back.
    """

    __slots__ = ("identity", "object", "perspective", "refcount")

    def __init__(self, object: Any, perspective: Any = None) -> None:
        self.object = object
        self.perspective = perspective
        self.refcount = 1
        self.identity: Any = None

    def __repr__(self) -> str:
        return f"<pb.Local {self.object!r} ref:{self.refcount}>"

    def incref(self) -> int:
        """Count one more; the new count is returned."""
        self.refcount += 1
        return self.refcount

    def decref(self) -> int:
        """Count one less; the new count is returned."""
        self.refcount -= 1
        return self.refcount


class Luids:
    """
    The ids of one connection, from 1, never used again. References and caches
    share them.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last = 0

    def take(self) -> int:
        """A new id."""
        self.last += 1
        return self.last


class References:
    """
    The objects that are lent to one peer.

    @ivar objects: by id, what is lent. Named objects, such as C{root}, have
        their names (bytes) as ids and aren't counted.
    @ivar luids: by C{processUniqueID()}, the id of an object.
    @ivar cleanups: by C{processUniqueID()}, what to call when an object is
        given back for the last time.
    """

    __slots__ = ("cleanups", "luids", "objects")

    def __init__(self) -> None:
        self.objects: dict[int | bytes, Local] = {}
        self.luids: dict[Any, int] = {}
        self.cleanups: dict[Any, Callable[[], Any]] = {}

    def __len__(self) -> int:
        return len(self.objects)

    def again(self, object: Any) -> int | None:
        """Count one more for an object that is lent already; its id, or None."""
        luid = self.luids.get(object.processUniqueID())
        if luid is not None:
            self.objects[luid].incref()
        return luid

    def lend(self, luid: int, object: Any) -> None:
        """Lend an object under a new id."""
        self.objects[luid] = local = Local(object)
        local.identity = object.processUniqueID()
        self.luids[local.identity] = luid

    def name(self, name: bytes, object: Any) -> None:
        """Lend an object under a name, until the connection ends."""
        self.objects[name] = Local(object)

    def find(self, luid: int | bytes) -> Any:
        """The object of an id, or None."""
        local = self.objects.get(luid)
        return None if local is None else local.object

    def giveBack(self, luid: int | bytes) -> bool:
        """
        Count one less.

        @return: False when the peer had no such reference to give back.
        """
        local = self.objects.get(luid)
        if local is None or isinstance(luid, bytes):
            return False
        if local.decref() == 0:
            self.withdraw(luid)
        return True

    def withdraw(self, luid: int | bytes) -> None:
        """
        Forget an object, however often it was lent.

        @raise KeyError: when nothing is lent under this id.
        """
        identity = self.objects.pop(luid).identity
        if isinstance(luid, bytes):
            return
        if self.luids.get(identity) == luid:
            del self.luids[identity]
        cleanup = self.cleanups.pop(identity, None)
        if cleanup is not None:
            cleanup()

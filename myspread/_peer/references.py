"""
The objects that are lent to the peer, and how often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Local", "References"]


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


class References:
    """
    The objects that are lent to one peer. Named objects, such
    as C{root}, have their names (bytes) as ids and aren't counted.
    """

    __slots__ = ("_cleanups", "_luids", "_name", "_objects", "_root")

    # Most connections lend nothing but one named object: so the tables are
    # made when somebody looks into them, or something else is lent.

    def __init__(self) -> None:
        self._objects: dict[int | bytes, Local] | None = None
        self._luids: dict[Any, int] | None = None
        self._cleanups: dict[Any, Callable[[], Any]] | None = None
        self._name: bytes | None = None
        self._root: Any = None

    @property
    def objects(self) -> dict[int | bytes, Local]:
        """By id, what is lent."""
        if self._objects is None:
            self._objects = {}
            if self._name is not None:
                self._objects[self._name] = Local(self._root)
                self._name = self._root = None
        return self._objects

    @property
    def luids(self) -> dict[Any, int]:
        """By C{processUniqueID()}, the id of an object."""
        if self._luids is None:
            self._luids = {}
        return self._luids

    @property
    def cleanups(self) -> dict[Any, Callable[[], Any]]:
        """By C{processUniqueID()}, what to call when an object is given back for the last time."""
        if self._cleanups is None:
            self._cleanups = {}
        return self._cleanups

    def forget(self) -> None:
        """Lend nothing any more."""
        self._objects = self._luids = self._cleanups = self._name = self._root = None

    def __len__(self) -> int:
        return (self._name is not None) if self._objects is None else len(self._objects)

    def loseCounts(self) -> None:
        """Lend every object under a new id from now on."""
        self._luids = None

    def again(self, object: Any) -> int | None:
        """Count one more for an object that is lent already; its id, or None."""
        luid = None if self._luids is None else self._luids.get(object.processUniqueID())
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
        if self._objects is None and self._name in (None, name):
            self._name, self._root = name, object
        else:
            self.objects[name] = Local(object)

    def find(self, luid: int | bytes) -> Any:
        """The object of an id, or None."""
        if self._objects is None:
            return self._root if luid == self._name else None
        local = self._objects.get(luid)
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
        cleanup = None if self._cleanups is None else self._cleanups.pop(identity, None)
        if cleanup is not None:
            cleanup()

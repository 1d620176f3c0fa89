"""
References to what isn't complete yet.

A list or dictionary can be referred to while it is still being filled. A
tuple, a set, or an object that a factory makes can't: it doesn't exist before
its parts do. Where one of these contains itself, an L{Unresolved} stands in
for it until it exists.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

__all__ = ["Resolver", "Unresolved"]


class Unresolved:
    """
    Stands in for an object that doesn't exist yet.

    @ivar known: whether it exists by now.
    @ivar value: the object, once it is known.
    @ivar waiters: called with the object as soon as it is known.
    """

    __slots__ = ("known", "value", "waiters")

    def __init__(self) -> None:
        self.known = False
        self.value: Any = None
        self.waiters: list[Callable[[Any], None]] = []


class Resolver:
    """
    Keeps the L{Unresolved}s of one conversion, and tells their waiters. One
    resolution often brings about the next; they are worked off in a queue, so
    that long chains cost no recursion.

    @ivar given: those in use, in the order of use; known ones may be missing.
    """

    __slots__ = ("_queue", "given")

    def __init__(self) -> None:
        self.given: list[Unresolved] = []
        self._queue: deque[tuple[Unresolved, Any]] = deque()

    def give(self, unresolved: Unresolved | None = None) -> Unresolved:
        """Note that C{unresolved}, or a new one, is being used in some place."""
        if unresolved is None:
            unresolved = Unresolved()
        self.given.append(unresolved)
        return unresolved

    def isOpen(self, since: int) -> bool:
        """Whether any that was given, since C{given} had this length, is unknown."""
        given = self.given
        if len(given) > since:
            # Nobody looks at the known ones again, at any depth.
            given[since:] = [unresolved for unresolved in given[since:] if not unresolved.known]
        return len(given) > since

    def whenAllKnown(self, since: int, callback: Callable[[], None]) -> None:
        """
        Call C{callback} once all are known that were given since C{given} had
        this length. For what is around, one that is known after the call takes
        their place.
        """
        if not self.isOpen(since):
            callback()
            return
        waiting = self.given[since:]
        del self.given[since:]
        done = self.give()
        missing = len(waiting)

        def oneKnown(value: Any) -> None:
            nonlocal missing
            missing -= 1
            if not missing:
                callback()
                self.resolve(done, None)

        for unresolved in waiting:
            self.whenKnown(unresolved, oneKnown)

    def whenKnown(self, value: Any, waiter: Callable[[Any], None]) -> None:
        """Call C{waiter} with C{value}, or what it stands for once that's known."""
        if type(value) is not Unresolved:
            waiter(value)
        elif value.known:
            waiter(value.value)
        else:
            value.waiters.append(waiter)

    def resolve(self, unresolved: Unresolved, value: Any) -> None:
        """
        Say which object C{unresolved} stands for. It may be an L{Unresolved}
        itself.
        """
        self.whenKnown(value, lambda known: self._enqueue(unresolved, known))

    def _enqueue(self, unresolved: Unresolved, value: Any) -> None:
        self._queue.append((unresolved, value))
        if len(self._queue) == 1:
            while self._queue:
                self._settle(*self._queue[0])
                self._queue.popleft()

    def _settle(self, unresolved: Unresolved, value: Any) -> None:
        unresolved.known = True
        unresolved.value = value
        waiters, unresolved.waiters = unresolved.waiters, []
        for waiter in waiters:
            waiter(value)

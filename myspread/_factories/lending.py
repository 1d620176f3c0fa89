"""
L{lend}: references to a part of an object, for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.spread.flavors import Referenceable as StockReferenceable
from twisted.spread.flavors import Viewable as StockViewable

from myspread._errors import LendingEnded, NoSuchMethod
from myspread._factories.reactor import theReactor
from myspread._flavors.calling import checkedTimeout
from myspread._flavors.dispatch import asText, findMethod, methodName, refuses
from myspread._flavors.perspective import Avatar
from myspread._flavors.referencing import AsReferenceable, Referenceable
from myspread._flavors.viewing import Viewable, ViewPoint
from myspread._jelly.bases import JellierLike

__all__ = ["Lent", "lend"]

_VIEWABLES = (Viewable, StockViewable)
_REFERENCEABLES = (Referenceable, StockReferenceable)
_STANDARD = tuple(each.remoteMessageReceived for each in _REFERENCEABLES)


def _prefixOf(obj: Any) -> str | None:
    """
    What the names of the methods begin with that a peer may call; None for an
    object that finds them in its own way.
    """
    if isinstance(obj, _VIEWABLES):
        return "view"
    receive = getattr(obj, "remoteMessageReceived", None)
    if receive is not None:
        return "remote" if getattr(receive, "__func__", None) in _STANDARD else None
    receive = getattr(obj, "perspectiveMessageReceived", None)
    isStandard = getattr(receive, "__func__", None) is Avatar.perspectiveMessageReceived
    return "perspective" if isStandard else None


class _Part(Referenceable):
    """
    What a peer gets a reference to.
    """

    def __init__(self, lent: Lent, target: Any) -> None:
        """
        @param target: gets the messages that may pass.
        """
        self._lent = lent
        self._target = target

    def processUniqueID(self) -> Any:
        """The same for each view of one perspective on what was lent."""
        return id(self._lent), self._target.processUniqueID()

    def remoteMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """Hand a message on, if it may pass."""
        self._lent.check(message)
        return self._target.remoteMessageReceived(broker, message, args, kw)


class Lent(Referenceable):
    """
    What L{lend} returns: it is sent in place of the object.

    @ivar methods: the names of the methods that can be called, without
        C{remote_} or the like; None for all.
    """

    def __init__(self, obj: Any, methods: frozenset[str] | None) -> None:
        self.methods = methods
        self._object = obj
        self._prefix = _prefixOf(obj) or "remote"
        self._why: str | None = None
        self._deadline: tuple[Any, float, float] | None = None
        self._target: Any = None
        if not isinstance(obj, _VIEWABLES):
            isReferenceable = isinstance(obj, _REFERENCEABLES)
            self._target = obj if isReferenceable else AsReferenceable(obj, "perspective")

    def expireAfter(self, seconds: float, clock: Any) -> None:
        """
        End after some time from now, in place of any that was said before.

        @param clock: provides C{IReactorTime}.
        @raise ValueError: when it isn't positive.
        """
        checkedTimeout(seconds)
        self._deadline = clock, clock.seconds() + seconds, seconds

    def revoke(self) -> None:
        """
        End now: whoever has a reference can call nothing any more. Methods that
        are running go on.
        """
        self._end("was revoked")

    def _end(self, why: str) -> None:
        if self._why is None:
            self._why = why
            # Peers keep their references for as long as they like.
            self._object = self._target = None

    @property
    def original(self) -> Any:
        """What was lent; None once that has ended."""
        self._expire()
        return self._object

    @property
    def isLent(self) -> bool:
        """Whether it can be called."""
        self._expire()
        return self._why is None

    def _expire(self) -> None:
        if self._deadline is not None and self._why is None:
            clock, end, seconds = self._deadline
            if clock.seconds() >= end:
                self._end(f"was for {seconds:g} seconds")

    def check(self, message: str | bytes) -> None:
        """
        Find out whether a message may pass.

        @raise LendingEnded: when nothing may any more.
        @raise NoSuchMethod: when it calls none of the methods that were lent.
        """
        self._expire()
        if self._why is not None:
            raise LendingEnded(f"this object was lent, which {self._why}: ask for it again")
        if self.methods is not None and asText(message) not in self.methods:
            name = methodName(self._prefix, message)
            raise refuses(NoSuchMethod(f"No such method: {name}"))

    def jellyFor(self, jellier: JellierLike) -> Any:
        """C{[remote, luid]}; for a C{Viewable}, of what one perspective sees of it."""
        if self._why is None and self._target is None:
            view = ViewPoint(jellier.invoker.serializingPerspective, self._object)
            return _Part(self, view).jellyFor(jellier)
        return super().jellyFor(jellier)

    def remoteMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """Hand a message on, if it may pass."""
        self.check(message)
        return self._target.remoteMessageReceived(broker, message, args, kw)

    def _remoteMethod(self, message: str | bytes) -> Callable[..., Any]:
        self.check(message)
        if self._prefix == "view":
            raise NoSuchMethod("what a Viewable does depends on who calls: only peers can call what was lent")
        return findMethod(self._object, self._prefix, message)

    def __repr__(self) -> str:
        what = repr(self._object) if self._why is None else self._why
        return f"<Lent {what}>"


def lend(
    obj: Any,
    methods: Iterable[str] | None = None,
    expires: float | None = None,
    *,
    clock: Any = None,
) -> Lent:
    """
    Lend an object to peers, or a part of it, or for a while: what is returned is
    sent in its place::

        lent = pb.lend(account, methods=["balance"], expires=60)

    Peers get a reference as to any C{Referenceable}, those on C{twisted.spread}
    too. A call of a method that isn't named fails as if there were none; when
    lending has ended, calls fail with L{LendingEnded}. If a peer sends the
    reference back, what arrives is the L{Lent}, not the object.

    @param obj: a C{Referenceable}, C{Viewable} or avatar.
    @param methods: the names of the methods that can be called, without
        C{remote_}, C{view_} or C{perspective_}; None for all.
    @param expires: after how many seconds from now that ends; None for when it is
        revoked.
    @param clock: provides C{IReactorTime}; by default the reactor.
    @raise TypeError: when the object is none that can be lent.
    @raise AttributeError: when it has no such method.
    @raise ValueError: when C{expires} isn't positive.
    """
    if isinstance(methods, (str, bytes)):
        raise TypeError(f"methods are a list of names, not {methods!r}")
    isLendable = isinstance(obj, (*_REFERENCEABLES, *_VIEWABLES))
    if isinstance(obj, type) or not (isLendable or hasattr(obj, "perspectiveMessageReceived")):
        raise TypeError(f"what is lent is a Referenceable, a Viewable or an avatar, not {obj!r}")
    names = None if methods is None else frozenset(methods)
    prefix = _prefixOf(obj)
    for name in sorted(names or ()):
        if prefix is not None and not hasattr(obj, f"{prefix}_{name}"):
            raise AttributeError(f"{type(obj).__qualname__} has no method {prefix}_{name} that could be lent")
    lent = Lent(obj, names)
    if expires is not None:
        checkedTimeout(expires)
        lent.expireAfter(expires, theReactor() if clock is None else clock)
    return lent

"""
Objects lent by reference whose methods are told who calls.
"""

from __future__ import annotations

from typing import Any

from myspread._flavors.dispatch import findMethod, receiveCall
from myspread._flavors.referencing import Referenceable, Serializable
from myspread._jelly.bases import JellierLike

__all__ = ["ViewPoint", "Viewable"]


class ViewPoint(Referenceable):
    """
    An object as one perspective sees it: calls arrive at its C{view_} methods,
    with the perspective as first argument.
    """

    def __init__(self, perspective: Any, object: Any) -> None:
        """
        @param perspective: the first argument of each call.
        @param object: the object with the C{view_} methods.
        """
        self.perspective = perspective
        self.object = object

    def processUniqueID(self) -> Any:
        """The same for each view of one perspective on one object."""
        return id(self.perspective), id(self.object)

    def remoteMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """
        Call C{view_<message>} of the object for the peer.

        @return: the s-expression of the result, or a Deferred of it.
        @raise AttributeError: when there is no such method.
        """
        return receiveCall(
            broker,
            lambda: findMethod(self.object, "view", message),
            args,
            kw,
            self.perspective,
            (self.perspective,),
        )


class Viewable(Serializable):
    """
    An object that is sent as a L{ViewPoint} of the perspective it is sent to.
    """

    def jellyFor(self, jellier: JellierLike) -> Any:
        """C{[remote, luid]} of a L{ViewPoint}."""
        return ViewPoint(jellier.invoker.serializingPerspective, self).jellyFor(jellier)

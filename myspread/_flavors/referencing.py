"""
Objects that stay where they are, and are lent to the peer by reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import implementer

from myspread._errors import NoSuchMethod
from myspread._flavors.dispatch import awaited, methodName, receiveCall
from myspread._jelly.bases import JellierLike, Jellyable
from myspread.interfaces import IPBRoot

__all__ = ["AsReferenceable", "Referenceable", "Root", "Serializable"]


class Serializable(Jellyable):
    """
    An object that a remote call can take or return. Use one of the flavors:
    L{Referenceable}, C{Viewable}, C{Copyable} or C{Cacheable}.
    """

    def processUniqueID(self) -> Any:
        """
        What tells this object from all others of this process; by default
        C{id(self)}. Two objects with one id count as the same for a peer.
        """
        return id(self)


class Referenceable(Serializable):
    """
    An object whose C{remote_} methods the peer may call. When it is sent, the
    peer gets a reference.

    @cvar perspective: on whose behalf results are serialised; mostly None.
    """

    perspective: Any = None

    def remoteMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """
        Call C{remote_<message>} for the peer.

        @param args: the positional arguments as an s-expression.
        @param kw: the keyword arguments as an s-expression.
        @return: the s-expression of the result, or a Deferred of it.
        @raise NoSuchMethod: when there is no such method.
        """
        return receiveCall(broker, lambda: self._remoteMethod(message), args, kw, self.perspective)

    def _remoteMethod(self, message: str | bytes) -> Callable[..., Any]:
        name = methodName("remote", message)
        method: Callable[..., Any] | None = getattr(self, name, None)
        if method is None:
            raise NoSuchMethod(f"No such method: {name}")
        return method

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        Call C{remote_<name>} here, as a peer would: so that code can treat a
        local object and a reference alike. Nothing is serialised.

        @return: a Deferred of the result.
        """
        return maybeDeferred(lambda: awaited(self._remoteMethod(_name)(*args, **kw)))

    def jellyFor(self, jellier: JellierLike) -> Any:
        """C{[remote, luid]}"""
        return [b"remote", jellier.invoker.registerReference(self)]


@implementer(IPBRoot)
class Root(Referenceable):
    """
    The object that a client gets first, under the name C{root}.
    """

    def rootObject(self, broker: Any) -> Any:
        """
        The root for a new connection; by default this object itself.

        @param broker: the connection's broker.
        """
        return self


class AsReferenceable(Referenceable):
    """
    A reference to an object that isn't a flavor, but has a method such as
    C{perspectiveMessageReceived}.
    """

    def __init__(self, object: Any, messageType: str = "remote") -> None:
        """
        @param object: the object.
        @param messageType: which C{...MessageReceived} method gets the calls.
        """
        self.remoteMessageReceived = getattr(  # type: ignore[method-assign]
            object, f"{messageType}MessageReceived"
        )

"""
Avatars: what a user who has logged in may call.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from myspread._flavors.dispatch import findMethod, receiveCall
from myspread.interfaces import IPerspective

__all__ = ["Avatar", "Perspective"]


@implementer(IPerspective)
class Avatar:
    """
    A user as the server sees it. The peer may call its C{perspective_}
    methods.

    @ivar avatarId: who it is, if the realm says so. Subclasses need not call
        C{__init__}.
    """

    avatarId: Any = None

    def __init__(self, avatarId: Any = None) -> None:
        """
        @param avatarId: what the credentials checker returned.
        """
        self.avatarId = avatarId

    def logout(self) -> None:
        """
        The user has left. A realm may return this as its logout callable.
        """

    def perspectiveMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """
        Call C{perspective_<message>} for the peer.

        @param args: the positional arguments as an s-expression.
        @param kw: the keyword arguments as an s-expression.
        @return: the s-expression of the result, or a Deferred of it.
        @raise AttributeError: when there is no such method.
        """
        return receiveCall(
            broker, lambda: findMethod(self, "perspective", message), args, kw, self
        )


class Perspective(Avatar):
    """An L{Avatar}, under the name that the first versions of cred used."""

"""
What stands for the copies and caches of classes that only the peer has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from myspread import pb
from myspread._cli.text import shortened
from myspread._flavors.copying import whenComplete
from myspread._flavors.dispatch import receiveCall

__all__ = ["POLICY", "Unknown", "watching"]


class Unknown(pb.RemoteCache):
    """
    A copy or a cache of an object of the peer, whatever its class. What the
    peer says of it is data, and touches no attribute.

    @ivar tag: what the peer calls the class.
    @ivar state: what it has sent.
    @ivar isCache: whether the peer keeps it up to date.
    """

    tag = ""
    state: Any = None
    isCache = False

    def unjellyFor(self, unjellier: Any, jellyList: list[Any]) -> Any:
        """Become the copy of C{[tag, state]}, or the cache of C{[tag, luid, state]}."""
        tag = jellyList[0]
        self.tag = tag.decode("utf-8", "backslashreplace") if isinstance(tag, bytes) else tag
        self.isCache = len(jellyList) == 3
        if self.isCache:
            return super().unjellyFor(unjellier, jellyList)
        whenComplete(unjellier, jellyList[1], self.setCopyableState)
        return self

    def setCopyableState(self, state: Any) -> None:
        """Take over any state."""
        self.state = state

    def remoteMessageReceived(self, broker: Any, message: str | bytes, args: Any, kw: Any) -> Any:
        """Pass a call of an C{observe_} method on to L{observed}."""
        name = message.decode("utf-8", "backslashreplace") if isinstance(message, bytes) else message
        return receiveCall(broker, lambda: partial(self._observe, name), args, kw)

    def _observe(self, _name: str, *args: Any, **kw: Any) -> None:
        self.observed(_name, args, kw)

    def observed(self, name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        """
        The peer has called C{observe_<name>}. What that means only the class
        would know.
        """

    def toException(self) -> Exception:
        """The exception to raise where this stands for an error of the peer."""
        try:
            error = pb.remote(self.tag)
        except ValueError:
            error = pb.RemoteError
        return error(self.tag, shortened(repr(self.state)) if self.state else "", None)


def watching(observed: Callable[[Unknown, str, tuple[Any, ...], dict[str, Any]], None]) -> pb.SecurityPolicy:
    """
    A policy as L{POLICY}, under which changes of caches are told.

    @param observed: called with the cache, the name, and the arguments.
    """

    class Watched(Unknown):
        """Tells of its changes."""

        def observed(self, name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> None:
            """Tell it."""
            observed(self, name, args, kw)

    return pb.SecurityPolicy().allowUnknown(Watched)


POLICY = pb.SecurityPolicy().allowUnknown(Unknown)
"""
What commands accept of a peer: all that is data. No class of this process is
made of it, and no module is imported because of it.
"""

"""
What the attacked servers serve: the same methods on either package.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.internet.defer import Deferred

__all__ = ["LARGE", "NAME", "PASSWORD", "AvatarMethods", "RootMethods", "checker"]

LARGE = b"\xa5" * 500_000
"""A large answer."""

NAME = b"honest"
PASSWORD = b"correct horse battery staple"


class RootMethods:
    """
    Methods for everybody.
    """

    def __init__(self) -> None:
        self._waiting: list[Deferred[None]] = []

    def remote_echo(self, value: Any = None) -> Any:
        """The value, as it came."""
        return value

    def remote_large(self) -> bytes:
        """Half a megabyte."""
        return LARGE

    def remote_never(self) -> Deferred[None]:
        """No answer until L{remote_release}."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def remote_release(self) -> None:
        """The answers of L{remote_never}."""
        while self._waiting:
            self._waiting.pop().callback(None)

    def remote_fail(self) -> None:
        """An error that nobody expects."""
        raise RuntimeError("out of order")


class AvatarMethods:
    """
    Methods for who is logged in.
    """

    def perspective_echo(self, value: Any = None) -> Any:
        """The value, as it came."""
        return value


def checker() -> InMemoryUsernamePasswordDatabaseDontUse:
    """The one user and the password."""
    found = InMemoryUsernamePasswordDatabaseDontUse()
    found.addUser(NAME, PASSWORD)
    return found

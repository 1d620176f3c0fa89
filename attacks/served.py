"""
What the attacked servers serve: the same methods on either package.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

__all__ = ["LARGE", "NAME", "PASSWORD", "AvatarMethods", "RootMethods", "checker"]

LARGE = b"\xa5" * 500_000
"""A large answer."""

NAME = b"honest"
PASSWORD = b"correct horse battery staple"

LONG = 8.0
"""Seconds that are longer than an attack."""


class RootMethods:
    """
    Methods for everybody.
    """

    def remote_echo(self, value: Any = None) -> Any:
        """The value, as it came."""
        return value

    def remote_large(self) -> bytes:
        """Half a megabyte."""
        return LARGE

    def remote_never(self) -> Deferred[None]:
        """No answer while an attack lasts."""
        return deferLater(reactor, LONG)

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

"""
A server process for the tests of sessions, of ours or of C{twisted.spread}.

Usage: C{python -m tests.factories.sessionserver PACKAGE STRPORT}. It prints the
port that it listens on.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from zope.interface import implementer

pb: Any = import_module(f"{sys.argv[1]}.pb")


class Ticker(pb.Cacheable):  # type: ignore[misc]
    """Something to be cached."""

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """Its state."""
        return {"started": True}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Nothing to do."""


class User(pb.Avatar):  # type: ignore[misc]
    """Somebody who has logged in."""

    ticker = Ticker()

    def perspective_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def perspective_ticker(self) -> Any:
        """Something to be cached."""
        return self.ticker

    def perspective_never(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()

    def logout(self) -> None:
        """Nothing to do."""


@implementer(IRealm)
class Realm:
    """Gives everybody the same avatar."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar."""
        user = User()
        return pb.IPerspective, user, user.logout


def main() -> None:
    """Serve until the process is ended."""
    users = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
    factory = pb.PBServerFactory(Portal(Realm(), [users]))
    listening = serverFromString(reactor, sys.argv[2]).listen(factory)
    listening.addCallback(lambda port: print(getattr(port.getHost(), "port", 0), flush=True))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()

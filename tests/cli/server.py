"""
A server process for the tests of the command line, of ours or of
C{twisted.spread}.

Usage: C{python -m tests.cli.server PACKAGE}. It prints the ports of a root and
of a portal, and its log.
"""

from __future__ import annotations

import datetime
import sys
from decimal import Decimal
from importlib import import_module
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import LoopingCall
from twisted.python import log
from zope.interface import implementer

OURS = "myspread"
package = sys.argv[1] if __name__ == "__main__" else OURS
pb: Any = import_module(f"{package}.pb")

EVIL = "\x1b]0;owned\x07\x9b31m\u202e\n\x1b[2J"
"""What no terminal may get to see as it is."""


class Order(pb.Copyable):  # type: ignore[misc]
    """Travels as a copy."""

    def __init__(self) -> None:
        self.fruit = "pears"
        self.count = 3

    def getTypeToCopy(self) -> bytes:
        """A class that the command line doesn't have."""
        return b"shop.Order"


class OutOfStock(pb.Error, pb.Copyable):  # type: ignore[misc]
    """An error that travels as a value."""

    def getTypeToCopy(self) -> bytes:
        """A class that the command line doesn't have."""
        return b"shop.OutOfStock"

    def getStateToCopy(self) -> dict[str, Any]:
        """What is missing."""
        return {"fruit": "pears"}


class Till(pb.Cacheable):  # type: ignore[misc]
    """Changes ten times, twenty times a second, when somebody begins to watch."""

    def __init__(self) -> None:
        self.total = 0
        self.changing = LoopingCall(self.change)

    def getTypeToCopy(self) -> bytes:
        """A class that the command line doesn't have."""
        return b"shop.Till"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """Its state; from now on it changes."""
        self.observer = observer
        self.changing.start(0.05, now=False)
        return {"total": self.total}

    def change(self) -> None:
        """Tell the observer."""
        self.total += 1
        self.observer.callRemote("setTotal", self.total, note=EVIL)
        if self.total == 10:
            self.changing.stop()

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Nobody watches any more."""
        if self.changing.running:
            self.changing.stop()
        print("nobody watches the till any more", flush=True)


class Counter(pb.Referenceable):  # type: ignore[misc]
    """A reference."""

    def __init__(self, start: int) -> None:
        self.count = start

    def remote_more(self, by: int = 1) -> int:
        """Count on."""
        self.count += by
        return self.count

    def remote_everySecond(self) -> int:
        """Count on; fail at odd numbers."""
        self.count += 1
        if self.count % 2:
            raise ValueError("odd")
        return self.count

    def remote_again(self) -> Counter:
        """The next one."""
        return Counter(self.count)


class Shop(pb.Root):  # type: ignore[misc]
    """
    A shop, where things can be bought.
    """

    def remote_add(self, a: int, b: int = 1) -> int:
        """The sum of two numbers."""
        return a + b

    def remote_echo(self, *args: Any, **kw: Any) -> Any:
        """What it was given."""
        return args, kw

    def remote_everything(self) -> dict[Any, Any]:
        """One of each kind."""
        return {
            "bytes": b"\x00\xff",
            "set": {1},
            "frozen": frozenset({2}),
            "tuple": (1, "two"),
            "when": datetime.datetime(2026, 1, 2, 3, 4, 5),
            "price": Decimal("1.50"),
            "order": Order(),
            "counter": Counter(1),
            7: None,
        }

    def remote_order(self) -> Order:
        """An order."""
        return Order()

    def remote_till(self) -> Till:
        """Something to watch."""
        return Till()

    def remote_tills(self) -> list[Till]:
        """Two to watch."""
        return [Till(), Till()]

    def remote_counter(self, start: int = 0) -> Counter:
        """A reference."""
        return Counter(start)

    def remote_evil(self) -> str:
        """Something that would take over a terminal."""
        return EVIL

    def remote_evilError(self) -> None:
        """An error that would take over a terminal."""
        raise pb.Error(EVIL)

    def remote_fail(self) -> None:
        """A mistake."""
        raise ValueError("no such fruit")

    def remote_outOfStock(self) -> None:
        """An error that travels as a value."""
        raise OutOfStock("pears")

    def remote_never(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()

    def remote_bye(self) -> None:
        """Close all connections, without an answer."""
        reactor.stop()  # type: ignore[attr-defined]


class User(pb.Avatar):  # type: ignore[misc]
    """Somebody who has logged in."""

    def __init__(self, name: Any) -> None:
        self.name = name

    def perspective_whoami(self) -> str:
        """The name."""
        return self.name.decode() if isinstance(self.name, bytes) else "nobody"

    def logout(self) -> None:
        """Nothing to do."""


@implementer(IRealm)
class Realm:
    """Gives everybody an avatar."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar."""
        user = User(avatarId)
        return pb.IPerspective, user, user.logout


def main() -> None:
    """Serve until the process is ended."""
    log.startLogging(sys.stdout, setStdout=False)
    users = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
    portal = Portal(Realm(), [users, AllowAnonymousAccess()])
    factories = [pb.PBServerFactory(Shop()), pb.PBServerFactory(portal)]
    if package == OURS:
        describing = pb.SecurityPolicy().allowDescribing()
        factories.append(pb.PBServerFactory(Shop(), security=describing))
        factories.append(pb.PBServerFactory(portal, security=describing))
        factories.append(pb.PBServerFactory(Shop(), security=pb.SecurityPolicy(errors="incident")))
    factories.append(pb.PBServerFactory(Shop(), unsafeTracebacks=True))
    ports: list[int] = []
    for factory in factories:
        listening: Any = serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)
        listening.addCallback(lambda port: ports.append(port.getHost().port))
    print("ports", *ports, flush=True)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()

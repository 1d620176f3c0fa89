"""
A process with a peer that says nothing by itself, of ours or of
C{twisted.spread}.

Usage: C{python -m tests.net.quietpeer PACKAGE serve STRPORT} or
C{... servePortal STRPORT} prints the port that it listens on.
C{... wait STRPORT} connects and prints C{connected};
C{... call STRPORT SECONDS} then calls a method that never answers, with
C{Limits.deadPeerTime}, and prints C{lost} and why.
Everything that it logs goes to the standard error.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.logger import globalLogBeginner, textFileLogObserver
from zope.interface import implementer

pb: Any = import_module(f"{sys.argv[1]}.pb")


class Quiet(pb.Root):  # type: ignore[misc]
    """Says nothing by itself."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_never(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()


@implementer(IRealm)
class Realm:
    """Lets nobody in; nobody asks."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """Nobody."""
        raise NotImplementedError


async def serve(strport: str, root: Any) -> None:
    """Serve."""
    factory = pb.PBServerFactory(root)
    factory.noisy = False
    port = await serverFromString(reactor, strport).listen(factory)
    print(getattr(port.getHost(), "port", 0), flush=True)


async def connect(strport: str, seconds: str | None = None) -> None:
    """Connect, and wait or call."""
    factory = pb.PBClientFactory()
    factory.noisy = False
    broker = await clientFromString(reactor, strport).connect(factory)
    root = await factory.getRootObject()
    print("connected", flush=True)
    if seconds is None:
        await Deferred()
    broker.limits = pb.Limits(deadPeerTime=float(seconds))
    try:
        await root.callRemote("never")
    except pb.PBConnectionLost as error:
        print("lost", " ".join(str(error).split()), flush=True)


def main() -> None:
    """Serve or connect, until the process is ended."""
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    what, *words = sys.argv[2:]
    if what.startswith("serve"):
        portal = Portal(Realm(), [AllowAnonymousAccess()])
        running: Any = serve(*words, portal if what == "servePortal" else Quiet())
    else:
        running = connect(*words)
    Deferred.fromCoroutine(running).addErrback(lambda reason: print(reason.getTraceback(), flush=True))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()

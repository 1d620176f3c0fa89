"""
Ports that systemd has opened for us: its socket activation.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, serverFromString
from twisted.internet.error import AlreadyListened
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger
from zope.interface import implementer

from myspread._service.descriptions import described, takenApart

__all__ = ["InheritedSocket", "InheritedUnixEndpoint", "inheritedEndpoint"]

_log = Logger()


class InheritedSocket(ValueError):
    """
    A socket that isn't there, or can't be listened on. The message is one line,
    and says why.
    """


def inheritedEndpoint(reactor: Any, description: str) -> IStreamServerEndpoint:
    """
    The endpoint of a socket that systemd has opened.

    @param description: C{systemd:name=NAME} or C{systemd:index=NUMBER}. Twisted's
        C{domain} may be there, and isn't needed.
    @raise InheritedSocket: when there is no such socket.
    """
    positional, named = takenApart(description)
    chosen = dict(zip(["domain", "index", "name"], positional[1:], strict=False)) | named
    chosen.pop("domain", None)
    if len(chosen) != 1 or not {"index", "name"}.issuperset(chosen):
        raise InheritedSocket("a socket from systemd is like systemd:name=pb or systemd:index=0")
    [(key, value)] = chosen.items()
    if key == "index" and not value.isdecimal():
        raise InheritedSocket(f"the index {value!r} is no number")
    # Only Twisted knows them: it has taken them out of the environment.
    try:
        found: Any = serverFromString(reactor, described(["systemd"], {"domain": "INET", key: value}))
    except (IndexError, KeyError) as error:
        raise InheritedSocket(f"systemd has passed no socket with the {key} {value}") from error
    return _endpoint(reactor, found.fileno, f"the socket with the {key} {value}")


def _endpoint(reactor: Any, descriptor: int, what: str) -> IStreamServerEndpoint:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as found:
            family, listens = found.family, found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise InheritedSocket(f"{what} is none: {error.strerror}") from error
    if not listens:
        raise InheritedSocket(f"{what} doesn't listen for streams (in a unit: ListenStream, and not Accept)")
    if family == socket.AF_UNIX:
        return InheritedUnixEndpoint(reactor, descriptor)
    endpoint: IStreamServerEndpoint = AdoptedStreamServerEndpoint(reactor, descriptor, family)
    return endpoint


class _UnixPort(unix.Port):
    """
    A port whose socket isn't ours: who may use it, its queue and its name in
    the file system stay as they are, and so it stays when we stop.
    """

    _shouldShutdown = False

    def __init__(self, listening: socket.socket, factory: IProtocolFactory, reactor: Any) -> None:
        super().__init__(listening.getsockname(), factory, reactor=reactor)
        self._listening = listening

    def startListening(self) -> None:
        """Accept connections."""
        tcp._reservedFD.reserve()
        name = self._listening.getsockname()
        _log.info("{factory} starting on {name!r}", factory=self._getLogPrefix(self.factory), name=name)
        factory: Any = self.factory
        factory.doStart()
        self.socket = self._listening
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        self.connected = True
        self.numberAccepts = 100
        unix.Port.startReading(self)

    def connectionLost(self, reason: Any) -> None:
        """Accept no more of them."""
        tcp.Port.connectionLost(self, reason)


@implementer(IStreamServerEndpoint)
class InheritedUnixEndpoint:
    """
    A UNIX socket that somebody else has opened.
    """

    def __init__(self, reactor: Any, descriptor: int) -> None:
        """
        @param reactor: waits for connections.
        @param descriptor: the socket, which is ours from now on.
        """
        self._reactor = reactor
        self._descriptor: int | None = descriptor

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """
        Accept connections.

        @param protocolFactory: makes their protocols.
        """
        if self._descriptor is None:
            return fail(AlreadyListened())
        listening = socket.socket(fileno=self._descriptor)
        self._descriptor = None
        listening.setblocking(False)
        os.set_inheritable(listening.fileno(), False)
        port = _UnixPort(listening, protocolFactory, self._reactor)
        port.startListening()
        return succeed(port)

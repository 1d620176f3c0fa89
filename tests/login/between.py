"""
Somebody between a client and a server, who passes on what they say, or changes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions

__all__ = ["Between"]

Change = Callable[[bytes], bytes]


class _Side(Protocol):
    """One of the two connections."""

    def __init__(self, heard: bytearray, change: Change) -> None:
        self.other: Any = None
        self.waiting = b""
        self._heard = heard
        self._change = change

    def connectionMade(self) -> None:
        """What came before goes on now."""
        assert self.transport is not None
        waiting, self.waiting = self.waiting, b""
        self.transport.write(waiting)

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        self._heard += data
        changed = self._change(data)
        if self.other.transport is None:
            self.other.waiting += changed
        else:
            self.other.transport.write(changed)

    def connectionLost(self, reason: Any = None) -> None:
        """Then the other one is lost, too."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.loseConnection()


class Between(Factory):
    """
    Takes connections, and makes one to the server for each.

    @ivar fromClient: what was heard from clients.
    @ivar fromServer: what was heard from the server.
    """

    noisy = False

    def __init__(
        self,
        reactor: Any,
        port: int,
        track: Callable[[Any], Any],
        secure: bool = False,
        options: Any = None,
        change: Change = lambda data: data,
        changeClient: Change = lambda data: data,
    ) -> None:
        """
        @param port: the server's.
        @param track: remembers connections.
        @param secure: whether to speak TLS with the server.
        @param options: how to speak TLS.
        @param change: what becomes of the bytes that the server sends.
        @param changeClient: what becomes of those that the client sends.
        """
        self.fromClient, self.fromServer = bytearray(), bytearray()
        self._reactor = reactor
        self._port = port
        self._track = track
        self._secure = secure
        self._options = options
        self._change = change
        self._changeClient = changeClient

    def buildProtocol(self, addr: Any) -> _Side:
        """Both sides."""
        near, far = _Side(self.fromClient, self._changeClient), _Side(self.fromServer, self._change)
        near.other, far.other = far, near
        factory = Factory()
        factory.buildProtocol = lambda addr: far  # type: ignore[method-assign]
        tracked = self._track(factory)
        tracked.doStart = tracked.doStop = lambda: None
        tracked.startedConnecting = lambda connector: None
        tracked.clientConnectionFailed = tracked.clientConnectionLost = lambda connector, reason: None
        if self._secure:
            options = self._options or CertificateOptions()
            self._reactor.connectSSL("127.0.0.1", self._port, tracked, options)
        else:
            self._reactor.connectTCP("127.0.0.1", self._port, tracked)
        return near

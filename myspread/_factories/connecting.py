"""
Functions that make a connection.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    SSL4ClientEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure

from myspread._factories.client import PBClientFactory
from myspread._factories.reactor import theReactor

__all__ = ["connect", "endpointFor", "getObjectAt"]

Address = tuple[str, int]


def _tcpEndpoint(reactor: Any, host: str, port: int, timeout: float, bindAddress: Address | None) -> Any:
    if isIPAddress(host):
        return TCP4ClientEndpoint(reactor, host, port, timeout, bindAddress)
    if isIPv6Address(host):
        return TCP6ClientEndpoint(reactor, host, port, timeout, bindAddress)
    return HostnameEndpoint(reactor, host, port, timeout, bindAddress)


def endpointFor(reactor: Any, host: str, port: int, timeout: float = 30) -> Any:
    """
    The endpoint of a TCP server.

    @param host: a name, or an IPv4 or IPv6 address.
    @param timeout: seconds.
    """
    return _tcpEndpoint(reactor, host, port, timeout, None)


def _endpoint(
    reactor: Any, host: str, port: int, contextFactory: Any, timeout: float, bindAddress: Address | None
) -> Any:
    if contextFactory is None:
        return _tcpEndpoint(reactor, host, port, timeout, bindAddress)
    if IOpenSSLClientConnectionCreator.providedBy(contextFactory):
        return wrapClientTLS(contextFactory, _tcpEndpoint(reactor, host, port, timeout, bindAddress))
    return SSL4ClientEndpoint(reactor, host, port, contextFactory, timeout, bindAddress)


def _connect(endpoint: Any, factory: Any) -> Deferred[Any]:
    def failed(reason: Failure) -> Failure:
        factory.clientConnectionFailed(None, reason)
        return reason

    connected: Deferred[Any] = endpoint.connect(factory)
    return connected.addErrback(failed)


def connect(
    host: str,
    port: int,
    factory: Any,
    contextFactory: Any = None,
    bindAddress: str | Address | None = None,
) -> Deferred[Any]:
    """
    Connect a factory to a server.

    @param host: a name, or an IPv4 or IPv6 address.
    @param factory: a L{PBClientFactory}; who waits for its root hears of a
        failure too.
    @param contextFactory: for TLS, what C{twisted.internet.ssl.optionsForClientTLS}
        returns (which verifies the host name), or a context factory.
    @param bindAddress: the local address, or address and port.
    @return: a Deferred of the broker; it fails when no connection can be made.
    """
    local = (bindAddress, 0) if isinstance(bindAddress, str) else bindAddress
    return _connect(_endpoint(theReactor(), host, port, contextFactory, 30, local), factory)


def getObjectAt(host: str, port: int, timeout: float = 30) -> Deferred[Any]:
    """
    Connect to a server and get its root object.

    @param timeout: seconds, for the connection and the handshake together.
    @return: a Deferred of a reference to the root; it fails when no connection
        can be made, or with L{TimeoutError<twisted.internet.defer.TimeoutError>}.
        Close the connection with C{root.broker.transport.loseConnection()}.
    """
    reactor = theReactor()
    factory = PBClientFactory()
    root = factory.getRootObject()
    connecting = _connect(_endpoint(reactor, host, port, None, timeout, None), factory)
    brokers: list[Any] = []
    connecting.addCallbacks(brokers.append, lambda reason: None)

    def abandon(reason: Failure) -> Failure:
        connecting.cancel()
        for broker in brokers:
            broker.transport.abortConnection()
        return reason

    return root.addTimeout(timeout, reactor).addErrback(abandon)

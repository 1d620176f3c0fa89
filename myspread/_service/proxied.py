"""
Connections that come through a proxy, which says first where they come from.

Only a proxy that is trusted is believed, and it has to say it: nobody else gets
in where it is expected. Nothing above is made before; so it knows one address
only, that of the client.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import ILoggingContext, IProtocolFactory
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import directlyProvides, providedBy

from myspread._factories.admission import Refused
from myspread._service.proxyheader import HeaderParser, ProxyHeader, WrongHeader
from myspread.limits import defaultLimits
from myspread.pb import PBServerFactory

__all__ = ["ProxiedConnection", "ProxiedFactory", "TrustedProxies"]

_log = Logger()

UNIX = "unix"
"""What stands for all who may connect to a UNIX socket."""


class TrustedProxies:
    """
    The proxies that are believed.
    """

    def __init__(self, words: Iterable[str]) -> None:
        """
        @param words: addresses, networks such as C{10.1.0.0/16}, and C{unix}
            for whoever may connect to a UNIX socket.
        @raise ValueError: when one of them is none of these.
        """
        self._unix = False
        self._networks: list[IPv4Network | IPv6Network] = []
        for word in words:
            if word == UNIX:
                self._unix = True
            else:
                self._networks.append(ip_network(word))
        # A new connection is judged in a fraction of a microsecond then.
        self._trustsHost = lru_cache(maxsize=1024)(self._inNetworks)

    def trusts(self, address: Any) -> bool:
        """
        Whether a peer is believed.

        @param address: what its transport says of it.
        """
        if isinstance(address, UNIXAddress):
            return self._unix
        host = getattr(address, "host", None)
        return isinstance(host, str) and self._trustsHost(host)

    def _inNetworks(self, host: str) -> bool:
        address = ip_address(host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


class ProxiedConnection(ProtocolWrapper):
    """
    A connection from a proxy: of the client, once the header is there.
    """

    wrappedProtocol: Any
    factory: Any

    def __init__(self, factory: ProxiedFactory, longest: int) -> None:
        """
        @param factory: makes what stands above.
        @param longest: bytes that the header may have.
        """
        super().__init__(factory, None)  # type: ignore[arg-type]
        self._header = ProxyHeader()
        self._parser: HeaderParser | None = HeaderParser(longest)

    def makeConnection(self, transport: Any) -> None:
        """
        Wait for the header.

        @param transport: the connection to the proxy.
        """
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)
        self.factory.connectionWaits(self)

    def getPeer(self) -> Any:
        """The address of the client; that of the proxy where it speaks for itself."""
        return self._header.source or ProtocolWrapper.getPeer(self)

    def getHost(self) -> Any:
        """Where the client connected to, as far as the proxy says."""
        return self._header.destination or ProtocolWrapper.getHost(self)

    def dataReceived(self, data: bytes) -> None:
        """
        A piece of the header, or of what follows it.
        """
        if self.wrappedProtocol is not None:
            self.wrappedProtocol.dataReceived(data)
        elif self._parser is not None:
            self._headerReceived(self._parser, data)

    def _headerReceived(self, parser: HeaderParser, data: bytes) -> None:
        try:
            parsed = parser.feed(data)
        except WrongHeader as error:
            self.refuse(str(error))
            return
        if parsed is None:
            return
        self._parser = None
        self.factory.waitsNoMore(self)
        self._header, rest = parsed
        protocol = self.factory.wrappedFactory.buildProtocol(self.getPeer())
        if protocol is None:
            protocol = Refused()
        self.wrappedProtocol = protocol
        protocol.makeConnection(self)
        if rest:
            protocol.dataReceived(rest)

    def refuse(self, reason: str) -> None:
        """
        Close the connection: there is no header that could be believed.

        @param reason: for the log.
        """
        self._parser = None
        self.factory.waitsNoMore(self)
        self.factory.server.connectionRefused(self.getPeer(), reason)
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        The connection is lost.
        """
        self._parser = None
        self.factory.waitsNoMore(self)
        protocol, self.wrappedProtocol = self.wrappedProtocol, None
        if protocol is not None:
            protocol.connectionLost(reason)


class ProxiedFactory(ServerFactory):
    """
    Takes connections from trusted proxies only, and makes the protocols of
    another factory once their headers are there.
    """

    noisy = False

    def __init__(
        self, server: PBServerFactory, wrappedFactory: IProtocolFactory, proxies: TrustedProxies, clock: Any
    ) -> None:
        """
        @param server: whose limits hold, and who is told of refusals.
        @param wrappedFactory: makes what stands above: that server, or TLS for it.
        @param proxies: who is trusted.
        @param clock: provides C{IReactorTime}.
        """
        self.server = server
        self.wrappedFactory = wrappedFactory
        self._proxies = proxies
        self._clock = clock
        self._waiting: dict[ProxiedConnection, Any] = {}

    @property
    def waiting(self) -> int:
        """How many connections have not sent their header."""
        return len(self._waiting)

    def logPrefix(self) -> str:
        """What stands in the log for the factory."""
        factory: Any = self.wrappedFactory
        known = ILoggingContext.providedBy(factory)
        return f"{factory.logPrefix() if known else type(factory).__name__} (PROXY)"

    def doStart(self) -> None:
        """A port begins to listen."""
        self.wrappedFactory.doStart()
        super().doStart()  # type: ignore[no-untyped-call]

    def doStop(self) -> None:
        """A port has ended."""
        self.wrappedFactory.doStop()
        super().doStop()  # type: ignore[no-untyped-call]

    def buildProtocol(self, addr: Any) -> Any:
        """
        What waits for the header of a new connection; or a protocol that closes
        it, when it comes from no proxy, or there are too many.
        """
        reason = self._refusal(addr)
        if reason is not None:
            self.server.connectionRefused(addr, reason)
            return Refused()
        limits = self.server.limits or defaultLimits()
        return ProxiedConnection(self, limits.proxyHeaderLength)

    def _refusal(self, address: Any) -> str | None:
        if not self._proxies.trusts(address):
            return "it is no trusted proxy (--trusted-proxy)"
        most = (self.server.limits or defaultLimits()).connections
        if most is not None and self.waiting + self.server.admission.connections >= most:
            return f"there are {most} already (Limits.connections)"
        return None

    def connectionWaits(self, connection: ProxiedConnection) -> None:
        """A connection waits for its header, but not for ever."""
        seconds = (self.server.limits or defaultLimits()).proxyHeaderTime
        self._waiting[connection] = self._clock.callLater(seconds, self._tooLate, connection, seconds)

    def waitsNoMore(self, connection: ProxiedConnection) -> None:
        """A connection has got its header, or will get none."""
        timer = self._waiting.pop(connection, None)
        if timer is not None and timer.active():
            timer.cancel()

    def _tooLate(self, connection: ProxiedConnection, seconds: float) -> None:
        connection.refuse(f"there is no PROXY header after {seconds:g} seconds (Limits.proxyHeaderTime)")

"""
What C{--port} can say: all that Twisted's descriptions of endpoints can, and
what stands before them here.

  - C{ssl:PORT:...} as in Twisted, but for our own TLS; and
    C{ssl:DESCRIPTION:...}, with TLS above any other endpoint.
  - C{proxy:DESCRIPTION}: each connection comes through a proxy, which says first
    where it comes from. TLS stands above that: C{proxy:ssl:...}.
  - C{systemd:name=NAME}: a socket that systemd has opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer

from myspread._service.descriptions import Description, described, takenApart
from myspread._service.inherited import inheritedEndpoint
from myspread._service.proxied import ProxiedFactory, TrustedProxies
from myspread._service.settings import WrongSetting
from myspread._service.tls import (
    CLIENT_CERTIFICATES,
    NoCertificate,
    ServerTls,
    TlsFactory,
    TlsFiles,
    WrongFiles,
    certificatesIn,
)
from myspread._service.wrongports import DEFAULT_KEY, KEY_MISSING, WORDS, WrongPort, checkPlace, hint
from myspread.pb import PBServerFactory

__all__ = [
    "LayeredEndpoint",
    "SharedSettings",
    "WrongPort",
    "checkUsed",
    "endpointFor",
    "sharedSettings",
    "tlsOf",
]

BACKLOG: Final = 4096
"""Connections that wait to be accepted; systems take it for as many as they allow."""

QUEUEING: Final = ("tcp:", "tcp6:", "unix:")
"""Endpoints that have such a queue."""

SSL_POSITIONS: Final = (
    "privateKey",
    "certKey",
    "sslmethod",
    "interface",
    "backlog",
    "extraCertChain",
    "dhParameters",
)
"""What may follow C{ssl:PORT:} without its name, as in Twisted."""

NOT_TAKEN: Final = {
    "sslmethod": "TLS 1.2 and 1.3 are spoken, and nothing older",
    "dhParameters": "keys are agreed with elliptic curves, which need no such file",
}
"""What Twisted's C{ssl:} has and ours hasn't, and why."""

MISPLACED: Final = {
    "proxy": "PROXY stands first, and once: proxy:ssl:...",
    "ssl": "ssl: stands there twice",
    "haproxy": "it believes everybody; use proxy: and --trusted-proxy",
}
"""What can't stand at the end, and why."""

NONE: Final = "none"
"""What C{clientCert} is for a port whose clients need no certificate, where others do."""


@dataclass(frozen=True)
class SharedSettings:
    """
    What is said once for all ports.

    @ivar clientCa: the path of the certificates that may issue those of clients.
    @ivar clientCertificate: a key of L{CLIENT_CERTIFICATES}.
    @ivar proxies: who is believed where a connection comes from.
    """

    clientCa: str | None = None
    clientCertificate: str = "required"
    proxies: TrustedProxies | None = None


def sharedSettings(
    clientCa: str | None, clientCertificate: str | None, proxies: Iterable[str]
) -> SharedSettings:
    """
    What the options say for all ports.

    @param clientCa: a path.
    @param clientCertificate: whether clients need a certificate.
    @param proxies: addresses and networks.
    @raise WrongSetting: when they can't be.
    """
    if clientCertificate is not None:
        if clientCertificate not in CLIENT_CERTIFICATES:
            raise WrongSetting("client-cert", "it is required or optional", clientCertificate)
        if clientCa is None:
            raise WrongSetting("client-cert", "--client-ca must say who may issue it", clientCertificate)
    if clientCa is not None:
        _checkAuthority(clientCa)
    proxies = list(proxies)
    for proxy in proxies:
        try:
            TrustedProxies([proxy])
        except ValueError as error:
            raise WrongSetting("trusted-proxy", str(error), proxy) from error
    trusted = TrustedProxies(proxies) if proxies else None
    return SharedSettings(_absolute(clientCa), clientCertificate or "required", trusted)


def _checkAuthority(path: str) -> None:
    try:
        certificatesIn(path)
    except WrongFiles as error:
        raise WrongSetting("client-ca", str(error), path) from error
    except OSError as error:
        raise WrongSetting("client-ca", error.strerror or str(error), path) from error


@implementer(IStreamServerEndpoint)
class LayeredEndpoint:
    """
    An endpoint with TLS, or the header of a proxy, or both above it.

    @ivar tls: makes its TLS connections, or None.
    @ivar proxies: who is believed where a connection comes from; None where
        nobody is asked.
    """

    def __init__(
        self,
        reactor: Any,
        below: IStreamServerEndpoint,
        tls: ServerTls | None,
        proxies: TrustedProxies | None,
    ) -> None:
        """
        @param reactor: measures time.
        @param below: listens.
        """
        self.tls = tls
        self.proxies = proxies
        self._reactor = reactor
        self._below = below

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """
        Listen.

        @param protocolFactory: a L{PBServerFactory}.
        """
        assert isinstance(protocolFactory, PBServerFactory)
        above: IProtocolFactory = protocolFactory
        if self.tls is not None:
            above = TlsFactory(self.tls, above, self._reactor)
        if self.proxies is not None:
            above = ProxiedFactory(protocolFactory, above, self.proxies, self._reactor)
        return self._below.listen(above)


def endpointFor(reactor: Any, description: str, shared: SharedSettings) -> IStreamServerEndpoint:
    """
    What a description stands for.

    @param reactor: listens, and measures time.
    @raise WrongPort: when it can't be; or another C{Exception} of what it is
        made of.
    """
    inner = description.removeprefix("proxy:")
    proxies = shared.proxies if inner != description else None
    if inner != description and proxies is None:
        raise WrongPort("nobody is trusted to say where a client comes from: --trusted-proxy says who is")
    files = None
    if inner.partition(":")[0] == "ssl":
        files, inner = _tlsFiles(takenApart(inner), shared)
    kind = inner.partition(":")[0]
    if kind in MISPLACED:
        raise WrongPort(f"{kind}: {MISPLACED[kind]}")
    if kind == "tls" and (files or proxies or shared.clientCa):
        raise WrongPort("tls: is Twisted's own, and knows neither client certificates nor proxies; use ssl:")
    below = inheritedEndpoint(reactor, inner) if kind == "systemd" else _listening(reactor, inner)
    tls = None if files is None else _serverTls(description, files)
    return below if tls is None and proxies is None else LayeredEndpoint(reactor, below, tls, proxies)


def _serverTls(description: str, files: TlsFiles) -> ServerTls:
    try:
        return ServerTls(description, files)
    except NoCertificate as error:
        if error.path == files.certificate == files.key:
            raise WrongPort(f"{error}; certKey= names the file of the certificate") from error
        raise


def tlsOf(endpoints: Iterable[IStreamServerEndpoint]) -> list[ServerTls]:
    """
    What makes the TLS connections of those endpoints that have TLS.
    """
    every = (getattr(endpoint, "tls", None) for endpoint in endpoints)
    return [tls for tls in every if tls is not None]


def checkUsed(shared: SharedSettings, endpoints: Sequence[IStreamServerEndpoint]) -> None:
    """
    See to it that what was said for all ports is of use for one: somebody could
    rely on it.

    @raise WrongSetting: when it isn't.
    """
    asking = {tls.files.clientCa for tls in tlsOf(endpoints)}
    if shared.clientCa is not None and shared.clientCa not in asking:
        why = "no port asks its clients for a certificate with it; ssl: ports do"
        raise WrongSetting("client-ca", why)
    if shared.proxies is not None and not any(getattr(each, "proxies", None) for each in endpoints):
        why = "no port is for proxies; proxy: stands before those that are"
        raise WrongSetting("trusted-proxy", why)


def _tlsFiles(description: Description, shared: SharedSettings) -> tuple[TlsFiles, str]:
    """
    The files of TLS, and the description of what is below it.
    """
    _, first, *positional = description.positional if len(description.positional) > 1 else (None, "")
    named = dict(description.named)
    if first.removeprefix("-").isdecimal():
        if len(positional) > len(SSL_POSITIONS):
            raise WrongPort(f"too much follows ssl:{first}")
        named |= dict(zip(SSL_POSITIONS, positional, strict=False))
        positional, first = [first], "tcp"
    for name, why in NOT_TAKEN.items():
        if name in named:
            raise WrongPort(f"{name} is not taken: {why}")
    if "privateKey" not in named and not os.path.exists(DEFAULT_KEY):
        misspelt = [name for name in named if name not in WORDS and hint(name)]
        raise WrongPort(f"it takes no {misspelt[0]}={hint(misspelt[0])}" if misspelt else KEY_MISSING)
    key = named.pop("privateKey", DEFAULT_KEY)
    certificate = named.pop("certKey", key)
    chain = named.pop("extraCertChain", None)
    authority = named.pop("clientCA", shared.clientCa)
    wanted = named.pop("clientCert", shared.clientCertificate)
    if wanted == NONE:
        authority, wanted = None, "required"
    elif wanted not in CLIENT_CERTIFICATES:
        raise WrongPort(f"clientCert={wanted}: it is required, optional or none")
    elif "clientCert" in description.named and authority is None:
        raise WrongPort(f"clientCert={wanted}: clientCA or --client-ca must say who may issue it")
    files = TlsFiles(
        os.path.abspath(key),
        os.path.abspath(certificate),
        chain=_absolute(chain),
        clientCa=_absolute(authority),
        clientCertificate=wanted,
    )
    return files, described([first, *positional], named)


def _absolute(path: str | None) -> str | None:
    # Before a daemon changes its directory.
    return None if path is None else os.path.abspath(path)


def _listening(reactor: Any, description: str) -> Any:
    """
    An endpoint whose queue of connections that wait to be accepted is long,
    unless the description says how long it is.

    With a short one, Linux forgets some of a few hundred connections that are
    made at once; and as the server speaks first, their clients never notice.
    """
    checkPlace(description)
    if description.startswith(QUEUEING) and ":backlog=" not in description:
        # Where it says so by position, or is wrong, this shows without ours.
        with suppress(TypeError):
            return serverFromString(reactor, f"{description}:backlog={BACKLOG}")
    return serverFromString(reactor, description)

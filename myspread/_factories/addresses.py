"""
Where a session connects to.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.endpoints import clientFromString, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.filepath import UnlistableError

from myspread._factories.connecting import endpointFor
from myspread._factories.identity import tlsOptions
from myspread._factories.locating import locate

__all__ = ["Address", "Where", "addressesOf"]

HIGHEST_PORT = 65535

Where = str | tuple[str, int] | Any
"""
A client strport, C{srv:} or C{srv+tls:} and the name of a service, host and
port, or an endpoint.
"""

Places = list[tuple[str, Any]]
"""Descriptions and endpoints of servers."""


class Address:
    """
    One of the places that a session connects to.

    @ivar text: what it is, for people.
    """

    def __init__(self, text: str, find: Callable[[], Awaitable[Places]]) -> None:
        """
        @param find: finds the servers that are there now.
        """
        self.text = text
        self.find = find


def _fixed(text: str, endpoint: Any) -> Address:
    async def find() -> Places:
        return [(text, endpoint)]

    return Address(text, find)


def _service(text: str, reactor: Any, resolver: Any) -> Address:
    kind, _, rest = text.partition(":")
    service, _, options = rest.partition(":")
    name = service.split(".", 2)
    if len(name) < 3 or not all(part.startswith("_") for part in name[:2]):
        raise ValueError(f"{text!r}: the name of a service is like _pb._tcp.example.org")
    if options and kind == "srv":
        raise ValueError(f"{text!r}: options are for TLS; write srv+tls: in place of srv:")
    # Who forges DNS answers chooses the host, so the certificate is the domain's.
    identity = _identified(text, name[2], options) if kind == "srv+tls" else None

    def endpoint(host: str, port: int) -> Any:
        plain = endpointFor(reactor, host, port)
        return plain if identity is None else wrapClientTLS(identity, plain)

    async def find() -> Places:
        servers = await locate(service, resolver, random.random)
        return [(f"{host}:{port} (of {text})", endpoint(host, port)) for host, port in servers]

    return Address(text, find)


def _identified(text: str, domain: str, options: str) -> Any:
    try:
        return tlsOptions(domain, options)
    except (ValueError, OSError) as error:
        raise ValueError(f"{text!r} can't be connected to: {_textOf(error)}") from error


def _textOf(error: Exception) -> str:
    if isinstance(error, UnlistableError):
        return "trustRoots is no folder that can be read"
    return str(error) or repr(error)


def _portOf(text: str) -> str:
    """The port in the strport of a host: the second word, or one with its name. Empty if it has none."""
    _, *words = re.split(r"(?<!\\):", text)
    named = [word.removeprefix("port=") for word in words if word.startswith("port=")]
    unnamed = [word for word in words if "=" not in word]
    return "".join([*unnamed[1:2], *named][:1])


def _checkPort(text: str, port: str | int) -> None:
    """The system would say so only when it connects."""
    if isinstance(port, str) and re.fullmatch(r"-?\d+", port):
        port = int(port)
    if isinstance(port, int) and not 0 < port <= HIGHEST_PORT:
        raise ValueError(f"{text!r}: there is no port {port}; their numbers go from 1 to {HIGHEST_PORT}")


def _strport(text: str, reactor: Any, resolver: Any) -> Address:
    kind = text.partition(":")[0]
    if kind in ("srv", "srv+tls"):
        return _service(text, reactor, resolver)
    if kind == "ssl":
        raise ValueError(f"{text!r} would not verify who the server is; write tls: in place of ssl:")
    hasPort = kind in ("tcp", "tls")
    if hasPort:
        _checkPort(text, _portOf(text))
    try:
        return _fixed(text, clientFromString(reactor, text))
    except Exception as error:
        if hasPort and not _portOf(text):
            raise ValueError(f"{text!r} lacks its port; write it like {kind}:localhost:8787") from error
        hint = "a strport is like tcp:HOST:PORT, tls:HOST:PORT, unix:PATH or srv:_pb._tcp.DOMAIN"
        raise ValueError(f"{text!r} can't be connected to: {_textOf(error)}; {hint}") from error


def _address(where: Where, reactor: Any, resolver: Any) -> Address:
    if isinstance(where, str):
        return _strport(where, reactor, resolver)
    if isinstance(where, tuple) and len(where) == 2 and isinstance(where[0], str):
        host, port = where
        _checkPort(f"{host}:{port}", port)
        return _fixed(f"{host}:{port}", endpointFor(reactor, host, port))
    if IStreamClientEndpoint.providedBy(where):
        return _fixed(repr(where), where)
    raise TypeError(f"{where!r} is no address: give a strport, (host, port) or an endpoint")


def addressesOf(
    where: Where | Sequence[Where], port: int | None, reactor: Any, resolver: Any
) -> list[Address]:
    """
    Where to connect to.

    @param where: one address, or a list of them.
    @param port: the port, where C{where} is a host.
    @raise ValueError: when a strport isn't understood, or there is nothing at
        all.
    @raise TypeError: for what is no address.
    """
    if port is not None:
        where = (where, port)
    several = where if isinstance(where, list) else [where]
    if not several:
        raise ValueError("a session needs an address")
    return [_address(each, reactor, resolver) for each in several]

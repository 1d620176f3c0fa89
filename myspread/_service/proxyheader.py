"""
The header of the PROXY protocol, versions 1 and 2: what a proxy says of the
client that it speaks for, before anything else.

See U{the specification<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>}.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from ipaddress import IPv4Address as IPv4
from ipaddress import IPv6Address as IPv6
from typing import Any, Final, NamedTuple

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

__all__ = ["HeaderParser", "ProxyHeader", "WrongHeader"]

LONGEST_LINE: Final = 107
"""Bytes of the longest header of version 1, with its end."""

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED: Final = struct.Struct("!12sBBH")
_LOCAL, _PROXIED = 0x20, 0x21
_UNKNOWN: Final = b"UNKNOWN"

_line: Final = re.compile(rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) ([0-9]{1,5}) ([0-9]{1,5})")


class WrongHeader(ValueError):
    """
    No header, or one that can't be read. The message is one line, and says why.
    """


class ProxyHeader(NamedTuple):
    """
    What a header says.

    @ivar source: the address of the client; None where the proxy speaks for
        itself, or doesn't know.
    @ivar destination: the address that the client connected to.
    """

    source: Any = None
    destination: Any = None


class HeaderParser:
    """
    Reads a header, in whatever pieces it comes, and no byte more than may
    belong to it.
    """

    __slots__ = ("_buffer", "_most")

    def __init__(self, most: int) -> None:
        """
        @param most: bytes of the longest header that is taken.
        """
        self._buffer = bytearray()
        self._most = most

    def feed(self, data: bytes) -> tuple[ProxyHeader, bytes] | None:
        """
        More of the stream.

        @return: the header, and what follows it; None until it is whole.
        @raise WrongHeader: as soon as it can't become one that is taken.
        """
        buffer = self._buffer
        buffer += data
        if _SIGNATURE.startswith(buffer[: len(_SIGNATURE)]):
            return self._binary()
        if buffer[:6] == b"PROXY "[: len(buffer)]:
            return self._text()
        raise WrongHeader("there is no PROXY header")

    def _text(self) -> tuple[ProxyHeader, bytes] | None:
        most = min(LONGEST_LINE, self._most)
        end = self._buffer.find(b"\r\n", 0, most)
        if end < 0:
            if len(self._buffer) >= most:
                raise WrongHeader(f"the PROXY header has no end within {most} bytes")
            return None
        line, rest = bytes(self._buffer[:end]), bytes(self._buffer[end + 2 :])
        if line[6:].split(b" ", 1)[0] == _UNKNOWN:
            return ProxyHeader(), rest
        return _fromLine(line), rest

    def _binary(self) -> tuple[ProxyHeader, bytes] | None:
        if len(self._buffer) < _FIXED.size:
            return None
        _, command, family, length = _FIXED.unpack_from(self._buffer)
        whole = _FIXED.size + length
        if command not in (_LOCAL, _PROXIED):
            raise WrongHeader(f"the PROXY header has version and command {command:#04x}")
        if whole > self._most:
            raise WrongHeader(f"the PROXY header has {whole} bytes (Limits.proxyHeaderLength)")
        if len(self._buffer) < whole:
            return None
        body, rest = bytes(self._buffer[_FIXED.size : whole]), bytes(self._buffer[whole:])
        return (ProxyHeader() if command == _LOCAL else _fromBody(family, body)), rest


def _fromLine(line: bytes) -> ProxyHeader:
    found = _line.fullmatch(line)
    if found is None:
        raise WrongHeader(f"the PROXY header can't be read: {line.decode('ascii', 'backslashreplace')!r}")
    family, *addresses = (each.decode("ascii") for each in found.groups())
    hosts, ports = addresses[:2], [int(port) for port in addresses[2:]]
    if max(ports) > 0xFFFF:
        raise WrongHeader(f"the PROXY header has a port {max(ports)}")
    kind, parse = _TCP[family]
    try:
        source, destination = (
            kind("TCP", str(parse(host)), port) for host, port in zip(hosts, ports, strict=True)
        )
    except ValueError as error:
        raise WrongHeader(f"the PROXY header has no {family} address: {error}") from error
    return ProxyHeader(source, destination)


_TCP: Final[dict[str, tuple[Any, Callable[[Any], Any]]]] = {
    "TCP4": (IPv4Address, IPv4),
    "TCP6": (IPv6Address, IPv6),
}


def _internet(family: str, layout: struct.Struct, body: bytes) -> ProxyHeader:
    kind, parse = _TCP[family]
    source, destination, sourcePort, destinationPort = layout.unpack_from(body)
    return ProxyHeader(
        kind("TCP", str(parse(source)), sourcePort), kind("TCP", str(parse(destination)), destinationPort)
    )


def _tcp4(layout: struct.Struct, body: bytes) -> ProxyHeader:
    return _internet("TCP4", layout, body)


def _tcp6(layout: struct.Struct, body: bytes) -> ProxyHeader:
    return _internet("TCP6", layout, body)


def _unix(layout: struct.Struct, body: bytes) -> ProxyHeader:
    source, destination = (path.rstrip(b"\0") or None for path in layout.unpack_from(body))
    return ProxyHeader(UNIXAddress(source), UNIXAddress(destination))


_FAMILIES: Final[dict[int, tuple[struct.Struct, Callable[[struct.Struct, bytes], ProxyHeader]]]] = {
    0x11: (struct.Struct("!4s4sHH"), _tcp4),
    0x21: (struct.Struct("!16s16sHH"), _tcp6),
    0x31: (struct.Struct("!108s108s"), _unix),
}
"""How the addresses of a stream are laid out, by what the header says of them."""


def _fromBody(family: int, body: bytes) -> ProxyHeader:
    if family == 0:
        # The proxy doesn't know, or may not tell.
        return ProxyHeader()
    if family not in _FAMILIES:
        raise WrongHeader(f"the PROXY header is of family and protocol {family:#04x}, which is no stream")
    layout, read = _FAMILIES[family]
    if len(body) < layout.size:
        raise WrongHeader(f"the PROXY header has {len(body)} bytes of addresses, not {layout.size}")
    return read(layout, body)

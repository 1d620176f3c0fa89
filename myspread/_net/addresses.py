"""
Where a connection comes from, as far as it is counted.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from twisted.internet.address import IPv4Address

__all__ = ["sourceOf"]

_HOST_BITS = 64
"""The part of an IPv6 address that whoever has one network chooses freely."""


def sourceOf(address: Any) -> str | None:
    """
    Whom to count a connection for.

    @param address: what a transport says of its peer.
    @return: an IPv4 address, also where it came as an IPv6 address; of another
        IPv6 address the network of 64 bits. None where there is no address, as
        on a UNIX socket.
    """
    host = getattr(address, "host", None)
    if not isinstance(host, str) or isinstance(address, IPv4Address):
        return host if isinstance(host, str) else None
    return _sourceOfHost(host)


# Taking an IPv6 address apart costs more than all else that counts a connection.
@lru_cache(maxsize=1024)
def _sourceOfHost(host: str) -> str:
    try:
        parsed = ip_address(host)
    except ValueError:
        return host
    return _network(parsed) if isinstance(parsed, IPv6Address) else host


def _network(address: IPv6Address) -> str:
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    network = f"{IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"
    return network if address.scope_id is None else f"{network}%{address.scope_id}"

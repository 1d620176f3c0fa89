"""
What a login can rely on: the connection that it travels on.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from cryptography.x509 import Certificate
from OpenSSL import SSL
from OpenSSL._util import lib as _openssl
from twisted.internet.address import UNIXAddress

__all__ = ["Channel", "isLocal"]

BINDING_LABEL = b"EXPORTER-Channel-Binding"
BINDING_BYTES = 32
"""The label, and how much is exported under it: C{tls-exporter}, RFC 9266."""


def isLocal(address: Any) -> bool:
    """
    Whether a peer is on the same machine, as far as its address tells.

    @param address: what a transport says of its peer.
    """
    host = getattr(address, "host", None)
    return isinstance(address, UNIXAddress) or isinstance(host, str) and _isLoopback(host)


# Parsing an address costs more than all else that a login asks of a connection.
@lru_cache(maxsize=1024)
def _isLoopback(host: str) -> bool:
    try:
        parsed: Any = ip_address(host)
    except ValueError:
        return False
    return bool((getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback)


class Channel:
    """
    A connection, as logins see it.
    """

    __slots__ = ("_tls", "_transport")

    def __init__(self, transport: Any) -> None:
        """
        @param transport: of a broker, with the handshake done.
        """
        self._transport = transport
        getHandle = getattr(transport, "getHandle", None)
        handle = None if getHandle is None else getHandle()
        self._tls: Any = handle if isinstance(handle, SSL.Connection) else None

    @property
    def isTls(self) -> bool:
        """Whether what is sent is encrypted."""
        return self._tls is not None

    @property
    def isLocal(self) -> bool:
        """
        Whether it doesn't leave this machine: neither the client, nor a proxy
        that has told where the client is, is on another one.
        """
        transport = self._transport
        if transport is None:
            return False
        while transport is not None and isLocal(transport.getPeer()):
            transport = getattr(transport, "transport", None)
        return transport is None

    @property
    def isPrivate(self) -> bool:
        """
        Whether nobody can listen: on TLS, and within this machine, where only
        who is its superuser could.
        """
        return self.isTls or self.isLocal

    def binding(self) -> bytes | None:
        """
        What both ends of this TLS connection know and of no other one; None
        where there is none.
        """
        if self._tls is None or not _isUnique(self._tls):
            return None
        exported: bytes | None = self._tls.export_keying_material(BINDING_LABEL, BINDING_BYTES, b"")
        return exported

    @property
    def hasCertificate(self) -> bool:
        """Whether TLS has asked the peer for a certificate, and has verified it."""
        return self._peersCertificate() is not None

    def _peersCertificate(self) -> Any:
        if self._tls is None or not self._tls.get_verify_mode() & SSL.VERIFY_PEER:
            return None
        return self._tls.get_peer_certificate()

    def certificate(self) -> Certificate | None:
        """
        The certificate of the peer, if TLS has asked for one and has verified it.

        @raise ValueError: when OpenSSL could read it, and we can't.
        """
        certificate = self._peersCertificate()
        try:
            return None if certificate is None else certificate.to_cryptography()
        # What goes wrong with a certificate of a stranger is not even always a ValueError.
        except Exception as error:
            raise ValueError(" ".join(f"{type(error).__name__}: {error}".split())[:200]) from error


def _isUnique(connection: Any) -> bool:
    """
    Whether no other connection can have the same secrets: always from TLS 1.3
    on, before that only with the extended master secret of RFC 7627.
    """
    version = connection.get_protocol_version()
    if version >= SSL.TLS1_3_VERSION:
        return True
    # pyOpenSSL has no public way to ask; where even this one is missing, nobody says that it is unique.
    ask = getattr(_openssl, "SSL_get_extms_support", None)
    handle = getattr(connection, "_ssl", None)
    return version == SSL.TLS1_2_VERSION and ask is not None and handle is not None and ask(handle) == 1

"""
Certificates for tests: an authority, a server that is C{localhost}, and people.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet import ssl

__all__ = ["Authority", "Issued"]


class Issued:
    """
    A certificate and its key.

    @ivar certificate: the certificate.
    @ivar pem: both, as PEM.
    """

    def __init__(self, certificate: x509.Certificate, key: Any) -> None:
        self.certificate = certificate
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.pem = private + certificate.public_bytes(serialization.Encoding.PEM)

    def options(self, *clients: Authority, required: bool = False, **settings: Any) -> ssl.CertificateOptions:
        """
        What a server uses it with.

        @param clients: who issues the certificates of clients that it asks for.
        @param required: whether it takes no client without one.
        """
        both = ssl.PrivateCertificate.loadPEM(self.pem)
        if clients:
            roots = [ssl.Certificate.loadPEM(each.issued.pem) for each in clients]
            settings["trustRoot"] = ssl.trustRootFromCertificates(roots)
        options = ssl.CertificateOptions(both.privateKey.original, both.original, **settings)
        if clients and not required:
            options.getContext().set_verify(SSL.VERIFY_PEER, lambda *seen: bool(seen[-1]))
        return options

    def save(self, path: Path) -> Path:
        """Write both to a file."""
        path.write_bytes(self.pem)
        return path


class Authority:
    """
    Issues certificates.

    @ivar issued: its own.
    """

    def __init__(self, name: str = "authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.issued = self._issue(name, self._key, True)

    def issue(self, name: str) -> Issued:
        """A certificate for somebody, or for a host of this name."""
        return self._issue(name, ec.generate_private_key(ec.SECP256R1()), False)

    def _issue(self, name: str, key: Any, isAuthority: bool) -> Issued:
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=isAuthority, path_length=None), critical=True)
        )
        return Issued(builder.sign(self._key, hashes.SHA256()), key)

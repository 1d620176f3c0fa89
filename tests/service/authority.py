"""
Certificates for tests: an authority, and what it issues.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["Authority", "Issued"]

DAY = datetime.timedelta(days=1)
TODAY = datetime.datetime.now(datetime.timezone.utc)

SERVERS = x509.ExtendedKeyUsageOID.SERVER_AUTH
CLIENTS = x509.ExtendedKeyUsageOID.CLIENT_AUTH


class Issued:
    """
    A key and its certificate.

    @ivar certificate: what was issued.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        self._key = key

    @property
    def keyText(self) -> bytes:
        """The key, as PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def certificateText(self) -> bytes:
        """The certificate, as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """
        Write both to a directory.

        @return: the path of the key and that of the certificate.
        """
        key, certificate = directory / f"{name}-key.pem", directory / f"{name}.pem"
        key.write_bytes(self.keyText)
        certificate.write_bytes(self.certificateText)
        return key, certificate


class Authority(Issued):
    """
    Issues certificates, and has one that is signed by itself.
    """

    def __init__(self, name: str = "authority") -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        builder = _builder(key, self.name, self.name, -DAY, DAY)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        super().__init__(key, builder.sign(key, hashes.SHA256()))

    def issue(
        self,
        name: str,
        *hosts: str,
        begin: datetime.timedelta = -DAY,
        end: datetime.timedelta = DAY,
        usage: Any = None,
    ) -> Issued:
        """
        Issue a certificate.

        @param name: the common name.
        @param hosts: names and addresses that it is for.
        @param begin: from when on, from now.
        @param end: until when, from now.
        @param usage: what it is meant for; for everything by default.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(key, _name(name), self.name, begin, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, False)
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        return Issued(key, builder.sign(self._key, hashes.SHA256()))


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    issuer: x509.Name,
    begin: datetime.timedelta,
    end: datetime.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(TODAY + begin)
        .not_valid_after(TODAY + end)
    )

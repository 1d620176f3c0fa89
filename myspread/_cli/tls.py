"""
TLS with certificates of the user's choice.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from OpenSSL.crypto import Error as CryptoError
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from zope.interface import implementer

from myspread._cli.usage import UsageError
from myspread._factories.addresses import HIGHEST_PORT

__all__ = ["tlsEndpoint"]

_STRPORT = re.compile(r"tls:((?:host=)?(?P<host>(?:\\.|[^:\\=])+)):((?:port=)?(?P<port>\d{1,5}))")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\s*", re.DOTALL)


@implementer(IStreamClientEndpoint)
class _Named:
    """An endpoint whose C{repr} is what the user has typed."""

    def __init__(self, text: str, endpoint: Any) -> None:
        self._text = text
        self._endpoint = endpoint

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """As the endpoint does."""
        connected: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connected

    def __repr__(self) -> str:
        return self._text


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _trusted(path: Path) -> Any:
    """What the certificates in a file, or in the files of a folder, vouch for."""
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    found = [text for file in files for text in _CERTIFICATE.findall(_read(file))]
    if not found:
        raise UsageError(f"--ca {path}: there is no certificate (PEM)")
    try:
        return trustRootFromCertificates([Certificate.loadPEM(text) for text in found])
    except CryptoError:
        raise UsageError(f"--ca {path}: not a valid certificate") from None


def _ours(certificate: Path, key: Path | None) -> Any:
    """Our certificate with its key."""
    data = _read(certificate) + (b"\n" + _read(key) if key is not None else b"")
    try:
        return PrivateCertificate.loadPEM(data)
    except CryptoError:
        raise UsageError(f"{certificate}: not a certificate with its private key (PEM); see --key") from None


def tlsEndpoint(reactor: Any, where: str, cert: str | None, key: str | None, ca: str | None) -> Any:
    """
    The endpoint of C{tls:HOST:PORT}, with certificates. The name of the host is
    verified, as always.

    @param cert: the file of our certificate, if any.
    @param key: the file of its key, if that is another one.
    @param ca: the file or folder of whom to trust; None for the system's.
    @raise UsageError: when something of it can't be used.
    """
    found = _STRPORT.fullmatch(where)
    if found is None:
        raise UsageError(f"--cert, --key and --ca are for tls:HOST:PORT, not for {where!r}")
    if not 0 < int(found["port"]) <= HIGHEST_PORT:
        raise UsageError(
            f"{where!r}: there is no port {found['port']}; their numbers go from 1 to {HIGHEST_PORT}"
        )
    host = re.sub(r"\\(.)", r"\1", found["host"])
    options = optionsForClientTLS(
        host,
        trustRoot=None if ca is None else _trusted(Path(ca)),
        clientCertificate=None if cert is None else _ours(Path(cert), None if key is None else Path(key)),
    )
    return _Named(where, wrapClientTLS(options, HostnameEndpoint(reactor, host, int(found["port"]))))

"""
Whom a client trusts, and what it shows, when it connects with TLS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.ssl import Certificate, KeyPair, PrivateCertificate, optionsForClientTLS
from twisted.internet.ssl import trustRootFromCertificates as trusting

__all__ = ["tlsOptions"]

_OPTIONS = ("trustRoots", "certificate", "privateKey")


def tlsOptions(domain: str, text: str = "") -> Any:
    """
    What verifies a server, and identifies us.

    @param domain: whose certificate the server must have.
    @param text: as in C{tls:} strports: C{trustRoots=FOLDER}, of files of PEM,
        C{certificate=FILE} and C{privateKey=FILE}, separated by colons.
    @raise ValueError: when it isn't understood, or a file isn't what it should
        be.
    @raise OSError: when a file can't be read.
    """
    options: dict[str, str] = {}
    for word in text.split(":") if text else ():
        name, _, value = word.partition("=")
        if name not in _OPTIONS or not value or name in options:
            raise ValueError(f"{word!r} isn't understood; there are {', '.join(_OPTIONS)}, each as NAME=PATH")
        options[name] = value
    if "privateKey" in options and "certificate" not in options:
        raise ValueError("privateKey has a meaning together with certificate only")
    trustRoots = _trusted(options["trustRoots"]) if "trustRoots" in options else None
    identity = (
        _identity(options["certificate"], options.get("privateKey")) if "certificate" in options else None
    )
    return optionsForClientTLS(domain, trustRoots, identity)


def _trusted(folder: str) -> Any:
    files = sorted(Path(folder).glob("*.pem"))
    if not files:
        raise ValueError(f"{folder} has no file *.pem, so that nobody would be trusted")
    return trusting([_loaded(Certificate.loadPEM, path) for path in files])


def _identity(certificate: str, privateKey: str | None) -> Any:
    if privateKey is None:
        return _loaded(PrivateCertificate.loadPEM, Path(certificate))
    shown = _loaded(Certificate.loadPEM, Path(certificate))
    key = _loaded(lambda data: KeyPair.load(data, 1), Path(privateKey))
    return PrivateCertificate.fromCertificateAndKeyPair(shown, key)


def _loaded(load: Any, path: Path) -> Any:
    data = path.read_bytes()
    try:
        return load(data)
    except Exception as error:
        raise ValueError(f"{path} is no such file of PEM: {type(error).__name__}") from error

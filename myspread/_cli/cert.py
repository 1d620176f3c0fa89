"""
C{myspread cert}
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cryptography.x509 import Certificate, load_pem_x509_certificate

from myspread._cli.errors import Failed
from myspread._cli.keeping import Actions, addCreate, checkFile, recordsIn, showTable
from myspread._cli.output import say
from myspread._cli.status import Status
from myspread._cli.text import visible
from myspread._cli.usage import UsageError
from myspread._login.accountediting import editing
from myspread._login.clientcertificates import (
    PIN,
    REVOKED,
    CertificateRecord,
    comparable,
    keyPin,
    namesOf,
    readCertificate,
)
from myspread._login.passwords import preparedName

__all__ = ["cert"]

_EXAMPLES = """
myspread cert show build1.pem
myspread cert map --create certificates build1 --dns build1.example.com
myspread cert map certificates ann --pin ann.pem
myspread cert revoke certificates ann.pem --reason "lost in May"
myspread cert remove certificates --dns build1.example.com
myspread cert list certificates
twistd pbserver --realm shop:Realm --auth pbcertificates:certificates
"""

_DESCRIPTION = """\
A client whose certificate TLS has verified is known by one of its names, or by
the pin of its key: sha256: and the SHA-256 of the public key, as hexadecimal
digits. The pin decides where both are in the file; a revoked one is refused,
whatever names its certificates have. Servers that use the file notice the change.
"""

_PIN = "a pin (sha256:...), or a file with a certificate (PEM)"


def cert(arguments: list[str]) -> int:
    """
    Keep a file that says whose the certificates of clients are.
    """
    actions = Actions("cert", _EXAMPLES, _DESCRIPTION)
    parser = actions.add("show", "Show the pin and the names of a certificate.", _show)
    parser.add_argument("certificate", metavar="CERTIFICATE", help="a file with a certificate (PEM)")
    parser = actions.add("map", "Say whose a certificate is.", _map)
    addCreate(parser)
    _addFile(parser)
    parser.add_argument("avatar", metavar="AVATAR", help="the avatar id of who logs in with it")
    _addSelectors(parser, False)
    parser = actions.add("revoke", "Make a key useless, at once.", _revoke)
    addCreate(parser)
    _addFile(parser)
    parser.add_argument("pin", metavar="PIN", help=_PIN)
    parser.add_argument("--reason", default="", help="why, for people")
    parser = actions.add("remove", "Remove a line.", _remove)
    _addFile(parser)
    _addSelectors(parser, True)
    _addFile(actions.add("list", "List what is in the file.", _list))
    return actions.run(arguments)


def _addFile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="where the certificates are kept")


def _addSelectors(parser: argparse.ArgumentParser, revoked: bool) -> None:
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--dns", metavar="HOST", help="the name of a host")
    group.add_argument("--email", metavar="ADDRESS", help="a mail address")
    group.add_argument("--uri", metavar="URI", help="a URI")
    group.add_argument("--pin", metavar="PIN", help=_PIN)
    if revoked:
        group.add_argument("--revoked", metavar="PIN", help="a pin that is revoked, or its certificate")


def _certificate(path: str) -> Any:
    try:
        return load_pem_x509_certificate(Path(path).read_bytes())
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise Failed(f"{path}: this is no certificate in PEM form") from error


def _pin(text: str) -> str:
    if text.startswith("sha256:"):
        return _comparable(PIN, text.lower())
    return _pinOf(text, _certificate(text))


def _pinOf(path: str, certificate: Certificate) -> str:
    try:
        return keyPin(certificate)
    except ValueError as error:
        raise Failed(f"{path}: {error}") from error


def _comparable(kind: str, value: str) -> str:
    try:
        return comparable(kind, value)
    except ValueError as error:
        raise UsageError(f"cert: {error}") from error


def _selected(options: Any) -> tuple[str, str]:
    """The kind and value of a line."""
    for kind in (PIN, REVOKED):
        text = getattr(options, kind, None)
        if text is not None:
            return kind, _pin(text)
    [(kind, text)] = [
        (kind, getattr(options, kind))
        for kind in ("dns", "email", "uri")
        if getattr(options, kind) is not None
    ]
    return kind, _comparable(kind, text)


def _show(options: Any) -> int:
    certificate = _certificate(options.certificate)
    say(f"{PIN} {_pinOf(options.certificate, certificate)}")
    try:
        names = list(namesOf(certificate))
    except ValueError as error:
        raise Failed(f"{options.certificate}: its names are broken: {error}") from error
    for kind, value in names:
        say(f"{kind} {visible(value)}")
    return Status.OK


def _map(options: Any) -> int:
    kind, value = _selected(options)
    try:
        avatar = preparedName(options.avatar, "the avatar id")
    except ValueError as error:
        raise UsageError(f"cert: {error}") from error
    checkFile(options.file, readCertificate, options.create)
    with editing(options.file, readCertificate, options.create) as records:
        records.put(CertificateRecord(kind, value, avatar))
    say(f"{kind} {visible(value)} is {visible(avatar)}.")
    return Status.OK


def _revoke(options: Any) -> int:
    pin = _pin(options.pin)
    checkFile(options.file, readCertificate, options.create)
    with editing(options.file, readCertificate, options.create) as records:
        records.put(CertificateRecord(REVOKED, pin, options.reason))
    say(f"{pin} is revoked.")
    return Status.OK


def _remove(options: Any) -> int:
    kind, value = _selected(options)
    with editing(options.file, readCertificate) as records:
        if records.get((kind, value)) is None:
            raise Failed(f"{options.file}: there is no line for {kind} {value}")
        records.remove((kind, value))
    say(f"{kind} {visible(value)} is removed.")
    return Status.OK


def _list(options: Any) -> int:
    rows = [each.fields() for each in recordsIn(options.file, readCertificate)]
    showTable(("KIND", "VALUE", "AVATAR OR REASON"), rows)
    return Status.OK

"""
The records of a file of client certificates: who has which, and which are
revoked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from myspread._login.passwords import preparedName

__all__ = ["KINDS", "CertificateRecord", "comparable", "keyPin", "namesOf", "readCertificate"]

PIN = "pin"
REVOKED = "revoked"

KINDS = ("dns", "email", "uri", PIN, REVOKED)
"""What a line is about: a name in certificates, or a key, or one that is revoked."""

_pin = re.compile(r"sha256:[0-9a-f]{64}")


def keyPin(certificate: x509.Certificate) -> str:
    """
    The pin of a certificate's key: C{sha256:} and 64 hexadecimal digits. It
    stays the same when the certificate is renewed for the same key.

    It is the SHA-256 of the public key in its X.509 form (SubjectPublicKeyInfo).

    @raise ValueError: when the key is broken, or of a kind that isn't known.
    """
    try:
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    # What goes wrong with a certificate of a stranger is not even always a ValueError.
    except Exception as error:
        raise ValueError(f"its key can't be read: {_reason(error)}") from error
    return f"sha256:{hashlib.sha256(key).hexdigest()}"


def _address(value: str) -> str:
    mailbox, at, host = value.rpartition("@")
    return f"{mailbox}{at}{host.lower()}"


def comparable(kind: str, value: str) -> str:
    """
    What a line is about, in the form in which it is compared: names of hosts
    in small letters.

    @raise ValueError: when it can't be compared.
    """
    if kind not in KINDS:
        raise ValueError(f"a line begins with one of {', '.join(KINDS)}, not with {kind!r}")
    if not value:
        raise ValueError(f"after {kind!r}, there must be something")
    if kind in (PIN, REVOKED):
        if not _pin.fullmatch(value):
            raise ValueError(f"a pin is sha256: and 64 hexadecimal digits, small ones; not {value!r}")
        return value
    if not value.isascii():
        raise ValueError(f"{value!r} is not how certificates have it: in ASCII, names of hosts as xn--...")
    return {"dns": str.lower, "email": _address}.get(kind, str)(value)


def namesOf(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    """
    The names that a certificate is for, each after its kind: its subject
    alternative names. What it calls its subject else is for people to read.

    @raise ValueError: when they are broken, or can't be compared.
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    # So it is here; one extension that is broken breaks them all.
    except Exception as error:
        raise ValueError(f"they can't be read: {_reason(error)}") from error
    for kind, form in (
        ("dns", x509.DNSName),
        ("email", x509.RFC822Name),
        ("uri", x509.UniformResourceIdentifier),
    ):
        for value in names.get_values_for_type(form):
            yield kind, comparable(kind, value)


def _reason(error: Exception) -> str:
    """What is wrong, in one line that isn't long."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


@dataclass(frozen=True)
class CertificateRecord:
    """
    One line.

    @ivar kind: one of L{KINDS}.
    @ivar value: a name, or a pin.
    @ivar avatar: the avatar id of who has it; what a line about a revoked key
        has there is for people to read.
    """

    kind: str
    value: str
    avatar: str

    @property
    def key(self) -> tuple[str, str]:
        """Kind and value."""
        return self.kind, self.value

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.kind} {self.value}"

    def fields(self) -> list[str]:
        """What the line in the file says."""
        return [self.kind, self.value, self.avatar]


def readCertificate(fields: list[str]) -> CertificateRecord:
    """
    The record that a line of a file of certificates holds.

    @raise ValueError: when it holds none.
    """
    if len(fields) != 3:
        raise ValueError(
            f"a line is like 'dns build1.example.com build1', and has 3 fields, not {len(fields)}"
        )
    kind, value, avatar = fields
    value = comparable(kind, value)
    return CertificateRecord(
        kind, value, avatar if kind == REVOKED else preparedName(avatar, "the avatar id")
    )

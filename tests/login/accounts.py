"""
Account files for tests, that cost little to make and to check.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from myspread._login.accountlines import joined
from myspread._login.argon2 import Argon2Cost
from myspread._login.passwords import User

__all__ = ["CHEAP", "FEW", "AccountsCase", "certificateFor", "userLine"]

CHEAP = Argon2Cost(8, 1, 1)
"""The least that Argon2 can cost."""

FEW = 4096
"""The fewest iterations that SCRAM has."""


def userLine(name: str, password: str) -> str:
    """A line of a password file."""
    return joined(User.withPassword(name, password, CHEAP, FEW).fields())


def certificateFor(
    *names: x509.GeneralName, key: Any = None, other: x509.ExtensionType | None = None
) -> x509.Certificate:
    """A certificate for some names, with another extension or none, signed by its own key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ignored.example.com")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if other is not None:
        builder = builder.add_extension(other, critical=False)
    return builder.sign(key, hashes.SHA256())


class AccountsCase(SynchronousTestCase):
    """
    @ivar path: of a file that isn't there yet.
    """

    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.path = str(directory / "accounts")

    def write(self, *lines: str, mode: int = 0o600) -> str:
        """Put a file in place of the one there is, as editors do: its path."""
        temporary = Path(f"{self.path}.new")
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        temporary.chmod(mode)
        os.replace(temporary, self.path)
        return self.path

    def assertRefused(self, checked: Deferred[Any], text: str = "") -> None:
        """A login has failed, with some text for the client."""
        self.assertEqual(str(self.failureResultOf(checked, UnauthorizedLogin).value), text)

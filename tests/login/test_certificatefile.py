"""
Files of client certificates, and who gets in with them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.cred.checkers import ICredentialsChecker
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from myspread._login.accountlines import AccountFileError, fieldsOf, joined
from myspread._login.clientcertificates import CertificateRecord, readCertificate
from myspread.accounts import CertificateFile, keyPin
from myspread.interfaces import ICertificateCredentials
from tests.login.accounts import AccountsCase, certificateFor

KEY = ec.generate_private_key(ec.SECP256R1())
URI = "spiffe://example.com/Build"
NAMES = (
    x509.DNSName("build1.Example.com"),
    x509.RFC822Name("Ann@Example.com"),
    x509.UniformResourceIdentifier(URI),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)
CERTIFICATE = certificateFor(*NAMES, key=KEY)
PIN = keyPin(CERTIFICATE)


@implementer(ICertificateCredentials)
class Credentials:
    """The certificate of a client."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate


def run(*words: str, given: bytes = b"") -> bytes:
    """What a program writes."""
    return subprocess.run(words, input=given, capture_output=True, check=True, timeout=60).stdout


class RecordTests(SynchronousTestCase):
    """
    The lines of a file of certificates.
    """

    def test_pin(self) -> None:
        """The pin is that of the key, in the form that C{openssl pkey -pubin -outform DER} gives."""
        self.assertEqual(keyPin(certificateFor(key=KEY)), PIN)
        self.assertNotEqual(keyPin(certificateFor()), PIN)
        pem = Path(self.mktemp())
        pem.write_bytes(CERTIFICATE.public_bytes(Encoding.PEM))
        public = run("openssl", "x509", "-in", str(pem), "-noout", "-pubkey")
        der = run("openssl", "pkey", "-pubin", "-outform", "DER", given=public)
        self.assertEqual(PIN, f"sha256:{hashlib.sha256(der).hexdigest()}")

    if which("openssl") is None:
        test_pin.skip = "openssl, which says what the pin should be, isn't installed"  # type: ignore[attr-defined]

    def test_lines(self) -> None:
        """Lines are compared without regard to capital letters, where these mean nothing."""
        for line, record in (
            ("dns Build1.example.COM b", CertificateRecord("dns", "build1.example.com", "b")),
            ("email Ann@Example.com a%20b", CertificateRecord("email", "Ann@example.com", "a b")),
            (f"uri {URI} b", CertificateRecord("uri", URI, "b")),
            (f"pin {PIN} b", CertificateRecord("pin", PIN, "b")),
            (f"revoked {PIN} -", CertificateRecord("revoked", PIN, "")),
        ):
            self.assertEqual(readCertificate(fieldsOf(line)), record)
            self.assertEqual(readCertificate(fieldsOf(joined(record.fields()))), record)

    def test_wrong(self) -> None:
        """What a line can't be, and what is said."""
        for line, text in (
            ("dns x", "a line is like 'dns build1.example.com build1', and has 3 fields, not 2"),
            ("ip 127.0.0.1 x", "begins with one of dns, email, uri, pin, revoked, not with 'ip'"),
            ("dns - x", "after 'dns', there must be something"),
            ("dns b\xfccher.example x", "in ASCII, names of hosts as xn--"),
            ("dns x -", "the avatar id is empty"),
            (f"pin {PIN[:-1]} x", "a pin is sha256: and 64 hexadecimal digits"),
            (f"revoked {PIN.upper()} x", "a pin is sha256: and 64 hexadecimal digits"),
        ):
            self.assertRegex(str(self.assertRaises(ValueError, readCertificate, fieldsOf(line))), text)


class CheckerTests(AccountsCase):
    """
    Who gets in.
    """

    def checker(self, *lines: str) -> CertificateFile:
        """A checker for some lines."""
        return CertificateFile(self.write(*lines))

    def check(self, checker: CertificateFile, certificate: x509.Certificate = CERTIFICATE) -> Any:
        """Try to log in."""
        return checker.requestAvatarId(Credentials(certificate))

    def test_names(self) -> None:
        """Each kind of name, and the pin, say who it is."""
        for line in ("dns build1.example.com b", "email Ann@EXAMPLE.com b", f"uri {URI} b", f"pin {PIN} b"):
            checker = self.checker(line)
            verifyObject(ICredentialsChecker, checker)
            self.assertEqual(self.successResultOf(self.check(checker)), b"b")
        self.assertEqual(checker.credentialInterfaces, (ICertificateCredentials,))

    def test_strangers(self) -> None:
        """Nothing else in a certificate says so, and no name of another kind or form."""
        checker = self.checker(
            "dns ignored.example.com b",
            "dns ann@example.com b",
            "dns *.example.com b",
            "email ann@example.com b",
            f"uri {URI.lower()} b",
            "dns 127.0.0.1 b",
        )
        for certificate in (CERTIFICATE, certificateFor()):
            self.assertRefused(self.check(checker, certificate), "nobody here has this certificate")

    def test_wildcard(self) -> None:
        """A certificate for all hosts of a domain is none for one of them."""
        wildcard = certificateFor(x509.DNSName("*.example.com"))
        self.assertRefused(
            self.check(self.checker("dns build1.example.com b"), wildcard), "nobody here has this certificate"
        )
        self.assertEqual(
            self.successResultOf(self.check(self.checker("dns *.example.com b"), wildcard)), b"b"
        )

    def test_several(self) -> None:
        """Names of the same user are fine, those of several aren't; the pin decides before names do."""
        lines = ["dns build1.example.com b", f"uri {URI} b"]
        self.assertEqual(self.successResultOf(self.check(self.checker(*lines))), b"b")
        lines.append("email Ann@example.com ann")
        self.assertRefused(self.check(self.checker(*lines)), "this certificate has names of several users")
        lines.append(f"pin {PIN} J\xfcrgen")
        self.assertEqual(self.successResultOf(self.check(self.checker(*lines))), "J\xfcrgen".encode())

    def test_revoked(self) -> None:
        """A key that is revoked is useless, whatever names its certificates have, at once."""
        lines = ["dns build1.example.com b", f"pin {PIN} b"]
        checker = self.checker(*lines)
        self.assertEqual(self.successResultOf(self.check(checker)), b"b")
        self.write(*lines, f"revoked {PIN} stolen%20in%20May")
        self.assertRefused(self.check(checker), "the key of this certificate is revoked")
        renewed = certificateFor(x509.DNSName("build1.example.com"), key=KEY)
        self.assertRefused(self.check(checker, renewed), "the key of this certificate is revoked")
        other = certificateFor(x509.DNSName("build1.example.com"))
        self.assertEqual(self.successResultOf(self.check(checker, other)), b"b")

    def test_unusable(self) -> None:
        """It isn't made of a file that is wrong."""
        self.write("x")
        self.assertRaises(AccountFileError, CertificateFile, self.path)

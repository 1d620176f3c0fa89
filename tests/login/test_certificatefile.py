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
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
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

P256 = bytes.fromhex("06082a8648ce3d030107")
"""How the curve of a key is named in a certificate."""


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

    def test_log(self) -> None:
        """Who logs in again and again with a useless certificate gets one entry; so does the end of it."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        clock = Clock()
        lines = ["dns build1.example.com b"]
        checker = CertificateFile(self.write(*lines, f"revoked {PIN} -"), clock=clock)
        for _ in range(100):
            self.assertRefused(self.check(checker), "the key of this certificate is revoked")
        self.write(*lines, "email Ann@example.com ann")
        for _ in range(100):
            self.assertRefused(self.check(checker), "this certificate has names of several users")
        self.write(*lines)
        for _ in range(100):
            self.assertEqual(self.successResultOf(self.check(checker)), b"b")
        self.assertEqual(
            [formatEvent(event) for event in events if event.get("pin")],
            [
                f"The revoked key {PIN} was used to log in.",
                f"The certificate of the key {PIN} has names of several: ['ann', 'b'].",
                f"The key {PIN} lets b in again.",
            ],
        )

    def test_strange(self) -> None:
        """What can't be read in a certificate that TLS has let through is a refused login, and says so."""
        broken = certificateFor(x509.DNSName("b")).public_bytes(Encoding.DER)
        checker = self.checker("dns b b")
        unknownKey = broken.replace(P256, P256[:-1] + b"\x7f")
        brokenNames = broken.replace(b"\x30\x03\x82\x01b", b"\x30\x03\x82\x01\xff")
        brokenExtension = broken.replace(b"\x30\x03\x82\x01b", b"\x30\x07\x82\x01b")
        for der, text in (
            (unknownKey, "this certificate can't be used: its key can't be read: "),
            (brokenNames, "the names in this certificate are broken: they can't be read: "),
            (brokenExtension, "the names in this certificate are broken: they can't be read: "),
        ):
            self.assertNotEqual(der, broken)
            certificate = x509.load_der_x509_certificate(der)
            failure = self.failureResultOf(self.check(checker, certificate), UnauthorizedLogin)
            self.assertSubstring(text, failure.getErrorMessage())
            self.assertNotIn("\n", failure.getErrorMessage())

    def test_twoNames(self) -> None:
        """So is an extension that is there twice; the pin of such a certificate still says who it is."""
        name = x509.SubjectAlternativeName([x509.DNSName("b")])
        other = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), name.public_bytes())
        twice = certificateFor(x509.DNSName("b"), key=KEY, other=other).public_bytes(Encoding.DER)
        twice = twice.replace(bytes.fromhex("0603551d63"), bytes.fromhex("0603551d11"))
        certificate = x509.load_der_x509_certificate(twice)
        failure = self.failureResultOf(self.check(self.checker("dns b b"), certificate), UnauthorizedLogin)
        self.assertSubstring(
            "the names in this certificate are broken: they can't be read: Duplicate", str(failure)
        )
        self.assertEqual(self.successResultOf(self.check(self.checker(f"pin {PIN} b"), certificate)), b"b")

    def test_unusable(self) -> None:
        """It isn't made of a file that is wrong."""
        self.write("x")
        self.assertRaises(AccountFileError, CertificateFile, self.path)

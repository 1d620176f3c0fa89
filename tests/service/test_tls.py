"""
Tests of L{myspread._service.tls}.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from OpenSSL import SSL, crypto
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.tls import ServerTls, TlsFactory, TlsFiles, TlsTransport, WrongFiles
from myspread.limits import Limits
from myspread.pb import PBServerFactory, Root
from tests.service.authority import CLIENTS, DAY, SERVERS, Authority, Issued

AUTHORITY = Authority("our authority")
SERVER = AUTHORITY.issue("server", "localhost", "127.0.0.1")

Outcome = tuple[SSL.Connection, TlsTransport, str | None]


def nameOf(certificate: Any) -> str:
    """Whose it is."""
    name: str = certificate.to_cryptography().subject.rfc4514_string()
    return name


class TlsCase(SynchronousTestCase):
    """
    Files of a server, and clients without sockets.
    """

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tls"))
        self.addCleanup(shutil.rmtree, self.directory)
        key, certificate = SERVER.write(self.directory, "server")
        self.authority = self.directory / "authority.pem"
        self.authority.write_bytes(AUTHORITY.certificateText)
        self.files = TlsFiles(str(key), str(certificate))

    def asking(self, wanted: str = "required") -> TlsFiles:
        """Files of a server that asks its clients for a certificate."""
        return replace(self.files, clientCa=str(self.authority), clientCertificate=wanted)

    def client(self, issued: Issued | None = None) -> SSL.Context:
        """What a client connects with that trusts the authority."""
        context = SSL.Context(SSL.TLS_METHOD)
        context.load_verify_locations(str(self.authority))
        context.set_verify(SSL.VERIFY_PEER)
        if issued is not None:
            key, certificate = issued.write(self.directory, "client")
            context.use_privatekey_file(str(key))
            context.use_certificate_file(str(certificate))
        return context

    def handshake(self, files: TlsFiles, context: SSL.Context) -> Outcome:
        """Connect to a server that has some files."""
        return self.connect(ServerTls("ssl:1", files), context)

    def connect(self, tls: ServerTls, context: SSL.Context, session: Any = None) -> Outcome:
        """
        Connect.

        @return: the client's side, the server's, and what the server says of
            the loss of the connection; None if it stands.
        """
        factory = TlsFactory(tls, PBServerFactory(Root()), Clock())
        server = factory.buildProtocol(None)
        transport = StringTransport()
        reasons: list[Failure] = []
        server.makeConnection(transport)
        self.patch(server.wrappedProtocol, "connectionLost", reasons.append)
        client = SSL.Connection(context, None)
        client.set_connect_state()
        if session is not None:
            client.set_session(session)
        for _ in range(5):
            # What is wrong is what the server's side says.
            with contextlib.suppress(SSL.Error):
                client.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                server.dataReceived(client.bio_read(2**16))
            if transport.value():
                client.bio_write(transport.value())
                transport.clear()
        if transport.disconnecting:
            server.connectionLost(Failure(ConnectionError()))
        return client, server, server.handshakeProblem(reasons[0]) if reasons else None


class HandshakeTests(TlsCase):
    """
    Which clients get through.
    """

    def test_versions(self) -> None:
        """TLS 1.3 and 1.2, the former when both are possible."""
        for most, version in ((None, "TLSv1.3"), (SSL.TLS1_2_VERSION, "TLSv1.2")):
            context = self.client()
            if most is not None:
                context.set_max_proto_version(most)
            client, _, problem = self.handshake(self.files, context)
            self.assertIsNone(problem)
            self.assertEqual(client.get_protocol_version_name(), version)

    def test_oldVersions(self) -> None:
        """Older ones are refused."""
        for version in (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION):
            context = self.client()
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
            context.set_min_proto_version(version)
            context.set_max_proto_version(version)
            self.assertEqual(self.handshake(self.files, context)[2], "TLS: unsupported protocol")

    def test_ciphers(self) -> None:
        """With TLS 1.2, ciphers that don't authenticate, or keep no secret for the future, are refused."""
        for ciphers, problem in (
            (b"ECDHE+AES:AES128-GCM-SHA256:!ECDHE+AESGCM:!AESCCM", "TLS: no shared cipher"),
            (b"ECDHE+AESGCM", None),
            (b"ECDHE+CHACHA20", None),
        ):
            context = self.client()
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
            context.set_cipher_list(ciphers)
            self.assertEqual(self.handshake(self.files, context)[2], problem)

    def test_noSession(self) -> None:
        """No session is resumed: the client looks at the certificate again."""
        for most in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
            seen: list[int] = []
            context = self.client()
            context.set_max_proto_version(most)
            context.set_session_cache_mode(SSL.SESS_CACHE_CLIENT)
            context.set_verify(SSL.VERIFY_PEER, lambda *args, seen=seen: seen.append(args[3]) is None)
            tls = ServerTls("ssl:1", self.asking("optional"))
            first, _, _ = self.connect(tls, context)
            looks = len(seen)
            _, _, problem = self.connect(tls, context, first.get_session())
            self.assertIsNone(problem)
            self.assertEqual(len(seen), 2 * looks)

    def test_noTls(self) -> None:
        """A client that speaks something else is told from one that has no trust."""
        factory = TlsFactory(ServerTls("ssl:1", self.files), PBServerFactory(Root()), Clock())
        server = factory.buildProtocol(None)
        reasons: list[Failure] = []
        server.makeConnection(StringTransport())
        self.patch(server.wrappedProtocol, "connectionLost", reasons.append)
        server.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
        server.connectionLost(Failure(ConnectionError()))
        self.assertEqual(server.handshakeProblem(reasons[0]), "TLS: http request")


class SlowHandshakeTests(TlsCase):
    """
    Clients that don't finish the handshake of TLS.
    """

    def test_closed(self) -> None:
        """They are closed after a while, as those that don't finish that of the protocol, and said so."""
        clock, limits = Clock(), Limits(handshakeTime=5.0, closingTime=2.0)
        server = PBServerFactory(Root(), limits=limits, clock=clock)
        for data in (b"", b"\x16\x03\x01\x02\0\x01\0"):
            protocol = TlsFactory(ServerTls("ssl:1", self.files), server, clock).buildProtocol(None)
            transport = Aborting()
            protocol.makeConnection(transport)
            self.assertEqual(server.admission.starting, 1)
            if data:
                protocol.dataReceived(data)
            clock.advance(4.9)
            self.assertFalse(transport.aborted or transport.disconnecting)
            clock.advance(0.2)
            clock.advance(2)
            self.assertTrue(transport.aborted)
            protocol.connectionLost(Failure(ConnectionError()))
            self.assertEqual(server.admission.starting, 0)


class Aborting(StringTransport):
    """A connection that can be aborted."""

    aborted = False

    def abortConnection(self) -> None:
        """Close it now."""
        self.aborted = True


class ClientCertificateTests(TlsCase):
    """
    Certificates of clients.
    """

    def problem(self, issued: Issued | None, wanted: str = "required") -> str | None:
        """What the server says."""
        return self.handshake(self.asking(wanted), self.client(issued))[2]

    def test_right(self) -> None:
        """One that the authority has issued is let in, and seen."""
        for wanted in ("required", "optional"):
            for usage in (None, CLIENTS):
                files, context = self.asking(wanted), self.client(AUTHORITY.issue("ann", usage=usage))
                _, server, problem = self.handshake(files, context)
                self.assertIsNone(problem)
                self.assertEqual(nameOf(server.getPeerCertificate()), "CN=ann")

    def test_none(self) -> None:
        """A client without any is let in only where it may be."""
        self.assertEqual(self.problem(None), "TLS: peer did not return a certificate")
        _, server, problem = self.handshake(self.asking("optional"), self.client())
        self.assertIsNone(problem)
        self.assertIsNone(server.getPeerCertificate())

    def test_notAsked(self) -> None:
        """A client isn't asked for any where nobody said so."""
        _, server, problem = self.handshake(self.files, self.client(AUTHORITY.issue("ann")))
        self.assertIsNone(problem)
        self.assertIsNone(server.getPeerCertificate())

    def test_wrong(self) -> None:
        """One that is wrong is refused, wherever any is asked for, and why."""
        for issued, why in (
            (Authority("other").issue("ann"), "its issuer is not trusted"),
            (AUTHORITY.issue("ann", begin=-2 * DAY, end=-DAY), "it has expired"),
            (AUTHORITY.issue("ann", begin=DAY, end=2 * DAY), "it is not valid yet"),
            (AUTHORITY.issue("ann", usage=SERVERS), "it is not meant for clients"),
            (Authority("ann"), "it has signed itself, and is not trusted"),
        ):
            for wanted in ("required", "optional"):
                self.assertEqual(
                    self.problem(issued, wanted),
                    f"TLS: certificate verify failed: the certificate 'CN=ann': {why}",
                )

    def test_longName(self) -> None:
        """What a client calls itself is cut, so that it doesn't fill the log."""
        problem = self.problem(Authority("other").issue("x" * 60 + "\n" + "y" * 3))
        assert problem is not None
        self.assertNotIn("\n", problem)
        self.assertLess(len(problem), 250)

    def test_unreadable(self) -> None:
        """One that only OpenSSL can read is refused as any other that is wrong, and nothing fails."""
        issued = AUTHORITY.issue("ann")
        der = issued.certificate.public_bytes(Encoding.DER)
        # The fifth version of such certificates, which there never was.
        future = der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04", 1)
        self.assertNotEqual(future, der)
        context = self.client(issued)
        path = self.directory / "future.der"
        path.write_bytes(future)
        context.use_certificate_file(str(path), crypto.FILETYPE_ASN1)
        _, _, problem = self.handshake(self.asking(), context)
        assert problem is not None
        self.assertSubstring("certificate verify failed: the certificate, which can't be read: ", problem)

    def test_authoritiesAreTold(self) -> None:
        """A client that has several hears which authority counts."""
        client, _, _ = self.handshake(self.asking(), self.client())
        self.assertEqual([name.CN for name in client.get_client_ca_list()], ["our authority"])


class FilesTests(TlsCase):
    """
    Files that are of use, and others.
    """

    def refusal(self, **changed: Any) -> str:
        """Why files aren't taken."""
        files = replace(self.files, **{name: str(path) for name, path in changed.items()})
        message = str(self.assertRaises(WrongFiles, files.load))
        self.assertNotIn("\n", message)
        return message.replace(str(self.directory), "DIRECTORY")

    def written(self, name: str, text: bytes) -> Path:
        """A file."""
        path = self.directory / name
        path.write_bytes(text)
        return path

    def test_oneFile(self) -> None:
        """Key and certificate may be in one file."""
        path = str(self.written("both.pem", SERVER.keyText + SERVER.certificateText))
        TlsFiles(path, path).load()

    def test_chain(self) -> None:
        """What is between the certificate and the root may follow it, or be a file of its own."""
        path = self.written("chain.pem", SERVER.certificateText + AUTHORITY.certificateText)
        for files in (
            replace(self.files, certificate=str(path)),
            replace(self.files, chain=str(self.authority)),
        ):
            client, _, problem = self.handshake(files, self.client())
            self.assertIsNone(problem)
            chain = client.get_peer_cert_chain()
            assert chain is not None
            self.assertEqual([nameOf(each) for each in chain], ["CN=server", "CN=our authority"])

    def test_missing(self) -> None:
        """A file that isn't there is an error of the system."""
        for name in ("key", "certificate", "chain", "clientCa"):
            files = replace(self.files, **{name: "/nowhere/file.pem"})
            self.assertRaises(FileNotFoundError, files.load)

    def test_garbage(self) -> None:
        """A file that is something else is named."""
        path = self.written("garbage.pem", b"no\nkey")
        self.assertEqual(self.refusal(key=path), "DIRECTORY/garbage.pem holds no private key in PEM form")
        for name in ("certificate", "chain", "clientCa"):
            self.assertEqual(
                self.refusal(**{name: path}), "DIRECTORY/garbage.pem holds no certificate in PEM form"
            )

    def test_otherKey(self) -> None:
        """The key of another certificate is refused."""
        path = self.written("other.pem", AUTHORITY.keyText)
        self.assertEqual(
            self.refusal(key=path), "the key in DIRECTORY/other.pem is not that of DIRECTORY/server.pem"
        )

    def test_encryptedKey(self) -> None:
        """A key that is encrypted is refused: nobody is there to be asked for a password."""
        key: Any = load_pem_private_key(SERVER.keyText, None)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
        self.assertEqual(
            self.refusal(key=self.written("encrypted.pem", text)),
            "the key in DIRECTORY/encrypted.pem is encrypted, which is not supported",
        )

    def test_otherKind(self) -> None:
        """So is a key of another kind than the certificate's."""
        key = rsa.generate_private_key(65537, 2048)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.assertEqual(
            self.refusal(key=self.written("rsa.pem", text)),
            "the key in DIRECTORY/rsa.pem is not that of DIRECTORY/server.pem",
        )

    def test_paths(self) -> None:
        """All files are known, each once."""
        files = TlsFiles("both", "both", "chain", "authority")
        self.assertEqual(files.paths, ["both", "chain", "authority"])
        self.assertEqual(TlsFiles("key", "certificate").paths, ["key", "certificate"])


class ReloadTests(TlsCase):
    """
    L{ServerTls.reload}.
    """

    def test_reload(self) -> None:
        """What is loaded is used from then on; what can't be loaded changes nothing."""
        tls = ServerTls("ssl:1", self.files)
        before = tls.serverConnectionForTLS(Protocol()).get_context()
        AUTHORITY.issue("another").write(self.directory, "server")
        tls.reload()
        after = tls.serverConnectionForTLS(Protocol()).get_context()
        self.assertIsNot(before, after)
        self.assertEqual(tls.certificate.subject.rfc4514_string(), "CN=another")
        Path(self.files.key).write_bytes(b"broken")
        self.assertRaises(WrongFiles, tls.reload)
        self.assertIs(tls.serverConnectionForTLS(Protocol()).get_context(), after)
        self.assertEqual(tls.certificate.subject.rfc4514_string(), "CN=another")

"""
TLS of the ports: strict, with certificates of clients where they are wanted,
and with files that may be replaced while the server runs.

TLS 1.2 and 1.3 are spoken. In TLS 1.2 every connection has keys of its own
(ECDHE), and only ciphers that also authenticate are taken (AES-GCM and
ChaCha20-Poly1305). There is no compression, no renegotiation, and no session is
resumed: keys that would decrypt more than one connection are never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificates
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory, IReactorTime
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

__all__ = [
    "CLIENT_CERTIFICATES",
    "NoCertificate",
    "ServerTls",
    "TlsFactory",
    "TlsFiles",
    "TlsTransport",
    "WrongFiles",
    "certificatesIn",
]

CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20:@SECLEVEL=2"
"""
For TLS 1.2, in the language of OpenSSL. The level asks for 112 bits: RSA from
2048 bits on, and no SHA-1.
"""

CLIENT_CERTIFICATES: Final = {
    "required": SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
    "optional": SSL.VERIFY_PEER,
}
"""Whether clients need a certificate; and what OpenSSL calls that."""

PROBLEMS: Final = {
    2: "its issuer is not trusted",
    7: "its signature is wrong",
    9: "it is not valid yet",
    10: "it has expired",
    18: "it has signed itself, and is not trusted",
    19: "its root is not trusted",
    20: "its issuer is not trusted",
    21: "its issuer is not trusted",
    22: "there are too many between it and its root",
    23: "it is revoked",
    24: "its issuer is no authority",
    26: "it is not meant for clients",
    66: "its key is too short",
    67: "the key of its issuer is too short",
    68: "its signature is too weak",
}
"""What is wrong with the certificate of a client, by the number that OpenSSL has for it."""

_OPTIONS: Final = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_RENEGOTIATION
    | SSL.OP_NO_TICKET
    | SSL.OP_CIPHER_SERVER_PREFERENCE
    | SSL.OP_SINGLE_ECDH_USE
)


class WrongFiles(ValueError):
    """
    Files that can't be used for TLS. The message is one line, and says why.
    """


class NoCertificate(WrongFiles):
    """
    A file that has no certificate in it.

    @ivar path: of the file.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} holds no certificate in PEM form")
        self.path = path


@dataclass(frozen=True)
class TlsFiles:
    """
    What a port needs for TLS. All files are PEM.

    @ivar key: the path of the private key.
    @ivar certificate: the path of its certificate; more of them may follow, up
        to the root.
    @ivar chain: the path of such further ones.
    @ivar clientCa: the path of the certificates that may issue those of
        clients; None where clients aren't asked for any.
    @ivar clientCertificate: a key of L{CLIENT_CERTIFICATES}.
    """

    key: str
    certificate: str
    chain: str | None = None
    clientCa: str | None = None
    clientCertificate: str = "required"

    @property
    def paths(self) -> list[str]:
        """Of all files."""
        every = [self.key, self.certificate, self.chain, self.clientCa]
        return list(dict.fromkeys(path for path in every if path is not None))

    def load(self) -> tuple[SSL.Context, Certificate]:
        """
        Read the files.

        @return: what connections are made with, and our certificate.
        @raise OSError: when a file can't be read.
        @raise WrongFiles: when one of them is of no use.
        """
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(_OPTIONS)
        context.set_mode(SSL.MODE_RELEASE_BUFFERS)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(b"myspread")
        context.set_cipher_list(CIPHERS)
        ours, *others = certificatesIn(self.certificate)
        try:
            context.use_certificate(ours)
            for other in [*others, *(certificatesIn(self.chain) if self.chain else ())]:
                context.add_extra_chain_cert(other)
        except SSL.Error as error:
            raise WrongFiles(f"{self.certificate} can't be used: {_reasons(error)}") from error
        self._useKey(context)
        if self.clientCa is not None:
            self._askClients(context, self.clientCa)
        return context, ours

    def _useKey(self, context: SSL.Context) -> None:
        try:
            key = load_pem_private_key(Path(self.key).read_bytes(), None)
        except TypeError as error:
            raise WrongFiles(f"the key in {self.key} is encrypted, which is not supported") from error
        except ValueError as error:
            raise WrongFiles(f"{self.key} holds no private key in PEM form") from error
        try:
            context.use_privatekey(key)  # type: ignore[arg-type]
            context.check_privatekey()
        except (SSL.Error, TypeError) as error:
            raise WrongFiles(f"the key in {self.key} is not that of {self.certificate}") from error

    def _askClients(self, context: SSL.Context, path: str) -> None:
        # So that the message names the file.
        certificatesIn(path)
        context.load_verify_locations(path)
        context.load_client_ca(path.encode())
        context.set_verify(CLIENT_CERTIFICATES[self.clientCertificate], _noteProblem)


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """
    Makes the connections of one port, from files that are loaded again at will.
    A connection keeps what it was made with.

    @ivar description: the port, for messages.
    @ivar files: where the files are.
    @ivar certificate: ours, as it is now.
    """

    def __init__(self, description: str, files: TlsFiles) -> None:
        """
        @raise OSError: when a file can't be read.
        @raise WrongFiles: when one of them is of no use.
        """
        self.description = description
        self.files = files
        self._context, self.certificate = files.load()

    def reload(self) -> None:
        """
        Use the files as they are now for all new connections.

        @raise OSError: when a file can't be read.
        @raise WrongFiles: when one of them is of no use. All stays as it was then.
        """
        self._context, self.certificate = self.files.load()

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """
        The TLS side of a new connection.

        @param protocol: the transport that will use it.
        """
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(protocol)
        return connection


class TlsTransport(BufferingTLSTransport):
    """
    One connection with TLS.

    @ivar certificateProblem: what is wrong with the certificate of the client;
        empty when nothing is.
    """

    certificateProblem: str = ""

    def handshakeProblem(self, reason: Failure) -> str | None:
        """
        What TLS has to say about the loss of the connection, if it has.

        @param reason: of the loss.
        """
        if not reason.check(SSL.Error):
            return None
        problem = f"TLS: {_reasons(reason.value)}"
        return f"{problem}: {self.certificateProblem}" if self.certificateProblem else problem


class TlsFactory(TLSMemoryBIOFactory):
    """
    Puts TLS under the connections of a factory.
    """

    protocol = TlsTransport

    def __init__(self, tls: ServerTls, factory: IProtocolFactory, clock: IReactorTime) -> None:
        """
        @param tls: makes the connections.
        @param factory: makes the protocols above.
        """
        super().__init__(tls, False, factory, clock)


def certificatesIn(path: str) -> Sequence[Certificate]:
    """
    The certificates in a PEM file.

    @raise OSError: when it can't be read.
    @raise WrongFiles: when there are none.
    """
    try:
        found = load_pem_x509_certificates(Path(path).read_bytes())
    except ValueError as error:
        raise NoCertificate(path) from error
    return found


def _reasons(error: Any) -> str:
    reasons = [entry[-1] for entry in error.args[0]] if error.args else []
    return ", ".join(reasons) or "OpenSSL gives no reason"


def _noteProblem(
    connection: SSL.Connection, certificate: Any, number: int, depth: int, accepted: int
) -> bool:
    """
    OpenSSL has looked at a certificate of the peer. What is wrong with it is
    more than the peer's error will say, so its transport notes it.
    """
    if not accepted:
        transport: TlsTransport = connection.get_app_data()
        problem = PROBLEMS.get(number, f"problem {number} of OpenSSL")
        whose = "the certificate" if depth == 0 else "an issuer of the certificate"
        transport.certificateProblem = f"{whose}{_nameIn(certificate)}: {problem}"
    return bool(accepted)


def _nameIn(certificate: Any) -> str:
    """
    Whose certificate it is, as it says itself: it may be anybody's.
    """
    try:
        name = certificate.to_cryptography().subject.rfc4514_string()
    # What goes wrong with a certificate of a stranger is not even always a ValueError.
    except Exception:
        return ", which can't be read"
    return f" {name[:100]!r}"

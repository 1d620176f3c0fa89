"""
Real connections for tests: to 127.0.0.1, and none of them left behind.
"""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import socket
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet import reactor as _reactor
from twisted.internet import ssl
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from myspread import pb

__all__ = ["GREETING", "Echo", "Rude", "SocketCase", "reactor", "refusedPort", "selfSigned"]

reactor: Any = _reactor
GREETING = b"\x02\x80\x02\x82pb\x04\x82none"


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_never(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()


class Rude(Protocol):
    """A server that says something else than it should, and may leave."""

    def __init__(self, words: bytes, leave: bool) -> None:
        """
        @param words: what to send first.
        @param leave: whether to close the connection after it.
        """
        self.words = words
        self.leave = leave

    def connectionMade(self) -> None:
        """Be rude."""
        self.transport.write(self.words)
        if self.leave:
            self.transport.loseConnection()


def rudeFactory(words: bytes, leave: bool) -> Factory:
    """A factory of rude servers."""
    factory = Factory()
    factory.buildProtocol = lambda addr: Rude(words, leave)  # type: ignore[method-assign,assignment]
    return factory


def refusedPort() -> int:
    """A port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    return port


def selfSigned() -> tuple[ssl.CertificateOptions, ssl.Certificate]:
    """The options of a server that is C{localhost}, and what its clients should trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    keyText = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificateText = certificate.public_bytes(serialization.Encoding.PEM)
    both = ssl.PrivateCertificate.loadPEM(keyText + certificateText)
    return both.options(), ssl.Certificate.loadPEM(certificateText)


class SocketCase(TestCase):
    """
    A test case that closes what it has opened.
    """

    timeout = 20

    def setUp(self) -> None:
        """Nothing is open yet."""
        self.open: list[tuple[Any, Deferred[None]]] = []
        self.ports: list[Any] = []
        self.folders: list[str] = []

    def tearDown(self) -> Any:
        """Close everything, and wait until it is closed."""
        for protocol, lost in self.open:
            if not lost.called and protocol.transport is not None:
                protocol.transport.abortConnection()
        waiting = [lost for protocol, lost in self.open if protocol.transport is not None]
        waiting += [maybeDeferred(port.stopListening) for port in self.ports]
        closed = DeferredList(waiting, fireOnOneErrback=True)
        # A UNIX socket removes its own file, so its folder goes last.
        return closed.addCallback(lambda ignored: [shutil.rmtree(folder) for folder in self.folders])

    def track(self, factory: Any) -> Any:
        """Remember the connections of a factory."""
        build = factory.buildProtocol
        factory.noisy = False

        def buildProtocol(addr: Any) -> Any:
            protocol = build(addr)
            lost: Deferred[None] = Deferred()
            original = protocol.connectionLost

            def connectionLost(*reason: Any) -> None:
                original(*reason)
                lost.callback(None)

            protocol.connectionLost = connectionLost
            self.open.append((protocol, lost))
            return protocol

        factory.buildProtocol = buildProtocol
        return factory

    def listen(self, factory: Any = None) -> int:
        """
        Serve on a new port.

        @param factory: by default one for an L{Echo}.
        @return: the port.
        """
        factory = self.track(factory or pb.PBServerFactory(Echo()))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.ports.append(port)
        return int(port.getHost().port)

    def listenRudely(self, words: bytes = b"", leave: bool = False) -> int:
        """Serve L{Rude}ly on a new port, which is returned."""
        return self.listen(rudeFactory(words, leave))

    def client(self, factory: Any = None) -> Any:
        """A client's factory whose connections are closed at the end."""
        return self.track(factory or pb.PBClientFactory())

    async def failure(self, deferred: Any, *kinds: type[Exception]) -> Exception:
        """What a Deferred fails with, one of C{kinds}."""
        try:
            result = await deferred
        except kinds as error:
            return error
        raise self.failureException(f"no failure, but {result!r}")

"""
Every kind of port of C{twistd pbserver}, in processes of its own.
"""

from __future__ import annotations

import socket
import stat
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, clientFromString, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import ClientFactory
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.spread import pb as stock
from zope.interface import implementer

from myspread import pb
from tests.examples.programs import Program
from tests.service.authority import Authority, Issued
from tests.service.daemons import TwistdTestCase

HOST = "127.0.0.1"
LOCAL = f"0:interface={HOST}"
ELSEWHERE = "127.0.0.2"

AUTHORITY = Authority("our authority")
SERVER = AUTHORITY.issue("server", HOST, "localhost")

SITE = """
from zope.interface import implementer

from myspread import pb
from myspread.interfaces import IPBRoot


class Visitor(pb.Referenceable):
    def __init__(self, broker):
        self.broker = broker

    def remote_who(self):
        transport = self.broker.transport
        certificate = transport.getPeerCertificate() if hasattr(transport, "getPeerCertificate") else None
        return getattr(transport.getPeer(), "host", None), certificate and certificate.get_subject().CN


@implementer(IPBRoot)
class Site:
    def rootObject(self, broker):
        return Visitor(broker)
"""


@implementer(IStreamClientEndpoint)
class Announcing:
    """An endpoint behind a proxy: it sends a header first."""

    def __init__(self, endpoint: Any, header: bytes) -> None:
        self._endpoint = endpoint
        self._header = header

    def connect(self, factory: Any) -> Any:
        """Connect, and send it."""
        announcing = ClientFactory()
        announcing.noisy = False
        announcing.buildProtocol = lambda address: self._announced(factory.buildProtocol(address))  # type: ignore[method-assign, assignment]
        return self._endpoint.connect(announcing)

    def _announced(self, protocol: Any) -> Any:
        makeConnection = protocol.makeConnection

        def connected(transport: Any) -> None:
            transport.write(self._header)
            makeConnection(transport)

        protocol.makeConnection = connected
        return protocol


class ListeningCase(TwistdTestCase):
    """
    A site in the working directory, with a certificate.
    """

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "site_here.py").write_text(SITE)
        SERVER.write(self.directory, "server")
        (self.directory / "authority.pem").write_bytes(AUTHORITY.certificateText)

    words = "privateKey=server-key.pem:certKey=server.pem"

    def tls(self, endpoint: Any, issued: Issued | None = None, host: str = HOST, **options: Any) -> Any:
        """TLS above a client's endpoint."""
        trust = trustRootFromCertificates([Certificate.loadPEM(AUTHORITY.certificateText)])
        ours = PrivateCertificate.loadPEM(issued.keyText + issued.certificateText) if issued else None
        return wrapClientTLS(optionsForClientTLS(host, trust, ours, **options), endpoint)

    def tcp(self, port: str, local: str | None = None) -> Any:
        """A client's endpoint."""
        return TCP4ClientEndpoint(reactor, HOST, int(port), bindAddress=(local, 0) if local else None)

    async def who(self, endpoint: Any) -> Any:
        """Who a client on C{twisted.spread} is to the server."""
        factory = stock.PBClientFactory()
        factory.noisy = False
        broker = await endpoint.connect(factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        root = await factory.getRootObject()
        answer = await root.callRemote("who")
        broker.transport.loseConnection()
        await lost
        return answer

    async def trouble(self, endpoint: Any) -> str:
        """What a client of ours is told that doesn't get in."""
        session = pb.session(endpoint)
        try:
            await session.callRemote("who")
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            await session.close()
        self.fail("it got in")

    async def start(self, *words: str, ports: int = 1, **more: Any) -> tuple[Program, list[str]]:
        """Serve the site."""
        return await self.serve("--root", "site_here:Site", *words, ports=ports, **more)


class KindTests(ListeningCase):
    """
    A client on C{twisted.spread} and every kind of port.
    """

    async def test_mixed(self) -> None:
        """All kinds at once, with TLS above each, too."""
        kinds = [f"tcp:{LOCAL}", "unix:plain", f"ssl:{LOCAL}:{self.words}", f"ssl:unix:tls:{self.words}"]
        if socket.has_dualstack_ipv6():
            kinds += [r"tcp6:0:interface=\:\:1", rf"ssl:tcp6:0:interface=\:\:1:{self.words}"]
        program, ports = await self.start(*(f"--port={kind}" for kind in kinds), ports=len(kinds))
        for kind, port in zip(kinds, ports, strict=True):
            host, local = HOST, f"tcp:{HOST}:{port}"
            if "tcp6" in kind:
                host, local = "::1", rf"tcp:\:\:1:{port}"
            elif "unix" in kind:
                host, local = None, f"unix:{self.directory}/{port[1:-1]}"
            endpoint = clientFromString(reactor, local)
            if "ssl" in kind:
                endpoint = self.tls(endpoint)
            self.assertEqual(await self.who(endpoint), (host, None), kind)
        self.assertEqual(program.complaints, "")

    async def test_systemd(self) -> None:
        """
        Sockets that systemd has opened stay as they are, and stay when the
        server stops: so the next one can serve those who came in between.
        """
        path = self.directory / "activated"
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(path))
        path.chmod(0o600)
        sockets = [socket.create_server((HOST, 0)), unix, socket.create_server((HOST, 0))]
        for each in sockets:
            self.addCleanup(each.close)
            each.listen(50)
        before = "export LISTEN_PID=$$ LISTEN_FDS=3 LISTEN_FDNAMES=pb:local:tls"
        kinds = ["systemd:domain=INET:index=0", "systemd:name=local", f"ssl:systemd:name=tls:{self.words}"]
        ends = [
            self.tcp(str(sockets[0].getsockname()[1])),
            clientFromString(reactor, f"unix:{path}"),
            self.tls(self.tcp(str(sockets[2].getsockname()[1]))),
        ]
        waiting = None
        for _ in range(2):
            program, _ = await self.start(
                *(f"--port={kind}" for kind in kinds), ports=3, before=before, sockets=sockets
            )
            if waiting is not None:
                self.assertEqual(await waiting, (None, None))
            hosts = [(await self.who(end))[0] for end in ends]
            self.assertEqual(hosts, [HOST, None, HOST])
            program.signal("TERM")
            await program.ended
            self.assertEqual(program.complaints, "")
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            waiting = ensureDeferred(self.who(ends[1]))
        # Nobody comes any more.
        for each in sockets:
            each.close()
        path.unlink()
        waiting.addErrback(lambda reason: None)
        waiting.cancel()

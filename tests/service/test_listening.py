"""
Every kind of port of C{twistd pbserver}, in processes of its own.
"""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from shutil import which
from typing import Any

from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, clientFromString, wrapClientTLS
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import ClientFactory
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.spread import pb as stock
from zope.interface import implementer

import myspread
from myspread import pb
from tests.examples.programs import Program
from tests.service.authority import DAY, Authority, Issued
from tests.service.daemons import TwistdTestCase

HOST = "127.0.0.1"
LOCAL = f"0:interface={HOST}"
ELSEWHERE = "127.0.0.2"

AUTHORITY = Authority("our authority")
SERVER = AUTHORITY.issue("server", HOST, "localhost")

HEADER = b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n"
HEADER_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 9, 192, 0, 2, 1, 0xDC, 4, 1, 0xBB])

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
        name = certificate and certificate.to_cryptography().subject.rfc4514_string().removeprefix("CN=")
        return getattr(transport.getPeer(), "host", None), name


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

    timeout = 120

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
        broker = await self.connected(endpoint, factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        root = await factory.getRootObject()
        answer = await root.callRemote("who")
        broker.transport.loseConnection()
        await lost
        return answer

    async def connected(self, endpoint: Any, factory: Any) -> Any:
        """The broker of a connection, as soon as the server listens: UNIX sockets are there before that."""
        while True:
            try:
                return await endpoint.connect(factory)
            except ConnectError:
                await deferLater(reactor, 0.02)

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
        for isLast in (False, True):
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
            if not isLast:
                waiting = ensureDeferred(self.who(ends[1]))

    async def test_systemdItself(self) -> None:
        """The program of systemd that opens a socket, and starts the server when somebody connects."""
        tool = which("systemd-socket-activate")
        if tool is None:
            self.skipTest("systemd-socket-activate isn't there")
        path = self.directory / "activated"
        package = Path(myspread.__file__).resolve().parents[1]
        program = self.twistd(
            "-n",
            "pbserver",
            "--root=site_here:Site",
            "--port=systemd:name=pb",
            through=[tool, f"--listen={path}", "--fdname=pb", f"--setenv=PYTHONPATH={package}"],
        )
        self.assertEqual(await self.who(clientFromString(reactor, f"unix:{path}")), (None, None))
        program.signal("TERM")
        await program.ended
        self.assertTrue(path.exists())


class CertificateTests(ListeningCase):
    """
    Certificates of clients.
    """

    async def test_certificates(self) -> None:
        """
        Right, wrong, expired and no certificates, where they are required,
        optional, and not asked for; the log says why one was refused.
        """
        ports = [
            f"ssl:{LOCAL}:{self.words}",
            f"ssl:{LOCAL}:{self.words}:clientCert=optional",
            f"ssl:{LOCAL}:{self.words}:clientCert=none",
        ]
        program, [required, optional, open_] = await self.start(
            "--client-ca=authority.pem", *(f"--port={port}" for port in ports), ports=3
        )
        ann = AUTHORITY.issue("ann")
        for port, issued, name in (
            (required, ann, "ann"),
            (optional, ann, "ann"),
            (optional, None, None),
            (open_, None, None),
            (open_, ann, None),
        ):
            self.assertEqual(await self.who(self.tls(self.tcp(port), issued)), (HOST, name))
        expired = AUTHORITY.issue("bob", begin=-2 * DAY, end=-DAY)
        other = Authority("other").issue("eve")
        untrusted = "'CN=eve': its issuer is not trusted"
        for port, issued, told, logged in (
            (required, None, "certificate required", "peer did not return a certificate"),
            (required, expired, "certificate expired", "'CN=bob': it has expired"),
            (required, other, "unknown ca", untrusted),
            (optional, other, "unknown ca", untrusted),
        ):
            self.assertSubstring(told, await self.trouble(self.tls(self.tcp(port), issued)))
            await program.printed(rf"A connection from .*127.0.0.1.* is refused: TLS: (.*{logged})")
        await program.printed(f"TLS: certificate verify failed: the certificate ({untrusted})", 2)
        self.assertEqual(program.complaints, "")

    async def test_oldTls(self) -> None:
        """TLS 1.1 is refused, TLS 1.2 is not."""
        program, [port] = await self.start(f"--port=ssl:{LOCAL}:{self.words}")
        for version, works in ((SSL.TLS1_1_VERSION, False), (SSL.TLS1_2_VERSION, True)):
            context = SSL.Context(SSL.TLS_METHOD)
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
            context.set_max_proto_version(version)
            connection = socket.create_connection((HOST, int(port)))
            self.addCleanup(connection.close)
            client = SSL.Connection(context, connection)
            client.set_connect_state()
            handshake = deferToThread(client.do_handshake)
            if works:
                await handshake
            else:
                self.assertSubstring("protocol version", str(await self.assertFailure(handshake, SSL.Error)))
        await program.printed("is refused: TLS: (unsupported protocol)")

    async def test_servers(self) -> None:
        """A client of ours is told when the certificate of the server is another host's, or not trusted."""
        AUTHORITY.issue("elsewhere", HOST, "elsewhere.example").write(self.directory, "server")
        program, [port] = await self.start(f"--port=ssl:{LOCAL}:{self.words}")
        for name, authority in (("trusted", AUTHORITY), ("others", Authority("other"))):
            (self.directory / name).mkdir()
            (self.directory / name / "authority.pem").write_bytes(authority.certificateText)
        for host, trust, told in (
            ("localhost", "trusted", "the certificate of the server is for another host"),
            (HOST, "others", "the certificate of the server isn't trusted here"),
        ):
            where = f"tls:{host}:{port}:trustRoots={self.directory}/{trust}"
            trouble = await self.trouble(where)
            self.assertSubstring(told, trouble)
            self.assertTrue(trouble.startswith("UntrustedServer: "), trouble)
        await program.printed("is refused: TLS: (.*alert unknown ca)")
        session = pb.session(f"tls:{HOST}:{port}:trustRoots={self.directory}/trusted")
        self.assertEqual(await session.callRemote("who"), (HOST, None))
        await session.close()


class ProxyTests(ListeningCase):
    """
    Ports that proxies connect to.
    """

    def proxied(self, port: str, header: bytes, local: str | None = None) -> Any:
        """The endpoint of a client behind a proxy."""
        return Announcing(self.tcp(port, local), header)

    async def test_proxies(self) -> None:
        """
        PROXY, versions 1 and 2, with TLS above it and without: the server sees
        the address and the certificate of the client. Bounds per address are
        for clients, too.
        """
        program, [plain, encrypted] = await self.start(
            f"--trusted-proxy={HOST}",
            "--client-ca=authority.pem",
            "--limit=connectionsPerAddress=1",
            f"--port=proxy:tcp:{LOCAL}",
            f"--port=proxy:ssl:{LOCAL}:{self.words}",
            ports=2,
        )
        ann = AUTHORITY.issue("ann")
        for header in (HEADER, HEADER_2):
            self.assertEqual(await self.who(self.proxied(plain, header)), ("203.0.113.9", None))
            endpoint = self.tls(self.proxied(encrypted, header), ann)
            self.assertEqual(await self.who(endpoint), ("203.0.113.9", "ann"))
        held = pb.session(self.proxied(plain, HEADER))
        await held.root
        await self.trouble(self.tls(self.proxied(encrypted, HEADER_2), ann))
        await program.printed(r"203\.0\.113\.9.* is refused: there are 1 already from (203\.0\.113\.9)")
        other = HEADER.replace(b"113.9", b"113.8")
        self.assertEqual(await self.who(self.proxied(plain, other)), ("203.0.113.8", None))
        await held.close()
        await self.trouble(self.tls(self.proxied(encrypted, HEADER)))
        await program.printed(r"203\.0\.113\.9.* is refused: TLS: (peer did not return a certificate)")
        self.assertEqual(program.complaints, "")

    async def test_unix(self) -> None:
        """A proxy on a UNIX socket."""
        await self.start("--trusted-proxy=unix", "--port=proxy:unix:pb")
        endpoint = clientFromString(reactor, f"unix:{self.directory}/pb")
        self.assertEqual(await self.who(Announcing(endpoint, HEADER_2)), ("203.0.113.9", None))
        self.assertEqual(await self.who(Announcing(endpoint, b"PROXY UNKNOWN\r\n")), (None, None))

    async def test_refused(self) -> None:
        """
        Who isn't trusted doesn't get in, with a header or without; a proxy that
        sends none, or a wrong or slow one, doesn't either. Where none is
        expected, a header is no way in.
        """
        program, [port, plain, encrypted] = await self.start(
            f"--trusted-proxy={HOST}",
            "--limit=proxyHeaderTime=1.5",
            f"--port=proxy:tcp:{LOCAL}",
            f"--port=tcp:{LOCAL}",
            f"--port=ssl:{LOCAL}:{self.words}",
            ports=3,
        )
        for endpoint, why in (
            (self.proxied(port, HEADER, ELSEWHERE), f"{ELSEWHERE}.* is refused: (it is no trusted proxy)"),
            (self.tcp(port, ELSEWHERE), f"{ELSEWHERE}.* is refused: (it is no trusted proxy)"),
            (self.proxied(port, b"x"), "is refused: (there is no PROXY header)"),
            (self.proxied(port, HEADER[:20]), "is refused: (there is no PROXY header after 1.5 seconds)"),
            (self.proxied(plain, HEADER), "Closing the connection to .*: (.*)"),
            (self.tls(self.proxied(encrypted, HEADER)), "is refused: TLS: (.*)"),
        ):
            await self.trouble(endpoint)
            await program.printed(why)
        self.assertEqual(await self.who(self.proxied(port, HEADER)), ("203.0.113.9", None))
        self.assertEqual(program.complaints, "")


class ReloadTests(ListeningCase):
    """
    Certificates that are replaced while clients call.
    """

    async def call(self, session: Any, ended: Any) -> int:
        """Call until it ends, and count. A call that fails is an error."""
        count = 0
        while not ended():
            await session.callRemote("who")
            count += 1
        return count

    async def newcomers(self, port: str, seen: list[str], ended: Any) -> None:
        """Connect, call and leave until it ends, and keep whose certificates are seen."""
        while not ended():
            session = pb.session(self.tls(self.tcp(port)))
            await session.callRemote("who")
            seen.append(await self.server(session))
            await session.close()

    async def server(self, session: Any) -> str:
        """Whose certificate the server of a session has."""
        root = await session.root
        certificate = root.broker.transport.getPeerCertificate().to_cryptography()
        name: str = certificate.subject.rfc4514_string().removeprefix("CN=")
        return name

    async def test_nothing(self) -> None:
        """A server that has nothing to load again goes on, too."""
        program, [port] = await self.start(f"--port=tcp:{LOCAL}")
        program.signal("HUP")
        await program.printed("(SIGHUP): files are looked at again")
        self.assertEqual(await self.who(self.tcp(port)), (HOST, None))

    async def test_load(self) -> None:
        """
        On SIGHUP, and when the files change, new connections see the new
        certificate; those that there are live on, and no call fails. Files that
        can't be used change nothing.
        """
        program, [port] = await self.start(f"--port=ssl:{LOCAL}:{self.words}")
        ended, seen = False, []
        old = [pb.session(self.tls(self.tcp(port))) for _ in range(3)]
        for session in old:
            await session.root
        calling = [ensureDeferred(self.call(session, lambda: ended)) for session in old]
        coming = ensureDeferred(self.newcomers(port, seen, lambda: ended))
        await self.until(lambda: seen)
        loaded = "is loaded again, for new connections: CN=(second|third)"

        AUTHORITY.issue("second", HOST).write(self.directory, "server")
        program.signal("HUP")
        await program.printed(loaded)
        session = pb.session(self.tls(self.tcp(port)))
        self.assertEqual(await self.server(session), "second")
        await session.close()

        await self.until(lambda: "second" in seen)
        AUTHORITY.issue("third", HOST).write(self.directory, "server")
        await program.printed("is loaded again, for new connections: CN=(third)")

        (self.directory / "server.pem").write_text("broken")
        await program.printed("The certificate of .* stays what it is, .*(holds no certificate in PEM form)")
        program.signal("HUP")
        await program.printed("(holds no certificate in PEM form)", 2)
        session = pb.session(self.tls(self.tcp(port)))
        self.assertEqual(await self.server(session), "third")
        await session.close()

        await self.until(lambda: "third" in seen)
        ended = True
        counts = await gatherResults(calling)
        self.assertGreater(min(counts), 10)
        await coming
        self.assertEqual(sorted(set(seen)), ["second", "server", "third"])
        self.assertEqual([await self.server(session) for session in old], ["server"] * 3)
        for session in old:
            await session.close()
        self.assertNotIn("is refused", program.output)

"""
Tests for sessions with real servers: over TCP, UNIX sockets and TLS, found in a
real DNS, and in processes that are killed, stopped and started again.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import LoginFailed
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectError, ConnectionClosed
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.names import client, dns, server
from twisted.names.authority import FileAuthority
from twisted.spread import pb as stock

import tests
from myspread import pb
from tests.factories.sockets import Echo, SocketCase, reactor, refusedPort, selfSigned

ANN = UsernamePassword(b"ann", b"secret")
TOP = str(Path(tests.__file__).resolve().parents[1])
SOON = pb.Backoff(first=0.05, longest=0.2)
GONE = (ConnectionClosed, SSL.Error, VerificationError, ConnectError)


class StockEcho(stock.Root):  # type: ignore[misc]
    """The same as L{Echo}, of C{twisted.spread}."""

    remote_echo: Any = Echo.remote_echo
    remote_never: Any = Echo.remote_never


def sleep(seconds: float) -> Deferred[None]:
    """Wait."""
    return deferLater(reactor, seconds, lambda: None)


class RealCase(SocketCase):
    """
    Sessions that are closed at the end.
    """

    def setUp(self) -> None:
        """None yet."""
        super().setUp()
        self.sessions: list[pb.Session] = []

    async def closeSessions(self) -> None:
        """Close them, and what they were connected with."""
        for session in self.sessions:
            await session.close()
        await super().tearDown()

    def tearDown(self) -> Any:
        """Close everything."""
        return Deferred.fromCoroutine(self.closeSessions())

    def session(self, *where: Any, **settings: Any) -> pb.Session:
        """A session."""
        session = pb.session(*where, **settings)
        self.sessions.append(session)
        return session

    def folder(self) -> str:
        """A folder for this test."""
        path = tempfile.mkdtemp()
        self.folders.append(path)
        return path

    async def serve(self, strport: str, root: Any = None) -> int:
        """Serve on a strport; the port number, if there is one."""
        isStock = isinstance(root, stock.Root)
        factory: Any = stock.PBServerFactory(root) if isStock else pb.PBServerFactory(root or Echo())
        port: Any = await serverFromString(reactor, strport).listen(self.track(factory))
        self.ports.append(port)
        return int(getattr(port.getHost(), "port", 0))


class TransportTests(RealCase):
    """
    All the ways to a server.
    """

    async def assertEchoes(self, session: pb.Session) -> None:
        """It works."""
        self.assertEqual(await session.callRemote("echo", "x"), "x")
        root = await session.root
        self.assertEqual(await root.remote.echo("y"), "y")
        await session.close()

    async def test_tcp(self) -> None:
        """TCP, to servers of ours and of C{twisted.spread}."""
        for root in (Echo(), StockEcho()):
            port = await self.serve("tcp:0:interface=127.0.0.1", root)
            await self.assertEchoes(self.session(f"tcp:127.0.0.1:{port}"))
            await self.assertEchoes(self.session("127.0.0.1", port))
            await self.assertEchoes(self.session("localhost", port, persistent=True))

    async def test_unix(self) -> None:
        """UNIX sockets."""
        for root in (Echo(), StockEcho()):
            path = f"{self.folder()}/socket"
            await self.serve(f"unix:{path}", root)
            await self.assertEchoes(self.session(f"unix:{path}"))

    async def test_tls(self) -> None:
        """TLS: the certificate must be trusted, and bear the name of the host."""
        options, authority = selfSigned()
        trusted = self.folder()
        Path(trusted, "authority.pem").write_bytes(authority.dumpPEM())
        for root in (Echo(), StockEcho()):
            factory: Any = (
                stock.PBServerFactory(root) if isinstance(root, stock.Root) else pb.PBServerFactory(root)
            )
            listening = reactor.listenSSL(0, self.track(factory), options, interface="127.0.0.1")
            self.ports.append(listening)
            port = listening.getHost().port
            for host in ("localhost", "127.0.0.1"):
                await self.assertEchoes(self.session(f"tls:{host}:{port}:trustRoots={trusted}"))
            wrapped = f"endpoint=tcp\\:127.0.0.1\\:{port}"
            other = self.session(f"tls:other.example:{port}:trustRoots={trusted}:{wrapped}")
            mismatch = await self.failure(other.root, pb.UntrustedServer)
            self.assertIsInstance(mismatch.__cause__, VerificationError)
            unknown = await self.failure(self.session(f"tls:localhost:{port}").root, pb.UntrustedServer)
            self.assertIsInstance(unknown.__cause__, SSL.Error)
            plain = self.session(f"tcp:127.0.0.1:{port}", connectTimeout=0.5)
            await self.failure(plain.root, ConnectionTimeout, ConnectionClosed)

    async def test_tlsToPlain(self) -> None:
        """A server that doesn't speak TLS fails it, and at once."""
        port = await self.serve("tcp:0:interface=127.0.0.1")
        await self.failure(self.session(f"tls:127.0.0.1:{port}").root, *GONE)

    async def test_refused(self) -> None:
        """If nobody listens it fails, and leaves nothing behind."""
        await self.failure(self.session("127.0.0.1", refusedPort()).root, ConnectError)
        await self.failure(self.session(f"unix:{self.folder()}/nothing").root, ConnectError)

    async def test_inTurn(self) -> None:
        """Of several servers the first that can be used is."""
        port = await self.serve("tcp:0:interface=127.0.0.1")
        rude = self.listenRudely()
        where = [("127.0.0.1", refusedPort()), ("127.0.0.1", rude), ("127.0.0.1", port)]
        await self.assertEchoes(self.session(where, connectTimeout=0.3))

    async def test_asyncWith(self) -> None:
        """The front door, as the documentation shows it."""
        port = await self.serve("tcp:0:interface=127.0.0.1")
        async with pb.session(f"tcp:127.0.0.1:{port}") as session:
            self.assertEqual(await session.remote.echo(5), 5)


class Authority(FileAuthority):
    """Knows some names of a domain, without a file."""

    def loadFile(self, filename: Any) -> None:
        """There is none, but the names."""
        self.soa = (b"example.test", dns.Record_SOA())
        self.records = filename


class Silent(DatagramProtocol):
    """A server that never answers."""


class ServiceTests(RealCase):
    """
    Servers that a real DNS server names.
    """

    async def serveNames(self, *servers: tuple[int, int, str]) -> Any:
        """A resolver that asks a server of ours, which knows who serves C{_pb._tcp.example.test}."""
        service = "_pb._tcp.example.test"
        records = [dns.Record_SRV(priority, 0, port, target) for priority, port, target in servers]
        factory = server.DNSServerFactory(authorities=[Authority({service.encode(): records})])
        factory.noisy = False
        port = reactor.listenUDP(0, dns.DNSDatagramProtocol(factory), interface="127.0.0.1")
        self.ports.append(port)
        return client.Resolver(servers=[("127.0.0.1", port.getHost().port)])

    async def test_found(self) -> None:
        """The servers are tried in the order of their priorities, and looked up again later."""
        port = await self.serve("tcp:0:interface=127.0.0.1")
        resolver = await self.serveNames((20, port, "localhost"), (10, refusedPort(), "localhost"))
        session = self.session("srv:_pb._tcp.example.test", resolver=resolver, persistent=True, backoff=SOON)
        for _ in range(2):
            self.assertEqual(await session.callRemote("echo", 5), 5)
            (await session.root).broker.transport.abortConnection()
            await sleep(0)

    async def test_unknown(self) -> None:
        """A service that the DNS doesn't know fails, and says which."""
        resolver = await self.serveNames()
        error = await self.failure(
            self.session("srv:_other._tcp.example.test", resolver=resolver).root, ConnectError
        )
        self.assertIn("_other._tcp.example.test", str(error))

    async def test_nobodyAnswers(self) -> None:
        """A DNS server that doesn't answer has as much time as a server."""
        silent = reactor.listenUDP(0, Silent(), interface="127.0.0.1")
        self.ports.append(silent)
        resolver = client.Resolver(servers=[("127.0.0.1", silent.getHost().port)], timeout=(0.5,))
        session = self.session("srv:_pb._tcp.example.test", resolver=resolver, connectTimeout=0.2)
        error = await self.failure(session.root, ConnectionTimeout)
        self.assertIn("no answer from the DNS within 0.2 s", str(error))
        # The resolver itself can't be told that nobody waits any more.
        await sleep(0.6)


class Ticker(pb.RemoteCache):
    """What a client caches."""

    started = False


# The server is the main program of its process.
pb.setUnjellyableForClass("__main__.Ticker", Ticker)


class Process:
    """
    A server in a process of its own.

    @ivar port: where it listens.
    """

    def __init__(self, package: str, port: int = 0) -> None:
        """
        @param package: what it speaks.
        @param port: where to listen; 0 for any port.
        """
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.factories.sessionserver",
                package,
                f"tcp:{port}:interface=127.0.0.1",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=TOP,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([TOP, *map(os.path.abspath, sys.path)])},
        )
        self.port = 0

    async def listening(self) -> Process:
        """It listens now."""
        assert self._process.stdout is not None
        line = await deferToThread(self._process.stdout.readline)
        self.port = int(line)
        return self

    def stop(self) -> None:
        """Stop it where it is: the system keeps its connections and takes new ones."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class ProcessTests(RealCase):
    """
    A persistent session, whose server is killed, stopped and started again
    while calls are in progress.
    """

    timeout = 60
    packages = ("myspread", "twisted.spread")

    def setUp(self) -> None:
        """No process yet."""
        super().setUp()
        self.processes: list[Process] = []

    def tearDown(self) -> Any:
        """End all processes."""
        for process in self.processes:
            process.kill()
        return super().tearDown()

    async def start(self, package: str, port: int = 0) -> Process:
        """Start a server."""
        process = Process(package, port)
        self.processes.append(process)
        return await process.listening()

    def persistent(self, port: int, **settings: Any) -> pb.Session:
        """A session that comes back soon."""
        return self.session(
            f"tcp:127.0.0.1:{port}", credentials=ANN, persistent=True, backoff=SOON, **settings
        )

    async def test_killed(self) -> None:
        """
        When the server is killed, calls fail that may have run; those that may
        run twice, and those that wait, are made when it is there again, and
        caches are got again.
        """
        for package in self.packages:
            process = await self.start(package)
            session = self.persistent(process.port)
            downs: list[Any] = []
            session.notifyOnDown(downs.append)
            kept = session.keep("ticker", lambda avatar: avatar.callRemote("ticker"))
            first = await kept.get()
            old = await session.avatar
            lost = session.callRemote("never")
            again = session.idempotent().withTimeout(30).callRemote("echo", "again")
            process.stop()
            twice = session.idempotent().withTimeout(30).callRemote("echo", "twice")
            process.kill()
            await self.failure(lost, pb.PBConnectionLost)
            await sleep(0)
            self.assertIsNone(kept.current)
            self.assertRaises(pb.DeadReferenceError, old.callRemote, "echo", 1)
            waits = session.callRemote("echo", "waits")
            await self.start(package, process.port)
            self.assertEqual([await each for each in (again, twice, waits)], ["again", "twice", "waits"])
            self.assertNotEqual(await kept.get(), first)
            self.assertTrue(kept.current.started)
            self.assertEqual(len(downs), 1)
            self.assertEqual(dict((await session.avatar).broker.waitingForAnswers), {})
            await session.close()

    async def test_stopped(self) -> None:
        """
        While the server is stopped calls with a deadline fail, and closing
        ends; when it goes on, so does the session, and answers that come too
        late are given back.
        """
        for package in self.packages:
            process = await self.start(package)
            session = self.persistent(process.port, callTimeout=0.3, closeTimeout=0.3)
            avatar = await session.avatar
            process.stop()
            calls = [avatar.callRemote("echo", 1), session.callRemote("ticker")]
            calls += [avatar.withTimeout(0.1).callRemote("echo", 1)]
            for call in calls:
                await self.failure(call, pb.CallTimeout)
            process.resume()
            # The second answer comes after that to the decache.
            for _ in range(2):
                self.assertEqual(await session.withTimeout(10).callRemote("echo", 2), 2)
                gc.collect()
            broker = avatar.broker
            self.assertEqual(dict(broker.waitingForAnswers), {})
            self.assertEqual(dict(broker.locallyCachedObjects), {})
            process.stop()
            closing = session.close()
            await closing
            process.resume()

    async def test_stoppedBeforeLogin(self) -> None:
        """A stopped server is accepted for by its system: the attempt ends, and a later one succeeds."""
        for package in self.packages:
            process = await self.start(package)
            process.stop()
            once = self.session(f"tcp:127.0.0.1:{process.port}", credentials=ANN, connectTimeout=0.3)
            error = await self.failure(once.avatar, ConnectionTimeout)
            self.assertIn("no handshake within 0.3 s", str(error))
            session = self.persistent(process.port, connectTimeout=0.3, waitTimeout=0.5)
            error = await self.failure(session.avatar, pb.SessionTimeout)
            self.assertIn("no handshake within 0.3 s", str(error))
            process.resume()
            self.assertEqual(await session.withTimeout(20).callRemote("echo", 1), 1)
            await session.close()

    async def test_refused(self) -> None:
        """A wrong password ends a session with both kinds of server."""
        wrong = UsernamePassword(b"ann", b"wrong")
        for package in self.packages:
            process = await self.start(package)
            for persistent in (False, True):
                session = self.session(
                    f"tcp:127.0.0.1:{process.port}", credentials=wrong, persistent=persistent
                )
                await self.failure(session.avatar, LoginFailed)
                await self.failure(session.whenEnded(), LoginFailed)

"""
Tests for peers that vanish, hang or are stopped: with real processes and
connections, of ours and of C{twisted.spread}.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from twisted.protocols.portforward import ProxyFactory
from twisted.trial.unittest import SkipTest

import tests
from myspread import pb
from tests.factories.sockets import GREETING, Echo, SocketCase, reactor, rudeFactory, selfSigned
from tests.login.realms import RecordingRealm, portalFor

STOCK, OURS = "twisted.spread", "myspread"
TOP = str(Path(tests.__file__).resolve().parents[1])
UNWATCHED = pb.Limits(deadPeerTime=None)
SOON = pb.Limits(deadPeerTime=1.0)


class Process:
    """
    A process that runs L{tests.net.quietpeer}.
    """

    def __init__(self, *words: Any, before: tuple[str, ...] = ()) -> None:
        """
        @param words: its arguments.
        @param before: what is to run it.
        """
        self._log = tempfile.TemporaryFile("w+")
        path = os.pathsep.join([TOP, *(os.path.abspath(each) for each in sys.path)])
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.net.quietpeer", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def line(self) -> Deferred[str]:
        """A Deferred of the next line that it prints."""
        assert self._process.stdout is not None
        return deferToThread(lambda: self._process.stdout.readline().strip())

    @property
    def logged(self) -> str:
        """Everything that it has logged."""
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> None:
        """Stop it; it stays there."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End it, also when it is stopped."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()


class DeadPeerCase(SocketCase):
    """
    Starts processes, and ends them.
    """

    timeout = 60

    def setUp(self) -> None:
        """None yet."""
        super().setUp()
        self.processes: list[Process] = []
        self.sessions: list[pb.Session] = []

    def tearDown(self) -> Any:
        """End everything."""
        return Deferred.fromCoroutine(self.endAll())

    async def endAll(self) -> None:
        """End everything."""
        for process in self.processes:
            process.end()
        for session in self.sessions:
            await session.close()
        await super().tearDown()

    def start(self, *words: Any, before: tuple[str, ...] = ()) -> Process:
        """A new process."""
        process = Process(*words, before=before)
        self.processes.append(process)
        return process

    async def until(self, condition: Any) -> None:
        """Wait until something is true; the test's own time bounds it."""
        while not condition():
            await deferLater(reactor, 0.02, lambda: None)

    async def connect(self, strport: str, limits: pb.Limits = UNWATCHED) -> Any:
        """The root of a server."""
        factory = self.client(pb.PBClientFactory(limits=limits))
        await clientFromString(reactor, strport).connect(factory)
        return await factory.getRootObject()

    async def serve(self, root: Any, strport: str = "tcp:0:interface=127.0.0.1") -> tuple[int, list[Any]]:
        """Serve with our factory; the port, and a list that gets the brokers."""
        factory = pb.PBServerFactory(root, limits=UNWATCHED)
        brokers: list[Any] = []
        self.patch(factory, "clientConnectionMade", brokers.append)
        port: Any = await serverFromString(reactor, strport).listen(self.track(factory))
        self.ports.append(port)
        return port.getHost().port, brokers

    async def reasonOfLoss(self, broker: Any) -> Any:
        """Why a broker loses its connection."""
        reasons: list[Any] = []
        self.patch(broker.factory, "brokerLost", lambda lost, reason: reasons.append(reason))
        await self.until(lambda: reasons)
        return reasons[0].value


class PingTests(DeadPeerCase):
    """
    What a peer makes of pings: nothing.
    """

    async def ping(self, broker: Any, times: int = 20) -> None:
        """Ping a peer, again and again, and get an answer each time."""
        for _ in range(times):
            self.assertTrue(broker._peer.ping())
            await self.until(lambda: not broker._peer.pinging)

    async def test_servers(self) -> None:
        """
        A server answers pings and logs none, with a portal and without, ours
        and that of C{twisted.spread}; it serves as before.
        """
        for package, what in ((STOCK, "serve"), (STOCK, "servePortal"), (OURS, "servePortal")):
            self.start(package, what, "tcp:0:interface=127.0.0.1")
        for process in self.processes:
            root = await self.connect(f"tcp:127.0.0.1:{await process.line()}")
            before = process.logged
            await self.ping(root.broker)
            self.assertEqual(process.logged, before)
            called = root.callRemote("echo", 5)
            if process in self.processes[1:]:
                await self.failure(called, pb.RemoteError)
                # That one is logged: so the log is where we have looked.
                self.assertIn("NoSuchMethod", process.logged)
            else:
                self.assertEqual(await called, 5)

    async def test_clients(self) -> None:
        """
        A client answers the pings of a server of ours, and neither logs
        anything; before and without a login.
        """
        served = [await self.serve(root) for root in (Echo(), portalFor(RecordingRealm()))]
        for package, (port, _) in ((STOCK, served[0]), (STOCK, served[1]), (OURS, served[1])):
            self.start(package, "wait", f"tcp:127.0.0.1:{port}")
        for process in self.processes:
            self.assertEqual(await process.line(), "connected")
        await self.until(lambda: [len(brokers) for _, brokers in served] == [1, 2])
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        before = [process.logged for process in self.processes]
        for _, brokers in served:
            for broker in brokers:
                await self.ping(broker)
        self.assertEqual([process.logged for process in self.processes], before)
        self.assertEqual(events, [])

    async def test_options(self) -> None:
        """Once a connection has lasted a while, TCP looks after the peer's system, too; over TLS as well."""
        options, certificate = selfSigned()
        port, brokers = await self.serve(Echo())
        factory = self.track(pb.PBServerFactory(Echo()))
        self.ports.append(reactor.listenSSL(0, factory, options, interface="127.0.0.1"))
        folder = tempfile.mkdtemp()
        self.folders.append(folder)
        Path(folder, "trusted.pem").write_bytes(certificate.dumpPEM())
        secure = f"tls:localhost:{self.ports[-1].getHost().port}:trustRoots={folder}"
        for strport in (f"tcp:127.0.0.1:{port}", secure):
            root = await self.connect(strport, pb.Limits())
            connection = root.broker.transport.socket
            self.assertEqual(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 0)
            root.broker.hasLasted(60.0)
            self.assertEqual(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
            if sys.platform == "linux":
                for name, value in (("KEEPIDLE", 30), ("KEEPINTVL", 7), ("KEEPCNT", 4), ("USER_TIMEOUT", 0)):
                    option = getattr(socket, f"TCP_{name}")
                    self.assertEqual(connection.getsockopt(socket.IPPROTO_TCP, option), value, name)
                root.broker.askForLife(60.0)
                self.assertEqual(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 60_000)
                root.broker.livesOn()
                self.assertEqual(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT), 0)


class StoppedTests(DeadPeerCase):
    """
    Peers whose process is stopped, so that their system is still there.
    """

    async def test_servers(self) -> None:
        """
        Calls that wait fail and say why, whatever the server is of; a session
        connects again, once the server goes on.
        """
        for package in (STOCK, OURS):
            self.start(package, "serve", "tcp:0:interface=127.0.0.1")
        backoff = pb.Backoff(first=0.05, longest=0.2)
        calls = []
        for process in self.processes:
            session = pb.session(f"tcp:127.0.0.1:{await process.line()}", persistent=True, backoff=backoff)
            self.sessions.append(session)
            broker = (await session.root).broker
            calls.append(session.callRemote("never"))
            await session.callRemote("echo", 1)
            process.stop()
            broker.limits = SOON
        for process, session, call in zip(self.processes, self.sessions, calls, strict=True):
            error = await self.failure(call, pb.PBConnectionLost)
            self.assertIn("was silent for more than 0.875 s and didn't answer a ping", str(error))
            process.resume()
            self.assertEqual(await session.callRemote("echo", 2), 2)
            self.assertIsInstance(session.reason.value, pb.PeerSilent)

    async def test_clients(self) -> None:
        """A server of ours notices a client that is stopped, also before it has logged in."""
        served = [await self.serve(root) for root in (Echo(), portalFor(RecordingRealm()))]
        for package, (port, _) in zip((OURS, STOCK), served, strict=True):
            self.start(package, "wait", f"tcp:127.0.0.1:{port}")
        reasons = []
        for process, (_, brokers) in zip(self.processes, served, strict=True):
            await self.until(partial(bool, brokers))
            process.stop()
            [broker] = brokers
            broker.limits = replace(broker.limits, deadPeerTime=1.0)
            reasons.append(Deferred.fromCoroutine(self.reasonOfLoss(broker)))
        for reason in reasons:
            self.assertIsInstance(await reason, pb.PeerSilent)

    async def test_notForLong(self) -> None:
        """A process that was stopped for less than that is alive."""
        process = self.start(STOCK, "serve", "tcp:0:interface=127.0.0.1")
        root = await self.connect(f"tcp:127.0.0.1:{await process.line()}")
        process.stop()
        root.broker.limits = pb.Limits(deadPeerTime=4.0)
        await self.until(lambda: root.broker._peer.pinging)
        process.resume()
        await self.until(lambda: not root.broker._peer.pinging)
        self.assertEqual(await root.callRemote("echo", 1), 1)


class SilentWayTests(DeadPeerCase):
    """
    Peers that something lies between.
    """

    async def test_proxy(self) -> None:
        """Both sides notice that a proxy between them hands nothing on."""
        port, brokers = await self.serve(Echo())
        proxies: list[Any] = []
        factory = ProxyFactory("127.0.0.1", port)
        build = factory.buildProtocol
        factory.buildProtocol = lambda addr: (proxies.append(build(addr)), proxies[-1])[1]
        root = await self.connect(f"tcp:127.0.0.1:{self.listen(factory)}")
        self.assertEqual(await root.callRemote("echo", 1), 1)
        for end in (proxies[0], proxies[0].peer):
            self.patch(end, "dataReceived", lambda data: None)
        call = root.callRemote("never")
        root.broker.limits = brokers[0].limits = SOON
        client, server = self.reasonOfLoss(root.broker), self.reasonOfLoss(brokers[0])
        serverEnds = Deferred.fromCoroutine(server)
        self.assertIsInstance(await client, pb.PeerSilent)
        self.assertIsInstance(await serverEnds, pb.PeerSilent)
        await self.failure(call, pb.PBConnectionLost)

    async def test_slowReader(self) -> None:
        """
        A peer that takes a long message slowly, and says nothing until then,
        isn't dead; it is when it takes nothing any more.
        """
        servers: list[Protocol] = []
        factory = rudeFactory(GREETING, False)
        build = factory.buildProtocol
        factory.buildProtocol = lambda addr: (servers.append(build(addr)), servers[-1])[1]
        connecting = pb.PBClientFactory(limits=UNWATCHED)
        strport = f"tcp:127.0.0.1:{self.listen(factory)}"
        await clientFromString(reactor, strport).connect(self.client(connecting))
        root = await connecting.getRootObject()
        [server] = servers
        transport: Any = server.transport
        transport.pauseProducing()
        call = root.callRemote("echo", [b"x" * 600_000] * 20)
        root.broker.limits = SOON
        taken = 0
        # Twice as long as a peer may be silent.
        for _ in range(40):
            await deferLater(reactor, 0.05, lambda: None)
            try:
                taken += len(transport.socket.recv(100_000))
            except BlockingIOError:
                continue
        self.assertGreater(taken, 1_000_000)
        self.assertNoResult(call)
        error = await self.failure(call, pb.PBConnectionLost)
        self.assertIn("was silent", str(error))

    async def test_packetsDropped(self) -> None:
        """
        A server on another network, whose packets get lost from one moment on:
        neither end hears that anything was closed.
        """
        network = Network()
        self.addCleanup(network.end)
        clients = []
        for package in (STOCK, OURS):
            server = self.start(package, "serve", "tcp:0:interface=10.231.7.2", before=network.there)
            strport = f"tcp:10.231.7.2:{await server.line()}"
            clients.append(self.start(OURS, "call", strport, "1", before=network.here))
        for client in clients:
            self.assertEqual(await client.line(), "connected")
        network.drop()
        for client in clients:
            said = await client.line()
            self.assertTrue(said.startswith("lost"), said)
            self.assertIn("was silent for more than 0.875 s and didn't answer a ping", said)


class Network:
    """
    Two networks of this computer, each with one address, that reach each other.

    @ivar here: runs a program in the one.
    @ivar there: runs a program in the other.
    """

    def __init__(self) -> None:
        """
        @raise SkipTest: where this computer has no such networks.
        """
        if shutil.which("ip") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
            raise SkipTest("networks of its own are for root, on Linux with iproute2")
        self._names = f"pbhere{os.getpid()}", f"pbthere{os.getpid()}"
        self.here, self.there = (("ip", "netns", "exec", name) for name in self._names)
        try:
            for name in self._names:
                self._ip(f"netns add {name}")
            here, there = self._names
            self._ip(f"-n {here} link add pbhere type veth peer name pbthere netns {there}")
            for name, device, address in zip(self._names, ("pbhere", "pbthere"), ("1", "2"), strict=True):
                self._ip(f"-n {name} addr add 10.231.7.{address}/30 dev {device}")
                self._ip(f"-n {name} link set {device} up")
        except subprocess.CalledProcessError as error:
            self.end()
            raise SkipTest(f"no network of its own: {error.stderr.decode().strip()}") from None

    def _ip(self, words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True, capture_output=True)

    def drop(self) -> None:
        """From now on packets go to a card that isn't there."""
        here, there = self._names
        wrong = "lladdr 02:00:00:00:00:99 nud permanent"
        self._ip(f"-n {here} neigh replace 10.231.7.2 {wrong} dev pbhere")
        self._ip(f"-n {there} neigh replace 10.231.7.1 {wrong} dev pbthere")

    def end(self) -> None:
        """They are gone."""
        for name in self._names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

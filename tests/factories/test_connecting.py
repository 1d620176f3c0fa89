"""
Tests for connections over real sockets: connectors, endpoints, TLS, UNIX.
"""

from __future__ import annotations

import socket
import tempfile
from typing import Any

from twisted.internet import ssl
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    clientFromString,
)
from twisted.internet.error import (
    CannotListenError,
    ConnectError,
    ConnectionClosed,
    ConnectionDone,
    ConnectionLost,
)
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest

from myspread import pb
from myspread.limits import Limits
from tests.factories.sockets import GREETING, Echo, SocketCase, reactor, refusedPort, selfSigned

HOST = "127.0.0.1"
GONE = (ConnectionClosed, pb.PBConnectionLost, ConnectError)
BROKEN = [
    (b"", True),
    (GREETING, True),
    (b"GET / HTTP/1.1\r\n\r\n", True),
    (b"\xff" * 100, False),
    (b"\x01\x80\x05\x82other", False),
    (b"\x05\x81", False),
    (b"\x01" * 100, False),
]
"""What a server may say before the handshake is done, and whether it leaves then."""


class ReconnectingFactory(pb.PBClientFactory):
    """Connects again, to another port."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.tries = 0

    def clientConnectionLost(self, connector: Any, reason: Any, reconnecting: Any = 0) -> None:
        """Try again, three times at most."""
        self.tries += 1
        again = self.tries < 3
        super().clientConnectionLost(connector, reason, reconnecting=again)
        if again:
            connector.port = self.port
            connector.connect()


class ConnectorTests(SocketCase):
    """
    C{reactor.connectTCP}: the root and the login always fire.
    """

    async def test_root(self) -> None:
        """The root comes whether one asks before the connection is made or after."""
        factory = self.client()
        root = factory.getRootObject()
        reactor.connectTCP(HOST, self.listen(), factory)
        self.assertEqual(await (await root).callRemote("echo", 5), 5)
        self.assertEqual(await (await factory.getRootObject()).callRemote("echo", 6), 6)

    async def test_refused(self) -> None:
        """If nobody listens, root and login fail."""
        factory = self.client()
        waiting = [factory.getRootObject(), factory.login(Credentials())]
        reactor.connectTCP(HOST, refusedPort(), factory)
        for each in waiting:
            await self.failure(each, ConnectError)

    async def test_broken(self) -> None:
        """If the server leaves or talks nonsense before the handshake is done, root and login fail."""
        for words, leave in BROKEN:
            factory = self.client()
            waiting = [factory.getRootObject(), factory.login(Credentials())]
            reactor.connectTCP(HOST, self.listenRudely(words, leave), factory)
            if words == GREETING:
                # The dialect is agreed on: there is a root, but it doesn't answer.
                self.assertEqual((await waiting[0]).luid, b"root")
                waiting.pop(0)
            for each in waiting:
                await self.failure(each, *GONE)

    async def test_lostAfterwards(self) -> None:
        """A login that is under way when the connection is lost fails."""
        factory = self.client()
        reactor.connectTCP(HOST, self.listenRudely(GREETING), factory)
        login = factory.login(Credentials())
        await factory.getRootObject()
        factory.disconnect()
        await self.failure(login, pb.PBConnectionLost)

    async def test_disconnect(self) -> None:
        """After disconnect() calls fail; whoever asks then waits for the next connection."""
        factory = self.client()
        port = self.listen()
        connector = reactor.connectTCP(HOST, port, factory)
        root = await factory.getRootObject()
        lost: Deferred[Any] = Deferred()
        root.notifyOnDisconnect(lost.callback)
        pending = root.callRemote("never")
        factory.disconnect()
        self.assertIs(await lost, root)
        await self.failure(pending, pb.PBConnectionLost)
        self.assertRaises(pb.DeadReferenceError, root.callRemote, "echo", 1)
        await deferLater(reactor, 0, lambda: None)
        again = factory.getRootObject()
        connector.connect()
        self.assertEqual(await (await again).callRemote("echo", 5), 5)

    async def test_reconnecting(self) -> None:
        """A subclass that connects again keeps those waiting who had no root yet."""
        factory = self.client(ReconnectingFactory(self.listen()))
        root = factory.getRootObject()
        reactor.connectTCP(HOST, self.listenRudely(b"", True), factory)
        self.assertEqual(await (await root).callRemote("echo", 5), 5)
        self.assertEqual(factory.tries, 1)

    async def test_reconnectingInVain(self) -> None:
        """When it gives up they fail."""
        rude = self.listenRudely(b"", True)
        factory = self.client(ReconnectingFactory(rude))
        root = factory.getRootObject()
        reactor.connectTCP(HOST, rude, factory)
        await self.failure(root, ConnectionDone, ConnectionLost)
        self.assertEqual(factory.tries, 3)

    async def test_cancel(self) -> None:
        """Giving up waiting leaves the connection alone."""
        factory = self.client()
        given, kept = factory.getRootObject(), factory.getRootObject()
        reactor.connectTCP(HOST, self.listen(), factory)
        given.cancel()
        await self.failure(given, CancelledError)
        self.assertEqual(await (await kept).callRemote("echo", 5), 5)


class EndpointTests(SocketCase):
    """
    Endpoints, which tell a factory nothing: the root and the login fire all the same.
    """

    async def test_root(self) -> None:
        """The root comes whether one asks before the connection is made or after."""
        factory = self.client()
        root = factory.getRootObject()
        broker = await TCP4ClientEndpoint(reactor, HOST, self.listen()).connect(factory)
        self.assertEqual(await (await root).callRemote("echo", 5), 5)
        self.assertIs((await factory.getRootObject()).broker, broker)

    async def test_refused(self) -> None:
        """If nobody listens they fail, soon after connect() does."""
        factory = self.client()
        waiting = [factory.getRootObject(), factory.login(Credentials())]
        endpoint = TCP4ClientEndpoint(reactor, HOST, refusedPort())
        await self.failure(endpoint.connect(factory), ConnectError)
        for each in waiting:
            await self.failure(each, ConnectError)

    async def test_severalAddresses(self) -> None:
        """An endpoint that finds nobody at a host name fails them too."""
        factory = self.client()
        root = factory.getRootObject()
        connecting = HostnameEndpoint(reactor, "localhost", refusedPort()).connect(factory)
        await self.failure(connecting, ConnectError)
        await self.failure(root, ConnectError)

    async def test_broken(self) -> None:
        """If the server leaves or talks nonsense, they fail."""
        for words, leave in BROKEN:
            factory = self.client()
            waiting = [factory.getRootObject(), factory.login(Credentials())]
            await TCP4ClientEndpoint(reactor, HOST, self.listenRudely(words, leave)).connect(factory)
            if words == GREETING:
                waiting.pop(0).addErrback(lambda failure: failure.trap(*GONE) and None)
            for each in waiting:
                await self.failure(each, *GONE)

    async def test_again(self) -> None:
        """One factory may connect again after a loss."""
        factory = self.client()
        endpoint = TCP4ClientEndpoint(reactor, HOST, self.listen())
        for _ in range(2):
            broker = await endpoint.connect(factory)
            root = await factory.getRootObject()
            self.assertEqual(await root.callRemote("echo", 5), 5)
            lost: Deferred[Any] = Deferred()
            root.notifyOnDisconnect(lost.callback)
            factory.disconnect()
            await lost
            self.assertIs(root.broker, broker)

    async def test_unix(self) -> None:
        """UNIX sockets."""
        folder = tempfile.mkdtemp()
        self.folders.append(folder)
        path = f"{folder}/socket"
        server = self.track(pb.PBServerFactory(Echo()))
        self.ports.append(await UNIXServerEndpoint(reactor, path).listen(server))
        for endpoint in (UNIXClientEndpoint(reactor, path), clientFromString(reactor, f"unix:{path}")):
            factory = self.client()
            await endpoint.connect(factory)
            root = await factory.getRootObject()
            self.assertEqual(await root.callRemote("echo", b"x" * 10**5), b"x" * 10**5)


class ConnectTests(SocketCase):
    """
    Tests for L{pb.connect}.
    """

    async def test_connect(self) -> None:
        """It returns the broker; the factory has the root."""
        for host in (HOST, "localhost"):
            factory = self.client()
            broker = await pb.connect(host, self.listen(), factory)
            self.assertIsInstance(broker, pb.Broker)
            root = await factory.getRootObject()
            self.assertIs(root.broker, broker)
            self.assertEqual(await root.callRemote("echo", 5), 5)

    async def test_version6(self) -> None:
        """An IPv6 address will do."""
        try:
            port = reactor.listenTCP(0, self.track(pb.PBServerFactory(Echo())), interface="::1")
        except CannotListenError as error:
            raise SkipTest("this machine has no IPv6") from error
        self.ports.append(port)
        factory = self.client()
        await pb.connect("::1", port.getHost().port, factory)
        self.assertEqual(await (await factory.getRootObject()).callRemote("echo", 5), 5)

    async def test_refused(self) -> None:
        """If nobody listens it fails, and at once so does whoever waits for the root."""
        factory = self.client()
        root = factory.getRootObject()
        await self.failure(pb.connect(HOST, refusedPort(), factory), ConnectError)
        self.failureResultOf(root, ConnectError)

    async def test_bindAddress(self) -> None:
        """The local address may be given, with or without a port."""
        local = refusedPort()
        for bind, check in ((HOST, lambda port: port > 0), ((HOST, local), lambda port: port == local)):
            factory = self.client()
            broker = await pb.connect(HOST, self.listen(), factory, bindAddress=bind)
            self.assertEqual(broker.transport.getHost().host, HOST)
            self.assertTrue(check(broker.transport.getHost().port))

    async def test_noDelay(self) -> None:
        """Nagle's algorithm is off, on both sides."""
        factory = self.client()
        await pb.connect(HOST, self.listen(), factory)
        await (await factory.getRootObject()).callRemote("echo", 1)
        self.assertEqual([bool(each.transport.getTcpNoDelay()) for each, _ in self.open], [True, True])

    async def test_limits(self) -> None:
        """A client's limits end a connection whose server breaks them; its calls fail."""
        factory = self.client(pb.PBClientFactory(limits=Limits(stringLength=1000)))
        await pb.connect(HOST, self.listen(), factory)
        root = await factory.getRootObject()
        call = root.callRemote("echo", [b"x" * 600] * 2)
        self.assertEqual(len(await call), 2)

        class Large(pb.Root):
            def remote_large(self) -> bytes:
                return b"x" * 1001

        factory = self.client(pb.PBClientFactory(limits=Limits(stringLength=1000)))
        await pb.connect(HOST, self.listen(pb.PBServerFactory(Large())), factory)
        root = await factory.getRootObject()
        await self.failure(root.callRemote("large"), pb.PBConnectionLost)


class TlsTests(SocketCase):
    """
    TLS, with a certificate of the server's own.
    """

    def listenSecurely(self) -> tuple[int, ssl.Certificate]:
        """The port, and what to trust."""
        options, authority = selfSigned()
        server = self.track(pb.PBServerFactory(Echo()))
        port = reactor.listenSSL(0, server, options, interface=HOST)
        self.ports.append(port)
        return port.getHost().port, authority

    async def test_verified(self) -> None:
        """A server whose certificate is trusted and bears its name, or address, is talked to."""
        port, authority = self.listenSecurely()
        for name in ("localhost", "127.0.0.1"):
            factory = self.client()
            options = ssl.optionsForClientTLS(name, trustRoot=authority)
            broker = await pb.connect(name, port, factory, options)
            root = await factory.getRootObject()
            self.assertEqual(await root.callRemote("echo", "over TLS"), "over TLS")
            self.assertIsNotNone(broker.transport.getPeerCertificate())

    async def test_otherName(self) -> None:
        """A server that bears another name isn't: root and login fail."""
        port, authority = self.listenSecurely()
        factory = self.client()
        waiting = [factory.getRootObject(), factory.login(Credentials())]
        options = ssl.optionsForClientTLS("other.example", trustRoot=authority)
        await pb.connect(HOST, port, factory, options)
        for each in waiting:
            await self.failure(each, Exception)

    async def test_untrusted(self) -> None:
        """Nor is one that isn't trusted."""
        port, _ = self.listenSecurely()
        factory = self.client()
        root = factory.getRootObject()
        await pb.connect(HOST, port, factory, ssl.optionsForClientTLS("localhost"))
        await self.failure(root, Exception)

    async def test_contextFactory(self) -> None:
        """A context factory of the old kind will do."""
        port, _ = self.listenSecurely()
        factory = self.client()
        await pb.connect(HOST, port, factory, ssl.ClientContextFactory())
        self.assertEqual(await (await factory.getRootObject()).callRemote("echo", 5), 5)

    async def test_notTls(self) -> None:
        """A server that doesn't speak TLS at all fails the root."""
        factory = self.client()
        root = factory.getRootObject()
        options = ssl.optionsForClientTLS("localhost")
        await pb.connect(HOST, self.listenRudely(GREETING, True), factory, options)
        await self.failure(root, Exception)


class GetObjectAtTests(SocketCase):
    """
    Tests for L{pb.getObjectAt}.
    """

    async def test_root(self) -> None:
        """The root of a server, in one step."""
        root = await pb.getObjectAt(HOST, self.listen())
        self.assertEqual(await root.callRemote("echo", 5), 5)
        lost: Deferred[Any] = Deferred()
        root.notifyOnDisconnect(lost.callback)
        root.broker.transport.loseConnection()
        await lost

    async def test_refused(self) -> None:
        """It fails when nobody listens, and leaves nothing behind."""
        await self.failure(pb.getObjectAt(HOST, refusedPort()), ConnectError)

    async def test_broken(self) -> None:
        """It fails when the server leaves, or talks nonsense."""
        for words, leave in BROKEN:
            if words != GREETING:
                await self.failure(pb.getObjectAt(HOST, self.listenRudely(words, leave)), *GONE)

    async def test_silent(self) -> None:
        """It fails after its timeout when the server never speaks, and closes the connection."""
        port = self.listenRudely()
        await self.failure(pb.getObjectAt(HOST, port, timeout=0.1), TimeoutError)
        await self.open[0][1]

    async def test_notAccepted(self) -> None:
        """It fails after its timeout when nobody even accepts."""
        with socket.socket() as listening:
            listening.bind((HOST, 0))
            listening.listen(0)
            await self.failure(
                pb.getObjectAt(HOST, listening.getsockname()[1], timeout=0.1), TimeoutError
            )

    async def test_cancel(self) -> None:
        """Cancelling it closes the connection, or gives up making one."""
        port = self.listenRudely()
        root = pb.getObjectAt(HOST, port)
        await deferLater(reactor, 0.05, lambda: None)
        root.cancel()
        await self.failure(root, CancelledError)
        await self.open[0][1]
        early = pb.getObjectAt(HOST, port)
        early.cancel()
        await self.failure(early, CancelledError)


class Credentials:
    """Somebody's."""

    username = b"ann"
    password = b"secret"

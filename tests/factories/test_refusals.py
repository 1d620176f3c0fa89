"""
Connections that a server doesn't take, over real sockets: plain ones and TLS.
"""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.protocols.tls import TLSMemoryBIOFactory

from myspread import pb
from myspread.limits import Limits
from tests.factories.sockets import Echo, SocketCase, reactor, selfSigned


class Watching(Protocol):
    """
    A client that says nothing.

    @ivar ended: fires with all that the server has said when the connection ends.
    """

    def __init__(self) -> None:
        self.said = b""
        self.ended: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.said += data

    def connectionLost(self, reason: Any = None) -> None:
        """The end."""
        self.ended.callback(self.said)


class RefusalCase(SocketCase):
    """
    A server that has one connection, and takes no second one.
    """

    def setUp(self) -> None:
        """Watch the log."""
        super().setUp()
        self.entries: list[Any] = []
        globalLogPublisher.addObserver(self.entries.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.entries.append)
        self.factory = pb.PBServerFactory(Echo(), limits=Limits(connections=1))

    def refusals(self) -> int:
        """How many entries of the log are about refusals."""
        return sum("is refused" in (entry["log_format"] or "") for entry in self.entries)

    async def until(self, condition: Any) -> None:
        """Wait."""
        while not condition():
            await deferLater(reactor, 0.01)

    async def watch(self, port: Any) -> Watching:
        """A client that says nothing, connected."""
        watching = Watching()
        factory = ClientFactory()
        factory.noisy = False
        factory.buildProtocol = lambda addr: watching  # type: ignore[method-assign,assignment]
        self.track(factory)
        if isinstance(port, str):
            reactor.connectUNIX(port, factory)
        else:
            reactor.connectTCP("127.0.0.1", port, factory)
        await self.until(lambda: watching.connected or watching.ended.called)
        return watching


class PlainTests(RefusalCase):
    """
    Without TLS.
    """

    async def test_tcp(self) -> None:
        """The connection ends at once, without a word. One that is there stays; after it there is room."""
        port = self.listen(self.factory)
        client = self.client()
        root = await pb.connect("127.0.0.1", port, client) and await client.getRootObject()
        refused = await self.watch(port)
        self.assertEqual(await refused.ended, b"")
        self.assertEqual(await root.callRemote("echo", 5), 5)
        client.disconnect()
        await self.until(lambda: not self.factory.admission.connections)
        taken = await self.watch(port)
        await self.until(lambda: taken.said)
        self.assertEqual(self.refusals(), 1)

    async def test_unix(self) -> None:
        """So it is on a UNIX socket."""
        folder = tempfile.mkdtemp()
        self.folders.append(folder)
        path = str(Path(folder) / "pb.socket")
        self.ports.append(reactor.listenUNIX(path, self.track(self.factory)))
        taken = await self.watch(path)
        await self.until(lambda: taken.said)
        refused = await self.watch(path)
        self.assertEqual(await refused.ended, b"")

    async def test_root(self) -> None:
        """Who waits for a root hears that there is none."""
        port = self.listen(self.factory)
        await self.watch(port)
        await self.until(lambda: self.factory.admission.connections == 1)
        client = self.client()
        waiting = client.getRootObject()
        pb.connect("127.0.0.1", port, client).addErrback(lambda failure: None)
        await self.failure(waiting, Exception)

    async def test_log(self) -> None:
        """However many are refused, the log stays short; all are counted."""
        port = self.listen(self.factory)
        taken = await self.watch(port)
        await self.until(lambda: taken.said)
        for number in range(200):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            await self.until(lambda number=number: self.factory.admission.refused > number)
            connection.close()
        self.assertEqual(self.factory.admission.refused, 200)
        self.assertLess(self.refusals(), 60)
        self.assertGreater(self.refusals(), 0)


class TLSTests(RefusalCase):
    """
    Behind TLS.
    """

    def listenTLS(self) -> int:
        """Serve behind TLS on a new port."""
        options, self.trusted = selfSigned()
        wrapped = TLSMemoryBIOFactory(options, False, self.factory)
        self.wrapping = wrapped
        return self.listen(wrapped)

    async def test_refused(self) -> None:
        """
        The connection is closed as well, although the factory of TLS can't do
        without a protocol; nothing of it remains, and nothing breaks.
        """
        port = self.listenTLS()
        await self.watch(port)
        await self.until(lambda: self.factory.admission.connections == 1)
        refused = await self.watch(port)
        self.assertEqual(await refused.ended, b"")
        await self.until(lambda: len(self.wrapping.protocols) == 1)
        self.assertEqual(self.factory.admission.refused, 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_neverCompleted(self) -> None:
        """A client that doesn't begin TLS counts from the first to the last moment."""
        port = self.listenTLS()
        silent = await self.watch(port)
        await self.until(lambda: self.factory.admission.connections == 1)
        self.assertEqual(self.factory.admission.starting, 1)
        silent.transport.loseConnection()  # type: ignore[union-attr]
        await self.until(lambda: self.factory.admission.connections == 0)
        self.assertEqual(self.factory.admission.starting, 0)

    async def test_brokenTLS(self) -> None:
        """So does one that says something else."""
        port = self.listenTLS()
        rude = await self.watch(port)
        await self.until(lambda: self.factory.admission.connections == 1)
        rude.transport.write(b"GET / HTTP/1.0\r\n\r\n")  # type: ignore[union-attr]
        await rude.ended
        await self.until(lambda: self.factory.admission.connections == 0)
        self.assertEqual(self.factory.admission.starting, 0)

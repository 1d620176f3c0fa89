"""
Back-pressure, fairness and closing over real sockets, with and without TLS.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater

from myspread import pb, util
from myspread._codec import PB, encode
from myspread.limits import Limits
from tests.factories.sockets import SocketCase, reactor, selfSigned
from tests.peer.wire import NO_KEYWORDS, arguments

LIMITS = Limits(unreadAnswers=200_000, unreadTime=0.6, closingTime=0.5, turnTime=0.02)
LARGE = 500_000
BUFFERED = 40
"""Large answers that the buffers of a system's sockets hold at most."""


class Root(pb.Root):
    """Answers, sooner or later, much or little."""

    def __init__(self) -> None:
        self.calls = 0

    def remote_large(self, number: int = 0) -> bytes:
        """Return many bytes."""
        self.calls += 1
        return bytes(LARGE + number)

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_busy(self, seconds: float) -> None:
        """Take so long."""
        self.calls += 1
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    def remote_pages(self, collector: Any, size: int) -> None:
        """Send pages."""
        util.StringPager(collector, bytes(size))


class Silent(Protocol):
    """A peer that writes what it is told, and reads as the test wants."""

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()
        self.read = 0

    def dataReceived(self, data: bytes) -> None:
        """Count."""
        self.read += len(data)


def later(seconds: float) -> Deferred[None]:
    """A Deferred that fires then."""
    return deferLater(reactor, seconds, lambda: None)


class TcpTests(SocketCase):
    """
    Over TCP.
    """

    def setUp(self) -> None:
        """A server that can be reached."""
        super().setUp()
        self.root = Root()
        self.factory = pb.PBServerFactory(self.root, limits=LIMITS)
        self.brokers: list[Any] = []
        self.lost: list[Any] = []
        self.factory.brokerOpened = self.brokers.append  # type: ignore[method-assign]
        self.factory.brokerLost = lambda broker, reason: self.lost.append(reason)  # type: ignore[attr-defined]
        self.port = self.listen(self.factory)

    def endpoint(self) -> Any:
        """Where the server is."""
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)

    async def connect(self) -> Any:
        """A reference to the root."""
        factory = self.client()
        await self.endpoint().connect(factory)
        return await factory.getRootObject()

    async def connectSilently(self) -> Silent:
        """A peer that has greeted."""
        factory: Any = Factory()
        factory.buildProtocol = lambda addr: Silent()
        silent = await self.endpoint().connect(self.track(factory))
        silent.transport.write(b"\x02\x82pb")
        while not silent.read or not self.brokers:
            await later(0.01)
        return silent  # type: ignore[no-any-return]

    async def stopped(self) -> None:
        """Wait until the server has run no more calls for a while."""
        before = -1
        while before != self.root.calls:
            before = self.root.calls
            await later(0.2)

    async def until(self, condition: Any) -> None:
        """Wait until something is so."""
        while not condition():
            await later(0.01)

    async def test_unread(self) -> None:
        """A peer that doesn't read holds no more than the limit; when it reads, all comes in order."""
        root = await self.connect()
        await self.until(lambda: self.brokers)
        self.brokers[0].limits = Limits(unreadAnswers=200_000)
        root.broker.transport.pauseProducing()
        answers = [root.callRemote("large", number) for number in range(3 * BUFFERED)]
        await self.stopped()
        self.assertLess(self.root.calls, BUFFERED)
        self.assertLess(self.brokers[0].answerBytes, 200_000 + 2 * LARGE)
        root.broker.transport.resumeProducing()
        for number, answer in enumerate(answers):
            self.assertEqual(len(await answer), LARGE + number)

    async def test_unreadForTooLong(self) -> None:
        """One that never reads loses its connection; the server doesn't keep what it wrote."""
        silent = await self.connectSilently()
        silent.transport.pauseProducing()
        large = [b"message", 1, b"root", b"large", 1, arguments(), NO_KEYWORDS]
        silent.transport.write(encode(large, PB) * 3 * BUFFERED)
        await self.until(lambda: self.lost)
        self.assertLess(self.root.calls, BUFFERED)
        silent.transport.resumeProducing()

    async def test_brokenAndUnread(self) -> None:
        """One that breaks the rules and doesn't read is gone after C{Limits.closingTime}."""
        silent = await self.connectSilently()
        silent.transport.pauseProducing()
        self.brokers[0].limits = Limits(closingTime=0.5)
        self.brokers[0].transport.write(bytes(BUFFERED * LARGE))
        begin = time.monotonic()
        silent.transport.write(b"\x05\xff")
        await self.until(lambda: self.lost)
        self.assertGreater(time.monotonic() - begin, 0.4)
        silent.transport.resumeProducing()

    async def test_broken(self) -> None:
        """One that breaks the rules and reads is gone at once."""
        silent = await self.connectSilently()
        begin = time.monotonic()
        silent.transport.write(b"\x05\xff")
        await self.until(lambda: self.lost)
        self.assertLess(time.monotonic() - begin, 0.4)

    async def test_flood(self) -> None:
        """While one connection floods, another one's calls are answered."""
        flood, honest = await self.connect(), await self.connect()
        done = [flood.callRemote("busy", 0.002) for _ in range(400)]
        await self.until(lambda: self.root.calls)
        slowest = 0.0
        for _ in range(5):
            begin = time.monotonic()
            self.assertEqual(await honest.callRemote("echo", 5), 5)
            slowest = max(slowest, time.monotonic() - begin)
        self.assertLess(self.root.calls, 400)
        self.assertLess(slowest, 0.4)
        for each in done:
            await each

    async def test_inOrder(self) -> None:
        """Whatever is interrupted, calls are answered in order."""
        root = await self.connect()
        order: list[int] = []
        answers = []
        for number in range(300):
            root.callRemote("busy", 0.001, pbanswer=False)
            answers.append(root.callRemote("echo", number).addCallback(order.append))
        for each in answers:
            await each
        self.assertEqual(order, list(range(300)))

    async def test_leaves(self) -> None:
        """What a peer has sent before it leaves is handled, before anybody hears that it left."""
        silent = await self.connectSilently()
        busy = [b"message", 1, b"root", b"busy", 0, arguments(0.002), NO_KEYWORDS]
        counts: list[int] = []
        self.brokers[0].notifyOnDisconnect(lambda: counts.append(self.root.calls))
        silent.transport.write(encode(busy, PB) * 100)
        silent.transport.loseConnection()
        await self.until(lambda: self.lost)
        self.assertEqual(counts, [100])

    async def test_aborted(self) -> None:
        """So it is when we abort the connection in the middle."""
        silent = await self.connectSilently()
        busy = [b"message", 1, b"root", b"busy", 0, arguments(0.002), NO_KEYWORDS]
        silent.transport.write(encode(busy, PB) * 100)
        await self.until(lambda: self.root.calls)
        self.brokers[0].transport.abortConnection()
        await self.until(lambda: self.lost)
        self.assertEqual(self.root.calls, 100)

    async def test_closedInTheMiddle(self) -> None:
        """So it is when we close it; then the peer still gets what was written, and all is over soon."""
        root = await self.connect()
        done = [root.callRemote("busy", 0.002) for _ in range(100)]
        await self.until(lambda: self.root.calls)
        self.brokers[0].transport.loseConnection()
        await self.until(lambda: self.lost)
        self.assertEqual(self.root.calls, 100)
        for each in done:
            await self.either(each)

    async def either(self, call: Any) -> None:
        """Wait for the end of a call, whichever it is."""
        try:
            await call
        except pb.PBConnectionLost:
            return

    async def test_pages(self) -> None:
        """Pages, and large answers between them, arrive although the peer stops reading now and then."""
        root = await self.connect()
        pages = util.getAllPages(root, "pages", 3_000_000)
        answers = []
        for _ in range(6):
            answers.append(root.callRemote("large"))
            await later(0.03)
            root.broker.transport.pauseProducing()
            await later(0.03)
            root.broker.transport.resumeProducing()
        self.assertEqual(len(b"".join(await pages)), 3_000_000)
        for each in answers:
            self.assertEqual(len(await each), LARGE)

    async def test_closedByTheApplication(self) -> None:
        """A connection that is closed behind a large answer is closed once that is read."""
        root = await self.connect()
        answer = root.callRemote("large")
        answer.addCallback(lambda value: self.lost.append(len(value)))
        await self.until(lambda: self.root.calls)
        self.brokers[0].transport.loseConnection()
        await self.until(lambda: len(self.lost) == 2)
        self.assertIn(LARGE, self.lost)

    async def test_noGreeting(self) -> None:
        """A peer that doesn't greet is gone after C{Limits.handshakeTime}."""
        self.factory.limits = Limits(handshakeTime=0.2)
        factory: Any = Factory()
        factory.buildProtocol = lambda addr: Silent()
        await self.endpoint().connect(self.track(factory))
        await self.until(lambda: self.lost)


class TlsTests(TcpTests):
    """
    Over TLS.
    """

    def listen(self, factory: Any = None) -> int:
        """Serve with a certificate."""
        options, self.authority = selfSigned()
        factory = self.track(factory)
        port = reactor.listenSSL(0, factory, options, interface="127.0.0.1")
        self.ports.append(port)
        return int(port.getHost().port)

    def endpoint(self) -> Any:
        """Where the server is."""
        return wrapClientTLS(optionsForClientTLS("localhost", self.authority), super().endpoint())

"""
Tests for L{myspread._net.paging}.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPullProducer
from twisted.protocols.basic import FileSender
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyClass

from myspread import pb, util
from myspread._net.paging import PageProducers
from myspread.testing import brokerPair

SIZES = (0, 1, 9, 10, 11, 20, 25)


class Library(pb.Root):
    """Sends what it has in pages."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.done: list[Any] = []
        self.collector: Any = None

    def remote_string(self, collector: Any, size: int = 10) -> None:
        """The data as a string."""
        util.StringPager(collector, self.data, size, self.finished, "string", key=1)

    def remote_file(self, collector: Any) -> None:
        """The data as a file."""
        util.FilePager(collector, BytesIO(self.data), self.finished, "file")

    def remote_hold(self, collector: Any) -> str:
        """Send nothing for now."""
        self.collector = collector
        return "later"

    def remote_fail(self, collector: Any) -> None:
        """Send nothing at all."""
        raise pb.Error("no pages")

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def finished(self, *args: Any, **kw: Any) -> None:
        """Everything is sent."""
        self.done.append((args, kw))


class StringPagerTests(TestCase):
    """
    Tests for L{util.StringPager}.
    """

    def test_pages(self) -> None:
        """The string arrives in pages, the last one shorter; then the callback is called."""
        for size in SIZES:
            library = Library(bytes(range(size)))
            pair = brokerPair(library)
            pages = pair.result(util.getAllPages(pair.root, "string"))
            self.assertEqual(b"".join(pages), library.data)
            self.assertEqual({len(page) for page in pages[:-1]} - {10}, set())
            self.assertEqual(len(pages), max(1, (size + 9) // 10))
            self.assertEqual(library.done, [(("string",), {"key": 1})])
            self.assertEqual(pair.server.pageProducers, [])
            self.assertIsNone(pair.serverTransport.producer)

    def test_arguments(self) -> None:
        """getAllPages passes arguments on; chunks are 8192 bytes by default."""
        pair = brokerPair(Library(bytes(10)))
        self.assertEqual(pair.result(util.getAllPages(pair.root, "string", 3)), [bytes(3)] * 3 + [bytes(1)])
        self.assertEqual(pair.result(util.getAllPages(pair.root, "string", size=5)), [bytes(5)] * 2)
        library = Library()
        pair = brokerPair(library)
        pages = util.getAllPages(pair.root, "hold")
        pair.flush()
        self.assertEqual(util.StringPager(library.collector, bytes(9000)).chunkSize, 8192)
        self.assertEqual([len(page) for page in pair.result(pages)], [8192, 808])

    def test_severalAtOnce(self) -> None:
        """Several pagers of one connection send their pages in turn."""
        pair = brokerPair(Library(bytes(25)))
        first, second = (util.getAllPages(pair.root, "string") for _ in range(2))
        pair.flush()
        self.assertEqual(len(self.successResultOf(first)), 3)
        self.assertEqual(len(self.successResultOf(second)), 3)

    def test_largePages(self) -> None:
        """Pages that are larger than a byte string may be are sent as smaller ones."""
        for size in (640 * 1024 + 1, 2**31):
            library = Library(bytes(1_500_000))
            pair = brokerPair(library)
            pages = pair.result(util.getAllPages(pair.root, "string", size))
            self.assertEqual([len(page) for page in pages], [655_360, 655_360, 189_280])

    def test_refusedPage(self) -> None:
        """A page that can't be sent is the last one, and the collector isn't told that it has them all."""

        class Wrong(util.Pager):
            sent = 0

            def nextPage(self) -> Any:
                self.sent += 1
                return b"page" if self.sent == 1 else b"x" * 700_000

        library = Library()
        pair = brokerPair(library)
        ended: list[Any] = []
        collector = util.CallbackPageCollector(ended.append)
        pair.result(pair.root.callRemote("hold", collector))
        pager = Wrong(library.collector, library.finished)
        pair.flush()
        self.assertEqual((pager.sent, collector.pages, ended, library.done), (2, [b"page"], [], []))
        self.assertEqual(pair.server.pageProducers, [])
        self.assertEqual(len(self.flushLoggedErrors(pb.LimitExceeded)), 1)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 5)

    def test_onePageAtATime(self) -> None:
        """A page is only sent when the one before has left."""
        library = Library(bytes(100))
        pair = brokerPair(library)
        collected: list[Any] = []
        pages = util.getAllPages(pair.root, "string").addCallback(collected.append)
        for _ in range(6):
            pair.deliver()
            self.assertLess(len(pair.serverTransport.written), 100)
        self.assertEqual(collected, [])
        pair.flush()
        self.assertEqual(len(collected[0]), 10)
        self.successResultOf(pages)


class FilePagerTests(TestCase):
    """
    Tests for L{util.FilePager}.
    """

    def test_pages(self) -> None:
        """A file arrives whole: an empty one, one of exactly some chunks, and others."""
        self.patch(FileSender, "CHUNK_SIZE", 10)
        for size in SIZES:
            library = Library(bytes(range(size)))
            pair = brokerPair(library)
            pages = pair.result(util.getAllPages(pair.root, "file"))
            self.assertEqual(b"".join(pages), library.data)
            self.assertEqual(len(pages), (size + 9) // 10)
            self.assertEqual(library.done, [(("file",), {})])

    def test_tcp(self) -> None:
        """Over TCP, where a producer is asked at once, whether or not a call is being handled."""
        self.patch(FileSender, "CHUNK_SIZE", 10)
        library = Library(bytes(25))
        port = reactor.listenTCP(0, pb.PBServerFactory(library), interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        factory = pb.PBClientFactory()
        lost: Deferred[None] = Deferred()

        async def read() -> None:
            await pb.connect("127.0.0.1", port.getHost().port, factory)
            root = await factory.getRootObject()
            for data in (bytes(25), bytes(20), b""):
                library.data = data
                self.assertEqual(b"".join(await util.getAllPages(root, "file")), data)
                self.assertEqual(b"".join(await util.getAllPages(root, "string")), data)
                pages = util.getAllPages(root, "hold")
                await root.callRemote("echo", 1)
                reactor.callLater(0.05, util.FilePager, library.collector, BytesIO(data))  # type: ignore[attr-defined]
                self.assertEqual(b"".join(await pages.addTimeout(5, reactor)), data)
            root.notifyOnDisconnect(lambda root: lost.callback(None))
            library.collector.broker.notifyOnDisconnect(lambda: gone.callback(None))
            factory.disconnect()

        gone: Deferred[None] = Deferred()
        done = Deferred.fromCoroutine(read())

        def close(result: Any) -> Any:
            factory.disconnect()
            return result

        return (  # type: ignore[return-value]
            done.addErrback(close).addCallback(lambda ignored: lost).addCallback(lambda ignored: gone)
        )

    def test_streamingFile(self) -> None:
        """A producer of chunks that streams isn't asked for the first one."""
        asked: list[int] = []

        class Producer:
            def resumeProducing(self) -> None:
                asked.append(1)

        library = Library()
        pair = brokerPair(library)
        util.getAllPages(pair.root, "hold")
        pair.flush()
        pager = util.FilePager(library.collector, BytesIO())
        pager.registerProducer(Producer(), True)
        self.assertEqual(asked, [])
        pager.registerProducer(Producer(), False)
        self.assertEqual(asked, [1])

    def test_interfaces(self) -> None:
        """A file pager is a consumer of its file, a broker a producer for its transport."""
        self.assertTrue(IConsumer.implementedBy(util.FilePager))
        verifyClass(IPullProducer, PageProducers)
        self.assertTrue(IPullProducer.implementedBy(pb.Broker))


class PagerTests(TestCase):
    """
    Tests for L{util.Pager} and what is around it.
    """

    def test_nextPage(self) -> None:
        """A Pager itself has no pages."""
        library = Library()
        pair = brokerPair(library)
        pages = util.getAllPages(pair.root, "hold")
        pair.flush()
        pager = util.Pager(library.collector, callback="not callable")  # type: ignore[arg-type]
        self.assertIsNone(pager.callback)
        self.assertTrue(pager.stillPaging())
        self.assertRaises(NotImplementedError, pager.sendNextPage)
        self.assertNoResult(pages)

    def test_producer(self) -> None:
        """Pausing and stopping a broker's pages is nothing to it: pages are only sent when asked for."""
        broker = pb.Broker()
        self.assertIsNone(broker.pauseProducing())  # type: ignore[func-returns-value]
        self.assertIsNone(broker.stopProducing())  # type: ignore[func-returns-value]
        self.assertEqual(broker.pageProducers, [])

    def test_collector(self) -> None:
        """A collector gives its pages to a callback at the end."""
        got: list[Any] = []
        collector = util.CallbackPageCollector(got.append)
        collector.remote_gotPage(b"a")
        collector.remote_gotPage(b"b")
        self.assertEqual(got, [])
        collector.remote_endedPaging()
        self.assertEqual(got, [[b"a", b"b"]])


class GetAllPagesTests(TestCase):
    """
    Tests for L{util.getAllPages}: the Deferred always fires.
    """

    def test_failing(self) -> None:
        """It fails with the method's error."""
        pair = brokerPair(Library())
        with self.assertRaises(pb.Error):
            pair.result(util.getAllPages(pair.root, "fail"))

    def test_lostBeforeTheAnswer(self) -> None:
        """It fails when the connection is lost before the call is answered."""
        pair = brokerPair(Library())
        pages = util.getAllPages(pair.root, "string")
        pair.disconnect()
        self.failureResultOf(pages, pb.PBConnectionLost)

    def test_lostInBetween(self) -> None:
        """It fails when the connection is lost after the answer and before the last page."""
        library = Library(bytes(100))
        pair = brokerPair(library)
        pages = util.getAllPages(pair.root, "string")
        for _ in range(4):
            pair.deliver()
        pair.disconnect()
        self.failureResultOf(pages, pb.PBConnectionLost)
        self.assertEqual((library.done, pair.server.pageProducers), ([], []))

    def test_lostAfterwards(self) -> None:
        """Once the pages are there, the broker has nothing to tell any more."""
        pair = brokerPair(Library(bytes(5)))
        self.assertEqual(pair.result(util.getAllPages(pair.root, "string")), [bytes(5)])
        self.assertEqual(pair.client.disconnects, [])
        pair.disconnect()

    def test_pagesAfterAnError(self) -> None:
        """Pages that come although the method failed are ignored."""

        class Contrary(Library):
            def remote_fail(self, collector: Any) -> None:
                self.collector = collector
                raise pb.Error("no pages")

        library = Contrary()
        pair = brokerPair(library)
        with self.assertRaises(pb.Error):
            pair.result(util.getAllPages(pair.root, "fail"))
        self.assertIsNone(pair.result(library.collector.callRemote("endedPaging")))

    def test_local(self) -> None:
        """A local object will do, if it can be called like a reference."""

        class Near(pb.Referenceable):
            def remote_pages(self, collector: Any) -> None:
                collector.remote_gotPage(b"x")
                collector.remote_endedPaging()

        self.assertEqual(self.successResultOf(util.getAllPages(Near(), "pages")), [b"x"])



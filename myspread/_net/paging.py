"""
Large values in pages: each is sent when the one before has left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IPullProducer
from twisted.logger import Logger
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure
from zope.interface import implementer

from myspread._errors import PBConnectionLost
from myspread._flavors.referencing import Referenceable

__all__ = [
    "CallbackPageCollector",
    "FilePager",
    "PageProducers",
    "Pager",
    "StringPager",
    "getAllPages",
]

_log = Logger()


@implementer(IPullProducer)
class PageProducers:
    """
    The pagers of one broker, as a producer that its transport asks for more.

    @ivar pageProducers: the pagers that have not yet ended.
    """

    transport: Any
    disconnected: Any
    _pagers: list[Pager] | None = None
    _isAsked = False

    @property
    def pageProducers(self) -> list[Pager]:
        """The pagers that have not yet ended."""
        if self._pagers is None:
            self._pagers = []
        return self._pagers

    @pageProducers.setter
    def pageProducers(self, pagers: list[Pager]) -> None:
        self._pagers = pagers

    @property
    def isPaging(self) -> bool:
        """Whether there are pagers that the transport asks for more."""
        return self._isAsked

    def registerPageProducer(self, pager: Pager) -> None:
        """Let a pager send its pages, unless the connection is lost."""
        if self.disconnected:
            return
        self.pageProducers.append(pager)
        self._beginPaging()

    def answersRead(self) -> None:
        """The peer has read its answers, as far as is known."""

    def _mayPage(self) -> bool:
        """Whether the transport has no other producer of ours."""
        return True

    def _beginPaging(self) -> None:
        if self.pageProducers and not self._isAsked and self._mayPage():
            # It may ask at once, and that may have been all.
            self._isAsked = True
            self.transport.registerProducer(self, False)

    def _endPaging(self) -> None:
        self.pageProducers = []
        if self._isAsked:
            self._isAsked = False
            self.transport.unregisterProducer()

    def resumeProducing(self) -> None:
        """The transport has sent everything: each pager sends a page."""
        self.answersRead()
        for pager in list(self.pageProducers):
            pager.sendNextPage()
            if not pager.stillPaging():
                self.pageProducers.remove(pager)
        if not self.pageProducers:
            self._endPaging()

    def pauseProducing(self) -> None:
        """Nothing to do: a page is only sent when one is asked for."""

    def stopProducing(self) -> None:
        """Nothing to do: the end of the connection ends the pagers too."""


class Pager:
    """
    Sends something in pages to a collector at the peer. Subclasses override
    L{nextPage}.
    """

    _stillPaging = 1
    _refused = False

    def __init__(
        self, collector: Any, callback: Callable[..., Any] | None = None, *args: Any, **kw: Any
    ) -> None:
        """
        @param collector: a reference to an object with C{remote_gotPage(page)}
            and C{remote_endedPaging()}, such as a L{CallbackPageCollector}.
        @param callback: called with C{*args, **kw} when all pages are sent.
        """
        self.callback = callback if callable(callback) else None
        self.callbackArgs = args
        self.callbackKeyword = kw
        self.collector = collector
        collector.broker.registerPageProducer(self)

    def stillPaging(self) -> Any:
        """Whether there are more pages; if not, the collector is told, if it has got them all."""
        if not self._stillPaging and not self._refused:
            self.collector.callRemote("endedPaging", pbanswer=False)
            if self.callback is not None:
                self.callback(*self.callbackArgs, **self.callbackKeyword)
        return self._stillPaging

    def sendNextPage(self) -> None:
        """Send a page to the collector. When that is refused, there are no more."""
        self._send(self.nextPage())

    def _send(self, page: Any) -> None:
        refused = self.collector.callRemote("gotPage", page, pbanswer=False)
        if isinstance(refused, Deferred):
            refused.addErrback(self._pageRefused)

    def _pageRefused(self, failure: Failure) -> None:
        # The collector must not take what it has for the whole.
        self._refused = True
        self.stopPaging()
        _log.failure(
            "A page for {collector} can't be sent, and no more will be.", failure, collector=self.collector
        )

    def nextPage(self) -> Any:
        """
        The next page. Subclasses override this.

        @raise NotImplementedError: always.
        """
        raise NotImplementedError(f"{type(self).__qualname__} must override nextPage")

    def stopPaging(self) -> None:
        """The page that is now sent is the last one."""
        self._stillPaging = 0


class StringPager(Pager):
    """Sends a byte string in pages."""

    def __init__(
        self,
        collector: Any,
        st: bytes,
        chunkSize: int = 8192,
        callback: Callable[..., Any] | None = None,
        *args: Any,
        **kw: Any,
    ) -> None:
        """
        @param st: the string.
        @param chunkSize: bytes in a page; fewer, where that is more than
            C{Limits.stringLength}.
        """
        self.string = st
        self.pointer = 0
        limits = getattr(collector.broker, "limits", None)
        self.chunkSize = chunkSize if limits is None else max(1, min(chunkSize, limits.stringLength))
        super().__init__(collector, callback, *args, **kw)

    def nextPage(self) -> bytes:
        """The next C{chunkSize} bytes, or fewer at the end."""
        start = self.pointer
        self.pointer += self.chunkSize
        if self.pointer >= len(self.string):
            self.stopPaging()
        return self.string[start : self.pointer]


@implementer(IConsumer)
class FilePager(Pager):
    """Sends what is in a file in pages."""

    def __init__(
        self, collector: Any, fd: IO[bytes], callback: Callable[..., Any] | None = None, *args: Any, **kw: Any
    ) -> None:
        """
        @param fd: a file that is open for reading bytes; it isn't closed.
        """
        self.chunks: list[bytes] = []
        self.collector = collector
        # Registering asks for the first page at once, and if there is none, a
        # transport with nothing else to send never asks again.
        self.startProducing(fd)
        super().__init__(collector, callback, *args, **kw)

    def startProducing(self, fd: IO[bytes]) -> None:
        """Begin to read."""
        self.deferred = FileSender().beginFileTransfer(fd, self)
        self.deferred.addBoth(lambda ignored: self.stopPaging())

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """The file's reader offers its chunks."""
        self.producer = producer
        if not streaming:
            self.producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The file has ended."""
        self.producer = None

    def write(self, chunk: bytes) -> None:
        """The file's reader has a chunk."""
        self.chunks.append(chunk)

    def sendNextPage(self) -> None:
        """Send a chunk to the collector, and read the next one."""
        if not self.chunks:
            return
        chunk = self.chunks.pop(0)
        self.producer.resumeProducing()
        self._send(chunk)


class CallbackPageCollector(Referenceable):
    """
    Collects the pages that a pager at the peer sends.

    @ivar pages: what has arrived.
    """

    def __init__(self, callback: Callable[[list[Any]], Any]) -> None:
        """
        @param callback: called with the list of all pages at the end.
        """
        self.pages: list[Any] = []
        self.callback = callback

    def remote_gotPage(self, page: Any) -> None:
        """A page has arrived."""
        self.pages.append(page)

    def remote_endedPaging(self) -> None:
        """All pages have arrived."""
        self.callback(self.pages)


def getAllPages(referenceable: Any, methodName: str, *args: Any, **kw: Any) -> Deferred[list[Any]]:
    """
    Call a remote method that sends its result in pages.

    @param referenceable: a reference.
    @param methodName: a method whose first argument is the collector.
    @return: a Deferred of the list of pages; it fails when the call does, and
        with L{PBConnectionLost} when the connection is lost before all are there.
    """
    pages: Deferred[list[Any]] = Deferred()
    broker = getattr(referenceable, "broker", None)

    def ended(result: Any) -> None:
        if not pages.called:
            if broker is not None:
                broker.dontNotifyOnDisconnect(lost)
            pages.callback(result)

    def lost() -> None:
        ended(Failure(PBConnectionLost("the connection was lost before all pages were there")))

    referenceable.callRemote(methodName, CallbackPageCollector(ended), *args, **kw).addErrback(ended)
    if broker is not None and not pages.called:
        broker.notifyOnDisconnect(lost)
    return pages

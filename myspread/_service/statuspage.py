"""
The web site of a server's status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from myspread._factories.admission import Refused
from myspread._service.hosts import isAllowed

__all__ = ["HEADERS", "MOST_CONNECTIONS", "Page", "Text", "boundedSite"]

PAGES = Path(__file__).parent / "pages"
"""The files that are served as they are."""

_FILES = {
    b"": ("status.html", "text/html; charset=utf-8"),
    b"status.css": ("status.css", "text/css; charset=utf-8"),
    b"status.js": ("status.js", "text/javascript; charset=utf-8"),
    b"icon.svg": ("icon.svg", "image/svg+xml"),
}

HEADERS = {
    b"Content-Security-Policy": (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    b"Cache-Control": b"no-store",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Referrer-Policy": b"no-referrer",
    b"Server": b"myspread",
    b"X-Content-Type-Options": b"nosniff",
    b"X-Frame-Options": b"DENY",
}
"""What each answer says besides."""

MOST_CONNECTIONS = 50
"""Connections to the site at once."""

PATIENCE = 30
"""Seconds that such a connection may be idle."""

FRESH = 0.5
"""Seconds for which a text is sent again, so that many requests cost no more than two each second."""


class Text(Resource):
    """
    A text that is made anew for each request, but not more often than it
    changes much.
    """

    isLeaf = True

    def __init__(
        self,
        make: Callable[[], tuple[int, str]],
        contentType: str,
        seconds: Callable[[], float],
        fresh: float = FRESH,
    ) -> None:
        """
        @param make: the status code and the text.
        @param seconds: tells the time.
        @param fresh: for how many seconds the text may be used again.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._make = make
        self._contentType = contentType.encode()
        self._seconds = seconds
        self._fresh = fresh
        self._made: tuple[float, int, bytes] | None = None

    def render(self, request: Any) -> bytes | int:
        """The text, for those who only look."""
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(405)
            request.setHeader(b"Allow", b"GET, HEAD")
            request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
            return b"One can only look here.\n"
        now = self._seconds()
        if self._made is None or not 0 <= now - self._made[0] < self._fresh:
            code, text = self._make()
            self._made = now, code, text.encode()
        request.setResponseCode(self._made[1])
        request.setHeader(b"Content-Type", self._contentType)
        if request.method == b"HEAD":
            # Twisted would tell the log of each one that it has left the body out.
            request.setHeader(b"Content-Length", b"%d" % len(self._made[2]))
            request.finish()
            return NOT_DONE_YET
        return self._made[2]


def _plain(code: int, text: str) -> Text:
    return Text(lambda: (code, text + "\n"), "text/plain; charset=utf-8", lambda: 0.0)


def _file(path: Path) -> Callable[[], tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    return lambda: (200, text)


class _Request(Request):
    """
    A request that has no body.
    """

    def handleContentChunk(self, data: bytes) -> None:
        """Whoever sends a body isn't meant to be here; nothing of it is kept."""
        if data:
            self.channel.forceAbortClient()


class Page(Site):
    """
    The site.
    """

    requestFactory = _Request
    noisy = False

    def __init__(self, names: Collection[str]) -> None:
        """
        @param names: by which it may be asked for, besides addresses.
        """
        root = Resource()
        super().__init__(root, timeout=PATIENCE)  # type: ignore[no-untyped-call]
        self._names = names
        self._unknown = _plain(404, "There is no such page.")
        self._strange = _plain(
            421, "This server isn't known by that name: use its address, or see --status-host."
        )
        for path, (name, contentType) in _FILES.items():
            self.add(path, _file(PAGES / name), contentType, lambda: 0.0)

    def add(
        self,
        path: bytes,
        make: Callable[[], tuple[int, str]],
        contentType: str,
        seconds: Callable[[], float],
        fresh: float = FRESH,
    ) -> None:
        """
        Have one more text; see L{Text}.

        @param path: where, without a slash.
        """
        self.resource.putChild(path, Text(make, contentType, seconds, fresh))

    def addJson(self, path: bytes, make: Callable[[], Any], seconds: Callable[[], float]) -> None:
        """
        Have one more text, of JSON.

        @param make: what JSON can have.
        """

        def text() -> tuple[int, str]:
            return 200, json.dumps(make(), separators=(",", ":"), allow_nan=False)

        self.add(path, text, "application/json", seconds)

    def getResourceFor(self, request: Any) -> Any:
        """What a request asks for: something of this site, by one of its names."""
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if not isAllowed(request.getHeader(b"host"), self._names):
            return self._strange
        if len(request.postpath) != 1:
            return self._unknown
        return self.resource.children.get(request.postpath[0], self._unknown)

    def log(self, request: Any) -> None:
        """A page that is open asks every second: that isn't worth an entry in the log."""


class _Bounded(WrappingFactory):
    """
    Only so many connections at once.
    """

    noisy = False

    def buildProtocol(self, addr: Any) -> Any:
        if len(self.protocols) >= MOST_CONNECTIONS:
            return Refused()
        return super().buildProtocol(addr)

    def closeAll(self) -> None:
        """Close what is open."""
        protocols: list[ProtocolWrapper] = list(self.protocols)
        for protocol in protocols:
            protocol.abortConnection()


def boundedSite(page: Page) -> Any:
    """A factory for a site, which takes only so many connections."""
    return _Bounded(page)  # type: ignore[no-untyped-call]

"""
Two processes of C{twistd web}, joined by C{twisted.web.distrib}: what the one is
asked for over HTTP, the other one renders.
"""

from __future__ import annotations

import os
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool
from twisted.web.http_headers import Headers

from tests.examples.programs import Program, kill
from tests.substitution.running import cleanEnvironment

__all__ = ["BACK", "FRONT", "LARGE", "Answer", "Client", "startBack", "startFront"]

LARGE = b"0123456789abcdef" * (2 * 1024 * 1024 // 16)

BACK = """
from twisted.web import resource, static

class Echo(resource.Resource):
    isLeaf = True
    def render_POST(self, request):
        return b"posted " + request.content.read()

class Broker(resource.Resource):
    isLeaf = True
    def render_GET(self, request):
        return type(request.remote.broker).__module__.encode()

class Root(resource.Resource):
    def __init__(self):
        resource.Resource.__init__(self)
        self.putChild(b"small", static.Data(b"a small page", "text/plain"))
        self.putChild(b"large", static.Data({piece!r} * {pieces}, "text/plain"))
        self.putChild(b"echo", Echo())
        self.putChild(b"broker", Broker())
"""
"""What the process behind serves. C{broker} tells what its own broker is."""

FRONT = """
from twisted.web import distrib, resource

class Broker(resource.Resource):
    isLeaf = True
    def __init__(self, subscription):
        self.subscription = subscription
    def render_GET(self, request):
        return type(self.subscription.publisher.broker).__module__.encode()

class Root(resource.Resource):
    def __init__(self):
        resource.Resource.__init__(self)
        subscription = distrib.ResourceSubscription({host!r}, {port!r})
        self.putChild(b"back", subscription)
        self.putChild(b"broker", Broker(subscription))
"""
"""What the process in front serves."""


class Answer(NamedTuple):
    """An HTTP response."""

    code: int
    body: bytes


_ON_STOCK = ["-c", "from twisted.scripts.twistd import run; run()"]
_ON_OURS = ["-m", "myspread", "run", "twistd"]


async def _start(case: Any, isOurs: bool, module: str, words: list[str], pattern: str) -> str:
    """
    Start C{twistd web}; it is killed when the test ends.

    @param case: the test, which has a C{directory}.
    @param isOurs: whether to run it on myspread.
    @param module: the source of a module with the resource to serve.
    @param pattern: finds in its log where it listens.
    @return: the port on which it listens, or its path.
    """
    directory = tempfile.mkdtemp(dir=case.directory)
    Path(directory, "served.py").write_text(module)
    variables = cleanEnvironment(HOME=str(case.directory))
    variables["PYTHONPATH"] += os.pathsep + directory
    command = [*(_ON_OURS if isOurs else _ON_STOCK), "-n", "--pidfile=", "web", "--class=served.Root", *words]
    program = Program("twistd web", twistd=True)
    reactor.spawnProcess(program, sys.executable, [sys.executable, *command], env=variables, path=directory)
    case.addCleanup(kill, program)
    [where] = await program.printed(pattern)
    return where


async def startBack(case: Any, isOurs: bool, overUnix: bool = False) -> tuple[str, int | str]:
    """The process behind; where it listens, as C{ResourceSubscription} wants it."""
    module = BACK.format(piece=LARGE[:16], pieces=len(LARGE) // 16)
    if overUnix:
        await _start(case, isOurs, module, ["--personal"], r"PBServerFactory starting on (\S+)")
        return "unix", str(Path(case.directory, ".twistd-web-pb"))
    words = ["--personal", "--listen", "tcp:0:interface=127.0.0.1"]
    return "127.0.0.1", int(await _start(case, isOurs, module, words, r"PBServerFactory starting on (\d+)"))


async def startFront(case: Any, isOurs: bool, where: tuple[str, int | str]) -> int:
    """The process in front; its port."""
    module = FRONT.format(host=where[0], port=where[1])
    words = ["--listen", "tcp:0:interface=127.0.0.1"]
    return int(await _start(case, isOurs, module, words, r"Site starting on (\d+)"))


class _Body(Protocol):
    def __init__(self) -> None:
        self.received = bytearray()
        self.complete: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.complete.callback(bytes(self.received))


class Client:
    """
    Asks one server over one connection that is kept.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._pool = HTTPConnectionPool(reactor)  # type: ignore[no-untyped-call]
        self._agent = Agent(reactor, pool=self._pool)

    async def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> Answer:
        """Make a request."""
        producer = None
        if body is not None:
            producer = FileBodyProducer(BytesIO(body))
        url = f"http://127.0.0.1:{self._port}/{path}".encode()
        response: Any = await self._agent.request(method.encode(), url, Headers(), producer)
        content = _Body()
        response.deliverBody(content)
        return Answer(response.code, await content.complete)

    async def close(self) -> None:
        """Close the connection."""
        await self._pool.closeCachedConnections()

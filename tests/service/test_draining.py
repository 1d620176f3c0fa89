"""
C{twistd pbserver} is stopped while clients call it: no answer is lost.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.spread import pb as stock

from myspread import pb
from tests.interop.processes import certificate
from tests.service.daemons import TwistdTestCase

LOCAL = "tcp:0:interface=127.0.0.1"

SITE = '''
import json

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from myspread import pb


class Site(pb.Root):
    """Remembers which calls it has run, and tells when it ends."""

    def __init__(self):
        self.ran = []
        reactor.addSystemEventTrigger("after", "shutdown", self.tell)

    def tell(self):
        with open("ran.json", "w") as file:
            json.dump(self.ran, file)

    def remote_at_once(self, name):
        self.ran.append(name)
        return name

    def remote_soon(self, name):
        self.ran.append(name)
        return deferLater(reactor, 0.03, lambda: name)

    def remote_never(self):
        return Deferred()
'''


OWN = [f"mkdir {name}; cp site_here.py {name}; cd {name}" for name in ("first", "second")]
"""By server, how it gets a directory of its own."""


class Load:
    """
    A client that calls all the time, several calls at once.

    @ivar answered: the names of the calls that were answered.
    @ivar refused: of those that were refused.
    @ivar lost: of those whose connection was lost.
    """

    def __init__(self, name: str, reference: Any) -> None:
        self.name = name
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.lost: list[str] = []
        self._reference = reference
        self._count = 0
        self._open = 0
        self._stopped = False
        self.ended: Deferred[None] = Deferred()

    def start(self) -> None:
        """Keep eight calls in progress."""
        for _ in range(8):
            self._open += 1
            self._next()

    def stop(self) -> Deferred[None]:
        """Call no more. The Deferred fires once all calls are answered."""
        self._stopped = True
        return self.ended

    def _next(self) -> None:
        if self._stopped:
            self._end()
            return
        self._count += 1
        name = f"{self.name} {self._count}"
        method = "soon" if self._count % 3 == 0 else "at_once"
        try:
            call = self._reference.callRemote(method, name)
        except stock.DeadReferenceError:
            self._end()
            return
        call.addCallbacks(self._answered, self._failed, errbackArgs=(name,))

    def _answered(self, name: str) -> None:
        self.answered.append(name)
        # Not at once: thousands of calls would be one within the other.
        reactor.callLater(0, self._next)

    def _failed(self, failure: Any, name: str) -> None:
        if failure.check("myspread.pb.ServerLeaving"):
            self.refused.append(name)
        else:
            failure.trap(stock.PBConnectionLost, pb.SessionClosed)
            self.lost.append(name)
        self._end()

    def _end(self) -> None:
        self._open -= 1
        if not self._open:
            self.ended.callback(None)


class DrainTests(TwistdTestCase):
    """
    SIGTERM.
    """

    async def test_underLoad(self) -> None:
        """
        Clients of ours and of C{twisted.spread} call all the time, over TCP and
        TLS. Each call that has run was answered.
        """
        (self.directory / "site_here.py").write_text(SITE)
        key, trusted = certificate()
        tls = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={trusted}"
        words = ("--port", LOCAL, "--port", tls, "--root", "site_here:Site", "--drain", "8")
        program, [first, second] = await self.serve(*words, ports=2)
        loads = []
        for where in (f"tcp:127.0.0.1:{first}", f"tls:127.0.0.1:{second}:trustRoots={trusted.parent}"):
            for package in (pb, stock):
                factory: Any = package.PBClientFactory()
                await endpoints.clientFromString(reactor, where).connect(factory)
                loads.append(Load(f"{package.__name__} over {where[:3]}", await factory.getRootObject()))
        for load in loads:
            load.start()
        await self.until(lambda: all(len(load.answered) > 100 for load in loads))
        program.signal("TERM")
        self.assertIsNone(await program.ended, "it dies of the signal")
        self.assertEqual(program.complaints, "")
        for load in loads:
            await load.ended
        ran = json.loads((self.directory / "ran.json").read_text())
        answered = [name for load in loads for name in load.answered]
        self.assertEqual(sorted(ran), sorted(answered))

    async def test_sessions(self) -> None:
        """A persistent session goes to another server, and no call fails."""
        (self.directory / "site_here.py").write_text(SITE)
        servers = [await self.serve("--port", LOCAL, "--root", "site_here:Site", before=each) for each in OWN]
        where = [f"tcp:127.0.0.1:{port}" for _, [port] in servers]
        backoff = pb.Backoff(first=0.01, longest=0.1)
        session = pb.session(where, persistent=True, backoff=backoff)  # type: ignore[arg-type]
        self.addCleanup(session.close)
        load = Load("session", session)
        load.start()
        await self.until(lambda: len(load.answered) > 100)
        servers[0][0].signal("TERM")
        await servers[0][0].ended
        count = len(load.answered)
        await self.until(lambda: len(load.answered) > count + 100)
        await load.stop()
        self.assertEqual(load.lost, [])
        self.assertIn("is being stopped", str(session.reason and session.reason.value))
        await session.close()

    async def test_status(self) -> None:
        """While it drains, a server tells those who ask that it isn't ready; then nobody answers."""
        (self.directory / "site_here.py").write_text(SITE)
        words = ("--port", LOCAL, "--root", "site_here:Site", "--status", "tcp:0", "--drain", "600")
        program, [port] = await self.serve(*words)
        [status] = await program.printed(r"Page \(_Bounded\) starting on (\d+)")
        self.assertEqual(await self.ask(status), (200, b"serving\n"))
        root = await self.root(f"tcp:127.0.0.1:{port}")
        never = root.callRemote("never")
        never.addErrback(lambda failure: failure.trap(stock.PBConnectionLost))
        await root.callRemote("at_once", "x")
        program.signal("TERM")
        await program.printed(r"(The server is being stopped)")
        self.assertEqual(await self.ask(status), (503, b"draining\n"))
        root.broker.transport.loseConnection()
        await program.ended
        self.assertEqual(program.complaints, "")

    async def ask(self, status: str) -> tuple[int, bytes]:
        """Whether a server is ready: status code and text."""

        def answer() -> tuple[int, bytes]:
            connection = HTTPConnection("127.0.0.1", int(status), timeout=30)
            connection.request("GET", "/readyz")
            got = connection.getresponse()
            text = got.status, got.read()
            connection.close()
            return text

        answered: tuple[int, bytes] = await deferToThread(answer)
        return answered

    async def test_secondSignal(self) -> None:
        """A second SIGTERM closes everything at once."""
        (self.directory / "site_here.py").write_text(SITE)
        program, [port] = await self.serve("--port", LOCAL, "--root", "site_here:Site", "--drain", "600")
        root = await self.root(f"tcp:127.0.0.1:{port}")
        never = root.callRemote("never")
        never.addErrback(lambda failure: failure.trap(stock.PBConnectionLost))
        program.signal("TERM")
        await program.printed(r"(The server is being stopped): calls on 1 connections may go on for 600 s")
        # It is in no hurry.
        await deferLater(reactor, 0.3, lambda: None)
        self.assertTrue(program.running)
        self.assertFalse(never.called)
        program.signal("TERM")
        await program.ended
        await never
        self.assertSubstring("A second signal: all connections are closed at once.", program.output)
        self.assertEqual(program.complaints, "")

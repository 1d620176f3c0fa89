"""
C{twistd pbserver} in processes of its own, before clients that are too many, or
not welcome. They run on C{twisted.spread}, or are plain sockets.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred, DeferredList, ensureDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.spread import pb as stock

from myspread._service.descriptors import mostDescriptors
from tests.examples.programs import Program
from tests.service.daemons import TwistdTestCase

LOCAL = "tcp:0:interface=127.0.0.1"
GREETING = b"\x02\x80\x02\x82pb\x04\x82none"
WORKERS = 1000

SITE = """
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal

from myspread import pb


class Site(pb.Root):
    def remote_nameOf(self, value):
        return type(value).__name__


class ReceivedBook(pb.RemoteCopy):
    pass


pb.setUnjellyableForClass("library.Book", ReceivedBook)
closed = pb.SecurityPolicy()
books = closed.allowUnjellyable("library.Book", ReceivedBook)


def portal():
    return Portal(pb.Realm(), [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")])
"""


class Book(stock.Copyable):
    """What a client sends."""

    def getTypeToCopy(self) -> bytes:
        """Its tag."""
        return b"library.Book"


class FacingCase(TwistdTestCase):
    """
    Servers whose site is in their working directory.
    """

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "facing_site.py").write_text(SITE)
        self.factories: list[Any] = []

    async def start(self, root: str, *words: str, before: str = "") -> tuple[Program, int]:
        """A server for a root of the site, and its port."""
        program, [port] = await self.serve(
            "--port", LOCAL, "--root", f"facing_site:{root}", *words, before=before
        )
        return program, int(port)

    def greeting(self, port: int) -> bytes:
        """What a server says first on a new connection, which stays open."""
        try:
            connection = socket.create_connection(("127.0.0.1", port), 10)
            self.addCleanup(connection.close)
            return connection.recv(100)
        except ConnectionError:
            return b""

    async def sockets(self, port: int, count: int) -> list[bool]:
        """Make connections, one after the other: whether each is greeted."""
        return [await deferToThread(self.greeting, port) == GREETING for _ in range(count)]


class CountTests(FacingCase):
    """
    Connections, and their number.
    """

    async def test_perAddress(self) -> None:
        """One connection more than there may be from an address is closed at once, and the log says why."""
        program, port = await self.start("Site", "--limit", "connectionsPerAddress=2")
        self.assertEqual(await self.sockets(port, 4), [True, True, False, False])
        await program.printed(
            r"A connection from (.+) is refused: there are 2 already from 127.0.0.1 "
            r"\(Limits.connectionsPerAddress\)",
            2,
        )
        self.assertEqual(program.complaints, "")

    async def test_startups(self) -> None:
        """Connections that don't go on to the handshake keep others out, but not those that are ready."""
        _, port = await self.start("Site", "--limit", "startups=2", "--limit", "startupsFull=2")
        root = await self.root(f"tcp:127.0.0.1:{port}")
        # Once it is answered, the server has seen the end of the handshake.
        await root.callRemote("nameOf", 5)
        self.assertEqual(await self.sockets(port, 3), [True, True, False])
        self.assertEqual(await root.callRemote("nameOf", 5), "int")

    async def test_notBounded(self) -> None:
        """With C{none} there is no bound."""
        words = [f"--limit={name}=none" for name in ("connections", "connectionsPerAddress", "startups")]
        _, port = await self.start("Site", *words, "--limit", "startupsFull=none")
        self.assertEqual(await self.sockets(port, 50), [True] * 50)

    async def test_descriptors(self) -> None:
        """
        The limit of open files is raised as far as possible, and connections
        stay below it: so those that there are don't notice the others.
        """
        program, port = await self.start(
            "Site", "--limit", "startups=none", before="ulimit -Sn 200; ulimit -Hn 300"
        )
        root = await self.root(f"tcp:127.0.0.1:{port}")
        greeted = await self.sockets(port, 250)
        self.assertEqual(greeted, [True] * 199 + [False] * 51)
        self.assertEqual(await root.callRemote("nameOf", 5), "int")
        self.assertSubstring("The limit of open files is raised from 200 to 300.", program.output)
        self.assertSubstring("There may be 200 connections and not 8192", program.output)
        self.assertEqual(program.complaints, "")
        self.assertLess(len(program.output), 20_000)


class LoginTests(FacingCase):
    """
    Logins, and those that fail.
    """

    async def login(self, factory: Any, password: bytes) -> Any:
        """What comes of a login: an avatar, or the text of an error."""
        outcome: list[Any] = []
        await factory.login(UsernamePassword(b"ann", password)).addBoth(outcome.append)
        return getattr(outcome[0], "value", outcome[0])

    async def client(self, port: int) -> tuple[Any, Deferred[None]]:
        """A client's factory, and a Deferred that fires when its connection is lost."""
        factory = stock.PBClientFactory()
        endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        broker = await endpoint.connect(factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        self.addCleanup(lambda: lost)
        self.addCleanup(broker.transport.loseConnection)
        return factory, lost

    async def test_attempts(self) -> None:
        """Too many failures: the client is told which limit it was, then the connection closes."""
        program, port = await self.start("portal", "--limit", "loginAttempts=2", "--limit", "loginDelay=0")
        factory, lost = await self.client(port)
        for _ in range(2):
            self.assertEqual(await self.login(factory, b"wrong"), "")
        self.assertEqual(
            await self.login(factory, b"wrong"),
            "3 logins have failed on this connection, which closes (Limits.loginAttempts is 2)",
        )
        await lost
        await program.printed(r"Closing the connection to .+: (3 logins have failed)")

    async def test_delay(self) -> None:
        """After a failure the next login from the same address waits, on whatever connection it is."""
        _, port = await self.start("portal", "--limit", "loginDelay=0.5")
        (first, _), (second, _) = await self.client(port), await self.client(port)
        await self.login(first, b"wrong")
        begun = reactor.seconds()
        self.assertIsInstance(await self.login(second, b"secret"), stock.RemoteReference)
        self.assertGreater(reactor.seconds() - begun, 0.4)

    async def test_loginTime(self) -> None:
        """Who doesn't log in is closed after a while, and who does is not."""
        _, port = await self.start("portal", "--limit", "loginTime=0.5")
        (_, idleLost), (active, activeLost) = await self.client(port), await self.client(port)
        avatar = await self.login(active, b"secret")
        await idleLost
        await deferLater(reactor, 0.3)
        self.assertFalse(activeLost.called)
        self.assertIsInstance(avatar, stock.RemoteReference)


class PolicyTests(FacingCase):
    """
    C{--policy}.
    """

    async def test_policies(self) -> None:
        """What the policy names is accepted, and nothing else; by default what the site has registered is."""
        for words, accepted in (
            ((), True),
            (("--policy", "facing_site:books"), True),
            (("--policy", "facing_site:closed"), False),
        ):
            program, port = await self.start("Site", *words)
            root = await self.root(f"tcp:127.0.0.1:{port}")
            if accepted:
                self.assertEqual(await root.callRemote("nameOf", Book()), "ReceivedBook")
            else:
                with self.assertRaises(stock.RemoteError) as caught:
                    await root.callRemote("nameOf", Book())
                self.assertEqual(caught.exception.remoteType, b"twisted.spread.jelly.InsecureJelly")
            program.signal("TERM")
            await program.ended

    async def test_wrong(self) -> None:
        """A wrong one is reported on one line."""
        outcome = await self.outcome("-n", "pbserver", "--policy", "facing_site:Site")
        self.assertEqual((outcome[0], outcome[1]), (1, ""))
        self.assertSubstring(
            "twistd pbserver: --policy facing_site:Site: facing_site:Site made no policy: ", outcome[2]
        )
        self.assertEqual(outcome[2].count("\n"), 1)


class FarmTests(FacingCase):
    """
    A build farm behind one address.
    """

    timeout = 60

    async def worker(self, port: int) -> Any:
        """Connect and log in."""
        factory = stock.PBClientFactory()
        factory.noisy = False
        endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=15)
        broker = await endpoint.connect(factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        avatar = await factory.login(UsernamePassword(b"ann", b"secret"))
        return broker, lost, avatar

    async def test_reconnects(self) -> None:
        """All of 1,000 workers get in when they connect at once, and again when all have been cut off."""
        if mostDescriptors(reactor) < WORKERS + 100:
            self.skipTest("this process may not have so many connections")
        program, port = await self.start("portal")
        for _ in range(2):
            workers = await DeferredList(
                [ensureDeferred(self.worker(port)) for _ in range(WORKERS)], consumeErrors=True
            )
            self.assertEqual([result for succeeded, result in workers if not succeeded], [])
            for _, (broker, _, _) in workers:
                broker.transport.abortConnection()
            await DeferredList([lost for _, (_, lost, _) in workers])
        self.assertNotIn("is refused", program.output)
        self.assertEqual(program.complaints, "")

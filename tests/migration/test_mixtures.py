"""
Classes of one package behind factories of the other, on either side.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from myspread import pb
from myspread.testing import BrokerPair, brokerPair
from myspread.testing._watching import fresh
from tests.migration.mixtures import MIXED, MIXTURES, PAGED, Mixture, World, worldsOf

Test = Callable[[Any, BrokerPair, World, World], None]


def onEveryMixture(test: Test) -> Callable[[Any], None]:
    """
    Decorate a test of two connected brokers, whose server has C{Root} of its
    world as root, so that it runs on every mixture.
    """

    def runAll(self: Any) -> None:
        for mixture in MIXTURES:
            with self.subTest(str(mixture)), fresh():
                server, client = worldsOf(mixture)
                pair = pairOf(server, client, lambda world: world.Root())
                test(self, pair, server, client)
                pair.disconnect()
                gc.collect()

    runAll.__name__ = test.__name__
    runAll.__doc__ = test.__doc__
    return runAll


def pairOf(server: World, client: World, makeRoot: Callable[[World], Any]) -> BrokerPair:
    """Two brokers of these worlds, connected in memory."""
    return brokerPair(serverFactory=server.serverFactory(makeRoot), clientFactory=client.clientFactory())


class MixtureTests(SynchronousTestCase):
    """
    All sixteen: factory and classes of either package, on either side.
    """

    @onEveryMixture
    def test_plainValues(self, pair: BrokerPair, server: World, client: World) -> None:
        """Arguments, keywords and answers arrive."""
        value = pair.result(pair.root.callRemote("echo", 1, "two", three=[3.0, None, {b"4": (5,)}]))
        self.assertEqual(value, ((1, "two"), {"three": [3.0, None, {b"4": (5,)}]}))

    @onEveryMixture
    def test_referenceToTheServer(self, pair: BrokerPair, server: World, client: World) -> None:
        """An object of the server can be called, and comes back as itself."""
        adder = pair.result(pair.root.callRemote("adder"))
        self.assertEqual(pair.result(adder.callRemote("add", 1, other=2)), 3)
        self.assertTrue(pair.result(pair.root.callRemote("isAdder", adder)))

    @onEveryMixture
    def test_referenceToTheClient(self, pair: BrokerPair, server: World, client: World) -> None:
        """An object of the client can be called, and comes back as itself."""
        adder = client.Adder()
        self.assertEqual(pair.result(pair.root.callRemote("ask", adder)), 42)
        self.assertIs(pair.result(pair.root.callRemote("same", adder)), adder)

    @onEveryMixture
    def test_referencesAreGivenBack(self, pair: BrokerPair, server: World, client: World) -> None:
        """The server forgets what the client has forgotten."""
        adder = pair.result(pair.root.callRemote("adder"))
        self.assertEqual(len(pair.server.localObjects), 2)
        del adder
        gc.collect()
        pair.flush()
        self.assertEqual(list(pair.server.localObjects), [b"root"])

    @onEveryMixture
    def test_copies(self, pair: BrokerPair, server: World, client: World) -> None:
        """A Copyable becomes the RemoteCopy that is registered, both ways."""
        [pond] = pair.result(pair.root.callRemote("pond", 7))
        self.assertIs(type(pond), client.RemotePond)
        self.assertEqual(pond.count, 7)
        self.assertEqual(pair.result(pair.root.callRemote("count", client.Pond(8))), (True, 8))

    @onEveryMixture
    def test_caches(self, pair: BrokerPair, server: World, client: World) -> None:
        """
        A Cacheable is cached, updated, recognised, and told of its end with an
        observer that is equal to the one that it was given.
        """
        duck = pair.result(pair.root.callRemote("duck"))
        self.assertIs(type(duck), client.RemoteDuck)
        self.assertEqual(duck.name, "Donald")
        self.assertEqual(pair.result(pair.root.callRemote("rename", "Daisy")), "now Daisy")
        self.assertEqual(duck.name, "Daisy")
        again = pair.result(pair.root.callRemote("duck"))
        self.assertEqual(again.name, "Daisy")
        self.assertTrue(pair.result(pair.root.callRemote("isDuck", duck)))
        del duck, again
        gc.collect()
        pair.flush()
        self.assertEqual(server.stopped, [True])

    @onEveryMixture
    def test_cachesAtDisconnection(self, pair: BrokerPair, server: World, client: World) -> None:
        """The end of the connection ends each observation, once."""
        duck = pair.result(pair.root.callRemote("duck"))
        pair.disconnect()
        self.assertEqual(server.stopped, [True])
        self.assertEqual(duck.name, "Donald")

    @onEveryMixture
    def test_asReferenceable(self, pair: BrokerPair, server: World, client: World) -> None:
        """An object of no flavor is served through AsReferenceable."""
        plain = pair.result(pair.root.callRemote("plain"))
        self.assertEqual(pair.result(plain.callRemote("hello", 1)), ["hello", 1])

    @onEveryMixture
    def test_pages(self, pair: BrokerPair, server: World, client: World) -> None:
        """A pager of the server sends to a collector of the client."""
        pages = pair.result(client.side.classes.util.getAllPages(pair.root, "pages"))
        self.assertEqual((len(pages), b"".join(pages)), (20, PAGED))

    @onEveryMixture
    def test_errors(self, pair: BrokerPair, server: World, client: World) -> None:
        """The server's errors can be trapped as either package's."""
        for kind, trapped in (("Error", stock.Error), ("Error", pb.Error), ("ValueError", ValueError)):
            failed: list[Failure] = []
            pair.root.callRemote("fail", kind).addErrback(failed.append)
            pair.flush()
            self.assertIs(failed[0].check(trapped), trapped)
            self.assertEqual(failed[0].getErrorMessage(), "on purpose")
        self.flushLoggedErrors(ValueError)

    @onEveryMixture
    def test_missingMethod(self, pair: BrokerPair, server: World, client: World) -> None:
        """A method that isn't there is reported under the name that both packages have for that."""
        failed: list[Failure] = []
        pair.root.callRemote("nothing").addErrback(failed.append)
        pair.flush()
        self.assertTrue(failed[0].check(stock.NoSuchMethod))
        self.flushLoggedErrors(stock.NoSuchMethod)


class LoginTests(SynchronousTestCase):
    """
    Login to a realm that tests for the interface of C{twisted.spread}.
    """

    def login(self, pair: BrokerPair, credentials: Any, mind: Any = None) -> Any:
        """The avatar for these credentials."""
        return pair.result(pair.clientFactory.login(credentials, mind))

    def test_everyMixture(self) -> None:
        """
        Avatars, views and minds work, and whoever drops the avatar is logged
        out, once.
        """
        for mixture in MIXTURES:
            with self.subTest(str(mixture)), fresh():
                server, client = worldsOf(mixture)
                pair = pairOf(server, client, World.portal)
                avatar = self.login(pair, UsernamePassword(b"Mia", b"secret"), client.Adder())
                for method in ("watched", "viewpoint"):
                    watched = pair.result(avatar.callRemote(method))
                    self.assertEqual(pair.result(watched.callRemote("who", "it is")), "it is Mia")
                self.assertEqual(pair.result(avatar.callRemote("mind")), 2)
                del avatar, watched
                gc.collect()
                pair.flush()
                self.assertEqual(server.loggedOut, ["Mia"])
                self.assertIsNotNone(self.login(pair, Anonymous()))
                pair.disconnect()
                self.assertEqual(server.loggedOut, ["Mia", "nobody"])


class SocketTests(TestCase):
    """
    Both sides half migrated, over TCP.
    """

    timeout = 30

    async def converse(self, mixture: Mixture) -> None:
        server, client = worldsOf(mixture)
        factory = client.clientFactory()
        listening = endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await listening.listen(server.serverFactory(lambda world: world.Root()))
        try:
            calling = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            broker = await calling.connect(factory)
            lost: Deferred[None] = Deferred()
            broker.notifyOnDisconnect(lambda: lost.callback(None))
            root = await factory.getRootObject()
            duck = await root.callRemote("duck")
            self.assertEqual(await root.callRemote("rename", "Daisy"), "now Daisy")
            self.assertEqual(duck.name, "Daisy")
            self.assertEqual(await root.callRemote("ask", client.Adder()), 42)
            self.assertEqual(await root.callRemote("count", client.Pond(3)), (True, 3))
            large = b"x" * 500_000
            self.assertEqual(await root.callRemote("echo", large), ((large,), {}))
            pages = await client.side.classes.util.getAllPages(root, "pages")
            self.assertEqual(b"".join(pages), PAGED)
            factory.disconnect()
            await lost
        finally:
            await port.stopListening()

    async def test_everyMixtureOfBoth(self) -> None:
        """References, caches, copies, large values and pages, in each of the four mixtures."""
        self.assertEqual(len(MIXED), 4)
        for mixture in MIXED:
            await ensureDeferred(self.converse(mixture))

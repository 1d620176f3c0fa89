"""
Tests for L{FakeServer}.
"""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import LoginFailed
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from myspread import pb
from myspread.testing import Call, FakeCache, FakeServer, UnexpectedCall

ANN = UsernamePassword(b"ann", b"secret")


class Listener(pb.Referenceable):
    """Something that a client lends."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def remote_hear(self, what: Any) -> None:
        """Hear something."""
        self.heard.append(what)


class SeenPrice(pb.RemoteCache):
    """A cache of the client's."""

    price = 0

    def observe_change(self, price: int) -> None:
        """It changes."""
        self.price = price


pb.setUnjellyableForClass("tests.FakePrice", SeenPrice)


class AnswerTests(SynchronousTestCase):
    """
    What is answered.
    """

    def setUp(self) -> None:
        """A server, and a client."""
        self.server = FakeServer()
        self.shop = self.server.root()

    def ask(self, name: str, *args: Any, **kw: Any) -> Any:
        """What the server answers."""
        return self.server.result(self.shop.callRemote(name, *args, **kw))

    def test_returns(self) -> None:
        """By default None; a value, each time another one."""
        self.server.expect("open")
        self.server.expect("price", "apple").returns(3)
        self.server.expect("price", "apple").returns(4)
        self.assertEqual(
            [self.ask("open"), self.ask("price", "apple"), self.ask("price", "apple")], [None, 3, 4]
        )
        self.server.check()

    def test_arguments(self) -> None:
        """Arguments choose the answer, and can be looked at; C{...} stands for any of them."""
        self.server.expect("buy", "pear", count=ANY).returns("pears")
        apples = self.server.expect("buy", "apple", count=2).returns("apples")
        other = self.server.expect("buy", ...).returns("others").times(2)
        results = [self.ask("buy", "apple", count=2), self.ask("buy", "pear", count=1), self.ask("buy")]
        self.assertEqual([*results, self.ask("buy", 1, 2)], ["apples", "pears", "others", "others"])
        self.assertEqual([call.args for call in other.calls], [(), (1, 2)])
        self.assertEqual(apples.calls, [Call(apples.calls[0].broker, ("apple",), {"count": 2})])
        # ANY stands for one argument.
        self.server.expect("sell", ANY)
        self.assertRaises(pb.RemoteError, self.ask, "sell", 1, 2)

    def test_fails(self) -> None:
        """An exception, which the client gets as ever."""
        self.server.expect("price", "pear").fails(KeyError("pear"))
        self.assertRaises(KeyError, self.ask, "price", "pear")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_runs(self) -> None:
        """What a function returns; it may be a coroutine function."""

        async def later(fruit: str) -> str:
            return fruit.upper()

        self.server.expect("count", ...).runs(lambda *args, **kw: len(args) + len(kw))
        self.server.expect("shout", "apple").runs(later)
        self.assertEqual([self.ask("count", 1, 2, key=3), self.ask("shout", "apple")], [3, "APPLE"])

    def test_after(self) -> None:
        """It may take time."""
        self.server.expect("price").returns(3).after(5)
        price = self.shop.callRemote("price")
        self.assertRaises(AssertionError, self.server.result, price)
        self.server.expect("price").returns(3).after(5)
        price = self.shop.callRemote("price")
        self.server.clock.advance(0)
        self.server.clock.advance(5)
        self.assertEqual(self.server.result(price), 3)
        self.server.expect("price").returns(4).after(5)
        price = self.shop.withTimeout(4).callRemote("price")
        self.server.clock.advance(0)
        self.server.clock.advance(4)
        self.assertRaises(pb.CallTimeout, self.server.result, price)
        self.server.disconnect()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_never(self) -> None:
        """It may never come."""
        self.server.expect("price").never()
        price = self.shop.callRemote("price")
        self.server.clock.advance(1000)
        self.assertNoResult(price)
        self.server.disconnect()
        self.failureResultOf(price, pb.PBConnectionLost)

    def test_disconnects(self) -> None:
        """The connection may be lost in its place."""
        self.server.expect("price").disconnects()
        self.assertRaises(pb.PBConnectionLost, self.ask, "price")
        self.assertRaises(pb.DeadReferenceError, self.ask, "price")

    def test_lends(self) -> None:
        """A reference, with a script of its own."""
        basket = self.server.expect("basket").lends()
        basket.expect("add", "apple").returns(1)
        reference = self.ask("basket")
        self.assertEqual(self.server.result(reference.callRemote("add", "apple")), 1)
        with self.assertRaises(pb.RemoteError) as caught:
            self.server.result(reference.callRemote("add", "pear"))
        self.assertEqual(
            str(caught.exception), "unexpected call basket.add('pear'); no more calls are expected"
        )

    def test_caches(self) -> None:
        """An object that the client observes."""
        price = FakeCache("tests.FakePrice", price=3)
        self.server.expect("watch").returns(price)
        seen = self.ask("watch")
        self.assertEqual((seen.price, len(price.observers)), (3, 1))
        price.tell("change", 4)
        self.server.clock.advance(0)
        self.assertEqual(seen.price, 4)
        del seen
        self.server.clock.advance(0)
        self.assertEqual(price.observers, [])

    def test_callsBack(self) -> None:
        """The client's objects can be called."""
        subscribed = self.server.expect("subscribe", ANY)
        listener = Listener()
        self.ask("subscribe", listener)
        self.server.result(subscribed.calls[0].args[0].callRemote("hear", "news"))
        self.assertEqual(listener.heard, ["news"])


class ScriptTests(SynchronousTestCase):
    """
    What is expected.
    """

    def outcome(self, server: FakeServer, root: Any, name: str, *args: Any) -> Any:
        """What a call ends with: the text, for an error."""
        try:
            return server.result(root.callRemote(name, *args))
        except pb.Error as error:
            return str(error)

    def test_unexpected(self) -> None:
        """An unexpected call fails, for the client and at the end, and says what was expected."""
        server = FakeServer()
        server.expect("price", "apple", count=2)
        server.expect("buy", ...).times(2)
        root = server.root()
        text = "unexpected call price('pear'); expected is price('apple', count=2) or buy(...) 2 times"
        self.assertEqual(self.outcome(server, root, "price", "pear"), text)
        self.assertEqual(self.outcome(server, root, "buy"), None)
        self.assertIn("x" * 150 + "...", self.outcome(server, root, "price", "x" * 1000))
        with self.assertRaises(UnexpectedCall) as caught:
            server.check()
        self.assertIn(text, str(caught.exception))

    def test_caughtByClass(self) -> None:
        """A client gets it as an L{Error} and an L{AssertionError}."""
        server = FakeServer()
        root = server.root()
        for kind in (AssertionError, pb.Error, pb.remote("myspread.testing.UnexpectedCall")):
            with self.assertRaises(kind):
                server.result(root.callRemote("price"))

    def test_lacking(self) -> None:
        """What was expected and didn't come is told at the end."""
        server = FakeServer()
        server.expect("price").anyTimes()
        server.expect("buy", 1).times(3)
        server.expect("open").never()
        root = server.root()
        self.outcome(server, root, "buy", 1)
        root.callRemote("open")
        server.clock.advance(0)
        with self.assertRaises(AssertionError) as caught:
            server.check()
        self.assertEqual(str(caught.exception), "these calls were expected, and didn't come: buy(1) 2 times")

    def test_anyTimes(self) -> None:
        """A call may be expected any number of times."""
        server = FakeServer()
        server.expect("price").returns(3).anyTimes()
        root = server.root()
        self.assertEqual([self.outcome(server, root, "price") for _ in range(3)], [3, 3, 3])
        server.check()

    def test_ordered(self) -> None:
        """Calls may have to come in order, whatever they are of."""
        server = FakeServer(ordered=True)
        server.expect("look").anyTimes()
        basket = server.expect("basket").lends("the basket")
        basket.expect("add", "apple")
        server.expect("pay")
        root = server.root()
        self.assertEqual(self.outcome(server, root, "look"), None)
        self.assertEqual(
            self.outcome(server, root, "pay"), "unexpected call pay(); expected is look() or basket()"
        )
        reference = self.outcome(server, root, "basket")
        self.assertEqual(
            self.outcome(server, root, "pay"),
            "unexpected call pay(); expected is look() or the basket.add('apple')",
        )
        self.assertEqual(self.outcome(server, reference, "add", "apple"), None)
        self.assertEqual(self.outcome(server, root, "pay"), None)

    def test_context(self) -> None:
        """A block checks at its end, and closes; unless it fails for another reason."""
        with FakeServer() as server:
            server.expect("price").returns(3)
            root = server.root()
            self.assertEqual(self.outcome(server, root, "price"), 3)
        self.assertRaises(pb.DeadReferenceError, root.callRemote, "price")
        with self.assertRaises(AssertionError), FakeServer() as server:
            server.expect("price")
        with self.assertRaises(ZeroDivisionError), FakeServer() as server:
            server.expect("price")
            raise ZeroDivisionError


class ConnectionTests(SynchronousTestCase):
    """
    Clients in memory.
    """

    def setUp(self) -> None:
        """A server."""
        self.server = FakeServer()

    def session(self, **options: Any) -> pb.Session:
        """A session with it."""
        return pb.session(self.server.endpoint, reactor=self.server.clock, **options)

    def test_factory(self) -> None:
        """A factory connects through the endpoint."""
        verifyObject(IStreamClientEndpoint, self.server.endpoint)
        self.server.expect("price").returns(3)
        factory = pb.PBClientFactory()
        self.server.endpoint.connect(factory)
        root = self.server.result(factory.getRootObject())
        self.assertEqual(self.server.result(root.callRemote("price")), 3)
        factory.disconnect()
        self.server.clock.advance(0)
        self.assertRaises(pb.DeadReferenceError, root.callRemote, "price")

    def test_session(self) -> None:
        """A session reconnects."""
        self.server.expect("price").returns(3)
        self.server.expect("price").returns(4)
        session = self.session(persistent=True)
        self.assertEqual(self.server.result(session.callRemote("price")), 3)
        self.server.disconnect()
        price = session.callRemote("price")
        self.server.clock.pump([1] * 10)
        self.assertEqual(self.server.result(price), 4)
        self.assertEqual(self.server.attempts, 2)
        self.server.result(session.close())
        self.server.check()

    def test_down(self) -> None:
        """A server may be down."""
        self.server.isDown = True
        with self.assertRaises(ConnectionRefusedError):
            self.server.result(self.session().root)
        self.assertRaises(ConnectionRefusedError, self.server.root)

    def test_silent(self) -> None:
        """Or silent."""
        self.server.isSilent = True
        root = self.session(connectTimeout=5).root
        self.server.clock.pump([1] * 7)
        self.failureResultOf(root, ConnectionTimeout)

    def test_login(self) -> None:
        """Users log in, and have scripts of their own; others are refused."""
        ann = self.server.user(b"ann", b"secret")
        anybody = self.server.anonymous()
        ann.expect("name").returns("Ann")
        listener = Listener()
        session = self.session(credentials=ANN, mind=listener)
        self.assertEqual(self.server.result(session.callRemote("name")), "Ann")
        self.server.result(ann.minds[0].callRemote("hear", "news"))
        self.assertEqual(listener.heard, ["news"])
        self.server.result(session.close())
        self.assertEqual(ann.minds, [])

        ann.expect("name").returns("Ann")
        session = self.session(credentials=pb.Password("ann", "secret"))
        self.assertEqual(self.server.result(session.callRemote("name")), "Ann")
        with self.assertRaises(LoginFailed):
            self.server.result(self.session(credentials=pb.Password("ann", "guess")).avatar)
        with self.assertRaises(LoginFailed):
            self.server.result(self.session(credentials=pb.Password("eve", "guess")).avatar)
        anybody.expect("name")
        self.server.result(self.session(credentials=Anonymous()).callRemote("name"))
        with self.assertRaises(LoginFailed):
            self.server.result(self.session(credentials=UsernamePassword(b"ann", b"guess")).avatar)
        self.assertEqual(len(self.flushLoggedErrors(LoginFailed)), 3)
        avatar = self.session(credentials=ANN)
        with self.assertRaises(pb.RemoteError) as caught:
            self.server.result(avatar.callRemote("age"))
        self.assertEqual(str(caught.exception), "unexpected call ann.age(); no more calls are expected")

    def test_loginTooLate(self) -> None:
        """Whether there is a login is clear when the first client connects; more users may come later."""
        self.server.root()
        self.assertRaises(RuntimeError, self.server.user, b"ann", b"secret")
        self.server = FakeServer()
        self.server.anonymous()
        self.server.result(self.session(credentials=Anonymous()).avatar)
        self.server.user(b"ann", b"secret")
        self.server.result(self.session(credentials=ANN).avatar)


class ReactorTests(TestCase):
    """
    With the reactor as its clock, everything moves by itself.
    """

    timeout = 30

    async def test_memory(self) -> None:
        """In memory."""
        async with FakeServer(reactor) as server:
            server.expect("price").returns(3).after(0.001)
            async with pb.session(server.endpoint) as session:
                self.assertEqual(await session.callRemote("price"), 3)

    async def test_port(self) -> None:
        """On a port, for as many clients as one wants."""
        async with FakeServer(reactor) as server:
            port = await server.listen(reactor)
            server.expect("price").returns(3).times(2)
            server.expect("leave").disconnects()
            endpoint = HostnameEndpoint(reactor, "127.0.0.1", port.getHost().port)
            async with pb.session(endpoint) as session, pb.session(endpoint) as other:
                prices = [await each.callRemote("price") for each in (session, other)]
                self.assertEqual(prices, [3, 3])
                try:
                    await session.callRemote("leave")
                except pb.PBConnectionLost:
                    prices.append("lost")
                self.assertEqual(prices[2:], ["lost"])
            lost: Deferred[Any] = Deferred()
            remains = pb.session(endpoint)
            remains.notifyOnDown(lambda reason: lost.callback(None))
            await remains.root
        await lost
        await remains.close()

"""
Tests for L{breakEverywhere}: what it does, and that it notices what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import (
    Break,
    Conversation,
    Delay,
    Fragments,
    Joined,
    Loss,
    breakEverywhere,
    everyBreak,
    messagesIn,
)


class Price(pb.Cacheable):
    """Something that clients observe."""

    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """The state."""
        self.observers.append(observer)
        return {"price": 3}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """Forget the observer."""
        self.observers.remove(observer)


class SeenPrice(pb.RemoteCache):
    """What a client sees."""

    price = 0


pb.setUnjellyableForClass(Price, SeenPrice)


class Basket(pb.Referenceable):
    """Something that the shop lends."""

    def remote_add(self, fruit: str) -> str:
        """Put something into it."""
        return fruit


class Visitor(pb.Referenceable):
    """Something that the client lends."""

    def remote_greet(self) -> None:
        """Be greeted."""


class Shop(pb.Root):
    """
    A server.

    @ivar price: what can be observed.
    @ivar visitors: whom it keeps.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.price = Price()
        self.visitors: list[Any] = []
        self.clock = clock

    def remote_basket(self) -> Basket:
        """A basket."""
        return Basket()

    def remote_price(self) -> Price:
        """The price."""
        return self.price

    async def remote_enter(self, visitor: Any) -> None:
        """Greet a visitor."""
        await visitor.callRemote("greet")

    def remote_stay(self, visitor: Any) -> None:
        """Keep a visitor."""
        self.visitors.append(visitor)

    def remote_slow(self) -> Deferred[int]:
        """Answer in a while."""
        assert self.clock is not None
        return deferLater(self.clock, 5, lambda: 5)

    def remote_fail(self, visitor: Any) -> None:
        """Fail, with a visitor in the frame."""
        raise ValueError("on purpose")


async def shopping(factory: Any) -> Any:
    """Use everything that the shop has."""
    shop = await factory.getRootObject()
    basket = await shop.callRemote("basket")
    fruit = await basket.callRemote("add", "apple")
    price = await shop.callRemote("price")
    await shop.callRemote("enter", Visitor())
    return fruit, price.price


class WholeTests(SynchronousTestCase):
    """
    Conversations that end well.
    """

    def test_everywhere(self) -> None:
        """Each way to break a conversation is tried."""
        breaks: list[Break] = []
        for broken in everyBreak(lambda: Conversation(Shop(), shopping)):
            broken.run()
            breaks.append(broken)
        messages = len(breaks[0].arrived)
        self.assertGreater(messages, 12)
        kinds = [type(each) for each in breaks]
        self.assertEqual(
            [kinds.count(kind) for kind in (Break, Joined, Fragments, Delay, Loss)],
            [1, 1, 5, messages, 2 * messages],
        )
        self.assertEqual(len(set(map(repr, breaks))), len(breaks))
        self.assertEqual(breakEverywhere(lambda: Conversation(Shop(), shopping)), len(breaks))
        # A method of the shop waits for the client when the connection is lost.
        self.assertTrue(self.flushLoggedErrors(pb.PBConnectionLost))

    def test_everyByte(self) -> None:
        """In a short conversation, it is broken after every byte."""

        async def short(factory: Any) -> None:
            await factory.getRootObject()

        whole = Break(lambda: Conversation(Shop(), short))
        whole.run()
        size = sum(map(len, whole.arrived))
        few = breakEverywhere(lambda: Conversation(Shop(), short), size - 1)
        self.assertGreater(breakEverywhere(lambda: Conversation(Shop(), short), size), few + size // 2)

    def test_joined(self) -> None:
        """What waits arrives at once."""
        joined = Joined(lambda: Conversation(Shop(), shopping))
        joined.run()
        single = Break(lambda: Conversation(Shop(), shopping))
        single.run()
        self.assertLess(len(joined.arrived), len(single.arrived))
        self.assertEqual(
            sum(len(messagesIn(each)) for each in joined.arrived),
            sum(len(messagesIn(each)) for each in single.arrived),
        )

    def test_callbacks(self) -> None:
        """What talks may return a Deferred."""

        def talk(factory: Any) -> Any:
            return (
                factory.getRootObject().addCallback(lambda root: root.callRemote("basket")).addCallback(bool)
            )

        self.assertGreater(breakEverywhere(lambda: Conversation(Shop(), talk)), 10)

    def test_time(self) -> None:
        """When nothing moves, time passes, but not for ever."""

        def begin() -> Conversation:
            clock = Clock()

            async def talk(factory: Any) -> Any:
                shop = await factory.getRootObject()
                return await shop.callRemote("slow")

            return Conversation(Shop(clock), talk, clock=clock)

        self.assertGreater(breakEverywhere(begin), 10)
        self.patch(Conversation, "patience", 4)
        with self.assertRaisesRegex(AssertionError, "nothing moves any more"):
            breakEverywhere(begin)

    def test_stock(self) -> None:
        """Either side may be C{twisted.spread}'s."""

        class StockShop(stock.Root):
            def remote_add(self, fruit: str) -> str:
                return fruit

        async def talk(factory: Any) -> Any:
            shop = await factory.getRootObject()
            return await shop.callRemote("add", "apple")

        def ofStock() -> Conversation:
            return Conversation(None, talk, serverFactory=stock.PBServerFactory(StockShop()))

        async def shopping(factory: Any) -> None:
            shop = await factory.getRootObject()
            basket = await shop.callRemote("basket")
            await basket.callRemote("add", "apple")

        def byStock() -> Conversation:
            return Conversation(Shop(), shopping, clientFactory=stock.PBClientFactory())

        self.assertGreater(breakEverywhere(ofStock), 10)
        # Its clients hear of nothing when the connection is lost during the handshake.
        for broken in (Break(byStock), Joined(byStock), Fragments(byStock, 1), Loss(byStock, 6, 0, "server")):
            broken.run()

    def test_loggedFailures(self) -> None:
        """What a failure in the log holds is no leak; it can still be read there."""

        async def talk(factory: Any) -> Any:
            shop = await factory.getRootObject()
            try:
                await shop.callRemote("fail", Visitor())
            except ValueError as error:
                return str(error)

        Break(lambda: Conversation(Shop(), talk)).run()
        [failure] = self.flushLoggedErrors(ValueError)
        self.assertIn("remote_fail", failure.getTraceback())


class NoticedTests(SynchronousTestCase):
    """
    What doesn't end well is noticed.
    """

    def assertNoticed(self, begin: Callable[[], Conversation], text: str) -> None:
        """Breaking a conversation fails, with a text that has this in it."""
        with self.assertRaises(AssertionError) as caught:
            breakEverywhere(begin)
        self.assertIn(text, str(caught.exception))

    def test_failure(self) -> None:
        """A conversation that fails although nothing is broken."""

        async def talk(factory: Any) -> None:
            raise ValueError("on purpose")

        self.assertNoticed(lambda: Conversation(Shop(), talk), "<nothing is broken>: it has failed: ")

    def test_otherFailure(self) -> None:
        """One that ends with something else than a loss when the connection is lost."""

        async def talk(factory: Any) -> None:
            shop = await factory.getRootObject()
            try:
                await shop.callRemote("basket")
            except pb.PBConnectionLost:
                raise ValueError("on purpose") from None

        self.assertNoticed(lambda: Conversation(Shop(), talk), "<lost after ")

    def test_neverEnds(self) -> None:
        """One whose end never comes when the connection is lost."""

        async def talk(factory: Any) -> None:
            shop = await factory.getRootObject()
            told: Deferred[None] = Deferred()
            shop.callRemote("basket").addCallbacks(lambda basket: told.callback(None), lambda failure: None)
            await told

        self.assertNoticed(lambda: Conversation(Shop(), talk), "the conversation never ends")

    def test_otherOutcome(self) -> None:
        """One whose outcome depends on how messages arrive."""
        outcomes = iter(range(100))

        async def talk(factory: Any) -> int:
            await factory.getRootObject()
            return next(outcomes)

        self.assertNoticed(
            lambda: Conversation(Shop(), talk), "it ends with 1, and with 0 if nothing is broken"
        )

    def test_deferred(self) -> None:
        """A call whose Deferred never fires."""

        class Forgetful(pb.Broker):
            def connectionLost(self, reason: Any = None) -> None:
                self._peer.calls.waiting.clear()
                super().connectionLost(reason)

        async def talk(factory: Any) -> None:
            shop = await factory.getRootObject()
            shop.callRemote("basket")

        def begin() -> Conversation:
            factory = pb.PBClientFactory()
            factory.protocol = Forgetful
            return Conversation(Shop(), talk, clientFactory=factory)

        self.assertNoticed(begin, "the Deferreds of these calls of the client never fire: 1")

    def test_observerHeld(self) -> None:
        """An object that keeps its observer."""

        class Sticky(Price):
            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                """Forget nothing."""

        def begin() -> Conversation:
            shop = Shop()
            shop.price = Sticky()
            return Conversation(shop, shopping)

        pb.setUnjellyableForClass(Sticky, SeenPrice)
        self.assertNoticed(begin, "Sticky of the lost connection is still held, by: list, in NoticedTests")

    def test_observerFails(self) -> None:
        """An object that fails when it is told that nobody observes it."""

        class Failing(Price):
            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                self.observers.clear()
                raise ValueError("on purpose")

        def begin() -> Conversation:
            shop = Shop()
            shop.price = Failing()
            return Conversation(shop, shopping)

        pb.setUnjellyableForClass(Failing, SeenPrice)
        self.assertNoticed(begin, "stoppedObserving has failed: ")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_observerNotTold(self) -> None:
        """A broker that doesn't tell an object that nobody observes it."""

        async def talk(factory: Any) -> None:
            shop = await factory.getRootObject()
            kept.append(await shop.callRemote("price"))

        kept: list[Any] = []

        def begin(lost: Callable[[Any], None]) -> Conversation:
            class Confused(pb.Broker):
                def connectionLost(self, reason: Any = None) -> None:
                    lost(self._peer.caches)
                    super().connectionLost(reason)

            factory = pb.PBServerFactory(Shop())
            factory.protocol = Confused
            conversation = Conversation(None, talk, serverFactory=factory)
            conversation.keeps = (Price,)
            return conversation

        self.assertNoticed(
            lambda: begin(lambda caches: caches.given.clear()), "Price of the server isn't told"
        )

        kept.clear()

    def test_notGivenBack(self) -> None:
        """A server that keeps what a client has lent it, while the connection stands."""

        async def talk(factory: Any) -> None:
            shop = await factory.getRootObject()
            await shop.callRemote("stay", Visitor())

        self.assertNoticed(
            lambda: Conversation(Shop(), talk), "Visitor of the client is lent 1 times when all"
        )

    def test_referenceHeld(self) -> None:
        """A server that keeps what a client has lent it, when the client is gone."""

        class Stays(Conversation):
            keeps = (Visitor,)

        async def talk(factory: Any) -> None:
            shop = await factory.getRootObject()
            await shop.callRemote("stay", Visitor())

        self.assertNoticed(lambda: Stays(Shop(), talk), "a reference of the lost connection is still held")

    def test_left(self) -> None:
        """A broker that holds something without its connection."""

        class Hoarding(pb.Broker):
            def connectionLost(self, reason: Any = None) -> None:
                super().connectionLost(reason)
                self._peer.references.name(b"left", self)

        async def talk(factory: Any) -> None:
            await factory.getRootObject()

        def begin() -> Conversation:
            factory = pb.PBServerFactory(Shop())
            factory.protocol = Hoarding
            return Conversation(None, talk, serverFactory=factory)

        self.assertNoticed(begin, "without a connection, the server still lends")

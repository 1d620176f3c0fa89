"""
Objects that are cached at the peer and kept up to date there.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import ForeignReference, MalformedJelly, ProtocolError
from myspread._jelly import jelly, unjelly
from myspread.security import SecurityPolicy
from myspread.testing import BrokerPair, brokerPair


class Pond(pb.Cacheable):
    """What is cached."""

    def __init__(self, *frogs: str) -> None:
        self.frogs = list(frogs)
        self.observers: list[Any] = []
        self.stopped: list[Any] = []
        self.extra: dict[str, Any] = {}

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"frogs": list(self.frogs), **self.extra}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.stopped.append((perspective, observer))
        self.observers.remove(observer)

    def add(self, frog: str) -> list[Any]:
        """Add a frog, here and at everybody's."""
        self.frogs.append(frog)
        return [observer.callRemote("add", frog) for observer in self.observers]


class RemotePond(pb.RemoteCache):
    """What becomes of it."""

    made = 0

    def __init__(self) -> None:
        type(self).made += 1
        self.ready = True

    def setCacheableState(self, state: Any) -> None:
        super().setCacheableState({"added": [], **state})

    def observe_add(self, frog: str) -> int:
        """Follow the original."""
        self.frogs.append(frog)  # type: ignore[attr-defined]
        return len(self.frogs)  # type: ignore[attr-defined]

    async def observe_later(self) -> str:
        """Answer as a coroutine."""
        return "later"


class Tuple(RemotePond):
    """Takes a state that is no dictionary."""

    def setCacheableState(self, state: Any) -> None:
        self.taken = state


class Plain(pb.Cacheable):
    """With nothing but what all of them have."""


POLICY = (
    SecurityPolicy()
    .allowUnjellyable("tests.flavors.test_caching.Pond", RemotePond)
    .allowUnjellyable("tests.flavors.test_caching.Plain", pb.RemoteCache)
)


class Server(pb.Root):
    """Sends ponds, and takes them back."""

    def __init__(self) -> None:
        self.pond = Pond("Ann")
        self.got: Any = None

    def remote_pond(self) -> Any:
        """Send it."""
        return self.pond

    def remote_twice(self) -> Any:
        """Send it twice in one message."""
        return [self.pond, self.pond]

    def remote_take(self, *args: Any) -> None:
        """Keep what arrives."""
        self.got = args


class CacheTestCase(SynchronousTestCase):
    """
    Has a server with a pond.
    """

    def setUp(self) -> None:
        self.patch(RemotePond, "made", 0)
        self.server = Server()
        self.pond = self.server.pond
        self.pair = self.connect()

    def connect(self) -> BrokerPair:
        """A new connection to the server."""
        return brokerPair(self.server, clientFactory=pb.PBClientFactory(security=POLICY))

    def call(self, name: str, *args: Any) -> Any:
        """The result of a call of the server."""
        return self.pair.result(self.pair.root.callRemote(name, *args))

    def collect(self) -> None:
        """Forget what nobody holds, and tell the peer."""
        gc.collect()
        self.pair.flush()


class ReceiptTests(CacheTestCase):
    """
    What the peer gets.
    """

    def test_first(self) -> None:
        """
        The first time the state arrives; C{__init__} is called.
        """
        receipt = self.call("pond")
        self.assertIs(type(receipt), RemotePond)
        self.assertEqual(receipt.frogs, ["Ann"])
        self.assertEqual(receipt.added, [])
        self.assertEqual(RemotePond.made, 1)

    def test_again(self) -> None:
        """
        Then only an id arrives: a new object, equal to the first, that shares
        its dictionary. C{__init__} isn't called for it.
        """
        first, second = self.call("pond"), self.call("pond")
        self.assertIsNot(first, second)
        self.assertEqual(first, second)
        self.assertEqual(hash(first), hash(second))
        self.assertEqual(len({first, second}), 1)
        self.assertIs(first.__dict__, second.__dict__)
        self.assertEqual(RemotePond.made, 1)
        self.assertEqual(len(self.pond.observers), 1)

    def test_oneMessage(self) -> None:
        """
        Twice in one message it is one receipt.
        """
        first, second = self.call("twice")
        self.assertIs(first, second)

    def test_different(self) -> None:
        """
        Caches of two objects are different, and equal to nothing else.
        """
        first = self.call("pond")
        self.server.pond = Pond()
        self.assertNotEqual(first, self.call("pond"))
        self.assertNotEqual(first, first.__dict__)

    def test_back(self) -> None:
        """
        Sent back, it is the original.
        """
        self.call("take", self.call("pond"))
        self.assertIs(self.server.got[0], self.pond)

    def test_circle(self) -> None:
        """
        A cache that contains itself, also by way of a tuple, does so at the
        peer.
        """
        self.pond.extra = {"me": self.pond, "pair": (self.pond, 1)}
        receipt = self.call("pond")
        self.assertEqual(receipt.me, receipt)
        self.assertEqual(receipt.pair, (receipt, 1))

    def test_hostileState(self) -> None:
        """
        The state can't take the place of connection and id.
        """
        self.pond.extra = {"broker": "mine", "luid": "mine"}
        receipt = self.call("pond")
        self.assertIs(receipt.broker, self.pair.client)
        self.assertEqual(receipt.luid, 1)
        self.assertEqual(self.call("pond"), receipt)

    def test_wrongState(self) -> None:
        """
        A state that is no dictionary is refused by the default.
        """
        broker = brokerPair(pb.Root()).client
        error = self.assertRaises(
            MalformedJelly,
            unjelly,
            [b"list", [b"tests.flavors.test_caching.Plain", 1, [b"list", 5]]],
            POLICY,
            None,
            broker,
        )
        self.assertEqual(error.path, "value[0]")

    def test_malformed(self) -> None:
        """
        A cache has an id and a state.
        """
        broker = brokerPair(pb.Root()).client
        tag = b"tests.flavors.test_caching.Pond"
        for fields in ([1], [1, [b"dictionary"], 2], [[b"list"], [b"dictionary"]], [1.5, [b"dictionary"]]):
            error = self.assertRaises(
                MalformedJelly, unjelly, [b"list", [tag, *fields]], POLICY, None, broker
            )
            self.assertEqual(error.path, "value[0]")

    def test_unknown(self) -> None:
        """
        An id that nothing is cached under is refused.
        """
        broker = brokerPair(pb.Root()).client
        for tag, word in ((b"cached", "no object is cached here"), (b"lcache", "the peer caches nothing")):
            for luid in (5, b"root"):
                error = self.assertRaises(
                    MalformedJelly, unjelly, [b"list", [tag, luid]], POLICY, None, broker
                )
                self.assertTrue(str(error).startswith(f"value[0]: {word} under the id {luid!r}"), str(error))

    def test_otherState(self) -> None:
        """
        A class may take any state.
        """
        policy = POLICY.allowUnjellyable("tests.flavors.test_caching.Pond", Tuple)
        pair = brokerPair(self.server, clientFactory=pb.PBClientFactory(security=policy))
        self.patch(Pond, "getStateToCacheAndObserveFor", lambda self, who, observer: (1, 2))
        self.assertEqual(pair.result(pair.root.callRemote("pond")).taken, (1, 2))

    def test_plain(self) -> None:
        """
        By default the state is that to copy, and nobody is told of changes.
        """
        self.server.pond = Plain()  # type: ignore[assignment]
        self.server.pond.frogs = 5  # type: ignore[assignment]
        receipt = self.call("pond")
        self.assertEqual(receipt.frogs, 5)
        del receipt
        self.collect()
        self.assertEqual(self.pair.server.remotelyCachedObjects, {})

    def test_saved(self) -> None:
        """
        Without a connection, original and cache are saved like any object.
        """
        pond = Plain()
        pond.frogs = 5  # type: ignore[attr-defined]
        form = jelly(pond)
        self.assertEqual(
            form, [b"tests.flavors.test_caching.Plain", [b"dictionary", [[b"unicode", b"frogs"], 5]]]
        )
        cache = unjelly(form, POLICY)
        self.assertIs(type(cache), pb.RemoteCache)
        self.assertEqual(cache.frogs, 5)
        self.assertEqual(jelly(cache)[1], form[1])


class ForgettingTests(CacheTestCase):
    """
    What happens once the peer has no use for it any more.
    """

    def test_eachReceipt(self) -> None:
        """
        With the last receipt, the original stops being observed; the observer
        is equal to the one that it got.
        """
        first, second = self.call("pond"), self.call("pond")
        (observer,) = self.pond.observers
        del first
        self.collect()
        self.assertEqual(self.pond.stopped, [])
        del second
        self.collect()
        self.assertEqual(self.pond.stopped, [(None, observer)])
        self.assertEqual(self.pond.observers, [])
        self.assertEqual(self.pair.server.remotelyCachedObjects, {})
        self.assertEqual(self.pair.client.locallyCachedObjects, {})

    def test_anew(self) -> None:
        """
        After that it is sent as at the first time.
        """
        self.call("pond")
        self.collect()
        self.pond.frogs = ["Bob"]
        self.assertEqual(self.call("pond").frogs, ["Bob"])
        self.assertEqual(RemotePond.made, 2)

    def test_disconnected(self) -> None:
        """
        When the connection is lost it is told once; receipts stay what they
        are, and may be forgotten.
        """
        receipt = self.call("pond")
        self.pair.disconnect()
        self.assertEqual(len(self.pond.stopped), 1)
        self.assertEqual(receipt.frogs, ["Ann"])
        del receipt
        gc.collect()
        self.assertEqual(len(self.pond.stopped), 1)


class ObserverTests(CacheTestCase):
    """
    How changes get to the peer.
    """

    def test_update(self) -> None:
        """
        The copy follows, and C{observe_} methods answer.
        """
        receipt = self.call("pond")
        (answer,) = self.pond.add("Bob")
        self.assertEqual(self.pair.result(answer), 2)
        self.assertEqual(receipt.frogs, ["Ann", "Bob"])

    def test_order(self) -> None:
        """
        An update that was sent before an answer is applied before it.
        """
        receipt = self.call("pond")
        self.server.remote_take = lambda: self.pond.add("Bob") and None  # type: ignore[attr-defined]
        seen: list[Any] = []
        self.pair.root.callRemote("take").addCallback(lambda _: seen.extend(receipt.frogs))
        self.pair.flush()
        self.assertEqual(seen, ["Ann", "Bob"])

    def test_method(self) -> None:
        """
        A method of the copy can be kept as a callable, by name in text or bytes.
        """
        receipt = self.call("pond")
        (observer,) = self.pond.observers
        self.assertEqual(self.pair.result(observer.remoteMethod("add")("Bob")), 2)
        self.assertEqual(self.pair.result(observer.callRemote(b"add", frog="Cid")), 3)
        self.assertEqual(self.pair.result(observer.callRemote("later")), "later")
        self.assertIsNone(observer.callRemote("add", "Dan", pbanswer=False))
        self.pair.flush()
        self.assertEqual(receipt.frogs, ["Ann", "Bob", "Cid", "Dan"])

    def test_missing(self) -> None:
        """
        A missing C{observe_} method fails the call.
        """
        receipt = self.call("pond")
        (observer,) = self.pond.observers
        error = self.assertRaises(AttributeError, self.pair.result, observer.callRemote("fly"))
        self.assertIn("observe_fly", str(error))
        self.flushLoggedErrors(AttributeError)
        self.assertEqual(receipt.frogs, ["Ann"])

    def test_equality(self) -> None:
        """
        Observers are equal if they tell the same copy; their methods if they
        bear one name too.
        """
        other = self.connect()
        receipts = [self.call("pond"), other.result(other.root.callRemote("pond"))]
        mine, theirs = self.pond.observers
        again = pb.RemoteCacheObserver(self.pair.server, self.pond, None)
        self.assertEqual(mine, again)
        self.assertEqual(hash(mine), hash(again))
        self.assertNotEqual(mine, theirs)
        self.assertNotEqual(mine, pb.RemoteCacheObserver(self.pair.server, Pond(), None))
        self.assertNotEqual(mine, pb.RemoteCacheObserver(self.pair.server, self.pond, "somebody"))
        self.assertNotEqual(mine, "observer")
        method = mine.remoteMethod("add")
        self.assertEqual(method, again.remoteMethod("add"))
        self.assertEqual(hash(method), hash(again.remoteMethod("add")))
        self.assertNotEqual(method, again.remoteMethod("other"))
        self.assertNotEqual(method, theirs.remoteMethod("add"))
        self.assertNotEqual(method, mine)
        self.assertEqual(len(receipts), 2)

    def test_repr(self) -> None:
        """
        An observer shows of what, where and for whom it is.
        """
        observer = pb.RemoteCacheObserver(self.pair.server, "pond", "Ann")
        peer = self.pair.serverTransport.getPeer()
        self.assertEqual(repr(observer), f"<RemoteCacheObserver of 'pond' at {peer} for 'Ann'>")

    def test_neverSent(self) -> None:
        """
        One of an object that the peer hasn't got, or has no longer, says so.
        """
        observer = pb.RemoteCacheObserver(self.pair.server, self.pond, None)
        for call in (observer.callRemote, observer.remoteMethod("add")):
            error = self.assertRaises(ProtocolError, call, "add")
            self.assertIn("Pond has no copy at IPv4Address(", str(error))
        self.call("pond")
        self.collect()
        self.assertRaises(ProtocolError, observer.callRemote, "add")

    def test_thirdParty(self) -> None:
        """
        A cache handed to another peer is refused, and both are named.
        """
        other = self.connect()
        error = self.failureResultOf(
            other.root.callRemote("take", {"pond": self.call("pond")}), ForeignReference
        ).value
        self.assertIsInstance(error, AssertionError)
        self.assertTrue(
            str(error).startswith("args[0]['pond']: a cache of an object of IPv4Address("), str(error)
        )
        self.assertEqual(str(error).count("IPv4Address("), 2)

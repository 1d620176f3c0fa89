"""
A whole conversation, byte for byte as stock has it, and cut anywhere.
"""

from __future__ import annotations

import gc
import re
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

from myspread import pb as ours
from myspread._login import server as loginServer
from myspread.testing import BrokerPair
from myspread.testing._watching import fresh

CHALLENGE = b"16 random bytes."


class World:
    """
    The classes of one conversation, made of one of the two packages. They bear
    the same names on the wire.
    """

    def __init__(self, pb: Any) -> None:
        """
        @param pb: C{myspread.pb} or C{twisted.spread.pb}.
        """
        self.pb = pb

        class Point(pb.Copyable, pb.RemoteCopy):
            """A copy."""

            def getTypeToCopy(self) -> bytes:
                return b"conversation.Point"

        class Meter(pb.Cacheable):
            """A cached number."""

            observer: Any = None
            value = 1

            def getTypeToCopy(self) -> bytes:
                return b"conversation.Meter"

            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
                self.observer = observer
                return {"value": self.value}

            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                self.observer = None

        class RemoteMeter(pb.RemoteCache):
            """Its copy."""

            def observe_changed(self, value: int) -> int:
                self.value = value
                return value + 1

        class Item(pb.Referenceable):
            """A reference."""

            def remote_name(self) -> str:
                return "item"

        class View(pb.Viewable):
            """An object that is told who calls."""

            def view_who(self, perspective: Any) -> Any:
                return perspective.avatarId

        class User(pb.Avatar):
            """Somebody who has logged in."""

            def __init__(self, avatarId: Any) -> None:
                self.avatarId = avatarId
                self.meter = Meter()
                self.item = Item()
                self.view = View()
                self.mind: Any = None
                self.waiting: list[Deferred[Any]] = []

            def perspective_echo(self, value: Any) -> Any:
                return value

            def perspective_point(self) -> Any:
                point = Point()
                point.__dict__.update({"x": 1, "y": [2.5, b"three", "vier"], "again": None})
                return [point, point]

            def perspective_meter(self) -> Any:
                return self.meter

            def perspective_item(self) -> Any:
                return self.item

            def perspective_view(self) -> Any:
                return self.view

            def perspective_change(self, value: int) -> Any:
                self.meter.value = value
                self.meter.observer.callRemote("changed", value)
                return "changed"

            def perspective_fail(self) -> None:
                raise pb.Error("on purpose")

            def perspective_callBack(self) -> Any:
                return self.mind.callRemote("hear", "you there", times=2)

            def perspective_wait(self) -> Any:
                self.waiting.append(Deferred())
                return self.waiting[-1]

            def perspective_fire(self) -> None:
                self.waiting.pop(0).callback("at last")

        class Mind(pb.Referenceable):
            """The client's own object."""

            def remote_hear(self, text: str, times: int) -> str:
                return text * times

        pb.setUnjellyableForClass(b"conversation.Point", Point)
        pb.setUnjellyableForClass(b"conversation.Meter", RemoteMeter)
        self.User, self.Mind = User, Mind

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """Everybody gets an avatar of their own."""
        user = self.User(avatarId)
        user.mind = mind
        return self.pb.IPerspective, user, lambda: None

    def pair(self) -> BrokerPair:
        """Two brokers that have not yet exchanged a byte."""
        checker = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
        portal = Portal(self, [checker, AllowAnonymousAccess()])
        return BrokerPair(self.pb.PBServerFactory(portal), self.pb.PBClientFactory(), Clock())


VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**31 - 1,
    -(2**31),
    2**200,
    -(2**100),
    1.5,
    b"bytes",
    b"list",
    "text",
    "\N{SNOWMAN}",
    (),
    (1, (2, [3])),
    [],
    {},
    {"a": {"b": (1, 2)}},
    frozenset({1}),
]


def conversation(world: World, pair: BrokerPair, failing: bool) -> Any:
    """
    Talk; each item is a Deferred to wait for.

    @param failing: whether one of the calls fails.
    @return: a generator of Deferreds, which is sent what they fired with, and
        which returns all of it.
    """
    results: list[Any] = []

    def keep(value: Any) -> Any:
        results.append(value)
        return value

    factory = pair.clientFactory
    user = yield factory.login(UsernamePassword(b"ann", b"secret"), world.Mind())
    for value in VALUES:
        keep((yield user.callRemote("echo", value)))
    shared = [1]
    keep((yield user.callRemote("echo", value=[shared, shared])))
    point, again = yield user.callRemote("point")
    keep((point is again, sorted(point.__dict__.items())))
    meter = yield user.callRemote("meter")
    keep((yield user.callRemote("change", 5)))
    keep(meter.value)
    item = yield user.callRemote("item")
    keep((yield item.callRemote("name")))
    view = yield user.callRemote("view")
    keep((yield view.callRemote("who")))
    keep((yield user.callRemote("callBack")))
    keep(user.callRemote("echo", 1, pbanswer=False))
    late = user.callRemote("wait").addCallback(keep)
    yield user.callRemote("fire")
    yield late
    if failing:
        text = yield user.callRemote("fail").addErrback(lambda failure: failure.getErrorMessage())
        keep(text)
    point = again = item = view = None
    gc.collect()
    keep((yield user.callRemote("echo", "last")))
    meter = None
    gc.collect()
    keep((yield user.callRemote("echo", "very last")))
    return results


def uncounted(data: bytes) -> bytes:
    """Bytes without the number that each failure of a process has."""
    return re.sub(rb"(\x05\x82count)[\x00-\x7f]+\x81", rb"\1", data)


class Recorder:
    """
    Runs a conversation in memory, and keeps what each side wrote.

    @ivar written: by side, all bytes.
    """

    def __init__(self, world: World, size: int | None) -> None:
        """
        @param size: how many bytes each delivery has at most.
        """
        self.pair = world.pair()
        self.size = size
        self.written = {"client": bytearray(), "server": bytearray()}
        self.world = world

    def run(self, failing: bool) -> Any:
        """What the conversation returned."""
        talk = conversation(self.world, self.pair, failing)
        value: Any = None
        try:
            with fresh():
                while True:
                    waiting = talk.send(value)
                    value = self.wait(waiting)
        except StopIteration as stop:
            return stop.value

    def wait(self, deferred: Any) -> Any:
        """Deliver until nothing moves any more; what the Deferred fired with."""
        fired: list[Any] = []
        deferred.addBoth(fired.append)
        while self.step():
            pass
        if not fired:
            raise AssertionError("the conversation is stuck")
        return fired[0]

    def step(self) -> bool:
        """One delivery, recorded."""
        pair = self.pair
        moved = False
        for name, transport, receiver in (
            ("client", pair.clientTransport, pair.server),
            ("server", pair.serverTransport, pair.client),
        ):
            data = transport.take(self.size)
            self.written[name] += data
            if data:
                receiver.dataReceived(data)
                moved = True
        return moved


class ConversationTests(TestCase):
    """
    The conversation, with each package.
    """

    def setUp(self) -> None:
        """Challenges are random; not here."""
        self.patch(stock, "challenge", lambda: CHALLENGE)
        self.patch(loginServer, "challenge", lambda: CHALLENGE)

    def record(self, pb: Any, size: int | None = None, failing: bool = True) -> tuple[Any, bytes, bytes]:
        """What a conversation returned, and what client and server wrote."""
        recorder = Recorder(World(pb), size)
        result = recorder.run(failing)
        return result, bytes(recorder.written["client"]), uncounted(bytes(recorder.written["server"]))

    def test_asStock(self) -> None:
        """
        What either side writes is what stock writes, byte for byte; all but
        failures, in which stock sends more than the peer should know.
        """
        self.assertEqual(self.record(ours)[:2], self.record(stock)[:2])
        stockResult, stockClient, stockServer = self.record(stock, failing=False)
        result, client, server = self.record(ours, failing=False)
        self.assertEqual(result, stockResult)
        self.assertEqual(client, stockClient)
        self.assertEqual(server, stockServer)
        self.assertGreater(len(client), 1000)
        self.assertGreater(len(server), 900)

    def test_cut(self) -> None:
        """Cut after every byte, or in pieces of any size, the conversation is the same."""
        whole = self.record(ours)
        for size in (1, 2, 3, 5, 17, 100):
            self.assertEqual(self.record(ours, size), whole)

    def test_cutOnce(self) -> None:
        """Cut once, at whatever place, what a side writes has the same effect."""
        _, client, _ = self.record(ours)
        world = World(ours)
        expected = self.replies(world, client, len(client))
        self.assertGreater(len(expected), 500)
        for place in range(1, len(client)):
            self.assertEqual(self.replies(world, client, place), expected, place)

    def replies(self, world: World, client: bytes, place: int) -> bytes:
        """What a server writes to the bytes of a client, cut at a place."""
        pair = world.pair()
        pair.server.dataReceived(client[:place])
        pair.server.dataReceived(client[place:])
        return uncounted(bytes(pair.serverTransport.written))

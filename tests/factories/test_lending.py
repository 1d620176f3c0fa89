"""
Tests for L{myspread.pb.lend}: a part of an object, for a while.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import weakref
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.utils import getProcessOutput
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

import tests
from myspread import pb
from myspread.testing import BrokerPair
from tests.factories.sockets import SocketCase
from tests.login.realms import ANN, RecordingRealm, User, portalFor

TOP = str(Path(tests.__file__).resolve().parents[1])


class Door(pb.Referenceable):
    """Something to lend."""

    state = "shut"

    def remote_open(self) -> str:
        """Open it."""
        self.state = "open"
        return self.state

    def remote_look(self) -> str:
        """What it is like."""
        return self.state

    def remote_secret(self) -> str:
        """Nobody's business."""
        return "1234"


class StockDoor(stock.Referenceable):  # type: ignore[misc]
    """One of C{twisted.spread}."""

    state = "shut"
    remote_open: Any = Door.remote_open
    remote_look: Any = Door.remote_look


class Painting(pb.Viewable):
    """Something that everybody sees otherwise."""

    def view_look(self, perspective: Any) -> str:
        """What they see."""
        return f"as {perspective.avatarId.decode()} sees it"

    def view_burn(self, perspective: Any) -> str:
        """Burn it."""
        return "burnt"


class House(pb.Root):
    """
    Lends what the test says, and gets it back.

    @ivar lent: what it lends.
    @ivar came: what came back.
    """

    lent: Any = None
    came: Any = None

    def remote_get(self) -> Any:
        """Lend it."""
        return self.lent

    def remote_back(self, lent: Any) -> Any:
        """It comes back."""
        self.came = lent
        return lent


class LendCase(SynchronousTestCase):
    """
    A house, and somebody in front of it.
    """

    def setUp(self) -> None:
        """Of ours."""
        self.clock = Clock()
        self.house = House()
        self.door = Door()

    def tearDown(self) -> None:
        """Methods that there aren't are logged."""
        self.flushLoggedErrors(pb.NoSuchMethod, AttributeError)

    def pair(self, module: Any = pb) -> BrokerPair:
        """A connection."""
        pair = BrokerPair(pb.PBServerFactory(self.house), module.PBClientFactory(), self.clock)
        pair.flush()
        return pair

    def get(self, pair: BrokerPair, lent: Any) -> Any:
        """A reference to something."""
        self.house.lent = lent
        return pair.result(pair.root.callRemote("get"))

    def refusal(self, pair: BrokerPair, reference: Any, *words: Any) -> Any:
        """The failure of a call."""
        result = reference.callRemote(*words)
        pair.flush()
        return self.failureResultOf(result)


class MethodTests(LendCase):
    """
    What can be called.
    """

    def test_methods(self) -> None:
        """
        What is named, and nothing else: that looks as if there were no such
        method. For clients of C{twisted.spread} too.
        """
        for module in (pb, stock):
            pair = self.pair(module)
            door = self.get(pair, pb.lend(self.door, methods=["look", "open"]))
            self.assertEqual(pair.result(door.callRemote("look")), "shut")
            self.assertEqual(pair.result(door.callRemote("open")), "open")
            for name in ("secret", "nothing"):
                failure = self.refusal(pair, door, name)
                self.assertTrue(failure.check(stock.NoSuchMethod))
            self.door.state = "shut"

    def test_lookTheSame(self) -> None:
        """The caller can't tell a method that wasn't lent from one that there isn't."""
        pair = self.pair()
        door = self.get(pair, pb.lend(self.door, methods=["look"]))
        whole = self.get(pair, self.door)
        texts = [
            self.refusal(pair, reference, name).getErrorMessage()
            for reference, name in ((door, "secret"), (door, "nosuch"), (whole, "nosuch"))
        ]
        self.assertEqual(texts, ["No such method: remote_secret", *["No such method: remote_nosuch"] * 2])

    def test_all(self) -> None:
        """Without names, everything can be called."""
        pair = self.pair()
        self.assertEqual(pair.result(self.get(pair, pb.lend(self.door)).callRemote("secret")), "1234")

    def test_stockObjects(self) -> None:
        """Objects of C{twisted.spread} can be lent as well."""
        pair = self.pair()
        door = self.get(pair, pb.lend(StockDoor(), methods=["open"]))
        self.assertEqual(pair.result(door.callRemote("open")), "open")
        self.assertTrue(self.refusal(pair, door, "look").check(pb.NoSuchMethod))

    def test_viewables(self) -> None:
        """A C{Viewable} is seen by whom it is sent to."""
        painting = Painting()
        lent = pb.lend(painting, methods=["look"])

        class Visitor(User):
            """Gets to see it."""

            def perspective_see(self) -> Any:
                """Lend it."""
                return lent

        clientFactory = stock.PBClientFactory()
        pair = BrokerPair(pb.PBServerFactory(portalFor(RecordingRealm(Visitor))), clientFactory, self.clock)
        pair.flush()
        avatar = pair.result(clientFactory.login(ANN))
        seen, again = (pair.result(avatar.callRemote("see")) for _ in range(2))
        self.assertEqual(seen.luid, again.luid)
        self.assertEqual(pair.result(seen.callRemote("look")), "as ann sees it")
        self.assertTrue(self.refusal(pair, seen, "burn").check(stock.NoSuchMethod))
        lent.revoke()
        self.assertTrue(self.refusal(pair, seen, "look").check("myspread.pb.LendingEnded"))
        self.failureResultOf(pb.lend(painting).callRemote("look"), pb.NoSuchMethod)

    def test_avatars(self) -> None:
        """An avatar is lent to somebody who hasn't logged in as it."""
        pair = self.pair()
        user = self.get(pair, pb.lend(User(b"ann"), methods=["whoAmI"]))
        self.assertEqual(pair.result(user.callRemote("whoAmI")), b"ann")
        self.assertTrue(self.refusal(pair, user, "mind").check(pb.NoSuchMethod))

    def test_wrong(self) -> None:
        """What can't be lent, and what there isn't, is an error at once."""
        for thing in (object(), Door, pb.Copyable(), 5, None):
            self.assertRaises(TypeError, pb.lend, thing)
        self.assertRaises(TypeError, pb.lend, self.door, "look")
        for thing, text in (
            (self.door, "Door has no method remote_lock that could be lent"),
            (Painting(), "Painting has no method view_lock that could be lent"),
            (User(), "User has no method perspective_lock that could be lent"),
        ):
            error = self.assertRaises(AttributeError, pb.lend, thing, methods=["lock"])
            self.assertEqual(str(error), text)
        for seconds in (0, -1, float("nan")):
            self.assertRaises(ValueError, pb.lend, self.door, expires=seconds, clock=self.clock)


class EndTests(LendCase):
    """
    How long it can be called.
    """

    def test_revoke(self) -> None:
        """From one moment on nothing can be called, by anybody; and the object is let go."""
        lent = pb.lend(self.door, methods=["look"])
        one, other = self.pair(), self.pair(stock)
        doors = [(pair, self.get(pair, lent)) for pair in (one, other)]
        self.assertTrue(lent.isLent)
        self.assertIs(lent.original, self.door)
        reference = weakref.ref(self.door)
        lent.revoke()
        for pair, door in doors:
            failure = self.refusal(pair, door, "look")
            self.assertTrue(failure.check("myspread.pb.LendingEnded") and failure.check(stock.Error))
            self.assertEqual(
                failure.getErrorMessage(), "this object was lent, which was revoked: ask for it again"
            )
            # Nor do those who get it now.
            self.assertTrue(
                self.refusal(pair, self.get(pair, lent), "look").check("myspread.pb.LendingEnded")
            )
        self.assertEqual((lent.isLent, lent.original, repr(lent)), (False, None, "<Lent was revoked>"))
        self.assertEqual(self.flushLoggedErrors(), [])
        del self.door
        gc.collect()
        self.assertIsNone(reference())

    def test_expires(self) -> None:
        """It ends by the clock, without anybody doing anything."""
        pair = self.pair()
        lent = pb.lend(self.door, expires=60, clock=self.clock)
        door = self.get(pair, lent)
        self.clock.advance(59)
        self.assertEqual(pair.result(door.callRemote("look")), "shut")
        self.clock.advance(1)
        failure = self.refusal(pair, door, "look")
        self.assertEqual(
            failure.getErrorMessage(), "this object was lent, which was for 60 seconds: ask for it again"
        )
        self.assertFalse(lent.isLent)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_longer(self) -> None:
        """The time can be said anew, as long as it hasn't ended."""
        lent = pb.lend(self.door, expires=60, clock=self.clock)
        self.clock.advance(59)
        lent.expireAfter(60, self.clock)
        self.clock.advance(59)
        self.assertTrue(lent.isLent)
        self.clock.advance(1)
        self.assertFalse(lent.isLent)
        lent.expireAfter(60, self.clock)
        self.assertFalse(lent.isLent)

    def test_reactor(self) -> None:
        """By default the time is the reactor's."""
        self.assertTrue(pb.lend(self.door, expires=3600).isLent)

    def test_givenBack(self) -> None:
        """A reference that the peer forgets is forgotten here, as any."""
        pair = self.pair()
        door = self.get(pair, pb.lend(self.door))
        self.assertEqual(len(pair.server.luids), 1)
        del door
        gc.collect()
        pair.flush()
        self.assertEqual(len(pair.server.luids), 0)


class BackTests(LendCase):
    """
    What comes back.
    """

    def test_staysLent(self) -> None:
        """
        What a peer sends back is what was lent, not the object: nobody gets more
        by sending it round.
        """
        pair = self.pair()
        lent = pb.lend(self.door, methods=["look"])
        door = self.get(pair, lent)
        again = pair.result(pair.root.callRemote("back", door))
        self.assertIs(self.house.came, lent)
        self.assertTrue(self.refusal(pair, again, "secret").check(pb.NoSuchMethod))
        self.assertEqual(again.luid, door.luid)

    def test_calledHere(self) -> None:
        """It can be called here like any C{Referenceable}, within the same bounds."""
        lent = pb.lend(self.door, methods=["look"])
        self.assertEqual(self.successResultOf(lent.callRemote("look")), "shut")
        self.failureResultOf(lent.callRemote("secret"), pb.NoSuchMethod)
        user = pb.lend(User(b"ann"), methods=["whoAmI"])
        self.assertEqual(self.successResultOf(user.callRemote("whoAmI")), b"ann")
        lent.revoke()
        self.failureResultOf(lent.callRemote("look"), pb.LendingEnded)

    def test_lentAgain(self) -> None:
        """What was lent can be lent on, and ends with it."""
        pair = self.pair()
        lent = pb.lend(self.door, methods=["look", "open"])
        door = self.get(pair, pb.lend(lent, methods=["look"]))
        self.assertEqual(pair.result(door.callRemote("look")), "shut")
        self.assertTrue(self.refusal(pair, door, "open").check(pb.NoSuchMethod))
        lent.revoke()
        self.assertTrue(self.refusal(pair, door, "look").check(pb.LendingEnded))


class Owner(User):
    """
    Somebody who has logged in, and to whom a door is lent.
    """

    budget = pb.Budget(callsInProgress=1)
    lent: Any = None
    came: Any = None

    def perspective_door(self) -> Any:
        """Lend it."""
        self.lent = pb.lend(Door(), methods=["look"])
        return self.lent

    def perspective_back(self, lent: Any) -> bool:
        """It comes back."""
        return lent is self.lent

    def perspective_revoke(self) -> None:
        """That's enough."""
        self.lent.revoke()

    def perspective_never(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()


class ProcessTests(SocketCase):
    """
    A real client on C{twisted.spread}.
    """

    timeout = 60

    async def test_stockClient(self) -> None:
        """It can use what was lent, and is told what it can't, and why; nobody logs anything else."""
        port = self.listen(pb.PBServerFactory(portalFor(RecordingRealm(Owner))))
        path = os.pathsep.join([TOP, *(os.path.abspath(each) for each in sys.path)])
        said = await getProcessOutput(
            sys.executable,
            ("-m", "tests.factories.borrower", str(port)),
            env={**os.environ, "PYTHONPATH": path},
        )
        outcomes, logged = json.loads(said)
        self.assertEqual(logged, [])
        look, secret, back, revoked, tooMany = outcomes
        self.assertEqual((look, back), ("shut", True))
        self.assertEqual(secret, ["twisted.spread.flavors.NoSuchMethod", "No such method: remote_secret"])
        self.assertEqual(revoked[0], "myspread.pb.LendingEnded")
        self.assertIn("was revoked", revoked[1])
        self.assertEqual(tooMany[0], "myspread.pb.BudgetExceeded")
        self.assertIn("Budget.callsInProgress = 1", tooMany[1])
        self.assertEqual(len(self.flushLoggedErrors(pb.NoSuchMethod)), 1)

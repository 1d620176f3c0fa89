"""
Objects that travel as copies.
"""

from __future__ import annotations

from typing import Any

from twisted.spread import jelly as stockJelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import MalformedJelly
from myspread._jelly import jelly, unjelly
from myspread.security import SecurityPolicy
from myspread.testing import brokerPair
from tests.jelly.shapes import Invoker


class Pond(pb.Copyable):
    """What is copied."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)


class PerUser(Pond):
    """Tells each user something else."""

    def getTypeToCopyFor(self, perspective: Any) -> bytes:
        return f"copying.For{perspective}".encode()

    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"for": perspective, **self.__dict__}


class RemotePond(pb.RemoteCopy):
    """What becomes of it."""

    initialised = 0

    def __init__(self) -> None:
        self.initialised = 1


class Packed(pb.RemoteCopy):
    """Takes a state that is no dictionary."""

    def setCopyableState(self, state: Any) -> None:
        self.__dict__ = {"packed": state}


TAG = b"tests.flavors.test_copying.Pond"

POLICY = (
    SecurityPolicy()
    .allowUnjellyable(TAG, RemotePond)
    .allowUnjellyable("copying.ForNone", RemotePond)
    .allowUnjellyable("copying.Packed", Packed)
)


class Server(pb.Root):
    """Sends and takes copies."""

    def __init__(self) -> None:
        self.value: Any = None

    def remote_get(self) -> Any:
        """Send what there is."""
        return self.value

    def remote_take(self, value: Any) -> None:
        """Keep what arrives."""
        self.value = value


class CopyTests(SynchronousTestCase):
    """
    The whole way.
    """

    def setUp(self) -> None:
        self.server = Server()
        self.pair = brokerPair(
            serverFactory=pb.PBServerFactory(self.server, security=POLICY),
            clientFactory=pb.PBClientFactory(security=POLICY),
        )

    def send(self, value: Any) -> Any:
        """What becomes of an argument."""
        self.pair.result(self.pair.root.callRemote("take", value))
        return self.server.value

    def test_copy(self) -> None:
        """
        The copy has the state of the original, is of the registered class, and
        wasn't initialised.
        """
        copy = self.send(Pond(frogs=["Ann"], depth=2.5))
        self.assertIs(type(copy), RemotePond)
        self.assertEqual(copy.__dict__, {"frogs": ["Ann"], "depth": 2.5})
        self.assertEqual(copy.initialised, 0)

    def test_result(self) -> None:
        """
        Results are copied as arguments are.
        """
        self.server.value = Pond(frogs=5)
        self.assertEqual(self.pair.result(self.pair.root.callRemote("get")).frogs, 5)

    def test_eachTime(self) -> None:
        """
        Each message makes a new copy; within one, it stays one object.
        """
        pond = Pond()
        first, second = self.send([pond, pond])
        self.assertIs(first, second)
        self.assertIsNot(self.send(pond), first)

    def test_circle(self) -> None:
        """
        A copy that contains itself, directly and by way of a tuple, a set and
        a key, does so at the peer.
        """
        pond = Pond()
        pond.__dict__.update(me=pond, pair=(pond, 1), all={pond}, ages={pond: 3})
        copy = self.send(pond)
        self.assertIs(copy.me, copy)
        self.assertEqual(copy.pair, (copy, 1))
        self.assertEqual(copy.all, {copy})
        self.assertEqual(copy.ages, {copy: 3})

    def test_tupleOfItself(self) -> None:
        """
        The circle may begin with the tuple.
        """
        pond = Pond()
        pair = (pond, 1)
        pond.pair = pair  # type: ignore[attr-defined]
        result = self.send(pair)
        self.assertIs(result[0].pair, result)

    def test_perUser(self) -> None:
        """
        Type and state can depend on whom it is sent to: here, nobody.
        """
        self.assertEqual(self.send(PerUser(frogs=1)).__dict__, {"for": None, "frogs": 1})

    def test_undeclared(self) -> None:
        """
        A class that the peer doesn't know is refused there.
        """

        class Unknown(pb.Copyable):
            """Nobody knows."""

        error = self.assertRaises(pb.InsecureJelly, self.send, [Unknown()])
        self.assertTrue(str(error).startswith("args[0][0]: "), str(error))
        self.flushLoggedErrors(pb.InsecureJelly)

    def test_wrongState(self) -> None:
        """
        A state that the class can't take fails the call.
        """

        class Odd(pb.Copyable):
            def getTypeToCopy(self) -> Any:
                return TAG

            def getStateToCopy(self) -> Any:
                return [1]

        error = self.assertRaises(MalformedJelly, self.send, Odd())
        self.assertIn("override setCopyableState", str(error))
        self.flushLoggedErrors(MalformedJelly)

    def test_noDictionary(self) -> None:
        """
        A class may take any state; falsy ones are like an empty dictionary by
        default.
        """

        class Odd(pb.Copyable):
            tag, state = "copying.Packed", (1, "two")

            def getTypeToCopy(self) -> Any:
                return self.tag

            def getStateToCopy(self) -> Any:
                return self.state

        self.assertEqual(self.send(Odd()).packed, (1, "two"))
        self.patch(Odd, "tag", TAG.decode())
        for state in (None, [], (), 0, ""):
            self.patch(Odd, "state", state)
            self.assertEqual(self.send(Odd()).__dict__, {})

    def test_names(self) -> None:
        """
        Names of attributes that arrive as bytes, as from Python 2, become text;
        other keys stay what they are.
        """
        form = [TAG, [b"dictionary", [b"frogs", 1], [2, 3]]]
        self.assertEqual(unjelly(form, POLICY, None, Invoker()).__dict__, {"frogs": 1, 2: 3})
        error = self.assertRaises(
            MalformedJelly, unjelly, [TAG, [b"dictionary", [b"\xff", 1]]], POLICY, None, Invoker()
        )
        self.assertIn("no UTF-8", str(error))


class FormTests(SynchronousTestCase):
    """
    Compared with C{twisted.spread}.
    """

    def test_form(self) -> None:
        """
        The form is the tag and the state, with and without a connection.
        """
        form = [TAG, [b"dictionary", [[b"unicode", b"frogs"], 1]]]
        self.assertEqual(jelly(Pond(frogs=1), POLICY, None, Invoker()), form)
        self.assertEqual(jelly(Pond(frogs=1)), form)
        self.assertEqual(stockJelly.jelly(Pond(frogs=1), invoker=Invoker()), form)

    def test_baseClass(self) -> None:
        """
        A bare C{Copyable} bears the name that C{twisted.spread}'s has.
        """
        self.assertEqual(
            jelly(pb.Copyable(), invoker=Invoker()), stockJelly.jelly(stock.Copyable(), invoker=Invoker())
        )

    def test_stockCopies(self) -> None:
        """
        C{twisted.spread} makes our C{RemoteCopy} subclasses too, though it
        knows nothing of waiting.
        """
        stock.setUnjellyableForClass("copying.Stock", RemotePond)
        self.addCleanup(stockJelly.unjellyableRegistry.pop, b"copying.Stock")
        result = stockJelly.unjelly(
            [b"copying.Stock", [b"dictionary", [[b"unicode", b"a"], [b"list", 1]]]], invoker=Invoker()
        )
        self.assertIs(type(result), RemotePond)
        self.assertEqual(result.__dict__, {"a": [1]})

    def test_saved(self) -> None:
        """
        Without a connection state is kept and taken as by C{pickle}.
        """

        class Kept(Pond):
            def __getstate__(self) -> Any:
                return {"kept": 1}

        self.assertEqual(jelly(Kept(other=2))[1], [b"dictionary", [[b"unicode", b"kept"], 1]])
        copy = unjelly([TAG, [b"dictionary", [b"frogs", 1]]], POLICY)
        self.assertEqual(copy.__dict__, {b"frogs": 1})

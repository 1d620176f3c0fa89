"""
Objects lent by reference, and the references to them.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.spread import flavors as stockFlavors
from twisted.spread import jelly as stockJelly
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import ForeignReference, NoSuchMethod, RemoteError
from myspread._flavors.remote import RemoteMethod, RemoteReference, describePeer
from myspread._flavors.viewing import Viewable, ViewPoint
from myspread._jelly import jelly, unjelly
from myspread.testing import BrokerPair, brokerPair


class Frog(pb.Referenceable):
    """What is lent."""

    def __init__(self, name: str = "Frog") -> None:
        self.name = name

    def remote_name(self) -> str:
        """Its name."""
        return self.name

    async def remote_later(self, value: Any) -> Any:
        """Answer as a coroutine."""
        return await succeed(value)


class Pond(pb.Root):
    """Lends frogs, and takes back what it has lent."""

    def __init__(self) -> None:
        self.frogs = [Frog("Ann"), Frog("Bob")]
        self.got: Any = None

    def remote_frogs(self) -> list[Frog]:
        """Lend the frogs."""
        return self.frogs

    def remote_frog(self) -> Frog:
        """Lend one."""
        return self.frogs[0]

    def remote_take(self, *args: Any, **kw: Any) -> Any:
        """Keep the arguments, and send them back."""
        self.got = (args, kw)
        return args[0] if args else None

    def remote_pair(self, a: int, b: int = 2) -> int:
        """Wants its arguments right."""
        return a + b

    notAMethod = 5


class ReferenceTestCase(SynchronousTestCase):
    """
    Has a pond and a client of it.
    """

    def setUp(self) -> None:
        self.pond = Pond()
        self.pair: BrokerPair = brokerPair(self.pond)

    def call(self, name: Any, *args: Any, **kw: Any) -> Any:
        """The result of a call of the pond."""
        return self.pair.result(self.pair.root.callRemote(name, *args, **kw))


class ReferenceTests(ReferenceTestCase):
    """
    L{RemoteReference}.
    """

    def test_call(self) -> None:
        """
        A reference calls the C{remote_} methods of its object, by a name in
        text or bytes, or a method of its own.
        """
        ann, bob = self.call("frogs")
        self.assertIsInstance(ann, RemoteReference)
        self.assertEqual(self.pair.result(ann.callRemote("name")), "Ann")
        self.assertEqual(self.pair.result(bob.callRemote(b"name")), "Bob")
        self.assertEqual(self.pair.result(bob.remoteMethod("name")()), "Bob")
        self.assertEqual(self.pair.result(ann.callRemote("later", value=[1])), [1])

    def test_home(self) -> None:
        """
        Back at home, the reference is the object itself.
        """
        ann, bob = self.call("frogs")
        self.call("take", bob, ann=ann)
        self.assertIs(self.pond.got[0][0], self.pond.frogs[1])
        self.assertIs(self.pond.got[1]["ann"], self.pond.frogs[0])

    def test_bothWays(self) -> None:
        """
        The client may lend objects as well.
        """
        frog = Frog("Cid")
        self.assertIs(self.call("take", frog), frog)
        (reference,) = self.pond.got[0]
        self.assertEqual(self.pair.result(reference.callRemote("name")), "Cid")

    def test_equality(self) -> None:
        """
        References to one object are equal, have one hash, and can be keys.
        """
        ann, bob = self.call("frogs")
        again = self.call("frog")
        self.assertIsNot(ann, again)
        self.assertEqual(ann, again)
        self.assertEqual(hash(ann), hash(again))
        self.assertNotEqual(ann, bob)
        self.assertEqual(len({ann, bob, again}), 2)
        self.assertNotEqual(ann, ann.luid)
        self.assertEqual(self.pair.root, self.pair.root)
        self.assertEqual(hash(self.pair.root), hash(self.pair.root))

    def test_otherConnection(self) -> None:
        """
        References of two connections are never equal.
        """
        other = brokerPair(self.pond)
        mine, theirs = self.call("frog"), other.result(other.root.callRemote("frog"))
        self.assertEqual(mine.luid, theirs.luid)
        self.assertNotEqual(mine, theirs)

    def test_order(self) -> None:
        """
        References can be sorted, named ones too, but with nothing else.
        """
        ann, bob = self.call("frogs")
        root = self.pair.root
        self.assertEqual(sorted([root, bob, ann]), sorted([ann, root, bob]))
        self.assertTrue(ann < bob <= bob and bob > ann and ann >= ann)
        self.assertRaises(TypeError, lambda: ann < 5)

    def test_released(self) -> None:
        """
        Once all references are forgotten, the peer forgets the object.
        """
        references = [*self.call("frogs"), *self.call("frogs")]
        self.assertEqual(len(self.pair.server.localObjects), 3)
        del references[:2]
        gc.collect()
        self.pair.flush()
        self.assertEqual(len(self.pair.server.localObjects), 3)
        references.clear()
        gc.collect()
        self.pair.flush()
        self.assertEqual(list(self.pair.server.localObjects), [b"root"])

    def test_notifyOnDisconnect(self) -> None:
        """
        Callbacks get the reference once the connection is lost, each as often
        as it was given.
        """
        ann, bob = self.call("frogs")
        told: list[Any] = []
        never: list[Any] = []
        ann.notifyOnDisconnect(told.append)
        ann.notifyOnDisconnect(told.append)
        ann.notifyOnDisconnect(never.append)
        bob.notifyOnDisconnect(never.append)
        ann.dontNotifyOnDisconnect(never.append)
        bob.dontNotifyOnDisconnect(never.append)
        self.pair.disconnect()
        self.assertEqual(told, [ann, ann])
        self.assertEqual(never, [])

    def test_notifyLate(self) -> None:
        """
        On a lost connection a callback is called at once.
        """
        ann = self.call("frog")
        self.pair.disconnect()
        told: list[Any] = []
        ann.notifyOnDisconnect(told.append)
        self.assertEqual(told, [ann])

    def test_notifyMisused(self) -> None:
        """
        A callback is callable, and can't be taken back before it was given.
        """
        ann = self.call("frog")
        self.assertRaises(AssertionError, ann.notifyOnDisconnect, None)
        self.assertRaises(ValueError, ann.dontNotifyOnDisconnect, print)

    def test_thirdParty(self) -> None:
        """
        A reference handed to another peer is refused, and both are named.
        """
        other = brokerPair(Pond())
        error = self.failureResultOf(
            other.root.callRemote("take", [self.call("frog")]), ForeignReference
        ).value
        self.assertIsInstance(error, AssertionError)
        self.assertTrue(
            str(error).startswith("args[0][0]: a reference to an object of IPv4Address("), str(error)
        )
        self.assertEqual(str(error).count(str(self.pair.clientTransport.getPeer())), 2)
        self.assertEqual(other.result(other.root.callRemote("take", 5)), 5)

    def test_describePeer(self) -> None:
        """
        A connection that is no more has no address.
        """
        self.assertEqual(describePeer(None), "a closed connection")
        self.assertEqual(describePeer(self.pair.client), str(self.pair.clientTransport.getPeer()))

    def test_withoutConnection(self) -> None:
        """
        A reference that is to be saved becomes a note that it can't be.
        """
        reference = self.call("frog")
        form = [b"unpersistable", b"References cannot be serialized"]
        self.assertEqual(jelly(reference), form)
        self.assertEqual(stockJelly.jelly(reference), form)
        for form in ([b"remote", 1], [b"local", b"root"]):
            error = self.assertRaises(pb.MalformedJelly, unjelly, form)
            self.assertIn("without a connection", str(error))

    def test_noAnswer(self) -> None:
        """
        A call that wants no answer returns None, and arrives.
        """
        self.assertIsNone(self.pair.root.callRemote("take", 7, pbanswer=False))
        self.pair.flush()
        self.assertEqual(self.pond.got, ((7,), {}))

    def test_dead(self) -> None:
        """
        A call over a lost connection raises at once.
        """
        ann = self.call("frog")
        self.pair.disconnect()
        self.assertRaises(pb.DeadReferenceError, ann.callRemote, "name")


class RemoteMethodTests(ReferenceTestCase):
    """
    L{RemoteMethod}.
    """

    def test_equality(self) -> None:
        """
        Methods of equal references with one name are equal.
        """
        ann, bob = self.call("frogs")
        method = ann.remoteMethod("name")
        self.assertEqual(method, RemoteMethod(ann, "name"))
        self.assertEqual(hash(method), hash(RemoteMethod(ann, "name")))
        self.assertNotEqual(method, bob.remoteMethod("name"))
        self.assertNotEqual(method, ann.remoteMethod("other"))
        self.assertNotEqual(method, "name")


class ReferenceableTests(ReferenceTestCase):
    """
    L{Referenceable<pb.Referenceable>}.
    """

    def test_local(self) -> None:
        """
        Code can call an object of its own as if it were remote.
        """
        frog = Frog("Ann")
        self.assertEqual(self.successResultOf(frog.callRemote("name")), "Ann")
        self.assertEqual(self.successResultOf(frog.callRemote(b"later", 5)), 5)
        self.failureResultOf(frog.callRemote("fly"), NoSuchMethod)
        self.failureResultOf(frog.callRemote("name", 1, 2), TypeError)

    def test_noSuchMethod(self) -> None:
        """
        A method that isn't there is named in the error, which C{except} catches.
        """
        for name in ("fly", b"fly"):
            error = self.assertRaises(NoSuchMethod, self.call, name)
            self.assertEqual(str(error), "No such method: remote_fly")
        self.flushLoggedErrors(NoSuchMethod)

    def test_notWithoutPrefix(self) -> None:
        """
        Nothing but C{remote_} methods can be called.
        """
        for name in ("remote_frogs", "frogs.append", "__class__", "rootObject", "notAMethod", ""):
            self.assertRaises(NoSuchMethod, self.call, name)
        self.flushLoggedErrors(NoSuchMethod)

    def test_signature(self) -> None:
        """
        Arguments that don't fit fail the call with C{TypeError}.
        """
        for args, kw in (((), {}), ((1, 2, 3), {}), ((1,), {"c": 3})):
            self.assertRaises(TypeError, self.call, "pair", *args, **kw)
        self.flushLoggedErrors(TypeError)
        self.assertEqual(self.call("pair", 1, b=5), 6)

    def test_malformedArguments(self) -> None:
        """
        Arguments are a tuple, keyword arguments a dictionary with names as keys.
        """
        for args, kw in (
            ([b"dictionary"], [b"dictionary"]),
            ([b"tuple"], [b"tuple"]),
            ([b"tuple"], [b"dictionary", [1, 2]]),
            ([b"tuple"], [b"dictionary", [b"\xff", 2]]),
        ):
            deferred: Deferred[Any] = Deferred()
            self.pair.client.waitingForAnswers[1000] = deferred
            self.pair.client.sendCall(b"message", 1000, b"root", b"take", 1, args, kw)
            self.assertRaises(pb.MalformedJelly, self.pair.result, deferred)
        self.flushLoggedErrors(pb.MalformedJelly)
        self.assertIsNone(self.pond.got)

    def test_oldPeers(self) -> None:
        """
        Names of arguments may be bytes, and arguments a list.
        """
        deferred: Deferred[Any] = Deferred()
        self.pair.client.waitingForAnswers[1000] = deferred
        self.pair.client.sendCall(
            b"message", 1000, b"root", b"take", 1, [b"list", 1], [b"dictionary", [b"key", 2]]
        )
        self.pair.flush()
        self.assertEqual(self.pond.got, ((1,), {"key": 2}))

    def test_uniqueID(self) -> None:
        """
        Objects that say that they are the same are lent as one.
        """

        class Same(pb.Referenceable):
            def processUniqueID(self) -> Any:
                return "the same"

        self.pond.frogs = [Same(), Same()]  # type: ignore[list-item]
        first, second = self.call("frogs")
        self.assertEqual(first, second)
        self.assertNotEqual(pb.Referenceable().processUniqueID(), self.pond.processUniqueID())

    def test_stockInterfaces(self) -> None:
        """
        What asks for C{twisted.spread}'s interfaces finds them.
        """
        self.assertTrue(stockFlavors.IPBRoot.providedBy(self.pond))
        self.assertTrue(stockJelly.IJellyable.providedBy(Frog()))
        self.assertIs(self.pond.rootObject(None), self.pond)

    def test_asReferenceable(self) -> None:
        """
        Any object with a C{...MessageReceived} method can be lent.
        """

        class Avatar:
            def perspectiveMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
                return broker.serialize([message, broker.unserialize(args)])

        self.pond.frogs = [pb.AsReferenceable(Avatar(), "perspective")]  # type: ignore[list-item]
        (reference,) = self.call("frogs")
        self.assertEqual(self.pair.result(reference.callRemote("hello", 1)), ["hello", (1,)])
        self.assertEqual(pb.AsReferenceable(Frog()).remoteMessageReceived.__name__, "remoteMessageReceived")


class Statue(Viewable):
    """Looks different to everybody."""

    def view_look(self, who: Any, *args: Any) -> Any:
        """Who looks, and what they say."""
        return [who.avatarId if who else None, *args]

    async def view_later(self, who: Any) -> Any:
        """The same as a coroutine."""
        return await succeed(who.avatarId)


class User(pb.Avatar):
    """Gets to see a statue."""

    def __init__(self, avatarId: Any, statue: Any) -> None:
        super().__init__(avatarId)
        self.statue = statue

    def perspective_statue(self) -> Any:
        """Show it."""
        return self.statue

    def perspective_same(self, view: Any) -> Any:
        """Whether a view that comes back is of the statue, for this user."""
        return [view.object is self.statue, view.perspective is self]

    async def perspective_later(self, *args: Any, **kw: Any) -> Any:
        """Answer as a coroutine."""
        return await succeed([list(args), kw])


class ViewTests(ReferenceTestCase):
    """
    L{Viewable}, L{ViewPoint} and L{Avatar<pb.Avatar>}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.statue = Statue()
        self.users = [User(name, self.statue) for name in ("Ann", "Bob")]
        self.pond.frogs = [pb.AsReferenceable(user, "perspective") for user in self.users]  # type: ignore[misc]
        self.ann, self.bob = self.call("frogs")

    def test_perspective(self) -> None:
        """
        The methods are told who looks.
        """
        for avatar, name in ((self.ann, "Ann"), (self.bob, "Bob")):
            view = self.pair.result(avatar.callRemote("statue"))
            self.assertEqual(self.pair.result(view.callRemote("look", 1)), [name, 1])
            self.assertEqual(self.pair.result(view.callRemote("later")), name)

    def test_oneView(self) -> None:
        """
        One user's views of one object are one reference; another's isn't.
        """
        first, second, other = (
            self.pair.result(avatar.callRemote("statue")) for avatar in (self.ann, self.ann, self.bob)
        )
        self.assertEqual(first, second)
        self.assertNotEqual(first, other)

    def test_back(self) -> None:
        """
        A view that comes back is the L{ViewPoint}.
        """
        view = self.pair.result(self.ann.callRemote("statue"))
        self.assertEqual(self.pair.result(self.ann.callRemote("same", view)), [True, True])

    def test_without(self) -> None:
        """
        Sent by a root, a view has nobody as perspective.
        """
        self.pond.frogs = [self.statue]  # type: ignore[list-item]
        (view,) = self.call("frogs")
        self.assertEqual(self.pair.result(view.callRemote("look")), [None])

    def test_missing(self) -> None:
        """
        A missing method is an C{AttributeError}, as in C{twisted.spread}.
        """
        view = self.pair.result(self.ann.callRemote("statue"))
        for reference, name in ((view, "view_fly"), (self.ann, "perspective_fly")):
            error = self.assertRaises(AttributeError, self.pair.result, reference.callRemote("fly"))
            self.assertIn(name, str(error))
        self.flushLoggedErrors(AttributeError)

    def test_identity(self) -> None:
        """
        A view is the same as any of the same perspective and object.
        """
        self.assertEqual(
            ViewPoint(self.users[0], self.statue).processUniqueID(),
            ViewPoint(self.users[0], self.statue).processUniqueID(),
        )

    def test_coroutine(self) -> None:
        """
        C{perspective_} methods may be coroutines.
        """
        self.assertEqual(self.pair.result(self.ann.callRemote("later", 1, k=2)), [[1], {"k": 2}])

    def test_avatar(self) -> None:
        """
        An avatar knows who it is, and can be logged out.
        """
        self.assertEqual(pb.Avatar("Ann").avatarId, "Ann")
        self.assertIsNone(pb.Perspective().avatarId)
        self.assertIsNone(pb.Avatar().logout())
        self.assertTrue(pb.IPerspective.providedBy(pb.Avatar()))


class StockFlavorTests(ReferenceTestCase):
    """
    Objects of C{twisted.spread}'s flavors can be served.
    """

    def test_referenceable(self) -> None:
        """
        A stock object is lent and called over our broker.
        """

        class Theirs(stockFlavors.Referenceable):
            def remote_greet(self, name: str) -> str:
                return f"hello {name}"

        self.pond.frogs = [Theirs()]  # type: ignore[list-item]
        (reference,) = self.call("frogs")
        self.assertEqual(self.pair.result(reference.callRemote("greet", "you")), "hello you")

    def test_remoteError(self) -> None:
        """
        What it raises arrives.
        """

        class Theirs(stockFlavors.Referenceable):
            def remote_fail(self) -> None:
                raise KeyError("k")

        self.pond.frogs = [Theirs()]  # type: ignore[list-item]
        (reference,) = self.call("frogs")
        self.assertRaises(RemoteError, self.pair.result, reference.callRemote("fail"))
        self.flushLoggedErrors(KeyError)

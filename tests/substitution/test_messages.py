"""
What applications do with messages, failures and limits.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.credentials import Anonymous
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import fail
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.substitution.both import OURS, STOCK, onBoth, pairOf, rootWith


def failureOf(pair: Any, called: Any) -> Any:
    """The failure that a call comes to."""
    outcome: list[Any] = []
    called.addBoth(outcome.append)
    pair.flush()
    [failure] = outcome
    assert isinstance(failure, Failure), failure
    return failure


class MessageTests(SynchronousTestCase):
    """
    The methods through which flavors get their messages.
    """

    @onBoth
    def test_remoteMessageReceived(self, package: Any) -> None:
        """A flavor that overrides it gets s-expressions as lists, and answers with one."""
        seen: list[Any] = []

        class Own(package.pb.Referenceable):  # type: ignore[misc]
            def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
                seen.append((message, args, kw))
                arguments = broker.unserialize(args), broker.unserialize(kw)
                return broker.serialize([message, *arguments], None)

        own = Own()
        pair = pairOf(package, rootWith(package, own=lambda: own))
        reference = pair.result(pair.root.callRemote("own"))
        answer = pair.result(reference.callRemote("any", 1, b"two", three=3))
        self.assertEqual(answer, ["any", (1, b"two"), {"three": 3}])
        keywords = [b"dictionary", [[b"unicode", b"three"], 3]]
        self.assertEqual(seen, [("any", [b"tuple", 1, b"two"], keywords)])

    @onBoth
    def test_upcall(self, package: Any) -> None:
        """A flavor may change the message, and call the method that it overrides."""

        class Logging(package.pb.Root):  # type: ignore[misc]
            def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
                return package.pb.Root.remoteMessageReceived(self, broker, message + "_logged", args, kw)

            def remote_add_logged(self, one: int, other: int) -> int:
                return one + other

        pair = pairOf(package, Logging())
        self.assertEqual(pair.result(pair.root.callRemote("add", 1, 2)), 3)

    @onBoth
    def test_perspectiveMessageReceived(self, package: Any) -> None:
        """An avatar may override it; a method that is missing is an AttributeError, and no NoSuchMethod."""

        class Person(package.pb.Avatar):  # type: ignore[misc]
            def perspectiveMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
                if message == "special":
                    return broker.serialize("special", self, message, args, kw)
                return package.pb.Avatar.perspectiveMessageReceived(self, broker, message, args, kw)

            def perspective_plain(self) -> str:
                return "plain"

        @implementer(IRealm)
        class Realm:
            def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
                return package.pb.IPerspective, Person(), lambda: None

        portal = Portal(Realm(), [AllowAnonymousAccess()])
        pair = pairOf(package, server=package.pb.PBServerFactory(portal))
        avatar = pair.result(pair.clientFactory.login(Anonymous()))
        self.assertEqual(pair.result(avatar.callRemote("special")), "special")
        self.assertEqual(pair.result(avatar.callRemote("plain")), "plain")
        failure = failureOf(pair, avatar.callRemote("missing"))
        self.assertIs(failure.check(AttributeError), AttributeError)
        self.assertIsNone(failure.check(package.pb.NoSuchMethod))
        self.flushLoggedErrors(AttributeError)

    @onBoth
    def test_rawExpressions(self, package: Any) -> None:
        """
        A flavor may make its own s-expression, a tuple as well, with a
        reference to itself in it, as twisted.words does.
        """

        class Group(package.pb.Referenceable):  # type: ignore[misc]
            def jellyFor(self, jellier: Any) -> Any:
                return b"messages.Group", b"the name", jellier.invoker.registerReference(self)

            def remote_hello(self) -> str:
                return "hello"

        class GroupReference(package.pb.RemoteReference):  # type: ignore[misc]
            def unjellyFor(self, unjellier: Any, unjellyList: Any) -> Any:
                _, self.name, luid = unjellyList
                return package.pb.RemoteReference.unjellyFor(self, unjellier, [b"remote", luid])

        package.pb.setUnjellyableForClass("messages.Group", GroupReference)
        group = Group()
        pair = pairOf(package, rootWith(package, group=lambda: [group]))
        [reference] = pair.result(pair.root.callRemote("group"))
        self.assertEqual((type(reference), reference.name), (GroupReference, b"the name"))
        self.assertEqual(pair.result(reference.callRemote("hello")), "hello")

    @onBoth
    def test_stateThroughJellier(self, package: Any) -> None:
        """A class may put together its expression with the jellier, and take it apart with the unjellier."""

        class Pair(package.jelly.Jellyable):  # type: ignore[misc]
            def __init__(self, one: Any, other: Any) -> None:
                self.content = one, other

            def jellyFor(self, jellier: Any) -> Any:
                form = jellier.prepare(self)
                form.extend([b"messages.Pair", *map(jellier.jelly, self.content)])
                return jellier.preserve(self, form)

        class Arrived(package.jelly.Unjellyable):  # type: ignore[misc]
            def unjellyFor(self, unjellier: Any, form: Any) -> Any:
                self.content = [unjellier.unjelly(part) for part in form[1:]]
                return self

        package.pb.setUnjellyableForClass("messages.Pair", Arrived)
        pair = pairOf(package, rootWith(package, make=lambda: Pair(["one"], {"two": 2})))
        self.assertEqual(pair.result(pair.root.callRemote("make")).content, [["one"], {"two": 2}])

    @onBoth
    def test_pbanswer(self, package: Any) -> None:
        """A call may ask for no answer, and then has no Deferred."""
        called: list[str] = []
        pair = pairOf(package, rootWith(package, note=called.append))
        self.assertIsNone(pair.root.callRemote("note", "heard", pbanswer=False))
        pair.flush()
        self.assertEqual(called, ["heard"])


class FailureTests(SynchronousTestCase):
    """
    Failures of the peer.
    """

    def failing(self, package: Any, error: BaseException, unsafeTracebacks: bool = False) -> Any:
        """The failure that arrives for an error."""

        def raising() -> None:
            raise error

        factory = package.pb.PBServerFactory(rootWith(package, raising=raising), unsafeTracebacks)
        pair = pairOf(package, server=factory)
        failure = failureOf(pair, pair.root.callRemote("raising"))
        self.flushLoggedErrors(type(error))
        return failure

    @onBoth
    def test_attributes(self, package: Any) -> None:
        """Type is bytes, value is str, both can be assigned; there are texts of all kinds."""
        failure = self.failing(package, ValueError("it is wrong"))
        self.assertEqual((failure.type, failure.value), (b"builtins.ValueError", "it is wrong"))
        self.assertEqual(failure.getErrorMessage(), "it is wrong")
        text = "Traceback from remote host -- builtins.ValueError: it is wrong\n"
        self.assertEqual((failure.getTraceback(), failure.getBriefTraceback()), (text, text))
        self.assertEqual(str(failure), f"[Failure instance: {text}]")
        failure.type, failure.value = ValueError, ValueError("for another")
        self.assertIsInstance(failure.value, ValueError)
        self.assertIs(failure.check(ValueError), ValueError)

    @onBoth
    def test_traceback(self, package: Any) -> None:
        """With unsafeTracebacks, the remote traceback is there."""
        failure = self.failing(package, ValueError("it is wrong"), unsafeTracebacks=True)
        self.assertIn("in raising", failure.traceback)
        self.assertEqual(self.failing(package, ValueError()).traceback, "Traceback unavailable\n")

    @onBoth
    def test_remoteError(self, package: Any) -> None:
        """Thrown into a generator, it is a RemoteError with the name of the type, as bytes."""
        failure = self.failing(package, ValueError("it is wrong"))

        def waiting() -> Any:
            try:
                yield
            except package.pb.RemoteError as error:
                yield error.remoteType, str(error), error.remoteTraceback

        generator = waiting()
        next(generator)
        caught = failure.throwExceptionIntoGenerator(generator)
        self.assertEqual(caught, (b"builtins.ValueError", "it is wrong", "Traceback unavailable\n"))

    @onBoth
    def test_missingMethod(self, package: Any) -> None:
        """A method that isn't there is a NoSuchMethod, by this very name."""
        pair = pairOf(package)
        failure = failureOf(pair, pair.root.callRemote("missing"))
        self.assertEqual(failure.type, b"twisted.spread.flavors.NoSuchMethod")
        self.assertIs(failure.check(package.pb.NoSuchMethod), package.pb.NoSuchMethod)
        self.flushLoggedErrors(package.pb.NoSuchMethod)

    @onBoth
    def test_wrapping(self, package: Any) -> None:
        """An application wraps a failure itself, and says whether tracebacks travel, as Buildbot does."""

        def wrapped() -> Any:
            try:
                raise ValueError("wrapped")
            except ValueError:
                failure = package.pb.CopyableFailure(Failure())
            failure.unsafeTracebacks = True
            return fail(failure)

        pair = pairOf(package, rootWith(package, wrapped=wrapped))
        self.assertEqual(failureOf(pair, pair.root.callRemote("wrapped")).value, "wrapped")
        self.flushLoggedErrors(ValueError)

    def test_relaying(self) -> None:
        """A failure of one peer can be wrapped for another one."""
        arrived = self.failing(OURS, KeyError("far away"))
        pair = pairOf(OURS, rootWith(OURS, relay=lambda: fail(OURS.pb.CopyableFailure(arrived))))
        again = failureOf(pair, pair.root.callRemote("relay"))
        self.assertEqual((again.type, again.value), (b"builtins.KeyError", "'far away'"))
        self.assertIs(again.check(KeyError), KeyError)
        self.flushLoggedErrors()

    def test_raising(self) -> None:
        """It can be raised. With C{twisted.spread} the attempt fails."""
        failure = self.failing(OURS, ValueError("it is wrong"))
        self.assertRaises(OURS.pb.RemoteError, failure.raiseException)
        self.assertRaises(ValueError, failure.raiseException)
        self.assertRaises(AttributeError, self.failing(STOCK, ValueError()).raiseException)

    def test_withoutParents(self) -> None:
        """A peer of an old version sends no parents: the failure has its type, and nothing above it."""
        pair = pairOf(OURS)
        called = pair.root.callRemote("anything")
        state = {"type": b"exceptions.ValueError", "value": "old", "traceback": ""}
        form = [b"twisted.spread.pb.CopyableFailure", OURS.jelly.jelly(state)]
        pair.client.proto_error(1, form)
        failure = self.failureResultOf(called)
        self.assertEqual((failure.type, failure.value), (b"exceptions.ValueError", "old"))
        self.assertEqual(failure.parents, ["exceptions.ValueError"])

    def test_passwords(self) -> None:
        """A password may be str; C{twisted.spread} wants bytes."""
        self.assertEqual(OURS.pb.respond(b"x", "secret"), STOCK.pb.respond(b"x", b"secret"))
        self.assertRaises(TypeError, STOCK.pb.respond, b"x", "secret")


class LimitTests(SynchronousTestCase):
    """
    Limits that a program changes while it runs.
    """

    @onBoth
    def test_sizeLimit(self, package: Any) -> None:
        """banana.SIZE_LIMIT bounds what connections send from then on, those that exist too."""
        pair = pairOf(package, rootWith(package, length=len))
        self.patch(package.banana, "SIZE_LIMIT", 100)
        self.assertEqual(pair.result(pair.root.callRemote("length", b"x" * 100)), 100)
        self.assertEqual(package.banana.SIZE_LIMIT, 100)
        with self.assertRaises(package.banana.BananaError):
            package.banana.encode(b"x" * 101)
        with self.assertRaises(package.banana.BananaError):
            package.banana.encode([0] * 101)
        package.banana.SIZE_LIMIT = 1_000_000
        self.assertEqual(pair.result(pair.root.callRemote("length", b"x" * 900_000)), 900_000)

    @onBoth
    def test_sizeLimitIsRestored(self, package: Any) -> None:
        """What a test patches is as it was afterwards."""
        self.assertEqual((package.banana.SIZE_LIMIT, package.pb.MAX_BROKER_REFS), (640 * 1024, 1024))
        with self.assertRaises(package.banana.BananaError):
            package.banana.encode(b"x" * (640 * 1024 + 1))

    @onBoth
    def test_maxBrokerRefs(self, package: Any) -> None:
        """pb.MAX_BROKER_REFS bounds what connections lend, those that exist too."""
        lent: list[Any] = []

        def lend() -> Any:
            lent.append(package.pb.Referenceable())
            return lent[-1]

        pair = pairOf(package, rootWith(package, lend=lend))
        kept = [pair.result(pair.root.callRemote("lend"))]
        self.patch(package.pb, "MAX_BROKER_REFS", 3)
        kept += [pair.result(pair.root.callRemote("lend")) for _ in range(2)]
        failure = failureOf(pair, pair.root.callRemote("lend"))
        self.assertEqual(failure.value, "Maximum PB reference count exceeded.")
        package.pb.MAX_BROKER_REFS = 10
        kept.append(pair.result(pair.root.callRemote("lend")))
        self.assertEqual(len(pair.server.localObjects), 5)
        self.flushLoggedErrors()

    @onBoth
    def test_prefixLimit(self, package: Any) -> None:
        """setPrefixLimit bounds the integers of connections that are made from then on."""
        self.addCleanup(package.banana.setPrefixLimit, 64)
        package.banana.setPrefixLimit(9)
        pair = pairOf(package, rootWith(package, echo=lambda value: value))
        self.assertEqual(pair.client.prefixLimit, 9)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 2**62)), 2**62)
        package.banana.setPrefixLimit(64)
        pair = pairOf(package, rootWith(package, echo=lambda value: value))
        self.assertEqual(pair.result(pair.root.callRemote("echo", 2**440)), 2**440)

    @onBoth
    def test_ownPrefixLimit(self, package: Any) -> None:
        """A connection may have a limit of its own."""
        pair = pairOf(package, rootWith(package, echo=lambda value: value))
        for broker in (pair.client, pair.server):
            broker.setPrefixLimit(100)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 2**600)), 2**600)

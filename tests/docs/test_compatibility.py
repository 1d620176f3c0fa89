"""
What C{docs/topics/compatibility.rst} says of both packages is true.

Each test holds one difference: what C{twisted.spread} does, and what we do. One
that fails on the side of C{twisted.spread} says that a newer Twisted no longer
differs there.
"""

from __future__ import annotations

import gc
from decimal import Decimal
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python import log
from twisted.python.failure import Failure
from twisted.spread import banana as stockBanana
from twisted.spread import flavors as stockFlavors
from twisted.spread import jelly as stockJelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import banana, flavors, jelly, pb
from myspread.testing import brokerPair
from tests.docs.differences import call, pairOn
from tests.jelly.shapes import Invoker


def raisedBy(pair: Any) -> Any:
    """What awaiting a call raises that fails."""

    async def wrong() -> Any:
        try:
            await pair.root.callRemote("wrong")
        except Exception as error:
            return error

    raised: list[Any] = []
    Deferred.fromCoroutine(wrong()).addCallback(raised.append)
    pair.flush()
    return raised[0]


@pb.value("compatibility.Declared")
class Declared(pb.Error):
    """An exception that travels by value."""


class CallsAndAnswers(SynchronousTestCase):
    """
    The section on calls and answers.
    """

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        gc.collect()
        self.flushLoggedErrors()

    def test_answerTooLong(self) -> None:
        """An answer over the limit."""
        self.assertIsNotNone(call(pairOn(stock), "tooLong").raised)
        self.assertEqual(call(pairOn(stock), "tooLongLater").result, [])
        for name in ("tooLong", "tooLongLater"):
            outcome = call(pairOn(pb), name)
            self.assertIsNone(outcome.raised)
            self.assertIn("Limits.stringLength", outcome.failure.getErrorMessage())

    def test_answerRefused(self) -> None:
        """An answer that the caller's policy refuses."""
        self.assertIsNotNone(call(pairOn(stock), "undeclared").raised)
        pair = pairOn(pb)
        outcome = call(pair, "undeclared")
        self.assertIsNone(outcome.raised)
        self.assertTrue(outcome.failure.check(pb.InsecureJelly))
        self.assertEqual(call(pair, "echo", 1).result, [1])

    def test_systemExit(self) -> None:
        """A method that raises SystemExit."""
        outcome = call(pairOn(stock), "exit")
        self.assertTrue(outcome.raised or not outcome.result)
        outcome = call(pairOn(pb), "exit")
        self.assertIsNone(outcome.raised)
        self.assertEqual(outcome.failure.type, b"builtins.SystemExit")

    def test_coroutine(self) -> None:
        """A method that is a coroutine function."""
        self.assertEqual(call(pairOn(pb), "five").result, [5])

    def test_deferredKeepsResult(self) -> None:
        """A Deferred that a method returned, once it has fired."""
        for package, kept in ((stock, False), (pb, True)):
            root: Any = None
            pair = pairOn(package)
            root = pair.serverFactory.root
            pair.root.callRemote("later")
            pair.flush()
            root.later.callback("the result")
            self.assertEqual(self.successResultOf(root.later) == "the result", kept, package)

    def test_unknownMessage(self) -> None:
        """A message that isn't part of the protocol, and one without its fields."""
        for message in ([b"frobnicate", 1], [b"message", 1]):
            pair = pairOn(stock)
            pair.client.sendEncoded(message)
            with self.assertRaises(Exception):  # noqa: B017 - of any kind: it reaches the transport
                pair.flush()
            pair = pairOn(pb)
            pair.client.sendEncoded(message)
            pair.flush()
            self.assertEqual(call(pair, "echo", 1).result, [1])

    def test_noDelay(self) -> None:
        """Nagle's algorithm."""
        for package, expected in ((stock, []), (pb, [True])):
            asked: list[bool] = []
            broker = package.PBServerFactory(package.Root()).buildProtocol(None)
            transport = pairOn(pb).serverTransport
            transport.setTcpNoDelay = asked.append
            broker.makeConnection(transport)
            self.assertEqual(asked, expected)

    def test_echoOfReference(self) -> None:
        """An object of the client's that is sent and echoed at once."""
        for package, comesBack in ((stock, False), (pb, True)):
            duck = package.Referenceable()
            outcome = call(pairOn(package), "echo", duck)
            self.assertEqual(outcome.result, [duck if comesBack else None], package)

    def test_lossInWords(self) -> None:
        """What a call that waits ends with when the connection is lost."""
        for package, inWords in ((stock, False), (pb, True)):
            pair = pairOn(package)
            waiting = pair.root.callRemote("later")
            why = Failure(ConnectionDone())
            pair.disconnect(why)
            error = self.failureResultOf(waiting, stock.PBConnectionLost).value
            self.assertIs(error.args[0], why)
            self.assertEqual(str(error).endswith(": Connection was closed cleanly."), inWords, package)

    def test_foreignReference(self) -> None:
        """A reference that is handed to a third party."""
        for package in (stock, pb):
            reference = call(pairOn(package), "lend").result[0]
            outcome = call(pairOn(package), "echo", reference)
            self.assertTrue(outcome.failure.check(AssertionError))
        self.assertTrue(outcome.failure.check(pb.ForeignReference))
        self.assertIn("127.0.0.1", outcome.failure.getErrorMessage())

    def test_limitsAtOnce(self) -> None:
        """Limits that are set while a connection stands."""
        for package, codec, atOnce in ((stock, stockBanana, False), (pb, banana, True)):
            pair = pairOn(package)
            self.addCleanup(codec.setPrefixLimit, 64)
            codec.setPrefixLimit(100)
            outcome = call(pair, "echo", 2**600)
            self.assertEqual(outcome.result == [2**600], atOnce, package)
            codec.setPrefixLimit(64)
            self.patch(codec, "SIZE_LIMIT", 10)
            outcome = call(pairOn(package), "echo", b"x" * 100)
            self.assertNotEqual(outcome.result, [b"x" * 100], package)

    def test_tablesOfABroker(self) -> None:
        """The tables of a broker, and other attributes."""
        for package, replaced in ((stock, True), (pb, False)):
            broker = package.Broker()
            broker.username = broker.note = "any"
            broker.localObjects[b"named"] = "changed"
            self.assertEqual(list(broker.localObjects), [b"named"])
            if replaced:
                broker.localObjects = {}
            else:
                self.assertRaises(AttributeError, setattr, broker, "localObjects", {})


class Failures(SynchronousTestCase):
    """
    The section on failures.
    """

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        gc.collect()
        self.flushLoggedErrors()

    def test_framesStayAtHome(self) -> None:
        """What the failure of a Deferred tells of the server's code."""
        for package, told in ((stock, True), (pb, False)):
            pair = pairOn(package)
            written: list[bytes] = []
            pair.serverTransport.write = written.append
            call(pair, "wrongLater")
            self.assertIn(b"it is wrong", b"".join(written))
            self.assertEqual(b"differences.py" in b"".join(written), told, package)

    def test_relay(self) -> None:
        """A peer's failure that is sent on, with tracebacks."""
        for package, arrives in ((stock, False), (pb, True)):
            first, second = pairOn(package), pairOn(package, unsafeTracebacks=True)
            second.serverFactory.root.remote_relay = lambda first=first: first.root.callRemote("wrong")
            outcome: list[Any] = []
            second.root.callRemote("relay").addErrback(outcome.append)
            second.flush()
            first.flush()
            second.flush()
            types = [failure.type for failure in outcome]
            self.assertEqual(types, [b"builtins.ValueError"] if arrives else [])

    def test_reprAndRaise(self) -> None:
        """The repr of a failure that has arrived, and raising it."""
        theirs = call(pairOn(stock), "wrong").failure
        self.assertRaises(AttributeError, repr, theirs)
        ours = call(pairOn(pb), "wrong").failure
        self.assertIn("it is wrong", repr(ours))
        self.assertRaises(pb.RemoteError, ours.raiseException)

    def test_builtinExceptions(self) -> None:
        """What awaiting a failed call raises."""

        async def wait(pair: Any) -> str:
            try:
                await pair.root.callRemote("wrong")
            except ValueError:
                return "ValueError"
            except stock.RemoteError:
                return "RemoteError"
            return ""

        for package, expected in ((stock, "RemoteError"), (pb, "ValueError")):
            pair = pairOn(package)
            waiting = Deferred.fromCoroutine(wait(pair))
            pair.flush()
            self.assertEqual(self.successResultOf(waiting), expected)

    def test_nameOfTheRemoteClass(self) -> None:
        """What is raised shows the name of the remote class."""
        for package, shown in ((stock, "RemoteError"), (pb, "RemoteError[builtins.ValueError]")):
            raised = type(raisedBy(pairOn(package)))
            self.assertEqual(raised.__qualname__, shown)
            self.assertEqual((raised.__module__, raised.__name__), ("twisted.spread.pb", "RemoteError"))

    def test_declaredException(self) -> None:
        """A peer that runs C{twisted.spread} can look at what its failure tells more."""
        form = jelly.jelly(pb.CopyableFailure(Declared("x")), pb.SecurityPolicy(), None, Invoker())
        failure = stockJelly.unjelly(form, stock.globalSecurity, None, Invoker())
        self.assertIsInstance(failure, stock.CopiedFailure)
        self.assertEqual(failure.exception[0], b"compatibility.Declared")
        self.assertEqual(failure.check("compatibility.Declared"), "compatibility.Declared")
        self.assertEqual(failure.getErrorMessage(), "x")

    def test_declaredToStock(self) -> None:
        """A broker of C{twisted.spread} sends a note in place of what is declared for ours."""
        pair = pairOn(stock)
        self.assertIsInstance(call(pair, "echo", Declared("x")).result[0], jelly.Unpersistable)
        self.assertIsInstance(call(pairOn(pb), "echo", Declared("x")).result[0], Declared)

    def test_argumentsAreNotLogged(self) -> None:
        """A call with wrong arguments, in the log."""
        for package, logged in ((stock, True), (pb, False)):
            events: list[Any] = []
            log.addObserver(events.append)
            call(pairOn(package), "five", "a secret")
            log.removeObserver(events.append)
            text = "".join(log.textFromEventDict(event) or "" for event in events)
            self.assertEqual("a secret" in text, logged)


class Values(SynchronousTestCase):
    """
    The section on values.
    """

    def test_negativeZero(self) -> None:
        """Decimal("-0.00")."""
        value = Decimal("-0.00")
        self.assertEqual(str(stockJelly.unjelly(stockJelly.jelly(value))), "0.00")
        self.assertEqual(str(jelly.unjelly(jelly.jelly(value))), "-0.00")
        self.assertEqual(stockJelly.unjelly(jelly.jelly(value)), 0)

    def test_refusedValues(self) -> None:
        """NaN, and a text with a lone surrogate."""
        for value in (Decimal("NaN"), "\ud800"):
            self.assertRaises((TypeError, UnicodeEncodeError), stockJelly.jelly, [value])
            error = self.assertRaises(pb.InsecureJelly, jelly.jelly, [value])
            self.assertIn("value[0]", str(error))

    def test_unknownDereference(self) -> None:
        """A dereference of what isn't there."""
        sexp = [b"list", [b"dereference", 1]]
        self.assertIn("_Dereference", repr(stockJelly.unjelly(list(sexp))))
        self.assertRaises(pb.MalformedJelly, jelly.unjelly, list(sexp))

    def test_copyOfItself(self) -> None:
        """A copy that refers to itself."""
        for package, registry, whole in ((stock, stockFlavors, False), (pb, flavors, True)):
            names = {"__module__": "pond"}
            Pond = type("Pond", (package.Copyable, package.RemoteCopy), names)
            registry.setUnjellyableForClass("pond.Pond", Pond)
            table = stockJelly.unjellyableRegistry if package is stock else jelly.unjellyableRegistry
            self.addCleanup(table.pop, b"pond.Pond")
            pond = Pond()
            pond.twin = pond
            copy = call(pairOn(package), "echo", pond).result[0]
            self.assertEqual(copy.twin is copy, whole, package)

    def test_nesting(self) -> None:
        """Six hundred lists, one in the other."""
        innermost: list[Any] = []
        value = innermost
        for _ in range(600):
            value = [value]
        self.assertTrue(call(pairOn(stock), "echo", value).failure.check(RecursionError))
        self.assertIsInstance(call(pairOn(pb), "echo", value).result[0], list)

    def test_namesOfTheRoot(self) -> None:
        """The hash of a reference to the root."""
        self.assertRaises(TypeError, hash, pairOn(stock).root)
        self.assertIsInstance(hash(pairOn(pb).root), int)

    def test_receiptsOfOneCache(self) -> None:
        """Two receipts of one cache."""
        for package, table, equal in (
            (stock, stockJelly.unjellyableRegistry, False),
            (pb, jelly.unjellyableRegistry, True),
        ):
            Master = type("Master", (package.Cacheable,), {"__module__": "pond"})
            Copy = type("Copy", (package.RemoteCache,), {"__module__": "pond"})
            Master.getStateToCacheAndObserveFor = lambda self, perspective, observer: {}
            Master.stoppedObserving = lambda self, perspective, observer: None
            table[b"pond.Master"] = Copy
            self.addCleanup(table.pop, b"pond.Master")
            pair, master = pairOn(package), Master()
            pair.serverFactory.root.remote_cache = lambda master=master: master
            first, second = call(pair, "cache").result[0], call(pair, "cache").result[0]
            self.assertEqual(first == second, equal, package)


class Courier(pb.Copyable):
    """Something to send."""


class Received(pb.RemoteCopy):
    """What becomes of it."""


pb.setUnjellyableForClass(Courier, Received)
stock.setUnjellyableForClass(Courier, Received)


class Login(SynchronousTestCase):
    """
    The section on login.
    """

    def test_passwordAsText(self) -> None:
        """A password that is str."""
        self.assertRaises(TypeError, stock.respond, b"challenge", "password")
        self.assertEqual(pb.respond(b"challenge", "password"), stock.respond(b"challenge", b"password"))

    def test_challengeIsUsedUp(self) -> None:
        """A second response to the same challenge."""
        for package, accepted in ((stock, True), (pb, False)):
            checker = InMemoryUsernamePasswordDatabaseDontUse(guest=b"password")
            factory = package.PBServerFactory(Portal(pb.Realm(), [checker]))
            pair = brokerPair(serverFactory=factory)
            challenge, challenger = call(pair, "login", b"guest").result[0]
            response = pb.respond(challenge, b"password")
            outcomes: list[Any] = []
            for _ in range(2):
                challenger.callRemote("respond", response, None).addBoth(outcomes.append)
                pair.flush()
            isAvatar = [isinstance(outcome, pb.RemoteReference) for outcome in outcomes]
            self.assertEqual(isAvatar, [True, accepted], package)
            self.flushLoggedErrors()

    def test_beforeLogin(self) -> None:
        """A copy and a long message, for an object that is lent beside the portal."""

        class Lobby(pb.Referenceable):
            """Somebody who isn't logged in may see it."""

            def remote_look(self, value: Any) -> str:
                """Tell what it is."""
                return type(value).__name__

        class StockLobby(stock.Referenceable):
            """The same."""

            remote_look = Lobby.remote_look

        for package, lobby, accepted in ((stock, StockLobby(), True), (pb, Lobby(), False)):
            portal = Portal(pb.Realm(), [InMemoryUsernamePasswordDatabaseDontUse()])
            pair = brokerPair(serverFactory=package.PBServerFactory(portal))
            pair.server.setNameForLocal("lobby", lobby)
            reference = pair.client.remoteForName("lobby")
            call_ = reference.callRemote("look", Courier())
            pair.flush()
            outcomes: list[Any] = []
            call_.addBoth(outcomes.append)
            self.assertEqual(outcomes[0] == "Received", accepted, (package, outcomes))
            long = reference.callRemote("look", b"x" * 100_000)
            pair.flush()
            long.addBoth(outcomes.append)
            self.assertEqual(outcomes[1] == "bytes", accepted, (package, outcomes))
            self.flushLoggedErrors()

    def test_guesses(self) -> None:
        """One password after the other, on one connection."""
        for package, isOpen in ((stock, True), (pb, False)):
            checker = InMemoryUsernamePasswordDatabaseDontUse(guest=b"password")
            pair = brokerPair(serverFactory=package.PBServerFactory(Portal(pb.Realm(), [checker])))
            for _ in range(pb.Limits().loginAttempts + 1):
                challenge, challenger = call(pair, "login", b"guest").result[0]
                guess = challenger.callRemote("respond", pb.respond(challenge, b"guess"), None)
                guess.addErrback(lambda failure: None)
                pair.flush()
                pair.clock.advance(0)
                pair.flush()
            self.assertEqual(pair.connected, isOpen, package)
            self.flushLoggedErrors()

    def test_endpointFails(self) -> None:
        """A root that is asked for, and a connection that never comes."""
        for package, told in ((stock, False), (pb, True)):
            factory = package.PBClientFactory()
            root = factory.getRootObject()
            broker = factory.buildProtocol(None)
            pair = pairOn(pb)
            broker.makeConnection(pair.clientTransport)
            failures: list[Any] = []
            root.addErrback(failures.append)
            broker.connectionLost(Failure(ConnectionLost()))
            self.assertEqual(bool(failures), told, package)


class WireTests(SynchronousTestCase):
    """
    The section on what stays the same.
    """

    def test_mixedPairs(self) -> None:
        """Each package talks to the other."""
        for server, client in ((stock, pb), (pb, stock)):
            pair = brokerPair(
                serverFactory=server.PBServerFactory(pairOn(server).serverFactory.root),
                clientFactory=client.PBClientFactory(),
            )
            value = [1, "two", b"three", None]
            self.assertEqual(call(pair, "echo", value).result, [value])

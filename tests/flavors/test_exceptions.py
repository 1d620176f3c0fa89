"""
Exceptions that travel by value, and those that come as classes made of names.
"""

from __future__ import annotations

import gc
import sys
import traceback
from dataclasses import dataclass, replace
from typing import Any

import attrs
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import ensureDeferred, fail
from twisted.logger import LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from twisted.python.reflect import qual
from twisted.spread import jelly as stockJelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._flavors import remoteerrors
from myspread._flavors.remoteerrors import remoteException
from myspread._jelly import jelly, unjelly
from myspread.testing import BrokerPair, brokerPair
from tests.flavors.observatory import Reading
from tests.jelly.shapes import Invoker


@pb.value("observatory.DomeStuck")
class DomeStuck(pb.Error):
    """Has a constructor with other arguments than C{args}."""

    def __init__(self, dome: str, angle: float) -> None:
        super().__init__(f"{dome} is stuck at {angle}")
        self.dome = dome
        self.angle = angle

    def describe(self) -> str:
        """What peers can't replace."""
        return f"{self.dome}: {self.angle}"


@pb.value("observatory.Clouded", version=2, upgrade=lambda state, version: {**state, "cover": 8})
class Clouded(LookupError):
    """Has nothing but arguments, and what older programs don't send."""

    cover: int


@pb.value("observatory.NoPlate")
class NoPlate(FileNotFoundError):
    """Keeps fields where Python code can't reach them."""


@pb.value("observatory.Undecodable")
class Undecodable(UnicodeDecodeError):
    """Another one."""


@pb.value("observatory.Overexposed")
@dataclass
class Overexposed(pb.Error):
    """A dataclass."""

    reading: Reading
    seconds: int = 0


@pb.value("observatory.Underexposed")
@attrs.define
class Underexposed(pb.Error):
    """An attrs class, with slots."""

    seconds: int
    _note: str = ""


@pb.value("observatory.Holding")
class Holding(pb.Error):
    """Holds what may or may not travel."""

    __slots__ = ("held",)

    def __init__(self, held: Any) -> None:
        super().__init__("holding")
        self.held = held


class OnlyThere(KeyError):
    """Not declared."""


class MoreStuck(DomeStuck):
    """Derives from a declared one."""


CLASSES: list[Any] = [DomeStuck, Clouded, NoPlate, Undecodable, Overexposed, Underexposed, Holding, Reading]
POLICY = pb.SecurityPolicy().allowValue(*CLASSES)

NEW_NOTES = sys.version_info >= (3, 11)


class Server(pb.Root):
    """Fails."""

    error: Any = None

    def remote_fail(self) -> None:
        """Raise it."""
        raise self.error

    def remote_failLater(self) -> Any:
        """Return a Deferred of it."""
        return fail(self.error)

    def remote_echo(self, value: Any) -> Any:
        """Return what comes."""
        return value


class ErrorTestCase(SynchronousTestCase):
    """
    Has a pair of brokers.
    """

    policy = POLICY

    def setUp(self) -> None:
        self.server = Server()
        self.pair: BrokerPair = brokerPair(
            serverFactory=pb.PBServerFactory(self.server, security=POLICY),
            clientFactory=pb.PBClientFactory(security=self.policy),
        )

    def failureOf(self, error: Exception, method: str = "fail") -> Any:
        """The failure that the caller gets."""
        self.server.error = error
        outcome: list[Any] = []
        self.pair.root.callRemote(method).addErrback(outcome.append)
        self.pair.flush()
        self.flushLoggedErrors()
        return outcome[0]

    def raisedBy(self, error: Exception) -> Any:
        """What awaiting the call raises."""
        self.server.error = error

        async def call() -> Any:
            try:
                await self.pair.root.callRemote("fail")
            except Exception as raised:
                return raised

        result = ensureDeferred(call())
        self.pair.flush()
        self.flushLoggedErrors()
        return self.successResultOf(result)


class DeclaredTests(ErrorTestCase):
    """
    Declared classes come back as themselves.
    """

    def test_raised(self) -> None:
        """The class, arguments and attributes are the same; the constructor isn't called."""
        for method in ("fail", "failLater"):
            error = self.failureOf(DomeStuck("north", 12.5), method).toException()
            self.assertIs(type(error), DomeStuck)
            self.assertEqual(error.args, ("north is stuck at 12.5",))
            self.assertEqual((error.dome, error.angle), ("north", 12.5))
            self.assertEqual(error.describe(), "north: 12.5")

    def test_awaited(self) -> None:
        """C{except} finds them."""
        error = self.raisedBy(Clouded("all night"))
        self.assertIs(type(error), Clouded)
        self.assertEqual(error.args, ("all night",))

    def test_cause(self) -> None:
        """What the peer told is the cause."""
        error = self.raisedBy(DomeStuck("north", 12.5))
        self.assertIsInstance(error.__cause__, pb.RemoteError)
        self.assertEqual(error.__cause__.remoteType, b"tests.flavors.test_exceptions.DomeStuck")
        self.assertEqual(str(error.__cause__), "north is stuck at 12.5")
        self.assertIsInstance(error.__cause__, pb.remote("observatory.DomeStuck"))

    def test_builtInFields(self) -> None:
        """What built-in classes keep of their arguments is there."""
        error = self.raisedBy(NoPlate(2, "gone", "plate.fits"))
        self.assertEqual((type(error), error.errno, error.strerror), (NoPlate, 2, "gone"))
        self.assertEqual(str(error), "[Errno 2] gone")
        error = self.raisedBy(Undecodable("utf-8", b"\xff", 0, 1, "bad"))
        self.assertEqual((type(error), error.object, error.reason), (Undecodable, b"\xff", "bad"))

    def test_fields(self) -> None:
        """Dataclasses and attrs classes keep their fields, values in them too."""
        error = self.raisedBy(Overexposed(Reading("Vega"), 30))
        self.assertEqual(error, Overexposed(Reading("Vega"), 30))
        error = self.raisedBy(Underexposed(3, "dark"))
        self.assertEqual((type(error), error.seconds, error._note), (Underexposed, 3, "dark"))

    def test_slots(self) -> None:
        """So do classes with slots."""
        self.assertEqual(self.raisedBy(Holding([1, 2])).held, [1, 2])
        empty = Holding(1)
        del empty.held
        self.assertFalse(hasattr(self.raisedBy(empty), "held"))

    def test_upgrade(self) -> None:
        """States of older versions are upgraded."""
        failure = self.failureOf(Clouded("x"))
        form = [b"observatory.Clouded", jelly({"args": ("x",)})]
        self.assertEqual(unjelly(form, POLICY, None, Invoker()).cover, 8)
        self.assertFalse(hasattr(failure.value, "cover"))

    def test_callbacks(self) -> None:
        """A failure in an errback has the exception, and is found by class, name and tag."""
        failure = self.failureOf(DomeStuck("north", 1.0))
        self.assertIsInstance(failure, pb.CopiedFailure)
        self.assertEqual(failure.value.dome, "north")
        self.assertEqual(failure.getErrorMessage(), "north is stuck at 1.0")
        self.assertEqual(failure.type, b"tests.flavors.test_exceptions.DomeStuck")
        for wanted in (DomeStuck, pb.Error, "observatory.DomeStuck", pb.remote("observatory.DomeStuck")):
            self.assertEqual(failure.trap(KeyError, wanted), wanted)
        self.assertIn("DomeStuck: north is stuck at 1.0", failure.getTraceback())

    def test_otherModule(self) -> None:
        """The two sides may have the class in different modules, with different bases."""

        @pb.value("observatory.DomeStuck")
        class Here(ValueError):
            pass

        self.addCleanup(pb.value("observatory.DomeStuck"), DomeStuck)
        pair = brokerPair(
            serverFactory=pb.PBServerFactory(self.server),
            clientFactory=pb.PBClientFactory(security=pb.SecurityPolicy().allowValue(Here)),
        )
        self.server.error = DomeStuck("north", 1.0)
        outcome: list[Any] = []
        pair.root.callRemote("fail").addErrback(outcome.append)
        pair.flush()
        (failure,) = outcome
        self.assertIs(type(failure.value), Here)
        for wanted in (Here, ValueError, DomeStuck, pb.Error):
            self.assertEqual(failure.check(wanted), wanted)
        self.assertRaises(ValueError, failure.raiseException)

    def test_relayed(self) -> None:
        """A failure that came from one peer goes to another as it came."""
        failure = self.failureOf(DomeStuck("north", 1.0))
        for again in (failure, Failure(failure.value)):
            self.server.error = again
            outcome: list[Any] = []
            self.pair.root.callRemote("failLater").addErrback(outcome.append)
            self.pair.flush()
            self.flushLoggedErrors()
            self.assertEqual((type(outcome[0].value), outcome[0].value.dome), (DomeStuck, "north"))

    def test_asValues(self) -> None:
        """They may be arguments and results as well."""
        error = self.pair.result(self.pair.root.callRemote("echo", [DomeStuck("n", 1.0)]))[0]
        self.assertEqual((type(error), error.dome), (DomeStuck, "n"))

    def test_byValue(self) -> None:
        """A peer that sends the exception itself, as stock peers may, is understood."""
        form = [b"observatory.DomeStuck", jelly({"args": ("x",), "dome": "north"})]
        error = unjelly(form, POLICY, None, Invoker())
        self.assertEqual((type(error), error.args, error.dome), (DomeStuck, ("x",), "north"))

    def test_processWide(self) -> None:
        """The process-wide policy knows all that are declared."""
        pair = brokerPair(self.server)
        self.server.error = DomeStuck("north", 1.0)
        self.assertRaises(DomeStuck, pair.result, pair.root.callRemote("fail"))


class WireTests(ErrorTestCase):
    """
    What a failure tells.
    """

    def form(self, error: Exception) -> Any:
        """What is sent."""
        return jelly(pb.CopyableFailure(error), POLICY, None, Invoker())

    def test_undeclared(self) -> None:
        """The failures of other classes are as ever."""
        state = unjelly(self.form(OnlyThere("x"))[1])
        self.assertNotIn("exception", state)
        self.assertEqual(state["parents"][0], "tests.flavors.test_exceptions.OnlyThere")
        self.assertEqual(state["parents"][-1], "builtins.object")

    def test_declared(self) -> None:
        """The state is there as plain lists, and the tags are among the names."""
        state = unjelly(self.form(Overexposed(Reading("Vega"), 3))[1])
        tag, quoted = state["exception"]
        self.assertEqual(tag, b"observatory.Overexposed")
        self.assertEqual(quoted[0], b"dictionary")
        self.assertEqual(state["parents"][1], "observatory.Overexposed")
        names = unjelly(self.form(MoreStuck("x", 1.0))[1])["parents"]
        self.assertEqual(names[0], "tests.flavors.test_exceptions.MoreStuck")
        self.assertEqual(names[1], "observatory.DomeStuck")

    def test_stockReads(self) -> None:
        """Peers that know nothing of it get a failure, whatever the exception holds."""
        failure = stockJelly.unjelly(
            self.form(Overexposed(Reading("Vega"))), stock.globalSecurity, None, Invoker()
        )
        self.assertIsInstance(failure, stock.CopiedFailure)
        self.assertTrue(failure.check(pb.Error, "observatory.Overexposed"))

    def test_cannotTravel(self) -> None:
        """An exception that holds what can't travel comes as a RemoteError, with a note in the log."""
        warnings = []

        def observe(event: Any) -> None:
            if event["log_level"] is LogLevel.warn:
                warnings.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        for held in (object(), pb.Root(), float, "\ud800"):
            error = self.raisedBy(Holding(held))
            self.assertIsInstance(error, pb.remote("observatory.Holding"))
            self.assertEqual(str(error), "holding")
        # A class can be sent; it is the other side that refuses it.
        self.assertEqual(len(warnings), 3)
        self.assertIn("Holding.held: ", warnings[0]["problem"])


class NotPermittedTests(ErrorTestCase):
    """
    What a client gets whose policy doesn't name the class.
    """

    policy = pb.SecurityPolicy().allowValue(Reading)

    def test_remoteError(self) -> None:
        """A RemoteError with the class's names."""
        error = self.raisedBy(DomeStuck("north", 1.0))
        self.assertIsInstance(error, pb.RemoteError)
        self.assertNotIsInstance(error, DomeStuck)
        self.assertIsInstance(error, pb.remote("observatory.DomeStuck"))
        self.assertIsInstance(error, pb.remote("tests.flavors.test_exceptions.DomeStuck"))
        self.assertIsInstance(error, pb.Error)

    def failureWith(self, quoted: Any, policy: Any = POLICY) -> Any:
        """The failure that becomes of what a peer says."""
        state = {"type": b"x.Y", "value": "text", "parents": ["x.Y"], "exception": quoted}
        form = [b"twisted.spread.pb.CopyableFailure", jelly(state)]
        return unjelly(form, policy, None, Invoker())

    def test_hostile(self) -> None:
        """What isn't the state of a declared exception is left alone."""
        dictionary = jelly({"args": ("x",)})
        for quoted in (
            5,
            [],
            [b"observatory.DomeStuck"],
            ["observatory.DomeStuck", dictionary],
            [b"observatory.DomeStuck", 5],
            [b"observatory.DomeStuck", [b"observatory.Nothing", dictionary]],
            [b"observatory.DomeStuck", jelly({"args": 5})],
            [b"observatory.Undecodable", jelly({"args": ("few",)})],
            [b"observatory.Reading", jelly({"star": "x"})],
            [b"os.system", dictionary],
            [b"remote", 1],
            [b"module", b"os"],
        ):
            for policy in (POLICY, pb.globalSecurity):
                failure = self.failureWith(quoted, policy)
                self.assertEqual((failure.value, failure.type), ("text", b"x.Y"), quoted)
                self.assertNotIn("exception", failure.__dict__)

    def test_attributes(self) -> None:
        """Neither methods nor what Python itself looks at can be replaced."""
        state = {
            "args": ["x"],
            "describe": 5,
            "with_traceback": 5,
            "__class__": 5,
            "__notes__": ["forged"],
            "dome": "north",
            7: 8,
        }
        error = self.failureWith([b"observatory.DomeStuck", jelly(state)]).value
        self.assertIs(type(error), DomeStuck)
        self.assertEqual((error.args, error.__dict__), (("x",), {"dome": "north"}))


class RemoteTests(ErrorTestCase):
    """
    Classes that this program doesn't have.
    """

    def test_except(self) -> None:
        """The class of any name of the remote exception catches it."""
        error = self.raisedBy(OnlyThere("x"))
        for name in (
            "tests.flavors.test_exceptions.OnlyThere",
            "builtins.KeyError",
            "exceptions.LookupError",
        ):
            try:
                raise error
            except pb.remote("some.Other"):
                self.fail("another one")
            except pb.remote(name) as caught:
                self.assertIs(caught, error)
        self.assertIsInstance(error, KeyError)

    def test_otherErrors(self) -> None:
        """Errors of this program, and other remote ones, aren't caught."""
        for error in (KeyError("x"), self.raisedBy(ValueError("x")), pb.RemoteError(b"x.Y", "x", None)):
            self.assertNotIsInstance(error, pb.remote("builtins.KeyError"))
            self.assertNotIsInstance(error, pb.remote("tests.flavors.test_exceptions.OnlyThere"))

    def test_same(self) -> None:
        """There is one class for each name, as long as somebody has it."""
        first = pb.remote("shop.errors.OutOfStock")
        self.assertIs(first, pb.remote("shop.errors.OutOfStock"))
        self.assertEqual((qual(first), first.__mro__[1]), ("shop.errors.OutOfStock", pb.RemoteError))
        self.assertIs(pb.remote("exceptions.ValueError"), pb.remote("builtins.ValueError"))

    def test_every(self) -> None:
        """What every exception is, is RemoteError."""
        for name in ("builtins.Exception", "builtins.object", "twisted.spread.pb.RemoteError"):
            self.assertIs(pb.remote(name), pb.RemoteError)

    def test_failures(self) -> None:
        """C{trap} and C{check} take the class, in callbacks and of what was raised."""
        failure = self.failureOf(OnlyThere("x"))
        mine = pb.remote("tests.flavors.test_exceptions.OnlyThere")
        for each in (failure, Failure(failure.toException())):
            for wanted in (mine, "tests.flavors.test_exceptions.OnlyThere", KeyError, OnlyThere):
                self.assertEqual(each.check(pb.remote("x.Y"), wanted), wanted)
                self.assertEqual(each.trap(wanted), wanted)
            self.assertIsNone(each.check(pb.remote("x.Y")))

    def test_names(self) -> None:
        """Names that no such class can have are refused."""
        for name in ("", "NoModule", ".x", "x.", "x.\n", "x." + "y" * 300, "builtins.SystemExit"):
            self.assertRaises(ValueError, pb.remote, name)

    def test_noText(self) -> None:
        """Something else than a name is refused, and a class can be caught as it is."""
        remote: Any = pb.remote
        for given in (pb.NoSuchMethod, b"x.Y", None):
            error = self.assertRaises(TypeError, remote, given)
            self.assertIn("pb.remote wants a name as text", str(error))
        error = self.assertRaises(TypeError, remote, pb.NoSuchMethod)
        self.assertIn("except NoSuchMethod", str(error))

    def test_manyBases(self) -> None:
        """The tag counts, however many bases the class has."""
        klass: Any = DomeStuck
        for number in range(30):
            klass = type(f"Stuck{number}", (klass,), {})
        error = self.raisedBy(klass("north", 1.0))
        self.assertIsInstance(error, pb.remote("observatory.DomeStuck"))

    def test_severalBuiltIns(self) -> None:
        """All known bases count, where a class can be all of them."""
        error: Exception = remoteException(
            ["x.Y", "builtins.KeyError", "builtins.ValueError"], b"x.Y", "t", None
        )
        self.assertIsInstance(error, KeyError)
        self.assertIsInstance(error, ValueError)
        names = ["x.Y", "builtins.OSError", "builtins.ImportError", "twisted.cred.error.UnauthorizedLogin"]
        error = remoteException(names, b"x.Y", "t", None)
        self.assertIsInstance(error, OSError)
        self.assertEqual(str(error), "t")
        error = remoteException(names[-1:], b"x.Y", "t", None)
        self.assertIsInstance(error, UnauthorizedLogin)

    def test_memory(self) -> None:
        """A peer that names ever new classes doesn't fill memory."""
        remoteerrors._remoteClass.cache_clear()
        gc.collect()
        before = len(remoteerrors._namesakes)
        for number in range(3000):
            names = [f"flood{number}.Error{each}" for each in range(50)]
            remoteException(names, names[0], "x", None)
            if number % 500 == 0:
                gc.collect()
        gc.collect()
        bound = remoteerrors._remoteClass.cache_info().maxsize * remoteerrors._MOST_NAMES
        self.assertLessEqual(len(remoteerrors._namesakes) - before, bound)
        self.assertGreater(len(remoteerrors._namesakes), before)
        mine = pb.remote("flood2999.Error3")
        self.assertIsInstance(remoteException(["flood2999.Error3"], b"x", "x", None), mine)


class IncidentTests(ErrorTestCase):
    """
    A server that shows no more than it has to.
    """

    def setUp(self) -> None:
        super().setUp()
        discreet = replace(POLICY, errors="incident")
        self.pair = brokerPair(
            serverFactory=pb.PBServerFactory(self.server, security=discreet),
            clientFactory=pb.PBClientFactory(security=POLICY),
        )

    def test_unexpected(self) -> None:
        """A mistake is an incident, which says its id."""
        error = self.raisedBy(OnlyThere("secret"))
        self.assertIsInstance(error, pb.RemoteError)
        self.assertIsInstance(error, pb.Incident)
        self.assertIn(error.incident, str(error))
        self.assertNotIsInstance(error, KeyError)
        self.assertNotIn("secret", str(error))

    def test_declared(self) -> None:
        """What is declared is meant for the caller."""
        self.assertEqual(self.raisedBy(Clouded("all night")).args, ("all night",))

    def test_others(self) -> None:
        """Other remote errors have no incident."""
        self.assertIsNone(self.raisedBy(pb.Error("x")).incident)


class ShownTests(ErrorTestCase):
    """
    What the user sees.
    """

    def shown(self, error: BaseException) -> str:
        """The end of a traceback."""
        return "".join(traceback.format_exception(type(error), error, error.__traceback__))

    def test_remoteError(self) -> None:
        """Class and text, and where it comes from."""
        text = self.shown(self.raisedBy(OnlyThere("x")))
        self.assertIn("\ntwisted.spread.pb.RemoteError[tests.flavors.test_exceptions.OnlyThere]: 'x'\n", text)
        if NEW_NOTES:
            self.assertIn("\nraised at the peer IPv4Address(type='TCP'", text)

    def test_remoteTraceback(self) -> None:
        """The remote traceback, if the server sends it."""
        self.pair.serverFactory.unsafeTracebacks = True
        error = self.raisedBy(OnlyThere("x"))
        self.assertIn("in remote_fail", error.remoteTraceback)
        if NEW_NOTES:
            self.assertIn("where the traceback is:\n", self.shown(error))
            self.assertIn("in remote_fail", self.shown(error))

    def test_declared(self) -> None:
        """The class itself, and beneath it what the peer said."""
        text = self.shown(self.raisedBy(DomeStuck("north", 1.0)))
        self.assertIn("direct cause", text)
        self.assertIn("\ntests.flavors.test_exceptions.DomeStuck: north is stuck at 1.0\n", text)
        self.assertIn("RemoteError[tests.flavors.test_exceptions.DomeStuck]: north is stuck", text)

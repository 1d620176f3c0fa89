"""
How exceptions travel.
"""

from __future__ import annotations

import builtins
from io import StringIO
from typing import Any

from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, ensureDeferred, fail
from twisted.python import log
from twisted.python.failure import Failure
from twisted.spread import jelly as stockJelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import MalformedJelly, RemoteError
from myspread._flavors.failures import LONGEST_TEXT, NO_TRACEBACK
from myspread._flavors.remoteerrors import remoteException
from myspread._jelly import jelly, unjelly
from myspread.security import SecurityPolicy
from myspread.testing import BrokerPair, brokerPair

TAG = b"twisted.spread.pb.CopyableFailure"


class PondDry(Exception):
    """An exception that only the server has."""


class FrogGone(PondDry, LookupError):
    """One with several bases."""


class Unprintable(Exception):
    """One that can't be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Invoker:
    """As much of a broker as failures need."""

    serializingPerspective = None
    unserializingPerspective = None


def caught(error: BaseException) -> Failure:
    """A failure with a traceback."""
    try:
        raise error
    except BaseException:
        return Failure()


def formOf(failure: Failure) -> Any:
    """The form in which a failure is sent."""
    return jelly(failure, SecurityPolicy(), None, Invoker())


def copied(**state: Any) -> Any:
    """The failure that becomes of a state."""
    form = [TAG, jelly({"type": b"builtins.ValueError", **state})]
    return unjelly(form, SecurityPolicy(), None, Invoker())


class Server(pb.Root):
    """Fails in various ways."""

    def __init__(self) -> None:
        self.error: Any = None

    def remote_fail(self) -> None:
        """Raise at once."""
        raise self.error

    def remote_failLater(self) -> Any:
        """Return a Deferred that fails."""
        return fail(self.error)


class FailureTestCase(SynchronousTestCase):
    """
    Has a pair of brokers.
    """

    def setUp(self) -> None:
        self.server = Server()
        self.pair: BrokerPair = brokerPair(self.server)

    def failureOf(self, error: Any, method: str = "fail", logged: bool = True) -> Any:
        """What a call fails with whose method raises C{error}."""
        self.server.error = error
        outcome: list[Any] = []
        self.pair.root.callRemote(method).addErrback(outcome.append)
        self.pair.flush()
        if logged:
            self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(len(outcome), 1)
        return outcome[0]


class CopyableFailureTests(SynchronousTestCase):
    """
    What is sent.
    """

    def state(self, failure: Failure) -> Any:
        """The state of a failure, as the peer gets it."""
        tag, state = formOf(failure)
        self.assertEqual(tag, TAG)
        return unjelly(state)

    def test_state(self) -> None:
        """
        The state has the keys and types that stock peers expect.
        """
        state = self.state(pb.CopyableFailure(caught(FrogGone("green"))))
        self.assertEqual(
            state,
            {
                "count": state["count"],
                "type": b"tests.flavors.test_failures.FrogGone",
                "value": "green",
                "captureVars": False,
                "tb": None,
                "parents": [
                    "tests.flavors.test_failures.FrogGone",
                    "tests.flavors.test_failures.PondDry",
                    "builtins.LookupError",
                    "builtins.Exception",
                    "builtins.BaseException",
                    "builtins.object",
                ],
                "frames": [],
                "stack": [],
                "traceback": "Traceback unavailable\n",
            },
        )
        self.assertEqual(state["count"], 0)

    def test_stockReads(self) -> None:
        """
        A peer that runs C{twisted.spread} makes a failure of it that it can
        trap.
        """
        result = stockJelly.unjelly(
            formOf(pb.CopyableFailure(caught(FrogGone("green")))), stock.globalSecurity
        )
        self.assertIsInstance(result, stock.CopiedFailure)
        self.assertEqual(result.check(LookupError), LookupError)
        self.assertEqual(result.value, "green")

    def test_nothingLeaks(self) -> None:
        """
        No path, line, function name or variable travels.
        """
        for failure in (
            pb.CopyableFailure(caught(ValueError("x"))),
            pb.failure2Copyable(caught(ValueError("x"))),
            pb.failure2Copyable(Failure(ValueError("x"), captureVars=True)),
        ):
            text = repr(formOf(failure))
            for secret in (__file__, "test_failures", "caught", "lineno", "_frames", "Secret"):
                self.assertNotIn(secret, text)

    def test_unsafeTracebacks(self) -> None:
        """
        The traceback travels as text where that is wanted.
        """
        state = self.state(pb.failure2Copyable(caught(ValueError("x")), 1))
        self.assertIn("test_failures.py", state["traceback"])
        self.assertEqual((state["frames"], state["tb"]), ([], None))

    def test_current(self) -> None:
        """
        Without arguments, it is the failure of the exception being handled.
        """
        try:
            raise KeyError("k")
        except KeyError:
            failure = pb.CopyableFailure()
        self.assertEqual(self.state(failure)["value"], "'k'")

    def test_wrapped(self) -> None:
        """
        A failure is taken over with its traceback, as is an exception.
        """
        for source in (caught(PondDry("x")), PondDry("x")):
            failure = pb.CopyableFailure(source)
            self.assertEqual(failure.type, PondDry)
            self.assertEqual(str(failure.value), "x")
        self.assertIn("caught", pb.CopyableFailure(caught(PondDry("x"))).getTraceback())

    def test_baseExceptions(self) -> None:
        """
        Exceptions that aren't derived from C{Exception} travel too.
        """
        state = self.state(pb.CopyableFailure(caught(SystemExit(3))))
        self.assertEqual(state["type"], b"builtins.SystemExit")
        self.assertEqual(state["parents"], ["builtins.SystemExit"])

    def test_longText(self) -> None:
        """
        A text that is too long is cut, with its length in the end.
        """
        value = self.state(pb.CopyableFailure(ValueError("x" * 10**6)))["value"]
        self.assertEqual(len(value), LONGEST_TEXT + len("... (1000000 characters)"))
        self.assertTrue(value.endswith("... (1000000 characters)"))
        self.assertEqual(
            self.state(pb.CopyableFailure(ValueError("x" * LONGEST_TEXT)))["value"], "x" * LONGEST_TEXT
        )

    def test_unencodable(self) -> None:
        """
        A text without UTF-8 form is escaped.
        """
        self.assertEqual(self.state(pb.CopyableFailure(ValueError("a\ud800")))["value"], r"a\ud800")

    def test_unprintable(self) -> None:
        """
        An exception that can't be shown travels without text.
        """
        self.assertIn("Unprintable", self.state(pb.CopyableFailure(Unprintable()))["value"])

    def test_strings(self) -> None:
        """
        What programs put in place of type and value travels.
        """
        failure = pb.CopyableFailure(ValueError("x"))
        failure.type = b"old.Name"
        failure.value = b"b\xff"
        failure.parents = [b"old.Name", "old.Base", ValueError]
        state = self.state(failure)
        self.assertEqual(state["type"], b"old.Name")
        self.assertEqual(state["value"], "b\ufffd")
        self.assertEqual(state["parents"], ["old.Name", "old.Base", "builtins.ValueError"])
        failure.type = "new.Name"
        self.assertEqual(self.state(failure)["type"], b"new.Name")


class RelayTests(SynchronousTestCase):
    """
    Failures that came from one peer are sent to another.
    """

    original = formOf(pb.failure2Copyable(caught(FrogGone("green")), 1))

    def relayed(self, **options: Any) -> Any:
        """A failure that has been sent twice."""
        first = unjelly(self.original, SecurityPolicy(), None, Invoker())
        return unjelly(formOf(pb.failure2Copyable(first, **options)), SecurityPolicy(), None, Invoker())

    def test_same(self) -> None:
        """
        Type, text and bases stay the same.
        """
        failure = self.relayed()
        self.assertEqual(failure.type, b"tests.flavors.test_failures.FrogGone")
        self.assertEqual(failure.value, "green")
        self.assertEqual(failure.check(LookupError), LookupError)
        self.assertEqual(failure.traceback, NO_TRACEBACK)

    def test_traceback(self) -> None:
        """
        With C{unsafeTracebacks}, the traceback is that of the first sender.
        """
        self.assertIn("test_failures.py", self.relayed(unsafeTracebacks=1).traceback)

    def test_shown(self) -> None:
        """
        A failure that is only known by names can be logged.
        """
        failure = pb.failure2Copyable(unjelly(self.original, SecurityPolicy(), None, Invoker()))
        self.assertEqual(
            failure.getTraceback(),
            "Traceback from remote host -- tests.flavors.test_failures.FrogGone: green\n",
        )
        self.assertIn("FrogGone: green", pb.CopyableFailure(FrogGone("green")).getTraceback())

    def test_raised(self) -> None:
        """
        What C{await} has raised for a remote failure is an exception like any.
        """
        first = unjelly(self.original, SecurityPolicy(), None, Invoker())
        again = unjelly(formOf(pb.CopyableFailure(first.toException())), SecurityPolicy(), None, Invoker())
        self.assertEqual(again.value, "green")
        self.assertEqual(
            again.check("tests.flavors.test_failures.PondDry"), "tests.flavors.test_failures.PondDry"
        )

    def test_withoutTraceback(self) -> None:
        """
        A failure of strings that has no remote traceback gets one of here.
        """
        failure = Failure(ValueError("x"))
        failure.value = "only text"
        self.assertIn("only text", pb.failure2Copyable(failure, 1).getStateToCopy()["traceback"])

    def test_throughMethod(self) -> None:
        """
        A method may return the Deferred of a call of its own that fails.
        """
        server = Server()
        pair = brokerPair(server)
        server.error = unjelly(self.original, SecurityPolicy(), None, Invoker())
        outcome: list[Any] = []
        pair.root.callRemote("failLater").addErrback(outcome.append)
        pair.flush()
        self.flushLoggedErrors()
        self.assertTrue(outcome[0].check(LookupError))
        self.assertEqual(outcome[0].value, "green")


class CopiedFailureTests(SynchronousTestCase):
    """
    What arrives.
    """

    def test_attributes(self) -> None:
        """
        Type is bytes and value text, as C{twisted.spread}'s.
        """
        failure = copied(value="no", parents=["builtins.ValueError", "builtins.Exception"], traceback="tb\n")
        self.assertIsInstance(failure, pb.CopiedFailure)
        self.assertIsInstance(failure, Failure)
        self.assertEqual(failure.type, b"builtins.ValueError")
        self.assertEqual(failure.value, "no")
        self.assertEqual(failure.traceback, "tb\n")
        self.assertEqual(failure.check(ValueError), ValueError)
        self.assertIsNone(failure.check(KeyError))
        self.assertEqual(failure.trap("builtins.Exception"), "builtins.Exception")

    def test_noParents(self) -> None:
        """
        Peers of old versions send no parents: the type is the only one.
        """
        for state in ({}, {"parents": None}, {"parents": 5}):
            self.assertEqual(copied(**state).parents, ["builtins.ValueError"])
        self.assertEqual(copied(parents=(b"a.B",)).parents, ["a.B"])

    def test_little(self) -> None:
        """
        A type is enough.
        """
        failure = copied()
        self.assertEqual((failure.value, failure.traceback), ("", NO_TRACEBACK))
        self.assertEqual(copied(value=b"b\xff").value, "b\ufffd")
        self.assertEqual(copied(value=5).value, "5")

    def test_python2(self) -> None:
        """
        Names in the state may be bytes.
        """
        form = [TAG, [b"dictionary", [b"type", b"exceptions.ValueError"], [b"value", b"no"]]]
        failure = unjelly(form, SecurityPolicy(), None, Invoker())
        self.assertEqual((failure.type, failure.value), (b"exceptions.ValueError", "no"))
        self.assertRaises(ValueError, failure.raiseException)

    def test_hostile(self) -> None:
        """
        A peer can't put data in place of the methods and frames that Deferreds
        and loggers use.
        """
        names = [
            "check",
            "trap",
            "cleanFailure",
            "getTracebackObject",
            "__getstate__",
            "frames",
            "stack",
            "tb",
        ]
        failure = copied(value="no", mine=1, **dict.fromkeys(names, 5))
        for name in names:
            self.assertNotIn(name, failure.__dict__)
        self.assertEqual(failure.mine, 1)
        deferred: Deferred[Any] = Deferred()
        deferred.errback(failure)
        self.assertIs(self.failureResultOf(deferred), failure)
        self.assertIn("no", failure.getTraceback())

    def test_malformed(self) -> None:
        """
        The state of a failure is a dictionary with a type.
        """
        for state in (5, [b"None"], [b"list"], [b"dictionary"], [b"dictionary", [b"type", 5]]):
            error = self.assertRaises(
                MalformedJelly, unjelly, [b"list", [TAG, state]], SecurityPolicy(), None, Invoker()
            )
            self.assertEqual(error.path, "value[0]")

    def test_withoutConnection(self) -> None:
        """A form that is unjellied without a connection is held to the same."""
        for state in ([b"dictionary"], 5, b"stack", [b"dictionary", [b"stack", [b"list"]], [b"type", 1]]):
            self.assertRaises(MalformedJelly, unjelly, [TAG, state], SecurityPolicy())
        state = [b"dictionary", [b"type", b"builtins.ValueError"], [b"value", b"no"], [b"trap", b"mine"]]
        failure = unjelly([TAG, state], SecurityPolicy())
        self.assertIsInstance(failure, pb.CopiedFailure)
        self.assertEqual((failure.value, failure.parents), ("no", ["builtins.ValueError"]))
        self.assertRaises(ValueError, failure.raiseException)
        self.assertNotIn("trap", vars(failure))

    def test_texts(self) -> None:
        """
        repr, str and the printed forms name type and text.
        """
        failure = copied(value="no")
        self.assertEqual(repr(failure), "<CopiedFailure builtins.ValueError: no>")
        self.assertEqual(str(failure), f"[Failure instance: {failure.getBriefTraceback()}]")
        self.assertEqual(failure.getErrorMessage(), "no")
        self.assertEqual(failure.getTraceback(), "Traceback from remote host -- builtins.ValueError: no\n")
        self.assertEqual(failure.getBriefTraceback(), failure.getTraceback())

    def test_remoteTraceback(self) -> None:
        """
        A remote traceback is printed.
        """
        file = StringIO()
        copied(value="no", traceback="File x, line 1\n").printTraceback(file)
        self.assertEqual(
            file.getvalue(), "Traceback from remote host -- builtins.ValueError: no\nFile x, line 1\n"
        )

    def test_printedToLog(self) -> None:
        """
        Without a file, it goes to the log.
        """
        written: list[str] = []
        self.patch(log, "logfile", type("", (), {"write": written.append}))
        copied(value="no").printTraceback()
        self.assertEqual(written, ["Traceback from remote host -- builtins.ValueError: no\n"])

    def test_assigned(self) -> None:
        """
        Programs may put an exception in place of the text: it is raised.
        """
        failure = copied(value="no")
        failure.value = PondDry("my own")
        self.assertIs(self.assertRaises(PondDry, failure.raiseException), failure.value)
        failure.type = PondDry
        self.assertIn("PondDry", repr(failure))


class RaisedTests(SynchronousTestCase):
    """
    What is raised for a remote failure.
    """

    def raised(self, *names: str, value: str = "no") -> Any:
        """The exception that is raised for one of the peer with these classes."""
        failure = copied(type=names[0].encode(), parents=list(names), value=value, traceback="tb")
        return self.assertRaises(RemoteError, failure.raiseException)

    def test_remoteError(self) -> None:
        """
        It is a C{RemoteError} that tells type, text and traceback.
        """
        error = self.raised("pond.Dry", "builtins.Exception")
        self.assertIsInstance(error, stock.RemoteError)
        self.assertEqual(error.remoteType, b"pond.Dry")
        self.assertEqual(error.remoteTraceback, "tb")
        self.assertEqual(error.args, ("no",))
        self.assertEqual(str(error), "no")

    def test_builtin(self) -> None:
        """
        C{except ValueError} catches a remote C{ValueError}, also under the name
        that Python 2 had for it; and so do its bases.
        """
        for names in (
            ("builtins.ValueError",),
            ("exceptions.ValueError",),
            ("pond.Derived", "builtins.ValueError", "builtins.Exception"),
        ):
            self.assertIsInstance(self.raised(*names), ValueError)
            self.assertNotIsInstance(self.raised(*names), KeyError)
        self.assertIsInstance(self.raised("builtins.KeyError", "builtins.LookupError"), LookupError)

    def test_everyBuiltin(self) -> None:
        """
        That holds for every one that can be raised anew; none fails to be made
        or shown.
        """
        special = (StopIteration, StopAsyncIteration, getattr(builtins, "BaseExceptionGroup", StopIteration))
        for name, kind in vars(builtins).items():
            if isinstance(kind, type) and issubclass(kind, Exception) and kind is not Exception:
                error = self.raised(f"builtins.{name}")
                self.assertEqual(isinstance(error, kind), not issubclass(kind, special), name)
                self.assertEqual((str(error), error.remoteType), ("no", f"builtins.{name}".encode()))
                self.assertIn("no", repr(error))

    def test_ours(self) -> None:
        """
        The exceptions of C{twisted.spread}, C{twisted.cred} and this package.
        """
        for kind in (pb.NoSuchMethod, pb.Error, pb.InsecureJelly, pb.LimitExceeded, UnauthorizedLogin):
            self.assertIsInstance(self.raised(f"{kind.__module__}.{kind.__qualname__}"), kind)

    def test_notTheBaseExceptions(self) -> None:
        """
        A peer can't end our process: C{SystemExit} arrives as C{RemoteError}.
        """
        for name in ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException"):
            self.assertEqual(type(self.raised(f"builtins.{name}")).__mro__[1:], RemoteError.__mro__, name)

    def test_trap(self) -> None:
        """
        A failure of it is trapped by each name that the remote class has.
        """
        failure = Failure(self.raised("pond.Dry", "pond.Base", "builtins.ValueError"))
        for name in ("pond.Dry", "pond.Base", ValueError, RemoteError):
            self.assertEqual(failure.check(name), name)

    def test_strangeNames(self) -> None:
        """
        A peer may send anything as a name.
        """
        for name in (
            "",
            ".",
            "a.",
            ".b",
            "no dot",
            "a\x00.b",
            "x." + "y" * 1000,
            "\u2028.x",
            "a.b c",
            "builtins.x",
        ):
            error = self.raised(name)
            self.assertEqual(error.remoteType, name.encode())
            self.assertEqual(str(error), "no")
        many = [f"pond.Class{number}" for number in range(1000)]
        self.assertLess(len(type(self.raised(*many)).__mro__), 50)

    def test_repeatedNames(self) -> None:
        """
        A name may occur twice.
        """
        self.assertIsInstance(
            self.raised("pond.Dry", "pond.Dry", "builtins.KeyError", "builtins.KeyError"), KeyError
        )

    def test_classIsKept(self) -> None:
        """
        The same remote class makes the same class here.
        """
        self.assertIs(type(self.raised("pond.Dry")), type(self.raised("pond.Dry")))
        self.assertIs(type(remoteException([], b"x", "", None)), type(remoteException([], b"y", "", None)))

    def test_generator(self) -> None:
        """
        It is raised within generators.
        """

        def waiting() -> Any:
            try:
                yield 1
            except ValueError as error:
                yield str(error)

        generator = waiting()
        next(generator)
        self.assertEqual(copied(value="no").throwExceptionIntoGenerator(generator), "no")
        self.assertRaises(StopIteration, next, generator)

    def test_stopIteration(self) -> None:
        """
        A remote C{StopIteration} can be caught in a coroutine.
        """

        async def wait() -> Any:
            try:
                await fail(copied(type=b"builtins.StopIteration"))
            except RemoteError as error:
                return error.remoteType

        self.assertEqual(self.successResultOf(ensureDeferred(wait())), b"builtins.StopIteration")


class ConnectionTests(FailureTestCase):
    """
    The whole way.
    """

    def test_raised(self) -> None:
        """
        What a remote method raises fails the call, and is logged there.
        """
        for method in ("fail", "failLater"):
            failure = self.failureOf(FrogGone("green"), method)
            self.assertEqual(failure.type, b"tests.flavors.test_failures.FrogGone")
            self.assertTrue(failure.check(LookupError))
            self.assertEqual(failure.traceback, NO_TRACEBACK)

    def test_meant(self) -> None:
        """
        A C{pb.Error} is meant for the peer: it isn't logged.
        """
        failure = self.failureOf(pb.Error("not yours"), logged=False)
        self.assertTrue(failure.check(pb.Error))
        self.assertEqual(failure.value, "not yours")

    def test_except(self) -> None:
        """
        Awaited, it is caught as what it is.
        """
        self.server.error = ValueError("no")

        async def call() -> Any:
            try:
                await self.pair.root.callRemote("fail")
            except ValueError as error:
                return error

        deferred = ensureDeferred(call())
        self.pair.flush()
        self.assertIsInstance(self.successResultOf(deferred), RemoteError)
        self.flushLoggedErrors(ValueError)

    def test_exits(self) -> None:
        """
        C{SystemExit} in a method is answered, and harmless to the caller.
        """
        failure = self.failureOf(SystemExit(3))
        self.assertEqual(failure.type, b"builtins.SystemExit")
        self.assertRaises(RemoteError, failure.raiseException)

    def test_unsafe(self) -> None:
        """
        A factory with C{unsafeTracebacks} sends tracebacks.
        """
        self.pair = brokerPair(serverFactory=pb.PBServerFactory(self.server, True))
        self.assertIn("remote_fail", self.failureOf(ValueError("no")).traceback)

    def test_long(self) -> None:
        """
        Even the largest text gets through.
        """
        self.assertIn("(1000000 characters)", self.failureOf(ValueError("x" * 10**6)).value)

    def test_byValue(self) -> None:
        """
        An exception that is Copyable arrives as what is registered for it.
        """

        class Declared(Exception, pb.Copyable):
            """Travels by value."""

        class Received(pb.RemoteCopy, Exception):
            """What becomes of it."""

        policy = SecurityPolicy().allowUnjellyable(Declared, Received)
        self.pair = brokerPair(self.server, clientFactory=pb.PBClientFactory(security=policy))
        error = Declared("x")
        error.frogs = 5  # type: ignore[attr-defined]
        failure = self.failureOf(error)
        self.assertIsInstance(failure.value, Received)
        self.assertEqual(failure.value.frogs, 5)

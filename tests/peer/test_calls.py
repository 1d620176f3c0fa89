"""
Tests for calls: L{myspread._peer.incoming} and L{myspread._peer.outgoing}.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._errors import LimitExceeded
from myspread._peer.outgoing import asFailure
from myspread.limits import Limits
from myspread.testing import BrokerPair, brokerPair
from tests.peer.wire import NO_KEYWORDS, Wire, arguments, call

TAG = b"twisted.spread.pb.CopyableFailure"


class Meant(pb.Error):
    """An error that a server means to send."""


class Travelling(pb.Error, pb.Copyable, pb.RemoteCopy):
    """An error that travels as a value."""


class Stateless(Exception, pb.Copyable):
    """An error that travels as a value without any state."""

    def getStateToCopy(self) -> None:
        """Nothing."""


class StatelessCopy(Exception, pb.RemoteCopy):
    """What becomes of it."""


class Unregistered(pb.Copyable):
    """Something whose class no peer has registered."""


class Refusing(Exception, pb.Copyable):
    """An error that wants to travel, but refuses to be made into a form."""

    def getStateToCopy(self) -> Any:
        """Fail."""
        raise ZeroDivisionError("no state")


pb.setUnjellyableForClass(Travelling, Travelling)
pb.setUnjellyableForClass(Stateless, StatelessCopy)


class Desk(pb.Root):
    """Does what the tests need."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []
        self.calls: list[Any] = []

    def remote_echo(self, value: Any = None) -> Any:
        """Return C{value}."""
        self.calls.append(value)
        return value

    def remote_fail(self, kind: str) -> None:
        """Raise one of several errors."""
        raise {
            "error": ZeroDivisionError("a mistake"),
            "meant": Meant("as agreed"),
            "exit": SystemExit("leave"),
            "interrupt": KeyboardInterrupt(),
            "travelling": Travelling("by value"),
            "stateless": Stateless(),
            "refusing": Refusing("no"),
            "surrogate": ValueError("\ud800"),
            "huge": ValueError("x" * 10**6),
        }[kind]

    def remote_wait(self) -> Deferred[Any]:
        """Return a Deferred that the test fires."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    async def remote_async(self, value: Any) -> Any:
        """Return or raise C{value} a little later."""
        waiting: Deferred[Any] = Deferred()
        self.waiting.append(waiting)
        await waiting
        if value == "fail":
            raise ValueError("asynchronously")
        return value

    def remote_large(self) -> bytes:
        """Return more than a message may carry."""
        return b"x" * 5000

    def remote_unregistered(self) -> Any:
        """Return an instance of a class that the caller doesn't know."""
        return Unregistered()


def formOf(failure: Any) -> dict[bytes, Any]:
    """The state in the form of a failure."""
    assert failure[0] == TAG, failure
    return {pair[0][1]: pair[1] for pair in failure[1][1:]}


class AnsweringTests(TestCase):
    """
    What a peer gets for its calls.
    """

    def setUp(self) -> None:
        """A server."""
        self.desk = Desk()
        self.wire = Wire(self.desk)

    def fails(self, *forms: Any, method: bytes = b"fail") -> dict[bytes, Any]:
        """The state of the failure that a call is answered with."""
        answers = self.wire.exchange(call(3, method, *forms))
        self.assertEqual([each[:2] for each in answers], [[b"error", 3]])
        return formOf(answers[0][2])

    def test_result(self) -> None:
        """A call is answered with what the method returned, under its own request id."""
        self.assertEqual(
            self.wire.exchange(call(-7, b"echo", 5), call(2**40, b"echo", [b"None"]), call(0, b"echo")),
            [[b"answer", -7, 5], [b"answer", 2**40, [b"None"]], [b"answer", 0, [b"None"]]],
        )

    def test_anyTruth(self) -> None:
        """Whatever isn't 0 in place of C{answerRequired} wants an answer."""
        for wanted, answered in ((1, 1), (0, 0), (2, 1), (-1, 1)):
            answers = self.wire.exchange(call(1, b"echo", wanted=wanted))
            self.assertEqual(len(answers), answered)

    def test_noAnswer(self) -> None:
        """A call that wants no answer is run, and gets neither a result nor an error."""
        self.assertEqual(self.wire.exchange(call(1, b"echo", 5, wanted=0)), [])
        self.assertEqual(self.desk.calls, [5])
        with capturedLogs() as events:
            self.assertEqual(self.wire.exchange(call(2, b"fail", [b"unicode", b"error"], wanted=0)), [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        formats = [event["log_format"] for event in events]
        self.assertIn("A call of {peer} that wants no answer failed:", formats)
        self.assertEqual(self.wire.exchange(call(3, b"wait", wanted=0)), [])
        self.desk.waiting[0].callback(5)
        self.assertEqual(self.wire.received(), [])

    def test_noAnswerLater(self) -> None:
        """If such a call fails later the error is logged as any other, and a L{pb.Error} isn't."""
        with capturedLogs() as events:
            self.wire.send(call(1, b"wait", wanted=0), call(2, b"wait", wanted=0))
            self.desk.waiting[0].errback(ZeroDivisionError("late"))
            self.desk.waiting[1].errback(Meant("late"))
            self.desk.waiting.clear()
            gc.collect()
        self.assertEqual([type(each["log_failure"].value) for each in events], [ZeroDivisionError])
        self.assertEqual(events[0]["log_format"], "A call of {peer} that wants no answer failed:")
        self.flushLoggedErrors(ZeroDivisionError)

    def test_answeredMeanwhile(self) -> None:
        """While a call that wants no answer is run, others get the answers that they have waited for."""

        class Gate(Desk):
            def remote_open(self, outcome: str) -> None:
                result = self.waiting.pop()
                if outcome == "result":
                    result.callback(Desk())
                else:
                    result.errback(Meant("as agreed"))

            def remote_form(self) -> None:
                self.calls.append(wire.broker.serialize(Unregistered()))

        gate = Gate()
        wire = Wire(gate)
        for request, outcome in enumerate((b"result", b"meant"), 1):
            self.assertEqual(wire.exchange(call(request, b"wait")), [])
            ((kind, answered, form),) = wire.exchange(call(9, b"open", [b"unicode", outcome], wanted=0))
            self.assertEqual(answered, request)
            self.assertEqual((kind, form[0]), {1: (b"answer", b"remote"), 2: (b"error", TAG)}[request])
        # What is no result is converted then as ever.
        self.assertEqual(wire.exchange(call(9, b"form", wanted=0)), [])
        self.assertEqual(gate.calls, [wire.broker.serialize(Unregistered())])

    def test_forgotten(self) -> None:
        """Nothing is left here of a failure that was sent, even if its frames lead to its Deferred."""
        errors: list[Any] = []

        class Failing(pb.Root):
            async def remote_fail(self) -> None:
                error = Meant("as agreed")
                errors.append(weakref.ref(error))
                raise error

        wire = Wire(Failing())
        for request in range(3):
            self.assertEqual(len(wire.exchange(call(request, b"fail"))), 1)
        gc.collect()
        self.assertEqual([each() for each in errors], [None] * 3)

    def test_errorIsLoggedOnce(self) -> None:
        """An error is sent without paths or code, and logged here once."""
        state = self.fails([b"unicode", b"error"])
        self.assertEqual(state[b"type"], b"builtins.ZeroDivisionError")
        self.assertEqual(state[b"value"], [b"unicode", b"a mistake"])
        self.assertEqual(state[b"traceback"], [b"unicode", b"Traceback unavailable\n"])
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_pbErrorIsNotLogged(self) -> None:
        """A L{pb.Error} is what a server means to send: it isn't logged."""
        self.assertEqual(self.fails([b"unicode", b"meant"])[b"value"], [b"unicode", b"as agreed"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_noSuchMethod(self) -> None:
        """A method that doesn't exist is C{NoSuchMethod}, under stock's name, and logged."""
        for method in (b"absent", b"", b"a.b", b"x" * 500):
            state = self.fails(method=method)
            self.assertEqual(state[b"type"], b"twisted.spread.flavors.NoSuchMethod")
            self.assertEqual(len(self.flushLoggedErrors(pb.NoSuchMethod)), 1)

    def test_methodNameThatIsNoText(self) -> None:
        """A method name that isn't UTF-8 fails the call."""
        self.assertEqual(self.fails(method=b"\xff")[b"type"], b"builtins.UnicodeDecodeError")
        self.assertEqual(len(self.flushLoggedErrors(UnicodeDecodeError)), 1)

    def test_noSuchObject(self) -> None:
        """Calling an id that nothing is lent under is a L{pb.Error}, unlogged: a harmless ping."""
        for target in (77, b"nothing"):
            answers = self.wire.exchange(call(3, b"echo", target=target))
            state = formOf(answers[0][2])
            self.assertEqual(state[b"type"], b"twisted.spread.pb.Error")
            self.assertEqual(state[b"value"], [b"unicode", b"Invalid Object ID"])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_exit(self) -> None:
        """Neither SystemExit nor KeyboardInterrupt keeps the caller waiting."""
        for kind, name in ((b"exit", b"builtins.SystemExit"), (b"interrupt", b"builtins.KeyboardInterrupt")):
            self.assertEqual(self.fails([b"unicode", kind])[b"type"], name)
            self.assertEqual(len(self.flushLoggedErrors(SystemExit, KeyboardInterrupt)), 1)

    def test_travellingError(self) -> None:
        """An error that is Jellyable travels as a value."""
        answers = self.wire.exchange(call(3, b"fail", [b"unicode", b"travelling"]))
        tag = b"tests.peer.test_calls.Travelling"
        self.assertEqual(answers, [[b"error", 3, [tag, [b"dictionary"]]]])

    def test_stateNone(self) -> None:
        """Its state may be C{[None]}."""
        answers = self.wire.exchange(call(3, b"fail", [b"unicode", b"stateless"]))
        tag = b"tests.peer.test_calls.Stateless"
        self.assertEqual(answers, [[b"error", 3, [tag, [b"None"]]]])
        self.flushLoggedErrors(Stateless)

    def test_allowedClass(self) -> None:
        """An error whose class the policy allows travels as a value too."""
        security = pb.SecurityOptions()
        security.allowBasicTypes()
        security.allowInstancesOf(Meant)
        wire = Wire(self.desk, pb.Broker(False, security))
        answers = wire.exchange(call(3, b"fail", [b"unicode", b"meant"]))
        self.assertEqual([each[:2] for each in answers], [[b"error", 3]])
        self.assertEqual(answers[0][2][0], b"tests.peer.test_calls.Meant")

    def test_narrowPolicy(self) -> None:
        """A policy that doesn't even allow tuples fails every call; one set later counts from then on."""
        wire = Wire(self.desk, pb.Broker(False, pb.SecurityOptions()))
        self.assertEqual([each[:2] for each in wire.exchange(call(3, b"echo", 5))], [[b"error", 3]])
        self.assertEqual(len(self.flushLoggedErrors(pb.InsecureJelly)), 1)
        wire.broker.security = pb.globalSecurity
        self.assertEqual(wire.exchange(call(4, b"echo", 5)), [[b"answer", 4, 5]])

    def test_errorThatCannotTravel(self) -> None:
        """An error that fails to travel is replaced by a note; both are in the log."""
        state = self.fails([b"unicode", b"refusing"])
        self.assertEqual(state[b"type"], b"twisted.spread.pb.Error")
        self.assertIn(b"this error can't be sent", state[b"value"][1])
        self.assertEqual(len(self.flushLoggedErrors(Refusing)), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_anyText(self) -> None:
        """An error whose text can't be encoded, or is huge, still reaches the caller."""
        self.assertEqual(self.fails([b"unicode", b"surrogate"])[b"value"], [b"unicode", b"\\ud800"])
        self.assertLess(len(self.fails([b"unicode", b"huge"])[b"value"][1]), 10**5)
        # The observers of the log may stumble over the text too.
        logged = [failure.type for failure in self.flushLoggedErrors(ValueError)]
        self.assertEqual(logged.count(ValueError), 2)

    def test_later(self) -> None:
        """The results of Deferreds are answered in the order in which they fire."""
        self.assertEqual(self.wire.exchange(call(1, b"wait"), call(2, b"wait")), [])
        self.desk.waiting[1].callback(5)
        self.desk.waiting[0].callback(6)
        self.assertEqual(self.wire.received(), [[b"answer", 2, 5], [b"answer", 1, 6]])

    def test_deferredKeepsItsResult(self) -> None:
        """A Deferred that a method returns keeps its own result, for whoever else looks at it."""
        self.wire.send(call(1, b"wait"))
        self.desk.waiting[0].callback([5])
        self.assertEqual(self.successResultOf(self.desk.waiting[0]), [5])
        self.assertEqual(self.wire.received(), [[b"answer", 1, [b"list", 5]]])

    def test_laterFailure(self) -> None:
        """A Deferred that fails answers with the error, logged once."""
        self.wire.send(call(1, b"wait"))
        self.desk.waiting[0].errback(ValueError("late"))
        ((command, request, failure),) = self.wire.received()
        self.assertEqual((command, request), (b"error", 1))
        self.assertEqual(formOf(failure)[b"type"], b"builtins.ValueError")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_cancelled(self) -> None:
        """A Deferred that is cancelled answers with C{CancelledError}."""
        self.wire.send(call(1, b"wait"))
        self.desk.waiting[0].cancel()
        ((command, _, failure),) = self.wire.received()
        self.assertEqual(formOf(failure)[b"type"], b"twisted.internet.defer.CancelledError")
        self.assertEqual(len(self.flushLoggedErrors(CancelledError)), 1)

    def test_coroutine(self) -> None:
        """An C{async def} is answered when it returns, or raises."""
        calls = call(1, b"async", 5), call(2, b"async", [b"unicode", b"fail"])
        self.assertEqual(self.wire.exchange(*calls), [])
        for waiting in self.desk.waiting:
            waiting.callback(None)
        answers = self.wire.received()
        self.assertEqual(answers[0], [b"answer", 1, 5])
        self.assertEqual(answers[1][:2], [b"error", 2])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_laterThanTheConnection(self) -> None:
        """A result or an error that comes after the connection is lost goes nowhere."""
        self.wire.send(call(1, b"wait"), call(2, b"wait"))
        self.wire.lose()
        self.desk.waiting[0].callback(5)
        self.desk.waiting[1].errback(ValueError("too late"))
        self.assertEqual(self.wire.received(), [])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_lostWhileCalled(self) -> None:
        """A method during which the connection is lost is not answered; its error is logged."""

        class Leaving(pb.Root):
            def remote_leave(root, fail: bool) -> None:
                wire.lose()
                if fail:
                    raise ValueError("gone")

        for fail in (b"false", b"true"):
            wire = Wire(Leaving())
            self.assertEqual(wire.exchange(call(1, b"leave", [b"boolean", fail])), [])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_oversizedAnswer(self) -> None:
        """An answer over the limit fails only its own call, whether it comes now or later."""
        wire = Wire(self.desk, limits=Limits(stringLength=1000))
        ((command, request, failure),) = wire.exchange(call(1, b"large"))
        self.assertEqual((command, request), (b"error", 1))
        self.assertIn(b"LimitExceeded", formOf(failure)[b"type"])
        wire.send(call(2, b"wait"))
        self.desk.waiting[0].callback([b"x" * 1001])
        self.assertEqual([each[:2] for each in wire.received()], [[b"error", 2]])
        self.assertEqual(len(self.flushLoggedErrors(LimitExceeded)), 2)
        self.assertEqual(wire.exchange(call(3, b"echo", 5)), [[b"answer", 3, 5]])

    def test_relayedFailure(self) -> None:
        """A failure that came from another peer is relayed under its own name."""
        pair = brokerPair(Desk())
        relayed = self.failureResultOf(self.flushed(pair, pair.root.callRemote("fail", "error")))
        self.flushLoggedErrors(ZeroDivisionError)
        self.wire.send(call(1, b"wait"))
        self.desk.waiting[0].errback(relayed)
        ((_, _, failure),) = self.wire.received()
        self.assertEqual(formOf(failure)[b"type"], b"builtins.ZeroDivisionError")
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def flushed(self, pair: BrokerPair, deferred: Deferred[Any]) -> Deferred[Any]:
        """The Deferred, after everything has moved."""
        pair.flush()
        return deferred

    def test_copyableFailure(self) -> None:
        """A L{pb.CopyableFailure} keeps its class; C{unsafeTracebacks} is the factory's."""
        self.wire.send(call(1, b"wait"))
        failure = pb.CopyableFailure(Meant("wrapped"))
        failure.unsafeTracebacks = True
        self.desk.waiting[0].errback(failure)
        ((_, _, form),) = self.wire.received()
        self.assertEqual(formOf(form)[b"traceback"], [b"unicode", b"Traceback unavailable\n"])

    def test_unsafeTracebacks(self) -> None:
        """A server with C{unsafeTracebacks} sends the traceback as text."""
        factory = pb.PBServerFactory(self.desk, True)
        wire = Wire(broker=factory.buildProtocol(None))
        ((_, _, form),) = wire.exchange(call(1, b"fail", [b"unicode", b"error"]))
        self.assertIn(b"ZeroDivisionError", formOf(form)[b"traceback"][1])
        self.assertIn(b"remote_fail", formOf(form)[b"traceback"][1])
        self.flushLoggedErrors(ZeroDivisionError)

    def test_strayAnswers(self) -> None:
        """Answers and errors for calls that don't wait are dropped without a word to the peer."""
        stray = [[b"answer", 5, 5], [b"error", 5, [b"None"]], [b"answer", -1, [b"nonsense"]]]
        self.assertEqual(self.wire.exchange(*stray), [])
        self.assertFalse(self.wire.closing)
        self.assertEqual(self.wire.exchange(call(1, b"echo", 5)), [[b"answer", 1, 5]])


class CallingTests(TestCase):
    """
    What becomes of calls that we make.
    """

    def setUp(self) -> None:
        """A client whose server is the test."""
        self.wire = Wire(broker=pb.Broker(True))
        self.root = self.wire.broker.remoteForName("root")

    def test_message(self) -> None:
        """A call travels as C{message}, its keyword names as text, requests from 1."""
        self.root.callRemote("go", 5, b"x", key=[1])
        self.root.callRemote(b"bytes")
        keywords = [b"dictionary", [[b"unicode", b"key"], [b"list", 1]]]
        self.assertEqual(
            self.wire.received(),
            [
                [b"message", 1, b"root", b"go", 1, arguments(5, b"x"), keywords],
                [b"message", 2, b"root", b"bytes", 1, arguments(), NO_KEYWORDS],
            ],
        )
        self.assertEqual(self.wire.broker.currentRequestID, 2)

    def test_answers(self) -> None:
        """Answers may come in any order."""
        first, second = self.root.callRemote("a"), self.root.callRemote("b")
        self.wire.send([b"answer", 2, 20], [b"answer", 1, [b"list", 5]])
        self.assertEqual(self.successResultOf(first), [5])
        self.assertEqual(self.successResultOf(second), 20)
        self.assertEqual(self.wire.broker.waitingForAnswers, {})

    def test_noAnswer(self) -> None:
        """With C{pbanswer=False} a 0 is sent, a request id used up, and None returned."""
        self.assertIsNone(self.root.callRemote("go", pbanswer=False))
        self.root.callRemote("go")
        self.assertEqual([each[1:5:3] for each in self.wire.received()], [[1, 0], [2, 1]])
        self.assertEqual(list(self.wire.broker.waitingForAnswers), [2])

    def test_callbacks(self) -> None:
        """C{pbcallback} and C{pberrback} still work, with a warning in the log."""
        results: list[Any] = []
        with capturedLogs() as events:
            self.root.callRemote("a", pbcallback=results.append)
            self.root.callRemote("b", pberrback=results.append)
            self.root.callRemote("c", pbcallback=results.append, pberrback=results.append)
        self.assertEqual(len([event for event in events if "deprecated" in event["log_format"]]), 3)
        self.wire.send([b"answer", 1, 5], [b"answer", 3, 6], [b"error", 2, [b"None"]])
        self.assertEqual(results[:2], [5, 6])
        self.assertIsInstance(results[2], Failure)

    def test_callbackWithoutAnswer(self) -> None:
        """Callbacks for a call that wants no answer are a mistake of the program."""
        for name in ("pbcallback", "pberrback"):
            self.assertRaises(AssertionError, self.root.callRemote, "a", pbanswer=False, **{name: print})
        self.assertEqual(self.wire.received(), [])

    def test_badAnswer(self) -> None:
        """An answer that can't be accepted fails its own call; others and the connection live on."""
        bad: list[Any] = [
            [b"some.unknown.Class", [b"dictionary"]],
            [],
            [b"unicode"],
            [b"dictionary", 5],
            [b"dereference", 7],
            [b"cached", 12],
            [b"local"],
        ]
        other = self.root.callRemote("other")
        for number, form in enumerate(bad, start=2):
            with self.subTest(form):
                result = self.root.callRemote("go")
                self.wire.send([b"answer", number, form])
                self.failureResultOf(result, pb.InsecureJelly)
        self.assertNoResult(other)
        self.assertFalse(self.wire.closing)
        self.wire.send([b"answer", 1, 5])
        self.assertEqual(self.successResultOf(other), 5)

    def test_badError(self) -> None:
        """An error that can't be accepted, or is none, fails its call with what is wrong with it."""
        cases: list[tuple[Any, type[Exception]]] = [
            ([b"some.unknown.Class", []], pb.InsecureJelly),
            ([TAG, [b"dictionary"]], pb.MalformedJelly),
            ([TAG, 5], pb.MalformedJelly),
            ([b"None"], pb.ProtocolError),
            (5, pb.ProtocolError),
            (b"text", pb.ProtocolError),
        ]
        for number, (form, kind) in enumerate(cases, start=1):
            with self.subTest(form):
                result = self.root.callRemote("go")
                self.wire.send([b"error", number, form])
                self.failureResultOf(result, kind)

    def test_errorWithoutParents(self) -> None:
        """A failure of an old peer, without C{parents}, is trapped by its own name."""
        result = self.root.callRemote("go")
        state = [b"dictionary", [b"type", b"exceptions.ValueError"], [b"value", b"text"]]
        self.wire.send([b"error", 1, [TAG, state]])
        failure = self.failureResultOf(result)
        self.assertEqual(failure.check("exceptions.ValueError"), "exceptions.ValueError")
        self.assertRaises(ValueError, failure.raiseException)

    def test_errorByValue(self) -> None:
        """An exception that travelled as a value is raised as itself."""
        for form, kind in (
            ([b"tests.peer.test_calls.Travelling", [b"dictionary"]], Travelling),
            ([b"tests.peer.test_calls.Stateless", [b"None"]], StatelessCopy),
        ):
            result = self.root.callRemote("go")
            self.wire.send([b"error", self.wire.broker.currentRequestID, form])
            self.failureResultOf(result, kind)

    def test_cannotTravel(self) -> None:
        """An argument that can't travel fails the call; nothing is sent, no request waits."""

        class Loop(pb.Copyable):
            def getStateToCopy(self) -> Any:
                raise ZeroDivisionError("no state")

        self.failureResultOf(self.root.callRemote("go", Loop()), ZeroDivisionError)
        self.failureResultOf(self.root.callRemote("go", b"x" * (640 * 1024 + 1)), LimitExceeded)
        self.failureResultOf(self.root.callRemote("go", Loop(), pbanswer=False), ZeroDivisionError)
        self.assertEqual(self.wire.received(), [])
        self.assertEqual(self.wire.broker.waitingForAnswers, {})

    def test_lost(self) -> None:
        """When the connection is lost all that wait fail."""
        calls = [self.root.callRemote("go"), self.root.callRemote("go")]
        self.wire.lose()
        for each in calls:
            self.failureResultOf(each, pb.PBConnectionLost)

    def test_cancelled(self) -> None:
        """A call may be cancelled; its answer, or the loss of the connection, then has no effect."""
        answered, lost = self.root.callRemote("go"), self.root.callRemote("go")
        for each in (answered, lost):
            each.cancel()
            self.failureResultOf(each, CancelledError)
        self.wire.send([b"answer", 1, 5])
        self.wire.lose()

    def test_dead(self) -> None:
        """On a dead connection a call raises at once."""
        self.wire.lose()
        error = self.assertRaises(pb.DeadReferenceError, self.root.callRemote, "go")
        self.assertIn("go", str(error))
        self.assertRaises(pb.DeadReferenceError, self.root.callRemote, "go", pbanswer=False)

    def test_asFailure(self) -> None:
        """Whatever an C{error} message carried becomes a failure."""
        failure = Failure(ValueError("x"))
        self.assertIs(asFailure(failure), failure)
        self.assertIs(asFailure(failure.value).value, failure.value)
        self.assertIn("a list", str(asFailure([]).value))


class RoundTripTests(TestCase):
    """
    Calls between two brokers.
    """

    def setUp(self) -> None:
        """A pair."""
        self.desk = Desk()
        self.pair = brokerPair(self.desk)

    def test_unregisteredAnswer(self) -> None:
        """An answer of a class that the caller hasn't registered fails only its own call."""
        other = self.pair.root.callRemote("wait")
        with self.assertRaises(pb.InsecureJelly):
            self.pair.result(self.pair.root.callRemote("unregistered"))
        self.desk.waiting[0].callback(5)
        self.assertEqual(self.pair.result(other), 5)

    def test_builtIn(self) -> None:
        """C{except ZeroDivisionError} catches a remote one; its type travels as bytes."""
        with self.assertRaises(ZeroDivisionError) as caught:
            self.pair.result(self.pair.root.callRemote("fail", "error"))
        self.assertIsInstance(caught.exception, pb.RemoteError)
        self.assertEqual(caught.exception.remoteType, b"builtins.ZeroDivisionError")
        self.flushLoggedErrors(ZeroDivisionError)

    def test_wrongSignature(self) -> None:
        """Arguments that don't fit fail with TypeError; the log doesn't repeat them."""
        with capturedLogs() as events:
            with self.assertRaises(TypeError):
                self.pair.result(self.pair.root.callRemote("fail", 1, "secret", 3))
        self.assertNotIn("secret", repr([event.get("keywords") for event in events]))
        self.flushLoggedErrors(TypeError)

    def test_awaiting(self) -> None:
        """The Deferred of a call can be awaited."""

        async def ask() -> Any:
            return await self.pair.root.callRemote("echo", 5)

        self.assertEqual(self.pair.result(Deferred.fromCoroutine(ask())), 5)

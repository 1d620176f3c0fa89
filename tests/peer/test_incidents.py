"""
What a peer sees of errors under a policy that keeps them to the log.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.spread import jelly as stockJelly
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import BrokerPair, brokerPair

SECRET = "the password of the database is tulip"


class Meant(pb.Error):
    """An error that a server means to send."""


class Declared(Exception):
    """An error whose class the policy lets travel."""


class Travelling(Exception, pb.Copyable):
    """An error that travels as a value."""

    def getStateToCopy(self) -> Any:
        return {"text": "travelled"}


class Received(pb.RemoteCopy, Exception):
    """What becomes of it."""


class Unsendable(Exception, pb.Copyable):
    """An error that wants to travel, and can't."""

    def getStateToCopy(self) -> Any:
        raise ValueError(SECRET)


class Picky(pb.RemoteCopy):
    """A class that can't be made."""

    def setCopyableState(self, state: Any) -> None:
        raise ValueError(SECRET)


pb.setUnjellyableForClass("tests.Picky", Picky)
pb.setUnjellyableForClass(Travelling, Received)


class Sent(pb.Copyable):
    """What becomes a L{Picky}."""

    def getTypeToCopy(self) -> str:
        return "tests.Picky"


class Desk(pb.Root):
    """Fails in various ways."""

    result: Any = None

    def remote_fail(self) -> None:
        """Raise it."""
        raise self.result

    async def remote_failLater(self) -> None:
        """Raise it, in a coroutine."""
        raise self.result

    def remote_give(self, *ignored: Any) -> Any:
        """Return it."""
        return self.result

    def remote_view(self) -> Any:
        """Something to look at."""
        return pb.ViewPoint(None, Quiet())


class Quiet:
    """Has no method at all, but one that fails when it is looked for."""

    @property
    def view_broken(self) -> Any:
        """Fail."""
        return self.missing  # type: ignore[attr-defined]


POLICY = pb.SecurityPolicy(errors="incident").allowUnjellyable("tests.Picky", Picky)


class IncidentTests(SynchronousTestCase):
    """
    C{SecurityPolicy.errors == "incident"}.
    """

    policy: Any = POLICY

    def setUp(self) -> None:
        """A server with tracebacks, which the policy has precedence over, and a client."""
        self.desk = Desk()
        self.pair = self.connected(self.policy)

    def connected(self, policy: Any, client: Any = None, **limits: Any) -> BrokerPair:
        """A server with a policy and a client."""
        factory = pb.PBServerFactory(self.desk, True, security=policy, limits=pb.Limits(**limits))
        return brokerPair(serverFactory=factory, clientFactory=client)

    def failureOf(self, result: Any, method: str, *args: Any, pair: BrokerPair | None = None) -> Any:
        """The failure of a call, with the log in C{events}."""
        self.desk.result = result
        pair = pair or self.pair
        with capturedLogs() as self.events:
            answer = pair.root.callRemote(method, *args)
            pair.flush()
        self.flushLoggedErrors()
        return self.failureResultOf(answer)

    def assertIncident(self, failure: Any) -> None:
        """The peer learns an id only, and the log has the same id and all the rest."""
        self.assertTrue(failure.check(pb.Incident, pb.Error))
        self.assertRegex(failure.incident, "^[0-9a-f]{8}$")
        self.assertEqual(failure.type, b"myspread.pb.Incident")
        self.assertIn(f"incident {failure.incident}", failure.value)
        for shown in (failure.getTraceback(), repr(failure.__dict__)):
            self.assertNotIn("tulip", shown)
            self.assertNotIn("File ", shown)
        (event,) = [event for event in self.events if "incident" in event]
        self.assertEqual(event["incident"], failure.incident)
        self.assertIn(f"Incident {failure.incident}", event["log_format"].format(**event))
        self.assertIsInstance(event["log_failure"], Failure)

    def assertShown(self, failure: Any, kind: Any, text: str) -> None:
        """The peer learns type and text."""
        self.assertTrue(failure.check(kind), failure)
        self.assertIn(text, str(failure.value))
        self.assertEqual([event for event in self.events if "incident" in event], [])

    def test_mistakes(self) -> None:
        """A mistake in a method, at once or later, reaches the peer as an id."""
        for method in ("fail", "failLater"):
            for error in (ValueError(SECRET), KeyError(SECRET), SystemExit(SECRET)):
                self.assertIncident(self.failureOf(error, method))
        first, second = (self.failureOf(ValueError(), "fail").incident for _ in range(2))
        self.assertNotEqual(first, second)

    def test_firedLater(self) -> None:
        """So does the failure of a Deferred."""
        waiting: Deferred[Any] = Deferred()
        self.desk.result = waiting
        answer = self.pair.root.callRemote("give")
        self.pair.flush()
        with capturedLogs() as self.events:
            waiting.errback(ValueError(SECRET))
            self.pair.flush()
        self.assertIncident(self.failureResultOf(answer))
        self.flushLoggedErrors(ValueError)

    def test_meant(self) -> None:
        """What the application means to send is sent as ever."""
        self.assertShown(self.failureOf(Meant("sold out"), "fail"), pb.Error, "sold out")
        self.assertShown(self.failureOf(UnauthorizedLogin("who?"), "fail"), UnauthorizedLogin, "who?")
        failure = self.failureOf(Travelling(), "fail")
        self.assertEqual((type(failure.value), failure.value.text), (Received, "travelled"))
        policy = POLICY.allowInstancesOf(Declared)
        pair = self.connected(policy, pb.PBClientFactory(security=policy))
        self.assertIsInstance(self.failureOf(Declared("by value"), "fail", pair=pair).value, Declared)

    def test_refused(self) -> None:
        """What is wrong with the call itself, the peer may know."""
        self.assertShown(self.failureOf(None, "missing"), pb.NoSuchMethod, "No such method: remote_missing")
        self.assertShown(self.failureOf(None, "a b"), pb.NoSuchMethod, "No such method")
        self.assertShown(self.failureOf(None, "x" * 1000), pb.NoSuchMethod, "No such method")
        call = self.pair.client._sendMessage(b"", None, b"root", b"\xff", (), {})
        self.pair.flush()
        self.assertIn("UnicodeDecodeError", str(self.failureResultOf(call)))
        call = self.pair.client._sendMessage(b"", None, 77, b"give", (), {})
        self.pair.flush()
        self.assertShown(self.failureResultOf(call), pb.Error, "Invalid Object ID")
        self.flushLoggedErrors()

    def test_refusedArguments(self) -> None:
        """So may it know which of its arguments isn't allowed."""

        class Unknown(pb.Copyable):
            pass

        self.assertShown(self.failureOf(None, "give", Unknown()), pb.InsecureJelly, "args[0]")

    def test_arguments(self) -> None:
        """A mistake in a class that an argument becomes is one of ours."""
        self.assertIncident(self.failureOf(None, "give", Sent()))

    def test_noAttribute(self) -> None:
        """A view that has no such method doesn't tell of what class it is."""
        view = self.pair.result(self.pair.root.callRemote("view"))
        answer = view.callRemote("missing")
        with capturedLogs() as self.events:
            self.pair.flush()
        self.assertShown(self.failureResultOf(answer), pb.NoSuchMethod, "No such method: view_missing")
        answer = view.callRemote("broken")
        with capturedLogs() as self.events:
            self.pair.flush()
        self.assertIncident(self.failureResultOf(answer))
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 2)

    def test_unsendable(self) -> None:
        """Answers that can't be serialised, or are too large, are incidents."""

        class Broken(pb.Copyable):
            def getStateToCopy(self) -> Any:
                raise ValueError(SECRET)

        self.assertIncident(self.failureOf(Broken(), "give"))
        pair = self.connected(POLICY, stringLength=1000)
        self.assertIncident(self.failureOf(b"x" * 1001, "give", pair=pair))

    def test_unsendableError(self) -> None:
        """So is an error that can't be sent."""
        self.assertIncident(self.failureOf(Unsendable(), "fail"))

    def test_refusalOfOurs(self) -> None:
        """An InsecureJelly or LimitExceeded that a method raises isn't about the call."""
        for error in (pb.InsecureJelly(SECRET), pb.LimitExceeded(SECRET), pb.NoSuchMethod(SECRET)):
            self.assertIncident(self.failureOf(error, "fail"))

    def test_relayed(self) -> None:
        """The failure of a call that the method made elsewhere is one, unless it is a pb.Error there."""
        backend = Desk()
        inner = brokerPair(backend)
        for error, shown in ((ValueError(SECRET), None), (Meant("sold out"), "sold out")):
            backend.result = error
            relayed = inner.root.callRemote("fail")
            inner.flush()
            failure = self.failureOf(relayed, "give")
            if shown is None:
                self.assertIncident(failure)
            else:
                self.assertShown(failure, pb.Error, shown)

    def test_relayedIncident(self) -> None:
        """The incident of another server is relayed as it is."""
        backend = Desk()
        backend.result = ValueError(SECRET)
        inner = brokerPair(serverFactory=pb.PBServerFactory(backend, security=POLICY))
        relayed = inner.root.callRemote("fail")
        inner.flush()
        told = self.failureResultOf(relayed)
        again: Deferred[Any] = Deferred()
        again.errback(told)
        self.assertEqual(self.failureOf(again, "give").incident, told.incident)

    def test_withoutAnswer(self) -> None:
        """A call without answer has no incident: nobody would know its id."""
        self.desk.result = ValueError(SECRET)
        with capturedLogs() as events:
            self.pair.root.callRemote("fail", pbanswer=False)
            self.pair.flush()
        formats = [event["log_format"] for event in events]
        self.assertEqual(formats, ["A call of {peer} that wants no answer failed:"])
        self.flushLoggedErrors(ValueError)

    def test_awaited(self) -> None:
        """C{except pb.Incident} catches it, with the id."""
        failure = self.failureOf(ValueError(SECRET), "fail")
        error = self.assertRaises(pb.Incident, failure.raiseException)
        self.assertIsInstance(error, pb.RemoteError)
        self.assertEqual(error.incident, failure.incident)

    def test_strangeId(self) -> None:
        """A peer may send anything as id."""
        failure = self.failureOf(ValueError(SECRET), "fail")
        state = {"type": b"myspread.pb.Incident", "value": "x", "parents": ["myspread.pb.Incident"]}
        for incident in (5, b"x", None, ["x"]):
            failure.setCopyableState({**state, "incident": incident})
            self.assertIsNone(failure.incident)
            self.assertEqual(failure.toException().incident, "")

    def test_stock(self) -> None:
        """A stock client traps it as a pb.Error, and sees the id."""
        client = stock.PBClientFactory()
        self.addCleanup(stock.globalSecurity.allowedTypes.update, dict(stock.globalSecurity.allowedTypes))
        failure = self.failureOf(ValueError(SECRET), "fail", pair=self.connected(POLICY, client))
        self.assertIs(type(failure), stock.CopiedFailure)
        self.assertEqual(failure.trap(stock.Error), stock.Error)
        self.assertRegex(failure.value, "incident [0-9a-f]{8}$")
        self.assertIn(failure.incident, failure.value)


class OptionsTests(IncidentTests):
    """
    Options in the form of C{twisted.spread} that keep errors to the log.
    """

    def setUp(self) -> None:
        self.policy = pb.SecurityOptions()
        self.policy.allowBasicTypes()
        self.policy.allowTypes("remote", "local", "tests.Picky")
        self.policy.errors = "incident"
        super().setUp()


class TextTests(SynchronousTestCase):
    """
    Under all other policies the peer sees type and text.
    """

    def test_text(self) -> None:
        """As ever; also under C{twisted.spread}'s own options, which don't know of the choice."""
        stockOptions = stockJelly.SecurityOptions()
        stockOptions.allowBasicTypes()
        for policy in (None, pb.SecurityPolicy(), pb.SecurityOptions(), stockOptions):
            if isinstance(policy, pb.SecurityOptions):
                policy.allowBasicTypes()
            desk = Desk()
            desk.result = ValueError(SECRET)
            pair = brokerPair(serverFactory=pb.PBServerFactory(desk, security=policy))
            answer = pair.root.callRemote("fail")
            pair.flush()
            failure = self.failureResultOf(answer)
            self.assertEqual((failure.type, failure.value), (b"builtins.ValueError", SECRET))
            self.assertIsNone(failure.incident)
            self.assertFalse(re.search("incident", repr(failure.getTraceback())))
        self.flushLoggedErrors(ValueError)

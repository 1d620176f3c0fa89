"""
Policies that take what they don't know for data.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._errors import InsecureJelly
from myspread._jelly import unjelly
from myspread._jelly.named import UNJELLY_NAMED
from myspread._jelly.registry import protocolForms
from myspread._jelly.scalars import UNJELLY_SCALAR
from myspread._jelly.unserialize import _ENTER
from myspread.security import JELLY_TYPES, LOGIN_POLICY, SecurityPolicy
from myspread.testing import brokerPair
from tests.jelly.shapes import Plain, RemotePlain, ofPlain

STATE = [b"dictionary", [[b"unicode", b"a"], 1]]


class Anything(pb.RemoteCopy):
    """What stands for all that isn't known."""

    def toException(self) -> Exception:
        """Where it stands for an error."""
        return pb.RemoteError("some.Error", f"with {self.a}", None)  # type: ignore[attr-defined]


class SomeError(pb.Error, pb.Copyable):
    """An error that travels as a value."""

    a = 1

    def getStateToCopy(self) -> Any:
        """Not that of errors."""
        return {"a": 2}


class Root(pb.Root):
    """Fails."""

    def remote_fail(self) -> None:
        """Fail with an error that travels as a value."""
        raise SomeError


class UnknownTests(SynchronousTestCase):
    """
    L{SecurityPolicy.allowUnknown}.
    """

    def setUp(self) -> None:
        self.policy = SecurityPolicy().allowUnknown(Anything)

    def test_unknown(self) -> None:
        """Every tag that means nothing by itself becomes an instance."""
        for tag in (b"some.Class", b"nodot", b"", b"os.path", b"\xff", b"builtins.dict", b"object"):
            self.assertTrue(self.policy.isTypeAllowed(tag))
            value = unjelly([tag, STATE], self.policy)
            self.assertIs(type(value), Anything, tag)

    def test_shared(self) -> None:
        """What refers to itself does."""
        value: Any = unjelly(
            [b"reference", 1, [b"some.Class", [b"dictionary", [[b"unicode", b"me"], [b"dereference", 1]]]]],
            self.policy,
            invoker=object(),
        )
        self.assertIs(value.me, value)

    def test_jellysOwn(self) -> None:
        """All forms of Jelly itself are known, and stay what they are: allowed, or refused."""
        own = {*_ENTER, *UNJELLY_SCALAR, *UNJELLY_NAMED, *protocolForms.unjellyables}
        self.assertEqual(own - JELLY_TYPES, set())
        for tag in JELLY_TYPES:
            self.assertEqual(self.policy.isTypeAllowed(tag), SecurityPolicy().isTypeAllowed(tag), tag)
        self.assertEqual(unjelly([b"list", [b"tuple"]], self.policy), [()])
        self.assertRaises(InsecureJelly, unjelly, [b"function", b"os.system"], self.policy)

    def test_named(self) -> None:
        """What the policy names comes first."""
        policy = self.policy.allowUnjellyable("some.Class", RemotePlain).allowFactory("some.Other", repr)
        self.assertIs(type(unjelly([b"some.Class", STATE], policy)), RemotePlain)
        self.assertEqual(unjelly([b"some.Other", STATE], policy), "{'a': 1}")
        self.assertIs(type(unjelly([ofPlain, STATE], policy)), Anything)
        self.assertIs(type(unjelly([ofPlain, STATE], policy.allowInstancesOf(Plain))), Plain)

    def test_default(self) -> None:
        """By default nothing stands for what isn't known; and never before a login."""
        for policy in (SecurityPolicy(), LOGIN_POLICY):
            self.assertIsNone(policy.unknown)
            self.assertRaises(InsecureJelly, unjelly, [b"some.Class", STATE], policy)

    def test_errors(self) -> None:
        """An error that arrives as a value says itself what to raise."""
        pair = brokerPair(Root(), clientFactory=pb.PBClientFactory(security=self.policy))
        error = self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("fail"))
        self.assertEqual((error.remoteType, str(error)), ("some.Error", "with 2"))

"""
Tests for L{myspread._net.untillogin}.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import Anonymous
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._net.untillogin import policyUntilLogin
from myspread.security import LOGIN_POLICY
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import RecordingRealm, portalFor

TAG = "untillogin.Mind"


class Mind(pb.Referenceable):
    """What a client gives along, under a tag of its own."""

    def jellyFor(self, jellier: Any) -> Any:
        """A reference with another tag."""
        return [TAG.encode(), jellier.invoker.registerReference(self)]

    def remote_think(self) -> str:
        """Called by the server."""
        return "thought"


class MindReference(pb.RemoteReference):
    """What becomes of it."""


class StockMindReference(stock.RemoteReference):
    """What becomes of it where the server was written for twisted.spread."""


class CuriousReference(pb.RemoteReference):
    """Wants to know when it is made."""

    def __init__(self, *args: Any) -> None:
        raise AssertionError("made before login")


class OwnReference(pb.RemoteReference):
    """Makes itself in a way of its own."""

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        """Never called."""
        raise AssertionError("made before login")


class Copied(pb.RemoteCopy):
    """No reference."""


class PolicyTests(SynchronousTestCase):
    """
    What a peer may send until it has logged in.
    """

    def tearDown(self) -> None:
        """What is refused is logged."""
        self.flushLoggedErrors()

    def login(self, policy: Any) -> tuple[BrokerPair, Any, Any]:
        """Log in with a mind; the connection, the realm, and what comes of it."""
        realm = RecordingRealm()
        pair = brokerPair(serverFactory=pb.PBServerFactory(portalFor(realm), security=policy))
        outcome: list[Any] = []
        pair.clientFactory.login(Anonymous(), Mind()).addBoth(outcome.append)
        pair.flush()
        return pair, realm, outcome[0]

    def assertCallable(self, policy: Any, kind: type) -> None:
        """The realm gets a reference of this kind, and can call it."""
        pair, realm, outcome = self.login(policy)
        self.assertIsInstance(outcome, pb.RemoteReference)
        mind = realm.requests[0][1]
        self.assertIsInstance(mind, kind)
        self.assertEqual(pair.result(mind.callRemote("think")), "thought")

    def assertRefused(self, policy: Any) -> None:
        """The realm isn't asked."""
        _, realm, outcome = self.login(policy)
        self.assertTrue(outcome.check(pb.InsecureJelly), outcome)
        self.assertEqual(realm.requests, [])

    def test_named(self) -> None:
        """A mind may be a reference with a tag of its own, which the policy allows."""
        self.assertCallable(pb.SecurityPolicy().allowUnjellyable(TAG, MindReference), MindReference)
        self.assertRefused(pb.SecurityPolicy())

    def test_registered(self) -> None:
        """So it is with what a program has registered, with us or with twisted.spread."""
        pb.setUnjellyableForClass(TAG, MindReference)
        self.addCleanup(pb.copyTags.pop, TAG.encode(), None)
        self.assertCallable(None, MindReference)

    def test_stock(self) -> None:
        """Its class may be one of twisted.spread's."""
        self.assertCallable(pb.SecurityPolicy().allowUnjellyable(TAG, StockMindReference), StockMindReference)

    def test_others(self) -> None:
        """Anything that isn't made as references are is refused, although the policy allows it."""
        for kind in (CuriousReference, OwnReference, Copied):
            self.assertRefused(pb.SecurityPolicy().allowUnjellyable(TAG, kind))
        self.assertRefused(pb.SecurityPolicy().allowFactory(TAG, dict))

    def test_shared(self) -> None:
        """It is the same object for all connections, and says of sending what the policy does."""
        policy = pb.SecurityPolicy(errors="incident", unsendable="raise")
        until = policyUntilLogin(policy)
        self.assertIs(until, policyUntilLogin(policy))
        self.assertEqual((until.errors, until.unsendable), ("incident", "raise"))
        self.assertEqual(until.types, LOGIN_POLICY.types)
        self.assertEqual(
            (dict(until.factories), until.classes, until.modules), ({}, frozenset(), frozenset())
        )

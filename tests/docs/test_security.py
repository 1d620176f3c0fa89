"""
What C{docs/topics/security.rst} says is enforced, is.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.cred.portal import Portal
from twisted.python.reflect import prefixedMethodNames
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import BrokerPair, brokerPair


class Registered(pb.Copyable, pb.RemoteCopy):
    """A class that this module registers for everybody."""


class Vault(pb.Root):
    """
    Something with a method that is nobody's business.
    """

    def openUp(self) -> str:
        """Can't be called from outside."""
        return "gold"

    def remote_key(self) -> Vault:
        """A reference to another vault."""
        return Vault()

    def remote_manyKeys(self, count: int) -> list[Vault]:
        """References to many others."""
        return [Vault() for _ in range(count)]

    def remote_typeOf(self, value: Any) -> str:
        """What has arrived."""
        return type(value).__name__


class SecurityTests(SynchronousTestCase):
    """
    One test for each statement, in its order.
    """

    def tearDown(self) -> None:
        """What goes wrong here is meant to."""
        self.flushLoggedErrors()

    def failureOf(self, pair: BrokerPair, *call: Any) -> Any:
        """The failure of a call of the root."""
        answer = pair.root.callRemote(*call)
        pair.flush()
        return self.failureResultOf(answer)

    def test_lentOnThisConnection(self) -> None:
        """An id that was given out on one connection means nothing on another."""
        factory = pb.PBServerFactory(Vault())
        first, second = brokerPair(serverFactory=factory), brokerPair(serverFactory=factory)
        key = first.result(first.root.callRemote("key"))
        stolen = second.client._sendMessage(b"", None, key.luid, b"key", (), {})
        second.flush()
        self.failureResultOf(stolen, pb.Error)

    def test_prefix(self) -> None:
        """Methods without the prefix can't be called."""
        self.assertTrue(self.failureOf(brokerPair(Vault()), "openUp").check(pb.NoSuchMethod))

    def test_portal(self) -> None:
        """The root of a portal offers login, and nothing else."""
        root = pb.PBServerFactory(portal=Portal(pb.Realm())).root.rootObject(None)
        names = ("login", "loginAnonymous", "loginCertificate", "loginPlain", "loginScram", "loginToken")
        expected = {"mechanisms", *names}
        self.assertEqual(set(prefixedMethodNames(type(root), "remote_")), expected)

    def test_importsNothing(self) -> None:
        """A module that the policy doesn't allow isn't imported."""
        self.assertNotIn("this", sys.modules)
        for policy in (pb.SecurityPolicy(), None):
            factory = pb.PBServerFactory(Vault(), security=policy)
            pair = brokerPair(serverFactory=factory)
            arguments = [b"tuple", [b"this.Zen", [b"None"]]]
            pair.client.sendEncoded([b"message", 1, b"root", b"typeOf", 1, arguments, [b"dictionary"]])
            pair.flush()
        self.assertNotIn("this", sys.modules)

    def test_policies(self) -> None:
        """What any module registers is allowed by default, and not by a SecurityPolicy."""
        pb.setUnjellyableForClass(Registered, Registered)
        self.addCleanup(pb.copyTags.pop, b"tests.docs.test_security.Registered")
        pair = brokerPair(Vault())
        self.assertEqual(pair.result(pair.root.callRemote("typeOf", Registered())), "Registered")
        pair = brokerPair(serverFactory=pb.PBServerFactory(Vault(), security=pb.SecurityPolicy()))
        self.assertTrue(self.failureOf(pair, "typeOf", Registered()).check(pb.InsecureJelly))

    def test_declaredSize(self) -> None:
        """A declared size over the limit closes the connection before the rest arrives."""
        pair = brokerPair(Vault())
        pair.client.transport.write(b"\x01\x00\x28\x82")  # a string of 640 KiB and one byte
        pair.flush()
        self.assertFalse(pair.connected)

    def test_tooManyReferences(self) -> None:
        """Three calls fail, one more closes the connection."""
        limits = pb.Limits(references=10)
        pair = brokerPair(serverFactory=pb.PBServerFactory(Vault(), limits=limits))
        for _ in range(3):
            self.assertTrue(self.failureOf(pair, "manyKeys", 20).check(pb.Error))
            self.assertTrue(pair.connected)
        self.failureOf(pair, "manyKeys", 20)
        self.assertFalse(pair.connected)

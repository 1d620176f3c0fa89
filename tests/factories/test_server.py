"""
Tests for L{myspread._factories.server}.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.portal import Portal
from twisted.python.components import registerAdapter
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from myspread import pb
from myspread._login.server import PortalRoot, PortalWrapper
from myspread.limits import Limits
from tests.peer.wire import CALL, Wire


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Adaptable:
    """Can be adapted to a root."""


@implementer(pb.IPBRoot)
class PerConnection:
    """Has a root of its own for each connection."""

    def __init__(self, adapted: Any = None) -> None:
        self.brokers: list[Any] = []

    def rootObject(self, broker: Any) -> Any:
        """A new root."""
        self.brokers.append(broker)
        return Echo()


registerAdapter(PerConnection, Adaptable, pb.IPBRoot)


class ServerTests(TestCase):
    """
    Tests for L{pb.PBServerFactory}.
    """

    def test_root(self) -> None:
        """A root is lent as C{root} to each connection."""
        factory = pb.PBServerFactory(Echo())
        broker = factory.buildProtocol(None)
        self.assertIsInstance(broker, pb.Broker)
        self.assertFalse(broker.isClient)
        self.assertIs(broker.factory, factory)
        self.assertEqual(Wire(broker=broker).exchange(CALL), [[b"answer", 1, 5]])

    def test_perConnection(self) -> None:
        """What provides IPBRoot, or can be adapted to it, is asked for the root of each connection."""
        for root in (PerConnection(), Adaptable()):
            factory = pb.PBServerFactory(root)
            brokers = [factory.buildProtocol(None), factory.buildProtocol(None)]
            self.assertEqual(factory.root.brokers, brokers)
            self.assertIsNot(*[broker.localObjectForID("root") for broker in brokers])

    def test_portal(self) -> None:
        """A portal is served by our own login, whichever way it is given."""
        portal = Portal(pb.Realm())
        for factory in (pb.PBServerFactory(portal), pb.PBServerFactory(portal=portal)):
            self.assertIsInstance(factory.root, PortalRoot)
            self.assertIsInstance(factory.buildProtocol(None).localObjectForID("root"), PortalWrapper)

    def test_stockRoot(self) -> None:
        """A root of stock's will do."""

        class StockEcho(stock.Root):
            def remote_echo(self, value: Any) -> Any:
                return value

        wire = Wire(broker=pb.PBServerFactory(StockEcho()).buildProtocol(None))
        self.assertEqual(wire.exchange(CALL), [[b"answer", 1, 5]])

    def test_noRoot(self) -> None:
        """Neither a root nor a portal, both, or something that is no root: refused at once."""
        portal = Portal(pb.Realm())
        self.assertRaises(TypeError, pb.PBServerFactory)
        self.assertRaises(TypeError, pb.PBServerFactory, Echo(), portal=portal)
        self.assertRaises(TypeError, pb.PBServerFactory, object())
        self.assertRaises(TypeError, pb.PBServerFactory, portal=object())

    def test_arguments(self) -> None:
        """C{unsafeTracebacks} and C{security} are positional, as in stock; C{limits} is a keyword."""
        policy, limits = pb.SecurityPolicy(), Limits(references=7)
        factory = pb.PBServerFactory(Echo(), True, policy, limits=limits)
        broker = factory.buildProtocol(None)
        self.assertTrue(factory.unsafeTracebacks)
        self.assertIs(broker.security, policy)
        self.assertIs(broker.limits, limits)
        default = pb.PBServerFactory(Echo())
        self.assertFalse(default.unsafeTracebacks)
        self.assertIs(default.buildProtocol(None).security, pb.globalSecurity)

    def test_protocol(self) -> None:
        """A subclass names the class of its brokers, and hears of connections that are ready."""
        made: list[Any] = []

        class Own(pb.Broker):
            pass

        class Factory(pb.PBServerFactory):
            protocol = Own

            def clientConnectionMade(self, protocol: Any) -> None:
                super().clientConnectionMade(protocol)
                made.append(protocol)

        broker = Factory(Echo()).buildProtocol(None)
        self.assertIsInstance(broker, Own)
        wire = Wire(broker=broker, greet=False)
        self.assertEqual(made, [])
        wire.send(b"pb")
        self.assertEqual(made, [broker])

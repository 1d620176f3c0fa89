"""
Factories whose subclasses do as they please.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread.testing import brokerPair


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class OwnServer(pb.PBServerFactory):
    """Doesn't call C{__init__}."""

    def __init__(self, root: Any) -> None:
        self.root = root


class OwnClient(pb.PBClientFactory):
    """Doesn't call C{__init__} either."""

    def __init__(self) -> None:
        self._reset()


class Reconnecting(pb.PBClientFactory):
    """Overrides what a connector calls, as subclasses do."""

    def startedConnecting(self, connector: Any) -> None:
        """Nothing to do here."""

    def clientConnectionLost(self, connector: Any, reason: Any, reconnecting: Any = 1) -> None:
        """Connect again, later."""
        super().clientConnectionLost(connector, reason, reconnecting=1)


class Connector:
    """What C{reactor.connectTCP} returns."""

    def __init__(self, factory: Any) -> None:
        self.factory = factory


class SubclassTests(TestCase):
    """
    Tests for such factories.
    """

    def test_withoutInit(self) -> None:
        """They work under the default policy and limits."""
        pair = brokerPair(serverFactory=OwnServer(Echo()), clientFactory=OwnClient())
        self.assertEqual(pair.result(pair.root.callRemote("echo", [1])), [1])

    def test_reconnecting(self) -> None:
        """Who waits for a root goes on waiting when the connection is lost in the handshake."""
        factory = Reconnecting()
        waiting = factory.getRootObject()
        pair = brokerPair(Echo(), clientFactory=pb.PBClientFactory())
        broker = factory.buildProtocol(None)
        pair.clientTransport.connector = Connector(factory)  # type: ignore[attr-defined]
        broker.makeConnection(pair.clientTransport)
        reason = Failure(ConnectionDone())
        broker.connectionLost(reason)
        factory.clientConnectionLost(pair.clientTransport.connector, reason)  # type: ignore[attr-defined]
        self.assertNoResult(waiting)

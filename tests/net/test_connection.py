"""
Tests for L{myspread._net.connection}: phases, deadlines, closing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.credentials import Anonymous
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._codec import PB, encode
from myspread.limits import Limits, defaultLimits
from myspread.security import LOGIN_POLICY, SecurityPolicy
from myspread.testing import BrokerPair, brokerPair

LIMITS = Limits(handshakeTime=10.0, loginTime=20.0, closingTime=3.0)
POLICY = SecurityPolicy().allowTypes("frog").allowFactory("frog", dict)
BROKEN = b"\x05\xff"


class Root(pb.Root):
    """Answers now or later."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[Any]] = []

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value

    def remote_later(self) -> Deferred[Any]:
        """Answer when the test wants."""
        self.waiting.append(Deferred())
        return self.waiting[-1]


class Watched(pb.PBServerFactory):
    """Notes what it is told."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.told: list[str] = []

    def clientConnectionMade(self, protocol: Any) -> None:
        """The handshake is done."""
        self.told.append("made")

    def brokerOpened(self, broker: Any) -> None:
        """And the login."""
        self.told.append("opened")

    def brokerLost(self, broker: Any, reason: Any) -> None:
        """It is over."""
        self.told.append("lost")


def portal() -> Portal:
    """One that lets everybody in."""
    return Portal(pb.Realm(), [AllowAnonymousAccess()])


def logged(events: list[Any]) -> list[str]:
    """What the log says of connections that are closed."""
    return [each["reason"] for each in events if each["log_format"].startswith("Closing the connection")]


class DeadlineCase(TestCase):
    """
    A server, and a client that may say nothing.
    """

    def pair(self, root: Any, limits: Limits = LIMITS, **kw: Any) -> BrokerPair:
        """Two brokers that have exchanged nothing yet."""
        clock = Clock()
        self.factory = Watched(root, limits=limits, clock=clock, **kw)
        return BrokerPair(self.factory, pb.PBClientFactory(clock=clock), clock)


class HandshakeTimeTests(DeadlineCase):
    """
    Tests for C{Limits.handshakeTime}.
    """

    def test_silent(self) -> None:
        """A client that doesn't greet loses the connection; the log names the limit."""
        for root in (Root(), portal()):
            pair = self.pair(root)
            pair.clock.advance(9.9)
            self.assertFalse(pair.serverTransport.disconnecting)
            with capturedLogs() as events:
                pair.clock.advance(0.2)
            self.assertTrue(pair.serverTransport.disconnecting)
            reason = "the peer isn't done with the handshake after 10 seconds (Limits.handshakeTime)"
            self.assertEqual(logged(events), [reason])

    def test_done(self) -> None:
        """Once it is done there is no deadline, and no timer is left."""
        pair = self.pair(Root())
        pair.flush()
        self.assertEqual(pair.clock.getDelayedCalls(), [])
        pair.clock.advance(10000)
        self.assertEqual(pair.result(pair.root.callRemote("echo", 5)), 5)

    def test_off(self) -> None:
        """None: no bound."""
        pair = self.pair(Root(), replace(LIMITS, handshakeTime=None))
        self.assertEqual(pair.clock.getDelayedCalls(), [])

    def test_client(self) -> None:
        """A client waits as long as whoever uses it."""
        clock = Clock()
        broker = pb.PBClientFactory(clock=clock, limits=LIMITS).buildProtocol(None)
        broker.makeConnection(StringTransport())
        self.assertIs(broker.clock, clock)
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_lost(self) -> None:
        """A connection that is lost leaves no timer."""
        pair = self.pair(Root())
        pair.disconnect()
        self.assertEqual(pair.clock.getDelayedCalls(), [])

    def test_withoutClock(self) -> None:
        """A broker on a transport without reactor, and without a clock, has no deadlines."""
        broker = pb.PBServerFactory(Root()).buildProtocol(None)
        broker.makeConnection(StringTransport())
        self.assertIsNone(broker.clock)

    def test_clockOfTheTransport(self) -> None:
        """Without a clock it takes the reactor of its transport."""
        broker = pb.PBServerFactory(Root(), limits=LIMITS).buildProtocol(None)
        transport: Any = StringTransport()
        transport.reactor = Clock()
        broker.makeConnection(transport)
        self.assertEqual([call.getTime() for call in transport.reactor.getDelayedCalls()], [10.0])


class LoginTests(DeadlineCase):
    """
    What holds until a peer has logged in.
    """

    def test_loginTime(self) -> None:
        """A client that doesn't log in loses the connection; the log names the limit."""
        pair = self.pair(portal())
        pair.flush()
        pair.clock.advance(19.9)
        self.assertFalse(pair.serverTransport.disconnecting)
        with capturedLogs() as events:
            pair.clock.advance(0.2)
        self.assertTrue(pair.serverTransport.disconnecting)
        self.assertEqual(logged(events), ["the peer isn't logged in after 20 seconds (Limits.loginTime)"])

    def test_loggedIn(self) -> None:
        """One that does may stay."""
        pair = self.pair(portal())
        pair.flush()
        avatar = pair.result(pair.clientFactory.login(Anonymous()))
        self.assertIsInstance(avatar, pb.RemoteReference)
        self.assertEqual(pair.clock.getDelayedCalls(), [])

    def test_policyAndLimits(self) -> None:
        """Until then the limits are smaller and the policy is closed; both are the factory's afterwards."""
        pair = self.pair(portal(), security=POLICY)
        for _ in range(2):
            self.assertEqual(pair.server.limits, LIMITS.untilLogin())
            self.assertIs(pair.server.security, POLICY)
            self.assertEqual(pair.server._peer.accepted, LOGIN_POLICY)
            pair.flush()
        pair.result(pair.clientFactory.login(Anonymous()))
        self.assertIs(pair.server.limits, LIMITS)
        self.assertIs(pair.server._peer.accepted, POLICY)

    def test_mind(self) -> None:
        """A mind of a class that the policy allows is refused before login, and accepted as a reference."""

        class Frog(pb.Copyable):
            typeToCopy = "frog"

        pair = self.pair(portal(), security=POLICY)
        pair.flush()
        with self.assertRaises(pb.RemoteError) as caught:
            pair.result(pair.clientFactory.login(Anonymous(), Frog()))
        self.assertIn("InsecureJelly", str(caught.exception.remoteType))
        self.flushLoggedErrors()
        pair.result(pair.clientFactory.login(Anonymous(), pb.Referenceable()))

    def test_howWeSend(self) -> None:
        """What the policy says of our own values and errors holds before login, too."""
        policy = replace(POLICY, errors="incident", unsendable="raise")
        pair = self.pair(portal(), security=policy)
        self.assertIs(pair.server._peer.incoming.security, policy)
        self.assertEqual(pair.server._peer.accepted.types, LOGIN_POLICY.types)  # type: ignore[attr-defined]

    def test_setMeanwhile(self) -> None:
        """Policy and limits that are set before the login are those that hold after it."""
        pair = self.pair(portal())
        pair.server.security, pair.server.limits = POLICY, replace(LIMITS, calls=5)
        self.assertIs(pair.server.security, POLICY)
        self.assertEqual(pair.server._peer.accepted, LOGIN_POLICY)
        self.assertEqual((pair.server.limits.calls, pair.server.limits.references), (5, 32))
        pair.flush()
        pair.result(pair.clientFactory.login(Anonymous()))
        self.assertIs(pair.server._peer.accepted, POLICY)
        self.assertEqual(pair.server.limits, replace(LIMITS, calls=5))

    def test_defaults(self) -> None:
        """A connection without limits of its own has the smaller ones of the defaults."""
        pair = brokerPair(portal())
        self.assertEqual(pair.server.limits, defaultLimits().untilLogin())
        pair.result(pair.clientFactory.login(Anonymous()))
        self.assertIs(pair.server.limits, defaultLimits())

    def test_enforced(self) -> None:
        """A peer that hasn't logged in is held to them."""
        pair = self.pair(portal())
        pair.flush()
        pair.server.dataReceived(b"\x01\x80" * 65)
        self.assertTrue(pair.serverTransport.disconnecting)

    def test_furtherLogin(self) -> None:
        """A root that leads to a login within an open connection closes nothing down."""
        pair = self.pair(Root())
        pair.flush()
        self.factory.told.clear()
        pb.IPBRoot(portal()).rootObject(pair.server)
        pair.server.beginLogin()
        self.assertIs(pair.server.limits, LIMITS)
        pair.server.endLogin()
        self.assertEqual(self.factory.told, [])

    def test_ownRoot(self) -> None:
        """Where the root is the application's own there is no login."""
        pair = self.pair(Root())
        self.assertIs(pair.server.limits, LIMITS)


class OpenedTests(DeadlineCase):
    """
    Tests for C{brokerOpened}.
    """

    def test_withoutLogin(self) -> None:
        """The factory is told once the handshake is done, and once."""
        pair = self.pair(Root())
        self.assertEqual(self.factory.told, [])
        pair.flush()
        self.assertEqual(sorted(self.factory.told), ["made", "opened"])

    def test_login(self) -> None:
        """Where there is a login, after that, and once."""
        pair = self.pair(portal())
        pair.flush()
        self.assertEqual(self.factory.told, ["made"])
        for _ in range(2):
            pair.result(pair.clientFactory.login(Anonymous()))
            self.assertEqual(self.factory.told, ["made", "opened"])
        pair.disconnect()
        self.assertEqual(self.factory.told, ["made", "opened", "lost"])

    def test_never(self) -> None:
        """It isn't told of a connection that ends before."""
        pair = self.pair(portal())
        pair.flush()
        pair.disconnect()
        self.assertEqual(self.factory.told, ["made", "lost"])

    def test_default(self) -> None:
        """A factory has one that does nothing, and needs none."""
        self.assertIsNone(pb.PBServerFactory(Root()).brokerOpened(None))  # type: ignore[func-returns-value]


class ClosingTests(DeadlineCase):
    """
    What happens to a peer that has broken the rules.
    """

    def setUp(self) -> None:
        """An open connection."""
        self.opened = self.pair(Root())
        self.opened.flush()

    def test_readsInTime(self) -> None:
        """It gets what was written before, and hears that the connection is closed; no timer is left."""
        answer = self.opened.root.callRemote("echo", 5)
        self.opened.clientTransport.write(BROKEN)
        self.opened.flush()
        self.assertEqual(self.successResultOf(answer), 5)
        self.assertFalse(self.opened.connected)
        self.assertEqual(self.opened.clock.getDelayedCalls(), [])

    def test_doesNotRead(self) -> None:
        """If it doesn't read that, the connection is aborted after C{Limits.closingTime}."""
        pair = self.opened
        pair.server.dataReceived(encode([b"hello"], PB) + BROKEN)
        self.assertTrue(pair.serverTransport.written)
        pair.clock.advance(2.9)
        self.assertFalse(pair.serverTransport.aborting)
        pair.clock.advance(0.2)
        self.assertTrue(pair.serverTransport.aborting)

    def test_nothingCounts(self) -> None:
        """From then on nothing that it sends is handled, or kept."""
        pair = self.opened
        called = self.opened.server.localObjectForID("root").waiting
        call = encode([b"message", 1, b"root", b"later", 1, [b"tuple"], [b"dictionary"]], PB)
        pair.server.dataReceived(call + BROKEN + call)
        pair.server.dataReceived(call)
        pair.server.dataReceived(b"\x7f\x01\x82" + bytes(100))
        self.assertEqual(len(called), 1)
        self.assertIsNone(pair.server._backlog)

    def test_loggedOnce(self) -> None:
        """It is closed once, and logged once, however often there is a reason."""
        with capturedLogs() as events:
            for _ in range(3):
                self.opened.server.closeConnection("a reason")
        self.assertEqual(logged(events), ["a reason"])
        self.assertEqual(len(self.opened.clock.getDelayedCalls()), 1)

    def test_afterTheEnd(self) -> None:
        """When the connection is lost there is nothing to close."""
        self.opened.disconnect()
        with capturedLogs() as events:
            self.opened.server.closeConnection("a reason")
        self.assertEqual(logged(events), [])
        self.assertEqual(self.opened.clock.getDelayedCalls(), [])

    def test_client(self) -> None:
        """A client gets rid of its server in the same way."""
        self.opened.client.limits = LIMITS
        self.opened.client.dataReceived(BROKEN)
        self.assertTrue(self.opened.clientTransport.disconnecting)
        self.assertEqual([each.getTime() for each in self.opened.clock.getDelayedCalls()], [3.0])

    def test_handshake(self) -> None:
        """So does a handshake end that fails."""
        pair = self.pair(Root())
        with capturedLogs() as events:
            pair.server.dataReceived(b"\x05\x82other")
        self.assertIn("The handshake failed", logged(events)[0])
        self.assertTrue(pair.serverTransport.disconnecting)
        pair.clock.advance(3.1)
        self.assertTrue(pair.serverTransport.aborting)

    def test_loginTooLate(self) -> None:
        """A login that is done when the connection is closing opens nothing."""
        pair = self.pair(portal())
        pair.flush()
        pair.server.closeConnection("a reason")
        pair.server.endLogin()
        self.assertEqual(self.factory.told, ["made"])

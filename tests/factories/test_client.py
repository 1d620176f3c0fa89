"""
Tests for L{myspread._factories.client}, without a network.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectError, ConnectionLost, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._factories.client import GRACE
from myspread.limits import Limits
from myspread.testing import brokerPair
from tests.login.realms import RecordingRealm, pairFor, portalFor
from tests.peer.wire import Wire

REFUSED = Failure(ConnectionRefusedError())
LOST = Failure(ConnectionLost())


class Echo(pb.Root):
    """Returns what it gets."""

    def remote_echo(self, value: Any) -> Any:
        """Return C{value}."""
        return value


class Reconnecting(pb.PBClientFactory):
    """Would connect again."""

    def clientConnectionLost(self, connector: Any, reason: Any, reconnecting: Any = 0) -> None:
        """Wait for the next connection."""
        super().clientConnectionLost(connector, reason, reconnecting=True)


def connected(factory: Any) -> Wire:
    """A broker of a factory, after its handshake."""
    return Wire(broker=factory.buildProtocol(None))


class BrokerTests(TestCase):
    """
    Tests for L{pb.PBClientFactory.buildProtocol}.
    """

    def test_defaults(self) -> None:
        """By default a broker has the global policy and the default limits, and shows no tracebacks."""
        factory = pb.PBClientFactory()
        broker = factory.buildProtocol(None)
        self.assertIsInstance(broker, pb.Broker)
        self.assertTrue(broker.isClient)
        self.assertIs(broker.factory, factory)
        self.assertIs(broker.security, pb.globalSecurity)
        self.assertEqual(broker.limits, Limits())
        self.assertFalse(factory.unsafeTracebacks)

    def test_arguments(self) -> None:
        """C{unsafeTracebacks} and C{security} are positional, as in stock; C{limits} is a keyword."""
        policy, limits = pb.SecurityPolicy(), Limits(references=7)
        factory = pb.PBClientFactory(True, policy, limits=limits)
        broker = factory.buildProtocol(None)
        self.assertTrue(factory.unsafeTracebacks)
        self.assertIs(broker.security, policy)
        self.assertIs(broker.limits, limits)

    def test_protocol(self) -> None:
        """A subclass names the class of its brokers; old ones take no limits."""

        class Old(pb.Broker):
            def __init__(self, isClient: Any = 1, security: Any = None) -> None:
                super().__init__(isClient, security)

        class Factory(pb.PBClientFactory):
            protocol = Old

        self.assertIsInstance(Factory(limits=Limits()).buildProtocol(None), Old)


class RootTests(TestCase):
    """
    Tests for L{pb.PBClientFactory.getRootObject}.
    """

    def setUp(self) -> None:
        """A factory with a clock of its own."""
        self.clock = Clock()
        self.factory = pb.PBClientFactory(clock=self.clock)

    def test_before(self) -> None:
        """All who asked before the connection is made get the root when it is."""
        roots = [self.factory.getRootObject(), self.factory.getRootObject()]
        wire = connected(self.factory)
        for root in map(self.successResultOf, roots):
            self.assertEqual((root.luid, root.broker), (b"root", wire.broker))

    def test_after(self) -> None:
        """Who asks afterwards gets it at once."""
        connected(self.factory)
        first = self.successResultOf(self.factory.getRootObject())
        self.assertIs(self.successResultOf(self.factory.getRootObject()), first)

    def test_failed(self) -> None:
        """If no connection can be made, all who wait hear why."""
        roots = [self.factory.getRootObject(), self.factory.login(Anything())]
        self.factory.clientConnectionFailed(None, REFUSED)
        for root in roots:
            self.failureResultOf(root, ConnectionRefusedError)

    def test_lostBeforeTheHandshake(self) -> None:
        """If the connection is lost before the handshake is done, too, even if no connector says so."""
        root = self.factory.getRootObject()
        wire = Wire(broker=self.factory.buildProtocol(None), greet=False)
        self.assertNoResult(root)
        wire.lose(LOST)
        self.failureResultOf(root, ConnectionLost)

    def test_lostAfterwards(self) -> None:
        """After the loss one waits for the next connection."""
        wire = connected(self.factory)
        wire.lose(LOST)
        root = self.factory.getRootObject()
        self.assertNoResult(root)
        again = connected(self.factory)
        self.assertIs(self.successResultOf(root).broker, again.broker)

    def test_askedWhileLosing(self) -> None:
        """Who asks while the connection is being lost fails with it, and doesn't wait for ever."""
        roots: list[Any] = []
        wire = connected(self.factory)
        wire.broker.notifyOnDisconnect(lambda: roots.append(self.factory.getRootObject()))
        wire.lose(LOST)
        self.failureResultOf(roots[0], ConnectionLost)

    def test_oldBrokerIsLost(self) -> None:
        """The loss of an older connection is nothing to those who wait on a newer one."""
        old, new = connected(self.factory), connected(self.factory)
        old.lose(LOST)
        self.assertIs(self.successResultOf(self.factory.getRootObject()).broker, new.broker)

    def test_withConnector(self) -> None:
        """If there is a connector it is the one that says how it ends."""
        self.factory.startedConnecting(object())
        root = self.factory.getRootObject()
        Wire(broker=self.factory.buildProtocol(None), greet=False).lose(LOST)
        self.assertNoResult(root)
        self.factory.clientConnectionLost(None, LOST)
        self.failureResultOf(root, ConnectionLost)

    def test_reconnecting(self) -> None:
        """A subclass that connects again keeps everybody waiting, and then gives the new root."""
        factory = Reconnecting()
        factory.startedConnecting(object())
        wire = connected(factory)
        self.successResultOf(factory.getRootObject())
        wire.lose(LOST)
        root = factory.getRootObject()
        factory.clientConnectionLost(None, LOST)
        self.assertNoResult(root)
        again = connected(factory)
        self.assertIs(self.successResultOf(root).broker, again.broker)

    def test_asksAgainInErrback(self) -> None:
        """Who asks again because it failed waits for the next attempt."""
        again: list[Any] = []
        self.factory.getRootObject().addErrback(lambda why: again.append(self.factory.getRootObject()))
        self.factory.clientConnectionFailed(None, REFUSED)
        self.assertNoResult(again[0])
        self.factory.clientConnectionFailed(None, REFUSED)
        self.failureResultOf(again[0], ConnectionRefusedError)

    def test_cancel(self) -> None:
        """Who gives up waiting gets CancelledError; the others go on waiting."""
        given, kept = self.factory.getRootObject(), self.factory.getRootObject()
        given.cancel()
        self.failureResultOf(given, CancelledError)
        self.assertEqual(self.factory.rootObjectRequests, [kept])
        connected(self.factory)
        self.successResultOf(kept)

    def test_cancelEachOther(self) -> None:
        """Whoever hears first may make the others give up; everybody else still hears."""
        for event in ("made", "failed"):
            factory = pb.PBClientFactory()
            first, second, third = (factory.getRootObject() for _ in range(3))
            first.addBoth(lambda ignored, second=second: second.cancel())  # type: ignore[misc]
            if event == "made":
                connected(factory)
                self.successResultOf(third)
            else:
                factory.clientConnectionFailed(None, REFUSED)
                self.failureResultOf(third, ConnectionRefusedError)
            self.failureResultOf(second, CancelledError)

    def test_cancelLogin(self) -> None:
        """A login may be cancelled at any step; the answer that comes later has no effect."""
        pair = brokerPair(Echo(), clientFactory=self.factory)
        asked = self.factory.login(Anything())
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        pair.flush()
        self.assertTrue(self.flushLoggedErrors(pb.NoSuchMethod))

    def test_overriding(self) -> None:
        """Subclasses override clientConnectionMade, and call it."""
        made: list[Any] = []

        class Factory(pb.PBClientFactory):
            def clientConnectionMade(self, broker: Any) -> None:
                super().clientConnectionMade(broker)
                made.append(self._root)

        root = connected(Factory()).broker.remoteForName("root")
        self.assertEqual(made, [root])


class LoginTests(TestCase):
    """
    Tests for L{pb.PBClientFactory.login}.
    """

    def setUp(self) -> None:
        """A realm."""
        self.realm = RecordingRealm()
        self.pair = pairFor(self.realm)

    def test_password(self) -> None:
        """With user name and password, in bytes or text."""
        for password in (b"secret", "secret"):
            credentials = UsernamePassword(b"ann", password)
            user = self.pair.result(self.pair.clientFactory.login(credentials, "mind"))
            self.assertEqual(self.pair.result(user.callRemote("whoAmI")), b"ann")
        self.assertEqual([each[:2] for each in self.realm.requests], [(b"ann", "mind")] * 2)

    def test_anonymous(self) -> None:
        """Without them."""
        user = self.pair.result(self.pair.clientFactory.login(Anonymous(), "mind"))
        self.assertEqual(self.pair.result(user.callRemote("whoAmI")), ())

    def test_overridden(self) -> None:
        """Subclasses override the step that sends the user name."""

        class Factory(pb.PBClientFactory):
            def _cbSendUsername(self, root: Any, username: Any, password: Any, client: Any) -> Any:
                return super()._cbSendUsername(root, b"bob", b"other", client)

        pair = brokerPair(portalFor(self.realm), clientFactory=Factory())
        user = pair.result(pair.clientFactory.login(UsernamePassword(b"ann", b"wrong")))
        self.assertEqual(pair.result(user.callRemote("whoAmI")), b"bob")


class GraceTests(TestCase):
    """
    Endpoints don't tell a factory that they failed: it finds out.
    """

    def setUp(self) -> None:
        """A factory that is asked for its root."""
        self.clock = Clock()
        self.factory = pb.PBClientFactory(clock=self.clock)
        self.factory.noisy = False
        self.root = self.factory.getRootObject()

    def attempt(self) -> None:
        """Begin and end one attempt, as an endpoint does."""
        self.factory.doStart()
        self.factory.doStop()

    def test_fails(self) -> None:
        """Some time after the last attempt who waits hears that there is no connection."""
        self.attempt()
        self.clock.advance(GRACE - 0.01)
        self.assertNoResult(self.root)
        self.clock.advance(0.01)
        failure = self.failureResultOf(self.root, ConnectError)
        self.assertIn("no connection was made", str(failure.value))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nextAttempt(self) -> None:
        """An endpoint that tries another address before that starts anew."""
        for _ in range(3):
            self.attempt()
            self.clock.advance(GRACE / 2)
        self.assertNoResult(self.root)
        self.factory.doStart()
        self.clock.advance(GRACE * 10)
        self.assertNoResult(self.root)
        connected(self.factory)
        self.successResultOf(self.root)
        self.factory.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_severalAttempts(self) -> None:
        """As long as one attempt is under way nobody is told anything; one end is enough."""
        self.factory.doStart()
        self.factory.doStart()
        self.factory.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.factory.doStop()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.factory.doStop()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_cancelled(self) -> None:
        """When nobody waits any more nothing is left behind."""
        other = self.factory.getRootObject()
        self.attempt()
        for waiting in (other, self.root):
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
            waiting.cancel()
            self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_told(self) -> None:
        """If a failure is told meanwhile, nothing is left behind either."""
        self.attempt()
        self.factory.clientConnectionFailed(None, REFUSED)
        self.failureResultOf(self.root, ConnectionRefusedError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nobodyWaits(self) -> None:
        """Without anybody who waits there is nothing to do."""
        factory = pb.PBClientFactory(clock=self.clock)
        factory.noisy = False
        factory.doStart()
        factory.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_connectorFirst(self) -> None:
        """A factory that has served a connector can be used with an endpoint afterwards."""
        self.factory.doStart()
        self.factory.startedConnecting(object())
        self.factory.clientConnectionFailed(None, REFUSED)
        self.factory.doStop()
        self.failureResultOf(self.root, ConnectionRefusedError)
        root = self.factory.getRootObject()
        self.attempt()
        self.clock.advance(GRACE)
        self.failureResultOf(root, ConnectError)

    def test_connectorKeepsWaiting(self) -> None:
        """A connector that will connect again later keeps everybody waiting."""
        factory = Reconnecting(clock=self.clock)
        factory.noisy = False
        root = factory.getRootObject()
        factory.doStart()
        factory.startedConnecting(object())
        factory.clientConnectionLost(None, LOST)
        factory.doStop()
        self.clock.advance(GRACE * 10)
        self.assertNoResult(root)


class DisconnectTests(TestCase):
    """
    Tests for L{pb.PBClientFactory.disconnect}.
    """

    def test_without(self) -> None:
        """Without a connection there is nothing to do."""
        self.assertIsNone(pb.PBClientFactory().disconnect())  # type: ignore[func-returns-value]

    def test_with(self) -> None:
        """It closes the connection."""
        pair = brokerPair(Echo())
        pair.clientFactory.disconnect()
        pair.flush()
        self.assertFalse(pair.connected)
        self.assertTrue(pair.client.disconnected)
        self.assertTrue(pair.server.disconnected)


class Anything:
    """Credentials of some kind."""

    username = b"ann"
    password = b"secret"

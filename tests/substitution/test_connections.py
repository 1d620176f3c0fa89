"""
What applications do with brokers, references and factories.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from tests.substitution.both import OURS, STOCK, onBoth, pairOf, rootWith


class BrokerTests(SynchronousTestCase):
    """
    Brokers and references.
    """

    @onBoth
    def test_attributes(self, package: Any) -> None:
        """The names that applications read have the values that they expect."""
        lent = package.pb.Referenceable()
        pair = pairOf(package, rootWith(package, lend=lambda: lent))
        reference = pair.result(pair.root.callRemote("lend"))
        self.assertIs(reference.broker, pair.client)
        self.assertEqual((reference.luid, reference.perspective), (1, None))
        self.assertEqual((reference.doRefCount, reference.disconnectCallbacks), (1, []))
        self.assertEqual(reference.broker.transport.getPeer().port, 8787)
        server = pair.server
        self.assertEqual(list(server.localObjects), [b"root", 1])
        self.assertIs(server.localObjects[1].object, lent)
        self.assertEqual((server.localObjects[1].refcount, server.localObjects[1].perspective), (1, None))
        self.assertEqual(server.luids, {lent.processUniqueID(): 1})
        self.assertIs(server.localObjectForID("root"), server.localObjectForID(b"root"))
        self.assertIs(server.factory, pair.serverFactory)
        self.assertEqual((server.disconnected, server.version, server.username), (0, 6, None))
        self.assertEqual((pair.client.isClient, server.isClient), (True, False))
        self.assertEqual((server.currentLocalID, pair.client.currentRequestID), (1, 1))
        self.assertEqual((server.remotelyCachedObjects, server.locallyCachedObjects), ({}, {}))
        self.assertEqual((server.connects, server.failures, server.disconnects), (None, [], []))
        self.assertEqual((server.prefixLimit, server.sizeLimit), (64, 640 * 1024))
        self.assertEqual(server.currentDialect, b"pb")

    @onBoth
    def test_tablesAfterTheEnd(self, package: Any) -> None:
        """The tables of a broker whose connection is lost are None."""
        pair = pairOf(package)
        pair.disconnect()
        for name in ("localObjects", "luids", "waitingForAnswers", "locallyCachedObjects"):
            self.assertIsNone(getattr(pair.server, name), name)
        self.assertEqual(pair.server.disconnected, 1)

    @onBoth
    def test_ownAttributes(self, package: Any) -> None:
        """Applications put attributes of their own on brokers, references, methods and factories."""
        pair = pairOf(package, rootWith(package, lend=package.pb.Referenceable))
        reference = pair.result(pair.root.callRemote("lend"))
        for target in (pair.client, reference, reference.remoteMethod("x"), pair.clientFactory):
            target.note = "mine"
            self.assertEqual(target.note, "mine")
        reference.perspective = pair.client.username = "somebody"
        self.assertEqual((reference.perspective, pair.client.username), ("somebody",) * 2)
        pair.client.prefixLimit = 70
        pair.client.sizeLimit = 1000
        self.assertEqual((pair.client.prefixLimit, pair.client.sizeLimit), (70, 1000))

    @onBoth
    def test_notifyOnDisconnect(self, package: Any) -> None:
        """A broker calls without argument, a reference with itself; both can be told not to."""
        pair = pairOf(package, rootWith(package, lend=package.pb.Referenceable))
        reference = pair.result(pair.root.callRemote("lend"))
        told: list[Any] = []

        def never(*args: Any) -> None:
            told.append("never")

        pair.client.notifyOnDisconnect(lambda: told.append("broker"))
        pair.client.notifyOnDisconnect(never)
        pair.client.dontNotifyOnDisconnect(never)
        reference.notifyOnDisconnect(told.append)
        reference.notifyOnDisconnect(never)
        reference.dontNotifyOnDisconnect(never)
        pair.disconnect()
        self.assertEqual(told, ["broker", reference])

    @onBoth
    def test_loseConnection(self, package: Any) -> None:
        """Closing the transport of a reference's broker closes the connection, on both sides."""
        pair = pairOf(package, rootWith(package))
        told: list[str] = []
        pair.server.notifyOnDisconnect(lambda: told.append("lost"))
        pair.root.broker.transport.loseConnection()
        pair.flush()
        self.assertEqual(told, ["lost"])
        self.assertRaises(package.pb.DeadReferenceError, pair.client.remoteForName("root").callRemote, "x")

    @onBoth
    def test_remoteMethod(self, package: Any) -> None:
        """A method of a reference is a callable that compares, and is sent as its name."""
        pair = pairOf(package, rootWith(package, add=lambda one, other: one + other))
        root = pair.root
        method = root.remoteMethod("add")
        self.assertEqual(pair.result(method(1, other=2)), 3)
        self.assertEqual((method.obj, method.name), (root, "add"))
        self.assertTrue(method == root.remoteMethod("add"))
        self.assertTrue(method != root.remoteMethod("subtract"))

    @onBoth
    def test_references(self, package: Any) -> None:
        """Two references to one object are equal, and have one hash."""
        lent = package.pb.Referenceable()
        pair = pairOf(package, rootWith(package, lend=lambda: [lent, package.pb.Referenceable()]))
        one, other = pair.result(pair.root.callRemote("lend"))
        again, another = pair.result(pair.root.callRemote("lend"))
        self.assertTrue(one == again)
        self.assertTrue(one != other)
        self.assertEqual(len({one, again, other, another}), 3)
        self.assertEqual({one: "found"}[again], "found")

    @onBoth
    def test_observers(self, package: Any) -> None:
        """Observers of one copy are equal and have one hash; others aren't equal."""

        class Duck(package.pb.Cacheable):  # type: ignore[misc]
            pass

        make = package.flavors.RemoteCacheObserver
        pair = pairOf(package)
        duck = Duck()
        one, same = make(pair.server, duck, None), make(pair.server, duck, None)
        self.assertTrue(one == same)
        self.assertEqual(hash(one), hash(same))
        self.assertEqual({one: "found"}[same], "found")
        watching = [one]
        watching.remove(same)
        self.assertEqual(watching, [])
        self.assertEqual((one.broker, one.cached, one.perspective), (pair.server, duck, None))
        for other in (make(pair.client, duck, None), make(pair.server, Duck(), None)):
            # Those of twisted.spread have the same hash now and then, and can't be compared then.
            if hash(one) != hash(other) or package is OURS:
                self.assertFalse(one == other if hash(one) == hash(other) else one is other)

    @onBoth
    def test_ownBroker(self, package: Any) -> None:
        """Factories make brokers with their protocol, which may be a subclass that overrides hooks."""
        seen: list[Any] = []

        class Mine(package.pb.Broker):  # type: ignore[misc]
            def __init__(self, isClient: Any = 1, security: Any = package.pb.globalSecurity) -> None:
                package.pb.Broker.__init__(self, isClient, security)
                self.name = "mine"

            def connectionReady(self) -> None:
                package.pb.Broker.connectionReady(self)
                seen.append("ready")

            def connectionLost(self, reason: Any) -> None:
                package.pb.Broker.connectionLost(self, reason)
                seen.append("lost")

            def proto_message(self, *fields: Any) -> None:
                seen.append(fields[2])
                package.pb.Broker.proto_message(self, *fields)

            def proto_own(self, value: Any) -> None:
                seen.append(value)

        factory = package.pb.PBServerFactory(rootWith(package, hello=lambda: "hello"))
        factory.protocol = Mine
        pair = pairOf(package, server=factory)
        self.assertEqual(pair.server.name, "mine")
        pair.result(pair.root.callRemote("hello"))
        pair.client.sendCall(b"own", b"a message of its own")
        pair.flush()
        pair.disconnect()
        self.assertEqual(seen, ["ready", b"hello", b"a message of its own", "lost"])

    @onBoth
    def test_makingBrokers(self, package: Any) -> None:
        """Brokers are made as tests of applications make them, without a factory's help."""
        for broker, isClient in (
            (package.pb.Broker(0), 0),
            (package.pb.Broker(isClient=1, security=package.pb.globalSecurity), 1),
            (package.pb.PBClientFactory().protocol(isClient=True, security=package.pb.globalSecurity), True),
        ):
            self.assertEqual(broker.isClient, isClient)
            self.assertIs(broker.security, package.pb.globalSecurity)


@implementer(IRealm)
class Realm:
    """Notes who has left."""

    def __init__(self, package: Any) -> None:
        self.package = package
        self.left: list[Any] = []

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """An avatar that has no methods."""
        return self.package.pb.IPerspective, self.package.pb.Avatar(), lambda: self.left.append(avatarId)


class FactoryTests(SynchronousTestCase):
    """
    Subclasses of factories.
    """

    @onBoth
    def test_clientConnectionMade(self, package: Any) -> None:
        """A client factory may override it and call it, and then finds the root."""

        class Mine(package.pb.PBClientFactory):  # type: ignore[misc]
            broker: Any = None

            def clientConnectionMade(self, broker: Any) -> None:
                package.pb.PBClientFactory.clientConnectionMade(self, broker)
                self.broker = broker
                self.calling = self._root.callRemote("hello")

        pair = pairOf(package, rootWith(package, hello=lambda: "hello"), client=Mine())
        self.assertIs(pair.clientFactory.broker, pair.client)
        self.assertEqual(pair.result(pair.clientFactory.calling), "hello")
        self.assertEqual(self.successResultOf(pair.clientFactory.getRootObject()), pair.root)

    @onBoth
    def test_serversClientConnectionMade(self, package: Any) -> None:
        """A server factory may override it too."""
        connected: list[Any] = []

        class Mine(package.pb.PBServerFactory):  # type: ignore[misc]
            def clientConnectionMade(self, protocol: Any) -> None:
                connected.append(protocol)

        pair = pairOf(package, server=Mine(rootWith(package)))
        self.assertEqual(connected, [pair.server])

    @onBoth
    def test_buildProtocol(self, package: Any) -> None:
        """A server factory may override it, and change the broker that it gets."""

        class Mine(package.pb.PBServerFactory):  # type: ignore[misc]
            def buildProtocol(self, addr: Any) -> Any:
                broker = package.pb.PBServerFactory.buildProtocol(self, addr)
                broker.setNameForLocal("second", rootWith(package, hello=lambda: "the second"))
                return broker

        pair = pairOf(package, server=Mine(rootWith(package)))
        self.assertEqual(pair.result(pair.client.remoteForName("second").callRemote("hello")), "the second")

    @onBoth
    def test_positionalArguments(self, package: Any) -> None:
        """The second argument of a server factory is unsafeTracebacks, the third the policy."""
        security = package.jelly.SecurityOptions()
        factory = package.pb.PBServerFactory(rootWith(package), True, security)
        self.assertEqual((factory.unsafeTracebacks, factory.security), (True, security))
        client = package.pb.PBClientFactory(True, security)
        self.assertEqual((client.unsafeTracebacks, client.security), (True, security))

    @onBoth
    def test_reconnecting(self, package: Any) -> None:
        """A factory that connects again says so: whoever waits for a root goes on waiting."""

        class Mine(package.pb.PBClientFactory):  # type: ignore[misc]
            def clientConnectionLost(self, connector: Any, reason: Any, reconnecting: Any = 1) -> None:
                package.pb.PBClientFactory.clientConnectionLost(
                    self, connector, reason, reconnecting=reconnecting
                )

        factory = Mine()
        waiting = factory.getRootObject()
        factory.clientConnectionLost(None, Failure(ConnectionDone()))
        self.assertNoResult(waiting)
        pair = pairOf(package, client=factory)
        self.assertIs(self.successResultOf(waiting).broker, pair.client)
        factory.clientConnectionLost(None, Failure(ConnectionDone()))
        self.assertIsNone(factory._root)
        last = factory.getRootObject()
        factory.clientConnectionLost(None, Failure(ConnectionDone()), reconnecting=0)
        self.failureResultOf(last, ConnectionDone)

    @onBoth
    def test_stopFactory(self, package: Any) -> None:
        """A factory may override it, and call it."""
        stopped: list[Any] = []

        class Mine(package.pb.PBClientFactory):  # type: ignore[misc]
            def stopFactory(self) -> None:
                stopped.append(self)
                package.pb.PBClientFactory.stopFactory(self)

        factory = Mine()
        factory.noisy = False
        factory.doStart()
        factory.doStop()
        self.assertEqual(stopped, [factory])

    @onBoth
    def test_loginHook(self, package: Any) -> None:
        """A factory may override _cbSendUsername, or call it with a root of its own choice."""

        class Mine(package.pb.PBClientFactory):  # type: ignore[misc]
            def _cbSendUsername(self, root: Any, username: Any, password: Any, client: Any) -> Any:
                return package.pb.PBClientFactory._cbSendUsername(
                    self, root, username.lower(), password, client
                )

        realm = Realm(package)
        checker = InMemoryUsernamePasswordDatabaseDontUse(mia=b"secret")  # type: ignore[no-untyped-call]
        pair = pairOf(package, server=package.pb.PBServerFactory(Portal(realm, [checker])), client=Mine())
        avatar = pair.result(pair.clientFactory.login(UsernamePassword(b"MIA", b"secret")))
        other = pair.result(pair.clientFactory._cbSendUsername(pair.root, b"Mia", b"secret", None))
        self.assertIs(avatar.broker, pair.client)
        self.assertNotEqual(avatar.luid, other.luid)
        del avatar
        gc.collect()
        pair.flush()
        self.assertEqual(realm.left, [b"mia"])
        pair.disconnect()
        self.assertEqual(realm.left, [b"mia"] * 2)


    @onBoth
    def test_loginOfItsOwn(self, package: Any) -> None:
        """A program may inherit from what makes up the login, and give a server factory its own root."""
        pb = package.pb

        class Challenger(pb._PortalAuthChallenger):  # type: ignore[misc]
            def checkPassword(self, password: bytes) -> bool:
                return bool(pb._PortalAuthChallenger.checkPassword(self, password[::-1]))

        class Wrapper(pb._PortalWrapper):  # type: ignore[misc]
            def remote_login(self, username: bytes) -> Any:
                given = pb.challenge()
                return given, Challenger(self.portal, self.broker, username, given)

        class PortalRoot(pb._PortalRoot):  # type: ignore[misc]
            def rootObject(self, broker: Any) -> Any:
                return Wrapper(self.portal, broker)

        class Helping(pb._JellyableAvatarMixin):  # type: ignore[misc]
            def __init__(self, broker: Any) -> None:
                self.broker = broker

        realm = Realm(package)
        checker = InMemoryUsernamePasswordDatabaseDontUse(mia=b"terces")  # type: ignore[no-untyped-call]
        server = pb.PBServerFactory(PortalRoot(Portal(realm, [checker])))
        pair = pairOf(package, server=server)
        avatar = pair.result(pair.clientFactory.login(UsernamePassword(b"mia", b"secret")))
        self.assertIs(avatar.broker, pair.client)
        Helping(pair.server)._cbLogin((pb.IPerspective, pb.Avatar(), lambda: realm.left.append("helped")))
        pair.disconnect()
        self.assertEqual(realm.left, [b"mia", "helped"])


class TransportTests(TestCase):
    """
    The transport of a real connection.
    """

    timeout = 30

    async def converse(self, package: Any) -> None:
        factory = package.pb.PBClientFactory()
        serving = package.pb.PBServerFactory(rootWith(package))
        port = reactor.listenTCP(0, serving, interface="127.0.0.1")  # type: ignore[attr-defined]
        reactor.connectTCP("127.0.0.1", port.getHost().port, factory)  # type: ignore[attr-defined]
        root = await factory.getRootObject()
        lost: Deferred[Any] = Deferred()
        root.notifyOnDisconnect(lost.callback)
        root.broker.transport.setTcpKeepAlive(1)
        self.assertEqual(root.broker.transport.getTcpKeepAlive(), 1)
        self.assertEqual(root.broker.transport.getPeer(), port.getHost())
        factory.disconnect()
        self.assertIs(await lost, root)
        await port.stopListening()

    async def test_transport(self) -> None:
        """Its methods can be called through a reference, on both packages."""
        for package in (STOCK, OURS):
            await ensureDeferred(self.converse(package))

"""
Tests for logout: once, whatever happens in which order.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from myspread import pb
from myspread.interfaces import IJellyable
from myspread.limits import Limits
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import RecordingRealm, User, pairFor, portalFor

ANN = UsernamePassword(b"ann", b"secret")


class Lent(pb.Referenceable):
    """An avatar that is a flavor."""

    def remote_itself(self) -> Any:
        """Lend it once more."""
        return self


def settle(pair: BrokerPair) -> None:
    """Let what is forgotten be given back."""
    gc.collect()
    pair.flush()


class LogoutTests(TestCase):
    """
    One avatar on one connection.
    """

    def setUp(self) -> None:
        """A pair."""
        self.realm = RecordingRealm()
        self.pair = pairFor(self.realm)

    def login(self, credentials: Any = ANN) -> Any:
        """The avatar."""
        return self.pair.result(self.pair.clientFactory.login(credentials))

    def test_forgotten(self) -> None:
        """Forgetting the avatar logs out; the loss of the connection then adds nothing."""
        user = self.login()
        settle(self.pair)
        self.assertEqual(self.realm.logouts, [])
        del user
        settle(self.pair)
        self.assertEqual(self.realm.logouts, [b"ann"])
        self.assertEqual(self.pair.server.disconnects, [])
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_disconnected(self) -> None:
        """So does the loss of the connection; forgetting the avatar then adds nothing."""
        user = self.login()
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])
        del user
        gc.collect()
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_anonymous(self) -> None:
        """Anonymous users log out in the same way."""
        user = self.login(Anonymous())
        del user
        settle(self.pair)
        self.assertEqual(self.realm.logouts, [()])

    def test_unregistered(self) -> None:
        """An avatar that the server takes back is logged out."""
        user = self.login()
        self.pair.server.unregisterReference(user.luid)
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_copiedAvatar(self) -> None:
        """An avatar that travels as something else than a reference is logged out with the connection."""

        @implementer(IJellyable)
        class Card:
            def jellyFor(self, jellier: Any) -> Any:
                return jellier.jelly("the card")

        self.realm.make = lambda avatarId: Card()
        self.assertEqual(self.login(), "the card")
        self.assertEqual(self.realm.logouts, [])
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_unanswered(self) -> None:
        """
        An avatar that nobody gets, because no answer was wanted, is logged out
        with the connection, and not when something else is given back.
        """
        self.pair.root.callRemote("loginAnonymous", None, pbanswer=False)
        self.pair.flush()
        for _ in range(50):
            self.pair.server.proto_decref(self.pair.server.registerReference(Lent()))
        self.assertEqual(self.realm.logouts, [])
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [()])

    def test_sharedAvatar(self) -> None:
        """However often one connection gets the same avatar: each login is logged out."""
        shared = Lent()
        self.realm.make = lambda avatarId: shared
        self.pair.server.limits = Limits(references=3000)
        users = [self.login() for _ in range(1500)]
        settle(self.pair)
        self.assertEqual(self.realm.logouts, [])
        users.clear()
        settle(self.pair)
        self.assertEqual(self.realm.logouts, [b"ann"] * 1500)
        self.assertEqual(self.pair.server.disconnects, [])

    def test_atMost(self) -> None:
        """No more logins last than references may be lent, though nothing is lent for them."""
        self.pair.server.limits = Limits(references=10)
        for _ in range(15):
            self.pair.root.callRemote("loginAnonymous", None, pbanswer=False)
        self.pair.flush()
        self.assertEqual((len(self.realm.requests), len(self.realm.logouts)), (15, 4))
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [()] * 15)

    def test_coroutines(self) -> None:
        """A realm may be C{async}, and so may what makes the avatar."""

        async def later(result: Any) -> Any:
            return result

        async def both(result: Any) -> Any:
            interface, avatar, logout = result
            return interface, later(avatar), logout

        self.realm.answer = both
        user = self.login()
        self.assertEqual(self.pair.result(user.callRemote("whoAmI")), b"ann")
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_unregisteredAfterwards(self) -> None:
        """An avatar that is taken back while the connection is being lost isn't logged out twice."""
        user = self.login()
        server = self.pair.server
        server.notifyOnDisconnect(lambda: server.unregisterReference(user.luid))
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_lostBeforeTheAnswerArrives(self) -> None:
        """If the connection is lost while the answer is on its way, the user is logged out."""
        answer = self.pair.clientFactory.login(ANN)
        while not self.realm.requests:
            self.assertTrue(self.pair.deliver(5))
        self.pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])
        self.failureResultOf(answer, pb.PBConnectionLost)

    def test_lateRealm(self) -> None:
        """A realm that answers after the connection is lost gets its logout, too."""
        for late in ("tuple", "avatar"):
            waiting: Deferred[Any] = Deferred()
            if late == "tuple":
                realm = RecordingRealm(
                    answer=lambda result, waiting=waiting: waiting.addCallback(  # type: ignore[misc]
                        lambda ignored: result
                    )
                )
            else:
                realm = RecordingRealm(make=lambda avatarId, waiting=waiting: waiting)  # type: ignore[misc]
            pair = pairFor(realm)
            answer = pair.clientFactory.login(ANN)
            pair.flush()
            pair.disconnect()
            self.failureResultOf(answer, pb.PBConnectionLost)
            self.assertEqual(realm.logouts, [])
            waiting.callback(User(b"ann"))
            self.assertEqual(realm.logouts, [b"ann"])

    def test_failingLogout(self) -> None:
        """A logout that fails, at once or later, is logged; the connection goes on."""

        def failsAtOnce() -> None:
            raise ZeroDivisionError("logout")

        for logout in (failsAtOnce, lambda: fail(ZeroDivisionError("logout"))):

            class Clumsy(pb.Realm):
                def requestAvatar(
                    self, avatarId: Any, mind: Any, *interfaces: Any, logout: Any = logout
                ) -> Any:
                    return pb.IPerspective, User(avatarId), logout

            pair = brokerPair(portalFor(Clumsy()))
            user = pair.result(pair.clientFactory.login(ANN))
            del user
            settle(pair)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            self.assertTrue(pair.result(pair.clientFactory.login(ANN)))
            pair.disconnect()
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_laterLogout(self) -> None:
        """A logout may return a Deferred."""

        class Slow(pb.Realm):
            def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
                return pb.IPerspective, User(avatarId), lambda: succeed(None)

        pair = brokerPair(portalFor(Slow()))
        pair.result(pair.clientFactory.login(ANN))
        pair.disconnect()


class SharedTests(TestCase):
    """
    One avatar for several logins.
    """

    def test_twiceOnOneConnection(self) -> None:
        """Two logins of one connection that share an avatar are two logouts."""
        shared = User(b"ann")
        realm = RecordingRealm(make=lambda avatarId: shared)
        pair = pairFor(realm)
        first = pair.result(pair.clientFactory.login(ANN))
        second = pair.result(pair.clientFactory.login(UsernamePassword(b"bob", b"other")))
        del first
        settle(pair)
        self.assertEqual(realm.logouts, [b"ann"])
        self.assertEqual(pair.result(second.callRemote("whoAmI")), b"ann")
        pair.disconnect()
        self.assertEqual(realm.logouts, [b"ann", b"bob"])

    def test_sharedFlavor(self) -> None:
        """
        If the avatar is a flavor, the peer has one and the same reference:
        both are logged out when it is given back for the last time.
        """
        shared = Lent()
        realm = RecordingRealm(make=lambda avatarId: shared)
        for forget in (True, False):
            realm.logouts.clear()
            pair = pairFor(realm)
            first = pair.result(pair.clientFactory.login(ANN))
            second = pair.result(pair.clientFactory.login(UsernamePassword(b"bob", b"other")))
            self.assertEqual(first, second)
            del first
            settle(pair)
            self.assertEqual(realm.logouts, [])
            if forget:
                del second
                settle(pair)
            else:
                pair.disconnect()
            self.assertEqual(sorted(realm.logouts), [b"ann", b"bob"])
            pair.disconnect()
            self.assertEqual(len(realm.logouts), 2)

    def test_severalConnections(self) -> None:
        """Several connections that share an avatar log out one by one."""
        for shared in (User(b"ann"), Lent()):
            realm = RecordingRealm(make=lambda avatarId, shared=shared: shared)  # type: ignore[misc]
            first, second = pairFor(realm), pairFor(realm)
            users = [pair.result(pair.clientFactory.login(ANN)) for pair in (first, second)]
            first.disconnect()
            self.assertEqual(realm.logouts, [b"ann"])
            users.clear()
            settle(second)
            self.assertEqual(realm.logouts, [b"ann"] * 2)

    def test_lentOnce(self) -> None:
        """An avatar that is also returned by a method is logged out when all references are gone."""
        realm = RecordingRealm(make=lambda avatarId: Lent())
        pair = pairFor(realm)
        user = pair.result(pair.clientFactory.login(ANN))
        again = pair.result(user.callRemote("itself"))
        del user
        settle(pair)
        self.assertEqual(realm.logouts, [])
        del again
        settle(pair)
        self.assertEqual(realm.logouts, [b"ann"])

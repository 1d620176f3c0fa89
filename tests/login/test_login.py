"""
Tests for login: L{myspread._login.server} and the client's side of it.
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import Anonymous, IUsernameHashedPassword, UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin, UnhandledCredentials
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, fail, succeed
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from myspread import pb
from myspread._login.server import PortalAuthChallenger, PortalRoot, PortalWrapper
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import RecordingRealm, User, pairFor, portalFor

ANN = UsernamePassword(b"ann", b"secret")


@implementer(ICredentialsChecker)
class Md5Checker:
    """Knows only the MD5 digests of passwords."""

    credentialInterfaces = (pb.IUsernameMD5Password,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """Ann has the digest of C{secret}."""
        if credentials.checkMD5Password(md5(b"secret").digest()):
            return succeed(credentials.username)
        return fail(UnauthorizedLogin("wrong digest"))


@implementer(ICredentialsChecker)
class TextChecker:
    """Knows passwords as text."""

    credentialInterfaces = (IUsernameHashedPassword,)

    def requestAvatarId(self, credentials: Any) -> Any:
        """The password is C{s\xe4cret}, in text."""
        if credentials.checkPassword("s\xe4cret"):
            return credentials.username
        raise UnauthorizedLogin("wrong text")


def login(pair: BrokerPair, credentials: Any = ANN, mind: Any = None) -> Any:
    """The avatar."""
    return pair.result(pair.clientFactory.login(credentials, mind))


class PasswordTests(TestCase):
    """
    Login with user name and password.
    """

    def test_right(self) -> None:
        """The right password leads to the avatar that the realm has for the user."""
        realm = RecordingRealm()
        pair = pairFor(realm)
        user = login(pair)
        self.assertEqual(pair.result(user.callRemote("whoAmI")), b"ann")
        self.assertEqual(realm.requests, [(b"ann", None, (pb.IPerspective,))])
        self.assertEqual(realm.logouts, [])

    def test_wrong(self) -> None:
        """A wrong password and an unknown user are refused alike."""
        texts = set()
        for name, password in ((b"ann", b"wrong"), (b"nobody", b"secret"), (b"", b""), (b"ann", b"")):
            realm = RecordingRealm()
            pair = pairFor(realm)
            with self.assertRaises(UnauthorizedLogin) as caught:
                login(pair, UsernamePassword(name, password))
            texts.add(str(caught.exception))
            self.assertEqual(realm.requests, [])
        self.assertEqual(len(texts), 1)
        self.assertEqual(len(self.flushLoggedErrors(UnauthorizedLogin)), 4)

    def test_trap(self) -> None:
        """A refused login can be trapped by the name of its class, too."""
        pair = pairFor(RecordingRealm())
        refused = pair.clientFactory.login(UsernamePassword(b"ann", b"wrong"))
        pair.flush()
        failure = self.failureResultOf(refused)
        self.assertEqual(failure.check(LoginFailed, UnauthorizedLogin), LoginFailed)
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_again(self) -> None:
        """After a refusal the same connection can be used to log in."""
        pair = pairFor(RecordingRealm())
        with self.assertRaises(UnauthorizedLogin):
            login(pair, UsernamePassword(b"ann", b"wrong"))
        self.flushLoggedErrors(UnauthorizedLogin)
        self.assertEqual(pair.result(login(pair).callRemote("whoAmI")), b"ann")

    def test_md5Checker(self) -> None:
        """A checker that knows only digests will do."""
        pair = pairFor(RecordingRealm(), Md5Checker())
        self.assertEqual(pair.result(login(pair).callRemote("whoAmI")), b"ann")
        with self.assertRaises(UnauthorizedLogin):
            login(pair, UsernamePassword(b"ann", b"wrong"))
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_text(self) -> None:
        """Passwords may be text on either side, for their UTF-8."""
        pair = pairFor(RecordingRealm(), TextChecker())
        for password in ("s\xe4cret", "s\xe4cret".encode()):
            user = login(pair, UsernamePassword(b"ann", password))
            self.assertEqual(pair.result(user.callRemote("whoAmI")), b"ann")

    def test_unhandled(self) -> None:
        """A portal that has no checker for passwords refuses them."""
        pair = brokerPair(Portal(RecordingRealm()))
        with self.assertRaises(UnhandledCredentials):
            login(pair)
        self.flushLoggedErrors(UnhandledCredentials)

    def test_mind(self) -> None:
        """The realm gets what the client gives along: a reference that it can call."""

        class Mind(pb.Referenceable):
            def remote_think(self) -> str:
                return "thought"

        realm = RecordingRealm()
        pair = pairFor(realm)
        mind = Mind()
        user = login(pair, mind=mind)
        reference = realm.requests[0][1]
        self.assertEqual(pair.result(reference.callRemote("think")), "thought")
        self.assertIs(pair.result(user.callRemote("mind")), mind)


class AnonymousTests(TestCase):
    """
    Login without credentials.
    """

    def test_allowed(self) -> None:
        """Whoever the checker says that they are."""
        realm = RecordingRealm()
        pair = pairFor(realm)
        self.assertEqual(pair.result(login(pair, Anonymous(), 5).callRemote("whoAmI")), ())
        self.assertEqual(realm.requests, [((), 5, (pb.IPerspective,))])

    def test_refused(self) -> None:
        """A portal without a checker for it refuses."""
        pair = pairFor(RecordingRealm(), Md5Checker())
        with self.assertRaises(UnhandledCredentials):
            login(pair, Anonymous())
        self.flushLoggedErrors(UnhandledCredentials)


class ChallengerTests(TestCase):
    """
    What a client could do beside the usual steps.
    """

    def setUp(self) -> None:
        """A client that has been given a challenge."""
        self.realm = RecordingRealm()
        self.pair = pairFor(self.realm)
        self.challenge, self.challenger = self.pair.result(self.pair.root.callRemote("login", b"ann"))

    def respond(self, response: Any) -> Any:
        """What comes of a response."""
        return self.pair.result(self.challenger.callRemote("respond", response, None))

    def test_once(self) -> None:
        """A challenge takes one response only, even after the right one."""
        right = pb.respond(self.challenge, b"secret")
        self.respond(right)
        with self.assertRaises(UnauthorizedLogin):
            self.respond(right)
        self.assertEqual(len(self.realm.requests), 1)
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_noSecondGuess(self) -> None:
        """After a wrong response the right one comes too late."""
        for response in (b"wrong", pb.respond(self.challenge, b"secret")):
            with self.assertRaises(UnauthorizedLogin):
                self.respond(response)
        self.assertEqual(self.realm.requests, [])
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_garbage(self) -> None:
        """A response that is no byte string is a wrong one."""
        for response in (None, 5, "text", [b"x"]):
            self.challenge, self.challenger = self.pair.result(self.pair.root.callRemote("login", b"ann"))
            with self.assertRaises(UnauthorizedLogin):
                self.respond(response)
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_strangeNames(self) -> None:
        """What can't be a user name is refused at once, and no checker sees it."""
        seen: list[Any] = []

        @implementer(ICredentialsChecker)
        class Curious:
            credentialInterfaces = (IUsernameHashedPassword,)

            def requestAvatarId(self, credentials: Any) -> Any:
                seen.append(credentials.username)
                raise UnauthorizedLogin("nobody is known")

        self.pair = pairFor(self.realm, Curious())
        for name in (5, 1.5, [b"ann"], {"a": 1}, None, (b"ann",), b"a" * 4097, "a" * 4097):
            with self.subTest(name):
                refused = self.pair.root.callRemote("login", name)
                self.pair.flush()
                failure = self.failureResultOf(refused)
                self.assertEqual(failure.type, b"twisted.cred.error.UnauthorizedLogin")
                self.assertEqual(failure.value, "a user name is bytes or text, 4096 at most")
        self.pair = pairFor(self.realm, Curious())
        for name in ("text", b"", b"\xff", b"a" * 4096):
            self.challenge, self.challenger = self.pair.result(self.pair.root.callRemote("login", name))
            with self.assertRaises(UnauthorizedLogin):
                self.respond(b"")
        self.assertEqual(seen, ["text", b"", b"\xff", b"a" * 4096])
        self.assertEqual(self.realm.requests, [])
        self.flushLoggedErrors(UnauthorizedLogin)

    def test_freshChallenges(self) -> None:
        """Each login has a challenge of its own."""
        again, _ = self.pair.result(self.pair.root.callRemote("login", b"ann"))
        self.assertNotEqual(again, self.challenge)

    def test_interfaces(self) -> None:
        """A challenger is what checkers take: both interfaces of hashed passwords."""
        challenger = PortalAuthChallenger(None, self.pair.server, b"ann", b"c")
        verifyObject(IUsernameHashedPassword, challenger)
        verifyObject(pb.IUsernameMD5Password, challenger)
        self.assertFalse(challenger.checkPassword(b"secret"))
        challenger.response = pb.respond(b"c", b"secret")
        self.assertTrue(challenger.checkPassword(b"secret"))
        self.assertTrue(challenger.checkPassword("secret"))


class AvatarTests(TestCase):
    """
    What a realm may return.
    """

    def result(self, realm: RecordingRealm) -> Any:
        """What C{whoAmI} of the avatar returns."""
        pair = pairFor(realm)
        return pair.result(login(pair).callRemote("whoAmI"))

    def test_deferredTuple(self) -> None:
        """The whole answer may be a Deferred."""
        self.assertEqual(self.result(RecordingRealm(answer=succeed)), b"ann")

    def test_deferredAvatar(self) -> None:
        """So may be the avatar within the tuple."""
        self.assertEqual(self.result(RecordingRealm(make=lambda avatarId: succeed(User(avatarId)))), b"ann")

    def test_failing(self) -> None:
        """A realm that fails, at once or later, fails the login; nobody is logged out."""

        def refuse(result: Any) -> Any:
            raise pb.Error("not today")

        def broken(avatarId: Any) -> Any:
            return fail(pb.Error("not today"))

        for realm in (
            RecordingRealm(answer=refuse),
            RecordingRealm(answer=lambda result: fail(pb.Error("not today"))),
            RecordingRealm(make=broken),
        ):
            with self.assertRaises(pb.Error):
                self.result(realm)
            self.assertEqual(realm.logouts, [])

    def test_jellyable(self) -> None:
        """An avatar that is a flavor itself travels as that."""

        class Direct(pb.Referenceable):
            def remote_whoAmI(self) -> str:
                return "direct"

        self.assertEqual(self.result(RecordingRealm(make=lambda avatarId: Direct())), "direct")

    def test_stockAvatar(self) -> None:
        """An avatar of stock's will do."""

        class StockUser(stock.Avatar):
            def perspective_whoAmI(self) -> str:
                return "stock"

        self.assertEqual(self.result(RecordingRealm(make=lambda avatarId: StockUser())), "stock")

    def test_missingMethod(self) -> None:
        """A C{perspective_} method that doesn't exist is an AttributeError."""
        pair = pairFor(RecordingRealm())
        with self.assertRaises(AttributeError):
            pair.result(login(pair).callRemote("nothing"))
        self.flushLoggedErrors(AttributeError)

    def test_noAvatar(self) -> None:
        """What is no avatar fails the login."""
        with self.assertRaises(AttributeError):
            self.result(RecordingRealm(make=lambda avatarId: object()))
        self.flushLoggedErrors(AttributeError)


class RealmTests(TestCase):
    """
    Tests for L{pb.Realm}.
    """

    def test_default(self) -> None:
        """It gives everybody an Avatar with their id, whose logout is called."""
        interface, avatar, logout = pb.Realm().requestAvatar(b"ann", None, pb.IPerspective)
        self.assertIs(interface, pb.IPerspective)
        self.assertIsInstance(avatar, pb.Avatar)
        self.assertEqual((avatar.avatarId, logout), (b"ann", avatar.logout))
        self.assertIsNone(logout())
        verifyObject(IRealm, pb.Realm())

    def test_otherInterfaces(self) -> None:
        """It has avatars for IPerspective only."""
        self.assertRaises(NotImplementedError, pb.Realm().requestAvatar, b"ann", None, IRealm)

    def test_overridden(self) -> None:
        """Subclasses give their own."""

        class Own(pb.Realm):
            def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
                user = User(avatarId)
                return pb.IPerspective, user, user.logout

        pair = pairFor(Own())
        self.assertEqual(pair.result(login(pair).callRemote("whoAmI")), b"ann")


class RootTests(TestCase):
    """
    The root object in front of a portal.
    """

    def test_root(self) -> None:
        """Each connection has a root of its own."""
        portal, broker = portalFor(RecordingRealm()), object()
        root = PortalRoot(portal).rootObject(broker)
        self.assertIsInstance(root, PortalWrapper)
        self.assertIs(root.portal, portal)
        self.assertIs(root.broker, broker)
        verifyObject(pb.IPBRoot, PortalRoot(portal))

    def test_lateRealm(self) -> None:
        """A realm may take its time; the client waits."""
        waiting: Deferred[Any] = Deferred()
        results: list[Any] = []
        realm = RecordingRealm(answer=lambda result: waiting.addCallback(lambda ignored: result))
        pair = pairFor(realm)
        answer = pair.clientFactory.login(ANN).addCallback(results.append)
        pair.flush()
        self.assertEqual(results, [])
        waiting.callback(None)
        pair.flush()
        self.assertEqual(pair.result(results[0].callRemote("whoAmI")), b"ann")
        self.successResultOf(answer)

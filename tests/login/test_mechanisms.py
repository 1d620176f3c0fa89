"""
Tests for logins with more than MD5, in memory: what the server offers, what the
client chooses, and what comes of it.
"""

from __future__ import annotations

import hmac
from functools import partial
from typing import Any
from unittest.mock import patch

from cryptography.x509 import InvalidVersion
from OpenSSL import SSL
from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent, globalLogPublisher
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from myspread import pb
from myspread._login import saltedpasswords
from myspread._login.conversation import (
    CLIENT_STEPS,
    SERVER_STEPS,
    ClientState,
    ClientStep,
    Malformed,
    ServerState,
    ServerStep,
    following,
)
from myspread._login.credentials import CertificateCredentials, TokenCredentials, acceptedMechanisms
from myspread._login.mechanisms import STRONGEST_FIRST, listed, strongestFirst
from myspread._login.scram import toBase64
from myspread._login.scramserver import ScramProof, ScramServer
from myspread.limits import BeforeLogin, Limits
from myspread.testing import BrokerPair, brokerPair
from tests.login.checkers import FEW, CertificateChecker, PlainChecker, ScramChecker, TokenChecker
from tests.login.realms import RecordingRealm

ANN = pb.Password("ann", "secret")
WRONG = pb.Password("ann", "wrong")
FAR = IPv4Address("TCP", "192.0.2.7", 40000)
PLUS, SCRAM = "scram-sha-256-plus", "scram-sha-256"


def users() -> InMemoryUsernamePasswordDatabaseDontUse:
    """Passwords in the clear, as MD5 needs them."""
    return InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")


def portal(*checkers: Any, realm: Any = None) -> Portal:
    """A portal with these checkers, or with one of each kind."""
    return Portal(
        realm or RecordingRealm(),
        checkers or [users(), ScramChecker(), TokenChecker(), PlainChecker(), AllowAnonymousAccess()],
    )


def far(pair: BrokerPair) -> BrokerPair:
    """The same, between two machines."""
    for transport in (pair.serverTransport, pair.clientTransport):
        transport.getPeer = lambda: FAR  # type: ignore[method-assign]
    return pair


def login(pair: BrokerPair, credentials: Any = ANN, *mechanisms: str) -> Any:
    """The avatar."""
    return pair.result(pair.clientFactory.login(credentials, None, mechanisms=mechanisms or None))


class MechanismCase(TestCase):
    """
    What the tests have in common.
    """

    def tearDown(self) -> None:
        """Refused logins are logged."""
        self.flushLoggedErrors(UnauthorizedLogin)

    def assertFails(
        self, pair: BrokerPair, credentials: Any, kind: type[Exception], *texts: str, mechanisms: Any = None
    ) -> None:
        """A login fails, and says why."""
        with self.assertRaises(kind) as caught:
            pair.result(pair.clientFactory.login(credentials, None, mechanisms=mechanisms))
        for text in texts:
            self.assertIn(text, str(caught.exception))


class RightTests(MechanismCase):
    """
    Each mechanism, with the right secret.
    """

    def who(self, pair: BrokerPair, credentials: Any, *mechanisms: str) -> Any:
        """Who the realm says it is, and what the broker says."""
        user = login(pair, credentials, *mechanisms)
        return pair.result(user.callRemote("whoAmI")), pair.server.avatarId, pair.server.mechanism

    def test_scram(self) -> None:
        """A password, where there is no TLS."""
        pair = brokerPair(portal())
        self.assertEqual(self.who(pair, ANN), (b"ann", "ann", SCRAM))

    def test_scramBetweenMachines(self) -> None:
        """The same, where others may listen."""
        pair = far(brokerPair(portal()))
        self.assertEqual(self.who(pair, ANN), (b"ann", "ann", SCRAM))

    def test_prepared(self) -> None:
        """User name and password are compared as SASLprep prepares them; a name has any character."""
        checker = ScramChecker(**{"\xe4=,n": "p\xe4ss"})
        pair = brokerPair(portal(checker))
        expected = ("\xe4=,n".encode(), "\xe4=,n", SCRAM)
        self.assertEqual(self.who(pair, pb.Password("a\u0308=,n", "pa\u0308ss".encode())), expected)

    def test_usernamePassword(self) -> None:
        """Cred's own credentials can be used with SCRAM, too."""
        pair = brokerPair(portal())
        self.assertEqual(self.who(pair, UsernamePassword(b"ann", b"secret"), SCRAM)[2], SCRAM)

    def test_usernamePasswordAsBefore(self) -> None:
        """Without more words they mean MD5, and the server isn't asked for anything else."""
        pair = brokerPair(portal())
        self.patch(type(pair.server.localObjectForID(b"root")), "remote_mechanisms", None)
        self.assertEqual(self.who(pair, UsernamePassword(b"ann", b"secret"))[2], "md5")

    def test_token(self) -> None:
        """A token, as bytes or text."""
        for token in (b"ann's token", "ann's token"):
            self.assertEqual(self.who(brokerPair(portal()), pb.Token(token)), (b"ann", "ann", "token"))

    def test_plain(self) -> None:
        """The password itself, for checkers that want to see it."""
        pair = brokerPair(portal(PlainChecker()))
        self.assertEqual(self.who(pair, pb.Password("bob", "bob"), "plain"), (b"bob", "bob", "plain"))

    def test_anonymous(self) -> None:
        """Nothing at all."""
        self.assertEqual(self.who(brokerPair(portal()), Anonymous())[2], "anonymous")

    def test_strongest(self) -> None:
        """Of several that are accepted, the strongest that is offered is taken, however they are named."""
        names = ("md5", "plain", SCRAM, PLUS)
        self.assertEqual(self.who(brokerPair(portal()), ANN, *names)[2], SCRAM)
        ann = pb.Password("ann", "nna")
        self.assertEqual(self.who(brokerPair(portal(PlainChecker())), ann, *names)[2], "plain")
        self.assertEqual(self.who(brokerPair(portal(users(), TokenChecker())), ANN, "md5", SCRAM)[2], "md5")

    def test_stockServer(self) -> None:
        """A server on twisted.spread knows MD5 only; that is used if it is accepted."""
        pair = brokerPair(serverFactory=stock.PBServerFactory(portal()))
        user = login(pair, ANN, SCRAM, "md5")
        self.assertEqual(pair.result(user.callRemote("whoAmI")), b"ann")
        # A stock server logs what it doesn't know.
        self.assertEqual(len(self.flushLoggedErrors(pb.NoSuchMethod)), 1)

    def test_stockClient(self) -> None:
        """A client on twisted.spread logs in as ever, to a server that offers more."""
        pair = brokerPair(portal(), clientFactory=stock.PBClientFactory())
        user = login_stock(pair, UsernamePassword(b"ann", b"secret"))
        self.assertEqual(pair.result(user.callRemote("whoAmI")), b"ann")
        self.assertEqual(pair.server.mechanism, "md5")

    def test_mind(self) -> None:
        """What the client gives along reaches the realm, with each of them."""
        for credentials in (ANN, pb.Token("ann's token")):
            realm = RecordingRealm()
            pair = brokerPair(portal(realm=realm))
            pair.result(pair.clientFactory.login(credentials, 5))
            self.assertEqual(realm.requests, [(b"ann", 5, (pb.IPerspective,))])

    def test_logout(self) -> None:
        """Whoever forgets the avatar is logged out."""
        realm = RecordingRealm()
        pair = brokerPair(portal(realm=realm))
        user = login(pair)
        self.assertEqual(realm.logouts, [])
        del user
        pair.flush()
        self.assertEqual(realm.logouts, [b"ann"])

    def test_withinLimits(self) -> None:
        """What these logins send fits the limits and the policy of peers that haven't logged in."""
        tight = Limits(
            beforeLogin=BeforeLogin(messageLength=400, elements=40, nestingDepth=6, calls=1, references=2)
        )
        factory = pb.PBServerFactory(portal(), limits=tight, security=pb.SecurityPolicy())
        pair = brokerPair(serverFactory=factory)
        for credentials in (ANN, pb.Token("ann's token"), Anonymous()):
            login(pair, credentials)
        self.assertTrue(pair.connected)


def login_stock(pair: BrokerPair, credentials: Any) -> Any:
    """The avatar, for a client whose C{login} knows no mechanisms."""
    return pair.result(pair.clientFactory.login(credentials, None))


class WrongTests(MechanismCase):
    """
    Each mechanism, with the wrong secret.
    """

    def test_scram(self) -> None:
        """Wrong passwords and unknown users are refused in the same words, and no checker sees them."""
        checker = ScramChecker()
        for credentials in (WRONG, pb.Password("nobody", "secret"), pb.Password("bob", "bob")):
            pair = brokerPair(portal(checker))
            self.assertFails(pair, credentials, UnauthorizedLogin, "wrong user name or password")
            self.assertIsNone(pair.server.avatarId)
        self.assertEqual(checker.checked, 0)

    def test_checkerDecides(self) -> None:
        """The checker has the last word: it may refuse who knows the password."""
        checker = ScramChecker()
        pair = brokerPair(portal(checker))
        known = dict(checker.verifiers)
        checker.verifierFor = known.get  # type: ignore[method-assign,assignment]
        checker.verifiers.clear()
        self.assertFails(pair, ANN, UnauthorizedLogin, "the checker says no")

    def test_others(self) -> None:
        """Wrong tokens and passwords."""
        self.assertFails(brokerPair(portal()), pb.Token("other"), UnauthorizedLogin, "no such token")
        pair = brokerPair(portal(PlainChecker()))
        self.assertFails(pair, ANN, UnauthorizedLogin, "wrong password", mechanisms=["plain"])

    def test_counted(self) -> None:
        """They count as attempts, and the connection closes after too many."""
        for credentials, mechanisms in ((WRONG, None), (pb.Token("x"), None), (WRONG, "plain")):
            clock = Clock()
            factory = pb.PBServerFactory(portal(), limits=Limits(loginAttempts=2), clock=clock)
            pair = brokerPair(serverFactory=factory, clock=clock)
            for _ in range(2):
                self.assertFails(pair, credentials, UnauthorizedLogin, mechanisms=mechanisms)
            failed = pair.clientFactory.login(credentials, None, mechanisms=mechanisms)
            pair.flush()
            clock.advance(0)
            pair.flush()
            self.assertIn("Limits.loginAttempts is 2", self.failureResultOf(failed).getErrorMessage())
            self.assertFalse(pair.connected)

    def test_delayed(self) -> None:
        """They wait after failures, as all guesses do."""
        for credentials, mechanisms in ((WRONG, None), (pb.Token("x"), None), (WRONG, "plain")):
            clock = Clock()
            limits = Limits(loginDelay=1, loginAttempts=100)
            pair = brokerPair(
                serverFactory=pb.PBServerFactory(portal(), limits=limits, clock=clock), clock=clock
            )
            self.assertFails(pair, credentials, UnauthorizedLogin, mechanisms=mechanisms)
            waiting = pair.clientFactory.login(credentials, None, mechanisms=mechanisms)
            pair.flush()
            self.assertNoResult(waiting)
            clock.advance(1)
            pair.flush()
            self.failureResultOf(waiting, UnauthorizedLogin)

    def test_garbage(self) -> None:
        """What is no login fails its own call, and is told so."""
        pair = brokerPair(serverFactory=pb.PBServerFactory(portal(), limits=Limits(loginAttempts=100)))
        for name, args in (
            ("loginToken", (5, None)),
            ("loginToken", (b"x" * 4097, None)),
            ("loginPlain", (None, b"x", None)),
            ("loginPlain", (b"x", [b"x"], None)),
            ("loginPlain", (b"x" * 4097, b"", None)),
            ("loginCertificate", (None,)),
            ("loginScram", ("plain", b"n,,n=ann,r=" + b"x" * 20)),
            ("loginScram", ([], b"n,,n=ann,r=" + b"x" * 20)),
            ("loginScram", (PLUS, b"p=tls-exporter,,n=ann,r=" + b"x" * 20)),
            ("loginScram", (SCRAM, "text")),
            ("loginScram", (SCRAM, b"")),
        ):
            failed = pair.root.callRemote(name, *args)
            pair.flush()
            self.failureResultOf(failed, UnauthorizedLogin)
        self.assertTrue(pair.connected)

    def test_failingChecker(self) -> None:
        """A checker that fails to look for a user fails the login, and its error isn't shown as a refusal."""
        checker = ScramChecker()
        checker.verifierFor = lambda name: 1 / 0  # type: ignore[method-assign,assignment,misc]
        self.assertFails(brokerPair(portal(checker)), ANN, ZeroDivisionError)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class OfferTests(MechanismCase):
    """
    What the server announces.
    """

    def offered(self, pair: BrokerPair) -> list[str]:
        """The list."""
        names: list[str] = pair.result(pair.root.callRemote("mechanisms"))
        return names

    def test_near(self) -> None:
        """Within one machine, all that checkers take and that needs no TLS."""
        self.assertEqual(self.offered(brokerPair(portal())), [SCRAM, "token", "plain", "md5", "anonymous"])

    def test_far(self) -> None:
        """Where others may listen, nothing that sends the secret itself."""
        self.assertEqual(self.offered(far(brokerPair(portal()))), [SCRAM, "md5", "anonymous"])

    def test_notOfferedIsRefused(self) -> None:
        """What isn't offered is refused, too, and says what there is."""
        pair = far(brokerPair(portal()))
        for name, args in (("loginToken", ("ann's token", None)), ("loginPlain", ("ann", "nna", None))):
            failed = pair.root.callRemote(name, *args)
            pair.flush()
            message = self.failureResultOf(failed, UnauthorizedLogin).getErrorMessage()
            self.assertIn(
                "no way to log in on this connection; what can be used is scram-sha-256, md5 and anonymous",
                message,
            )

    def test_sources(self) -> None:
        """Checkers learn of plain passwords where the client is, so that they can look at each in turn."""
        sources: list[Any] = []

        class Noting(PlainChecker):
            def requestAvatarId(self, credentials: Any) -> Any:
                """As the others; it is noted."""
                sources.append(credentials.source)
                return super().requestAvatarId(credentials)

        serving = portal(Noting())
        addresses = (
            IPv4Address("TCP", "127.0.0.1", 1),
            IPv4Address("TCP", "127.0.0.1", 2),
            UNIXAddress("a"),
            UNIXAddress("a"),
        )
        for address in addresses:
            pair = brokerPair(serving)
            pair.serverTransport.getPeer = partial(lambda known: known, address)  # type: ignore[method-assign]
            pair.result(pair.root.callRemote("loginPlain", "ann", "nna", None))
        self.assertEqual(sources[:2], ["127.0.0.1"] * 2)
        self.assertEqual(len({*sources}), 3)

    def test_strangeCertificate(self) -> None:
        """A certificate that only OpenSSL can read is a refused login, and keeps nobody from another one."""

        class Strange:
            def to_cryptography(self) -> Any:
                """As for a version of X.509 that there isn't."""
                raise InvalidVersion("4 is not a valid X509 version", 4)

        class Encrypted(SSL.Connection):
            def get_verify_mode(self) -> int:
                """One was asked for."""
                return SSL.VERIFY_PEER

            def get_peer_certificate(self, **ignored: Any) -> Any:
                """It was shown."""
                return Strange()

        pair = brokerPair(portal(CertificateChecker(), AllowAnonymousAccess()))
        transport: Any = pair.serverTransport
        transport.getHandle = lambda: Encrypted(SSL.Context(SSL.TLS_METHOD), None)
        self.assertEqual(self.offered(pair), ["certificate", "anonymous"])
        failed = pair.root.callRemote("loginCertificate", None)
        pair.flush()
        self.assertEqual(
            self.failureResultOf(failed, UnauthorizedLogin).getErrorMessage(),
            "this certificate can't be used: InvalidVersion: 4 is not a valid X509 version",
        )
        pair.result(pair.root.callRemote("loginAnonymous", None))

    def test_byChecker(self) -> None:
        """Each checker brings its own."""
        for checker, names in (
            (users(), ["plain", "md5"]),
            (ScramChecker(), [SCRAM]),
            (TokenChecker(), ["token"]),
            (PlainChecker(), ["plain"]),
            (AllowAnonymousAccess(), ["anonymous"]),
        ):
            self.assertEqual(self.offered(brokerPair(portal(checker))), names)

    def test_withoutVerifiers(self) -> None:
        """A checker that takes SCRAM's credentials and knows no verifiers brings nothing."""

        class Ignorant(PlainChecker):
            credentialInterfaces = (pb.IScramCredentials,)  # type: ignore[assignment]

        self.assertEqual(self.offered(brokerPair(portal(Ignorant()))), [])

    def test_ownPortal(self) -> None:
        """Something that has a login, and no checkers, offers nothing of this."""

        class Own:
            def login(self, credentials: Any, mind: Any, *interfaces: Any) -> Any:
                return portal().login(credentials, mind, *interfaces)

        pair = brokerPair(serverFactory=pb.PBServerFactory(pb.PortalRoot(Own())))  # type: ignore[attr-defined]
        self.assertEqual(self.offered(pair), [])
        user = login(pair, UsernamePassword(b"ann", b"secret"))
        self.assertEqual(pair.result(user.callRemote("whoAmI")), b"ann")


class ChoiceTests(MechanismCase):
    """
    What the client does where it finds no mechanism to its liking.
    """

    def test_md5Only(self) -> None:
        """It doesn't fall back, and says what there is."""
        text = (
            ", and this client accepts scram-sha-256; if MD5 will do, accept it "
            "with mechanisms=['md5']"
        )
        for factory, offer in (
            (
                stock.PBServerFactory(portal()),
                "the server doesn't say how to log in (on twisted.spread: with md5 only, if at all)",
            ),
            (pb.PBServerFactory(portal(Md5Only())), "the server offers md5 only"),
        ):
            pair = brokerPair(serverFactory=factory)
            self.assertFails(pair, ANN, pb.NoMechanism, offer + text, mechanisms=[SCRAM])
        self.flushLoggedErrors()

    def test_default(self) -> None:
        """A password by itself never means MD5, and nothing of it is sent."""
        pair = brokerPair(portal(users()))
        before = pair.clientTransport.offset
        self.assertFails(
            pair, ANN, pb.NoMechanism, "this client accepts scram-sha-256-plus and scram-sha-256"
        )
        self.assertLess(pair.clientTransport.offset - before, 100)

    def test_tokenInTheOpen(self) -> None:
        """A secret isn't sent where others may listen, whatever the server says."""
        pair = far(brokerPair(portal()))
        before = pair.clientTransport.offset
        for credentials, mechanisms in ((pb.Token("ann's token"), None), (ANN, ["plain"])):
            text = "would send the secret itself over a connection where others may listen; use TLS"
            self.assertFails(pair, credentials, pb.NoMechanism, text, mechanisms=mechanisms)
        self.assertEqual(pair.clientTransport.offset, before)

    def test_plusWithoutTls(self) -> None:
        """There is no channel to bind to."""
        pair = brokerPair(portal())
        self.assertFails(pair, ANN, pb.NoMechanism, "is bound to a TLS connection", mechanisms=PLUS)

    def test_noCertificate(self) -> None:
        """A client that has shown none."""
        text = "a server offers certificate to clients that have shown it one, over TLS"
        self.assertFails(brokerPair(portal()), pb.ClientCertificate(), pb.NoMechanism, text)

    def test_strangeLists(self) -> None:
        """Whatever a server announces, only names that are known count."""
        wrapper = type(brokerPair(portal()).server.localObjectForID(b"root"))
        for announced in (None, 5, "md5", [5, None, ["md5"]], {}, ["scram-sha-512"], ["x"] * 1000 + [SCRAM]):
            self.patch(wrapper, "remote_mechanisms", lambda self, announced=announced: announced)
            text = "the server offers nothing, and this client accepts"
            self.assertFails(brokerPair(portal()), ANN, pb.NoMechanism, text)

    def test_announcedInVain(self) -> None:
        """What a server announces where it shouldn't isn't used, and the error says so."""
        wrapper = type(brokerPair(portal()).server.localObjectForID(b"root"))
        self.patch(wrapper, "remote_mechanisms", lambda self: ["plain"])
        text = "the server offers plain only, and this client accepts scram-sha-256 and plain; plain can't be"
        self.assertFails(far(brokerPair(portal())), ANN, pb.NoMechanism, text, mechanisms=[SCRAM, "plain"])

    def test_wrongNames(self) -> None:
        """Mechanisms that don't exist, or don't fit the credentials, are refused before anything is sent."""
        factory = pb.PBClientFactory()
        for credentials, mechanisms, text in (
            (ANN, ["scram"], "'scram' is no mechanism; there are scram-sha-256-plus, scram-sha-256, "),
            (ANN, [], "no mechanism is accepted"),
            (ANN, "token", "Password credentials can't be used with token, only with "),
            (pb.Token("x"), [SCRAM], "Token credentials can't be used with scram-sha-256, only with token"),
            (pb.ClientCertificate(), ["md5"], "ClientCertificate credentials can't be used with md5"),
            (Anonymous(), ["md5"], "Anonymous credentials can't be used with md5, only with anonymous"),
            (
                UsernamePassword(b"a", b"b"),
                ["token"],
                "UsernamePassword credentials can't be used with token",
            ),
            (pb.Password("ann\x00", "x"), None, "character 4 of the user name is a control character"),
            (pb.Password("ann", b"\xff"), None, "the password isn't UTF-8"),
        ):
            error = self.assertRaises(ValueError, factory.login, credentials, None, mechanisms=mechanisms)
            self.assertIn(text, str(error))
            with self.assertRaises(ValueError) as caught:
                pb.session("tcp:x:1", credentials=credentials, mechanisms=mechanisms, reactor=Clock())
            self.assertIn(text, str(caught.exception))
        self.assertRaises(TypeError, pb.Password, "ann", None)
        self.assertRaises(TypeError, pb.Token, 5)

    def test_defaults(self) -> None:
        """What is accepted by default."""
        self.assertEqual(acceptedMechanisms(ANN), (PLUS, SCRAM))
        self.assertEqual(acceptedMechanisms(UsernamePassword(b"", b"")), ("md5",))
        self.assertEqual(acceptedMechanisms(ANN, iter(["md5", SCRAM])), (SCRAM, "md5"))

    def test_names(self) -> None:
        """Lists of names."""
        self.assertEqual(strongestFirst(reversed(STRONGEST_FIRST)), STRONGEST_FIRST)
        self.assertEqual(listed(()), "nothing")
        self.assertEqual(listed("abc"), "a, b and c")

    def test_secrets(self) -> None:
        """Secrets are in no representation."""
        for credentials in (ANN, pb.Token("secret")):
            self.assertNotIn("secret", repr(credentials))


class Md5Only(PlainChecker):
    """Takes challenge and response."""

    credentialInterfaces = (pb.IUsernameMD5Password,)  # type: ignore[assignment]


class Md5Tests(MechanismCase):
    """
    What the server thinks of MD5.
    """

    MD5 = UsernamePassword(b"ann", b"secret")

    def pairOn(self, md5: Any, isFar: bool = False) -> BrokerPair:
        """A connection to a server that takes it from there."""
        pair = brokerPair(serverFactory=pb.PBServerFactory(portal(), md5=md5))
        return far(pair) if isFar else pair

    def test_from(self) -> None:
        """It is taken from where it should be."""
        for md5, isFar in (("anywhere", False), ("anywhere", True), ("local", False)):
            login(self.pairOn(md5, isFar), self.MD5)
        for md5, isFar in (("local", True), ("never", False), ("never", True)):
            pair = self.pairOn(md5, isFar)
            self.assertFails(pair, self.MD5, UnauthorizedLogin, "md5 is no way to log in on this connection")
            self.assertNotIn("md5", pair.result(pair.root.callRemote("mechanisms")))

    def test_stockClient(self) -> None:
        """A client on twisted.spread is told what there is instead."""
        factory = pb.PBServerFactory(portal(), md5="never")
        pair = brokerPair(serverFactory=factory, clientFactory=stock.PBClientFactory())
        failed = pair.clientFactory.login(self.MD5)
        pair.flush()
        self.assertIn(
            "what can be used is", self.failureResultOf(failed, UnauthorizedLogin).getErrorMessage()
        )

    def test_wrongValue(self) -> None:
        """There are three."""
        error = self.assertRaises(ValueError, pb.PBServerFactory, portal(), md5="yes")
        self.assertEqual(str(error), "md5 must be 'anywhere', 'local', 'never', not 'yes'")

    def logged(self, action: Any) -> list[Any]:
        """What the log tells of it."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        action()
        globalLogPublisher.removeObserver(events.append)
        globalLogPublisher.addObserver(events.append)
        return [
            (event["log_level"], event["user"])
            for event in events
            if "MD5 from" in event.get("log_format", "")
        ]

    def test_serverTells(self) -> None:
        """The log names each user of it once; the first time it warns."""
        database = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret", bob=b"b")
        factory = pb.PBServerFactory(portal(database))

        def logIn() -> None:
            for name, password in ((b"ann", b"secret"), (b"ann", b"secret"), (b"bob", b"b"), (b"bob", b"b")):
                login(brokerPair(serverFactory=factory), UsernamePassword(name, password))

        self.assertEqual(self.logged(logIn), [(LogLevel.warn, "ann"), (LogLevel.info, "bob")])

    def test_serverTellsRefusals(self) -> None:
        """The log says who was refused because of it, and what takes such logins."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for md5, text in (("local", "from this machine only"), ("never", "no logins with MD5 are taken")):
            self.assertFails(self.pairOn(md5, True), self.MD5, UnauthorizedLogin)
            [told] = [each for each in events if "is refused" in each.get("log_format", "")]
            self.assertEqual((told["log_level"], told["user"]), (LogLevel.warn, "ann"))
            self.assertIn(text, told["log_format"])
            self.assertIn("--md5", told["log_format"])
            events.clear()

    def test_namesInTheLog(self) -> None:
        """What a stranger calls itself can't look like an entry, nor steer a terminal."""
        name = b"x\nroot has logged in\x1b[31m"
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for md5 in ("local", "never"):
            self.assertFails(self.pairOn(md5, True), UsernamePassword(name, b""), UnauthorizedLogin)
        database = InMemoryUsernamePasswordDatabaseDontUse()
        database.addUser(name, b"secret")
        pair = brokerPair(serverFactory=pb.PBServerFactory(portal(database)))
        login(pair, UsernamePassword(name, b"secret"))
        told = [formatEvent(each) for each in events if "{user" in each.get("log_format", "")]
        self.assertEqual(len(told), 3)
        for text in told:
            self.assertIn(r"'x\nroot has logged in\x1b[31m'", text)

    def test_clientTells(self) -> None:
        """So does a client, once, where others may listen."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        for isFar, count in ((False, 0), (True, 1)):
            pair = self.pairOn("anywhere", isFar)
            login(pair, self.MD5)
            login(pair, self.MD5)
            warnings = [
                event for event in events if "Logging in to {peer} with MD5" in event.get("log_format", "")
            ]
            self.assertEqual(len(warnings), count)


class HostileServerTests(MechanismCase):
    """
    Servers that aren't what they should be.
    """

    def impostor(self, **methods: Any) -> BrokerPair:
        """A server with a login of its own."""

        class Exchange(pb.Referenceable):
            pass

        class Impostor(pb.Root):
            def remote_mechanisms(self) -> list[str]:
                return [SCRAM]

            def remote_loginScram(self, mechanism: Any, message: bytes) -> Any:
                nonce = message.partition(b",r=")[2]
                return methods["first"](nonce), methods.get("exchange", Exchange)()

        def remote_enter(self: Any, mind: Any) -> Any:
            raise AssertionError("the mind is given to anybody")

        Exchange.remote_finish = lambda self, message: methods["last"]  # type: ignore[attr-defined]
        Exchange.remote_prove = lambda self, message: methods["proof"]  # type: ignore[attr-defined]
        Exchange.remote_enter = remote_enter  # type: ignore[attr-defined]
        return brokerPair(Impostor(), clientFactory=pb.PBClientFactory(limits=methods.get("limits")))

    def first(self, nonce: bytes, salt: bytes = b"c2FsdA==", iterations: Any = FEW) -> bytes:
        """An honest first message."""
        return b"r=%sABC,s=%s,i=%d" % (nonce, salt, iterations)

    def test_unproven(self) -> None:
        """One that takes any password has to prove that it knows this one; else the connection is closed."""
        right = toBase64(b"x" * 32).encode()
        for last in (
            (b"v=" + right, "avatar"),
            (b"v=x", "avatar"),
            (b"v=", "avatar"),
            (b"e=other-error", "avatar"),
            ("v=", "avatar"),
            (None, None),
            "avatar",
            None,
            (b"v=" + right,),
        ):
            pair = self.impostor(first=self.first, last=last)
            self.assertFails(pair, ANN, pb.UnprovenServer, "the server takes the password without knowing it")
            self.assertFalse(pair.connected)

    def test_mind(self) -> None:
        """Nor does it get a mind."""

        class Mind(pb.Referenceable):
            pass

        for proof in (b"v=" + toBase64(b"x" * 32).encode(), b"e=x", None, ("v=", "avatar")):
            pair = self.impostor(first=self.first, proof=proof)
            failed = pair.clientFactory.login(ANN, Mind())
            pair.flush()
            self.failureResultOf(failed, pb.UnprovenServer)
            self.assertFalse(pair.connected)

    def test_strangeChallenges(self) -> None:
        """Challenges that are wrong, or would make guessing easy, get no answer."""
        for first, text in (
            (lambda nonce: b"r=%s,s=c2FsdA==,i=4096" % nonce, "doesn't continue ours"),
            (lambda nonce: b"r=other%s,s=c2FsdA==,i=4096" % nonce, "doesn't continue ours"),
            (lambda nonce: self.first(nonce, iterations=1), "asks for 1 iterations; fewer than 4096"),
            (lambda nonce: self.first(nonce, iterations=4095), "asks for 4095 iterations"),
            (lambda nonce: self.first(nonce, iterations=-4096), "is no number"),
            (lambda nonce: self.first(nonce, iterations=10**30), "is no number"),
            (lambda nonce: self.first(nonce, salt=b""), "salt has 0 bytes"),
            (lambda nonce: self.first(nonce, salt=b"A" * 1400), "salt has 1050 bytes"),
            (lambda nonce: self.first(nonce, salt=b"\xc3\xa4"), "Base64"),
            (lambda nonce: b"m=ext," + self.first(nonce), "attributes"),
            (lambda nonce: b"r=%sABC,i=4096,s=c2FsdA==" % nonce, "attributes"),
            (lambda nonce: b"\xff", "UTF-8"),
            (lambda nonce: b"x" * 20000, "16384 at most"),
            (lambda nonce: None, "is bytes"),
        ):
            pair = self.impostor(first=first, last=None)
            self.assertFails(pair, ANN, pb.UnprovenServer, "the login was given up: ", text)
            self.assertFalse(pair.connected)

    def test_manyIterations(self) -> None:
        """One that asks for two thousand million iterations is refused before any is computed."""
        self.patch(saltedpasswords, "_keys", None)
        for limits, most in ((None, 2_000_000), (Limits(scramIterations=5000), 5000)):
            pair = self.impostor(
                first=lambda nonce: self.first(nonce, iterations=2**31 - 1), last=None, limits=limits
            )
            text = f"the server asks for 2147483647 iterations, and Limits.scramIterations is {most}"
            self.assertFails(pair, ANN, pb.UnprovenServer, text)

    def test_noExchange(self) -> None:
        """One whose answer has another form."""
        pair = self.impostor(first=self.first, exchange=dict, last=None)
        self.assertFails(pair, ANN, pb.UnprovenServer, "isn't one of SCRAM")


class ExchangeTests(MechanismCase):
    """
    What a client could do beside the usual steps.
    """

    def setUp(self) -> None:
        """A connection."""
        self.clock = Clock()
        self.factory = pb.PBServerFactory(portal(), limits=Limits(loginAttempts=100), clock=self.clock)
        self.pair = brokerPair(serverFactory=self.factory, clock=self.clock)

    def begin(self, name: bytes = b"ann") -> Any:
        """A challenge and its exchange."""
        message = b"n,,n=%s,r=%s" % (name, b"x" * 20)
        return self.pair.result(self.pair.root.callRemote("loginScram", SCRAM, message))

    def finish(self, exchange: Any, message: Any) -> str:
        """How the login is refused."""
        failed = exchange.callRemote("finish", message)
        self.pair.flush()
        return self.failureResultOf(failed, UnauthorizedLogin).getErrorMessage()

    def answerTo(self, first: bytes, binding: bytes = b"biws", proof: bytes = b"A" * 43 + b"=") -> bytes:
        """A second message."""
        nonce = first[2:].partition(b",")[0]
        return b"c=%s,r=%s,p=%s" % (binding, nonce, proof)

    def test_once(self) -> None:
        """An exchange takes one answer."""
        first, exchange = self.begin()
        self.assertEqual(self.finish(exchange, self.answerTo(first)), "wrong user name or password")
        self.assertIn("was responded to before", self.finish(exchange, self.answerTo(first)))

    def test_enter(self) -> None:
        """Who has proven it enters, once; who hasn't doesn't."""
        said: list[Any] = []
        exchanges: list[Any] = []
        exchange = type(self.begin()[1])
        original = exchange.callRemote

        def callRemote(self: Any, _name: str, *args: Any, **kw: Any) -> Any:
            said.append(_name)
            exchanges.append(self)
            return original(self, _name, *args, **kw)

        self.patch(exchange, "callRemote", callRemote)
        self.pair.result(self.pair.clientFactory.login(ANN, pb.Referenceable()))
        self.assertEqual(said, ["mechanisms", "loginScram", "prove", "enter"])
        _, unproven = self.begin()
        for each in (exchanges[-2], unproven):
            failed = each.callRemote("enter", None)
            self.pair.flush()
            message = self.failureResultOf(failed, UnauthorizedLogin).getErrorMessage()
            self.assertIn("nobody has proven anything here", message)

    def test_enterLate(self) -> None:
        """For as long as a login may take."""
        self.factory.limits = Limits(loginTime=10)
        pair = self.pair = brokerPair(serverFactory=self.factory, clock=self.clock)
        login(pair)
        kept: list[Any] = []
        exchange = type(self.begin()[1])
        original = exchange.callRemote

        def callRemote(self: Any, _name: str, *args: Any, **kw: Any) -> Any:
            kept.append(self)
            return Deferred() if _name == "enter" else original(self, _name, *args, **kw)

        with patch.object(exchange, "callRemote", callRemote):
            pair.clientFactory.login(ANN, pb.Referenceable())
            pair.flush()
        self.clock.advance(11)
        failed = kept[-1].callRemote("enter", None)
        pair.flush()
        self.failureResultOf(failed, UnauthorizedLogin)

    def test_late(self) -> None:
        """For as long as a login may take."""
        self.factory.limits = Limits(loginTime=10)
        pair = self.pair = brokerPair(serverFactory=self.factory, clock=self.clock)
        login(pair)
        first, exchange = self.begin()
        self.clock.advance(11)
        self.assertIn("too old (Limits.loginTime)", self.finish(exchange, self.answerTo(first)))

    def test_garbage(self) -> None:
        """Second messages that are none."""
        for change, text in (
            (lambda first: None, "is bytes"),
            (lambda first: b"", "attributes"),
            (lambda first: self.answerTo(first, binding=b"eSws"), "another header"),
            (lambda first: self.answerTo(first, binding=b"!"), "Base64"),
            (lambda first: self.answerTo(first, proof=b"AAAA"), "32 bytes"),
            (lambda first: self.answerTo(first, proof=b"A"), "Base64"),
            (lambda first: self.answerTo(first) + b",p=AAAA", "another header"),
            (lambda first: self.answerTo(b"r=" + b"y" * 44 + b","), "nonce"),
            (lambda first: self.answerTo(first).replace(b"c=", b"d="), "attributes"),
        ):
            first, exchange = self.begin()
            self.assertIn(text, self.finish(exchange, change(first)))

    def test_wrongFirst(self) -> None:
        """First messages that are none."""
        nonce = b"x" * 20
        for message, text in (
            (b"n,,n=ann,r=short", "nonce"),
            (b"n,,n=ann,r=" + b"x" * 2000, "nonce"),
            (b"n,,n=ann,r=x\x00" + nonce, "attributes"),
            (b"n,,r=" + nonce + b",n=ann", "attributes"),
            (b"n,,m=x,n=ann,r=" + nonce, "attributes"),
            (b"n,a=bob,n=ann,r=" + nonce, "is like n,,n=user"),
            (b"n,,n=a=b,r=" + nonce, "encoded"),
            (b"n,,n=,r=" + nonce, "encoded"),
            (b"n,,n=\xff,r=" + nonce, "UTF-8"),
            (b"n,,n=a\x01,r=" + nonce, "control character"),
            (b"x,,n=ann,r=" + nonce, "channel binding"),
            (b"p=tls-unique,,n=ann,r=" + nonce, "channel binding"),
            (b"p=tls-exporter,,n=ann,r=" + nonce, "channel binding"),
        ):
            failed = self.pair.root.callRemote("loginScram", SCRAM, message)
            self.pair.flush()
            self.assertIn(text, self.failureResultOf(failed, UnauthorizedLogin).getErrorMessage())

    def test_tooMany(self) -> None:
        """No more exchanges wait than there may be, together with the challenges of MD5."""
        wrapper = self.pair.server.localObjectForID(b"root")
        kept = [wrapper.remote_login(b"ann") for _ in range(31)]
        kept.append(self.begin())
        with self.assertRaises(pb.Error) as caught:
            self.begin()
        self.assertIn("32 challenges wait for their responses already", str(caught.exception))
        self.finish(kept[-1][1], b"")
        self.begin()

    def test_replayed(self) -> None:
        """What was once said right doesn't do a second time, on another connection."""
        said: list[Any] = []
        exchange = type(self.begin()[1])
        original = exchange.callRemote

        def callRemote(self: Any, _name: str, *args: Any, **kw: Any) -> Any:
            said.append((_name, args))
            return original(self, _name, *args, **kw)

        self.patch(exchange, "callRemote", callRemote)
        login(self.pair)
        (_, first), (_, last) = [each for each in said if each[0] in ("loginScram", "finish")]
        other = self.pair = brokerPair(serverFactory=self.factory, clock=self.clock)
        _, again = other.result(other.root.callRemote("loginScram", *first))
        self.assertEqual(self.finish(again, last[0]), "the nonce isn't the one of this login")

    def test_unknownUsers(self) -> None:
        """They get salt and iterations as known ones do: the same each time, another for each, as long."""

        def challengeFor(name: bytes) -> tuple[bytes, bytes]:
            _, salt, iterations = self.begin(name)[0].split(b",")
            return salt, iterations

        known, unknown, other = challengeFor(b"ann"), challengeFor(b"nobody"), challengeFor(b"somebody")
        self.assertEqual(challengeFor(b"nobody"), unknown)
        self.assertNotEqual(unknown[0], other[0])
        self.assertEqual((len(known[0]), known[1]), (len(unknown[0]), unknown[1]))
        # Also after the server was started again.
        self.pair = brokerPair(portal())
        self.assertEqual(challengeFor(b"nobody"), unknown)

    def test_sameWork(self) -> None:
        """A known and an unknown user make the server compute the same, so that it takes as long."""
        digest = hmac.digest
        work: list[int] = []

        def counted(key: bytes, data: bytes, name: str) -> bytes:
            work[-1] += 1
            return digest(key, data, name)

        self.patch(hmac, "digest", counted)
        for name in (b"ann", b"nobody"):
            work.append(0)
            first, exchange = self.begin(name)
            self.finish(exchange, self.answerTo(first))
        self.assertEqual(work[0], work[1])
        self.assertGreater(work[0], 1)

    def test_withoutSecret(self) -> None:
        """A checker without a secret or a number gets those of the server."""

        class Plain(ScramChecker):
            iterations = secret = None  # type: ignore[assignment]

        del Plain.iterations, Plain.secret
        bare = Plain()
        for name in ("iterations", "secret"):
            self.patch(ScramChecker, name, None)
            delattr(ScramChecker, name)
        self.pair = brokerPair(portal(bare))
        first, _ = self.begin(b"nobody")
        self.assertTrue(first.endswith(b",i=600000"))


class SaltedPasswordTests(TestCase):
    """
    Tests for L{saltedpasswords.SaltedPasswords}.
    """

    def test_remembered(self) -> None:
        """Those that were used last are remembered, and no more than that."""
        hashed: list[Any] = []
        compute = saltedpasswords._keys

        def keys(*salted: Any) -> Any:
            hashed.append(salted[0])
            return compute(*salted)

        self.patch(saltedpasswords, "_keys", keys)
        passwords = saltedpasswords.SaltedPasswords(Clock())

        def use(*names: str) -> None:
            for name in names:
                self.successResultOf(Deferred.fromCoroutine(passwords.keys(name, b"salt", 1)))

        use("a", "b", "a", "c")
        self.assertEqual(hashed, ["a", "b", "c"])
        use(*"defghi")
        hashed.clear()
        use("a", "c")
        self.assertEqual(hashed, [])
        use("b")
        self.assertEqual(hashed, ["b"])

    def test_saltAndIterations(self) -> None:
        """Another salt, or another number, is another one."""
        passwords = saltedpasswords.SaltedPasswords(Clock())
        seen = [
            self.successResultOf(Deferred.fromCoroutine(passwords.keys("a", salt, iterations)))
            for salt, iterations in ((b"salt", 1), (b"salt", 2), (b"other", 1), (b"salt", 1))
        ]
        self.assertEqual([seen.count(each) for each in seen], [2, 1, 1, 2])


class TableTests(TestCase):
    """
    The steps of SCRAM.
    """

    def test_tables(self) -> None:
        """What isn't in the tables can't happen."""
        for steps, states, events in (
            (SERVER_STEPS, ServerState, ServerStep),
            (CLIENT_STEPS, ClientState, ClientStep),
        ):
            for state in states:
                for event in events:
                    if (state, event) in steps:
                        self.assertIs(following(steps, state, event), steps[state, event])
                    else:
                        self.assertRaises(ValueError, following, steps, state, event)
            reached = {states.BEGUN, *steps.values()}
            self.assertEqual(reached, set(states))

    def test_outOfTurn(self) -> None:
        """No proof is read or given before its time."""
        self.assertRaises(Malformed, ScramServer, PLUS, None)
        server = ScramServer(SCRAM, None)
        known = ScramChecker().verifiers[b"ann"]
        self.assertRaises(ValueError, server.challenge, known)
        self.assertRaises(ValueError, server.finish, b"", known)
        self.assertRaises(ValueError, server.proof, known)
        self.assertRaises(ValueError, server.enter)

    def test_interfaces(self) -> None:
        """What checkers get is what the interfaces say."""
        verifyObject(pb.IScramCredentials, ScramProof(b"ann", b"", b""))
        verifyObject(pb.ITokenCredentials, TokenCredentials(b""))
        verifyObject(pb.ICertificateCredentials, CertificateCredentials(None))  # type: ignore[arg-type]
        verifyObject(pb.IScramVerifiers, ScramChecker())

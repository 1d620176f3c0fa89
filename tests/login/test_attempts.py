"""
Tests for L{myspread._login.attempts}: logins that fail, and those that wait.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import Anonymous, IUsernameHashedPassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin, UnhandledCredentials
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from myspread import pb
from myspread._login.attempts import Attempts
from myspread.limits import BeforeLogin, Limits
from myspread.testing import BrokerPair, brokerPair
from tests.login.realms import ANN, WRONG, RecordingRealm, User, portalFor

BOB = UsernamePassword(b"bob", b"other")
SLOW = Limits(loginAttempts=100, loginDelay=1, loginDelayLimit=4)


@implementer(ICredentialsChecker)
class PatientChecker:
    """
    Decides when the test says so.

    @ivar asked: for each login, the user name and the Deferred that decides.
    """

    credentialInterfaces = (IUsernameHashedPassword,)

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Deferred[Any]]] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        """Wait."""
        decision: Deferred[Any] = Deferred()
        self.asked.append((credentials.username, decision))
        return decision


class AttemptCase(TestCase):
    """
    Connections to one server.

    @ivar realm: the server's.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.realm = RecordingRealm()

    def tearDown(self) -> None:
        """Refused logins are logged."""
        self.flushLoggedErrors(UnauthorizedLogin, UnhandledCredentials)

    def serve(self, limits: Limits, *checkers: Any) -> Any:
        """A server's factory."""
        self.factory = pb.PBServerFactory(portalFor(self.realm, *checkers), limits=limits, clock=self.clock)
        return self.factory

    def connect(self, address: Any = None) -> BrokerPair:
        """
        A connection to the server.

        @param address: where it seems to come from.
        """
        pair = brokerPair(serverFactory=self.factory, clock=self.clock)
        if address is not None:
            pair.serverTransport.getPeer = lambda: address  # type: ignore[method-assign]
        return pair

    def begin(self, pair: BrokerPair, credentials: Any = ANN) -> list[Any]:
        """Begin a login. What comes of it will be in the list."""
        outcome: list[Any] = []
        pair.clientFactory.login(credentials).addBoth(outcome.append)
        pair.flush()
        return outcome

    def pass_(self, seconds: float, *pairs: BrokerPair) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        for pair in pairs:
            pair.flush()

    def assertRefused(self, outcome: list[Any], text: str = "") -> None:
        """The login has failed, and the client hears why."""
        [failure] = outcome
        self.assertIsInstance(failure, Failure)
        self.assertTrue(failure.check(UnauthorizedLogin), failure)
        if text:
            self.assertEqual(failure.getErrorMessage(), text)

    def assertLoggedIn(self, outcome: list[Any]) -> None:
        """The login has led to an avatar."""
        [user] = outcome
        self.assertIsInstance(user, pb.RemoteReference)


class CountTests(AttemptCase):
    """
    C{Limits.loginAttempts}.
    """

    END = "3 logins have failed on this connection, which closes (Limits.loginAttempts is 2)"

    def setUp(self) -> None:
        super().setUp()
        self.serve(Limits(loginAttempts=2))
        self.pair = self.connect()

    def fail_(self, times: int) -> None:
        """Logins that fail."""
        for _ in range(times):
            self.assertRefused(self.begin(self.pair, WRONG))

    def test_tooMany(self) -> None:
        """One more than may fail is told so, and then the connection closes."""
        self.fail_(2)
        outcome = self.begin(self.pair, WRONG)
        self.assertEqual(outcome, [])
        self.pass_(0, self.pair)
        self.assertRefused(outcome, self.END)
        self.assertFalse(self.pair.connected)

    def test_stockClient(self) -> None:
        """A client on twisted.spread hears the same."""
        client = stock.PBClientFactory()
        self.pair = brokerPair(serverFactory=self.factory, clientFactory=client, clock=self.clock)
        self.fail_(2)
        outcome = self.begin(self.pair, WRONG)
        self.pass_(0, self.pair)
        self.assertRefused(outcome, self.END)
        self.assertFalse(self.pair.connected)

    def test_rightInTheEnd(self) -> None:
        """The login after as many failures as there may be is looked at like any."""
        self.fail_(2)
        self.assertLoggedIn(self.begin(self.pair))
        self.assertTrue(self.pair.connected)

    def test_inARow(self) -> None:
        """A login that succeeds ends the count: who uses one connection for many users goes on."""
        users = []
        for _ in range(5):
            self.fail_(2)
            users += self.begin(self.pair)
        self.assertEqual(len(users), 5)
        self.assertTrue(self.pair.connected)

    def test_none(self) -> None:
        """If none may fail, the first that does ends the connection; one that succeeds doesn't."""
        self.serve(Limits(loginAttempts=0))
        self.pair = self.connect()
        self.assertLoggedIn(self.begin(self.pair))
        self.assertEqual(self.begin(self.pair, WRONG), [])
        self.pass_(0, self.pair)
        self.assertFalse(self.pair.connected)

    def test_anonymous(self) -> None:
        """Anonymous logins that are refused count, too."""
        self.serve(Limits(loginAttempts=2), PatientChecker())
        self.pair = self.connect()
        outcomes = [self.begin(self.pair, Anonymous()) for _ in range(3)]
        self.pass_(0, self.pair)
        for [failure] in outcomes[:2]:
            self.assertTrue(failure.check(UnhandledCredentials))
        self.assertRefused(outcomes[2], self.END)
        self.assertFalse(self.pair.connected)

    def test_names(self) -> None:
        """So do names that can't be, and responses to challenges that are used up."""
        challenge, challenger = self.pair.result(self.pair.root.callRemote("login", b"ann"))
        self.pair.result(challenger.callRemote("respond", pb.respond(challenge, b"secret"), None))
        outcomes: list[list[Any]] = [[], [], []]
        for call, outcome in zip(
            (
                (self.pair.root, "login", 5),
                (challenger, "respond", b"", None),
                (challenger, "respond", b"", None),
            ),
            outcomes,
            strict=True,
        ):
            call[0].callRemote(*call[1:]).addBoth(outcome.append)
        self.pair.flush()
        self.pass_(0, self.pair)
        self.assertRefused(outcomes[0], "a user name is bytes or text, 4096 at most")
        self.assertRefused(outcomes[1], "this challenge was responded to before; ask for a new one")
        self.assertRefused(outcomes[2], self.END)
        self.assertFalse(self.pair.connected)

    def test_otherError(self) -> None:
        """An error that isn't a refusal counts, and isn't hidden by what it leads to."""
        self.realm.answer = lambda result: [][0]
        outcomes = [self.begin(self.pair) for _ in range(3)]
        self.pass_(0, self.pair)
        for [failure] in outcomes:
            self.assertTrue(failure.check(IndexError))
        self.assertFalse(self.pair.connected)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 3)

    def test_atOnce(self) -> None:
        """
        Logins in progress count as if they failed: no more are looked at than
        could fail. When it is too many, those that wait fail with them.
        """
        checker = PatientChecker()
        self.serve(Limits(loginAttempts=2), checker)
        self.pair = self.connect()
        outcomes = [self.begin(self.pair, WRONG) for _ in range(5)]
        for number in range(3):
            self.assertEqual(len(checker.asked), 3)
            checker.asked[number][1].errback(UnauthorizedLogin("no"))
            self.pair.flush()
        self.pass_(0, self.pair)
        self.assertEqual(len(checker.asked), 3)
        for outcome in outcomes[:2]:
            self.assertRefused(outcome, "no")
        for outcome in outcomes[2:]:
            self.assertRefused(outcome, self.END)
        self.assertFalse(self.pair.connected)

    def test_atOnceSucceed(self) -> None:
        """Logins that wait are looked at when others have succeeded: an honest client notices nothing."""
        checker = PatientChecker()
        self.serve(Limits(loginAttempts=2), checker)
        self.pair = self.connect()
        outcomes = [self.begin(self.pair) for _ in range(9)]
        for number in range(9):
            checker.asked[number][1].callback(b"ann")
            self.pair.flush()
        for outcome in outcomes:
            self.assertLoggedIn(outcome)

    def test_atOnceLost(self) -> None:
        """When the connection is lost, those that wait are never looked at."""
        for decide in ("callback", "errback"):
            checker = PatientChecker()
            self.serve(Limits(loginAttempts=0), checker)
            self.pair = self.connect()
            outcomes = [self.begin(self.pair) for _ in range(3)]
            self.pair.disconnect()
            what = b"ann" if decide == "callback" else UnauthorizedLogin("no")
            getattr(checker.asked[0][1], decide)(what)
            self.assertEqual(len(checker.asked), 1)
            for [failure] in outcomes:
                self.assertTrue(failure.check(pb.PBConnectionLost))
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_manyWait(self) -> None:
        """Any number of them can wait: they don't nest."""
        login, answers = Deferred[Any](), []
        attempts = Attempts(self.pair.server)
        for _ in range(3):
            attempts.run(lambda: login)
        for _ in range(3000):
            attempts.run(lambda: 5).addCallback(answers.append)
        self.assertEqual(answers, [])
        login.callback(None)
        self.assertEqual(answers, [5] * 3000)

    def test_afterTheEnd(self) -> None:
        """What comes after the end, before the connection is closed, isn't looked at."""
        self.fail_(2)
        outcome, later = self.begin(self.pair, WRONG), self.begin(self.pair)
        self.pass_(0, self.pair)
        self.assertRefused(outcome, self.END)
        self.assertRefused(later, self.END)
        self.assertEqual(self.realm.requests, [])

    def test_withoutClock(self) -> None:
        """Without a clock the connection closes as well."""
        self.pair.server.clock = None
        self.fail_(2)
        [failure] = self.begin(self.pair, WRONG)
        self.assertIsInstance(failure, Failure)
        self.assertFalse(self.pair.connected)

    def test_anyBroker(self) -> None:
        """What stands for a broker needs neither limits nor clock nor transport until too many fail."""

        def refuse() -> None:
            raise UnauthorizedLogin("no")

        attempts = Attempts(object())
        self.assertEqual(self.successResultOf(attempts.run(lambda: 5)), 5)
        for _ in range(10):
            self.failureResultOf(attempts.run(refuse), UnauthorizedLogin)

    def test_perConnection(self) -> None:
        """Connections are counted one by one."""
        for _ in range(3):
            self.pair = self.connect()
            self.fail_(2)
            self.assertTrue(self.pair.connected)

    def test_stockBroker(self) -> None:
        """Brokers of twisted.spread are held to it, too: they are cut off."""

        class Factory(pb.PBServerFactory):
            protocol = stock.Broker

        factory = Factory(portalFor(self.realm), limits=Limits())
        self.pair = brokerPair(serverFactory=factory, clock=self.clock)
        self.assertLoggedIn(self.begin(self.pair))
        self.fail_(10)
        self.begin(self.pair, WRONG)
        self.pass_(0, self.pair)
        self.assertFalse(self.pair.connected)


class DelayTests(AttemptCase):
    """
    C{Limits.loginDelay} and C{Limits.loginDelayLimit}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.serve(SLOW)
        self.pair = self.connect()

    def test_grows(self) -> None:
        """After a failure the next login waits; after two, twice as long, up to the limit."""
        self.assertRefused(self.begin(self.pair, WRONG))
        for wait in (1, 2, 4, 4, 4):
            outcome = self.begin(self.pair, WRONG)
            self.pass_(wait - 0.01, self.pair)
            self.assertEqual(outcome, [])
            self.pass_(0.01, self.pair)
            self.assertRefused(outcome)

    def test_rightPasswordsToo(self) -> None:
        """As nobody knows before who is right, the right password waits as well, and then succeeds."""
        self.begin(self.pair, WRONG)
        outcome = self.begin(self.pair)
        self.assertEqual((outcome, self.realm.requests), ([], []))
        self.pass_(1, self.pair)
        self.assertLoggedIn(outcome)

    def test_laterOn(self) -> None:
        """Who comes after the wait doesn't wait."""
        self.begin(self.pair, WRONG)
        self.pass_(1, self.pair)
        self.assertLoggedIn(self.begin(self.pair))

    def test_success(self) -> None:
        """A login that succeeds forgets nothing: guesses between one's own logins wait all the same."""
        self.begin(self.pair, WRONG)
        self.pass_(1, self.pair)
        self.begin(self.pair)
        self.begin(self.pair, WRONG)
        outcome = self.begin(self.pair, WRONG)
        self.pass_(1.99, self.pair)
        self.assertEqual(outcome, [])
        self.pass_(0.01, self.pair)
        self.assertRefused(outcome)

    def test_farm(self) -> None:
        """Where nobody fails, nobody waits."""
        for _ in range(100):
            self.assertLoggedIn(self.begin(self.connect()))

    def test_connections(self) -> None:
        """
        Guesses over many connections from one address wait for each other: one
        is looked at, its failure makes the others wait on; but nobody waits
        longer than the limit.
        """
        self.begin(self.pair, WRONG)
        pairs = [self.connect() for _ in range(10)]
        outcomes = [self.begin(pair, WRONG) for pair in pairs]
        answered = []
        for _ in range(16):
            self.pass_(0.25, *pairs)
            answered.append(sum(map(len, outcomes)))
        self.assertEqual(answered, [0] * 3 + [1] * 8 + [2] * 4 + [10])

    def test_honestBesideGuesses(self) -> None:
        """Whoever has the right password is let in after the limit, whatever others do from there."""
        self.begin(self.pair, WRONG)
        guessers = [self.connect() for _ in range(5)]
        for guesser in guessers:
            self.begin(guesser, WRONG)
        outcome = self.begin(self.pair)
        for _ in range(4):
            self.assertEqual(outcome, [])
            self.pass_(1, self.pair, *guessers)
            for guesser in guessers:
                self.begin(guesser, WRONG)
        self.assertLoggedIn(outcome)

    def test_addresses(self) -> None:
        """Other addresses don't wait."""
        self.begin(self.pair, WRONG)
        other = self.connect(IPv4Address("TCP", "192.0.2.2", 1))
        self.assertLoggedIn(self.begin(other))

    def test_unix(self) -> None:
        """On UNIX sockets, which have no address, a connection waits for its own failures."""
        first, second = self.connect(UNIXAddress(None)), self.connect(UNIXAddress(None))
        self.begin(first, WRONG)
        waiting = self.begin(first)
        self.assertEqual(waiting, [])
        self.assertLoggedIn(self.begin(second))
        self.pass_(1, first)
        self.assertLoggedIn(waiting)

    def test_anonymous(self) -> None:
        """Anonymous logins guess nothing: they don't wait, and nobody waits for them."""
        self.begin(self.pair, WRONG)
        self.assertLoggedIn(self.begin(self.pair, Anonymous()))
        self.serve(SLOW, PatientChecker())
        self.pair = self.connect()
        for _ in range(5):
            [failure] = self.begin(self.pair, Anonymous())
            self.assertTrue(failure.check(UnhandledCredentials))

    def test_lost(self) -> None:
        """Who leaves waits no more: the credentials are never looked at, and no timer remains."""
        self.begin(self.pair, WRONG)
        outcomes = [self.begin(self.pair) for _ in range(3)]
        self.pair.disconnect()
        for [failure] in outcomes:
            self.assertTrue(failure.check(pb.PBConnectionLost))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.realm.requests, [])

    def test_waited(self) -> None:
        """Who has waited leaves nothing behind that waits for the end of the connection."""
        self.begin(self.pair, WRONG)
        self.begin(self.pair, WRONG)
        self.assertEqual(len(self.pair.server.disconnects), 1)
        self.pass_(1, self.pair)
        self.assertEqual(self.pair.server.disconnects, [])

    def test_left(self) -> None:
        """A login that fails after the client has left makes nobody wait: it has learned nothing."""
        checker = PatientChecker()
        self.serve(SLOW, checker)
        pair = self.connect()
        self.begin(pair)
        pair.disconnect()
        checker.asked[0][1].errback(UnauthorizedLogin("no"))
        self.begin(self.connect())
        self.assertEqual(len(checker.asked), 2)

    def test_ownRoot(self) -> None:
        """Servers don't share what they remember."""
        self.begin(self.pair, WRONG)
        self.serve(SLOW)
        self.assertLoggedIn(self.begin(self.connect()))


class ChallengeTests(AttemptCase):
    """
    Challenges that wait for their responses.
    """

    def challenge(self, pair: BrokerPair) -> Any:
        """A challenge, and the challenger."""
        return pair.result(pair.root.callRemote("login", b"ann"))

    def respond(self, pair: BrokerPair, challenge: Any) -> list[Any]:
        """The right response."""
        outcome: list[Any] = []
        response = pb.respond(challenge[0], b"secret")
        challenge[1].callRemote("respond", response, None).addBoth(outcome.append)
        pair.flush()
        return outcome

    def test_late(self) -> None:
        """A challenge is good for as long as a login may take."""
        self.serve(Limits(loginTime=5))
        pair = self.connect()
        self.assertLoggedIn(self.begin(pair))
        early, late = self.challenge(pair), self.challenge(pair)
        self.pass_(5, pair)
        self.assertLoggedIn(self.respond(pair, early))
        self.pass_(0.01, pair)
        outcome = self.respond(pair, late)
        self.assertRefused(outcome, "this challenge is too old (Limits.loginTime); ask for a new one")

    def test_unbounded(self) -> None:
        """If a login may take for ever, so may a response."""
        self.serve(Limits(loginTime=None))
        pair = self.connect()
        challenge = self.challenge(pair)
        self.pass_(10**6, pair)
        self.assertLoggedIn(self.respond(pair, challenge))

    def test_outstanding(self) -> None:
        """Only so many may wait, before and after login; the error says which limit it is."""
        self.serve(Limits(loginTime=5, beforeLogin=BeforeLogin(references=4)))
        pair = self.connect()
        held: list[Any] = []
        for again in range(2):
            held = [self.challenge(pair) for _ in range(4)]
            with self.assertRaises(pb.Error) as caught:
                self.challenge(pair)
            self.assertSubstring("4 challenges wait", str(caught.exception))
            self.assertSubstring("(Limits.beforeLogin.references)", str(caught.exception))
            self.assertTrue(pair.connected)
            if not again:
                self.assertLoggedIn(self.respond(pair, held.pop()))
                held.clear()
                pair.flush()
        self.assertLoggedIn(self.respond(pair, held.pop()))
        held.append(self.challenge(pair))
        self.assertRaises(pb.Error, self.challenge, pair)
        self.pass_(5.01, pair)
        self.challenge(pair)

    def test_forgotten(self) -> None:
        """Those that the client has forgotten don't count."""
        self.serve(Limits(beforeLogin=BeforeLogin(references=4)))
        pair = self.connect()
        for _ in range(50):
            self.challenge(pair)
            pair.flush()


class WholePathTests(AttemptCase):
    """
    What a login may and may not lead to.
    """

    def test_noDifference(self) -> None:
        """An unknown user is answered as a known one with a wrong password is, to the byte."""
        answers = []
        for name in (b"ann", b"nobody"):
            self.serve(Limits())
            pair = self.connect()
            challenge = pair.result(pair.root.callRemote("login", name))
            self.assertEqual(len(challenge[0]), 16)
            challenge[1].callRemote("respond", b"\x00" * 16, None).addErrback(lambda failure: None)
            pair._move(pair.clientTransport, pair.server, None)
            answers.append(bytes(pair.serverTransport.written))
            self.assertTrue(answers[-1])
            pair.flush()
        self.assertEqual(*answers)

    def test_twoAtOnce(self) -> None:
        """Two logins at once on one connection are two avatars, each with a logout of its own."""
        checker = PatientChecker()
        self.serve(Limits(), checker)
        pair = self.connect()
        first, second = self.begin(pair, ANN), self.begin(pair, BOB)
        self.assertEqual([name for name, _ in checker.asked], [b"ann", b"bob"])
        for name, decision in reversed(checker.asked):
            decision.callback(name)
            pair.flush()
        self.assertEqual(
            [pair.result(user.callRemote("whoAmI")) for user in (*first, *second)], [b"ann", b"bob"]
        )
        pair.disconnect()
        self.assertEqual(sorted(self.realm.logouts), [b"ann", b"bob"])

    def test_again(self) -> None:
        """A login after a login gives a further avatar; the first one stays."""
        self.serve(Limits())
        pair = self.connect()
        first, second = self.begin(pair, ANN), self.begin(pair, BOB)
        self.assertEqual(pair.result(first[0].callRemote("whoAmI")), b"ann")
        self.assertEqual(pair.result(second[0].callRemote("whoAmI")), b"bob")

    def test_noAvatar(self) -> None:
        """What the realm has let in, and what can't be an avatar, is logged out at once."""
        self.serve(Limits())
        self.realm.make = lambda avatarId: object()
        pair = self.connect()
        [failure] = self.begin(pair)
        self.assertTrue(failure.check(AttributeError))
        self.assertEqual(self.realm.logouts, [b"ann"])
        pair.disconnect()
        self.assertEqual(self.realm.logouts, [b"ann"])
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_lostMeanwhile(self) -> None:
        """If the connection is lost before the checker decides, the avatar is logged out, once."""
        checker = PatientChecker()
        self.serve(Limits(), checker)
        pair = self.connect()
        outcome = self.begin(pair)
        pair.disconnect()
        checker.asked[0][1].callback(b"ann")
        self.assertTrue(outcome[0].check(pb.PBConnectionLost))
        self.assertEqual(self.realm.logouts, [b"ann"])

    def test_nothingElse(self) -> None:
        """Until the login is done, no method of the application's can be called, by whatever way."""
        called: list[Any] = []

        class Open(User):
            def remote_call(self, *args: Any) -> None:
                called.append(args)

            perspective_call = view_call = observe_call = remote_call

        checker = PatientChecker()
        self.realm.make = Open
        self.serve(Limits(), checker)
        pair = self.connect()
        self.begin(pair)
        for name in ("call", "rootObject", "requestAvatar", "_cbLogin", "broker", "portal", "_attempts"):
            for target in (pair.root, pair.client.remoteForName("portal")):
                refused = target.callRemote(name)
                pair.flush()
                self.failureResultOf(refused)
        for luid in range(5):
            answer = pair.client._sendMessage(b"", None, luid, b"call", (), {})
            pair.flush()
            self.failureResultOf(answer)
        self.assertEqual(called, [])
        self.flushLoggedErrors()

    def test_portalOnly(self) -> None:
        """All this is for roots that are a portal; programs with a login of their own keep it."""

        class Own(pb.Referenceable, pb._JellyableAvatarMixin):
            def __init__(self, portal: Portal, broker: Any) -> None:
                self.portal, self.broker = portal, broker

            def remote_enter(self) -> Any:
                answer = self.portal.login(Anonymous(), None, pb.IPerspective)
                return answer.addCallback(self._cbLogin)

        class Door(pb.Root):
            def rootObject(self, broker: Any) -> Any:
                return Own(portalFor(realm), broker)

        realm = self.realm
        pair = brokerPair(Door())
        user = pair.result(pair.root.callRemote("enter"))
        self.assertEqual(pair.result(user.callRemote("whoAmI")), ())
        pair.disconnect()
        self.assertEqual(realm.logouts, [()])

"""
Tests for L{myspread.pb.Budget}: what an avatar may cost.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.spread import pb as stock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from myspread import pb
from myspread._peer import budgets
from myspread.testing import BrokerPair

ANN = UsernamePassword(b"ann", b"secret")
BOB = UsernamePassword(b"bob", b"hidden")


class Clerk(pb.Avatar):
    """
    Works for somebody.

    @ivar waiting: what hasn't been answered.
    """

    budget: pb.Budget | None = None

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[Any]] = []
        self.ran = 0

    def perspective_echo(self, value: Any) -> Any:
        """Return C{value}."""
        self.ran += 1
        return value

    def perspective_later(self) -> Deferred[Any]:
        """Answer when the test says so."""
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def perspective_things(self, count: int) -> list[pb.Referenceable]:
        """Lend something."""
        return [pb.Referenceable() for _ in range(count)]


@implementer(IRealm)
class Office:
    """
    Gives everybody one clerk for all their connections.

    @ivar clerks: by avatar id.
    """

    def __init__(self) -> None:
        self.clerks: dict[Any, Clerk] = {}

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The clerk."""
        clerk = self.clerks.setdefault(avatarId, Clerk())
        return pb.IPerspective, clerk, lambda: None


class BudgetCase(SynchronousTestCase):
    """
    A server with a budget.
    """

    def serve(self, budget: pb.Budget | None) -> None:
        """Serve with a budget for everybody."""
        self.clock = Clock()
        self.office = Office()
        users = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret", bob=b"hidden")
        portal = Portal(self.office, [users, AllowAnonymousAccess()])
        self.factory = pb.PBServerFactory(portal, clock=self.clock, budget=budget)

    def enter(self, credentials: Any = ANN, module: Any = pb) -> tuple[BrokerPair, Any]:
        """A new connection, and the avatar on it."""
        clientFactory = module.PBClientFactory()
        pair = BrokerPair(self.factory, clientFactory, self.clock)
        pair.flush()
        return pair, pair.result(clientFactory.login(credentials))

    def call(self, pair: BrokerPair, avatar: Any, *words: Any) -> Any:
        """The result of a call; None where it waits."""
        result = avatar.callRemote(*words)
        pair.flush()
        return result

    def refused(self, pair: BrokerPair, avatar: Any, *words: Any) -> str:
        """The text of the error of a call that goes beyond the budget."""
        result = self.call(pair, avatar, *words)
        failure = self.failureResultOf(result, "myspread.pb.BudgetExceeded")
        self.assertTrue(failure.check("twisted.spread.pb.Error"))
        return failure.getErrorMessage()


class CallsTests(BudgetCase):
    """
    How many calls.
    """

    def test_inProgress(self) -> None:
        """
        So many calls are in progress at once, on all connections of the avatar
        together; others wait for nothing.
        """
        self.serve(pb.Budget(callsInProgress=2))
        pair, avatar = self.enter()
        second, twin = self.enter()
        other, bob = self.enter(BOB)
        self.call(pair, avatar, "later")
        waiting = self.call(second, twin, "later")
        self.assertEqual(
            self.refused(pair, avatar, "echo", 1),
            "2 calls are in progress for 'ann', Budget.callsInProgress = 2: wait for some of their answers",
        )
        self.refused(second, twin, "later")
        self.assertEqual(other.result(bob.callRemote("echo", 1)), 1)
        self.office.clerks[b"ann"].waiting[1].callback("now")
        second.flush()
        self.assertEqual(self.successResultOf(waiting), "now")
        self.assertEqual(pair.result(avatar.callRemote("echo", 2)), 2)

    def test_lostConnections(self) -> None:
        """Methods go on although their connection is lost: so they count until they have ended."""
        self.serve(pb.Budget(callsInProgress=1))
        pair, avatar = self.enter()
        waiting = self.call(pair, avatar, "later")
        pair.disconnect()
        self.failureResultOf(waiting, pb.PBConnectionLost)
        pair, avatar = self.enter()
        self.refused(pair, avatar, "echo", 1)
        self.office.clerks[b"ann"].waiting[0].callback(None)
        self.assertEqual(pair.result(avatar.callRemote("echo", 2)), 2)

    def test_perSecond(self) -> None:
        """What was saved can be spent at once; then there is so much per second."""
        self.serve(pb.Budget(callsPerSecond=2, burst=3))
        pair, avatar = self.enter()
        second, twin = self.enter()
        for number in range(3):
            self.assertEqual(pair.result(avatar.callRemote("echo", number)), number)
            self.assertEqual(second.result(twin.callRemote("echo", number)), number)
        for _ in range(3):
            self.assertEqual(
                self.refused(pair, avatar, "echo", 1),
                "too many calls were made for 'ann', Budget.callsPerSecond = 2: wait for 0.5 s",
            )
        self.assertEqual(self.office.clerks[b"ann"].ran, 6)
        self.clock.advance(0.5)
        self.assertEqual(pair.result(avatar.callRemote("echo", 9)), 9)
        self.refused(pair, avatar, "echo", 1)
        self.clock.advance(1000)
        for _ in range(6):
            pair.result(avatar.callRemote("echo", 0))
        self.refused(pair, avatar, "echo", 1)

    def test_reconnecting(self) -> None:
        """Who leaves and comes again has spent what they have spent, for as long as that matters."""
        self.serve(pb.Budget(callsPerSecond=1, burst=2))
        pair, avatar = self.enter()
        for _ in range(2):
            pair.result(avatar.callRemote("echo", 0))
        pair.disconnect()
        pair, avatar = self.enter()
        self.refused(pair, avatar, "echo", 1)
        pair.disconnect()
        accounts = self.factory._accounts
        self.assertIsNotNone(accounts.find("ann"))
        self.clock.advance(2)
        pair, avatar = self.enter(BOB)
        pair.disconnect()
        self.assertIsNone(accounts.find("ann"))
        self.assertIsNone(accounts.find("bob"))

    def test_rememberedAreBounded(self) -> None:
        """So many that have left are remembered."""
        self.patch(budgets, "REMEMBERED", 1)
        self.serve(pb.Budget(callsPerSecond=1))
        for who in (ANN, BOB):
            pair, avatar = self.enter(who)
            pair.result(avatar.callRemote("echo", 0))
            pair.disconnect()
        accounts = self.factory._accounts
        self.assertEqual((accounts.find("ann"), accounts.find("bob").avatarId), (None, "bob"))

    def test_unansweredCalls(self) -> None:
        """A call that wants no answer isn't run either."""
        self.serve(pb.Budget(callsPerSecond=1, burst=0))
        pair, avatar = self.enter()
        for _ in range(5):
            avatar.callRemote("echo", 1, pbanswer=False)
        pair.flush()
        self.assertEqual(self.office.clerks[b"ann"].ran, 1)
        self.assertTrue(pair.connected)

    def test_pings(self) -> None:
        """Pings cost nothing, and are answered whatever was spent."""
        self.serve(pb.Budget(callsPerSecond=1, burst=0))
        pair, avatar = self.enter()
        for _ in range(3):
            self.assertTrue(pair.client._peer.ping())
            pair.flush()
            self.assertFalse(pair.client._peer.pinging)
        self.assertEqual(pair.result(avatar.callRemote("echo", 1)), 1)

    def test_stockClients(self) -> None:
        """A client of C{twisted.spread} gets an error that it can trap, and nothing is logged."""
        self.serve(pb.Budget(callsPerSecond=1, burst=0))
        pair, avatar = self.enter(module=stock)
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.assertEqual(pair.result(avatar.callRemote("echo", 1)), 1)
        result = self.call(pair, avatar, "echo", 2)
        failure = self.failureResultOf(result, stock.Error)
        self.assertIn("Budget.callsPerSecond = 1", failure.getErrorMessage())
        self.assertEqual(events, [])

    def test_anonymous(self) -> None:
        """Of those who are anonymous nobody knows whether they are the same: each connection has its own."""
        self.serve(pb.Budget(callsPerSecond=1, burst=0))
        for _ in range(2):
            pair, avatar = self.enter(Anonymous())
            self.assertEqual(pair.result(avatar.callRemote("echo", 1)), 1)
            self.assertIn("for 'anonymous'", self.refused(pair, avatar, "echo", 1))

    def test_without(self) -> None:
        """Without a budget there is no account."""
        self.serve(None)
        pair, avatar = self.enter()
        self.assertIsNone(pair.server._peer.account)
        self.assertIsNone(self.factory._accounts)


class ReferencesTests(BudgetCase):
    """
    How many references.
    """

    def test_references(self) -> None:
        """An answer that would lend one more fails; it counts on all connections, and lends nothing."""
        self.serve(pb.Budget(references=4))
        pair, avatar = self.enter()
        second, twin = self.enter()
        kept = pair.result(avatar.callRemote("things", 2))
        self.assertEqual(
            self.refused(second, twin, "things", 1),
            "4 objects are lent for 'ann', Budget.references = 4: forget some of them",
        )
        self.refused(pair, avatar, "things", 3)
        self.assertEqual(pair.server._peer.violations, 0)
        del kept[0]
        pair.flush()
        self.assertEqual(len(second.result(twin.callRemote("things", 1))), 1)

    def test_login(self) -> None:
        """The avatar is one of them, so there may be no room for a login more."""
        self.serve(pb.Budget(references=2))
        pair, avatar = self.enter()
        clientFactory = pb.PBClientFactory()
        second = BrokerPair(self.factory, clientFactory, self.clock)
        second.flush()
        login = clientFactory.login(ANN)
        second.flush()
        self.failureResultOf(login, pb.BudgetExceeded)
        self.assertEqual(pair.result(avatar.callRemote("echo", 1)), 1)


class BytesTests(BudgetCase):
    """
    How many bytes.
    """

    def test_bytes(self) -> None:
        """Bytes both ways count; who owes some is refused until they are paid off."""
        self.serve(pb.Budget(bytesPerSecond=1000, burst=10))
        pair, avatar = self.enter()
        self.assertEqual(len(pair.result(avatar.callRemote("echo", b"x" * 8000))), 8000)
        text = self.refused(pair, avatar, "echo", 1)
        self.assertRegex(
            text,
            r"^6\d\d\d bytes more were received and sent for 'ann',"
            r" Budget.bytesPerSecond = 1000: wait for 6\.\d s$",
        )
        self.clock.advance(5)
        self.refused(pair, avatar, "echo", 1)
        self.clock.advance(5)
        self.assertEqual(pair.result(avatar.callRemote("echo", 1)), 1)

    def test_onlyWhereTheyCount(self) -> None:
        """Brokers whose bytes don't count have nothing in between."""
        self.serve(pb.Budget(callsPerSecond=1000))
        pair, _ = self.enter()
        self.assertNotIn("dataReceived", vars(pair.server))


class AdjustingTests(BudgetCase):
    """
    Budgets of single avatars.
    """

    def test_setBudget(self) -> None:
        """One avatar's can be set, while it is there, and is kept for later; others keep theirs."""
        self.serve(None)
        pair, avatar = self.enter()
        # Too late for this connection: it has no account.
        self.factory.setBudget("ann", pb.Budget(callsInProgress=0))
        second, twin = self.enter()
        self.refused(second, twin, "echo", 1)
        self.factory.setBudget("ann", pb.Budget(callsInProgress=1, bytesPerSecond=10_000, burst=1))
        self.assertEqual(len(second.result(twin.callRemote("echo", b"x" * 9000))), 9000)
        self.assertIn("bytes", self.refused(second, twin, "echo", 1))
        self.factory.setBudget("ann", None)
        self.assertEqual(second.result(twin.callRemote("echo", 1)), 1)
        other, bob = self.enter(BOB)
        self.assertIsNone(other.server._peer.account)

    def test_avatars(self) -> None:
        """An avatar may have one of its own, which stands before the factory's and behind a set one."""
        self.serve(pb.Budget(callsInProgress=0))
        self.patch(Clerk, "budget", pb.Budget(callsInProgress=1))
        pair, avatar = self.enter()
        self.assertEqual(pair.result(avatar.callRemote("echo", 1)), 1)
        self.factory.setBudget("ann", pb.Budget(callsInProgress=0))
        self.refused(pair, avatar, "echo", 1)

    def test_secondLogin(self) -> None:
        """On a connection with several logins, the latest counts."""
        self.serve(None)
        self.factory.setBudget("bob", pb.Budget(callsInProgress=0))
        pair, avatar = self.enter()
        bob = pair.result(pair.clientFactory.login(BOB))
        self.refused(pair, bob, "echo", 1)
        self.refused(pair, avatar, "echo", 1)


class FieldTests(SynchronousTestCase):
    """
    What a budget is made of.
    """

    def test_senseless(self) -> None:
        """A bound that is no number, or negative, is refused with its name."""
        for name in ("callsInProgress", "callsPerSecond", "references", "bytesPerSecond", "burst"):
            for value in (-1, float("nan"), "5"):
                error = self.assertRaises(ValueError, pb.Budget, **{name: value})
                self.assertIn(f"Budget.{name} must be a", str(error))
        self.assertRaises(ValueError, pb.Budget, burst=None)
        self.assertRaises(ValueError, pb.Budget, references=1.5)

    def test_bucket(self) -> None:
        """A bucket without inflow is never full again."""
        bucket = budgets.Bucket(0.0, 5.0, 0.0)
        bucket.spend(5, 0.0)
        self.assertEqual(bucket.wait(1.0, 100.0), float("inf"))
        bucket.changed(1.0, 5.0, 100.0)
        self.assertEqual(bucket.wait(1.0, 100.0), 1.0)

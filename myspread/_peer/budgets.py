"""
L{Budget}: what one avatar may cost, whatever connections it has.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from twisted.internet.interfaces import IReactorTime

from myspread._errors import BudgetExceeded

__all__ = ["Account", "Accounts", "Bucket", "Budget"]

Find = Callable[[Any], Any]

REMEMBERED = 10_000
"""Accounts that are kept of those who have left, and haven't got everything back that they have spent."""


@dataclass(frozen=True)
class Budget:
    """
    What somebody who has logged in may cost, on all of their connections
    together. A call that goes beyond fails with L{BudgetExceeded}; nothing else
    does.

    None is no bound, and so is no budget at all. C{Limits} hold for each
    connection besides.
    """

    callsInProgress: int | None = None
    """
    Calls whose methods haven't returned their results yet; those of connections
    that are lost meanwhile, too.
    """

    callsPerSecond: float | None = None
    """Calls per second that are run. Those that are refused don't count."""

    references: int | None = None
    """
    Objects that are lent at once, and C{Cacheable}s that are cached: the
    avatar is one of them, on each connection, and while a login lasts its
    challenge is.
    """

    bytesPerSecond: int | None = None
    """
    Bytes per second, of all that arrives and all that is sent. What was
    received and sent is never taken back: calls fail until it is paid off.
    """

    burst: float = 5.0
    """
    Seconds whose calls and bytes may be spent at once, by somebody who has
    saved them; one call in any case.
    """

    def __post_init__(self) -> None:
        """
        @raise ValueError: when a bound is no number, or negative; or when there
            would be nothing to spend, ever.
        """
        for each in fields(self):
            value = getattr(self, each.name)
            kinds = (int,) if str(each.type).startswith("int") else (int, float)
            if value is None and each.name != "burst":
                continue
            # No comparison is true of a NaN.
            if not isinstance(value, kinds) or not value >= 0:
                kind = "an integer" if kinds == (int,) else "a number"
                none = "" if each.name == "burst" else ", or None"
                raise ValueError(f"Budget.{each.name} must be {kind} from 0 on{none}, not {value!r}")


class Bucket:
    """
    What can be spent: it fills up with time, and overflows.

    @ivar rate: by how much it fills up in a second.
    @ivar most: what it holds.
    """

    __slots__ = ("_left", "_since", "most", "rate")

    def __init__(self, rate: float, most: float, now: float) -> None:
        self.rate = rate
        self.most = most
        self._left = most
        self._since = now

    def left(self, now: float) -> float:
        """What can be spent now; what is owed, below 0."""
        self._left = min(self.most, self._left + max(0.0, now - self._since) * self.rate)
        self._since = now
        return self._left

    def spend(self, amount: float, now: float) -> None:
        """Spend something, also what isn't there."""
        self._left = self.left(now) - amount

    def wait(self, amount: float, now: float) -> float:
        """The seconds until so much can be spent."""
        missing = amount - self.left(now)
        return max(0.0, missing / self.rate) if self.rate else float("inf")

    def changed(self, rate: float, most: float, now: float) -> None:
        """From now on it fills up otherwise."""
        self._left = min(self.left(now), most)
        self.rate, self.most = rate, most


class Account:
    """
    What one avatar spends, on all of its connections.

    @ivar avatarId: whose it is.
    @ivar budget: what may be spent.
    @ivar refused: how many calls went beyond it.
    """

    __slots__ = ("_brokers", "_bytes", "_calls", "_clock", "_orphaned", "avatarId", "budget", "refused")

    def __init__(self, avatarId: str, budget: Budget, clock: IReactorTime | None) -> None:
        """
        @param clock: without one nothing counts per second.
        """
        self.avatarId = avatarId
        self.refused = 0
        self._clock = clock
        self._brokers: dict[Any, None] = {}
        # Calls of connections that are lost: their methods are still running.
        self._orphaned: list[Any] = []
        self._calls: Bucket | None = None
        self._bytes: Bucket | None = None
        self.budget = budget
        self.change(budget)

    def _now(self) -> float:
        return 0.0 if self._clock is None else self._clock.seconds()

    def change(self, budget: Budget) -> None:
        """Another budget holds from now on. What was spent remains spent."""
        self.budget = budget
        self._calls = self._bucket(self._calls, budget.callsPerSecond, 1.0)
        self._bytes = self._bucket(self._bytes, budget.bytesPerSecond, 0.0)
        for broker in self._brokers:
            self._count(broker)

    def _bucket(self, bucket: Bucket | None, rate: float | None, least: float) -> Bucket | None:
        if rate is None or self._clock is None:
            return None
        now, most = self._now(), max(least if rate else 0.0, rate * self.budget.burst)
        if bucket is None:
            return Bucket(rate, most, now)
        bucket.changed(rate, most, now)
        return bucket

    # Connections

    def enter(self, broker: Any) -> None:
        """A connection of this avatar's."""
        self._brokers[broker] = None
        broker._peer.account = self
        self._count(broker)

    def leave(self, broker: Any) -> None:
        """It has ended, or is somebody else's now."""
        self._brokers.pop(broker, None)
        broker._peer.account = None
        calls = broker._peer.incoming
        if broker.disconnected and calls.inProgress:
            self._orphaned.append(calls)

    @property
    def isUsed(self) -> bool:
        """Whether there are connections."""
        return bool(self._brokers)

    def isFull(self) -> bool:
        """Whether nothing is known of it that a new one wouldn't have."""
        now = self._now()
        return not self._running() and all(
            bucket is None or bucket.left(now) >= bucket.most for bucket in (self._calls, self._bytes)
        )

    def _running(self) -> int:
        """How many calls are in progress."""
        self._orphaned = [calls for calls in self._orphaned if calls.inProgress]
        everything = [*self._orphaned, *(broker._peer.incoming for broker in self._brokers)]
        running: int = sum(calls.inProgress for calls in everything)
        return running

    def _count(self, broker: Any) -> None:
        """Let bytes count, where they do."""
        if self._bytes is not None and "_countsBytes" not in vars(broker):
            _countBytes(broker)

    # What is spent

    def spendBytes(self, count: int) -> None:
        """Bytes have arrived, or are sent."""
        if self._bytes is not None:
            self._bytes.spend(count, self._now())

    def refusal(self) -> BudgetExceeded | None:
        """Why one more call isn't run; None where it is, which is spent then."""
        budget, now = self.budget, self._now()
        if budget.callsInProgress is not None:
            running = self._running()
            if running >= budget.callsInProgress:
                return self._exceeded(
                    "callsInProgress", f"{running} calls are in progress", "wait for some of their answers"
                )
        if self._bytes is not None and self._bytes.left(now) < 0:
            seconds = self._bytes.wait(0.0, now)
            what = f"{-self._bytes.left(now):.0f} bytes more were received and sent"
            return self._exceeded("bytesPerSecond", what, _waiting(seconds))
        if self._calls is not None:
            if self._calls.left(now) < 1:
                seconds = self._calls.wait(1.0, now)
                return self._exceeded("callsPerSecond", "too many calls were made", _waiting(seconds))
            self._calls.spend(1, now)
        return None

    def within(self, find: Find) -> Find:
        """
        A way to find the object of a call, for calls that the budget allows.

        @param find: gives the object of an id, or None.
        """

        def found(luid: Any) -> Any:
            target = find(luid)
            # Pings, say, call nobody.
            error = None if target is None else self.refusal()
            if error is not None:
                raise error
            return target

        return found

    def checkReferences(self) -> None:
        """
        One more object is about to be lent.

        @raise BudgetExceeded: when there are as many as there may be.
        """
        most = self.budget.references
        if most is None:
            return
        lent = sum(map(_lentOn, self._brokers))
        if lent >= most:
            raise self._exceeded("references", f"{lent} objects are lent", "forget some of them")

    def _exceeded(self, field: str, what: str, advice: str) -> BudgetExceeded:
        self.refused += 1
        return BudgetExceeded.of(self.avatarId, field, getattr(self.budget, field), what, advice)


def _lentOn(broker: Any) -> int:
    """How many objects are lent or cached on a connection, but for named ones."""
    peer = broker._peer
    return len(peer.references.luids) + len(peer.caches.given)


def _waiting(seconds: float) -> str:
    return "nothing helps" if seconds == float("inf") else f"wait for {seconds:.2g} s"


def _countBytes(broker: Any) -> None:
    """
    Stand between a broker and its transport. Brokers whose bytes don't matter
    pay nothing.
    """
    receive, write = broker.dataReceived, broker._write

    def dataReceived(data: bytes) -> None:
        account = broker._peer.account
        if account is not None:
            account.spendBytes(len(data))
        receive(data)

    def writing(data: bytes) -> None:
        account = broker._peer.account
        if account is not None:
            account.spendBytes(len(data))
        write(data)

    broker._countsBytes = True
    broker.dataReceived = dataReceived
    broker._write = writing


class Accounts:
    """
    The accounts of those who have logged in at one server factory.
    """

    __slots__ = ("_budgets", "_left", "_open")

    def __init__(self) -> None:
        self._open: dict[str, Account] = {}
        # Of those without connections, in the order in which they have left.
        self._left: OrderedDict[str, Account] = OrderedDict()
        # What was set for single avatars.
        self._budgets: dict[str, Budget | None] = {}

    def set(self, avatarId: str, budget: Budget | None) -> None:
        """A budget for one avatar, now and for later; None for no bounds."""
        self._budgets[avatarId] = budget
        account = self.find(avatarId)
        if account is not None:
            account.change(budget or Budget())

    def find(self, avatarId: str) -> Account | None:
        """The account of an avatar; None where none has been needed."""
        return self._open.get(avatarId) or self._left.get(avatarId)

    def enter(self, broker: Any, avatarId: str, isSomebody: bool, budget: Budget | None) -> None:
        """
        Somebody has logged in.

        @param isSomebody: whether all connections with this avatar id are of
            one and the same; of those that are anonymous nobody knows.
        @param budget: what holds where none was L{set}.
        """
        self.leave(broker)
        budget = self._budgets.get(avatarId, budget)
        known = isSomebody and (avatarId in self._budgets or self.find(avatarId) is not None)
        if budget is None and not known:
            return
        if not isSomebody:
            Account(avatarId, budget or Budget(), broker.clock).enter(broker)
            return
        found = self._left.pop(avatarId, None) or self._open.get(avatarId)
        if found is None:
            found = Account(avatarId, budget or Budget(), broker.clock)
        elif found.budget != (budget or Budget()):
            found.change(budget or Budget())
        self._open[avatarId] = found
        found.enter(broker)

    def leave(self, broker: Any) -> None:
        """A connection has ended. What its avatar has spent is remembered, until it would be paid off."""
        account: Account | None = broker._peer.account
        if account is None:
            return
        account.leave(broker)
        if account.isUsed or self._open.get(account.avatarId) is not account:
            return
        del self._open[account.avatarId]
        self._left[account.avatarId] = account
        while self._left:
            first = next(iter(self._left.values()))
            if len(self._left) <= REMEMBERED and not first.isFull():
                break
            del self._left[first.avatarId]

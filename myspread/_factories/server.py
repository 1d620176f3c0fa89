"""
L{PBServerFactory}.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ServerFactory
from twisted.logger import Logger

from myspread._factories.admission import Admission, Refused
from myspread._factories.draining import Drain, abort
from myspread._factories.reactor import theReactor
from myspread._flavors.describing import DESCRIBER, Describer
from myspread._jelly import globalSecurity
from myspread._login.reception import Md5
from myspread._login.server import PortalRoot
from myspread._net.broker import Broker
from myspread._net.together import Together
from myspread._peer import LogBudget, sharedLogBudget
from myspread._peer.budgets import Accounts, Budget
from myspread._peer.events import emit, limitIn
from myspread._peer.watch import Watch
from myspread.interfaces import IPBRoot
from myspread.limits import Limits, defaultLimits
from myspread.security import ITaster

__all__ = ["PBServerFactory"]

_log = Logger()

_describer = Describer()


def _rootFor(root: Any, md5: Md5) -> Any:
    # Adapting a portal would give the login of twisted.spread.
    return PortalRoot(root, md5=md5) if isinstance(root, Portal) else IPBRoot(root)


class PBServerFactory(ServerFactory):
    """
    Serves a root object, or the avatars behind a portal.

    @ivar root: provides L{IPBRoot}.
    @ivar unsafeTracebacks: whether peers are sent tracebacks.
    @ivar security: the policy.
    @ivar limits: what one connection may cost, and how many there may be; None
        for the defaults.
    @ivar budget: what each of those who log in may cost, or None.
    @ivar watch: a L{Watch<myspread.pb.Watch>} that is told what happens, or None.
    @cvar protocol: what brokers are made with.
    """

    unsafeTracebacks: Any = False
    protocol: Any = Broker
    # For subclasses that don't call __init__.
    security: ITaster = globalSecurity
    limits: Limits | None = None
    watch: Watch | None = None
    _clock: Any = None
    _admission: Admission | None = None
    _logBudget: LogBudget | None = None
    _together: Together | None = None
    _drain: Drain | None = None
    budget: Budget | None = None
    _accounts: Accounts | None = None

    def __init__(
        self,
        root: Any = None,
        unsafeTracebacks: Any = False,
        security: ITaster | None = None,
        *,
        portal: Portal | None = None,
        limits: Limits | None = None,
        clock: Any = None,
        md5: Md5 = "anywhere",
        budget: Budget | None = None,
    ) -> None:
        """
        @param root: a provider of L{IPBRoot}, something that can be adapted to
            it, or a L{Portal}.
        @param unsafeTracebacks: whether to send tracebacks to peers. They tell
            paths and code.
        @param security: the policy; by default C{globalSecurity}.
        @param portal: a portal to serve, in place of C{root}.
        @param limits: what one connection may cost.
        @param clock: provides C{IReactorTime}; by default, each connection has
            the reactor of its transport.
        @param md5: from where logins with MD5 are taken, which are all that
            clients on C{twisted.spread} know: C{"anywhere"}; C{"local"}, from
            this machine only; or C{"never"}. Where the root is a portal.
        @param budget: what each of those who log in may cost, on all of their
            connections together; None for no bounds. An avatar that has a
            L{Budget<myspread.pb.Budget>} as its attribute C{budget} has that one.
        @raise TypeError: when there is no root, or it is no root.
        """
        if (root is None) is (portal is None):
            raise TypeError("PBServerFactory needs a root or a portal, and not both")
        self.root = _rootFor(portal if root is None else root, md5)
        self.unsafeTracebacks = unsafeTracebacks
        self.security = globalSecurity if security is None else security
        self.limits = limits
        self._clock = clock
        self.budget = budget

    def buildProtocol(self, addr: Any) -> Any:
        """
        A broker for a new connection, with the root object lent; or a protocol
        that closes the connection, where the limits have no room for it, or the
        server is being stopped.
        """
        reason = self.admission.refusal(self.limits or defaultLimits(), addr)
        if self._drain is not None:
            reason = "the server is being stopped"
        if reason is not None:
            self.connectionRefused(addr, reason)
            return Refused()
        broker = self.protocol(isClient=False, security=self.security)
        broker.factory = self
        broker.clock = self._clock
        if self._together is None:
            self._together = Together()
        broker.together = self._together
        if self.limits is not None:
            broker.limits = self.limits
        broker.setNameForLocal("root", self.root.rootObject(broker))
        if getattr(self.security, "describing", False):
            broker.setNameForLocal(DESCRIBER, _describer)
        return broker

    # The end

    def drain(self, seconds: float = 30.0) -> Deferred[int]:
        """
        Close all connections, in order. Whoever listens with this factory should
        stop to do so before; what still connects is refused.

        Clients that want to know, such as persistent sessions, are told, and
        connect elsewhere. A connection is closed once no call is in progress on it
        and the client was silent for a moment; its answers are sent before. In the
        first half of the time, calls that clients still make are run and answered;
        in the second half they fail with L{ServerLeaving<myspread.pb.ServerLeaving>},
        and nobody waits for silence. After all of the time, connections are closed
        even if calls are in progress on them.

        @param seconds: how long calls may go on.
        @return: a Deferred that fires when no connection is left, with the number
            of those that were closed while calls were in progress on them. After
            that, the factory takes connections again.
        """
        if self._drain is not None:
            return self._drain.whenDone()
        clock = self._clock or theReactor()
        self._drain = Drain(self.admission, clock, seconds, (self.limits or defaultLimits()).closingTime)
        done = self._drain.whenDone()
        done.addCallback(self._drained)
        self._drain.begin()
        return done

    @property
    def isDraining(self) -> bool:
        """Whether a L{drain} goes on."""
        return self._drain is not None

    def _drained(self, unfinished: int) -> int:
        self._drain = None
        return unfinished

    def closeAll(self) -> None:
        """Close all connections at once, whatever is in progress on them. A L{drain} ends with that."""
        for broker in self.admission.brokers:
            abort(broker.transport)

    def clientConnectionMade(self, protocol: Any) -> None:
        """A connection is ready. Subclasses may override this."""

    # Which connections there are. Subclasses that override these call them.

    @property
    def admission(self) -> Admission:
        """Counts the connections."""
        if self._admission is None:
            self._admission = Admission()
        return self._admission

    def _budgetFor(self, clock: Any) -> LogBudget:
        if self._logBudget is None:
            self._logBudget = sharedLogBudget(self.limits or defaultLimits(), clock)
        return self._logBudget

    def connectionRefused(self, address: Any, reason: str) -> None:
        """
        A connection was not taken: the log says so, as often as its budget
        allows.

        @param address: where it came from.
        """
        budget = self._budgetFor(self._clock)
        emit(budget, _log, "refused", peer=address, reason=reason, limit=limitIn(reason))
        if self.watch is not None:
            self.watch.refused(reason)

    # Budgets

    @property
    def _allAccounts(self) -> Accounts:
        if self._accounts is None:
            self._accounts = Accounts()
        return self._accounts

    def setBudget(self, avatarId: str, budget: Budget | None) -> None:
        """
        Give one avatar a budget of its own, now and whenever it logs in, in
        place of what the realm or this factory has for it.

        @param avatarId: who, as text: what the checker returns.
        @param budget: a L{Budget<myspread.pb.Budget>}; None for no bounds.
        """
        self._allAccounts.set(avatarId, budget)

    def brokerLoggedIn(self, broker: Any, avatar: Any) -> None:
        """
        Somebody has logged in.

        @param avatar: what the realm has for them.
        """
        if broker.avatarId is not None:
            own = getattr(avatar, "budget", None)
            budget = own if isinstance(own, Budget) else self.budget
            if budget is not None or self._accounts is not None:
                isSomebody = broker.mechanism != "anonymous"
                self._allAccounts.enter(broker, broker.avatarId, isSomebody, budget)

    def brokerConnected(self, broker: Any) -> None:
        """A connection has begun."""
        self.admission.connected(broker)
        broker.logBudget = self._budgetFor(broker.clock)
        if self.watch is not None:
            broker.watch = self.watch
            self.watch.connected(broker)

    def brokerOpened(self, broker: Any) -> None:
        """
        A connection has done its handshake, and its login where the root is a
        portal.
        """
        self.admission.opened(broker)

    def brokerLost(self, broker: Any, reason: Any) -> None:
        """A connection is lost."""
        self.admission.lost(broker)
        if self._accounts is not None:
            self._accounts.leave(broker)
        if self.watch is not None:
            self.watch.lost(broker, reason)
        # Only what is below us knows why there never was one: TLS of twistd pbserver.
        explain = getattr(broker.transport, "handshakeProblem", None)
        problem = None if explain is None else explain(reason)
        if problem is not None:
            self.connectionRefused(broker.transport.getPeer(), problem)

"""
L{PBServerFactory}.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.protocol import ServerFactory

from myspread._jelly import globalSecurity
from myspread._login.server import PortalRoot
from myspread._net.broker import Broker
from myspread.interfaces import IPBRoot
from myspread.limits import Limits
from myspread.security import ITaster

__all__ = ["PBServerFactory"]


def _rootFor(root: Any) -> Any:
    # Adapting a portal would give the login of twisted.spread.
    adapt: Any = PortalRoot if isinstance(root, Portal) else IPBRoot
    return adapt(root)


class PBServerFactory(ServerFactory):
    """
    Serves a root object, or the avatars behind a portal.

    @ivar root: provides L{IPBRoot}.
    @ivar unsafeTracebacks: whether peers are sent tracebacks.
    @ivar security: the policy.
    @ivar limits: what one connection may cost; None for the defaults.
    @cvar protocol: what brokers are made with.
    """

    unsafeTracebacks: Any = False
    protocol: Any = Broker
    # For subclasses that don't call __init__.
    security: ITaster = globalSecurity
    limits: Limits | None = None
    _clock: Any = None

    def __init__(
        self,
        root: Any = None,
        unsafeTracebacks: Any = False,
        security: ITaster | None = None,
        *,
        portal: Portal | None = None,
        limits: Limits | None = None,
        clock: Any = None,
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
        @raise TypeError: when there is no root, or it is no root.
        """
        if (root is None) is (portal is None):
            raise TypeError("PBServerFactory needs a root or a portal, and not both")
        self.root = _rootFor(portal if root is None else root)
        self.unsafeTracebacks = unsafeTracebacks
        self.security = globalSecurity if security is None else security
        self.limits = limits
        self._clock = clock

    def buildProtocol(self, addr: Any) -> Any:
        """A broker for a new connection, with the root object lent."""
        broker = self.protocol(isClient=False, security=self.security)
        broker.factory = self
        broker.clock = self._clock
        if self.limits is not None:
            broker.limits = self.limits
        broker.setNameForLocal("root", self.root.rootObject(broker))
        return broker

    def clientConnectionMade(self, protocol: Any) -> None:
        """A connection is ready. Subclasses may override this."""

    def brokerOpened(self, broker: Any) -> None:
        """
        A connection has done its handshake, and its login where the root is a
        portal. Subclasses may override this.
        """

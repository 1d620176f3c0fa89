"""
One attempt of a session: to reach a server, and to log in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.cred.error import LoginFailed
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.python.failure import Failure

from myspread._errors import NoServer, NoSuchMethod
from myspread._factories.addresses import Address
from myspread._factories.client import PBClientFactory
from myspread._factories.trust import inWords
from myspread._login.authenticator import Authenticator
from myspread._net.leaving import notifyOnLeaving
from myspread.limits import Limits
from myspread.security import ITaster

__all__ = ["REFUSALS", "Connecting", "Link", "Settings"]

REFUSALS = (LoginFailed, NoSuchMethod)
"""What a login fails with that would fail again: a wrong password, or a server that has no login."""


@dataclass(frozen=True)
class Settings:
    """
    How a session connects.

    @ivar credentials: what to log in with; None not to log in.
    @ivar mechanisms: how; None for the default for these credentials.
    @ivar mind: what the server's realm gets to call us back.
    @ivar connectTimeout: seconds for each server.
    @ivar callTimeout: seconds for each call; None for no limit.
    """

    credentials: Any
    mind: Any
    connectTimeout: float
    callTimeout: float | None
    security: ITaster | None
    limits: Limits | None
    unsafeTracebacks: bool
    mechanisms: tuple[str, ...] | None = None


class _SessionFactory(PBClientFactory):
    """
    Makes one connection.

    @ivar broker: its broker, once there is one.
    @ivar lost: what to tell the loss of it.
    """

    noisy = False

    def __init__(self, settings: Settings, clock: Any, authenticator: Authenticator) -> None:
        super().__init__(settings.unsafeTracebacks, settings.security, limits=settings.limits, clock=clock)
        self._authenticator = authenticator
        self.broker: Any = None
        self.lost: Callable[[Any], None] | None = None

    def buildProtocol(self, addr: Any) -> Any:
        broker = super().buildProtocol(addr)
        self.broker = broker
        return broker

    def brokerLost(self, broker: Any, reason: Any) -> None:
        super().brokerLost(broker, reason)
        if broker is self.broker and self.lost is not None:
            self.lost(reason)

    def abort(self) -> None:
        """Close the connection now, if there is one."""
        transport = None if self.broker is None else self.broker.transport
        if transport is not None:
            # Not all transports have a way to do it at once.
            getattr(transport, "abortConnection", transport.loseConnection)()


class Link:
    """
    A connection of a session that can be used.

    @ivar where: which server it is.
    @ivar root: a reference to the root of the server.
    @ivar avatar: what the login gave; None without credentials.
    """

    def __init__(self, where: str, factory: _SessionFactory, root: Any, avatar: Any) -> None:
        self.where = where
        self.root = root
        self.avatar = avatar
        self._factory = factory
        self._timer: Any = None

    @property
    def reference(self) -> Any:
        """The avatar, or the root where there is none."""
        return self.root if self.avatar is None else self.avatar

    @property
    def alive(self) -> bool:
        """Whether the connection still stands."""
        return not self._factory.broker.disconnected

    def whenLost(self, callback: Callable[[Any], None]) -> None:
        """Call C{callback(reason)} once the connection is lost."""

        def lost(reason: Any) -> None:
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            callback(reason)

        self._factory.lost = lost

    def whenLeaving(self, callback: Callable[[float], Any]) -> None:
        """Call C{callback(seconds)} when the server says that it is being stopped."""
        notifyOnLeaving(self.root, callback)

    def close(self, clock: Any, seconds: float) -> None:
        """
        Close the connection, as soon as what was written is sent.

        @param seconds: after which it is closed however much there is left to
            send.
        """
        if self.alive:
            self._timer = clock.callLater(seconds, self._factory.abort)
            self._factory.disconnect()


class Connecting:
    """
    Makes a L{Link} to the first server that can be used.
    """

    def __init__(self, addresses: list[Address], settings: Settings, clock: Any) -> None:
        """
        @param addresses: where to try, in this order.
        @param clock: provides C{IReactorTime}.
        """
        self.addresses = addresses
        self.settings = settings
        self._clock = clock
        # One for all connections, so that the next login is cheap.
        self._authenticator = Authenticator(settings.limits, clock)
        self._stage = ""

    async def link(self) -> Link:
        """
        Try all addresses, one after the other.

        @raise LoginFailed: when a server refuses us; the others aren't asked.
        @raise NoServer: when none of several could be used. With one address
            only, what went wrong there is raised.
        """
        failures: list[tuple[str, Failure]] = []
        for address in self.addresses:
            self._stage = "answer from the DNS"
            for where, endpoint in await self._tried(failures, address.text, address.find()) or ():
                link: Link | None = await self._tried(failures, where, self._reach(where, endpoint))
                if link is not None:
                    return link
        if len(failures) == 1:
            failures[0][1].raiseException()
        raise NoServer.because(failures)

    async def _tried(self, failures: list[tuple[str, Failure]], where: str, step: Any) -> Any:
        """What a step leads to in its time; None when it fails, which is noted."""
        limited: Deferred[Any] = Deferred.fromCoroutine(step)
        try:
            return await limited.addTimeout(self.settings.connectTimeout, self._clock, self._tooLate)
        except (CancelledError, *REFUSALS):
            raise
        except Exception as error:
            failures.append((where, Failure(inWords(error, where))))
            return None

    def _tooLate(self, outcome: Any, seconds: float) -> Failure:
        return Failure(ConnectionTimeout(string=f"no {self._stage} within {seconds:.3g} s"))

    async def _reach(self, where: str, endpoint: Any) -> Link:
        factory = _SessionFactory(self.settings, self._clock, self._authenticator)
        root = factory.getRootObject()
        avatar = None
        try:
            self._stage = "connection"
            await endpoint.connect(factory)
            self._stage = "handshake"
            reference = await root
            if self.settings.credentials is not None:
                self._stage = "answer to the login"
                avatar = await factory.login(
                    self.settings.credentials, self.settings.mind, mechanisms=self.settings.mechanisms
                )
        except BaseException:
            root.addErrback(lambda reason: None)
            root.cancel()
            factory.abort()
            raise
        factory.broker.callTimeout = self.settings.callTimeout
        return Link(where, factory, reference, avatar)

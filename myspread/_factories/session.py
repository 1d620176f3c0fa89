"""
Sessions: connections that one waits for, and that come back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from myspread._errors import SessionClosed
from myspread._factories.addresses import Where, addressesOf
from myspread._factories.attempt import Connecting, Settings
from myspread._factories.backoff import Backoff
from myspread._factories.kept import Kept
from myspread._factories.lifecycle import Lifecycle
from myspread._factories.reactor import theReactor
from myspread._factories.sessioncalls import SessionCaller
from myspread._factories.states import SessionState
from myspread._factories.waiting import Waiting
from myspread._flavors.calling import RemoteMethods, checkedTimeout
from myspread._flavors.remote import RemoteReference
from myspread._login.credentials import acceptedMechanisms
from myspread.limits import Limits
from myspread.security import ITaster

__all__ = ["Session", "session"]


class Session(Lifecycle):
    """
    A connection to a server that one can wait for, with the login done. It is
    made by L{session}.

    It starts when it is first waited for, with C{async with}, or as a service.

    @ivar where: the servers, for people.
    @ivar state: what it is doing.
    @ivar persistent: whether it connects again.
    @ivar closeTimeout: how many seconds closing may take.
    @ivar clock: its time.
    @ivar reason: the L{Failure<twisted.python.failure.Failure>} of the latest
        attempt that has failed or connection that was lost; None if there is
        none.
    """

    def close(self) -> Deferred[None]:
        """
        End the session: whoever waits for it fails with L{SessionClosed}, and
        the connection is closed as soon as what was written is sent, or after
        C{closeTimeout} seconds.

        @return: a Deferred that fires when it is done.
        """
        return self.stopService()

    def whenEnded(self) -> Deferred[None]:
        """
        A Deferred that fires when the session was closed, or fails with the
        reason when it has ended by itself.
        """
        if self.state is not SessionState.ENDED:
            return self._ends.add(None)
        assert self._ending is not None
        return succeed(None) if self._ending.check(SessionClosed) else fail(self._ending)

    async def __aenter__(self) -> Session:
        """Start it, and wait until it is up."""
        try:
            await self._whenUp()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    @property
    def root(self) -> Deferred[RemoteReference]:
        """
        A Deferred of a reference to the root of the server, as soon as the
        session is up.

        It fails with L{SessionTimeout} when that takes too long, with
        L{SessionClosed}, and when the session ends by itself with the reason:
        L{LoginFailed<twisted.cred.error.LoginFailed>}, L{NoServer}, or what
        kept it from connecting.
        """
        return self._whenUp().addCallback(lambda link: link.root)

    @property
    def avatar(self) -> Deferred[RemoteReference]:
        """
        A Deferred of a reference to the avatar. It fails as that of L{root}
        does. Each connection has another avatar: ask for it when it is needed.
        """
        if self._connecting.settings.credentials is None:
            raise ValueError("a session without credentials has no avatar; it has a root")
        return self._whenUp().addCallback(lambda link: link.avatar)

    def _caller(self) -> SessionCaller:
        return SessionCaller(self._whenUp, self.where, self.clock)

    def callRemote(self, _name: str, *args: Any, **kw: Any) -> Deferred[Any]:
        """As L{SessionCaller.callRemote}."""
        return self._caller().callRemote(_name, *args, **kw)

    @property
    def remote(self) -> RemoteMethods:
        """The methods of the avatar, or of the root; see L{RemoteReference.remote}."""
        return self._caller().remote

    def withTimeout(self, seconds: float | None) -> SessionCaller:
        """This session, called with a deadline; see L{SessionCaller.withTimeout}."""
        return self._caller().withTimeout(seconds)

    def idempotent(self, retries: int = 3) -> SessionCaller:
        """
        This session, for methods that may run more than once; see
        L{SessionCaller.idempotent}.
        """
        return self._caller().idempotent(retries)

    def keep(self, name: str, ask: Callable[[Any], Any], changed: Callable[[Any], Any] | None = None) -> Kept:
        """
        Get something of the server's now and again after each reconnection: a
        cache, say, which is dead without its connection::

            clock = session.keep("clock", lambda avatar: avatar.callRemote("getClock"))

        @param name: what to call it in the log.
        @param ask: called with the avatar, or with the root where there are no
            credentials; it may return a Deferred or a coroutine.
        @param changed: called with each new one.
        @raise TypeError: when C{ask} or C{changed} can't be called.
        """
        for role, given in (("ask", ask), ("changed", changed)):
            if not callable(given) and (role == "ask" or given is not None):
                raise TypeError(f"{role} of what is kept as {name!r} must be callable, not {given!r}")
        waiting = Waiting(self.clock, self._tooLate)
        kept = Kept(name, ask, changed, self._whenUp, waiting, self._waitTimeout)
        self._kept.append(kept)
        if self._link is not None:
            kept.up(self._link.reference)
        return kept

    def forget(self, kept: Kept) -> None:
        """
        No longer get something again. What there is stays as it is.

        @raise ValueError: when it isn't kept here.
        """
        self._kept.remove(kept)

    def notifyOnUp(self, callback: Callable[[Any], Any]) -> None:
        """
        Call C{callback(reference)} each time that the session comes up, and now
        if it is up: with the avatar, or the root where there are no credentials.
        """
        self._upCallbacks.append(callback)
        if self._link is not None:
            self._tell([callback], self._link.reference)

    def notifyOnDown(self, callback: Callable[[Failure], Any]) -> None:
        """
        Call C{callback(reason)} each time that the session was up and its
        connection is lost.
        """
        self._downCallbacks.append(callback)

    def dontNotify(self, callback: Callable[[Any], Any]) -> None:
        """
        Take back one L{notifyOnUp} or L{notifyOnDown}.

        @raise ValueError: when there is none of this callback.
        """
        callbacks = self._upCallbacks if callback in self._upCallbacks else self._downCallbacks
        callbacks.remove(callback)

    def __repr__(self) -> str:
        return f"<Session with {self.where}, {self.state.value}>"


def session(
    where: Where | list[Where],
    port: int | None = None,
    *,
    credentials: Any = None,
    mechanisms: Iterable[str] | None = None,
    mind: Any = None,
    persistent: bool = False,
    callTimeout: float | None = None,
    connectTimeout: float = 30,
    waitTimeout: float = 60,
    closeTimeout: float = 5,
    backoff: Backoff | None = None,
    retryRefusedLogin: bool = False,
    security: ITaster | None = None,
    limits: Limits | None = None,
    unsafeTracebacks: bool = False,
    resolver: Any = None,
    reactor: Any = None,
) -> Session:
    """
    A session with a server::

        async with pb.session("tls:example.org:8787", credentials=ann) as session:
            print(await session.callRemote("add", 1, 2))

    A session that isn't persistent makes one attempt and ends with the first
    error. A persistent one connects again whenever the connection can't be made
    or is lost, until it is closed or a server refuses the login.

    @param where: a client strport: C{tcp:HOST:PORT}, C{tls:HOST:PORT} (which
        verifies the host name) or C{unix:PATH}; C{srv:_pb._tcp.DOMAIN} or
        C{srv+tls:_pb._tcp.DOMAIN} for the servers that the DNS names (all with
        TLS take C{certificate=FILE:privateKey=FILE}, too); a host,
        with C{port}; C{(host, port)}; an endpoint; or a list of these, which
        are tried one after the other.
    @param credentials: what to log in with, as for L{PBClientFactory.login};
        None not to log in.
    @param mechanisms: the ways to log in that are accepted; see
        L{PBClientFactory.login}.
    @param mind: what the server's realm gets to call us back.
    @param persistent: whether to connect again.
    @param callTimeout: how many seconds a call may take, unless it says
        otherwise; None for as long as the connection lasts.
    @param connectTimeout: how many seconds connecting to one server, handshake
        and login may take.
    @param waitTimeout: how many seconds to wait for the session to come up.
    @param closeTimeout: how many seconds what was written may take to be sent
        before the connection is closed.
    @param backoff: how long a persistent session waits before it connects
        again.
    @param retryRefusedLogin: whether a persistent session tries again even if
        the server refuses the login.
    @param security: the policy; by default C{globalSecurity}.
    @param limits: what the server may cost.
    @param unsafeTracebacks: whether to send tracebacks to the server.
    @param resolver: provides C{IResolver}, for C{srv:}; by default the system's.
    @param reactor: provides time and connections; by default the global one.
    @raise ValueError: when C{where} isn't understood, a time isn't positive, or
        the mechanisms can't be used with the credentials.
    @raise TypeError: when C{where} is no address.
    """
    reactor = theReactor() if reactor is None else reactor
    for seconds in (callTimeout, connectTimeout, waitTimeout, closeTimeout):
        checkedTimeout(seconds)
    accepted = None if credentials is None else acceptedMechanisms(credentials, mechanisms)
    settings = Settings(
        credentials, mind, connectTimeout, callTimeout, security, limits, unsafeTracebacks, accepted
    )
    return Session(
        Connecting(addressesOf(where, port, reactor, resolver), settings, reactor),
        reactor,
        persistent=persistent,
        waitTimeout=waitTimeout,
        closeTimeout=closeTimeout,
        backoff=backoff or Backoff(),
        retryRefusedLogin=retryRefusedLogin,
    )

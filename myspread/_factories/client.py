"""
L{PBClientFactory}.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.cred.credentials import IAnonymous
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectError
from twisted.internet.protocol import ClientFactory
from twisted.python.failure import Failure

from myspread._factories.reactor import theReactor
from myspread._jelly import globalSecurity
from myspread._login.authenticator import Authenticator
from myspread._login.challenge import respond
from myspread._login.credentials import acceptedMechanisms
from myspread._login.mechanisms import MD5
from myspread._net.broker import Broker
from myspread.limits import Limits
from myspread.security import ITaster

__all__ = ["PBClientFactory"]

GRACE = 1.0
"""
Seconds after which those who wait for a root hear that an endpoint has failed.
An endpoint that knows several addresses tries the next one before that.
"""


class PBClientFactory(ClientFactory):
    """
    Gets the root object of a server, or logs in, over the connection that
    C{reactor.connectTCP} or an endpoint makes with it. Roots can be asked for
    before or after it is made.

    @ivar unsafeTracebacks: whether the server is sent tracebacks.
    @ivar security: the policy.
    @ivar limits: what the server may cost; None for the defaults.
    @ivar speaksFirst: whether to begin before the server has.
    @cvar protocol: what brokers are made with.
    """

    unsafeTracebacks: Any = False
    protocol: Any = Broker
    # For subclasses that don't call __init__.
    security: ITaster = globalSecurity
    limits: Limits | None = None
    speaksFirst = False
    _clock: Any = None
    _connector: Any = None
    _grace: Any = None
    _authenticator: Authenticator | None = None

    def __init__(
        self,
        unsafeTracebacks: Any = False,
        security: ITaster | None = None,
        *,
        limits: Limits | None = None,
        clock: Any = None,
        speaksFirst: bool = False,
    ) -> None:
        """
        @param unsafeTracebacks: whether to send tracebacks to the server.
        @param security: the policy; by default C{globalSecurity}.
        @param limits: what the server may cost.
        @param clock: provides C{IReactorTime}; by default the reactor.
        @param speaksFirst: whether to answer the greeting that nearly all servers
            send before it has come: roots are there as soon as the connection is,
            and the first calls leave with the answer. That saves the time of a round
            trip. If the greeting turns out to be another, the connection is closed, and
            these calls fail.
        """
        self.unsafeTracebacks = unsafeTracebacks
        self.security = globalSecurity if security is None else security
        self.limits = limits
        self.speaksFirst = speaksFirst
        self._clock = clock
        self._reset()

    def buildProtocol(self, addr: Any) -> Any:
        """A broker for a new connection."""
        broker = self.protocol(isClient=True, security=self.security)
        broker.factory = self
        broker.clock = self._clock or theReactor()
        if self.limits is not None:
            broker.limits = self.limits
        return broker

    def _reset(self) -> None:
        self.rootObjectRequests: list[Deferred[Any]] = []
        self._broker: Any = None
        self._root: Any = None

    def _failAll(self, reason: Any) -> None:
        self._endGrace()
        requests = self.rootObjectRequests
        self._reset()
        for request in requests:
            # One of those before may have cancelled it.
            if not request.called:
                request.errback(reason)

    # What becomes of the connection. Connectors tell the factory; endpoints
    # don't, there the broker does, or the end of the last attempt.

    def startedConnecting(self, connector: Any) -> None:
        """A connector has begun: it will tell how it ends."""
        self._connector = connector

    def clientConnectionMade(self, broker: Any) -> None:
        """
        A connection is ready: everybody who waits gets the root. Subclasses
        that override this call it.
        """
        self._broker = broker
        self._root = broker.remoteForName("root")
        requests, self.rootObjectRequests = self.rootObjectRequests, []
        for request in requests:
            if not request.called:
                request.callback(self._root)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """No connection could be made: whoever waits for a root fails."""
        self._failAll(reason)

    def clientConnectionLost(self, connector: Any, reason: Any, reconnecting: Any = 0) -> None:
        """
        The connection is lost: whoever waits for a root fails.

        @param reconnecting: subclasses that connect again say so; then they
            wait for the next connection.
        """
        if reconnecting:
            self._broker = None
            self._root = None
        else:
            self._failAll(reason)

    def brokerLost(self, broker: Any, reason: Any) -> None:
        """A broker has lost its connection, and no connector will say so."""
        # Subclasses override startedConnecting, and don't always call this one.
        connector = self._connector or getattr(broker.transport, "connector", None)
        willSay = connector is not None and getattr(connector, "factory", self) is self
        if not willSay and self._broker in (None, broker):
            self._failAll(reason)

    def doStart(self) -> None:
        """An attempt to connect begins."""
        self._endGrace()
        super().doStart()  # type: ignore[no-untyped-call]

    def doStop(self) -> None:
        """
        A connection or an attempt has ended. If it was the last one, and
        whoever began it has no way to say so, nobody waits for ever.
        """
        super().doStop()  # type: ignore[no-untyped-call]
        if self.numPorts:
            return
        connector, self._connector = self._connector, None
        if connector is None and self.rootObjectRequests and self._grace is None:
            clock = self._clock or theReactor()
            self._grace = clock.callLater(GRACE, self._graceEnded)

    def _graceEnded(self) -> None:
        self._grace = None
        why = "no connection was made; the Deferred of connect() says why"
        self._failAll(Failure(ConnectError(string=why)))

    def _endGrace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    def getRootObject(self) -> Deferred[Any]:
        """
        The root object of the server.

        @return: a Deferred of a reference to it; it fails when the connection
            does. Cancelling it gives up waiting.
        """
        if self._broker is not None and not self._broker.disconnected:
            return succeed(self._root)
        request: Deferred[Any] = Deferred(self._giveUp)
        self.rootObjectRequests.append(request)
        return request

    def _giveUp(self, request: Deferred[Any]) -> None:
        if request in self.rootObjectRequests:
            self.rootObjectRequests.remove(request)
        if not self.rootObjectRequests:
            self._endGrace()

    def disconnect(self) -> None:
        """
        Close the connection, if there is one. A subclass that connects again
        must be told not to.
        """
        if self._broker is not None:
            self._broker.transport.loseConnection()

    # Login

    def login(
        self, credentials: Any, client: Any = None, *, mechanisms: Iterable[str] | None = None
    ) -> Deferred[Any]:
        """
        Log in.

        @param credentials: L{Password}, L{Token}, L{ClientCertificate},
            or what provides C{IAnonymous} or C{IUsernamePassword}; the latter
            logs in with MD5 unless C{mechanisms} says otherwise.
        @param client: the mind: what the server's realm gets to call us back.
        @param mechanisms: the names of the ways to log in that are accepted, of
            which the strongest is taken that the server offers; None for the
            default for these credentials.
        @return: a Deferred of a reference to the avatar; forgetting it logs
            out. It fails with the server's error, with L{NoMechanism} or
            L{UnprovenServer}, or as L{getRootObject} does.
        @raise ValueError: when there is no such mechanism, or it can't be used
            with these credentials.
        """
        accepted = acceptedMechanisms(credentials, mechanisms)
        root = self.getRootObject()
        if IAnonymous.providedBy(credentials):
            root.addCallback(self._cbLoginAnonymous, client)
        elif accepted == (MD5,):
            root.addCallback(self._logInWithMd5, credentials.username, credentials.password, client)
        else:
            root.addCallback(self._authenticate, credentials, client, accepted)
        return root

    @property
    def authenticator(self) -> Authenticator:
        """Logs in with more than MD5."""
        if self._authenticator is None:
            self._authenticator = Authenticator(self.limits, self._clock or theReactor())
        return self._authenticator

    def _authenticate(
        self, root: Any, credentials: Any, client: Any, accepted: tuple[str, ...]
    ) -> Deferred[Any]:
        login = self.authenticator.login(root, credentials, client, accepted, self._logInWithMd5)
        return Deferred.fromCoroutine(login)

    def _logInWithMd5(self, root: Any, username: Any, password: Any, client: Any) -> Deferred[Any]:
        self.authenticator.tellMd5(root)
        return self._cbSendUsername(root, username, password, client)

    def _cbSendUsername(self, root: Any, username: Any, password: Any, client: Any) -> Deferred[Any]:
        asked: Deferred[Any] = root.callRemote("login", username)
        return asked.addCallback(self._cbResponse, password, client)

    def _cbResponse(self, challenges: Any, password: Any, client: Any) -> Deferred[Any]:
        challenge, challenger = challenges
        answer: Deferred[Any] = challenger.callRemote("respond", respond(challenge, password), client)
        return answer

    def _cbLoginAnonymous(self, root: Any, client: Any) -> Deferred[Any]:
        answer: Deferred[Any] = root.callRemote("loginAnonymous", client)
        return answer

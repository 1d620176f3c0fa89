"""
A server that plays a script.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, fail, gatherResults, maybeDeferred, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from myspread._factories.client import PBClientFactory
from myspread._factories.server import PBServerFactory
from myspread.limits import Limits
from myspread.security import ITaster
from myspread.testing._fakeobjects import FakeAvatar, FakeObject
from myspread.testing._fakeusers import FakeRealm, FakeUsers
from myspread.testing._memory import BrokerPair, MemoryTransport
from myspread.testing._scripts import Expectation, Script

__all__ = ["FakeServer"]


class _Transport(MemoryTransport):
    """A transport that says when there is something to do."""

    def __init__(self, host: Any, peer: Any, connection: _Connection) -> None:
        super().__init__(host, peer)
        self._connection = connection

    def write(self, data: bytes) -> None:
        super().write(data)
        self._connection.wake()

    def loseConnection(self) -> None:
        super().loseConnection()
        self._connection.wake()

    def abortConnection(self) -> None:
        super().abortConnection()
        self._connection.wake()

    def resumeProducing(self) -> None:
        super().resumeProducing()
        self._connection.wake()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        super().registerProducer(producer, streaming)
        self._connection.wake()


class _Connection(BrokerPair):
    """A connection in memory that moves as time passes."""

    _turn: Any = None

    def transportFor(self, host: Any, peer: Any) -> MemoryTransport:
        return _Transport(host, peer, self)

    def wake(self) -> None:
        """There is something to do."""
        if self._turn is None and self.connected:
            self._turn = self.clock.callLater(0, self._goOn)

    def _goOn(self) -> None:
        self._turn = None
        if self.deliver():
            self.wake()

    def disconnect(self, reason: Failure | None = None) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        super().disconnect(reason)


class _Factory(PBServerFactory):
    """
    The factory of a L{FakeServer}.

    @ivar brokers: those that are connected.
    """

    noisy = False

    def __init__(self, root: Any, **options: Any) -> None:
        super().__init__(root, **options)
        self.brokers: list[Any] = []

    def brokerConnected(self, broker: Any) -> None:
        super().brokerConnected(broker)
        self.brokers.append(broker)

    def brokerLost(self, broker: Any, reason: Any) -> None:
        super().brokerLost(broker, reason)
        self.brokers.remove(broker)


@implementer(IStreamClientEndpoint)
class _Endpoint:
    """Connects clients to a L{FakeServer}."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect a client."""
        return self._server.accept(factory)

    def __repr__(self) -> str:
        return "<a fake server>"


class FakeServer:
    """
    A server that plays a script, for tests of clients::

        server = FakeServer()
        server.expect("price", "apple").returns(3)
        shop = server.root()
        assert server.result(shop.callRemote("price", "apple")) == 3
        server.check()

    A call that isn't expected fails with L{UnexpectedCall}, which says what was
    expected; and so does L{check}. As a context manager, the server checks at
    the end of the block, and closes; with C{async with} it waits until it is
    closed.

    Clients connect in memory, through C{endpoint}, or through a real port,
    which L{listen} opens. In memory everything moves as C{clock} does.

    @ivar clock: the time; where none was given, a
        L{Clock<twisted.internet.task.Clock>}, which stands still.
    @ivar endpoint: connects to this server: for C{pb.session}, or for a factory.
    @ivar isDown: whether connections are refused.
    @ivar isSilent: whether new connections are accepted, and nothing is said.
    @ivar attempts: how often somebody has tried to connect in memory.
    """

    def __init__(
        self,
        clock: Any = None,
        *,
        ordered: bool = False,
        security: ITaster | None = None,
        limits: Limits | None = None,
    ) -> None:
        """
        @param clock: provides C{IReactorTime}; with the reactor everything moves
            by itself.
        @param ordered: whether calls have to come in the order in which they are
            expected.
        @param security: the server's policy; by default C{globalSecurity}.
        @param limits: what a client may cost.
        """
        self.clock: Any = Clock() if clock is None else clock
        self.endpoint = _Endpoint(self)
        self.isDown = False
        self.isSilent = False
        self.attempts = 0
        self._security = security
        self._limits = limits
        self._script = Script(self.clock, ordered, FakeObject)
        self._root = FakeObject(self._script, "")
        self._realm = FakeRealm()
        self._users = FakeUsers()
        self._checkers: list[Any] = []
        self._factory: _Factory | None = None
        self._connections: list[_Connection] = []
        self._ports: list[Any] = []

    # The script

    def expect(self, method: str, *args: Any, **kw: Any) -> Expectation:
        """
        Expect a call of the root.

        @param method: the name, without C{remote_}.
        @param args: the arguments that it must have, which are compared with
            C{==}; C{...} alone stands for whatever they are.
        @param kw: the keyword arguments that it must have.
        """
        return self._root.expect(method, *args, **kw)

    def user(self, name: bytes, password: bytes) -> FakeAvatar:
        """
        Have clients log in. Others than the users that were named are refused.

        @return: the avatar, to be told what it expects.
        """
        self._users.addUser(name, password)
        return self._admit(name, name.decode(), self._users)

    def anonymous(self) -> FakeAvatar:
        """
        Let clients log in anonymously.

        @return: the avatar, to be told what it expects.
        """
        return self._admit((), "anonymous", AllowAnonymousAccess())

    def _admit(self, avatarId: Any, name: str, checker: Any) -> FakeAvatar:
        if self._factory is not None and not self._realm.avatars:
            raise RuntimeError("clients have connected already, and need no login: name the users first")
        if checker not in self._checkers:
            self._checkers.append(checker)
            if self._factory is not None:
                self._factory.root.portal.registerChecker(checker)
        avatar = self._realm.avatars[avatarId] = FakeAvatar(self._script, name)
        return avatar

    def check(self) -> None:
        """
        All that was expected has come, and nothing else.

        @raise UnexpectedCall: when something else has.
        @raise AssertionError: when something hasn't.
        """
        self._script.check()

    # Connections

    @property
    def factory(self) -> PBServerFactory:
        """The factory, which can listen wherever one wants."""
        if self._factory is None:
            root = Portal(self._realm, self._checkers) if self._checkers else self._root
            self._factory = _Factory(root, security=self._security, limits=self._limits, clock=self.clock)
        return self._factory

    def accept(self, factory: Any) -> Deferred[Any]:
        """
        Connect a client in memory, if the server isn't down.

        @param factory: the client's.
        @return: a Deferred of the client's protocol.
        """
        try:
            return succeed(self._connect(factory).client)
        except ConnectionRefusedError as error:
            return fail(error)

    def _connect(self, factory: Any) -> _Connection:
        self.attempts += 1
        if self.isDown:
            raise ConnectionRefusedError
        silent: Any = Factory.forProtocol(Protocol)
        connection = _Connection(silent if self.isSilent else self.factory, factory, self.clock)
        self._connections.append(connection)
        return connection

    def root(self) -> Any:
        """
        A reference to the root, through a new connection in memory.

        @raise ConnectionRefusedError: when the server is down.
        """
        connection = self._connect(PBClientFactory(clock=self.clock))
        connection.flush()
        return connection.root

    async def listen(self, reactor: Any) -> Any:
        """
        Listen on a real port of this machine, which the system chooses.

        @return: the C{IListeningPort}.
        """
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self.factory)
        self._ports.append(port)
        return port

    def disconnect(self) -> None:
        """Lose all connections."""
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.disconnect()
        for broker in list(self._factory.brokers if self._factory else ()):
            broker.transport.abortConnection()

    def close(self) -> Deferred[Any]:
        """
        Lose all connections, and stop listening.

        @return: a Deferred that fires when that is done.
        """
        self.disconnect()
        closing = [maybeDeferred(port.stopListening) for port in self._ports]
        self._ports = []
        for broker in list(self._factory.brokers if self._factory else ()):
            lost: Deferred[None] = Deferred()
            broker.notifyOnDisconnect(lambda lost=lost: lost.callback(None))
            closing.append(lost)
        return gatherResults(closing)

    # Time

    def result(self, deferred: Deferred[Any]) -> Any:
        """
        What a Deferred fires with, once everything has moved that moves at once.
        It is for servers with a clock that stands still.

        @raise AssertionError: when it hasn't fired.
        @raise Exception: the one that it has failed with, as C{await} raises it.
        """
        outcome: list[Any] = []
        deferred.addBoth(outcome.append)
        self.clock.advance(0)
        if not outcome:
            raise AssertionError("the Deferred has not fired, and nothing moves unless the clock does")
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def __enter__(self) -> FakeServer:
        """Begin the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close, and check, unless the block has failed otherwise."""
        self.close()
        if error is None:
            self.check()

    async def __aenter__(self) -> FakeServer:
        """Begin the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close, wait until that is done, and check, unless the block has failed otherwise."""
        await self.close()
        if error is None:
            self.check()

"""
What a scenario works with: connections to the server process, and checks.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.interop import world
from tests.interop.implementation import OURS, STOCK, pb
from tests.interop.logs import takeLoggedErrors

__all__ = ["SCENARIOS", "Connection", "Scenario", "Session", "scenario"]


@dataclass(frozen=True)
class Scenario:
    """
    Something that a client does and sees.

    @ivar run: the coroutine function; it takes a L{Session}.
    @ivar servers: the packages whose servers it holds for.
    @ivar clients: the packages whose clients it holds for.
    """

    run: Callable[[Any], Any]
    servers: tuple[str, ...]
    clients: tuple[str, ...]


SCENARIOS: dict[str, Scenario] = {}
"""All scenarios, by C{module.function}."""


def scenario(server: str = "", client: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """
    Decorate a scenario.

    @param server: the only package whose servers it holds for, if any.
    @param client: the only package whose clients it holds for, if any.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        SCENARIOS[name] = Scenario(function, chosen(server), chosen(client))
        return function

    return register


def chosen(package: str) -> tuple[str, ...]:
    """One package, or all."""
    return (package,) if package else (STOCK, OURS)


@dataclass
class Connection:
    """
    One connection to the server.
    """

    factory: Any
    broker: Any
    prepared: Any = None

    async def root(self) -> Any:
        """The root object."""
        return await self.factory.getRootObject()

    def holds(self) -> dict[str, Any]:
        """What of our tables isn't empty."""
        tables = {
            "lent": self.broker.localObjects,
            "remotelyCached": self.broker.remotelyCachedObjects,
            "locallyCached": self.broker.locallyCachedObjects,
            "waiting": self.broker.waitingForAnswers,
        }
        return {name: sorted(map(str, table)) for name, table in tables.items() if table}

    async def close(self) -> None:
        """End the connection, and wait until it has ended."""
        if self.broker.disconnected:
            return
        ended: Deferred[None] = Deferred()
        self.broker.notifyOnDisconnect(lambda: ended.callback(None))
        self.broker.transport.loseConnection()
        await ended


class Session:
    """
    The connections of one scenario.

    @ivar check: has all the C{assert...} methods.
    @ivar ours: whether this client is myspread.
    @ivar serverPackage: what the server speaks.
    """

    def __init__(self, endpoints: Mapping[str, str], control: Any, package: str, serverPackage: str) -> None:
        """
        @param endpoints: descriptions of the server's endpoints, by the names
            of its factories.
        @param control: the root of a connection that is kept for checking.
        """
        self.check = SynchronousTestCase()
        self.check.maxDiff = None
        self.ours = package == OURS
        self.serverPackage = serverPackage
        self._endpoints = endpoints
        self._control = control
        self._connections: list[Connection] = []

    async def connect(self, name: str = "root", prepare: Callable[[Any], Any] | None = None) -> Connection:
        """
        Connect to one of the server's factories.

        @param prepare: called with the client factory before it connects; the
            connection keeps what it returns as C{prepared}.
        """
        factory = pb.PBClientFactory()
        prepared = prepare(factory) if prepare else None
        broker = await clientFromString(reactor, self._endpoints[name]).connect(factory)
        connection = Connection(factory, broker, prepared)
        await connection.root()
        self._connections.append(connection)
        return connection

    async def desk(self, name: str = "root") -> Any:
        """The root object of a new connection."""
        return await (await self.connect(name)).root()

    async def failureOf(self, function: Callable[..., Any], *args: Any, **kw: Any) -> Failure:
        """The failure that a call ends with, whether it's raised or comes later."""
        failures: list[Failure] = []
        result = await maybeDeferred(function, *args, **kw).addErrback(failures.append)
        if not failures:
            raise self.check.failureException(f"should have failed, but gave {result!r:.200}")
        return failures[0]

    async def until(self, ask: Callable[[], Any], expected: Any) -> None:
        """
        Ask again and again until the answer is the expected one.

        @param ask: returns the answer, or a Deferred of it.
        """
        answer = await maybeDeferred(ask)
        for pause in (0, 0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 8):
            if answer == expected:
                return
            await deferLater(reactor, pause)
            gc.collect()
            answer = await maybeDeferred(ask)
        self.check.assertEqual(answer, expected)

    async def serverEvents(self, *expected: str, inOrder: bool = True) -> None:
        """
        Wait until exactly these things have happened on the server.

        @param inOrder: whether their order matters.
        """
        happened: list[str] = []

        async def ask() -> list[str]:
            happened.extend(await self._control.callRemote("takeEvents"))
            return happened if inOrder else sorted(happened)

        await self.until(
            lambda: Deferred.fromCoroutine(ask()), list(expected) if inOrder else sorted(expected)
        )

    async def serverLogged(self, *expected: str) -> None:
        """The server has logged exactly errors of these types."""
        self.check.assertEqual(await self._control.callRemote("takeLoggedErrors"), list(expected))

    async def finish(self) -> None:
        """
        Nothing is left of the scenario: no reference, cache, call, log entry
        or event on either side, then no connection.
        """
        gc.collect()
        empty = {"lent": [], "remotelyCached": [], "locallyCached": [], "waiting": []}

        def live() -> list[Connection]:
            # The server may know of the end of a connection before this side does.
            return [each for each in self._connections if not each.broker.disconnected]

        async def left() -> tuple[Any, Any]:
            held = await self._control.callRemote("census")
            return [each for each in held if each != empty], len(held) - len(live())

        await self.until(lambda: Deferred.fromCoroutine(left()), ([], 0))
        await self.until(lambda: [each.holds() for each in live() if each.holds()], [])
        for each in self._connections:
            await each.close()
        await self.until(lambda: self._control.callRemote("census"), [])
        await self.serverEvents()
        await self.serverLogged()
        self.check.assertEqual((world.events, takeLoggedErrors()), ([], []))

    async def abandon(self) -> None:
        """Close what a failed scenario left open, and forget what it left behind."""
        for each in self._connections:
            if not each.broker.disconnected:
                each.broker.transport.abortConnection()
        await self.until(lambda: self._control.callRemote("census"), [])
        for name in ("takeEvents", "takeLoggedErrors"):
            await self._control.callRemote(name)
        gc.collect()
        takeLoggedErrors()
        world.events.clear()

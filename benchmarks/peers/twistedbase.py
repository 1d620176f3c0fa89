"""
The part of L{benchmarks.peers.base.Adapter} that peers on Twisted share.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred, ensureDeferred, maybeDeferred
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure

from benchmarks.payloads import SMALL
from benchmarks.peers.base import Adapter, Call, Listening, Main, Unsupported

__all__ = ["HOST", "OnTwisted", "reactor"]

reactor: Any = installed

HOST = "127.0.0.1"

BACKLOG = 1024
"""Connections that wait to be accepted."""

CONNECTING = 20
"""Connections that are made at the same time."""


class OnTwisted(Adapter):
    """
    An adapter whose calls return Deferreds. Subclasses override what takes a
    connection, whatever they have for one.

    @ivar subscribed: the connections that pushes go to.
    """

    def __init__(self) -> None:
        self.subscribed: list[Any] = []
        self._idle: list[Any] = []
        self._awaited = 0
        self._complete: Deferred[None] = Deferred()

    # What subclasses override

    def serverFactory(self) -> ServerFactory:
        """Makes the server's protocols."""
        raise NotImplementedError

    def open(self) -> Deferred[Any]:
        """A new connection to the server, ready to be used."""
        raise NotImplementedError

    def close(self, connection: Any) -> Deferred[None]:
        """Close a connection; fires when it is closed."""
        raise NotImplementedError

    def echoOn(self, connection: Any, value: Any) -> Deferred[Any]:
        """Call a method that returns its argument."""
        raise NotImplementedError

    def subscribeOn(self, connection: Any) -> Deferred[Any]:
        """Ask for pushes; each is then followed by L{arrived}."""
        raise Unsupported()

    def publishOn(self, connection: Any) -> Deferred[Any]:
        """Ask the server to push to all."""
        raise Unsupported()

    # The server

    def serve(self, listening: Listening) -> None:
        """Serve until the reactor is stopped."""
        port = reactor.listenTCP(0, self.serverFactory(), backlog=BACKLOG, interface=HOST)
        reactor.callWhenRunning(listening, port.getHost().port)
        reactor.run()

    # The client

    def run(self, main: Main) -> None:
        """Run a coroutine in the reactor."""
        failures: list[Failure] = []

        def begin() -> None:
            ensureDeferred(main()).addErrback(failures.append).addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run()
        for failure in failures:
            failure.raiseException()

    def keepInFlight(self, call: Call, total: int, window: int) -> Deferred[None]:
        """Start a call for each that ends. Ends in a reactor turn of its own."""
        done: Deferred[None] = Deferred()
        started = ended = 0

        def start() -> None:
            nonlocal started
            started += 1
            maybeDeferred(call).addCallbacks(oneEnded, failed)

        def oneEnded(_: Any) -> None:
            nonlocal ended
            ended += 1
            if started < total:
                start()
            elif ended == total:
                reactor.callLater(0, done.callback, None)

        def failed(failure: Failure) -> None:
            if not done.called:
                done.errback(failure)

        for _ in range(min(window, total)):
            start()
        return done

    async def connect(self, port: int) -> None:
        """Open the connection that calls go through."""
        self.port = port
        self._connection = await self.open()

    def echo(self, value: Any) -> Any:
        """Call a method that returns its argument."""
        return self.echoOn(self._connection, value)

    def visit(self) -> Any:
        """Connect, call once, and close."""

        def call(connection: Any) -> Any:
            return self.echoOn(connection, SMALL).addCallback(lambda _: self.close(connection))

        return self.open().addCallback(call)

    async def idle(self, connections: int) -> None:
        """Keep so many connections more."""

        def call(connection: Any) -> Any:
            self._idle.append(connection)
            return self.echoOn(connection, SMALL)

        await self.keepInFlight(lambda: self.open().addCallback(call), connections, CONNECTING)

    async def subscribe(self, clients: int) -> None:
        """Ask for pushes on each of so many connections."""

        def ask(connection: Any) -> Any:
            self.subscribed.append(connection)
            return self.subscribeOn(connection)

        missing = clients - len(self.subscribed)
        if missing > 0:
            await self.keepInFlight(lambda: self.open().addCallback(ask), missing, CONNECTING)

    def publish(self) -> Any:
        """Push to all; fires when all have it, and the server has answered."""
        complete = self._complete = Deferred()
        self._awaited = len(self.subscribed)
        return self.publishOn(self._connection).addCallback(lambda _: complete)

    def arrived(self) -> None:
        """One push has arrived."""
        self._awaited -= 1
        if not self._awaited:
            self._complete.callback(None)

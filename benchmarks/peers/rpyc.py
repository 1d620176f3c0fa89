"""
RPyC. It passes mutable objects by reference; C{obtain}, which pickles, is its
way to pass them by value.
"""

from __future__ import annotations

import select
from typing import Any

import rpyc
from rpyc.utils.classic import obtain
from rpyc.utils.server import ThreadedServer

from benchmarks.payloads import EVENT, SMALL
from benchmarks.peers.base import Blocking, Call, Listening

__all__ = ["adapter"]

HOST = "127.0.0.1"

CONFIG = {"allow_pickle": True, "allow_public_attrs": True}

PUSHED = tuple(EVENT.items())
"""Tuples of plain values are passed by value."""


def _value(passed: Any) -> Any:
    return obtain(passed) if isinstance(passed, rpyc.core.netref.BaseNetref) else passed


class Root(rpyc.Service):  # type: ignore[misc]
    """
    What the server lends.
    """

    def __init__(self) -> None:
        self._subscribers: list[Any] = []

    def exposed_echo(self, value: Any) -> Any:
        """Return the argument."""
        return _value(value)

    def exposed_subscribe(self, subscriber: Any) -> None:
        """Push to a function from now on."""
        self._subscribers.append(rpyc.async_(subscriber))

    def exposed_publish(self) -> None:
        """Push to all."""
        for subscriber in self._subscribers:
            subscriber(PUSHED)


class Rpyc(Blocking):
    """
    RPyC.
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []
        self._subscribed: dict[int, Any] = {}
        self._awaited = 0

    def serve(self, listening: Listening) -> None:
        """Serve for ever."""
        server = ThreadedServer(Root(), hostname=HOST, port=0, protocol_config=CONFIG)
        # The server itself only listens once it runs.
        server.listener.listen()
        listening(server.port)
        server.start()

    def _connect(self) -> Any:
        return rpyc.connect(HOST, self.port, config=CONFIG)

    async def connect(self, port: int) -> None:
        """Connect."""
        self.port = port
        self._connection = self._connect()
        self._echo = self._connection.root.echo
        self._echoLater = rpyc.async_(self._echo)

    async def keepInFlight(self, call: Call, total: int, window: int) -> None:
        """More than one at a time with calls whose results come later."""
        if window == 1:
            for _ in range(total):
                call()
            return
        flying: list[Any] = []
        for _ in range(total):
            if len(flying) == window:
                flying.pop(0).wait()
            flying.append(self._echoLater(SMALL))
        for result in flying:
            result.wait()

    def echo(self, value: Any) -> Any:
        """Call a method that returns its argument."""
        return _value(self._echo(value))

    def visit(self) -> Any:
        """Connect, get the root object, call it once, and close."""
        connection = self._connect()
        connection.root.echo(SMALL)
        connection.close()

    async def idle(self, connections: int) -> None:
        """Keep so many connections more."""
        for _ in range(connections):
            self._idle.append(self._connect())
            self._idle[-1].root.echo(SMALL)

    def _arrived(self, event: Any) -> None:
        self._awaited -= 1

    async def subscribe(self, clients: int) -> None:
        """Ask for pushes on each of so many connections."""
        while len(self._subscribed) < clients:
            connection = self._connect()
            connection.root.subscribe(self._arrived)
            self._subscribed[connection.fileno()] = connection

    def publish(self) -> Any:
        """Push to all."""
        self._awaited = len(self._subscribed)
        self._connection.root.publish()
        poll = select.epoll()
        for file in self._subscribed:
            poll.register(file, select.EPOLLIN)
        while self._awaited:
            for file, _ in poll.poll():
                self._subscribed[file].serve(0)
        poll.close()


def adapter() -> Rpyc:
    """An adapter of RPyC."""
    return Rpyc()

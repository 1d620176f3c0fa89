"""
Pyro5 with msgpack, its fastest serializer. Its server is the multiplexed one:
the other gives each connection a thread, and has at most 80.
"""

from __future__ import annotations

import threading
from typing import Any

import Pyro5.api
from Pyro5 import config

from benchmarks.payloads import EVENT, SMALL
from benchmarks.peers.base import Blocking, Listening

__all__ = ["adapter"]

HOST = "127.0.0.1"

ROOT = "root"

config.SERIALIZER = "msgpack"
config.SERVERTYPE = "multiplex"


@Pyro5.api.expose
class Root:
    """
    What the server lends.
    """

    def __init__(self) -> None:
        self._subscribers: list[Any] = []

    def echo(self, value: Any) -> Any:
        """Return the argument."""
        return value

    def subscribe(self, uri: str) -> None:
        """Push to an object from now on."""
        self._subscribers.append(Pyro5.api.Proxy(uri))

    def publish(self) -> None:
        """Push to all."""
        for subscriber in self._subscribers:
            subscriber.push(EVENT)


class Subscriber:
    """
    What is pushed to.
    """

    def __init__(self) -> None:
        self.awaited = 0
        self.complete = threading.Event()

    @Pyro5.api.expose
    @Pyro5.api.oneway
    def push(self, event: Any) -> None:
        """A push has arrived."""
        self.awaited -= 1
        if not self.awaited:
            self.complete.set()


class Pyro(Blocking):
    """
    Pyro5.
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []
        self._subscribed = 0
        self._subscriber = Subscriber()
        self._daemon: Any = None

    def serve(self, listening: Listening) -> None:
        """Serve for ever."""
        daemon = Pyro5.api.Daemon(HOST, 0)
        daemon.register(Root(), ROOT)
        listening(daemon.sock.getsockname()[1])
        daemon.requestLoop()

    def _root(self) -> Any:
        return Pyro5.api.Proxy(f"PYRO:{ROOT}@{HOST}:{self.port}")

    async def connect(self, port: int) -> None:
        """Connect."""
        self.port = port
        self._connection = self._root()
        self._connection._pyroBind()

    def echo(self, value: Any) -> Any:
        """Call a method that returns its argument."""
        return self._connection.echo(value)

    def visit(self) -> Any:
        """Connect, call once, and close."""
        with self._root() as root:
            root.echo(SMALL)

    async def idle(self, connections: int) -> None:
        """Keep so many connections more."""
        for _ in range(connections):
            self._idle.append(self._root())
            self._idle[-1].echo(SMALL)

    async def subscribe(self, clients: int) -> None:
        """Serve an object; the server makes a connection to it for each client."""
        if self._daemon is None:
            self._daemon = Pyro5.api.Daemon(HOST, 0)
            self._uri = str(self._daemon.register(self._subscriber))
            threading.Thread(target=self._daemon.requestLoop, daemon=True).start()
        while self._subscribed < clients:
            self._connection.subscribe(self._uri)
            self._subscribed += 1

    def publish(self) -> Any:
        """Push to all."""
        self._subscriber.awaited = self._subscribed
        self._subscriber.complete.clear()
        self._connection.publish()
        self._subscriber.complete.wait()


def adapter() -> Pyro:
    """An adapter of Pyro5."""
    return Pyro()

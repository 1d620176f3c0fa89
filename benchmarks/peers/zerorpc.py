"""
zerorpc: msgpack over ZeroMQ, on gevent.
"""

from __future__ import annotations

from typing import Any

import zerorpc

from benchmarks.payloads import SMALL
from benchmarks.peers.base import Blocking, Call, Listening

__all__ = ["adapter"]

HOST = "127.0.0.1"


class Root:
    """
    What the server serves.
    """

    def echo(self, value: Any) -> Any:
        """Return the argument."""
        return value


class Zerorpc(Blocking):
    """
    zerorpc.
    """

    def serve(self, listening: Listening) -> None:
        """Serve for ever."""
        server = zerorpc.Server(Root())
        server.bind(f"tcp://{HOST}:*")
        address = server._events._socket.getsockopt(zerorpc.zmq.LAST_ENDPOINT)
        listening(int(address.decode().rpartition(":")[2]))
        server.run()

    def _client(self) -> Any:
        return zerorpc.Client(f"tcp://{HOST}:{self.port}")

    async def connect(self, port: int) -> None:
        """Connect."""
        self.port = port
        self._connection = self._client()

    async def keepInFlight(self, call: Call, total: int, window: int) -> None:
        """More than one at a time with calls whose results come later."""
        if window == 1:
            for _ in range(total):
                call()
            return
        flying: list[Any] = []
        for _ in range(total):
            if len(flying) == window:
                flying.pop(0).get()
            flying.append(self._connection.echo(SMALL, **{"async": True}))
        for result in flying:
            result.get()

    def echo(self, value: Any) -> Any:
        """Call a method that returns its argument."""
        return self._connection.echo(value)

    def visit(self) -> Any:
        """Connect, call once, and close."""
        client = self._client()
        client.echo(SMALL)
        client.close()


def adapter() -> Zerorpc:
    """An adapter of zerorpc."""
    return Zerorpc()

"""
pycapnp: Cap'n Proto, with dictionaries on both ends. It has no one-way calls:
a push waits for its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import capnp

from benchmarks.payloads import EVENT, SMALL
from benchmarks.peers.asynciobase import OnAsyncio
from benchmarks.peers.base import Call, Main, Unsupported

__all__ = ["adapter"]

HOST = "127.0.0.1"

schema: Any = capnp.load(str(Path(__file__).with_suffix(".capnp")))

TRAVERSED = 1 << 40
"""Words that may be read; the default ends a connection that echoes much."""


def _plain(records: Any) -> list[dict[str, Any]]:
    return [record.to_dict() for record in records]


class Root(schema.Root.Server):  # type: ignore[misc]
    """
    What the server serves.
    """

    def __init__(self) -> None:
        self._subscribers: list[Any] = []

    async def echoNumber(self, value: Any, **context: Any) -> Any:
        """Return the argument."""
        return value

    async def echoBytes(self, value: Any, **context: Any) -> Any:
        """Return the argument."""
        return value

    async def echoRecords(self, value: Any, **context: Any) -> Any:
        """Return the argument, which is made dictionaries first."""
        return _plain(value)

    async def subscribe(self, subscriber: Any, **context: Any) -> None:
        """Push to an object from now on."""
        self._subscribers.append(subscriber)

    async def publish(self, **context: Any) -> None:
        """Push to all."""
        await asyncio.gather(*(subscriber.push(EVENT) for subscriber in self._subscribers))


class Subscriber(schema.Subscriber.Server):  # type: ignore[misc]
    """
    What is pushed to.
    """

    async def push(self, event: Any, **context: Any) -> None:
        """A push has arrived."""
        event.to_dict()


class Capnp(OnAsyncio):
    """
    pycapnp.
    """

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self._subscribed: list[Any] = []

    def run(self, main: Main) -> None:
        """Run a coroutine in pycapnp's event loop."""

        async def inLoop() -> None:
            async with capnp.kj_loop():
                await main()

        asyncio.run(inLoop())

    async def listen(self) -> int:
        """Begin to serve."""
        root = Root()

        async def connected(stream: Any) -> None:
            await capnp.TwoPartyServer(
                stream, bootstrap=root, traversal_limit_in_words=TRAVERSED
            ).on_disconnect()

        self._server = await capnp.AsyncIoStream.create_server(connected, HOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _open(self) -> tuple[Any, Any]:
        stream = await capnp.AsyncIoStream.create_connection(host=HOST, port=self.port)
        client = capnp.TwoPartyClient(stream, traversal_limit_in_words=TRAVERSED)
        return client, client.bootstrap().cast_as(schema.Root)

    async def connect(self, port: int) -> None:
        """Connect."""
        self.port = port
        self._client, self._root = await self._open()

    def echo(self, value: Any) -> Coroutine[Any, Any, Any]:
        """Call the method that carries this type."""
        if isinstance(value, bytes):
            return self._value(self._root.echoBytes, value)
        if isinstance(value, int):
            return self._value(self._root.echoNumber, value)
        if value and isinstance(value[0], dict):
            return self._records(value)
        raise Unsupported()

    async def _value(self, method: Any, value: Any) -> Any:
        return (await method(value)).value

    async def _records(self, value: Any) -> Any:
        return _plain((await self._root.echoRecords(value)).value)

    async def visit(self) -> None:
        """Connect, get the root object, call it once, and close."""
        client, root = await self._open()
        await root.echoNumber(SMALL)
        client.close()

    async def idle(self, connections: int) -> None:
        """Keep so many connections more."""
        for _ in range(connections):
            self._kept.append(await self._open())
            await self._kept[-1][1].echoNumber(SMALL)

    async def subscribe(self, clients: int) -> None:
        """Lend an object on each of so many connections."""
        while len(self._subscribed) < clients:
            client, root = await self._open()
            await root.subscribe(Subscriber())
            self._subscribed.append((client, root))

    def publish(self) -> Call:
        """Push to all."""
        call: Call = self._root.publish()
        return call


def adapter() -> Capnp:
    """An adapter of pycapnp."""
    return Capnp()

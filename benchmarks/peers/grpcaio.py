"""
gRPC's asyncio API, with messages of msgpack in place of generated classes.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import msgpack

from benchmarks.payloads import EVENT, SMALL
from benchmarks.peers.asynciobase import OnAsyncio

__all__ = ["adapter"]

HOST = "127.0.0.1"

SERVICE = "benchmarks.Root"

CODEC = {"request_serializer": msgpack.packb, "response_deserializer": msgpack.unpackb}

NOTHING = 0
"""gRPC takes a None for a message that can't be decoded."""

OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_receive_message_length", 1 << 25),
    ("grpc.max_send_message_length", 1 << 25),
]
"""Each channel has a connection of its own, and messages may be large."""


class Root:
    """
    What the server serves.
    """

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[Any]] = []

    async def echo(self, request: Any, context: Any) -> Any:
        """Return the argument."""
        return request

    async def publish(self, request: Any, context: Any) -> Any:
        """Push to all."""
        for queue in self._queues:
            queue.put_nowait(EVENT)
        return NOTHING

    async def subscribe(self, request: Any, context: Any) -> Any:
        """A stream of pushes."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._queues.append(queue)
        yield NOTHING
        while True:
            yield await queue.get()

    def handlers(self) -> Any:
        """The methods."""
        codec = {"request_deserializer": msgpack.unpackb, "response_serializer": msgpack.packb}
        methods = {
            "echo": grpc.unary_unary_rpc_method_handler(self.echo, **codec),
            "publish": grpc.unary_unary_rpc_method_handler(self.publish, **codec),
            "subscribe": grpc.unary_stream_rpc_method_handler(self.subscribe, **codec),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


class Grpc(OnAsyncio):
    """
    gRPC.
    """

    def __init__(self) -> None:
        self._idle: list[Any] = []
        self._readers: list[Any] = []
        self._awaited = 0
        self._complete = asyncio.Event()

    async def listen(self) -> int:
        """Begin to serve."""
        self._server = grpc.aio.server(options=OPTIONS)
        self._server.add_generic_rpc_handlers((Root().handlers(),))
        port: int = self._server.add_insecure_port(f"{HOST}:0")
        await self._server.start()
        return port

    def _channel(self) -> Any:
        return grpc.aio.insecure_channel(f"{HOST}:{self.port}", options=OPTIONS)

    async def connect(self, port: int) -> None:
        """Make a channel."""
        self.port = port
        self._connection = self._channel()
        self._echo = self._connection.unary_unary(f"/{SERVICE}/echo", **CODEC)
        self._publish = self._connection.unary_unary(f"/{SERVICE}/publish", **CODEC)

    def echo(self, value: Any) -> Any:
        """Call a method that returns its argument."""
        return self._echo(value)

    async def visit(self) -> None:
        """Connect, call once, and close."""
        async with self._channel() as channel:
            await channel.unary_unary(f"/{SERVICE}/echo", **CODEC)(SMALL)

    async def idle(self, connections: int) -> None:
        """Keep so many channels more."""
        for _ in range(connections):
            self._idle.append(self._channel())
            await self._idle[-1].unary_unary(f"/{SERVICE}/echo", **CODEC)(SMALL)

    async def _read(self, stream: Any) -> None:
        while True:
            await stream.read()
            self._awaited -= 1
            if not self._awaited:
                self._complete.set()

    async def subscribe(self, clients: int) -> None:
        """Read a stream on each of so many channels."""
        while len(self._readers) < clients:
            stream = self._channel().unary_stream(f"/{SERVICE}/subscribe", **CODEC)(NOTHING)
            await stream.read()
            self._readers.append(asyncio.ensure_future(self._read(stream)))

    async def publish(self) -> None:
        """Push to all."""
        self._awaited = len(self._readers)
        self._complete.clear()
        await self._publish(NOTHING)
        await self._complete.wait()


def adapter() -> Grpc:
    """An adapter of gRPC."""
    return Grpc()

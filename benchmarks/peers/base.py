"""
L{Adapter}: the interface of everything that is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

__all__ = ["Adapter", "Blocking", "Call", "Listening", "Main", "Unsupported"]

Call = Callable[[], Any]
"""One piece of work, to be repeated. What it returns ends when the work does."""

Listening = Callable[[int], None]
"""Told the port, once a server listens."""

Main = Callable[[], Coroutine[Any, Any, None]]


class Unsupported(Exception):
    """The peer has nothing that does this work."""


def _unsupported() -> NoReturn:
    raise Unsupported()


class Adapter:
    """
    One way of calling another program, its server and its client side.

    An instance is one of both. The methods that start work return what the
    peer's own calls return (a Deferred, an awaitable, or a plain value), so
    that nothing of the benchmark stands between; L{keepInFlight} knows which.
    Work that the peer cannot do raises L{Unsupported}.

    @ivar port: where the server listens, on 127.0.0.1.
    """

    port: int

    # The server

    def serve(self, listening: Listening) -> None:
        """
        Serve until the process is ended.

        @param listening: called with the port.
        """
        raise NotImplementedError

    # The client

    def run(self, main: Main) -> None:
        """Run a coroutine to its end, in the event loop of this peer."""
        raise NotImplementedError

    async def connect(self, port: int) -> None:
        """Make the connection that calls go through."""
        raise NotImplementedError

    def keepInFlight(self, call: Call, total: int, window: int) -> Any:
        """
        Call C{call()} so often, so many of them at the same time.

        @return: an awaitable that ends when all have ended.
        """
        raise NotImplementedError

    def echo(self, value: Any) -> Any:
        """Call a method that returns its argument."""
        _unsupported()

    def pages(self) -> Any:
        """Get L{benchmarks.payloads.PAGED} through a pager; its chunks, or it."""
        _unsupported()

    def visit(self) -> Any:
        """Connect, get the root object, call it once, and close."""
        _unsupported()

    async def subscribe(self, clients: int) -> None:
        """Have at least so many connections more, that a push goes to."""
        _unsupported()

    def publish(self) -> Any:
        """
        Let the server push L{benchmarks.payloads.EVENT} to all that subscribed
        with one-way calls; ends when all have it.
        """
        _unsupported()

    async def idle(self, connections: int) -> None:
        """Make and keep so many connections more, each with one call done."""
        _unsupported()

    def write(self, value: Any) -> bytes:
        """The bytes of a call that sends a value, made in this process."""
        _unsupported()

    def read(self, data: bytes, chunk: int) -> Any:
        """
        The value that arrives in this process, when what L{write} made comes
        in chunks of so many bytes.
        """
        _unsupported()

    def convert(self, value: Any) -> Any:
        """To bytes and back, in this process; the value that arrives."""
        _unsupported()


class Blocking(Adapter):
    """
    An adapter whose calls return when they are done.
    """

    def run(self, main: Main) -> None:
        """Run a coroutine that never has to wait."""
        try:
            main().send(None)
        except StopIteration:
            return
        raise RuntimeError("a blocking peer was awaited")

    async def keepInFlight(self, call: Call, total: int, window: int) -> None:
        """One after the other; there is no other way."""
        if window > 1:
            _unsupported()
        for _ in range(total):
            call()

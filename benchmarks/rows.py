"""
What is measured: the rows of the table, and the scales of the plots.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.payloads import BYTES, EVENT, PAGED, SMALL, nested, records
from benchmarks.peers.base import Adapter, Call

__all__ = ["ROWS", "SCALES", "WORKS", "Row", "Scale", "Work"]

SEGMENT = 1460
"""Bytes that come in one packet over Ethernet."""

WHOLE = 64 * 1024
"""Bytes that a transport of Twisted reads at once."""

ELEMENTS = (100, 1_000, 10_000, 100_000, 1_000_000)

Prepare = Callable[[Adapter, int], Awaitable[Call]]


@dataclass(frozen=True)
class Work:
    """
    Something that a client does again and again.

    @ivar key: its name on the command line.
    @ivar title: what it is, for readers.
    @ivar prepare: makes everything ready on an adapter, for one size; checks
        that the result is right; its result does the work once.
    @ivar size: how much of it; what that means is the work's own affair.
    @ivar window: how many of it are under way at the same time.
    @ivar memory: whether bytes of server memory per L{Adapter.idle} connection
        are measured, and not time.
    @ivar local: whether it is done when its call returns, in the client alone.
    """

    key: str
    title: str
    prepare: Prepare
    size: int = 1
    window: int = 1
    memory: bool = False
    local: bool = False


@dataclass(frozen=True)
class Row(Work):
    """
    A row of the table.

    @ivar goal: how many times better than C{twisted.spread} myspread wants to
        be; None for no goal.
    """

    goal: float | None = None


@dataclass(frozen=True)
class Scale(Work):
    """
    A curve: the same work in growing sizes.

    @ivar sizes: the sizes.
    @ivar unit: what they count.
    """

    sizes: tuple[int, ...] = ()
    unit: str = ""


def _checked(result: Any, expected: Any) -> None:
    if result != expected:
        raise ValueError(f"the echo of {type(expected).__name__} came back changed")


async def _result(started: Any) -> Any:
    return await started if hasattr(started, "__await__") else started


def _echoing(payload: Callable[[int], Any]) -> Prepare:
    async def prepare(adapter: Adapter, size: int) -> Call:
        value = payload(size)
        _checked(await _result(adapter.echo(value)), value)
        return lambda: adapter.echo(value)

    return prepare


async def _paging(adapter: Adapter, size: int) -> Call:
    pages = await _result(adapter.pages())
    _checked(b"".join(pages), PAGED)
    return adapter.pages


async def _visiting(adapter: Adapter, size: int) -> Call:
    await _result(adapter.visit())
    return adapter.visit


async def _pushing(adapter: Adapter, size: int) -> Call:
    await adapter.subscribe(size)
    await _result(adapter.publish())
    return adapter.publish


async def _idling(adapter: Adapter, size: int) -> Call:
    await adapter.idle(50)
    return lambda: adapter.idle(size)


async def _converting(adapter: Adapter, size: int) -> Call:
    value = records(size)
    _checked(adapter.convert(value), value)
    return lambda: adapter.convert(value)


async def _flying(adapter: Adapter, size: int) -> Call:
    _checked(await _result(adapter.echo(SMALL)), SMALL)
    await adapter.keepInFlight(lambda: adapter.echo(SMALL), size, size)
    return lambda: adapter.keepInFlight(lambda: adapter.echo(SMALL), size, size)


async def _writing(adapter: Adapter, size: int) -> Call:
    value = nested(size)
    _checked(adapter.read(adapter.write(value), WHOLE), value)
    return lambda: adapter.write(value)


def _reading(payload: Callable[[int], Any], chunk: int) -> Prepare:
    async def prepare(adapter: Adapter, size: int) -> Call:
        value = payload(size)
        data = adapter.write(value)
        _checked(adapter.read(data, chunk), value)
        return lambda: adapter.read(data, chunk)

    return prepare


def _small(size: int) -> int:
    return SMALL


def _bytes(size: int) -> bytes:
    return BYTES[:size]


def _string(size: int) -> bytes:
    return b"s" * size


ROWS = {
    row.key: row
    for row in (
        Row("W1", "small echo, one at a time", _echoing(_small), goal=3.3),
        Row("W2", "small echo, 200 in flight", _echoing(_small), window=200, goal=12),
        Row("W3", "echo of a list of 200 dicts", _echoing(records), size=200, goal=130),
        Row("W4", "echo of 512 KiB of bytes", _echoing(_bytes), size=len(BYTES), goal=15),
        Row("W4P", "16 MiB through a pager", _paging, goal=2.4),
        Row("W5", f"one-way push of a {len(EVENT)}-key dict to 200 clients", _pushing, size=200, goal=15),
        Row("W6", "connect, root, one call, close", _visiting, goal=2.3),
        Row("W7", "server memory per idle connection", _idling, memory=True, goal=3.5),
        Row("codec", "encode + decode of W3's list, in memory", _converting, size=200, local=True, goal=190),
    )
}

SCALES = {
    scale.key: scale
    for scale in (
        Scale(
            "elements",
            "echo of small integers",
            _echoing(nested),
            sizes=(10, 100, 1_000, 10_000, 100_000, 1_000_000),
            unit="elements",
        ),
        Scale(
            "inflight",
            "calls at once, until all are answered",
            _flying,
            sizes=(1, 3, 10, 30, 100, 300, 1_000, 3_000),
            unit="calls in flight",
        ),
        Scale(
            "clients",
            "push to all clients, until all have it",
            _pushing,
            sizes=(1, 5, 20, 100, 500, 2_000, 5_000),
            unit="clients",
        ),
        Scale("write", "integers to bytes", _writing, local=True, sizes=ELEMENTS, unit="elements"),
        Scale(
            "read-whole",
            "bytes to integers, in chunks of 64 KiB",
            _reading(nested, WHOLE),
            local=True,
            sizes=ELEMENTS,
            unit="elements",
        ),
        Scale(
            "read-segments",
            "bytes to integers, in chunks of 1460 bytes",
            _reading(nested, SEGMENT),
            local=True,
            sizes=ELEMENTS,
            unit="elements",
        ),
        Scale(
            "string",
            "one string, in chunks of 1460 bytes",
            _reading(_string, SEGMENT),
            local=True,
            sizes=(1_000, 10_000, 100_000, 640 * 1024),
            unit="bytes",
        ),
    )
}

WORKS: dict[str, Work] = {**ROWS, **SCALES}

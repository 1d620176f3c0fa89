"""
One process of a benchmark: a server, or the client that measures it.

The parent starts it as C{python -m benchmarks.worker}, and talks to it in lines
of JSON. It ends when its standard input does.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from typing import Any

from benchmarks.peers import PEERS
from benchmarks.peers.base import Adapter, Call, Unsupported
from benchmarks.profiling import topLines
from benchmarks.rows import WORKS, Work

MOST = 100_000
"""The most repetitions in one sample."""

IDLE = 500
"""The most connections that a sample of memory makes."""

PAGE = os.sysconf("SC_PAGE_SIZE")


def say(**line: Any) -> None:
    """Send a line to the parent."""
    print(json.dumps(line), flush=True)


def installReactor(name: str) -> None:
    """
    Install the reactor that peers on Twisted use.

    @param name: C{epoll} or C{asyncio}; the latter with uvloop if there is one.
    """
    module = importlib.import_module(f"twisted.internet.{name}reactor")
    if name == "asyncio" and importlib.util.find_spec("uvloop") is not None:
        module.install(importlib.import_module("uvloop").new_event_loop())
    else:
        module.install()


def adapterOf(peer: str) -> Adapter:
    """The adapter of a peer."""
    adapter: Adapter = importlib.import_module(PEERS[peer].module).adapter()
    return adapter


def processorTime(process: int) -> float:
    """Seconds of CPU that a process has used, by its CPU-time clock (Linux)."""
    # What clock_getcpuclockid(3) returns.
    return time.clock_gettime((~process << 3) | 2)


def residentMemory(process: int) -> int:
    """Bytes of memory that a process has resident."""
    with open(f"/proc/{process}/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


class Client:
    """
    Does what the parent asks for.
    """

    def __init__(self, adapter: Adapter, profile: cProfile.Profile | None) -> None:
        self._adapter = adapter
        self._profile = profile
        self._prepared: dict[tuple[str, int], Call] = {}
        self._estimates: dict[tuple[str, int], float] = {}
        self._server = 0

    async def main(self) -> None:
        """Read commands, until there are no more."""
        while line := sys.stdin.readline():
            command = json.loads(line)
            try:
                say(**await getattr(self, "do_" + command.pop("do"))(**command))
            except Unsupported:
                say(unsupported=True)
            except Exception:
                say(error=traceback.format_exc())

    async def do_connect(self, port: int, server: int) -> dict[str, Any]:
        """Connect to a server, a process of this id."""
        self._server = server
        await self._adapter.connect(port)
        return {}

    async def do_profile(self) -> dict[str, Any]:
        """The functions that took the most time of all samples."""
        return {"lines": topLines(self._profile) if self._profile else []}

    async def do_sample(
        self, work: str, size: int | None, count: int | None, seconds: float
    ) -> dict[str, Any]:
        """
        Measure.

        @param size: of the work; by default its own.
        @param count: repetitions; by default so many as take about C{seconds}.
        """
        what = WORKS[work]
        key = work, what.size if size is None else size
        if key not in self._prepared:
            self._prepared[key] = await what.prepare(self._adapter, key[1])
        call = self._prepared[key]
        if what.memory:
            return await self._memory(min(count or IDLE, IDLE))
        if count is None:
            if key not in self._estimates:
                self._estimates[key] = await self._estimate(what, call, seconds)
            count = max(1, min(MOST, round(seconds / self._estimates[key])))
        return await self._timed(what, call, count)

    async def _estimate(self, what: Work, call: Call, seconds: float) -> float:
        """Seconds per repetition, roughly. This warms up, too."""
        count = 1
        while True:
            measured = await self._timed(what, call, count)
            if measured["seconds"] * 4 > seconds or count >= MOST:
                return float(measured["seconds"]) / count
            count *= 4

    async def _timed(self, what: Work, call: Call, count: int) -> dict[str, Any]:
        gc.collect()
        if self._profile:
            self._profile.enable()
        server = processorTime(self._server)
        client = time.process_time()
        begin = time.perf_counter()
        if what.local:
            for _ in range(count):
                call()
        else:
            await self._adapter.keepInFlight(call, count, what.window)
        seconds = time.perf_counter() - begin
        client = time.process_time() - client
        server = processorTime(self._server) - server
        if self._profile:
            self._profile.disable()
        return {"count": count, "seconds": seconds, "client": client, "server": server}

    async def _memory(self, count: int) -> dict[str, Any]:
        before = residentMemory(self._server)
        await self._adapter.idle(count)
        grown = residentMemory(self._server) - before
        return {"count": count, "bytes": grown}


def endWithInput() -> None:
    """End this process, in its main thread, when standard input ends."""

    def wait() -> None:
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def serve(adapter: Adapter, profile: cProfile.Profile | None) -> None:
    """Serve until standard input ends."""
    endWithInput()
    if profile:
        profile.enable()
    adapter.serve(lambda port: say(port=port))
    if profile:
        profile.disable()
        say(lines=topLines(profile))


def main() -> None:
    """Be what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--reactor", default="epoll")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    installReactor(options.reactor)
    adapter = adapterOf(options.peer)
    profile = cProfile.Profile() if options.profile else None
    if options.role == "server":
        serve(adapter, profile)
    else:
        adapter.run(Client(adapter, profile).main)


if __name__ == "__main__":
    main()

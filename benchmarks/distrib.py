"""
How long requests take through C{twisted.web.distrib} over TCP: two processes of
C{twistd web}, both on C{twisted.spread}, then both on myspread.

Run it in the directory that contains it and C{tests}: C{python -m benchmarks.distrib}.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from time import perf_counter
from typing import Any

from twisted.internet.defer import ensureDeferred, maybeDeferred
from twisted.internet.task import react

from tests.substitution.distrib import Client, startBack, startFront

REQUESTS = 200


class Run:
    """What a test would be: a directory, and what to do at the end."""

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="distrib")
        self._cleanups: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def addCleanup(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Do this at the end."""
        self._cleanups.append((function, arguments))

    async def cleanUp(self) -> None:
        """End the processes, remove the directory."""
        for function, arguments in reversed(self._cleanups):
            result = function(*arguments)
            await (ensureDeferred(result) if hasattr(result, "send") else maybeDeferred(lambda r=result: r))
        shutil.rmtree(self.directory)


async def measure(isOurs: bool) -> tuple[float, str]:
    """
    Seconds that the requests take, one after the other, and the module of the
    broker that they went through.
    """
    run = Run()
    try:
        client = Client(await startFront(run, isOurs, await startBack(run, isOurs)))
        run.addCleanup(client.close)
        broker = (await client.ask("back/broker")).body.decode()
        for _ in range(10):
            await client.ask("back/small")
        start = perf_counter()
        for _ in range(REQUESTS):
            answer = await client.ask("back/small")
            assert answer == (200, b"a small page"), answer
        return perf_counter() - start, broker
    finally:
        await run.cleanUp()


async def main(reactor: Any) -> None:
    """Measure both, and print what came out."""
    seconds = {}
    for isOurs in (False, True):
        seconds[isOurs], broker = await measure(isOurs)
        each = seconds[isOurs] / REQUESTS * 1000
        print(f"{broker:<24} {REQUESTS} requests in {seconds[isOurs]:6.3f} s, {each:6.2f} ms each")
    print(f"ratio {seconds[True] / seconds[False]:.3f}")


if __name__ == "__main__":
    react(lambda reactor: ensureDeferred(main(reactor)))

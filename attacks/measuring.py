"""
What an attack costs a server, and those who want to use it meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from attacks.catalogue import ATTACKS
from attacks.processes import Broken, Server, Worker

__all__ = ["LATENCY", "LOG", "MEMORY", "Figures", "Site", "measure", "troubles"]

LATENCY = 1.0
"""Seconds within which a call of an honest client must be answered."""

MEMORY = 32 * 1024 * 1024
"""Bytes by which an attack may make a server grow."""

KEPT = 4 * 1024 * 1024
"""Bytes by which the same attack, done again, may make it grow for good."""

RELIEF = 6.0
"""Seconds that a server gets until an attack is done once more; C{Limits.unfinishedTime} is 5."""

REPETITIONS = 2
"""How often an attack is done once more, if memory seems to be kept."""

LOG = 100_000
"""Bytes that an attack may make a server log."""

STOP = 1536 * 1024 * 1024
"""A server that has grown by so many bytes is ended."""

PATIENCE = 20.0
"""Seconds that a server gets to answer again after an attack."""

ATTACK_SECONDS = 40.0
"""Seconds after which an attack is given up."""

CLOSING = 0.3
"""Seconds that a server gets to close what was left open."""


@dataclass(frozen=True)
class Figures:
    """
    What one attack has cost.

    @ivar attack: its name.
    @ivar package: what was attacked.
    @ivar alive: whether the server runs, and takes calls.
    @ivar latency: the longest time of an honest call, in seconds.
    @ivar newcomer: the longest time of an honest client that connects and calls.
    @ivar refused: how many such were refused.
    @ivar memory: the most bytes that the server grew by.
    @ivar left: the bytes that remained.
    @ivar kept: the bytes that remained when the attack was done again; None when it wasn't.
    @ivar logged: bytes.
    @ivar processor: the server's CPU time, in seconds.
    @ivar seconds: how long it took.
    """

    attack: str
    package: str
    alive: bool
    latency: float
    newcomer: float
    refused: int
    memory: int
    left: int
    kept: int | None
    logged: int
    processor: float
    seconds: float


def troubles(figures: Figures) -> list[str]:
    """What a server promises, and has not kept."""
    found = []
    if not figures.alive:
        found.append("the server doesn't serve any more")
    if figures.latency > LATENCY:
        found.append(f"an honest call took {figures.latency:.1f} s")
    if figures.memory > MEMORY:
        found.append(f"the server grew by {figures.memory / 2**20:.0f} MiB")
    if figures.kept is not None and figures.kept > KEPT:
        found.append(f"done again, it left {figures.kept / 2**20:.0f} MiB more behind")
    if figures.logged > LOG:
        found.append(f"the server logged {figures.logged / 1000:.0f} kB")
    return found


class Site:
    """
    A server, honest clients and an attacker, as a context manager.

    @ivar usable: whether the next attack finds everything in order.
    """

    def __init__(self, package: str, served: str, settings: Sequence[str] = ()) -> None:
        """
        @param package: what the server runs.
        @param served: what it serves.
        @param settings: limits of C{twistd pbserver}, as C{NAME=VALUE}.
        """
        self.usable = True
        self._served = served
        self._processes = ExitStack()
        try:
            self._server = Server(package, served, settings)
            self._processes.callback(self._server.end)
            self._honest = self._processes.enter_context(Worker("attacks.honest"))
            self._attacker = self._processes.enter_context(Worker("attacks.attacker"))
            self._honest.ask("connect", self._server.port, served, self._server.process)
            self._honest.ask("settle", PATIENCE)
        except BaseException:
            self._processes.close()
            raise

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all of it."""
        self._processes.close()

    def attack(self, name: str, seconds: float) -> Figures:
        """
        Do it, and measure meanwhile.

        @param name: of the attack.
        @param seconds: how long to keep up what only lasts.
        @raise Broken: when the attack itself fails.
        """
        server = self._server
        self._honest.ask("begin")
        server.forgetPeak()
        memory, logged, processor = server.memory(), server.logged, server.processor
        begin = time.monotonic()
        stopped = not self._attacked(memory, name, server.port, seconds, self._served == "tls")
        seen = self._honest.ask("settle", 0 if stopped else PATIENCE, seconds=PATIENCE + 10)
        time.sleep(CLOSING)
        alive = server.alive and not stopped and seen["served"] > 0 and seen["answered"] > 0
        self.usable = alive and not seen["lost"]
        return Figures(
            attack=name,
            package=server.package,
            alive=alive,
            latency=float("inf") if stopped or seen["lost"] else seen["calls"],
            newcomer=seen["newcomers"],
            refused=seen["refused"],
            memory=max(self._peak, server.memory("VmHWM")) - memory,
            left=server.memory() - memory,
            kept=None,
            logged=server.logged - logged,
            processor=(server.processor if server.alive else processor) - processor,
            seconds=time.monotonic() - begin,
        )

    def _attacked(self, memory: int, *attack: Any) -> bool:
        """Whether it could be done to its end."""
        self._peak = 0
        self._attacker.say(*attack)
        for _ in range(int(ATTACK_SECONDS / 0.1)):
            if self._attacker.hear(0.1) is not None:
                return True
            self._peak = max(self._peak, self._server.memory("VmHWM"))
            if self._peak - memory > STOP:
                self._server.end()
                self._attacker.hear(ATTACK_SECONDS)
                return False
        raise Broken(f"{attack[0]} takes too long")


def measure(package: str, name: str, seconds: float, settings: Sequence[str] = ()) -> Figures:
    """
    Attack a new server, and once more if it survives.

    @param settings: limits of C{twistd pbserver}, as C{NAME=VALUE}.

    @return: the worst of both; what is kept is that of the second time.
    @raise Broken: when the attack itself fails.
    """
    with Site(package, ATTACKS[name].served, settings) as site:
        first = site.attack(name, seconds)
        if not site.usable:
            return first
        second = site.attack(name, seconds)
        kept = second.left
        for _ in range(REPETITIONS):
            # It may be garbage that nobody has collected yet, or belong to connections that a server
            # doesn't read from, and closes only after a while.
            if kept > KEPT and site.usable:
                time.sleep(RELIEF)
                kept = min(kept, site.attack(name, seconds).left)
    return Figures(
        attack=name,
        package=package,
        alive=second.alive,
        latency=max(first.latency, second.latency),
        newcomer=max(first.newcomer, second.newcomer),
        refused=max(first.refused, second.refused),
        memory=max(first.memory, second.memory),
        left=first.left,
        kept=kept,
        logged=max(first.logged, second.logged),
        processor=max(first.processor, second.processor),
        seconds=first.seconds + second.seconds,
    )

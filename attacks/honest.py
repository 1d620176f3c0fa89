"""
C{python -m attacks.honest}: clients on C{twisted.spread} that want to be served while others attack.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.internet import reactor, stdio
from twisted.internet.defer import ensureDeferred
from twisted.internet.ssl import CertificateOptions
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from twisted.spread import pb

from attacks.served import NAME, PASSWORD

__all__ = ["Honest"]

PAUSE = 0.02
"""Seconds from an answer to the next call."""

NEWCOMER_PAUSE = 0.1
"""Seconds from one newcomer to the next."""

QUIET = 3
"""Calls that are answered after an attack before it counts as over."""


def waited(process: int) -> float:
    """
    Seconds that a process has been ready to run, and had no processor.
    """
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9


class Watch:
    """
    How long something takes that a server does again and again. The time that
    it waits for a processor doesn't count: that others have, and the attacker.

    @ivar worst: seconds.
    @ivar done: how often it was done.
    @ivar failed: how often it failed.
    """

    def __init__(self, server: int) -> None:
        """
        @param server: its process.
        """
        self._server = server
        self._begun: float | None = None
        self.worst = 0.0
        self.done = 0
        self.failed = 0

    def forget(self) -> None:
        """Begin anew. What is under way counts from now."""
        self.worst, self.done, self.failed = 0.0, 0, 0
        if self._begun is not None:
            self.begin()

    def begin(self) -> None:
        """It begins."""
        self._begun = self._time()

    def end(self, failed: bool = False) -> None:
        """It has ended."""
        self.worst = self.figure
        self._begun = None
        self.done += not failed
        self.failed += failed

    @property
    def figure(self) -> float:
        """The longest time, that of what is under way included."""
        return max(self.worst, 0.0 if self._begun is None else self._time() - self._begun)

    def _time(self) -> float:
        """Seconds, without those that the server has waited."""
        try:
            return reactor.seconds() - waited(self._server)
        except FileNotFoundError:
            # There is no server any more, and others say so.
            return self._begun or 0.0


class Honest(LineReceiver):
    """
    One client that stays and calls, and newcomers one after the other. It
    obeys a process that writes to its standard input.

    @ivar calls: the calls of the one that stays.
    @ivar newcomers: each connects, logs in where that is wanted, and calls once.
    """

    delimiter = b"\n"
    calls: Watch
    newcomers: Watch

    def __init__(self) -> None:
        self._lost = False

    def connectionLost(self, reason: Any = None) -> None:
        """We aren't wanted any more."""
        # A newcomer may still be connecting, to a server that doesn't answer.
        os._exit(0)

    def lineReceived(self, line: bytes) -> None:
        """A command."""
        name, *arguments = json.loads(line)
        answer = ensureDeferred(getattr(self, f"do_{name}")(*arguments))
        answer.addCallbacks(self._answer, self._failed)

    def _answer(self, answer: Any) -> None:
        self.sendLine(json.dumps(answer).encode())

    def _failed(self, failure: Failure) -> None:
        self._answer(failure.getTraceback())

    async def do_connect(self, port: int, served: str, server: int) -> bool:
        """Begin to call."""
        self._port, self._served = port, served
        self.calls, self.newcomers = Watch(server), Watch(server)
        self._root = await self._enter()
        ensureDeferred(self._stay(self._root))
        ensureDeferred(self._come())
        return True

    async def do_begin(self) -> bool:
        """Forget what was measured."""
        self.calls.forget()
        self.newcomers.forget()
        return True

    async def do_settle(self, seconds: float) -> dict[str, Any]:
        """Wait until the server answers again, so long at most; and say what was measured."""
        end = reactor.seconds() + seconds
        calls, newcomers = self.calls.done, self.newcomers.done
        while reactor.seconds() < end and not self._lost:
            if self.calls.done > calls + QUIET and self.newcomers.done > newcomers + 1:
                break
            await deferLater(reactor, 0.02)
        else:
            return self._measured()
        measured = self._measured()
        if self._served != "portal" and not self._lost:
            await self._root.callRemote("release")
        return measured

    def _measured(self) -> dict[str, Any]:
        return {
            "lost": self._lost,
            "calls": self.calls.figure,
            "answered": self.calls.done,
            "newcomers": self.newcomers.figure,
            "refused": self.newcomers.failed,
            "served": self.newcomers.done,
        }

    async def _enter(self) -> Any:
        """The object to call, on a new connection."""
        factory = pb.PBClientFactory()
        # Not an endpoint: a factory of twisted.spread would not hear from it that the connection is lost.
        if self._served == "tls":
            reactor.connectSSL("127.0.0.1", self._port, factory, CertificateOptions())
        else:
            reactor.connectTCP("127.0.0.1", self._port, factory)
        if self._served == "portal":
            return await factory.login(UsernamePassword(NAME, PASSWORD))
        return await factory.getRootObject()

    async def _stay(self, root: Any) -> None:
        try:
            while True:
                self.calls.begin()
                await root.callRemote("echo", self.calls.done)
                self.calls.end()
                await deferLater(reactor, PAUSE)
        except (pb.PBConnectionLost, pb.DeadReferenceError):
            self._lost = True

    async def _come(self) -> None:
        while True:
            self.newcomers.begin()
            try:
                root = await self._enter()
                await root.callRemote("echo", 1)
                root.broker.transport.loseConnection()
            except Exception:
                self.newcomers.end(failed=True)
            else:
                self.newcomers.end()
            await deferLater(reactor, NEWCOMER_PAUSE)


if __name__ == "__main__":
    stdio.StandardIO(Honest())
    reactor.run()

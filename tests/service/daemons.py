"""
Run C{twistd} as users do: the installed script, from some directory.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater
from twisted.spread import pb as stock
from twisted.trial.unittest import TestCase

import myspread
from tests.examples.programs import Program, kill

__all__ = ["TwistdTestCase"]

SCRIPT = "from twisted.scripts.twistd import run\nrun()\n"
"""What the installed script does. Python puts its directory, not the working directory, on the path."""


class TwistdTestCase(TestCase):
    """
    @ivar directory: the working directory of what is run.
    """

    timeout = 120

    def setUp(self) -> None:
        home = Path(tempfile.mkdtemp(prefix="twistd"))
        self.addCleanup(shutil.rmtree, home)
        self.directory = home / "work"
        self.directory.mkdir()
        (home / "bin").mkdir()
        self.script = home / "bin" / "twistd"
        self.script.write_text(SCRIPT)

    def twistd(
        self,
        *words: str,
        before: str = "",
        sockets: Sequence[socket.socket] = (),
        through: Sequence[str] = (),
    ) -> Program:
        """
        Run it with a command line. It is killed at the end of the test if it
        still runs.

        @param before: what the shell does first, in the same process.
        @param sockets: what the process gets as its files from 3 on.
        @param through: the command line of a program that starts it.
        """
        package = str(Path(myspread.__file__).resolve().parents[1])
        program = Program("twistd", twistd=True)
        command = [*through, sys.executable, str(self.script), *words]
        if before:
            command = ["/bin/sh", "-c", f'{before}; exec "$0" "$@"', *command]
        reactor.spawnProcess(
            program,
            command[0],
            command,
            env={**os.environ, "PYTHONPATH": package, "PYTHONUNBUFFERED": "1"},
            path=str(self.directory),
            childFDs={0: "w", 1: "r", 2: "r", **{3 + n: each.fileno() for n, each in enumerate(sockets)}},
        )
        self.addCleanup(kill, program)
        return program

    async def serve(
        self, *words: str, ports: int = 1, before: str = "", sockets: Sequence[socket.socket] = ()
    ) -> tuple[Program, list[str]]:
        """
        Start C{twistd -n pbserver}.

        @param ports: how many ports it will listen on.
        @param before: what the shell does first.
        @param sockets: what the process gets as its files from 3 on.
        @return: the program, and the ports, as numbers or quoted paths.
        """
        program = self.twistd("-n", "pbserver", *words, before=before, sockets=sockets)
        listening = await program.printed(r"PBServerFactory(?: \(\w+\))* starting on (\S+)", ports)
        return program, listening

    async def outcome(self, *words: str) -> tuple[int | None, str, str]:
        """
        Run C{twistd} to its end.

        @return: its exit status, and what it wrote to stdout and to stderr.
        """
        program = self.twistd(*words)
        status = await program.ended
        return status, program.output, program.errors

    async def connect(self, description: str, factory: Any) -> None:
        """Connect a client's factory; the connection is closed when the test ends."""
        broker = await endpoints.clientFromString(reactor, description).connect(factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))

        def close() -> Deferred[None]:
            broker.transport.loseConnection()
            return lost

        self.addCleanup(close)

    async def root(self, description: str) -> Any:
        """
        The root object behind a client endpoint, for a client on
        C{twisted.spread} whose connection is closed when the test ends.
        """
        factory = stock.PBClientFactory()
        await self.connect(description, factory)
        return await factory.getRootObject()

    def until(self, condition: Any) -> Deferred[None]:
        """A Deferred that fires once a condition holds."""

        async def wait() -> None:
            while not condition():
                await deferLater(reactor, 0.02)

        return ensureDeferred(wait())

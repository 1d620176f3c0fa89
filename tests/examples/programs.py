"""
Run example programs as processes, on C{myspread} or on C{twisted.spread}.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from twisted.internet import defer, error, protocol, reactor
from twisted.python.failure import Failure
from twisted.trial import unittest

import myspread

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
OURS = "myspread"
STOCK = "twisted.spread"

TWISTD = "from twisted.scripts.twistd import run; run()"

#: Where the programs keep their bytecode: the folders of the examples stay clean,
#: and nothing is compiled again for each of some two hundred processes.
BYTECODE = tempfile.mkdtemp(prefix="bytecode")
atexit.register(shutil.rmtree, BYTECODE)

#: How many pairs of programs run at the same time.
AT_ONCE = 2


def stockSource(source: str, replacements: list[tuple[str, str]]) -> str:
    """
    Rewrite the source of an example so that it runs on C{twisted.spread}.

    @param source: The example, which imports C{myspread}.
    @param replacements: Pairs of texts, for what C{twisted.spread} doesn't
        have. Each of the first ones must occur.
    @return: The same program, without a mention of C{myspread}.
    @raise ValueError: A text to be replaced isn't there, or C{myspread} still is.
    """
    for ours, stock in replacements:
        if ours not in source:
            raise ValueError(f"nothing to replace: {ours!r}")
        source = source.replace(ours, stock)
    source = re.sub(r"^(from|import) myspread\b", rf"\1 {STOCK}", source, flags=re.MULTILINE)
    if "myspread" in source:
        raise ValueError("myspread is still mentioned")
    return source


def readable(line: str) -> str:
    """
    Shorten each repr in a line to the name of its class: C{<RemoteReference>}.
    """
    line = re.sub(r"<class '(?:[\w.]+\.)?(\w+)'>", r"<\1>", line)
    return re.sub(r"<(?:[\w.]+\.)?(\w+) [^<>]* at 0x[0-9a-f]+>", r"<\1>", line)


#: What to replace in programs that are to run on twisted.spread, by file name.
Replacements = dict[str, list[tuple[str, str]]]


class Program(protocol.ProcessProtocol):
    """
    One example that runs as a process.

    @ivar name: The file name, for messages.
    @ivar ended: Fires with the exit code, which is None after a signal.
    """

    def __init__(self, name: str, twistd: bool) -> None:
        self.name = name
        self.twistd = twistd
        self.ended: defer.Deferred[int | None] = defer.Deferred()
        self.running = True
        self._output = b""
        self._errors = b""
        self._awaited: list[tuple[str, int, defer.Deferred[list[str]]]] = []

    @property
    def output(self) -> str:
        """
        What the program has printed.
        """
        return self._output.decode().replace("\r\n", "\n")

    @property
    def errors(self) -> str:
        """
        What the program has written to its standard error.
        """
        return self._errors.decode().replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """
        The lines printed, as L{readable}, but for those that name a port.

        Of a program under twistd, those that the log attributes to C{print}.
        """
        lines = self.output.splitlines()
        if self.twistd:
            mark = " [stdout#info] "
            lines = [line.partition(mark)[2] for line in lines if mark in line]
        return [readable(line) for line in lines if not re.search(r" on port \d+$", line)]

    def printed(self, pattern: str, times: int = 1) -> defer.Deferred[list[str]]:
        """
        Wait for output.

        @param pattern: A regular expression with one group.
        @param times: How often it must have matched.
        @return: A Deferred of what the group has matched each time. It fails
            with L{AssertionError} if the program ends before.
        """
        found: defer.Deferred[list[str]] = defer.Deferred()
        self._awaited.append((pattern, times, found))
        self._lookForAwaited()
        return found

    def _lookForAwaited(self) -> None:
        for awaited in list(self._awaited):
            pattern, times, found = awaited
            # Only whole lines: a number could still be growing.
            whole = self.output.rpartition("\n")[0]
            matches = re.findall(pattern, whole)
            if len(matches) >= times:
                self._awaited.remove(awaited)
                found.callback(matches)

    def outReceived(self, data: bytes) -> None:
        self._output += data
        self._lookForAwaited()

    def errReceived(self, data: bytes) -> None:
        self._errors += data

    def processEnded(self, reason: Failure) -> None:
        self.running = False
        for pattern, _, found in self._awaited:
            found.errback(AssertionError(f"{self.name} ended before {pattern!r}:\n{self.report()}"))
        self._awaited = []
        self.ended.callback(reason.value.exitCode)

    @property
    def complaints(self) -> str:
        """
        What went wrong: standard error, and for twistd its log from the first
        traceback on.
        """
        _, traceback, rest = self.output.partition("Traceback")
        return self.errors + (traceback + rest if self.twistd else "")

    def report(self) -> str:
        return f"--- {self.name} printed\n{self.output}--- and to stderr\n{self.errors}---"

    def signal(self, name: str) -> None:
        try:
            self.transport.signalProcess(name)
        except error.ProcessExitedAlready:
            # It ended in this very moment.
            return


class Sides(NamedTuple):
    """
    The packages that the two sides of an example run on.
    """

    server: str
    client: str


BOTH_OURS = Sides(OURS, OURS)
STOCK_CLIENT = Sides(OURS, STOCK)
STOCK_SERVER = Sides(STOCK, OURS)


class Pair:
    """
    What a test runs on one combination of sides.
    """

    def __init__(self, case: ExampleTestCase, sides: Sides) -> None:
        self.case = case
        self.sides = sides

    def folderOf(self, side: str) -> Path:
        return EXAMPLES / self.case.topic if side == OURS else self.case.directory / "stock"

    def start(
        self,
        side: str,
        name: str,
        *arguments: object,
        twistd: bool = False,
        module: str | None = None,
        **variables: object,
    ) -> Program:
        """
        Start a program. It is killed at the end of the test if it still runs.

        @param side: The package to run it on.
        @param name: Its file name.
        @param arguments: Its arguments.
        @param twistd: Whether twistd is to run it.
        @param module: The module that is to run it, given its path.
        @param variables: Environment variables for it.
        """
        folder = self.folderOf(side)
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPYCACHEPREFIX": BYTECODE}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        paths = [str(folder), str(Path(myspread.__file__).parents[1])]
        environment["PYTHONPATH"] = os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])
        environment.update({variable: str(value) for variable, value in variables.items()})
        if twistd:
            command = ["-c", TWISTD, "--pidfile=", "-noy", str(folder / name)]
        else:
            run = [] if module is None else ["-m", module]
            command = [*run, str(folder / name), *map(str, arguments)]
        program = Program(name, twistd)
        reactor.spawnProcess(
            program,
            sys.executable,
            [sys.executable, *command],
            env=environment,
            path=str(self.case.directory / "run"),
        )
        self.case.addCleanup(kill, program)
        return program

    def startClient(self, name: str, *arguments: object) -> Program:
        return self.start(self.sides.client, name, *arguments)

    async def startServer(self, name: str) -> tuple[Program, str]:
        """
        Start a server that takes its port as argument.

        @return: The program and its port.
        """
        program, [port] = await self.startServers(name, 1)
        return program, port

    async def startServers(self, name: str, count: int) -> tuple[Program, list[str]]:
        """
        Start a program that serves on several ports.

        @return: The program and its ports.
        """
        program = self.start(self.sides.server, name, *[0] * count)
        return program, await program.printed(r" on port (\d+)", count)

    async def startTwistd(self, name: str, **variables: object) -> tuple[Program, str]:
        """
        Start a server that twistd runs, and that takes its port from the
        variable C{PB_PORT}.

        @return: The program and the port on which it speaks Perspective Broker.
        """
        program = self.start(self.sides.server, name, twistd=True, PB_PORT=0, **variables)
        [port] = await program.printed(r"PBServerFactory starting on (\d+)")
        return program, port

    async def stop(self, program: Program) -> list[str]:
        """
        Ask a server to end, and wait for it.

        @return: The lines that it has printed.
        """
        if program.running:
            program.signal("TERM")
            await program.ended
        return program.lines

    async def stopQuiet(self, program: Program) -> list[str]:
        """
        Like L{stop}, and hold it to having run without complaint.
        """
        lines = await self.stop(program)
        self.case.assertEqual(program.complaints, "", program.report())
        return lines

    async def finish(self, program: Program) -> list[str]:
        """
        Wait for a program that ends by itself, and hold it to an end without
        complaint.

        @return: The lines that it has printed.
        """
        status = await program.ended
        self.case.assertEqual((status, program.complaints), (0, ""), program.report())
        return program.lines

    async def runClient(self, name: str, *arguments: object) -> list[str]:
        """
        Run a client to its end, which must be without complaint.

        @return: The lines that it has printed.
        """
        return await self.finish(self.startClient(name, *arguments))


async def kill(program: Program) -> None:
    if program.running:
        program.signal("KILL")
        await program.ended


class ExampleTestCase(unittest.TestCase):
    """
    @cvar topic: The folder of the programs.
    @cvar stockReplacements: By file name, what else to replace in a program
        that is to run on C{twisted.spread}, which L{stockSource} explains.
    @cvar onStock: Whether the programs can run on C{twisted.spread}, too.
    """

    timeout = 90
    onStock = True
    topic = ""
    stockReplacements: ClassVar[Replacements] = {}

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="examples"))
        self.addCleanup(shutil.rmtree, self.directory)
        (self.directory / "run").mkdir()
        self._writeStockPrograms()

    def portWithoutServer(self) -> int:
        """
        @return: A port that nothing listens on, and nothing can during the test.
        """
        reserved = socket.socket()
        self.addCleanup(reserved.close)
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])

    def _writeStockPrograms(self) -> None:
        if not self.onStock:
            return
        stock = self.directory / "stock"
        stock.mkdir()
        for path in sorted((EXAMPLES / self.topic).iterdir()):
            if path.suffix in (".py", ".tac"):
                replacements = self.stockReplacements.get(path.name, [])
                (stock / path.name).write_text(stockSource(path.read_text(), replacements))


PairTest = Callable[[Any, Pair], Awaitable[None]]


def withSides(*combinations: Sides) -> Callable[[PairTest], Callable[[Any], Awaitable[None]]]:
    """
    Decorate a test of a L{Pair}, so that it runs on each of the combinations.

    A few run at the same time, because starting a program takes much longer
    than what it does.
    """

    def decorate(test: PairTest) -> Callable[[Any], Awaitable[None]]:
        async def runAll(self: ExampleTestCase) -> None:
            slots = defer.DeferredSemaphore(AT_ONCE)
            runs = [slots.run(test, self, Pair(self, sides)) for sides in combinations]
            results = await defer.DeferredList(runs, consumeErrors=True)
            problems = [
                f"{sides}:\n{result.getTraceback()}"
                for sides, (succeeded, result) in zip(combinations, results, strict=True)
                if not succeeded
            ]
            if problems:
                self.fail("\n".join(problems))

        runAll.__name__ = test.__name__
        runAll.__qualname__ = test.__qualname__
        runAll.__doc__ = test.__doc__
        return runAll

    return decorate


everyPairing = withSides(BOTH_OURS, STOCK_CLIENT, STOCK_SERVER)

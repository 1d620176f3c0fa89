"""
Run commands as their users do: as processes, some of them on a terminal, against
real servers.
"""

from __future__ import annotations

import atexit
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.server import EVIL
from tests.substitution.running import cleanEnvironment

__all__ = ["PATIENCE", "Command", "CommandTestCase", "Ended", "Log", "OnTerminal", "Server"]

PATIENCE = 30.0
"""Seconds to wait for what comes at once on a quiet machine."""


class Ended(NamedTuple):
    """What a command has come to."""

    status: int
    output: str
    errors: str


@cache
def _zygote() -> str:
    """The socket of the process that starts commands; it is there until this process ends."""
    folder = tempfile.mkdtemp(prefix="zygote")
    atexit.register(shutil.rmtree, folder)
    path = os.path.join(folder, "socket")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.zygote", path],
        env=cleanEnvironment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.wait)
    atexit.register(process.kill)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise AssertionError("no process that starts commands")
    process.stdout.close()
    return path


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(_zygote())
    except ConnectionRefusedError:
        # Whoever tidies up a machine may have ended it.
        _zygote.cache_clear()
        connection.connect(_zygote())
    return connection


class Command:
    """
    A command that runs.

    @ivar pid: its process id.
    """

    def __init__(
        self, words: tuple[str, ...], directory: Path, variables: dict[str, str], *files: int
    ) -> None:
        """
        @param files: the file descriptors that it has as stdin, stdout and stderr.
        """
        self._connection = _connected()
        message = {"words": words, "directory": str(directory), "environment": cleanEnvironment(**variables)}
        socket.send_fds(self._connection, [json.dumps(message).encode()], list(files))
        self._answers = self._connection.makefile("r")
        self.pid = int(self._answers.readline())
        self._status: int | None = None

    def wait(self) -> int:
        """Wait until it has ended, and return the exit status."""
        if self._status is None:
            self._status = int(self._answers.readline())
        return self._status

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._status is None:
            self.signal(signal.SIGKILL)
            self.wait()
        self._answers.close()
        self._connection.close()


class Started:
    """
    A command that has no terminal.
    """

    def __init__(
        self, words: tuple[str, ...], directory: Path, variables: dict[str, str], typed: str = ""
    ) -> None:
        """
        @param typed: what it reads.
        """
        self._output = tempfile.TemporaryFile()
        self._errors = tempfile.TemporaryFile()
        with tempfile.TemporaryFile() as reads:
            reads.write(typed.encode())
            reads.seek(0)
            files = reads.fileno(), self._output.fileno(), self._errors.fileno()
            self.command = Command(words, directory, variables, *files)

    @property
    def output(self) -> str:
        """What it has printed until now."""
        return os.pread(self._output.fileno(), 2**24, 0).decode()

    @property
    def errors(self) -> str:
        """What it has written to stderr until now."""
        return os.pread(self._errors.fileno(), 2**24, 0).decode()

    def wait(self, pattern: str) -> re.Match[str]:
        """Wait until a pattern is in what it has written."""
        return _until(pattern, lambda: self.output + self.errors)

    def end(self) -> None:
        """Kill it, if it still runs."""
        self.command.end()
        self._output.close()
        self._errors.close()


def _until(pattern: str, text: Callable[[], str]) -> re.Match[str]:
    """Wait until there is a pattern in a text."""
    deadline = time.monotonic() + PATIENCE
    while True:
        now = text()
        found = re.search(pattern, now, re.MULTILINE)
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"no {pattern!r} in:\n{now}")
        time.sleep(0.01)


class Log:
    """
    What a process writes.

    @ivar file: where to.
    """

    def __init__(self, name: str) -> None:
        self.file = tempfile.NamedTemporaryFile(prefix=name, suffix=".log")

    @property
    def text(self) -> str:
        """What it has written until now."""
        return Path(self.file.name).read_text()

    def wait(self, pattern: str) -> re.Match[str]:
        """Wait until there is a pattern in it."""
        return _until(pattern, lambda: self.text)

    def close(self) -> None:
        """Remove it."""
        self.file.close()


class Server:
    """
    A server process.

    @ivar root: the strport of its root object.
    @ivar portal: that of the same with a login.
    @ivar others: those of what else it serves: where it is ours, a root and a
        portal that describe themselves, and a root that tells of incidents; and
        last a root that sends tracebacks.
    """

    def __init__(self, package: str) -> None:
        """
        @param package: C{myspread} or C{twisted.spread}.
        """
        self._log = Log("server")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.server", package],
            env=cleanEnvironment(),
            stdout=self._log.file,
            stderr=subprocess.STDOUT,
        )
        ports = self.wait(r"^ports ([\d ]+)$")[1].split()
        self.root, self.portal, *self.others = [f"tcp:127.0.0.1:{port}" for port in ports]

    @property
    def log(self) -> str:
        """What it has printed until now."""
        return self._log.text

    def wait(self, pattern: str) -> re.Match[str]:
        """Wait until a pattern is in its log."""
        return self._log.wait(pattern)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@cache
def _serverOn(package: str) -> Server:
    """A server for all tests; it is there until this process ends."""
    server = Server(package)
    atexit.register(server.stop)
    return server


class CommandTestCase(SynchronousTestCase):
    """
    @cvar package: the server's.
    @ivar server: the server. It must not be stopped.
    @ivar directory: the working directory of commands.
    """

    package = "myspread"

    def setUp(self) -> None:
        """Make the working directory."""
        self.server = _serverOn(self.package)
        self.directory = Path(tempfile.mkdtemp(prefix="commands"))
        self.addCleanup(shutil.rmtree, self.directory)

    def portWithoutServer(self) -> int:
        """A port that nothing listens on, and nothing can during the test."""
        reserved = socket.socket()
        self.addCleanup(reserved.close)
        reserved.bind(("127.0.0.1", 0))
        return int(reserved.getsockname()[1])

    def start(self, *words: str, **variables: str) -> Started:
        """
        Start a command that has no terminal. It is killed at the end of the test
        if it still runs.
        """
        started = Started(words, self.directory, variables)
        self.addCleanup(started.end)
        return started

    def finish(self, started: Started) -> Ended:
        """Wait until a command has ended by itself."""
        status = started.command.wait()
        self.assertHarmless(started.output + started.errors)
        return Ended(status, started.output, started.errors)

    def interrupt(self, started: Started) -> Ended:
        """Press Ctrl-C, and wait until the command has ended."""
        started.command.signal(signal.SIGINT)
        return self.finish(started)

    def myspread(self, *words: str, **variables: str) -> Ended:
        """Run a command to its end."""
        return self.finish(self.start(*words, **variables))

    def feed(self, typed: str, *words: str) -> Ended:
        """Run a command that reads something to its end."""
        started = Started(words, self.directory, {}, typed)
        self.addCleanup(started.end)
        return self.finish(started)

    def together(self, *commands: tuple[str, ...]) -> list[Ended]:
        """Run commands to their ends, all at the same time."""
        return [self.finish(started) for started in [self.start(*words) for words in commands]]

    def prints(self, *words: str, **variables: str) -> str:
        """What a command prints that ends well and complains of nothing."""
        ended = self.myspread(*words, **variables)
        self.assertEqual((ended.status, ended.errors), (0, ""), ended)
        return ended.output

    def fails(self, status: int, *words: str, **variables: str) -> str:
        """What a command says that prints no result and ends with this status."""
        ended = self.myspread(*words, **variables)
        self.assertEqual((ended.status, ended.output), (status, ""), ended)
        self.assertNotIn("Traceback", ended.errors)
        return ended.errors

    def assertHarmless(self, text: str) -> None:
        """Nothing that a server sends gets to a terminal as it is."""
        for character in set(EVIL) - {"\n"} - set(map(chr, range(32, 127))):
            self.assertNotIn(character, text)


class OnTerminal:
    """
    A command on a terminal of its own.

    @ivar output: what it has written there, since the last L{wait}.
    """

    def __init__(self, case: CommandTestCase, *words: str, **variables: str) -> None:
        """
        @param case: the test, at whose end it is killed if it still runs.
        """
        self.output = ""
        self._terminal, other = pty.openpty()
        variables = {"TERM": "dumb", "COLUMNS": "100", **variables}
        self.command = Command(words, case.directory, variables, other, other, other)
        os.close(other)
        case.addCleanup(os.close, self._terminal)
        case.addCleanup(self.command.end)

    def write(self, text: str) -> None:
        """Type something."""
        os.write(self._terminal, text.encode())

    def wait(self, pattern: str) -> re.Match[str]:
        """Wait until what was written since the last C{wait} has a pattern."""
        deadline = time.monotonic() + PATIENCE
        found = self._look(pattern, deadline)
        if found is None:
            raise AssertionError(f"no {pattern!r} in {self.output!r}")
        return found

    def interrupt(self, pattern: str) -> None:
        """
        Press Ctrl-C until there is a pattern. Python misses a signal that comes in
        the very moment in which it begins to wait for something else.
        """
        for _ in range(round(PATIENCE / 3)):
            self.write("\x03")
            if self._look(pattern, time.monotonic() + 3) is not None:
                return
        raise AssertionError(f"no {pattern!r} in {self.output!r}")

    def _look(self, pattern: str, deadline: float) -> re.Match[str] | None:
        while True:
            found = re.search(pattern, self.output)
            if found is not None:
                self.output = self.output[found.end() :]
                return found
            if not self._read(deadline):
                return None

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._terminal, 65536) if ready else b""
        except OSError:
            # That is how Linux says that the other side is closed.
            return False
        self.output += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def ended(self) -> int:
        """Wait until it has ended, and return its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.command.wait()

"""
The processes of an attack, that this one starts and ends.
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from twisted.internet.ssl import KeyPair

__all__ = ["OURS", "PACKAGES", "STOCK", "Broken", "Server", "Worker"]

OURS = "myspread"
STOCK = "twisted.spread"
PACKAGES = (STOCK, OURS)

ROOT = str(Path(__file__).resolve().parents[1])

FILES = 8192
"""Files that a server, or an attacker, may have open."""

_TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"

_COMMANDS = {
    OURS: ["-c", _TWISTD, "-n", "pbserver", "--root", "attacks.ours:{root}", "--port", "{port}"],
    STOCK: ["-m", "attacks.stock", "{root}", "{port}"],
}

_PORTS = {
    "root": ("Root", "tcp:0:interface=127.0.0.1"),
    "portal": ("portal", "tcp:0:interface=127.0.0.1"),
    "tls": ("Root", "ssl:0:interface=127.0.0.1:privateKey={pem}:certKey={pem}"),
}
"""What is served, and where."""


class Broken(Exception):
    """A process has failed, or does not answer."""


def _environment() -> dict[str, str]:
    path = os.pathsep.join([ROOT, *(os.path.abspath(each) for each in sys.path)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _mayOpenMany(process: subprocess.Popen[bytes]) -> None:
    _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (wanted, most))


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of our own, until this process ends."""
    return tempfile.TemporaryDirectory(prefix="attacks")


@cache
def _pem() -> Path:
    """A key, and a certificate that signs itself, in one file."""
    key = KeyPair.generate(size=2048)
    path = Path(_folder().name) / "server.pem"
    path.write_bytes(key.selfSignedCert(1, CN="localhost").dumpPEM())
    return path


class Worker:
    """
    A module of this package that runs in a process of its own, and answers
    each line that it reads with one that it writes. A context manager.
    """

    def __init__(self, module: str) -> None:
        """
        @param module: its name.
        """
        self._name = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        _mayOpenMany(self._process)

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        _end(self._process)
        self._process.stdout.close()

    def say(self, *words: Any) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, seconds: float) -> Any:
        """
        The answer to a command.

        @return: None when it isn't there in time.
        @raise Broken: when the process has failed.
        """
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                return None
            line = self._process.stdout.readline()
        answer = json.loads(line) if line else "it has ended"
        if isinstance(answer, str):
            raise Broken(f"{self._name}: {answer}")
        return answer

    def ask(self, *words: Any, seconds: float = 30) -> Any:
        """
        Send a command, and get its answer.

        @raise Broken: when the process has failed, or takes longer than C{seconds}.
        """
        self.say(*words)
        answer = self.hear(seconds)
        if answer is None:
            raise Broken(f"{self._name}: no answer to {words[0]}")
        return answer


class Server:
    """
    A server process, as a context manager that ends it.

    @ivar package: L{OURS} or L{STOCK}.
    @ivar served: what it serves: C{root}, C{portal}, or the root over C{tls}.
    @ivar port: where it listens.
    """

    def __init__(self, package: str, served: str, settings: Sequence[str] = ()) -> None:
        """
        @param settings: limits of C{twistd pbserver}, as C{NAME=VALUE}.
        @raise Broken: when it doesn't start.
        """
        self.package = package
        self.served = served
        root, port = _PORTS[served]
        if served == "tls":
            port = port.format(pem=_pem())
        limits = [f"--limit={setting}" for setting in settings] if package == OURS else []
        directory = tempfile.mkdtemp(dir=_folder().name)
        self._log = Path(directory) / "log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *(word.format(root=root, port=port) for word in _COMMANDS[package]),
                    *limits,
                ],
                cwd=directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        _mayOpenMany(self._process)
        try:
            self.port = self._listening()
        except Broken:
            self.end()
            raise

    @property
    def process(self) -> int:
        """The id of the process."""
        return self._process.pid

    def _listening(self) -> int:
        for _ in range(400):
            found = re.search(r"Factory(?: \(TLS\))? starting on (\d+)", self.log())
            if found:
                return int(found[1])
            if not self.alive:
                break
            time.sleep(0.05)
        raise Broken(f"the server does not start:\n{self.log()}")

    def end(self) -> None:
        """End the process."""
        self._process.terminate()
        _end(self._process)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(errors="replace")

    @property
    def logged(self) -> int:
        """How many bytes it has written."""
        return self._log.stat().st_size

    def memory(self, field: str = "VmRSS") -> int:
        """
        Bytes of memory.

        @param field: C{VmRSS}, what is resident now; C{VmHWM}, the most since L{forgetPeak}.
        """
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except FileNotFoundError:
            return 0
        found = re.search(rf"{field}:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def forgetPeak(self) -> None:
        """Begin to look for the most memory from now on."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    @property
    def processor(self) -> float:
        """Seconds of CPU, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

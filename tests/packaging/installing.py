"""
Build the distribution files and install them, far away from the source tree.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = ["SOURCE", "Environment", "callRoot", "copySource", "distributions", "folder", "run", "serving"]

SOURCE = Path(__file__).resolve().parents[2]
"""The source tree that is tested."""

SECONDS = 300
"""How long a command may take; most of it is spent on downloads."""

GENERATED = (".*", "_trial_temp*", "__pycache__", "build", "dist", "_build", "*.egg-info", "dropin.cache")
"""What isn't source."""

CALL_ROOT = """
import sys
from twisted.internet import endpoints, task
from twisted.spread import pb

async def main(reactor):
    factory = pb.PBClientFactory()
    await endpoints.clientFromString(reactor, sys.argv[1]).connect(factory)
    root = await factory.getRootObject()
    print(await root.callRemote("add", 1, 2))

task.react(lambda reactor: task.ensureDeferred(main(reactor)))
"""
"""A program on C{twisted.spread} that calls the demonstration."""


@cache
def folder() -> Path:
    """A folder of our own, until this process ends."""
    path = Path(tempfile.mkdtemp(prefix="packaging"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def surroundings() -> dict[str, str]:
    """
    The environment variables of a user who knows nothing of the source tree,
    and who has no compiler where the accelerator isn't to be used.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    build = {"MYSPREAD_BUILD": "no"} if kept.get("MYSPREAD_PURE") == "1" else {}
    return {**kept, **build, "PATH": path, "PYTHONUNBUFFERED": "1"}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """
    Run a command to its end.

    @return: its status and its output, with what it wrote to stderr.
    """
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=SECONDS,
    )


def succeed(*command: str | Path, cwd: Path) -> str:
    """
    Run a command to its end.

    @return: what it wrote.
    @raise AssertionError: when its status isn't 0.
    """
    done = run(*command, cwd=cwd)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))} exits with {done.returncode}:\n{done.stdout}")
    return done.stdout


def copySource(name: str) -> Path:
    """A copy of the source tree, without what tools have left in it."""
    target = folder() / name
    shutil.copytree(SOURCE, target, ignore=shutil.ignore_patterns(*GENERATED))
    return target


class Environment:
    """
    A virtual environment, and an empty folder in which its commands are run.
    """

    def __init__(self, name: str) -> None:
        """
        @param name: of its folder.
        """
        self.path = folder() / name
        self.empty = folder() / f"{name}-empty"
        self.empty.mkdir()
        succeed(sys.executable, "-m", "venv", self.path, cwd=self.empty)

    def command(self, name: str) -> Path:
        """One of the scripts that are installed in it."""
        return self.path / "bin" / name

    def run(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of its scripts."""
        return run(self.command(name), *arguments, cwd=self.empty)

    def succeed(self, name: str, *arguments: str | Path) -> str:
        """Run one of its scripts, which must succeed."""
        return succeed(self.command(name), *arguments, cwd=self.empty)


@cache
def distributions() -> tuple[Path, Path]:
    """The source distribution, and the wheel that was built of it."""
    builder = Environment("builder")
    builder.succeed("pip", "install", "--quiet", "build")
    built = folder() / "dist"
    builder.succeed("python", "-m", "build", "--outdir", built, copySource("built"))
    [source], [wheel] = built.glob("*.tar.gz"), built.glob("*.whl")
    return source, wheel


@contextmanager
def serving(*command: str | Path, cwd: Path) -> Iterator[str]:
    """
    A context in which a server runs; its value is the server's TCP port.

    @param command: what starts it. It logs to stdout.
    """
    log = folder() / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=surroundings(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield portIn(log, process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(SECONDS)


def portIn(log: Path, process: subprocess.Popen[bytes]) -> str:
    """
    The port that a server tells of in its log.

    @raise AssertionError: when it ends, or takes too long, without doing so.
    """
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = re.search(r"PBServerFactory starting on (\d+)\n", log.read_text())
        if found:
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no server:\n{log.read_text()}")


def callRoot(python: Path, port: str, cwd: Path) -> str:
    """What a client on C{twisted.spread} gets from the demonstration."""
    return succeed(python, "-c", CALL_ROOT, f"tcp:127.0.0.1:{port}", cwd=cwd)

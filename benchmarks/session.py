"""
A server and a client of one peer, as two processes that this one starts.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.peers import PEERS

__all__ = ["Broken", "Session"]

ANSWER_SECONDS = 120
"""How long a process may take for one answer. Samples are far shorter."""

ROOT = str(Path(__file__).resolve().parents[1])


class Broken(Exception):
    """A process has failed, or does not answer."""


class _Process:
    def __init__(self, role: str, peer: str, options: list[str]) -> None:
        self._name = f"{role} of {peer}"
        path = os.pathsep.join([ROOT, *(os.path.abspath(each) for each in sys.path)])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", role, peer, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **PEERS[peer].environment, "PYTHONPATH": path},
        )
        self.id = self._process.pid

    def say(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if selector.select(ANSWER_SECONDS):
                line = self._process.stdout.readline()
        if not line:
            raise Broken(f"the {self._name} has ended, or does not answer")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Broken(f"the {self._name} failed:\n{answer['error']}")
        return answer

    def closeInput(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def end(self) -> None:
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Session:
    """
    One peer, ready to be measured. A context manager, that ends both processes.

    @ivar peer: its name in L{benchmarks.peers.PEERS}.
    """

    def __init__(self, peer: str, reactor: str = "epoll", profile: bool = False) -> None:
        """
        Start the processes. L{connect} waits for them.

        @param reactor: what peers on Twisted use.
        @param profile: whether to find out where the time goes; figures are
            then of little worth.
        """
        self.peer = peer
        options = ["--reactor", reactor, *(["--profile"] if profile else [])]
        self._server = _Process("server", peer, options)
        self._client = _Process("client", peer, options)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._client, self._server):
            process.closeInput()
        for process in (self._client, self._server):
            process.end()

    def connect(self) -> None:
        """
        Wait for the server, and connect the client to it.

        @raise Broken: when that fails.
        """
        port = self._server.hear()["port"]
        self._client.say(do="connect", port=port, server=self._server.id)
        self._client.hear()

    def sample(
        self, work: str, seconds: float = 0.3, *, size: int | None = None, count: int | None = None
    ) -> dict[str, Any] | None:
        """
        Do a work repeatedly.

        @param work: its key in L{benchmarks.rows.WORKS}.
        @param seconds: how long.
        @param size: its size, if not its own.
        @param count: how often, instead of C{seconds}.
        @return: C{count}, with C{seconds}, and those of CPU of C{client} and
            C{server}; or with C{bytes}. None when the peer has no such thing.
        @raise Broken: when it fails.
        """
        self._client.say(do="sample", work=work, size=size, count=count, seconds=seconds)
        answer = self._client.hear()
        return None if "unsupported" in answer else answer

    def profiles(self) -> tuple[list[str], list[str]]:
        """
        Where the time of the client and of the server went. Ends the server.

        @raise Broken: when a process fails.
        """
        self._client.say(do="profile")
        client = self._client.hear()["lines"]
        self._server.closeInput()
        return client, self._server.hear()["lines"]

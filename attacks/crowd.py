"""
The connections of an attacker.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple

from attacks.wire import LAST, call, write

__all__ = ["Crowd", "Line", "Target", "abort"]

HOST = "127.0.0.1"

PATIENCE = 10.0
"""Seconds that an attacker waits for a server that doesn't get on."""

CHUNK = 65536

BACKLOG = 25
"""Connections that are made at once. Twisted lets the system keep 50; beyond, clients wait for a second."""

ACCEPTING = 0.005
"""Seconds that a server gets to accept these."""

_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Target(NamedTuple):
    """
    What is attacked.

    @ivar port: on 127.0.0.1.
    @ivar seconds: how long to keep up what only lasts.
    @ivar end: until when, by the monotonic clock, there is time for all of it.
    @ivar tls: whether the server speaks TLS.
    """

    port: int
    seconds: float
    end: float
    tls: bool = False

    def crowd(self, count: int = 1, *, sources: int = 1, tls: bool | None = None) -> Crowd:
        """
        Connect.

        @param count: how many connections.
        @param sources: from how many addresses. None is that of the honest client.
        @param tls: whether to begin TLS, if not as the server does.
        """
        return Crowd(self, count, sources, self.tls if tls is None else tls)

    def connect(self, source: int = 0) -> socket.socket:
        """
        One connection, that doesn't block.

        @param source: which address of ours to use.
        @raise OSError: when the server doesn't take it.
        """
        address = f"127.0.{1 + source // 250}.{1 + source % 250}"
        made = socket.create_connection((HOST, self.port), 5, source_address=(address, 0))
        made.setblocking(False)
        return made


class Line:
    """
    One connection.

    @ivar closed: whether the server has closed it.
    @ivar answered: whether the answer to a last call has come.
    """

    def __init__(self, made: socket.socket) -> None:
        self.socket = made
        self.queue: deque[Iterator[bytes]] = deque()
        self.pending = memoryview(b"")
        self.closed = False
        self.answered = False
        self._tail = b""

    @property
    def busy(self) -> bool:
        """Whether there is something to send."""
        return not self.closed and bool(self.pending or self.queue)

    def send(self) -> None:
        """Send what can be sent without waiting."""
        while not self.closed:
            if not self.pending:
                self._refill()
                if not self.pending:
                    return
            try:
                self.pending = self.pending[self.socket.send(self.pending[:CHUNK]) :]
            except _LATER:
                return
            except OSError:
                self.closed = True

    def _refill(self) -> None:
        while self.queue and not self.pending:
            chunk = next(self.queue[0], None)
            if chunk is None:
                self.queue.popleft()
            else:
                self.pending = memoryview(chunk)

    def receive(self) -> None:
        """Read what is there, and forget it."""
        for _ in range(256):
            try:
                data = self.socket.recv(CHUNK)
            except _LATER:
                return
            except OSError:
                data = b""
            if not data:
                self.closed = True
                return
            self.answered = self.answered or _LAST_ID in self._tail + data
            self._tail = data[-len(_LAST_ID) :]


_LAST_ID = write(LAST)


class Crowd:
    """
    Some connections, as a context manager that closes them.

    @ivar lines: the connections that the server took.
    """

    def __init__(self, target: Target, count: int, sources: int, tls: bool) -> None:
        self._target = target
        self.lines: list[Line] = []
        for number in range(count):
            if number % BACKLOG == 0:
                time.sleep(ACCEPTING)
            if time.monotonic() > target.end:
                break
            try:
                made = target.connect(number % sources)
                self.lines.append(Line(_secured(made) if tls else made))
            except OSError:
                continue

    def __enter__(self) -> Crowd:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self.lines:
            line.socket.close()

    def send(self, *chunks: bytes | Iterable[bytes]) -> Crowd:
        """Send something on each connection, as soon as it is taken."""
        for line in self.lines:
            line.queue.extend(iter((each,)) if isinstance(each, bytes) else iter(each) for each in chunks)
        return self

    def deliver(self, *, reading: bool = True) -> None:
        """
        Until everything is sent, or the server doesn't take it any more.

        @param reading: whether to read meanwhile.
        """
        self._until(lambda line: line.closed or not line.busy, PATIENCE, reading)

    def ask(self) -> None:
        """A last call on each connection, and wait for the answers: everything before is handled then."""
        self.send(call(b"echo", request=LAST))
        self._until(lambda line: line.closed or line.answered, PATIENCE, True)

    def hold(self, *, reading: bool = False, times: float = 1) -> None:
        """
        Stay for a while, and go on sending.

        @param reading: whether to read meanwhile.
        @param times: how many times longer than usual.
        """
        self._until(lambda line: line.closed, self._target.seconds * times, reading)

    def _until(self, done: Callable[[Line], bool], seconds: float, reading: bool) -> None:
        end = min(time.monotonic() + seconds, self._target.end)
        waiting = {line.socket.fileno(): line for line in self.lines if not done(line)}
        with select.epoll() as poll:
            for number, line in waiting.items():
                poll.register(number, _wanted(line, reading))
            while waiting and (left := end - time.monotonic()) > 0:
                for number, events in poll.poll(left):
                    line = waiting[number]
                    _follow(line, events)
                    if done(line):
                        poll.unregister(number)
                        del waiting[number]
                    else:
                        poll.modify(number, _wanted(line, reading))


def _wanted(line: Line, reading: bool) -> int:
    return select.EPOLLRDHUP | select.EPOLLIN * reading | select.EPOLLOUT * line.busy


def _follow(line: Line, events: int) -> None:
    if events & select.EPOLLOUT:
        line.send()
    if events & select.EPOLLIN:
        line.receive()
    elif events & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
        line.closed = True


def abort(made: socket.socket) -> None:
    """Close a connection with a reset."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    made.close()


def _secured(made: socket.socket) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    made.settimeout(5)
    secured = context.wrap_socket(made)
    secured.setblocking(False)
    return secured

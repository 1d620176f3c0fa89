"""
A process that has imported the command line, and forks one that runs a command
whenever it is asked to. Starting Python and importing Twisted takes a hundred
times as long, and there are many commands to test.

Usage: C{python -m tests.cli.zygote SOCKET}. Who connects there sends the words,
environment and directory of a command as JSON, along with the file descriptors
that it has as stdin, stdout and stderr; and is sent back the process id and, once
it has ended, the exit status, each on a line.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import socket
import sys
import termios
from importlib import import_module
from typing import Any

from myspread._cli import main
from myspread._cli.commands import COMMANDS


def _stream(descriptor: int, mode: str) -> Any:
    """What Python makes of a file descriptor when it starts."""
    isTerminal = os.isatty(descriptor)
    raw: Any = open(descriptor, f"{mode}b", buffering=-1, closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", line_buffering=isTerminal or descriptor == 2)


def _become(command: dict[str, Any], descriptors: list[int]) -> None:
    """Be a process that was started by a user: in a session of its own, which may have a terminal."""
    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, 64)
    if os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(command["directory"])
    os.environ.clear()
    os.environ.update(command["environment"])
    sys.argv = ["myspread", *command["words"]]
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")


def _run() -> int:
    """Run the command as the interpreter does, to its end."""
    try:
        status = main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        status = 120
    return status


def _serve(connection: socket.socket) -> None:
    """Run one command."""
    data, descriptors, _, _ = socket.recv_fds(connection, 65536, 3)
    child = os.fork()
    if not child:
        _become(json.loads(data), descriptors)
        os._exit(_run())
    for descriptor in descriptors:
        os.close(descriptor)
    connection.sendall(b"%d\n" % child)
    _, status = os.waitpid(child, 0)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def serve(path: str) -> None:
    """Run commands until stdin is closed."""
    for command in COMMANDS.values():
        import_module(command.place.partition(":")[0])
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(50)
    print("ready", flush=True)
    while True:
        connection, _ = listening.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _serve(connection)
            os._exit(0)
        connection.close()


if __name__ == "__main__":
    # Nobody waits for those that wait for commands.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    serve(sys.argv[1])

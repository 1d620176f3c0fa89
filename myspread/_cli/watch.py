"""
C{myspread watch}
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from myspread import pb
from myspread._cli.asjson import TooLarge, jsonLine, jsonOf
from myspread._cli.call import follow
from myspread._cli.connecting import Server, addServer, positive, serverOf, whole
from myspread._cli.errors import Failed, told
from myspread._cli.output import complain, say
from myspread._cli.running import run
from myspread._cli.showing import brief, pretty, prettyCall
from myspread._cli.status import Status
from myspread._cli.unknown import Unknown, watching
from myspread._cli.usage import CommandParser
from myspread._cli.words import Step, stepsIn

__all__ = ["watch"]

_USAGE = "[OPTIONS] STRPORT METHOD [ARGS...] [/ METHOD [ARGS...]]..."

_EXAMPLES = """
myspread watch tcp:localhost:8787 counter
myspread watch tcp:localhost:8787 counter --count 3 --json
myspread watch tcp:localhost:8787 counter --reconnect
myspread watch tls:pb.example.org:8787 --login ann getAccount 17 / balance
"""

_DESCRIPTION = """\
Calls a method, as 'myspread call' does, that returns a Cacheable, or something
that contains some. Prints what it returns, and then each change, as a call of
an observe_ method, until Ctrl-C. The class of the cache isn't needed.

It ends when the connection is lost, with exit status 3. With --reconnect it
waits for the server, calls the method again, and prints the new state.

With --json each line is an object with "time" (seconds since 1970), "event"
("state", "change" or "lost"), and "value", "reason", or "name", "args" and "kw".
"""

MOST = 1_000_000_000


def watch(arguments: list[str]) -> int:
    """
    Follow a cache of a server as it changes.
    """
    parser = CommandParser("watch", _EXAMPLES, _USAGE, _DESCRIPTION)
    addServer(parser)
    parser.add_argument("words", metavar="METHOD [ARGS...]", nargs="+", help="what to call, and with what")
    parser.add_argument("--json", action="store_true", help="print lines of JSON")
    parser.add_argument("--reconnect", action="store_true", help="come back when the connection is lost")
    parser.add_argument("--count", metavar="N", type=whole(MOST), help="end after so many changes")
    parser.add_argument("--seconds", metavar="SECONDS", type=positive, help="end after this time")
    options = parser.parse_intermixed_args(arguments)
    steps = stepsIn(options.words)
    server = serverOf(options)
    return run(lambda reactor: _Watching(reactor, options, server).work(steps), options.verbose)


def _caches(value: Any, seen: set[int]) -> Iterator[Unknown]:
    """The caches in a value, each as often as it arrived."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Unknown):
            if value.isCache:
                yield value
            waiting.append(value.state)
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += value


class _Watching:
    """
    Watches caches, and prints what becomes of them.
    """

    def __init__(self, reactor: Any, options: argparse.Namespace, server: Server) -> None:
        self._reactor = reactor
        self._server = server
        self._options = options
        self._names: dict[Any, str] = {}
        self._changes = 0
        self._timer: Any = None
        self._isOver = False
        self._isConnecting = False
        self._hasBegun = False
        self._complaint = ""
        # While there is something to see: fires at the end, and fails when the connection is lost.
        self._seeing: Deferred[None] | None = None

    async def work(self, steps: list[Step]) -> int:
        """Watch until it is enough."""
        self._session = session = self._server.session(
            self._reactor, watching(self._observed), self._options.reconnect
        )
        session.notifyOnDown(self._lost)
        try:
            if self._options.reconnect:
                while not self._isOver:
                    await self._again(steps)
            else:
                await self._once(steps)
        finally:
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            await session.close()
        return Status.OK

    async def _again(self, steps: list[Step]) -> None:
        """Watch until the connection is lost, or go on waiting for one."""
        try:
            await self._once(steps)
        except CancelledError:
            if not self._hasBegun:
                raise
            # Ctrl-C is how it is meant to end.
            self._isOver = True
        except pb.SessionClosed:
            if not self._isOver:
                raise
        except Failed as error:
            if error.status not in (Status.UNREACHABLE, Status.TIMEOUT):
                raise
            if str(error) != self._complaint:
                self._complaint = str(error)
                complain(f"{error}; still trying")

    async def _once(self, steps: list[Step]) -> None:
        """Watch for as long as there is a connection."""
        value: Any = None
        try:
            self._isConnecting = True
            reference = await self._server.start(self._session)
            self._isConnecting = False
            value = await follow(reference, steps, self._server)
            self._begin(value)
            await self._enough()
        except (pb.PBConnectionLost, pb.DeadReferenceError) as error:
            self._tellLost(error)
        finally:
            self._seeing = None
            # Forgetting it tells the server, for which the connection must be there.
            self._names.clear()
            del value

    def _begin(self, value: Any) -> None:
        caches = list(_caches(value, set()))
        if not caches:
            raise Failed(
                f"the method returned {brief(value)}, which never changes here: it has no cache in it"
            )
        self._hasBegun = True
        self._complaint = ""
        # With several, each change says which one it is of.
        for number, cache in enumerate(caches, 1):
            self._names[cache] = f"{number}: " if len(caches) > 1 else ""
        if self._options.json:
            self._line(event="state", value=value)
        else:
            self._say(pretty(value))

    async def _enough(self) -> None:
        if self._options.seconds is not None and self._timer is None:
            self._timer = self._reactor.callLater(self._options.seconds, self._end)
        if self._isOver:
            return
        self._seeing = Deferred()
        try:
            await self._seeing
        except CancelledError:
            # Ctrl-C is how it is meant to end.
            self._isOver = True

    def _end(self) -> None:
        self._isOver = True
        if self._isConnecting:
            self._session.close()
        elif self._seeing is not None and not self._seeing.called:
            self._seeing.callback(None)

    def _lost(self, reason: Failure) -> None:
        if self._seeing is not None and not self._seeing.called:
            self._seeing.errback(Failure(pb.PBConnectionLost(reason)))

    def _tellLost(self, error: Exception) -> None:
        text = f"{self._server.where}: {told(error)}".rstrip(".")
        if not self._options.reconnect:
            raise Failed(f"{text}; with --reconnect, watch would come back", Status.UNREACHABLE) from None
        complain(f"{text}; waiting for the server")
        if self._options.json:
            self._line(event="lost", reason=told(error))

    def _observed(self, cache: Unknown, name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        if self._isOver:
            return
        if self._options.json:
            self._line(event="change", name=name, args=list(args), kw=kw)
        else:
            self._say(f"{self._names.get(cache, '')}{prettyCall(name, args, kw)}")
        self._changes += 1
        if self._changes == self._options.count:
            self._end()

    def _say(self, text: str) -> None:
        say(f"{datetime.fromtimestamp(self._reactor.seconds()):%H:%M:%S.%f} {text}")

    def _line(self, **event: Any) -> None:
        try:
            line = {name: jsonOf(value) for name, value in event.items()}
        except TooLarge as error:
            line = {"event": event["event"], "error": str(error)}
        say(jsonLine({"time": self._reactor.seconds(), **line}))

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
from myspread._cli.errors import Failed
from myspread._cli.output import say
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
myspread watch tls:pb.example.org:8787 --login ann getAccount 17 / balance
"""

_DESCRIPTION = """\
Calls a method, as 'myspread call' does, that returns a Cacheable, or something
that contains some. Prints what it returns, and then each change, as a call of
an observe_ method, until Ctrl-C. The class of the cache isn't needed.

With --json each line is an object with "time" (seconds since 1970), "event"
("state" or "change"), and "value", or "name", "args" and "kw".
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
        self._done: Deferred[None] = Deferred()

    async def work(self, steps: list[Step]) -> int:
        """Watch until it is enough."""
        session = self._server.session(self._reactor, watching(self._observed))
        session.notifyOnDown(self._lost)
        value: Any = None
        try:
            value = await follow(await self._server.start(session), steps)
            self._begin(value)
            await self._enough()
        finally:
            self._end()
            # Forgetting it tells the server, for which the connection must be there.
            self._names.clear()
            del value
            await session.close()
        return Status.OK

    def _begin(self, value: Any) -> None:
        caches = list(_caches(value, set()))
        if not caches:
            raise Failed(
                f"the method returned {brief(value)}, which never changes here: it has no cache in it"
            )
        # With several, each change says which one it is of.
        for number, cache in enumerate(caches, 1):
            self._names[cache] = f"{number}: " if len(caches) > 1 else ""
        if self._options.json:
            self._line(event="state", value=value)
        else:
            self._say(pretty(value))

    async def _enough(self) -> None:
        if self._options.seconds is not None:
            timer = self._reactor.callLater(self._options.seconds, self._end)
            self._done.addBoth(lambda outcome: (timer.active() and timer.cancel(), outcome)[1])
        try:
            await self._done
        except CancelledError:
            # Ctrl-C is how it is meant to end.
            return

    def _end(self) -> None:
        if not self._done.called:
            self._done.callback(None)

    def _lost(self, reason: Failure) -> None:
        if not self._done.called:
            self._done.errback(Failure(pb.PBConnectionLost(reason)))

    def _observed(self, cache: Unknown, name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        if self._done.called:
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

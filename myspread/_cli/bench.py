"""
C{myspread bench}
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList, FirstError
from twisted.internet.task import LoopingCall

from myspread import pb
from myspread._cli.asjson import jsonText
from myspread._cli.call import follow
from myspread._cli.connecting import Server, addServer, positive, serverOf, whole
from myspread._cli.errors import Failed, told
from myspread._cli.output import complain, say
from myspread._cli.running import run
from myspread._cli.status import Status
from myspread._cli.text import counted
from myspread._cli.times import Times, duration
from myspread._cli.usage import CommandParser, UsageError
from myspread._cli.words import Step, stepsIn

__all__ = ["bench"]

_USAGE = "[OPTIONS] STRPORT METHOD [ARGS...] [/ METHOD [ARGS...]]..."

_EXAMPLES = """
myspread bench tcp:localhost:8787 add 1 2
myspread bench tcp:localhost:8787 echo '"text"' --inflight 100 --connections 4 --seconds 10
myspread bench unix:/run/pb.socket --login ann getAccount 17 / balance --json
"""

_DESCRIPTION = """\
Calls a method as often as the server answers, and prints how many calls a
second that makes, and how long they take. Calls that fail are told beside; the
status is 1 if there are any. Of a path, the objects before the last method are
got once for each connection.

Use it on a server of your own: nobody else is served well meanwhile, and each
call is run. For any that isn't on this machine it wants to hear --yes.
"""

_LOCAL = ("unix:", "tcp:localhost:", "tcp:127.0.0.1:", "tls:localhost:", "tls:127.0.0.1:")
_MOST_INFLIGHT = 10_000
_MOST_CONNECTIONS = 1000
_MOST_SECONDS = 3600.0
_BAR = 40


def bench(arguments: list[str]) -> int:
    """
    Measure how many calls a server of yours can take.
    """
    parser = CommandParser("bench", _EXAMPLES, _USAGE, _DESCRIPTION)
    addServer(parser)
    parser.add_argument("words", metavar="METHOD [ARGS...]", nargs="+", help="what to call, and with what")
    parser.add_argument(
        "--seconds", metavar="SECONDS", type=positive, default=5.0, help="for how long (default: %(default)g)"
    )
    parser.add_argument(
        "--inflight",
        metavar="N",
        type=whole(_MOST_INFLIGHT),
        default=10,
        help="calls that wait for answers at once, on each connection (default: %(default)d)",
    )
    parser.add_argument(
        "--connections", metavar="N", type=whole(_MOST_CONNECTIONS), default=1, help="default: %(default)d"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, times in seconds")
    parser.add_argument("--yes", action="store_true", help="the server is mine, even if it isn't here")
    options = parser.parse_intermixed_args(arguments)
    if options.seconds > _MOST_SECONDS:
        raise UsageError(f"bench: --seconds is {_MOST_SECONDS:g} at most")
    if not options.yes and not options.where.startswith(_LOCAL):
        raise UsageError(
            f"bench: {options.where} may be others' server, and would be loaded as heavily as it bears;"
            " say --yes if it is yours"
        )
    steps = stepsIn(options.words)
    server = serverOf(options)
    return run(lambda reactor: _Bench(reactor, options, server, steps).work(), options.verbose)


class _Bench:
    """
    The calls, and what they have taken.
    """

    def __init__(self, reactor: Any, options: argparse.Namespace, server: Server, steps: list[Step]) -> None:
        self._reactor = reactor
        self._options = options
        self._server = server
        self._steps = steps
        self._times = Times()
        self._errors = 0
        self._firstError = ""
        self._began = 0.0
        self._ends = 0.0

    async def work(self) -> int:
        """Call, and tell."""
        if not self._options.json:
            complain(
                f"{self._server.where} gets as many calls of {self._steps[-1].method!r} as it can answer"
            )
        sessions = [self._server.session(self._reactor) for _ in range(self._options.connections)]
        bar = LoopingCall(self._progress)
        lost: Exception | None = None
        try:
            callees = [await self._callee(session) for session in sessions]
            self._began = self._reactor.seconds()
            self._ends = self._began + self._options.seconds
            if sys.stderr.isatty():
                bar.start(0.2)
            await self._load(callees)
        except CancelledError:
            # Ctrl-C; what has been seen is worth a summary.
            if not self._times.count and not self._errors:
                raise
        except (pb.PBConnectionLost, pb.DeadReferenceError) as error:
            if not self._times.count and not self._errors:
                raise
            lost = error
        finally:
            took = self._reactor.seconds() - self._began
            if bar.running:
                bar.stop()
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            await DeferredList([session.close() for session in sessions])
        self._tell(took)
        if lost is not None:
            raise lost
        return Status.ERROR if self._errors else Status.OK

    async def _callee(self, session: pb.Session) -> pb.RemoteReference:
        callee = await follow(await self._server.start(session), self._steps[:-1], self._server)
        if not isinstance(callee, pb.RemoteReference):
            raise Failed(f"{self._steps[-2].method} returned no reference, so it can't be called")
        return callee

    async def _load(self, callees: list[pb.RemoteReference]) -> None:
        lanes = [
            Deferred.fromCoroutine(self._lane(callee))
            for callee in callees
            for _ in range(self._options.inflight)
        ]
        try:
            await DeferredList(lanes, fireOnOneErrback=True, consumeErrors=True)
        except FirstError as error:
            error.subFailure.raiseException()

    async def _lane(self, callee: pb.RemoteReference) -> None:
        """One call after the other, until it is time; one at least."""
        step = self._steps[-1]
        seconds = self._reactor.seconds
        now = seconds()
        while True:
            began = now
            try:
                await callee.callRemote(step.method, *step.args, **step.kw)
            except (pb.RemoteError, pb.CallTimeout) as error:
                self._errors += 1
                self._firstError = self._firstError or told(error)
                now = seconds()
            else:
                now = seconds()
                self._times.add(now - began)
            if now >= self._ends:
                return

    def _progress(self) -> None:
        part = min(1.0, (self._reactor.seconds() - self._began) / self._options.seconds)
        filled = "#" * round(part * _BAR)
        calls = counted(self._times.count, "call")
        print(f"\r[{filled:<{_BAR}}] {calls}{self._failed()}", end="", file=sys.stderr, flush=True)

    def _failed(self) -> str:
        """How many calls have failed, to be added to how many have not."""
        return f"; {self._errors} failed" if self._errors else ""

    def _figures(self, took: float) -> dict[str, Any]:
        times = self._times
        return {
            "calls": times.count,
            "errors": self._errors,
            "seconds": took,
            "callsPerSecond": times.count / took if took > 0 else 0.0,
            "latency": {
                "least": times.least,
                "mean": times.mean,
                **{f"p{percent:g}": times.percentile(percent) for percent in (50, 90, 99, 99.9)},
                "most": times.most,
            },
        }

    def _tell(self, took: float) -> None:
        figures = self._figures(took)
        if self._options.json:
            say(jsonText(figures))
        else:
            connections = counted(self._options.connections, "connection")
            inflight = counted(self._options.inflight, "call")
            say(
                f"{counted(self._times.count, 'call')} in {duration(took)}:"
                f" {figures['callsPerSecond']:,.0f} a second,"
                f" {connections} with {inflight} at once{self._failed()}"
            )
            if self._times.count:
                self._latency(figures["latency"])
        if self._errors:
            complain(f"{counted(self._errors, 'call')} failed; the first: {self._firstError}")

    def _latency(self, figures: dict[str, float]) -> None:
        for name, seconds in figures.items():
            say(f"  {name:<6} {duration(seconds)}")
        self._histogram()

    def _histogram(self) -> None:
        rows = self._times.histogram()
        largest = max((count for _, _, count in rows), default=0)
        for low, high, count in rows:
            bar = "#" * round(_BAR * count / largest)
            say(f"  {duration(low):>8} .. {duration(high):<8} {count:>9} {bar}".rstrip())

"""
C{myspread ping}
"""

from __future__ import annotations

import argparse
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater

from myspread import pb
from myspread._cli.asjson import jsonLine
from myspread._cli.connecting import Server, addServer, positive, serverOf, whole
from myspread._cli.output import say
from myspread._cli.running import run
from myspread._cli.status import Status
from myspread._cli.text import counted
from myspread._cli.times import Times, duration
from myspread._cli.usage import CommandParser

__all__ = ["once", "ping"]

_EXAMPLES = """
myspread ping tcp:localhost:8787
myspread ping tls:pb.example.org:8787 --count 100 --interval 0.2
myspread ping unix:/run/pb.socket --count 1 --timeout 2 --json
"""

_DESCRIPTION = """\
Calls an object that no server has, again and again, and prints how long each
answer takes. No method is run, and nothing appears in the server's log, even
if it runs twisted.spread.

The status is 0 if all pings were answered, 5 if one wasn't within --timeout.
Ctrl-C ends it and prints the summary.
"""

NOBODY = 0
"""The id of no object: they count from 1."""

MOST = 1_000_000


def ping(arguments: list[str]) -> int:
    """
    Measure how long a server takes to answer.
    """
    parser = CommandParser("ping", _EXAMPLES, description=_DESCRIPTION)
    addServer(parser)
    parser.add_argument(
        "--count", metavar="N", type=whole(MOST), default=4, help="how many (default: %(default)d)"
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=positive,
        default=1.0,
        help="from one to the next (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="print the summary alone, as JSON")
    options = parser.parse_args(arguments)
    server = serverOf(options)
    return run(lambda reactor: _Pinging(reactor, options, server).work(), options.verbose)


async def once(reference: Any) -> None:
    """
    Call an object that the peer of a reference doesn't have; whatever it
    answers, it is there.

    @raise CallTimeout: when it doesn't answer in time.
    @raise PBConnectionLost: when the connection is lost.
    """
    try:
        await pb.RemoteReference(None, reference.broker, NOBODY, 0).callRemote("ping")
    except pb.RemoteError:
        return


class _Pinging:
    """
    Pings, and what has become of them.
    """

    def __init__(self, reactor: Any, options: argparse.Namespace, server: Server) -> None:
        self._reactor = reactor
        self._options = options
        self._server = server
        self._times = Times()
        self._sent = 0

    async def work(self) -> int:
        """Ping, and tell."""
        session = self._server.session(self._reactor)
        try:
            reference = await self._server.start(session)
            if not self._options.json:
                say(f"{self._server.where} answers pings in")
            try:
                await self._all(reference)
            except CancelledError:
                # Ctrl-C; what has been seen is worth a summary.
                if not self._sent:
                    raise
            except (pb.PBConnectionLost, pb.DeadReferenceError):
                if self._sent:
                    self._summary()
                raise
        finally:
            await session.close()
        self._summary()
        return Status.OK if self._times.count == self._sent else Status.TIMEOUT

    async def _all(self, reference: Any) -> None:
        for number in range(1, self._options.count + 1):
            if number > 1:
                await deferLater(self._reactor, self._options.interval)
            began = self._reactor.seconds()
            try:
                await once(reference)
            except pb.CallTimeout:
                text = f"no answer within {duration(self._server.timeout)}"
            else:
                # A clock that was set back has taken no time.
                took = max(0.0, self._reactor.seconds() - began)
                self._times.add(took)
                text = duration(took)
            self._sent += 1
            if not self._options.json:
                say(f"{number}: {text}")

    def _summary(self) -> None:
        times = self._times
        if self._options.json:
            say(
                jsonLine(
                    {
                        "sent": self._sent,
                        "answered": times.count,
                        "least": times.least,
                        "mean": times.mean,
                        "most": times.most,
                    }
                )
            )
            return
        text = f"{counted(self._sent, 'ping')}, {counted(times.count, 'answer')}"
        if times.count:
            told = f"{duration(times.least)}, {duration(times.mean)}, {duration(times.most)}"
            text += f"; least, mean and most: {told}"
        say(text)

"""
C{myspread ping}.
"""

from __future__ import annotations

import io
import json
import signal
from argparse import Namespace
from contextlib import redirect_stdout
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._cli.ping import _Pinging
from myspread.testing import brokerPair
from tests.cli.commanding import CommandTestCase, Server

QUICK = ("--interval", "0.01")


class PingCases(CommandTestCase):
    """
    Against any server.
    """

    def test_ping(self) -> None:
        """Each answer has its time, and the summary those of all; the server's log has nothing of it."""
        before = self.server.log
        text = self.prints("ping", self.server.root, "--count", "3", *QUICK)
        time = r"[\d.e+]+ (?:s|ms|us)"
        self.assertRegex(
            text,
            rf"\Atcp:127\.0\.0\.1:\d+ answers pings in\n1: {time}\n2: {time}\n3: {time}\n"
            rf"3 pings, 3 answers; least, mean and most: {time}, {time}, {time}\n\Z",
        )
        # What it tells of connections is not about pings.
        self.assertNotIn("ping", self.server.log[len(before) :])
        self.assertNotIn("Error", self.server.log[len(before) :])
        self.assertNotIn("Traceback", self.server.log[len(before) :])

    def test_once(self) -> None:
        """The summary of one ping says what its line says."""
        text = self.prints("ping", self.server.root, "--count", "1")
        time = r"([\d.e+]+ (?:s|ms|us))"
        self.assertRegex(text, rf"\n1: {time}\n1 ping, 1 answer; least, mean and most: \1, \1, \1\n\Z")

    def test_json(self) -> None:
        """The summary for programs; with a login, too."""
        words = ("ping", self.server.portal, "--anonymous", "--json", "--count", "2", *QUICK)
        summary = json.loads(self.prints(*words))
        self.assertEqual((summary["sent"], summary["answered"]), (2, 2))
        self.assertTrue(0 < summary["least"] <= summary["mean"] <= summary["most"])


class PingTests(PingCases):
    """
    Against a server of ours.
    """

    def test_interrupted(self) -> None:
        """Ctrl-C ends it with a summary."""
        started = self.start("ping", self.server.root, "--count", "1000", "--interval", "0.05")
        started.wait(r"^2: ")
        ended = self.interrupt(started)
        self.assertEqual((ended.status, ended.errors), (0, ""))
        self.assertRegex(ended.output, r"\n(\d+) pings, \1 answers; ")

    def test_troubles(self) -> None:
        """A stopped server doesn't answer in time; one that dies loses the connection."""
        server = Server("myspread")
        self.addCleanup(server.stop)
        # The timeout is for connecting, too, which takes a while on a busy machine.
        started = self.start("ping", server.root, "--count", "100000", "--timeout", "3", *QUICK)
        started.wait(r"^2: ")
        server.process.send_signal(signal.SIGSTOP)
        started.wait(r"^\d+: no answer within 3 s$")
        server.process.kill()
        ended = self.finish(started)
        self.assertEqual(ended.status, 3)
        self.assertIn("myspread: the connection was lost: ", ended.errors)
        # What has been seen is worth a summary.
        self.assertRegex(ended.output, r"\n\d+ pings, \d+ answers; least, mean and most: .*\n\Z")


class LostTests(SynchronousTestCase):
    """
    Pings that aren't answered, on a clock.
    """

    def test_lost(self) -> None:
        """They are counted, and the status says so."""
        pair = brokerPair(pb.Root())
        self.addCleanup(lambda: pair)
        options = Namespace(count=3, interval=1.0, json=False)
        pair.client.callTimeout = 2.0
        session = SimpleNamespace(close=lambda: succeed(None))

        async def start(session: Any) -> Any:
            return pair.root

        server: Any = SimpleNamespace(timeout=2.0, where="here", session=lambda reactor: session, start=start)
        output = io.StringIO()
        with redirect_stdout(output):
            working = Deferred.fromCoroutine(_Pinging(pair.clock, options, server).work())
            pair.flush()
            # The two that follow get no answer.
            for _ in range(2):
                pair.clock.advance(1)
                pair.clock.advance(2)
        self.assertEqual(self.successResultOf(working), 5)
        self.assertEqual(
            output.getvalue(),
            "here answers pings in\n1: 0 us\n2: no answer within 2 s\n3: no answer within 2 s\n"
            "3 pings, 1 answer; least, mean and most: 0 us, 0 us, 0 us\n",
        )


class StockPingTests(PingCases):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"


# Not on its own.
del PingCases

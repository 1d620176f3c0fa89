"""
C{myspread ping}.
"""

from __future__ import annotations

import json
import signal

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
        started = self.start("ping", server.root, "--count", "1000", "--timeout", "0.3", *QUICK)
        started.wait(r"^2: ")
        server.process.send_signal(signal.SIGSTOP)
        started.wait(r"^\d+: no answer within 300 ms$")
        server.process.kill()
        ended = self.finish(started)
        self.assertEqual(ended.status, 3)
        self.assertIn("myspread: the connection was lost: ", ended.errors)

    def test_lost(self) -> None:
        """Where an answer is missing, the status says so."""
        server = Server("myspread")
        self.addCleanup(server.stop)
        started = self.start("ping", server.root, "--count", "3", "--timeout", "0.3", "--interval", "0.2")
        started.wait(r"^1: ")
        server.process.send_signal(signal.SIGSTOP)
        ended = self.finish(started)
        self.assertEqual((ended.status, ended.errors), (5, ""))
        self.assertIn("3 pings, ", ended.output)


class StockPingTests(PingCases):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"


# Not on its own.
del PingCases

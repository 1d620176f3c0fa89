"""
C{myspread watch}.
"""

from __future__ import annotations

import json

from myspread._cli.text import visible
from tests.cli.commanding import CommandTestCase, Server
from tests.cli.server import EVIL


class WatchCases(CommandTestCase):
    """
    Against any server.
    """

    def test_changes(self) -> None:
        """The state, and each change with its time; in the end the server hears that nobody watches."""
        before = self.server.log.count("nobody watches")
        text = self.prints("watch", self.server.root, "till", "--count", "2")
        time = r"\d\d:\d\d:\d\d\.\d{6}"
        state, first, second = text.splitlines()
        self.assertRegex(state, rf"\A{time} cache of shop\.Till\(total=0\)\Z")
        self.assertRegex(first, rf"\A{time} setTotal\(1, note='")
        self.assertTrue(second.endswith(f"setTotal(2, note={EVIL!r})"), second)
        self.server.wait("(?s)" + "nobody watches.*" * (before + 1))

    def test_json(self) -> None:
        """A line of JSON for each."""
        text = self.prints("watch", self.server.root, "till", "--count", "1", "--json")
        state, change = map(json.loads, text.splitlines())
        self.assertEqual(state["event"], "state")
        self.assertEqual(state["value"], {"$cache": "shop.Till", "state": {"total": 0}})
        self.assertGreaterEqual(change.pop("time"), state["time"])
        self.assertEqual(change, {"event": "change", "name": "setTotal", "args": [1], "kw": {"note": EVIL}})

    def test_several(self) -> None:
        """Of several caches, each change says which one it is of."""
        text = self.prints("watch", self.server.root, "tills", "--count", "6")
        self.assertIn("[cache of shop.Till(total=0), cache of shop.Till(total=0)]", text)
        for number in (1, 2):
            self.assertIn(f" {number}: setTotal(1, note='{visible(EVIL)}')", text)


class WatchTests(WatchCases):
    """
    Against a server of ours.
    """

    def test_interrupted(self) -> None:
        """Ctrl-C is how it is meant to end."""
        started = self.start("watch", self.server.root, "till")
        started.wait("setTotal")
        ended = self.interrupt(started)
        self.assertEqual((ended.status, ended.errors), (0, ""))

    def test_seconds(self) -> None:
        """It ends by itself after a time."""
        self.assertIn("shop.Till", self.prints("watch", self.server.root, "till", "--seconds", "0.1"))

    def test_noCache(self) -> None:
        """What never changes can't be watched."""
        text = self.fails(1, "watch", self.server.root, "order")
        self.assertIn("the method returned shop.Order(fruit='pears', count=3), which never changes", text)

    def test_lost(self) -> None:
        """When the server is gone, the status says so."""
        server = Server("myspread")
        self.addCleanup(server.stop)
        started = self.start("watch", server.root, "till")
        started.wait("setTotal")
        server.process.kill()
        ended = self.finish(started)
        self.assertEqual(ended.status, 3)
        lost = rf"myspread: {server.root}: the connection was lost: .+"
        self.assertRegex(ended.errors, rf"\A{lost}; with --reconnect, watch would come back\n\Z")

    def test_reconnect(self) -> None:
        """It comes back when the server does, and shows the new state; what is lost in between is told."""
        for words, state, change in (((), "cache of", "setTotal"), (("--json",), '"state"', '"change"')):
            between = self.start("tap", "tcp:0:interface=127.0.0.1", self.server.root)
            port = between.wait(r"listening on 127.0.0.1:([0-9]+)")[1]
            where = f"tcp:127.0.0.1:{port}"
            started = self.start("watch", where, "till", "--reconnect", *words)
            started.wait(f"{state}(?s:.*){change}")
            between.end()
            started.wait(f"myspread: {where}: the connection was lost: .*; waiting for the server")
            again = self.start("tap", f"tcp:{port}:interface=127.0.0.1", self.server.root)
            started.wait(f"{state}(?s:.*){state}(?s:.*){change}")
            ended = self.interrupt(started)
            self.assertEqual(ended.status, 0, ended)
            self.assertEqual(ended.output.count('"lost"'), len(words))
            again.end()

    def test_reconnectToNone(self) -> None:
        """It waits for a server that isn't there yet, and says so once; a method that fails ends it."""
        port = self.portWithoutServer()
        started = self.start("watch", f"tcp:127.0.0.1:{port}", "till", "--reconnect", "--timeout", "0.5")
        started.wait(rf"myspread: tcp:127.0.0.1:{port}: .*refused.*; still trying")
        ended = self.interrupt(started)
        self.assertEqual((ended.status, ended.output, ended.errors.count("\n")), (130, "", 1))
        self.assertIn("nosuch", self.fails(1, "watch", self.server.root, "nosuch", "--reconnect"))

    def test_endWhileWaiting(self) -> None:
        """The time that it may take is over when it is, with a server or without."""
        between = self.start("tap", "tcp:0:interface=127.0.0.1", self.server.root)
        where = f"tcp:127.0.0.1:{between.wait(r'listening on 127.0.0.1:([0-9]+)')[1]}"
        started = self.start("watch", where, "till", "--reconnect", "--seconds", "1.5")
        started.wait("cache of")
        between.end()
        self.assertEqual(self.finish(started).status, 0)


class StockWatchTests(WatchCases):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"


# Not on its own.
del WatchCases

"""
Tests for C{docs/examples/clients}.
"""

from __future__ import annotations

from tests.examples.programs import ExampleTestCase, Pair, everyPairing


class ManagedClientTests(ExampleTestCase):
    topic = "clients"

    @everyPairing
    async def test_caching(self, pair: Pair) -> None:
        """
        Each realm keeps what it says it keeps from one login to the next.
        """
        server, ports = await pair.startServers("caching_server.py", 4)
        self.assertEqual(
            await pair.runClient("caching_client.py", *ports),
            [
                "realm 1",
                " <1>hello alice",
                " <2>hello alice",
                " <3>hello alice",
                "realm 2",
                " <1>hello alice",
                " <2>hello alice",
                " <3>hello alice",
                "realm 3",
                " <1>hello alice",
                " <2>hello alice",
                " <3>hello alice",
                "realm 4",
                " <1>hello alice",
                " refused: too many connections",
                " <2>hello alice",
            ],
        )
        # The last logout is seen when the connection of the client has gone.
        await server.printed("(alice has 0 connections)", times=4)
        counted = (1, 2, 1, 0, 1, 0)
        limited = (1, 0, 1, 0)
        self.assertEqual(
            await pair.stop(server),
            [f"alice has {count} connections" for count in (*counted, *limited)],
        )

    @everyPairing
    async def test_clock(self, pair: Pair) -> None:
        """
        The server calls the client's mind at every tick, until it leaves.
        """
        server, port = await pair.startServer("clock_server.py")
        lines = await pair.runClient("clock_client.py", port, 0.01, 3)
        self.assertEqual(
            [line.partition(" at ")[0] for line in lines], ["first tick", "tick", "tick", "tick"]
        )
        await server.printed("(stopped ticking)")
        self.assertEqual(await pair.stopQuiet(server), ["ticking every 0.01 seconds", "stopped ticking"])

"""
Tests for C{docs/examples/session}.
"""

from __future__ import annotations

from tests.examples.programs import BOTH_OURS, STOCK_SERVER, ExampleTestCase, Pair, withSides

# Sessions are on the client's side, and twisted.spread has none.
everyServer = withSides(BOTH_OURS, STOCK_SERVER)


class SessionTests(ExampleTestCase):
    topic = "session"

    @everyServer
    async def test_once(self, pair: Pair) -> None:
        """
        A session is used and closed; a late call and a refused login are told.
        """
        server, port = await pair.startServer("weather_server.py")
        self.assertEqual(
            await pair.runClient("weather_client.py", port),
            ["Oslo: -3 degrees", "too late: average", "no such user, or a wrong password"],
        )
        await pair.stop(server)

    @everyServer
    async def test_watch(self, pair: Pair) -> None:
        """
        A session that is to last comes back with everything that was kept.
        """
        server, port = await pair.startServer("weather_server.py")
        watch = pair.startClient("weather_watch.py", port)
        await watch.printed(r"(Rome: 14 degrees)")
        await pair.stop(server)
        await watch.printed(r"(station is gone)")
        pair.start(pair.sides.server, "weather_server.py", port)
        await watch.printed(r"(sky has few clouds)", 2)
        lines = await pair.stop(watch)
        # The last time it is gone for the program, which has ended.
        for told in ("the station can be reached", "the sky has few clouds", "the station is gone"):
            self.assertEqual(lines.count(told), 2)

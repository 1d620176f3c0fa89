"""
Tests for C{docs/examples/cacheable}.
"""

from __future__ import annotations

from tests.examples.programs import ExampleTestCase, Pair, everyPairing


class CacheTests(ExampleTestCase):
    topic = "cacheable"

    @everyPairing
    async def test_cache(self, pair: Pair) -> None:
        """
        The copy follows the original until it is dropped.
        """
        receiver, port = await pair.startTwistd("cache_receiver.py")
        self.assertEqual(
            await pair.runClient("cache_sender.py", port),
            [
                "I have [2] ducks",
                "I have [3] ducks",
                "I have [2] ducks",
                "[0] observers are left",
            ],
        )
        self.assertEqual(
            await pair.finish(receiver),
            [
                " cache - setting ducks",
                "got pond: <SlaveDuckPond>",
                "[2] ducks: ['one duck', 'two duck']",
                " cache - addDuck",
                "[3] ducks: ['one duck', 'two duck', 'ugly duckling']",
                " cache - removeDuck",
                "[2] ducks: ['two duck', 'ugly duckling']",
                "dropping pond",
            ],
        )

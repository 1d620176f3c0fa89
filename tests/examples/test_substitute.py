"""
Tests for C{docs/examples/substitute}.
"""

from __future__ import annotations

from tests.examples.programs import BOTH_OURS, ExampleTestCase, Pair, withSides


class SubstituteTests(ExampleTestCase):
    topic = "substitute"
    onStock = False

    @withSides(BOTH_OURS)
    async def test_unchanged(self, pair: Pair) -> None:
        """
        The program and its child run on myspread.
        """
        self.assertEqual(
            await pair.runClient("unchanged.py"),
            [
                "myspread._net.broker True",
                "MYSPREAD_SUBSTITUTE PYTHONPATH 1",
                "myspread._net.broker",
            ],
        )

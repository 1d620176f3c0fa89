"""
Tests for C{docs/examples/testing}.
"""

from __future__ import annotations

from tests.examples.programs import BOTH_OURS, OURS, ExampleTestCase, Pair, withSides


class TestingTests(ExampleTestCase):
    topic = "testing"
    onStock = False

    @withSides(BOTH_OURS)
    async def test_trial(self, pair: Pair) -> None:
        """
        Tests for trial pass.
        """
        other = pair.folderOf(OURS) / "test_shop_broken.py"
        program = pair.start(OURS, "test_shopper.py", other, module="twisted.trial")
        self.assertIn("PASSED (successes=7)", await pair.finish(program))

    @withSides(BOTH_OURS)
    async def test_pytest(self, pair: Pair) -> None:
        """
        Tests for pytest pass.
        """
        program = pair.start(OURS, "test_shopper_pytest.py", "-pno:cacheprovider", module="pytest")
        self.assertIn(" 4 passed in ", (await pair.finish(program))[-1])

"""
Tests for C{docs/examples/demonstration}.
"""

from __future__ import annotations

import os
import sys

from twisted.internet import reactor

from tests.examples.programs import EXAMPLES, Program, kill
from tests.service.daemons import TwistdTestCase


class DemonstrationTests(TwistdTestCase):
    timeout = 120

    async def test_visitor(self) -> None:
        """
        It gets a copy, and sees the counter grow.
        """
        _, [port] = await self.serve("--port", "tcp:0:interface=127.0.0.1")
        visitor = Program("visitor.py", twistd=False)
        path = str(EXAMPLES / "demonstration" / "visitor.py")
        environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parents[1])}
        reactor.spawnProcess(visitor, sys.executable, [sys.executable, path, port], env=environment)
        self.addCleanup(kill, visitor)
        self.assertEqual(await visitor.ended, 0, visitor.report())
        self.assertEqual(
            visitor.output.splitlines(),
            [f"a sample: [1, 2.5, {2**100}] True", "the counter has grown by 1"],
        )

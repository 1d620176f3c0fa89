"""
Each row of the benchmarks runs, for C{twisted.spread} and for us.
"""

from __future__ import annotations

from contextlib import ExitStack

from twisted.trial.unittest import TestCase

from benchmarks.peers import BASELINE, OURS, PURE
from benchmarks.rows import ROWS, SCALES, WORKS
from benchmarks.session import Session

TINY = {"W3": 2, "W4": 1000, "W5": 2, "codec": 2}
"""Sizes of rows, where their own would take long."""


class RowTests(TestCase):
    """
    Real servers and clients, with tiny counts.
    """

    def sessions(self) -> list[Session]:
        """The peers that are always measured, connected."""
        stack = ExitStack()
        self.addCleanup(stack.close)
        sessions = [stack.enter_context(Session(peer)) for peer in (BASELINE, OURS, PURE)]
        for session in sessions:
            session.connect()
        return sessions

    def test_everyWork(self) -> None:
        """
        Every row and every scale gives figures that make sense.
        """
        for session in self.sessions():
            for key in WORKS:
                size = SCALES[key].sizes[0] if key in SCALES else TINY.get(key)
                with self.subTest(peer=session.peer, work=key):
                    sample = session.sample(key, size=size, count=2)
                    assert sample is not None
                    self.assertEqual(sample["count"], 2)
                    if WORKS[key].memory:
                        self.assertGreaterEqual(sample["bytes"], 0)
                    else:
                        self.assertGreater(sample["seconds"], 0)
                        self.assertGreater(sample["client"], 0)

    def test_everyRowHasAGoal(self) -> None:
        """
        No row is measured without knowing what for.
        """
        self.assertEqual([key for key, row in ROWS.items() if row.goal is None], [])

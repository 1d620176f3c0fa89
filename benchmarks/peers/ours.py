"""myspread."""

from __future__ import annotations

from benchmarks.peers.spread import Spread
from myspread import pb, util

__all__ = ["adapter"]


def adapter() -> Spread:
    """An adapter of myspread."""
    return Spread(pb, util)

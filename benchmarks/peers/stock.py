"""C{twisted.spread}."""

from __future__ import annotations

from twisted.spread import pb, util

from benchmarks.peers.spread import Spread

__all__ = ["adapter"]


def adapter() -> Spread:
    """An adapter of C{twisted.spread}."""
    return Spread(pb, util)

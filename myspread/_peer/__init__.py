"""
What we hold for one peer: references, caches, calls. No input or output.
"""

from myspread._peer.logbudget import LogBudget, sharedLogBudget
from myspread._peer.peer import Peer
from myspread._peer.references import Local

__all__ = ["Local", "LogBudget", "Peer", "sharedLogBudget"]

"""
What the copies that the demonstration sends become in a client that imports
this module. A client without myspread declares two such classes of its own.
"""

from __future__ import annotations

from myspread import pb
from myspread._service.demonstration import COUNTER, SAMPLE

__all__ = ["ReceivedCounter", "ReceivedSample"]


class ReceivedSample(pb.RemoteCopy):
    """
    The copy of a C{Sample}, with the same attributes.
    """


class ReceivedCounter(pb.RemoteCache):
    """
    The copy of a C{Counter}, which changes as the original does.

    @ivar count: the number.
    """

    count: int

    def observe_setCount(self, count: int) -> None:
        """The original has changed."""
        self.count = count


pb.setUnjellyableForClass(SAMPLE, ReceivedSample)
pb.setUnjellyableForClass(COUNTER, ReceivedCounter)

"""
L{Together}: what the connections of one factory have in common.
"""

from __future__ import annotations

from myspread._net.turns import Turns
from myspread._net.unfinished import UnfinishedMessages

__all__ = ["Together"]


class Together:
    """
    What the connections of one factory share: none of them may cost the others.

    @ivar turns: those that have more to do than one turn allows.
    @ivar unfinishedMessages: what they keep of messages that aren't whole.
    """

    __slots__ = ("turns", "unfinishedMessages")

    def __init__(self) -> None:
        self.turns = Turns()
        self.unfinishedMessages = UnfinishedMessages()

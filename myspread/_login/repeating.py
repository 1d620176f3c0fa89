"""
Tell the log of what peers can cause as often as they like, now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger

__all__ = ["Repeating"]

INTERVAL: Final = 3600.0
"""Seconds for which nothing is told again that hasn't changed."""

MOST: Final = 1000
"""Things that are remembered."""


class _Told:
    """
    What the log was told of a thing.
    """

    __slots__ = ("more", "since", "state")

    def __init__(self, state: str, since: float) -> None:
        self.state = state
        self.since = since
        self.more = 0


class Repeating:
    """
    Tells of a problem when it begins and when it is another one, then once in an
    hour for as long as it goes on; and when it is over.
    """

    __slots__ = ("_log", "_seconds", "_told")

    def __init__(self, log: Logger, seconds: Callable[[], float]) -> None:
        """
        @param log: is told.
        @param seconds: the time.
        """
        self._log = log
        self._seconds = seconds
        self._told: dict[Any, _Told] = {}

    def warn(self, thing: Any, state: str, text: str, /, **fields: Any) -> None:
        """
        There is a problem.

        @param thing: what has it; it is remembered.
        @param state: which problem it is.
        @param text: of the log.
        """
        told, now = self._told.get(thing), self._seconds()
        if told is not None and told.state != state:
            told = None
        if told is not None and now - told.since < INTERVAL:
            told.more += 1
            return
        if told is not None and told.more:
            text += " So it was {more} times more since this was told."
            fields["more"] = told.more
        # The latest is the last that is forgotten.
        self._told.pop(thing, None)
        self._told[thing] = _Told(state, now)
        if len(self._told) > MOST:
            del self._told[next(iter(self._told))]
        self._log.warn(text, **fields)

    def isOver(self, thing: Any, text: str, /, **fields: Any) -> None:
        """
        There is no problem, or there is none any more.

        @param text: of the log, which is told if there was one.
        """
        if self._told.pop(thing, None) is not None:
            self._log.info(text, **fields)

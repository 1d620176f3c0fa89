"""
SIGHUP: look again at files that may have changed.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

__all__ = ["HangupService"]

_log = Logger()

# Windows has none.
HANGUP: int | None = getattr(signal, "SIGHUP", None)


def _inTerminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


class HangupService(Service):
    """
    Does something on SIGHUP, in place of dying of it.

    Where there is nothing to do, nothing is done: who sends it to every server
    after a change ends none of them. But one that runs in a terminal ends with
    that, then.
    """

    def __init__(
        self,
        reactor: Any,
        actions: Sequence[Callable[[], object]],
        inTerminal: Callable[[], bool] = _inTerminal,
    ) -> None:
        """
        @param reactor: in whose turns they are done.
        @param actions: what to do, in this order.
        @param inTerminal: whether the server runs in a terminal.
        """
        self._reactor = reactor
        self._actions = actions
        self._inTerminal = inTerminal
        self._previous: Any = None

    def privilegedStartService(self) -> None:
        """Take the signal over, before anything listens."""
        Service.privilegedStartService(self)
        self._takeOver()

    def startService(self) -> None:
        """Take the signal over, unless L{privilegedStartService} did it already."""
        Service.startService(self)
        if self._previous is None:
            self._takeOver()

    def _takeOver(self) -> None:
        if HANGUP is not None and (self._actions or not self._inTerminal()):
            self._previous = signal.signal(HANGUP, self._received)

    def stopService(self) -> None:
        """Leave it to whom it was left before."""
        Service.stopService(self)
        if self._previous is not None and HANGUP is not None:
            signal.signal(HANGUP, self._previous)
            self._previous = None

    def _received(self, number: int, frame: Any) -> None:
        # Code that was interrupted anywhere must not meet ours.
        self._reactor.callFromThread(self._act)

    def _act(self) -> None:
        _log.info("SIGHUP: files are looked at again.")
        for action in self._actions:
            try:
                action()
            # One that fails keeps nobody else from it.
            except Exception:
                _log.failure("What SIGHUP calls for has failed.")

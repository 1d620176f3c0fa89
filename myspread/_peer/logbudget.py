"""
L{LogBudget}: how much of the log one peer may fill.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.reflect import safe_str

from myspread.limits import Limits

__all__ = ["LogBudget", "bounded", "sharedLogBudget"]

LONGEST_TEXT = 4 * 1024
"""Characters of a text in an entry, such as that of an exception."""

LONGEST_TRACEBACK = 16 * 1024
"""Characters of a traceback, text of the exception included."""

_LEFT_OUT = " ({leftOut} entries before this one, which peers caused as well, were left out.)"


def _cut(text: Any, longest: int) -> Any:
    """A text or byte string with its middle left out where it is too long."""
    if len(text) <= longest:
        return text
    note: Any = f"... ({len(text)} characters) ..."
    if isinstance(text, bytes):
        note = note.encode()
    tail = longest // 4
    return text[: longest - tail] + note + text[-tail:]


class _CutFailure(Failure):
    """
    Stands in the log for a failure whose text is too long. It is found by the
    same types, and shows the same traceback, with its middle left out.
    """

    def __init__(self, failure: Failure, traceback: str) -> None:
        text = _cut(safe_str(failure.value), LONGEST_TEXT)
        super().__init__(Exception(text), failure.type)  # type: ignore[no-untyped-call]
        self.parents = list(failure.parents)
        self._text = traceback

    def printTraceback(
        self, file: Any = None, elideFrameworkCode: Any = False, detail: str = "default"
    ) -> None:
        """Write what is left of the traceback."""
        (log.logfile if file is None else file).write(self._text)


def bounded(failure: Failure) -> tuple[Failure, int]:
    """
    A failure in the form in which it is logged: itself, unless its text or its
    traceback is too long.

    @return: it, and how many entries of usual length it is as long as.
    """
    whole = failure.getTraceback()
    text = safe_str(failure.value)
    if len(whole) <= LONGEST_TRACEBACK and len(text) <= LONGEST_TEXT:
        return failure, 1 + len(whole) // LONGEST_TEXT
    if len(text) > LONGEST_TEXT:
        whole = whole.replace(text, _cut(text, LONGEST_TEXT))
    cut = _cut(whole, LONGEST_TRACEBACK)
    return _CutFailure(failure, cut), 1 + len(cut) // LONGEST_TEXT


class LogBudget:
    """
    Through this goes each log entry that a peer can cause. Those that are too
    many are counted only; the next entry tells how many they were.

    @ivar leftOut: how many entries were left out since the last one.
    """

    __slots__ = ("_clock", "_left", "_most", "_parent", "_refused", "_since", "_time", "leftOut")

    def __init__(
        self, most: int, time: float, clock: IReactorTime | None = None, parent: LogBudget | None = None
    ) -> None:
        """
        @param most: how many entries may be written at once.
        @param time: the seconds after which there may be one more.
        @param clock: without one, there is one more each time that the number
            of those that were left out has doubled.
        @param parent: the budget that this is a part of.
        """
        self._most = most
        self._time = time
        self._clock = clock
        self._parent = parent
        self._left = float(most)
        self._since = 0.0 if clock is None else clock.seconds()
        self._refused = 0
        self.leftOut = 0

    def emit(self, logger: Logger, level: Any, text: str, **fields: Any) -> None:
        """
        Write an entry, if there may be one more. Fields that are texts are cut
        where they are very long.

        @param logger: the logger of the module that the entry is of.
        """
        if not self._mayWrite():
            return
        for name, value in fields.items():
            if isinstance(value, (str, bytes)):
                fields[name] = _cut(value, LONGEST_TEXT)
        text, told = self._tell(text)
        logger.emit(level, text, **fields, **told)

    def failure(self, logger: Logger, text: str, failure: Failure | None = None, **fields: Any) -> None:
        """
        Write an entry with a traceback, if there may be one more.

        @param failure: by default the exception that is being handled.
        """
        if not self._mayWrite():
            return
        shown, length = bounded(failure or Failure())
        self._charge(length - 1)
        text, told = self._tell(text)
        logger.failure(text, shown, **fields, **told)

    def end(self, logger: Logger, peer: Any) -> None:
        """
        The connection has ended: tell what was left out and not yet told.

        @param peer: the address of the peer.
        """
        count, self.leftOut = self.leftOut, 0
        if not count:
            return
        if self._parent is None or self._parent._takes():
            logger.warn("{leftOut} log entries that {peer} caused were left out.", leftOut=count, peer=peer)
        else:
            self._parent.leftOut += count

    def _mayWrite(self) -> bool:
        if not self._takes():
            self.leftOut += 1
            return False
        if self._parent is not None and not self._parent._takes():
            self._parent.leftOut += 1
            self._left += 1
            return False
        return True

    def _takes(self) -> bool:
        self._refill()
        if self._left >= 1:
            self._left -= 1
            return True
        self._refused += 1
        return self._clock is None and self._most > 0 and self._refused & (self._refused - 1) == 0

    def _refill(self) -> None:
        if self._clock is None:
            return
        now = self._clock.seconds()
        more = max(0.0, now - self._since) / self._time if self._time else self._most
        self._left = min(float(self._most), self._left + more)
        self._since = now

    def _charge(self, more: int) -> None:
        """A long entry counts as several."""
        self._left -= more
        if self._parent is not None:
            self._parent._charge(more)

    def _tell(self, text: str) -> tuple[str, dict[str, Any]]:
        count, self.leftOut = self.leftOut, 0
        if self._parent is not None:
            count += self._parent.leftOut
            self._parent.leftOut = 0
        return (text + _LEFT_OUT, {"leftOut": count}) if count else (text, {})


def sharedLogBudget(limits: Limits, clock: IReactorTime | None) -> LogBudget:
    """The budget of all peers of one factory together."""
    return LogBudget(limits.logEntriesTogether, limits.logTimeTogether, clock)

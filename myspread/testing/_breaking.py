"""
Breaking a conversation at each of its messages.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

from myspread.testing._conversation import Conversation
from myspread.testing._memory import MemoryTransport, Side
from myspread.testing._messages import messagesIn
from myspread.testing._watching import Watch, fresh

__all__ = ["Break", "Delay", "Fragments", "Joined", "Loss", "breakEverywhere", "everyBreak"]

_LONG = 100_000.0
"""Seconds after which every timer has fired."""

SIZES = (1, 2, 3, 7, 30)
"""Of pieces, in bytes."""


class _Line:
    """
    What goes to one side of a pair.

    @ivar side: to which.
    @ivar held: whether what leaves waits here.
    """

    def __init__(self, side: Side, transport: MemoryTransport, receiver: Any) -> None:
        self.side = side
        self.held = False
        self._transport = transport
        self._receiver = receiver
        self._messages: list[bytes] = []

    def next(self, joined: bool) -> bytes | None:
        """
        The next message that leaves; None if there is none, or it waits.

        @param joined: whether all that there are leave together.
        """
        self._transport.pull()
        written = self._transport.take(None)
        if written:
            rest = self._messages.pop() if self._messages else b""
            self._messages += messagesIn(rest + written)
        waits = self.held or self._receiver.transport.paused or not self._messages
        if waits:
            return None
        count = len(self._messages) if joined else 1
        leaving, self._messages = self._messages[:count], self._messages[count:]
        return b"".join(leaving)

    def arrives(self, data: bytes) -> None:
        """Some bytes arrive at the side."""
        self._receiver.dataReceived(data)


class Break:
    """
    A way to run a conversation. This one breaks nothing.

    Whatever the way, these must hold in the end, when the connection is over
    and the clock has gone on for a long time:

    The conversation has ended, and so has each call that either side has made.

    Each L{Cacheable<myspread.pb.Cacheable>} was told that nobody observes it any
    more, and nobody holds its observer.

    Nothing was lent or cached any more when the conversation was over and the
    connection still stood, but for what L{Conversation.keeps} names. The server
    holds no reference to the client that is gone, and neither broker holds
    anything.

    If the connection wasn't lost, the outcome is what it is when nothing is
    broken; and L{Conversation.check} is content.

    @ivar conversation: the one that is running, or has run last.
    @ivar step: how many messages have arrived, of both sides.
    @ivar arrived: the messages.
    @ivar outcome: what the conversation has ended with while the connection
        stood, in a list; or an empty list.
    @cvar joined: whether all messages that wait arrive together.
    """

    conversation: Conversation
    joined = False

    def __init__(self, begin: Callable[[], Conversation]) -> None:
        """
        @param begin: makes a conversation that can begin, the same each time.
        """
        self._begin = begin
        self._expected: list[Any] = []
        self.step = 0
        self.arrived: list[bytes] = []
        self.outcome: list[Any] = []

    def __repr__(self) -> str:
        return "<nothing is broken>"

    def expect(self, outcome: Any) -> None:
        """
        What the conversation has to end with, unless the connection is lost.
        """
        self._expected = [outcome]

    def run(self) -> None:
        """
        Run the conversation, end the connection, and check what is left.

        @raise AssertionError: when it doesn't end well.
        """
        try:
            with fresh():
                self._run()
        except AssertionError as error:
            raise AssertionError(f"{self!r}: {error}") from error

    def _run(self) -> None:
        self.step = 0
        self.arrived = []
        self.outcome = []
        self.conversation = self._begin()
        watch = Watch(self.conversation.pair)
        try:
            self._talk(watch)
            watch.assertForgotten()
        finally:
            watch.stop()

    def _talk(self, watch: Watch) -> None:
        conversation = self.conversation
        pair = conversation.pair
        lines = (
            _Line("server", pair.clientTransport, pair.server),
            _Line("client", pair.serverTransport, pair.client),
        )
        outcome: list[Any] = []
        conversation.begin().addBoth(outcome.append)
        ended = False
        while pair.connected and (self._round(lines) or self._timePasses(outcome)):
            pair.deliver(0)
            ended = ended or pair.connected and bool(outcome)
        if pair.connected and not outcome:
            raise AssertionError("nothing moves any more, and the conversation hasn't ended")
        conversation.end()
        self._giveBack(watch, lines)
        pair.disconnect()
        pair.clock.advance(_LONG)
        if not outcome:
            raise AssertionError("the conversation never ends")
        watch.assertEnded()
        conversation.check(outcome[0], not ended)
        if ended:
            self.outcome = outcome
            if self._expected and outcome != self._expected:
                raise AssertionError(
                    f"it ends with {outcome[0]!r}, and with {self._expected[0]!r} if nothing is broken"
                )

    def _giveBack(self, watch: Watch, lines: tuple[_Line, _Line]) -> None:
        """What was lent comes back, if the connection still stands."""
        keeps = self.conversation.keeps
        watch.forgetFailures()
        self._goOn(lines)
        if self.conversation.pair.connected and watch.stillLent(keeps):
            # It may be held by circles only, as those of exceptions with their frames.
            gc.collect()
            self._goOn(lines)
        left = watch.stillLent(keeps) if self.conversation.pair.connected else None
        if left is not None:
            raise AssertionError(
                f"{left} when all is over;"
                " somebody doesn't let go of it, or Conversation.keeps should name its class"
            )

    def _goOn(self, lines: tuple[_Line, _Line]) -> None:
        pair = self.conversation.pair
        while pair.connected and self._round(lines):
            pair.deliver(0)

    def _round(self, lines: tuple[_Line, _Line]) -> bool:
        """A message arrives at each side; whether any did."""
        moved = False
        for line in lines:
            message = line.next(self.joined) if self.conversation.pair.connected else None
            if message is not None:
                moved = True
                self.arrives(line, message)
                self.arrived.append(message)
                self.step += 1
        return moved or self.goesOn(lines)

    def _timePasses(self, outcome: list[Any]) -> bool:
        """Nothing moves: go on to when something happens, unless all is over. Whether there was something."""
        clock = self.conversation.pair.clock
        times = [call.getTime() for call in clock.getDelayedCalls()]
        if outcome or not times or min(times) > self.conversation.patience:
            return False
        clock.advance(max(0, min(times) - clock.seconds()))
        return True

    def arrives(self, line: _Line, message: bytes) -> None:
        """A message is due. Subclasses override this."""
        line.arrives(message)

    def goesOn(self, lines: tuple[_Line, _Line]) -> bool:
        """Nothing moves any more. Subclasses override this; whether something may move now."""
        return False


class Loss(Break):
    """
    The connection is lost.
    """

    def __init__(self, begin: Callable[[], Conversation], step: int, size: int | None, first: Side) -> None:
        """
        @param step: how many messages arrive before.
        @param size: how many bytes arrive of the next one.
        @param first: the side that hears of it first; the other one goes on
            for as long as it can.
        """
        super().__init__(begin)
        self._at = step
        self._size = size
        self._first = first

    def __repr__(self) -> str:
        return f"<lost after {self._at} messages and {self._size} bytes, the {self._first} hears first>"

    def arrives(self, line: _Line, message: bytes) -> None:
        """Lose the connection, if this is the message."""
        if self.step < self._at:
            line.arrives(message)
            return
        if self._size:
            line.arrives(message[: self._size])
        pair = self.conversation.pair
        if pair.connected:
            pair.lose(self._first)


class Fragments(Break):
    """Messages arrive in pieces of some bytes."""

    def __init__(self, begin: Callable[[], Conversation], size: int) -> None:
        """
        @param size: how many bytes.
        """
        super().__init__(begin)
        self._size = size

    def __repr__(self) -> str:
        return f"<in pieces of {self._size} bytes>"

    def arrives(self, line: _Line, message: bytes) -> None:
        """Cut a message."""
        for start in range(0, len(message), self._size):
            line.arrives(message[start : start + self._size])


class Joined(Break):
    """All messages that wait arrive together."""

    joined = True

    def __repr__(self) -> str:
        return "<all that waits at once>"


class Delay(Break):
    """All that goes to one side waits until nothing else moves any more, and longer."""

    def __init__(self, begin: Callable[[], Conversation], step: int, seconds: float = 1.0) -> None:
        """
        @param step: from which message on.
        """
        super().__init__(begin)
        self._at = step
        self._seconds = seconds
        self._kept: tuple[_Line, bytes] | None = None

    def __repr__(self) -> str:
        return f"<delayed after {self._at} messages>"

    def arrives(self, line: _Line, message: bytes) -> None:
        """Hold a message back, and all after it."""
        if self.step == self._at:
            line.held = True
            self._kept = line, message
        else:
            line.arrives(message)

    def goesOn(self, lines: tuple[_Line, _Line]) -> bool:
        """Now it arrives."""
        if self._kept is None:
            return False
        (line, message), self._kept = self._kept, None
        self.conversation.pair.clock.advance(self._seconds)
        line.held = False
        if self.conversation.pair.connected:
            line.arrives(message)
        return True


def everyBreak(begin: Callable[[], Conversation], everyByteUpTo: int = 0) -> Iterator[Break]:
    """
    Every way to break a conversation. It is run once unbroken, to see its
    messages.

    @param begin: makes a conversation that can begin, the same each time.
    @param everyByteUpTo: how many bytes a conversation may have at most to be
        broken within its messages, after each byte.
    @return: the breaks; each has to be run.
    """
    whole = Break(begin)
    whole.run()
    for broken in (whole, *_breaksOf(begin, whole.arrived, everyByteUpTo)):
        if whole.outcome:
            broken.expect(whole.outcome[0])
        yield broken


def _breaksOf(
    begin: Callable[[], Conversation], messages: list[bytes], everyByteUpTo: int
) -> Iterator[Break]:
    yield Joined(begin)
    for size in SIZES:
        yield Fragments(begin, size)
    withinMessages = sum(map(len, messages)) <= everyByteUpTo
    for step, message in enumerate(messages):
        yield Delay(begin, step)
        yield Loss(begin, step, 0, "client")
        yield Loss(begin, step, 0, "server")
        for size in range(1, len(message)) if withinMessages else ():
            yield Loss(begin, step, size, "server")


def breakEverywhere(begin: Callable[[], Conversation], everyByteUpTo: int = 0) -> int:
    """
    Run a conversation in every way to break it::

        breakEverywhere(lambda: Conversation(Shop(), buyAnApple))

    A conversation that works when nothing goes wrong also has to end well when
    the connection is lost, wherever that is, and must not notice how its bytes
    are cut, joined or delayed. L{Break} says what is checked.

    @param begin: makes a conversation that can begin, the same each time.
    @param everyByteUpTo: how many bytes a conversation may have at most to be
        broken within its messages, after each byte.
    @return: in how many ways it was.
    @raise AssertionError: when it doesn't end well; it says how the conversation
        was broken.
    """
    count = 0
    for broken in everyBreak(begin, everyByteUpTo):
        broken.run()
        count += 1
    return count

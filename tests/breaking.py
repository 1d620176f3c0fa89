"""
Breaking a conversation at each of its messages.

A conversation that works when nothing goes wrong also has to end well when the
connection is lost, wherever that is, and must not notice how its bytes are cut
or delayed. Give L{everyBreak} something that begins the conversation anew each
time::

    for broken in everyBreak(lambda: Purchase(brokerPair(Shop()))):
        broken.run()

Every message is a place to break at; in short conversations, every byte is.
What must hold at the end is asked of the conversation: see L{IConversation}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from myspread.testing import BrokerPair, MemoryTransport

__all__ = [
    "Break",
    "Delay",
    "Fragments",
    "IConversation",
    "Loss",
    "Side",
    "everyBreak",
    "messagesIn",
]

Side = Literal["client", "server"]

_LIST, _STRING, _FLOAT = 0x80, 0x82, 0x84
_DOUBLE = 8


def _messageEnd(data: bytes, start: int) -> int | None:
    """Where the message ends that begins there; None if it isn't whole."""
    position, lacking = start, 1
    while lacking:
        number = shift = 0
        while position < len(data) and data[position] < 0x80:
            number |= data[position] << shift
            shift += 7
            position += 1
        if position >= len(data):
            return None
        kind = data[position]
        position += 1
        lacking -= 1
        if kind == _LIST:
            lacking += number
        elif kind == _STRING:
            position += number
        elif kind == _FLOAT:
            position += _DOUBLE
    return position if position <= len(data) else None


def messagesIn(data: bytes) -> list[bytes]:
    """
    A stream of Banana, cut after each expression.

    @return: the expressions; the last one may not be whole.
    """
    found = []
    start = 0
    while start < len(data):
        end = _messageEnd(data, start) or len(data)
        found.append(data[start:end])
        start = end
    return found


class IConversation(Protocol):
    """
    What can be broken.

    @ivar pair: the two brokers, between which nothing has moved yet.
    """

    pair: BrokerPair

    def begin(self) -> Deferred[Any]:
        """
        Begin to talk.

        @return: a Deferred of the outcome, whatever it is: it must fire, too,
            when the connection is lost.
        """

    def check(self, outcome: Any, lost: bool) -> None:
        """
        The connection is over, and the clock has gone on for a long time.

        @param lost: whether it was lost before the end of the conversation.
        @raise AssertionError: when something is wrong, or left.
        """


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

    def next(self) -> bytes | None:
        """The next message that leaves; None if there is none, or it waits."""
        self._transport.pull()
        written = self._transport.take(None)
        if written:
            rest = self._messages.pop() if self._messages else b""
            self._messages += messagesIn(rest + written)
        waits = self.held or self._receiver.transport.paused or not self._messages
        return None if waits else self._messages.pop(0)

    def arrives(self, data: bytes) -> None:
        """Some bytes arrive at the side."""
        self._receiver.dataReceived(data)


class Break:
    """
    A way to run a conversation. This one breaks nothing.

    @ivar conversation: the one that is running.
    @ivar step: how many messages have arrived, of both sides.
    """

    conversation: IConversation

    def __init__(self, begin: Callable[[], IConversation]) -> None:
        """
        @param begin: makes a conversation that can begin.
        """
        self._begin = begin
        self.step = 0
        self.arrived: list[bytes] = []

    def __repr__(self) -> str:
        return "<nothing is broken>"

    def run(self) -> None:
        """
        Run the conversation, end the connection, and check what is left.

        @raise AssertionError: when it doesn't end well.
        """
        self.conversation = conversation = self._begin()
        pair = conversation.pair
        lines = (
            _Line("server", pair.clientTransport, pair.server),
            _Line("client", pair.serverTransport, pair.client),
        )
        outcome: list[Any] = []
        conversation.begin().addBoth(outcome.append)
        ended = False
        while pair.connected and self._round(lines):
            pair.deliver(0)
            ended = ended or pair.connected and bool(outcome)
        if pair.connected:
            pair.disconnect()
        pair.clock.advance(_LONG)
        if not outcome:
            raise AssertionError(f"{self!r}: the conversation hasn't ended")
        conversation.check(outcome[0], not ended)

    def _round(self, lines: tuple[_Line, _Line]) -> bool:
        """A message arrives at each side; whether any did."""
        moved = False
        for line in lines:
            message = line.next() if self.conversation.pair.connected else None
            if message is not None:
                moved = True
                self.arrives(line, message)
                self.arrived.append(message)
                self.step += 1
        return moved or self.goesOn(lines)

    def arrives(self, line: _Line, message: bytes) -> None:
        """A message is due. Subclasses override this."""
        line.arrives(message)

    def goesOn(self, lines: tuple[_Line, _Line]) -> bool:
        """Nothing moves any more. Subclasses override this; whether something may move now."""
        return False


_LONG = 100_000.0
"""Seconds after which every timer has fired."""


class Loss(Break):
    """
    The connection is lost.
    """

    def __init__(self, begin: Callable[[], IConversation], step: int, size: int | None, first: Side) -> None:
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
            lose(pair, self._first)


def lose(pair: BrokerPair, first: Side) -> None:
    """
    Lose a connection: one side hears of it, and the other one a second later.
    """
    pair.connected = False
    why = Failure(ConnectionLost())
    brokers = [pair.client, pair.server] if first == "client" else [pair.server, pair.client]
    brokers[0].connectionLost(why)
    pair.clock.advance(1)
    brokers[1].connectionLost(why)


class Fragments(Break):
    """Messages arrive in pieces of some bytes."""

    def __init__(self, begin: Callable[[], IConversation], size: int) -> None:
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


class Delay(Break):
    """All that goes to one side waits until nothing else moves any more, and longer."""

    def __init__(self, begin: Callable[[], IConversation], step: int, seconds: float = 1.0) -> None:
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


SIZES = (1, 2, 3, 7, 30)
"""Of pieces, in bytes."""


def everyBreak(begin: Callable[[], IConversation], everyByteUpTo: int = 0) -> Iterator[Break]:
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
    yield whole
    for size in SIZES:
        yield Fragments(begin, size)
    withinMessages = sum(map(len, whole.arrived)) <= everyByteUpTo
    for step, message in enumerate(whole.arrived):
        yield Delay(begin, step)
        yield Loss(begin, step, 0, "client")
        yield Loss(begin, step, 0, "server")
        for size in range(1, len(message)) if withinMessages else ():
            yield Loss(begin, step, size, "server")

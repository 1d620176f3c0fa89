"""
How nearly all connections begin, as bytes.

Dialects are negotiated with every peer, and versions compared; but nearly all know
the same dialects, and there is one version. So both sides say the same bytes each
time. Whoever says anything else is read and answered like any other message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.error import ConnectionLost

from myspread._codec import DIALECTS, NONE, Decoder, Dialect, Handshake, encode
from myspread._codec.excerpt import excerpt
from myspread._errors import BananaError
from myspread._net.connection import Connection
from myspread._net.overriding import Overridable
from myspread._peer.peer import VERSION
from myspread.limits import Limits, defaultLimits

__all__ = ["Beginning", "Beginnings", "beginningFor"]

_MOST = 64
"""For how many sides, with their limits, it is remembered how connections begin."""


class Beginning:
    """
    What one side says and hears when its peer knows the dialects of
    C{twisted.spread}.

    It is found by doing the handshake once, so what comes of it has one definition.

    @ivar opening: what is sent at first; empty for a client.
    @ivar choice: what the peer says then.
    @ivar answer: what that is answered with; empty for a server.
    @ivar dialect: what is agreed on.
    @ivar version: what each side sends then.
    """

    __slots__ = ("_limits", "answer", "choice", "dialect", "opening", "version")

    def __init__(self, isClient: bool, known: Sequence[bytes], limits: Limits) -> None:
        """
        @param isClient: whether this side opened the connection.
        @param known: the dialects that this side knows.
        @param limits: those of this side.
        @raise BananaError: when such a peer can't be talked to, or not under
            these limits.
        """
        self._limits = limits
        side, peer = Handshake(isClient, known), Handshake(not isClient, list(DIALECTS))
        offer, choice = side.opening(), peer.opening()
        if offer is not None:
            choice, _ = peer.receive(offer)
        answer, self.dialect = side.receive(choice or b"")
        self.opening = b"" if offer is None else encode(offer, NONE, limits)
        self.choice = self._readable(choice, NONE)
        self.answer = b"" if answer is None else encode(answer, NONE, limits)
        self.version = self._readable([b"version", VERSION], self.dialect)

    def _readable(self, expression: Any, dialect: Dialect) -> bytes:
        data = encode(expression, dialect, self._limits)
        for _ in Decoder(self._limits, dialect).feed(data):
            pass
        return data


_found: dict[tuple[bool, tuple[bytes, ...], int], tuple[Limits, Beginning | None]] = {}
"""
By side, its dialects and the C{id} of its limits. They take long to hash and to
compare, and most connections share theirs.
"""


def beginningFor(isClient: bool, known: Sequence[bytes], limits: Limits) -> Beginning | None:
    """
    How nearly all connections of one side begin; None where no peer can say what
    nearly all say.

    @param isClient: whether this side opened the connection.
    @param known: the dialects that this side knows.
    @param limits: those of this side.
    """
    key = isClient, tuple(known), id(limits)
    found = _found.get(key)
    if found is None:
        if len(_found) >= _MOST:
            _found.clear()
        try:
            found = limits, Beginning(isClient, known, limits)
        except BananaError:
            found = limits, None
        _found[key] = found
    return found[1]


class Beginnings(Overridable, Connection):
    """
    A connection that takes the beginning of nearly all connections as the bytes
    that it is.
    """

    version: Any = VERSION
    # Until the peer's version has come; None where its messages are read like any other.
    _beginning: Beginning | None = None
    # Whether a server's offer was answered before it has come.
    _isAhead = False

    def sendCall(self, *exp: Any) -> None:
        """Send a message."""
        raise NotImplementedError

    def _begin(self) -> None:
        self._lookAtClass()
        if self.version == VERSION and not self._wantsLists():
            limits = self._limits or defaultLimits()
            self._beginning = beginningFor(bool(self.isClient), self.knownDialects, limits)
        if self._beginning is None:
            super()._begin()
        elif self._beginning.opening:
            self.sendWritten(self._beginning.opening)
            # The next message waits for the peer's: the two are no burst.
            self._sentAt = 0.0
        elif getattr(self.factory, "speaksFirst", False):
            self._speakFirst(self._beginning)

    def _speakFirst(self, beginning: Beginning) -> None:
        """Answer the offer that nearly all servers make, before it comes."""
        self._isAhead = True
        # What the application sends at once leaves together with it.
        self._decoding = True
        try:
            self._agree(beginning)
        finally:
            self._decoding = False
            self._flush()
        if self._backlog and not self._reasons:
            self._handle()

    def _agree(self, beginning: Beginning) -> None:
        if beginning.answer:
            self.sendWritten(beginning.answer)
        self._selectDialect(beginning.dialect.name)

    def _sendVersion(self) -> None:
        if self._beginning is None:
            self.sendCall(b"version", self.version)
        else:
            self.sendWritten(self._beginning.version)

    def _hearBeginning(self) -> None:
        beginning = self._beginning
        # It may have been overridden meanwhile.
        if beginning is not None and self._wantsLists():
            beginning = self._beginning = None
        if beginning is None:
            return
        if self._isAhead or self.currentDialect is None:
            if not self._arrived(beginning.choice):
                self._beginning = None
                return
            if self._isAhead:
                self._isAhead = False
            else:
                self._agree(beginning)
        if self._backlog:
            self._beginning = None
            # Whoever was told that the dialect is agreed on may have overridden something.
            if not self._wantsLists() and self._arrived(beginning.version):
                # It is ours, and there is no more to it.
                self._peer.meant += 1

    def _arrived(self, expected: bytes) -> bool:
        """Whether what has arrived begins like this; then it is taken away."""
        backlog = self._backlog
        assert backlog
        data = backlog[0]
        if not data.startswith(expected):
            return False
        if len(data) == len(expected):
            del backlog[0]
        else:
            backlog[0] = data[len(expected) :]
        return True

    def callExpressionReceived(self, obj: Any) -> None:
        """As in L{Banana}; the offer may come when it is answered already."""
        if self._isAhead:
            self._offerReceived(obj)
        else:
            super().callExpressionReceived(obj)

    def _offerReceived(self, offer: Any) -> None:
        """Whatever else the server offers: it has to lead to the answer that it has got."""
        self._isAhead = False
        handshake = Handshake(True, self.knownDialects)
        handshake.opening()
        try:
            _, dialect = handshake.receive(offer)
        except BananaError as error:
            problem = str(error)
        else:
            if dialect.name == self.currentDialect:
                return
            problem = f"It prefers the dialect {excerpt(dialect.name)}."
        reason = f"we spoke first (PBClientFactory.speaksFirst), which this server doesn't allow: {problem}"
        self._death = ConnectionLost(reason)
        self.closeConnection(reason)

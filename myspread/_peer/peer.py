"""
L{Peer}: everything that one connection means, without the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from myspread._errors import DeadReferenceError, PBConnectionLost, ProtocolError
from myspread._flavors.dispatch import LARGEST_ID, LONGEST_NAME
from myspread._flavors.remote import describePeer
from myspread._native import NOT_PLAIN, Raw
from myspread._peer.holdings import Holdings
from myspread._peer.incoming import NOBODY, Find, expanded
from myspread._peer.invoker import IInvoker
from myspread._peer.logbudget import LogBudget
from myspread._peer.messages import COMMANDS, answerable, checkFields, commandOf
from myspread._peer.outgoing import OutgoingCalls, asFailure, takeOptions
from myspread.security import ITaster

__all__ = ["Peer"]

_log = Logger()

VERSION = 6
"""The version of the Perspective Broker protocol."""

PING = 0
"""The request id of each ping: those of calls count from 1."""

_HANDLERS = {command: f"proto_{command.decode()}" for command in COMMANDS}
"""By command, the method of the broker that handles it."""


class Peer(Holdings):
    """
    The state of one connection, and the meaning of its messages. It takes
    s-expressions and hands s-expressions to its invoker to send.

    @ivar meant: how many messages have come that are no pings or answers to pings.
    @ivar pinging: whether the peer was pinged and hasn't answered.
    @ivar dropped: how many messages were dropped because they made no sense.
    @ivar silence: what watches the connection for a silent peer, or None.
    """

    __slots__ = (
        "_calls",
        "_logBudget",
        "dropped",
        "meant",
        "pinging",
        "silence",
    )

    def __init__(self, invoker: IInvoker, security: ITaster) -> None:
        """
        @param invoker: the broker above, through which all that applications
            may override is called.
        @param security: the policy.
        """
        super().__init__(invoker, security)
        self._calls: OutgoingCalls | None = None
        self.dropped = 0
        self.meant = 0
        self.pinging = False
        self.silence: Any = None
        self._logBudget: LogBudget | None = None

    @property
    def calls(self) -> OutgoingCalls:
        """Our calls that wait for answers."""
        if self._calls is None:
            self._calls = OutgoingCalls()
        return self._calls

    @property
    def log(self) -> LogBudget:
        """What the peer may fill of the log. Most cause no entry, and need none."""
        if self._logBudget is None:
            invoker = self._invoker
            limits = invoker.limits
            self._logBudget = LogBudget(limits.logEntries, limits.logTime, invoker.clock, invoker.logBudget)
        return self._logBudget

    def _note(self, text: str) -> None:
        self.log.emit(_log, LogLevel.debug, text)

    # Messages

    def receive(self, expression: Any) -> None:
        """
        Handle a message. One that isn't understood is dropped; if it is a call
        that can be answered, it is answered with an error.
        """
        self.meant += 1
        try:
            command = commandOf(expression)
            if command in COMMANDS:
                checkFields(command, expression[1:])
        except ProtocolError as error:
            self._dropped(expression, error)
            return
        if command not in COMMANDS:
            expression = [expanded(field) for field in expression]
        handler = self._handlerFor(command)
        if handler is None:
            # Only a peer that wants to fill our memory has names as long as that.
            self._invoker.sendCall(b"didNotUnderstand", command[:LONGEST_NAME])
            return
        try:
            handler(*expression[1:])
        except Exception:
            self.log.failure(_log, "The message {command} failed.", command=command)

    def receiveRaw(self, expression: Any) -> None:
        """
        As L{receive}, for a broker that overrides none of the methods that are
        given s-expressions. What nearly all messages are is handled at once.
        """
        if type(expression) is list:
            size = len(expression)
            if size == 7 and expression[0] == b"message":
                _, request, luid, name, wanted, args, kw = expression
                if (
                    type(args) is Raw
                    and type(kw) is Raw
                    and type(name) is bytes
                    and type(wanted) is int
                    and (type(luid) is bytes or type(luid) is int and 0 <= luid <= LARGEST_ID)
                    and type(request) is int
                    and 0 <= request <= LARGEST_ID
                ):
                    self.meant += 1
                    try:
                        self.run(self._invoker.localObjectForID, request, luid, name, wanted, args, kw)
                    except Exception:
                        self.log.failure(_log, "The message {command} failed.", command=b"message")
                    return
            elif size == 3 and expression[0] == b"answer" and self._calls is not None:
                _, request, sexp = expression
                if type(request) is int and request in self._calls.waiting:
                    value = self.plainOf(sexp) if type(sexp) is Raw else sexp
                    if value is not NOT_PLAIN and (value is not sexp or type(sexp) is not list):
                        self.meant += 1
                        result = self._calls.take(request)
                        if result is not None and not result.called:
                            result.callback(value)
                        return
        self.receive(expression)

    def _handlerFor(self, command: bytes) -> Callable[..., Any] | None:
        known = _HANDLERS.get(command)
        if known is not None:
            handler: Callable[..., Any] = getattr(self._invoker, known)
            return handler
        try:
            name = command.decode("ascii")
        except UnicodeDecodeError:
            return None
        return getattr(self._invoker, f"proto_{name}", None) if name.isidentifier() else None

    def _dropped(self, expression: Any, error: ProtocolError) -> None:
        self.dropped += 1
        text = "The peer sent a message that is dropped (number {count}): {error}"
        self.log.emit(_log, LogLevel.warn, text, count=self.dropped, error=str(error))
        request = answerable(expression) if isinstance(expression, list) and expression else None
        if request is not None:
            self.incoming.refuse(request, error)

    def versionReceived(self, version: int | float) -> None:
        """The peer's version of the protocol: only one is spoken here."""
        if version != VERSION:
            self._invoker.closeConnection(f"the peer speaks version {version} of PB, we speak {VERSION}")

    def answerReceived(self, request: int, sexp: Any) -> None:
        """The result of a call of ours."""
        result = self.calls.take(request)
        if result is None:
            self._unexpected(request, sexp, "answers")
            return
        try:
            outcome = self._unserializeAs("answer", sexp)
        # Not even SystemExit may keep the caller waiting for ever.
        except BaseException:
            outcome = Failure()
        if not result.called:
            result.callback(outcome)

    def errorReceived(self, request: int, sexp: Any) -> None:
        """The failure of a call of ours."""
        if request == PING and self.pinging:
            self._pingAnswered()
            return
        result = self.calls.take(request)
        if result is None:
            self._unexpected(request, sexp, "reports the failure of")
            return
        try:
            failure = asFailure(self._unserializeAs("error", sexp))
        except BaseException:
            failure = Failure()
        if not result.called:
            result.errback(failure)

    def _unexpected(self, request: int, sexp: Any, does: str) -> None:
        """
        An answer that nobody waits for. If the call was given up, the objects
        that were lent with it are received, forgotten and so given back.
        """
        if request == PING and self.pinging:
            self._pingAnswered()
            return
        if not self.calls.isLate(request):
            self._note(f"The peer {does} a call that doesn't wait for it.")
            return
        try:
            self._unserializeAs("answer", sexp)
        except Exception as error:
            self.log.emit(_log, LogLevel.debug, "A late answer can't be read: {error}", error=str(error))

    def _pingAnswered(self) -> None:
        self.pinging = False
        self._invoker.pinged()

    def decrefReceived(self, luid: int | bytes) -> None:
        """The peer gives a reference back."""
        if not self.references.giveBack(luid):
            self._note("The peer gives back a reference that it doesn't have.")

    def decacheReceived(self, luid: int) -> None:
        """The peer has forgotten a receipt of a cache."""
        if luid not in self.caches.given:
            self._note("The peer gives back a cache that it doesn't have.")
        elif self.caches.giveBack(luid, self._invoker):
            self._invoker.sendCall(b"uncache", luid)

    def uncacheReceived(self, luid: int) -> None:
        """The peer has forgotten that we cached an object of its."""
        cache = self.caches.taken.pop(luid, None)
        if cache is not None:
            cache.broker = None

    # Calls

    def ping(self) -> bool:
        """
        Ask the peer for a sign of life, unless it owes us one already: a call
        of an object that nobody can have, which every peer answers with an
        error that it doesn't log.

        @return: whether it was asked.
        """
        if self.pinging or not self.connected:
            return False
        self.pinging = True
        self._invoker.sendCall(b"message", PING, NOBODY, b"ping", 1, [b"tuple"], [b"dictionary"])
        return True

    def call(
        self,
        prefix: bytes,
        perspective: Any,
        luid: Any,
        message: bytes,
        args: tuple[Any, ...],
        kw: dict[str, Any],
        forms: tuple[Any, Any] | None = None,
    ) -> Deferred[Any] | None:
        """
        Call a method of the peer's.

        @param prefix: empty, or C{b"cache"} for a cache of the peer.
        @param forms: the arguments where they are written already.
        @return: a Deferred of the result, or None if no answer is wanted.
        @raise DeadReferenceError: when the connection is lost.
        """
        callback, errback, wanted = takeOptions(kw) if kw else (None, None, 1)
        if not self.connected:
            name = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
            raise DeadReferenceError(f"Calling Stale Broker: the connection is lost, and {name} not called")
        request = 0
        invoker = self._invoker
        calls = self._calls or self.calls
        outbox = self.outbox
        if self._plain and not (outbox.converting or outbox.waiting):
            # The short way: no arguments that give anything out, all in one step.
            encoder = invoker.plainEncoder()
            if encoder is not None:
                command, following = prefix + b"message", calls.lastRequest + 1
                if forms is None:
                    data = encoder.call(command, following, luid, message, wanted, args, kw)
                else:
                    data = encoder.message((command, following, luid, message, wanted, *forms))
                if data is not None:
                    return self._callWritten(calls, data, wanted, callback, errback, message)
        outer, self._given = self._given, []
        unanswered, self.incoming.unanswered = self.incoming.unanswered, False
        try:
            if forms is None:
                encoder = invoker.plainEncoder() if self._plain else None
                netArgs = encoder and encoder.encode(args)
                if netArgs is None:
                    netArgs = invoker.serialize(args, perspective=perspective, method=message)
                netKw = encoder and encoder.encode(kw)
                if netKw is None:
                    netKw = invoker.serialize(kw, perspective=perspective, method=message)
            else:
                netArgs, netKw = forms
            if not self.connected:
                raise PBConnectionLost("the connection was lost while the arguments were being serialised")
            request = calls.newRequest()
            result = calls.expect(request, callback, errback) if wanted else None
            invoker.sendCall(prefix + b"message", request, luid, message, wanted, netArgs, netKw)
            if result is not None and calls.timeout is not None:
                calls.expire(result, message, calls.timeout, invoker)
        except Exception:
            failure = Failure()
            self._takeBack(self._given)
            outbox.sendWaiting()
            return calls.refuse(request, failure)
        finally:
            self._given = outer
            self.incoming.unanswered = unanswered
        return result

    def _callWritten(
        self, calls: OutgoingCalls, data: bytes, wanted: int, callback: Any, errback: Any, message: bytes
    ) -> Deferred[Any] | None:
        """Send a call that is encoded already, with the next id."""
        request = calls.newRequest()
        try:
            result = calls.expect(request, callback, errback) if wanted else None
            self._invoker.sendWritten(data)
            if result is not None and calls.timeout is not None:
                calls.expire(result, message, calls.timeout, self._invoker)
        except Exception:
            return calls.refuse(request, Failure())
        return result

    def run(
        self, find: Find, request: int, luid: Any, message: bytes | str, wanted: Any, args: Any, kw: Any
    ) -> None:
        """
        Run a call of the peer's; see L{IncomingCalls.run}. What its answer
        gives out is taken back if it can't be sent.
        """
        outer, self._given = self._given, []
        if self.account is not None:
            find = self.account.within(find)
        try:
            self.incoming.run(find, request, luid, message, wanted, args, kw)
        finally:
            self._given = outer

    # The end

    def lost(self, reason: Any) -> None:
        """
        The connection is lost: calls fail, caches are no longer observed.
        """
        self.connected = False
        self.outbox.clear()
        self.references.loseCounts()
        if self._calls is not None:
            self._calls.failAll(reason)
        if self._caches is not None:
            self._caches.stopAll(self._invoker)

    def forget(self) -> None:
        """Drop what the connection held, once everybody has been told."""
        if self._logBudget is not None:
            self._logBudget.end(_log, describePeer(self._invoker))
        self.references.forget()
        self._caches = None

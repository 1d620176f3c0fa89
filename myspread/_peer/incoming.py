"""
Calls that the peer makes, and our answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from twisted.cred.error import LoginFailed
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._errors import Error, Incident, LimitExceeded, NoSuchMethod, ServerLeaving
from myspread._flavors.caching import RemoteCache
from myspread._flavors.dispatch import LONGEST_NAME, asText, awaited, callMethod, refuses
from myspread._flavors.failures import CopyableFailure, failure2Copyable
from myspread._flavors.perspective import Avatar
from myspread._flavors.referencing import Referenceable
from myspread._flavors.remote import describePeer
from myspread._flavors.viewing import ViewPoint
from myspread._jelly import jelly
from myspread._native import Raw
from myspread._peer.events import EVENTS
from myspread._peer.incidents import newIncident, refusal, showsText, travelsAsValue
from myspread._peer.invoker import IInvoker
from myspread._peer.outbox import Outbox
from myspread._wirenames import wireName
from myspread.security import ITaster

__all__ = ["NOBODY", "IncomingCalls"]

_log = Logger()

NOBODY = 0
"""The id of no object: they count from 1. A ping calls it."""

_NO_OBJECT = "Invalid Object ID"

Find = Callable[[Any], Any]

_STANDARD = frozenset(
    {
        Referenceable.remoteMessageReceived,
        ViewPoint.remoteMessageReceived,
        RemoteCache.remoteMessageReceived,
        Avatar.perspectiveMessageReceived,
    }
)

_COMMONEST = Referenceable.remoteMessageReceived

_PLAIN = frozenset({int, str, float, bool, type(None), bytes, list, tuple, dict, set, frozenset})

_ANSWERED: Any = object()
"""Stands for a result that has been sent already, or that nobody wants."""

_OTHERWISE: Any = object()
"""Stands for the result of a call that has to be run in the usual way."""

_WITH_ANSWER = "The peer {peer} will receive the following PB traceback:"
_WITHOUT_ANSWER = "A call of {peer} that wants no answer failed:"
_UNSENT_INCIDENT = "Incident {incident}: an error can't be sent, and {peer} is told no more than this number:"


@lru_cache(maxsize=1)
def _pingAnswer() -> list[Any]:
    """
    What any call of an object that there isn't is answered with. Serialising
    leaves its traces in a broker, more than all that an idle one takes.
    """
    failure = failure2Copyable(Failure(Error(_NO_OBJECT)), 0)
    return [wireName(type(failure)), jelly(failure.getStateToCopy())]


def expanded(expression: Any) -> Any:
    """An expression that has arrived as lists, however it was kept until now."""
    return expression.expand() if type(expression) is Raw else expression


class IGiver(Protocol):
    """
    What calls need of the peer above them.
    """

    def plainArguments(self, args: Any, kw: Any) -> tuple[Any, Any]:
        """The values of forms of plain ones."""

    def answerWith(self, request: int, value: Any) -> bytes | None:
        """The whole message that answers a call with a plain value."""

    def serializeResult(self, object: Any, *context: Any) -> Any:
        """The form of a result, or a Deferred of it."""

    def takeBackAnswer(self) -> None:
        """Take back what an answer that can't be sent gave out."""


class IncomingCalls:
    """
    Runs what one peer calls, and answers it: each call that wants an answer
    gets exactly one, whatever happens.

    @ivar isStandard: whether the object that is being called leaves the
        s-expressions of arguments and result to us.
    @ivar unanswered: whether the call that is being run wants no answer.
    @ivar inProgress: how many calls have returned a Deferred that hasn't fired.
    """

    __slots__ = ("_giver", "_invoker", "_outbox", "inProgress", "isStandard", "security", "unanswered")

    def __init__(self, invoker: IInvoker, outbox: Outbox, security: ITaster, giver: IGiver) -> None:
        self._giver = giver
        self._invoker = invoker
        self._outbox = outbox
        self.security = security
        self.isStandard = False
        self.unanswered = False
        self.inProgress = 0

    def run(
        self, find: Find, request: int, luid: Any, message: bytes | str, wanted: Any, args: Any, kw: Any
    ) -> None:
        """
        Run a call.

        @param find: gives the object of an id, or None.
        @param wanted: whether to answer.
        """
        self._outbox.handling += 1
        if type(wanted) is Raw:
            wanted = wanted.expand()
        before = self.isStandard, self.unanswered
        self.unanswered = not wanted
        try:
            try:
                target = find(luid)
                if target is None:
                    if luid == NOBODY:
                        self._answerPing(request, wanted)
                        return
                    raise Error(_NO_OBJECT)
                if self.inProgress >= self._invoker.limits.calls:
                    raise self._tooMany()
                receive = target.remoteMessageReceived
                function = getattr(receive, "__func__", None)
                result = _OTHERWISE
                if function is _COMMONEST:
                    self.isStandard = True
                    if type(args) is Raw and type(kw) is Raw:
                        result = self._runPlain(target, request, message, wanted, args, kw)
                else:
                    self.isStandard = function in _STANDARD
                if result is _OTHERWISE:
                    if not self.isStandard:
                        args, kw = expanded(args), expanded(kw)
                    result = receive(self._invoker, asText(message), args, kw)
            # Not even SystemExit may keep the caller waiting for ever.
            except BaseException:
                self._failed(Failure(), request, wanted)
            else:
                if result is _ANSWERED:
                    pass
                elif isinstance(result, Deferred):
                    self._waitFor(result, request, wanted)
                elif wanted:
                    self._answer(result, request)
        finally:
            self.isStandard, self.unanswered = before
            self._outbox.handled()

    def _runPlain(
        self, target: Any, request: int, message: bytes | str, wanted: Any, args: Any, kw: Any
    ) -> Any:
        """
        As C{target.remoteMessageReceived}, in fewer steps where arguments and
        result are plain values.

        @return: what that returns; or that nobody waits for an answer any more; or that
            nothing was done, because of what the arguments are.
        """
        invoker, giver = self._invoker, self._giver
        positional, named = giver.plainArguments(args, kw)
        if type(positional) is not tuple or type(named) is not dict:
            return _OTHERWISE
        if named and not all(type(name) is str and len(name) <= LONGEST_NAME for name in named):
            return _OTHERWISE
        try:
            method = target._remoteMethod(message)
        except NoSuchMethod as error:
            refuses(error)
            raise
        value = callMethod(invoker, method, positional, named)
        if type(value) in _PLAIN:
            if not wanted:
                return _ANSWERED
            data = giver.answerWith(request, value)
            if data is not None and not invoker.disconnected:
                invoker.sendWritten(data, True)
                return _ANSWERED
        return giver.serializeResult(awaited(value), target.perspective, method, positional, named)

    def _answerPing(self, request: int, wanted: Any) -> None:
        self._invoker.pinged()
        if wanted and not self._invoker.disconnected:
            self._invoker.sendCall(b"error", request, _pingAnswer())

    def refuse(self, request: int, error: Exception) -> None:
        """Answer a call that could not even be understood."""
        self._sendFailure(Failure(error), request)

    def _tooMany(self) -> Exception:
        if self._invoker.refusesCalls:
            return ServerLeaving("the server is being stopped: this call has not been run")
        limit = self._invoker.limits.calls
        return refuses(
            LimitExceeded(
                f"{self.inProgress} calls of this peer are in progress, Limits.calls = {limit}:"
                " wait for some of their answers"
            )
        )

    def _waitFor(self, result: Deferred[Any], request: int, wanted: Any) -> None:
        self.inProgress += 1
        result.addBoth(self._ended)
        if wanted:
            result.addCallbacks(
                self._answer, self._failed, callbackArgs=(request,), errbackArgs=(request, True)
            )
        else:
            result.addErrback(self._failed, request, False)

    def _ended(self, result: Any) -> Any:
        self.inProgress -= 1
        return result

    def _answer(self, result: Any, request: int) -> None:
        if self._invoker.disconnected:
            return
        try:
            self._invoker.sendCall(b"answer", request, result)
        except Exception:
            self._giver.takeBackAnswer()
            self._failed(Failure(), request, True)

    def _tell(self, text: str, failure: Failure | None = None, **fields: Any) -> None:
        self._invoker.peerLog.failure(_log, text, failure, peer=describePeer(self._invoker), **fields)

    def _failed(self, failure: Failure, request: int, wanted: Any) -> None:
        """
        Log a failure, unless it is one that the application meant to send, and
        send as much of it as the policy lets the peer see.
        """
        self._note(failure.value)
        seen = failure
        if wanted and not showsText(self.security):
            seen = refusal(failure, self.security) or Failure(newIncident())
        if isinstance(seen.value, Incident) and seen is not failure:
            event = EVENTS["incident"]
            self._tell(event.text, failure, event=event.name, incident=seen.value.incident)
        elif failure.check(Error) is None and not self._isTold(failure):
            self._tell(_WITH_ANSWER if wanted else _WITHOUT_ANSWER, failure)
        if wanted and not self._invoker.disconnected:
            self._sendFailure(seen, request)

    def _note(self, error: BaseException | None) -> None:
        """A call has failed: tell whoever watches the connection."""
        broker: Any = self._invoker
        watch, watched = getattr(broker, "watch", None), getattr(broker, "watched", None)
        if watch is not None and watched is not None and error is not None:
            watch.failed(watched, error)

    def _isTold(self, failure: Failure) -> bool:
        """Whether the log has it as an event already: a login that is refused, where events are watched."""
        broker: Any = self._invoker
        if getattr(broker, "watch", None) is None or failure.check(LoginFailed) is None:
            return False
        return broker.avatarId is None

    def _sendFailure(self, failure: Failure, request: int) -> None:
        try:
            self._invoker.sendCall(b"error", request, self._invoker.serialize(self._travelling(failure)))
        except BaseException:
            self._giver.takeBackAnswer()
            note: Error
            if showsText(self.security):
                note = Error(f"{failure.type}: this error can't be sent; see the log of the other side")
                self._invoker.peerLog.failure(_log, "An error can't be sent as it is; the peer gets a note.")
            else:
                note = incident = newIncident()
                self._tell(_UNSENT_INCIDENT, event="incident", incident=incident.incident)
            self._invoker.sendCall(b"error", request, self._invoker.serialize(CopyableFailure(note)))

    def _travelling(self, failure: Failure) -> Any:
        """
        The form of a failure that is sent: the exception itself if it can
        travel, else a L{CopyableFailure}.
        """
        value = failure.value
        if travelsAsValue(value, self.security):
            return value
        unsafe = getattr(self._invoker.factory, "unsafeTracebacks", 0)
        if isinstance(failure, CopyableFailure):
            failure.unsafeTracebacks = unsafe
            return failure
        return failure2Copyable(failure, unsafe)

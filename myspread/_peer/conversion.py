"""
Objects to s-expressions and back, for one connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from myspread._flavors.dispatch import awaited, isCoroutine
from myspread._jelly import jelly, unjelly
from myspread._jelly.plain import NOT_PLAIN, allowsPlain, allowsTags, plainForm, plainValue
from myspread._native import NOT_PLAIN as NATIVE_NOT_PLAIN
from myspread._native import Raw, maskFor, plain
from myspread._peer.incoming import IncomingCalls
from myspread._peer.invoker import IInvoker
from myspread._peer.outbox import Outbox
from myspread.security import ITaster

__all__ = ["Conversion"]

_FAILURE = "_failureThatWasSent"
"""
Where a Deferred that a method has returned keeps its failure: once that was sent,
it has None as its result, and the next call may return it again. It is kept in the
Deferred itself: the frames in a failure often lead to its Deferred, so nothing else
that has the one would ever forget the other.
"""

_NAMES: dict[Any, str] = {tuple: "args", dict: "kw"}
_SEXP_NAMES = {b"tuple": "args", b"dictionary": "kw"}

_ALL_TAGS = frozenset(plain.TAGS)
_ALL_FORMS = maskFor(_ALL_TAGS.__contains__)


class Conversion:
    """
    Converts what a connection carries, under its policy and limits, and knows
    what each message has given out.

    @ivar incoming: the calls that the peer makes.
    @ivar outbox: keeps the order of what leaves.
    @ivar connected: whether the connection still stands.
    """

    __slots__ = (
        "_acceptsPlain",
        "_given",
        "_invoker",
        "_mask",
        "_plain",
        "_restriction",
        "_resultName",
        "connected",
        "incoming",
        "outbox",
    )

    def __init__(self, invoker: IInvoker, security: ITaster) -> None:
        """
        @param invoker: the broker above.
        @param security: the policy.
        """
        self._invoker = invoker
        self.outbox = Outbox(invoker)
        self.incoming = IncomingCalls(invoker, self.outbox, security, self)
        self.connected = True
        self._given: list[Callable[[], Any]] | None = None
        self._resultName: str | None = None
        self._mask: int | None
        self._restriction: ITaster | None
        self.acceptOnly(None)
        self._plain = self._acceptsPlain

    def usePolicy(self, security: ITaster) -> None:
        """Hold both sides to this policy from now on."""
        self.incoming.security = security
        self.acceptOnly(self._restriction)
        self._plain = self._acceptsPlain if self._restriction is None else allowsPlain(security)

    def acceptOnly(self, restriction: ITaster | None) -> None:
        """
        Hold what the peer sends to another policy than what we send.

        @param restriction: the other policy, or None to end this.
        """
        self._restriction = restriction
        accepted = self.incoming.security if restriction is None else restriction
        # Nearly all policies allow all of them.
        allowsAll = allowsTags(accepted, _ALL_TAGS)
        self._acceptsPlain = allowsAll or allowsPlain(accepted)
        self._mask = _ALL_FORMS if allowsAll else None

    @property
    def accepted(self) -> ITaster:
        """The policy for what the peer sends."""
        return self.incoming.security if self._restriction is None else self._restriction

    def serialize(
        self, object: Any, perspective: Any = None, method: Any = None, args: Any = None, kw: Any = None
    ) -> Any:
        """
        The s-expression of an object; for a Deferred or a coroutine, a Deferred
        of it. The Deferred that was given keeps its result.

        @raise InsecureJelly: when it cannot travel.
        @raise LimitExceeded: when it is too large.
        """
        if self._plain:
            form = plainForm(object)
            if form is not NOT_PLAIN:
                return form
        # Only results come with the arguments of their call.
        if (self.incoming.unanswered and args is not None) or not self.connected:
            # A result that nobody gets: what is in it must not be lent.
            return awaited(object) if isCoroutine(object) or isinstance(object, Deferred) else []
        if isinstance(object, Deferred) or isCoroutine(object):
            context = (perspective, method, args, kw)
            return self._serializeLater(awaited(object), self._invoker.serialize, context)
        invoker = self._invoker
        before = (invoker.serializingPerspective, invoker.jellyMethod, invoker.jellyArgs, invoker.jellyKw)
        invoker.serializingPerspective = perspective
        invoker.jellyMethod, invoker.jellyArgs, invoker.jellyKw = method, args, kw
        self.outbox.converting += 1
        name = _NAMES.get(type(object), "value") if args is None and method is not None else "result"
        outer, self._given = self._given, []
        try:
            form = jelly(object, self.incoming.security, None, invoker, limits=invoker.limits, name=name)
        except BaseException:
            self._takeBack(self._given)
            raise
        else:
            if outer is not None:
                outer += self._given
            return form
        finally:
            self._given = outer
            self.outbox.converting -= 1
            invoker.serializingPerspective, invoker.jellyMethod, invoker.jellyArgs, invoker.jellyKw = before

    def serializeResult(self, object: Any, *context: Any) -> Any:
        """
        As L{serialize}, for the result of a call. Where nobody else looks into
        it, it may be an L{Encoded}.
        """
        incoming = self.incoming
        mayShorten = self._plain and incoming.isStandard and not incoming.unanswered
        if not mayShorten or self._invoker.plainEncoder() is None:
            return self._invoker.serialize(object, *context)
        if isinstance(object, Deferred):
            return self._serializeLater(object, self._shortened, context)
        return self._shortened(object, *context)

    def answerWith(self, request: int, value: Any) -> bytes | None:
        """
        The whole message that answers a call with a plain value, if it may leave
        at once; None for any other.
        """
        outbox = self.outbox
        if not self._plain or outbox.converting or outbox.waiting:
            return None
        encoder = self._invoker.plainEncoder()
        return None if encoder is None else encoder.answer(request, value)

    def _shortened(self, object: Any, *context: Any) -> Any:
        # What comes later comes perhaps when the broker is another one: overridden, or under other limits.
        encoder = self._invoker.plainEncoder()
        encoded = None if encoder is None else encoder.encode(object)
        return self._invoker.serialize(object, *context) if encoded is None else encoded

    def _serializeLater(
        self, deferred: Deferred[Any], convert: Callable[..., Any], context: tuple[Any, ...]
    ) -> Deferred[Any]:
        serialized: Deferred[Any] = Deferred()

        def succeeded(value: Any) -> Any:
            failure = getattr(deferred, _FAILURE, None)
            if failure is not None:
                failed(failure)
            elif self.connected:
                # It may fire while another message is being made, or a call is run that wants no answer.
                outer, self._given = self._given, []
                unanswered, self.incoming.unanswered = self.incoming.unanswered, False
                try:
                    serialized.callback(convert(value, *context))
                except Exception:
                    serialized.errback(Failure())
                finally:
                    self._given = outer
                    self.incoming.unanswered = unanswered
            else:
                # Nobody gets it; but the call has ended.
                serialized.callback([])
            return value

        def failed(failure: Failure) -> None:
            setattr(deferred, _FAILURE, failure)
            serialized.errback(failure)

        deferred.addCallbacks(succeeded, failed)
        return serialized

    def _unserializeAs(self, name: str, sexp: Any) -> Any:
        self._resultName = name
        try:
            return self._invoker.unserialize(sexp)
        finally:
            self._resultName = None

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """
        The object of an s-expression.

        @raise InsecureJelly: when the policy refuses a part of it, or it isn't
            Jelly.
        """
        if type(sexp) is Raw:
            value = self.plainOf(sexp)
            if value is not NATIVE_NOT_PLAIN:
                return value
            sexp = sexp.expand()
        if self._acceptsPlain:
            value = plainValue(sexp)
            if value is not NOT_PLAIN:
                return value
        name = self._resultName
        if name is None:
            tag = sexp[0] if isinstance(sexp, list) and sexp else None
            # What a peer sends there can be a list, which is no key.
            name = _SEXP_NAMES.get(tag, "value") if isinstance(tag, bytes) else "value"
        invoker = self._invoker
        before = invoker.unserializingPerspective
        invoker.unserializingPerspective = perspective
        try:
            return unjelly(sexp, self.accepted, None, invoker, name=name)
        finally:
            invoker.unserializingPerspective = before

    def plainOf(self, raw: Any) -> Any:
        """The value of a form of plain ones; L{myspread._native.NOT_PLAIN} for any other."""
        return raw.plain(self._acceptedMask() if self._mask is None else self._mask)

    def plainArguments(self, args: Any, kw: Any) -> tuple[Any, Any]:
        """As L{plainOf}, of both kinds of arguments."""
        mask = self._mask
        if mask is None:
            mask = self._acceptedMask()
        return args.plain(mask), kw.plain(mask)

    def _acceptedMask(self) -> int:
        """Which forms of plain values are accepted."""
        accepted = self.accepted
        if not self._acceptsPlain:
            mask = 0
        elif allowsTags(accepted, _ALL_TAGS):
            mask = _ALL_FORMS
        else:
            mask = maskFor(accepted.isTypeAllowed)
        self._mask = mask
        return mask

    def _takeBack(self, given: list[Callable[[], Any]]) -> None:
        """
        Take back the references and caches that were given out in a message
        that isn't sent, the latest first.
        """
        if self.connected:
            for takeBack in reversed(given):
                takeBack()

    def _gave(self, takeBack: Callable[[], Any]) -> None:
        if self._given is not None:
            self._given.append(takeBack)

    def takeBackAnswer(self) -> None:
        """Take back what an answer that can't be sent gave out."""
        given, self._given = self._given or [], []
        self._takeBack(given)

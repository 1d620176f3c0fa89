"""
One call to many objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, fail, succeed

from myspread._codec import Dialect, Encoded, PlainEncoder, encode
from myspread._jelly import jelly
from myspread._jelly.plain import allowsPlain
from myspread._peer.outgoing import takeOptions
from myspread.limits import Limits
from myspread.security import ITaster

__all__ = ["SharedArguments", "broadcast"]

_SCALARS = frozenset({bool, bytes, float, int, str, type(None)})
_CONTAINERS = frozenset({frozenset, list, set, tuple})

_Forms = tuple[Encoded, Encoded]


def _isPlain(value: object) -> bool:
    """
    Whether there is nothing in it that means something else on each connection,
    such as references, or runs code of the application.
    """
    seen: set[int] = set()
    waiting: list[Iterable[Any]] = [(value,)]
    while waiting:
        for each in waiting.pop():
            kind = type(each)
            if kind in _SCALARS or id(each) in seen:
                continue
            if kind is dict:
                waiting.append(chain(each.keys(), each.values()))
            elif kind in _CONTAINERS:
                waiting.append(each)
            else:
                return False
            seen.add(id(each))
    return True


@lru_cache(maxsize=16)
def _inside(limits: Limits) -> Limits:
    """The limits of what stands inside a message."""
    return replace(limits, nestingDepth=max(limits.nestingDepth - 1, 0))


def _elementsOf(form: Any) -> int:
    """How many elements the lists of an s-expression have in all."""
    elements = 0
    waiting = [form]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            elements += len(here)
            waiting += here
    return elements


class SharedArguments:
    """
    The arguments of a call that goes to many objects. They are written once for
    all connections on which they have the same form.

    @ivar args: the positional ones.
    @ivar kw: those with keywords.
    @ivar wanted: whether answers are wanted.
    """

    def __init__(self, args: tuple[Any, ...], kw: dict[str, Any]) -> None:
        """
        @param kw: may contain C{pbanswer}.
        @raise TypeError: for callbacks, which C{twisted.spread} takes here.
        """
        if "pbcallback" in kw or "pberrback" in kw:
            raise TypeError("a broadcast takes no pbcallback and no pberrback; use what it returns")
        *_, self.wanted = takeOptions(kw)
        self.args = args
        self.kw = kw
        # The keys are identities; what they belong to is kept, so that nothing else gets the same.
        self._forms: dict[tuple[int, ...], tuple[tuple[Any, ...], _Forms | None]] = {}
        self._plain: bool | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What has to be said of the call beside its arguments."""
        return {} if self.wanted else {"pbanswer": False}

    def formsFor(
        self, dialect: Dialect, limits: Limits, security: ITaster, encoder: PlainEncoder | None
    ) -> _Forms | None:
        """
        Both arguments as they are written on a connection; None where they have
        to be converted for it alone.

        @param dialect: of the connection.
        @param limits: of the connection.
        @param security: what may be sent there.
        @param encoder: what writes plain values directly there, if anything.
        """
        key = id(dialect), id(limits), id(security), id(encoder)
        found = self._forms.get(key)
        if found is None:
            parts = dialect, limits, security, encoder
            found = parts, self._written(*parts) if allowsPlain(security) else None
            self._forms[key] = found
        return found[1]

    def _written(
        self, dialect: Dialect, limits: Limits, security: ITaster, encoder: PlainEncoder | None
    ) -> _Forms | None:
        if encoder is not None:
            args, kw = encoder.encode(self.args), encoder.encode(self.kw)
            return None if args is None or kw is None else (args, kw)
        if self._plain is None:
            self._plain = _isPlain((self.args, self.kw))
        if not self._plain:
            return None
        try:
            args, kw = (self._encoded(each, dialect, limits, security) for each in (self.args, self.kw))
        # Each connection tells its own error.
        except Exception:
            return None
        return args, kw

    def _encoded(self, value: Any, dialect: Dialect, limits: Limits, security: ITaster) -> Encoded:
        form = jelly(value, security, limits=limits)
        return Encoded(encode(form, dialect, _inside(limits)), _elementsOf(form))


def broadcast(references: Iterable[Any], _name: str | bytes, *args: Any, **kw: Any) -> Deferred[list[Any]]:
    """
    Call the same method of many objects, with the same arguments::

        for listener, outcome in zip(listeners, await pb.broadcast(listeners, "changed", 7)):
            if isinstance(outcome, Failure):
                ...

    Plain arguments are converted and written once for all connections that have
    the same policy and limits.

    @param references: the objects: L{RemoteReference}s, those with a deadline
        (L{RemoteReference.withTimeout}), observers of a L{Cacheable}, and whatever
        else has C{callRemote}.
    @param _name: the method's name, without prefix.
    @param args: positional arguments.
    @param kw: keyword arguments; C{pbanswer=False} asks for no answers.
    @return: a Deferred of a list, which has for each object, in their order, what
        it answers, or the L{Failure<twisted.python.failure.Failure>} of this call:
        one that fails, even because its connection is lost, does nothing to the others.
        Without answers it has fired already, and the list has None for what was sent.
        Cancelling it gives up the calls that aren't answered; C{CancelledError} is what they come to.
    @raise TypeError: for C{pbcallback} and C{pberrback}.
    """
    shared = SharedArguments(args, kw)
    name = _name if isinstance(_name, bytes) else _name.encode("utf-8")
    calls = [_called(each, name, shared) for each in list(references)]
    if not any(calls):
        # What most broadcasts come to: nobody is asked for an answer.
        return succeed(calls)
    waiting = [succeed(None) if call is None else call for call in calls]
    outcomes = DeferredList(waiting, consumeErrors=True)
    return outcomes.addCallback(lambda pairs: [outcome for _, outcome in pairs])


def _called(callee: Any, name: bytes, shared: SharedArguments) -> Deferred[Any] | None:
    callShared = getattr(callee, "_callShared", None)
    result: Deferred[Any] | None
    try:
        if callShared is not None:
            result = callShared(name, shared)
        else:
            result = callee.callRemote(name.decode("utf-8"), *shared.args, **shared.kw, **shared.options)
    # The others are called all the same.
    except Exception:
        result = fail()
    return result

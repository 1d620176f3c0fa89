"""
Objects to s-expressions.

The walk is depth-first and keeps its own stack, so that nesting costs no
recursion. Shared and circular structures travel as C{[reference, id, form]}
where they begin and C{[dereference, id]} wherever they are met again; ids are
given at the second sight of an object, by changing its form in place, which is
the order that L{twisted.spread.jelly} gives them in.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from itertools import chain, islice, zip_longest
from typing import Any

from twisted.logger import Logger, LogLevel
from twisted.python.reflect import qual
from twisted.spread.jelly import Jellyable as StockJellyable

from myspread._errors import ForeignReference, InsecureJelly, LimitExceeded, NotJellyable
from myspread._jelly.bases import stateOf
from myspread._jelly.paths import brief, keyStep, shorten
from myspread._jelly.plain import NOT_PLAIN, passesQualifiedNames, scalarForm
from myspread._jelly.scalars import JELLY_SCALAR
from myspread._jelly.telling import tell
from myspread._wirenames import wireName
from myspread.interfaces import IJellyable
from myspread.limits import Limits
from myspread.security import DummySecurityOptions, ITaster, SecurityPolicy

__all__ = ["Jellier", "PersistentStore", "jelly"]

PersistentStore = Callable[[Any, Any], Any]
"""Called with an object and the jellier; returns a persistent id or None."""

_log = Logger()

_CONTAINERS: dict[type, bytes] = {
    list: b"list",
    tuple: b"tuple",
    dict: b"dictionary",
    set: b"set",
    frozenset: b"frozenset",
}


class _Frame:
    """
    An object whose form is being built.

    @ivar owner: the object.
    @ivar content: its form so far; of a dictionary, keys and values in turn.
    @ivar children: the objects that still have to be added.
    @ivar depth: lists around and including this form.
    """

    __slots__ = ("children", "content", "depth", "owner")

    def __init__(self, owner: Any, content: list[Any], children: Iterator[Any], depth: int) -> None:
        self.owner = owner
        self.content = content
        self.children = children
        self.depth = depth


class Jellier:
    """
    The state of one conversion; C{jellyFor} methods are given it.

    @ivar invoker: the broker on whose behalf this runs, or None.
    """

    def __init__(
        self,
        taster: ITaster,
        persistentStore: PersistentStore | None = None,
        invoker: Any = None,
        limits: Limits | None = None,
        name: str = "value",
    ) -> None:
        """
        @param taster: the policy.
        @param persistentStore: asked for a persistent id of each object that
            has no form of its own.
        @param limits: bounds to hold to, or None for none.
        @param name: what error texts call the object that is converted.
        """
        self.taster = taster
        self.persistentStore = persistentStore
        self.invoker = invoker
        self._limits = limits
        self._name = name
        self._frames: list[_Frame] = []
        self._forms: dict[int, list[Any] | None] = {}
        self._ids: dict[int, int] = {}
        self._kept: list[Any] = []
        self._unsendable = 0
        self._firstUnsendable = ("", "")
        # A closed policy speaks of what may arrive, by tag, not of Python types.
        self._asksTypes = not (isinstance(taster, SecurityPolicy) or passesQualifiedNames(taster))
        self._checkedTypes: set[type] = set()

    def jelly(self, obj: Any) -> Any:
        """
        The s-expression of C{obj}.

        @raise InsecureJelly: when the policy forbids it.
        @raise NotJellyable: when no form can carry it.
        @raise LimitExceeded: when it is larger than the limits allow.
        """
        frames = self._frames
        bottom = len(frames)
        try:
            form = self._enter(obj)
            while len(frames) > bottom:
                self._advance(frames[-1])
        except (NotJellyable, LimitExceeded, ForeignReference) as error:
            self._tellPath(error)
            raise
        finally:
            if len(frames) == bottom == 0 and self._unsendable:
                self._warn()
            del frames[bottom:]
        return form

    def prepare(self, obj: Any) -> list[Any]:
        """
        Begin the form of C{obj}, which may be met again inside itself.

        @return: an empty list to fill and hand to L{preserve}.
        """
        self._kept.append(obj)
        self._forms[id(obj)] = None
        return []

    def preserve(self, obj: Any, sexp: list[Any]) -> list[Any]:
        """
        End the form of C{obj}.

        @return: the list to use as its form.
        """
        key = id(obj)
        if key in self._ids:
            sexp = [b"reference", self._ids[key], sexp]
        self._forms[key] = sexp
        return sexp

    def unpersistable(self, reason: str | bytes, sxp: list[Any] | None = None) -> list[Any]:
        """
        The form that says that something couldn't travel, and why.

        @param sxp: a list to extend with it.
        """
        form = [] if sxp is None else sxp
        form += [b"unpersistable", reason.encode("utf-8") if isinstance(reason, str) else reason]
        return form

    def _enter(self, obj: Any) -> Any:
        """
        The form of C{obj}. That of a container is still empty but for its tag,
        and a frame that will fill it is on the stack.
        """
        kind = type(obj)
        if self._asksTypes and kind not in self._checkedTypes:
            self._checkType(obj, kind)
        if kind is int or kind is bytes or kind is float:
            if self._limits is not None:
                self._checkSize(obj, self._limits)
            return obj
        scalar = JELLY_SCALAR.get(kind)
        if scalar is not None:
            form = scalar(obj)
            if self._limits is not None:
                for part in form[1:]:
                    self._checkSize(part, self._limits)
            return form
        tag = _CONTAINERS.get(kind)
        if tag is None:
            return self._enterOther(obj, kind)
        if id(obj) in self._forms:
            return self._again(obj)
        if self._limits is not None and len(obj) >= self._limits.listLength:
            raise LimitExceeded(
                f"a {kind.__name__} of {len(obj)} elements doesn't fit into a list of "
                f"Limits.listLength = {self._limits.listLength}; send it in parts"
            )
        children = chain.from_iterable(obj.items()) if kind is dict else iter(obj)
        return self._push(obj, [tag], children, 2 if kind is dict else 1)

    def _enterOther(self, obj: Any, kind: type) -> Any:
        if isinstance(obj, StockJellyable) or IJellyable.providedBy(obj):
            return self._again(obj) if id(obj) in self._forms else self._ask(obj)
        if issubclass(kind, types.MethodType):
            owner, function = obj.__self__, obj.__func__
            content = [b"method", function.__name__.encode("utf-8")]
            return self._push(None, content, iter((owner, owner.__class__)), 1)
        if issubclass(kind, types.FunctionType):
            return [b"function", f"{obj.__module__}.{obj.__qualname__}".encode()]
        if issubclass(kind, types.ModuleType):
            return [b"module", obj.__name__.encode("utf-8")]
        if issubclass(kind, type):
            return [b"class", wireName(obj)]
        if id(obj) in self._forms:
            return self._again(obj)
        return self._enterInstance(obj, kind)

    def _enterInstance(self, obj: Any, kind: type) -> Any:
        persistent = None
        if self.persistentStore is not None:
            persistent = self.persistentStore(obj, self)
        if persistent is not None:
            return self.preserve(obj, [*self.prepare(obj), b"persistent", persistent])
        if self.taster.isClassAllowed(obj.__class__):
            return self._push(obj, [wireName(obj.__class__)], iter((_stateToSend(obj),)), 1)
        reason = f"instance of class {qual(obj.__class__)} deemed insecure"
        if isinstance(self.taster, SecurityPolicy) and self.taster.unsendable == "raise":
            raise NotJellyable(
                f"an {reason} cannot travel; make it a Copyable or a Referenceable,"
                " or allow its class in the policy"
            )
        if not self._unsendable:
            self._firstUnsendable = (self._path(), qual(kind))
        self._unsendable += 1
        return self.preserve(obj, self.unpersistable(reason, self.prepare(obj)))

    def _ask(self, obj: Any) -> Any:
        """The form that an object makes of itself."""
        # The frame only marks, for paths, that what follows is this object's state.
        self._push(None, [], iter(()), 0)
        self._frames[-1].owner = obj
        form = obj.jellyFor(self)
        self._frames.pop()
        return form

    def _push(self, obj: Any, content: list[Any], children: Iterator[Any], levels: int) -> list[Any]:
        depth = levels + (self._frames[-1].depth if self._frames else 0)
        if self._limits is not None and depth > self._limits.nestingDepth:
            raise LimitExceeded(
                f"nested deeper than Limits.nestingDepth = {self._limits.nestingDepth};"
                " send a flatter structure"
            )
        if obj is not None:
            self._kept.append(obj)
            self._forms[id(obj)] = None
        self._frames.append(_Frame(obj, content, children, depth))
        return content

    def _advance(self, frame: _Frame) -> None:
        """Add children to a form until one has children of its own, or all are there."""
        frames = self._frames
        append = frame.content.append
        enter = self._enter
        short = not self._asksTypes
        for child in frame.children:
            form = scalarForm(child) if short else NOT_PLAIN
            if form is not NOT_PLAIN:
                append(form)
                continue
            append(enter(child))
            if frames[-1] is not frame:
                return
        frames.pop()
        self._finish(frame)

    def _finish(self, frame: _Frame) -> None:
        content = frame.content
        owner = frame.owner
        if type(owner) is dict:
            content[1:] = map(list, zip(content[1::2], content[2::2], strict=True))
        if owner is None:
            return
        key = id(owner)
        if key in self._ids:
            content[:] = [b"reference", self._ids[key], content[:]]
        self._forms[key] = content

    def _again(self, obj: Any) -> list[Any]:
        """The form of an object that was met before."""
        key = id(obj)
        if key not in self._ids:
            self._ids[key] = len(self._ids) + 1
            content = self._forms[key]
            if content is not None:
                content[:] = [b"reference", self._ids[key], content[:]]
        return [b"dereference", self._ids[key]]

    def _checkType(self, obj: Any, kind: type) -> None:
        if not (isinstance(obj, StockJellyable) or self.taster.isTypeAllowed(qual(kind).encode("utf-8"))):
            raise InsecureJelly(f"{self._path()}: the policy doesn't allow the type {qual(kind)}")
        self._checkedTypes.add(kind)

    def _checkSize(self, value: Any, limits: Limits) -> None:
        if isinstance(value, bytes):
            if len(value) > limits.stringLength:
                raise LimitExceeded(
                    f"a string of {len(value)} bytes is longer than"
                    f" Limits.stringLength = {limits.stringLength};"
                    " send it in pages (myspread.util.StringPager)"
                )
        elif isinstance(value, int) and value.bit_length() > 7 * limits.prefixLength:
            raise LimitExceeded(
                f"an integer of {value.bit_length()} bits has more than"
                f" Limits.prefixLength = {limits.prefixLength} digits of 7 bits"
            )

    def _path(self) -> str:
        """Where the object is that is being entered now."""
        path = self._name
        ofInstance = False
        for frame, inner in zip_longest(self._frames, self._frames[1:]):
            owner, done = frame.owner, len(frame.content) - 1
            if inner is not None and frame.content and frame.content[-1] is inner.content:
                done -= 1
            if isinstance(owner, (list, tuple)):
                path += f"[{done}]"
            elif isinstance(owner, (set, frozenset)):
                path += "{item}"
            elif isinstance(owner, dict):
                key = next(islice(owner, done // 2, None), None)
                path += keyStep(key, ofInstance) if done % 2 else f"{{key {brief(key)}}}"
            ofInstance = owner is not None and type(owner) not in _CONTAINERS
        return shorten(path)

    def _tellPath(self, error: Exception) -> None:
        """Put the path in front of the text of an error that has none yet."""
        if not hasattr(error, "path"):
            path = self._path()
            error.path = path  # type: ignore[attr-defined]
            error.args = (f"{path}: {error.args[0]}",)

    def _warn(self) -> None:
        path, kind = self._firstUnsendable
        tell(
            self.invoker,
            _log,
            LogLevel.warn,
            "{path} is a {kind}, which cannot travel: the peer gets an Unpersistable in its place"
            " ({count} such values in this message).",
            path=path,
            kind=kind,
            count=self._unsendable,
        )


def _stateToSend(obj: Any) -> Any:
    """
    The state of an instance that travels by its class's name. An exception's
    arguments are no part of what C{__getstate__} returns, but of what
    C{__setstate__} takes.
    """
    if isinstance(obj, BaseException) and obj.args:
        return {**obj.__dict__, "args": obj.args}
    return stateOf(obj)


_ALLOW_ALL = DummySecurityOptions()


def jelly(
    object: Any,
    taster: ITaster = _ALLOW_ALL,
    persistentStore: PersistentStore | None = None,
    invoker: Any = None,
    *,
    limits: Limits | None = None,
    name: str = "value",
) -> Any:
    """
    The s-expression of an object.

    @param taster: the policy; by default everything is allowed.
    @param persistentStore: called as C{persistentStore(obj, jellier)} for each
        object without a form of its own; returns its persistent id, or None.
    @param invoker: the broker that references are registered with.
    @param limits: bounds to hold to, or None for none.
    @param name: what error texts call the object.
    @return: bytes, int, float, or a list of these and of such lists.
    @raise InsecureJelly: when the policy forbids something, or (as its subclass
        L{NotJellyable}) no form can carry it; the text names its path.
    @raise LimitExceeded: when it is larger than the limits allow.
    """
    try:
        return Jellier(taster, persistentStore, invoker, limits, name).jelly(object)
    except RecursionError:
        why = "objects inside each other's state are nested too deeply to travel"
        raise NotJellyable(f"{name}: {why}") from None

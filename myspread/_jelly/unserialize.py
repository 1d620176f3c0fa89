"""
S-expressions to objects.

The walk is depth-first and keeps its own stack, so that nesting costs no
recursion. Lists and dictionaries exist from their first byte on, so that what
is inside them can refer to them; see L{myspread._jelly.unresolved} for what
can't.

Nothing that a peer sends raises anything but L{InsecureJelly} (or its subclass
L{MalformedJelly}) here, except what the application's own classes raise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from myspread._errors import InsecureJelly, MalformedJelly
from myspread._jelly.bases import Unpersistable, applyState, createBlank
from myspread._jelly.containers import (
    Frame,
    enterDictionary,
    enterImmutable,
    enterList,
    enterSet,
    finishImmutable,
)
from myspread._jelly.hashing import Weights, checkKeys, isIdentity
from myspread._jelly.named import UNJELLY_NAMED, memberOf, methodOf, namedClass
from myspread._jelly.paths import brief, briefText, locate
from myspread._jelly.plain import NOT_PLAIN, allowsPlain, scalarValue
from myspread._jelly.registry import registryFor
from myspread._jelly.scalars import UNJELLY_SCALAR
from myspread._jelly.unresolved import Resolver, Unresolved
from myspread.security import DummySecurityOptions, ITaster

__all__ = ["PersistentLoad", "Unjellier", "unjelly"]

PersistentLoad = Callable[[Any, Any], Any]
"""Called with a persistent id and the unjellier; returns the object."""

_PUSHED: Any = object()
"""What L{Unjellier._enter} returns when it has pushed a frame."""

_UNBUILDABLE = (TypeError, ValueError, ArithmeticError)
"""What constructors of plain types raise on values that they can't take."""


class Unjellier:
    """
    The state of one conversion; C{unjellyFor} methods are given it.

    @ivar invoker: the broker on whose behalf this runs, or None.
    """

    def __init__(
        self,
        taster: ITaster,
        persistentLoad: PersistentLoad | None = None,
        invoker: Any = None,
        name: str = "value",
    ) -> None:
        """
        @param taster: the policy.
        @param persistentLoad: makes objects of persistent ids.
        @param name: what error texts call the object that is made.
        """
        self.taster = taster
        self.persistentLoad = persistentLoad
        self.invoker = invoker
        self._name = name
        self._registry = registryFor(taster)
        self._short = allowsPlain(taster)
        self._frames: list[Frame] = []
        self._references: dict[Any, Any] = {}
        self._weights: Weights | None = None
        self.resolver = Resolver()
        self._hooks: list[Callable[[], Any]] = []
        self._root: Any = None
        self._at: Any = None

    def unjellyFull(self, sexp: Any) -> Any:
        """
        The object of a whole s-expression. Once it is complete, C{postUnjelly}
        methods are called.

        @raise InsecureJelly: when the policy refuses a part of it.
        @raise MalformedJelly: when a part of it is no form of Jelly, or refers
            to something that never gets made.
        """
        self._root = sexp
        value = self._run(sexp)
        if self.resolver.isOpen(0):
            raise self.malformed("a dereference names an object that never gets made")
        for hook in self._hooks:
            hook()
        return value.value if type(value) is Unresolved else value

    def unjelly(self, sexp: Any) -> Any:
        """
        The object of a part of the s-expression, for C{unjellyFor} methods.

        @raise InsecureJelly: when the policy refuses it.
        @raise MalformedJelly: when it isn't a form of Jelly, or contains a
            reference to a tuple, set or the like that it is itself part of.
        """
        given = len(self.resolver.given)
        value = self._run(sexp)
        if self.resolver.isOpen(given):
            raise self.malformed("it is part of something that it refers to, and its class can't wait")
        return value.value if type(value) is Unresolved else value

    def whenComplete(self, sexp: Any, callback: Callable[[Any], None]) -> None:
        """
        Call C{callback} with the object of a part of the s-expression: now or,
        if it refers to something around it that doesn't exist yet, as soon as
        that does.
        """
        form = self._at
        given = len(self.resolver.given)
        value = self._run(sexp)
        self._whenComplete(form, given, value, callback)

    def _whenComplete(
        self, form: list[Any], given: int, value: Any, callback: Callable[[Any], None]
    ) -> None:
        def complete(known: Any) -> None:
            try:
                callback(known)
            except MalformedJelly as error:
                self._at = form
                self._tell(error)
                raise

        self.resolver.whenAllKnown(given, lambda: self.resolver.whenKnown(value, complete))

    def _run(self, sexp: Any) -> Any:
        """The object of C{sexp}, or an L{Unresolved}."""
        frames = self._frames
        bottom = len(frames)
        value = self._enter(sexp)
        while True:
            if value is _PUSHED:
                frame = frames[-1]
            elif len(frames) == bottom:
                return value
            else:
                frame = frames[-1]
                frame.parts[frame.index] = value
                if type(value) is Unresolved:
                    frame.open.append((frame.index, value))
                frame.index += 1
            value = self._advance(frame)

    def _advance(self, frame: Frame) -> Any:
        """The object of the next part, or of the frame if it has no further one."""
        parts = frame.parts
        short = self._short
        for index in range(frame.index, len(parts)):
            part = parts[index]
            if type(part) is list:
                value = scalarValue(part) if short else NOT_PLAIN
                if value is NOT_PLAIN:
                    frame.index = index
                    return self._enter(part)
                parts[index] = value
        self._frames.pop()
        self._at = frame.form
        return self.define(frame.ids, frame.finish(frame))

    def _enter(self, form: Any) -> Any:
        """The object of a form, or _PUSHED if it has parts that must be made first."""
        if type(form) is not list:
            return form
        ids: tuple[Any, ...] = ()
        while True:
            self._at = form
            tag = self._tagOf(form)
            if tag != b"reference":
                break
            ids += (self._newId(form),)
            form = form[2]
            if type(form) is not list:
                return self.define(ids, form)
        scalar = UNJELLY_SCALAR.get(tag)
        if scalar is None:
            return self._enterObject(tag, form, ids)
        try:
            value = scalar(form)
        except _UNBUILDABLE as error:
            raise self.malformed(f"no {tag.decode()}: {briefText(error)}") from error
        except MalformedJelly as error:
            raise self.malformed(f"no {tag.decode()}: {error}") from None
        return self.define(ids, value) if ids else value

    def _tagOf(self, form: list[Any]) -> bytes:
        tag = form[0] if form else None
        if isinstance(tag, str):
            tag = tag.encode("utf-8")
        if not isinstance(tag, bytes):
            raise self.malformed("a form starts with a byte string that says what it is")
        if not self.taster.isTypeAllowed(tag):
            remedy = "; SecurityPolicy.allowValue or allowUnjellyable allows it" if b"." in tag else ""
            raise self._insecure(f"the policy doesn't allow the type {brief(tag)}{remedy}")
        return tag

    def _enterObject(self, tag: bytes, form: list[Any], ids: tuple[Any, ...]) -> Any:
        unjellyable, factory = self._registry.find(tag)
        if unjellyable is not None:
            return self._registered(unjellyable, form, ids)
        if factory is not None:
            return self.push(form, self._stateIn(form), partial(self._finishFactory, factory), ids)
        enter = _ENTER.get(tag)
        if enter is not None:
            return enter(self, form, ids)
        named = UNJELLY_NAMED.get(tag)
        if named is not None:
            return self.define(ids, self._named(named, form))
        klass = self._named(namedClass, [b"class", tag], "; no class is declared or registered for this tag")
        return self._instance(klass, form, self._stateIn(form), ids)

    def push(
        self, form: list[Any], parts: list[Any], finish: Callable[[Frame], Any], ids: tuple[Any, ...]
    ) -> Any:
        self._frames.append(Frame(form, parts, finish, ids, len(self.resolver.given)))
        return _PUSHED

    # References

    def _newId(self, form: list[Any]) -> Any:
        if len(form) != 3 or not isIdentity(form[1]):
            raise self.malformed("a reference is [reference, id, form]")
        known = self._references.get(form[1])
        if known is not None and not (type(known) is Unresolved and not known.known):
            raise self.malformed(f"the reference id {brief(form[1])} is given twice")
        return form[1]

    def define(self, ids: tuple[Any, ...], value: Any) -> Any:
        """Let these ids, which the message gave, refer to C{value} from now on."""
        for identity in ids:
            known = self._references.get(identity)
            self._references[identity] = value
            if type(known) is Unresolved and known is not value:
                self.resolver.resolve(known, value)
        return value

    def _dereference(self, form: list[Any], ids: tuple[Any, ...]) -> Any:
        if len(form) != 2 or not isIdentity(form[1]):
            raise self.malformed("a dereference is [dereference, id]")
        if form[1] not in self._references:
            self._references[form[1]] = Unresolved()
        value = self._references[form[1]]
        if type(value) is Unresolved:
            if value.known:
                return value.value
            self.resolver.give(value)
        return value

    def build(self, make: Callable[..., Any], *parts: Any) -> Any:
        """What C{make} returns; what it can't take is the peer's fault."""
        try:
            return make(*parts)
        except MalformedJelly as error:
            self._tell(error)
            raise
        except InsecureJelly as error:
            raise self._insecure(str(error)) from error
        except _UNBUILDABLE as error:
            raise self.malformed(briefText(error)) from error

    def checkKeys(self, keys: list[Any]) -> None:
        """
        Refuse keys, or members of a set, that would take too long.

        @raise MalformedJelly: when they would.
        @raise TypeError: when one can't be hashed.
        """
        if self._references:
            if self._weights is None:
                self._weights = Weights()
            self._weights.check(keys)
        checkKeys(keys)

    # Objects

    def _stateIn(self, form: list[Any]) -> list[Any]:
        if len(form) != 2:
            raise self.malformed("an object is [tag, state]")
        return form[1:]

    def _registered(self, unjellyable: Any, form: list[Any], ids: tuple[Any, ...]) -> Any:
        if len(form) < 2:
            raise self.malformed("an object is [tag, state], or [tag, id, state]")
        blank = createBlank(unjellyable)
        if blank is not None:
            for identity in ids:
                self._references.setdefault(identity, blank)
        unjellyFor = getattr(blank, "unjellyFor", unjellyable)
        try:
            value = unjellyFor(self, form)
        except MalformedJelly as error:
            self._at = form
            self._tell(error)
            raise
        return self.define(ids, self._hooked(value))

    def _finishFactory(self, factory: Callable[[Any], Any], frame: Frame) -> Any:
        made = Unresolved()

        def make(state: Any) -> None:
            self.resolver.resolve(made, self._hooked(factory(state)))

        self._whenComplete(frame.form, frame.given, frame.parts[0], make)
        # One that waits for itself stays open, and is refused at the end.
        return made.value if made.known else self.resolver.give(made)

    def _instance(self, klass: type, form: list[Any], state: list[Any], ids: tuple[Any, ...]) -> Any:
        if issubclass(klass, Enum):
            return self.push(form, state, finishImmutable(self, partial(memberOf, self, klass)), ids)
        blank = self.define(ids, self.build(createBlank, klass))
        return self.push(form, state, partial(self._finishInstance, blank), ())

    def _finishInstance(self, blank: Any, frame: Frame) -> Any:
        self._whenComplete(frame.form, frame.given, frame.parts[0], partial(applyState, blank))
        return self._hooked(blank)

    def _hooked(self, value: Any) -> Any:
        # Looked up on the class: in the instance it could be the peer's data.
        if getattr(type(value), "postUnjelly", None) is not None:
            self._hooks.append(value.postUnjelly)
        return value

    def _oldInstance(self, form: list[Any], ids: tuple[Any, ...]) -> Any:
        warnings.warn_explicit(
            # Programs filter warnings by their text, so this is stock's.
            "Unjelly support for the instance atom is deprecated since "
            "Twisted 15.0.0.  Upgrade peer for modern instance support.",
            DeprecationWarning,
            "",
            0,
        )
        if len(form) != 3 or type(form[1]) is not list or self._tagOf(form[1]) != b"class":
            raise self.malformed("an instance is [instance, class, state]")
        return self._instance(self._named(namedClass, form[1]), form, form[2:], ids)

    def _method(self, form: list[Any], ids: tuple[Any, ...]) -> Any:
        if len(form) != 4:
            raise self.malformed("a method is [method, name, self, class]")
        return enterImmutable(methodOf, self, form, ids)

    def _named(self, make: Callable[[ITaster, list[Any]], Any], form: list[Any], note: str = "") -> Any:
        try:
            return make(self.taster, form)
        except MalformedJelly as error:
            raise self.malformed(f"{error}{note}") from error
        except InsecureJelly as error:
            raise self._insecure(f"{error}{note}") from error

    def _persistent(self, form: list[Any], ids: tuple[Any, ...]) -> Any:
        if len(form) != 2:
            raise self.malformed("a persistent object is [persistent, id]")
        if self.persistentLoad is None:
            return self.define(ids, Unpersistable("Persistent callback not found"))
        return self.define(ids, self.persistentLoad(form[1], self))

    def _unpersistable(self, form: list[Any], ids: tuple[Any, ...]) -> Any:
        if len(form) != 2 or type(form[1]) is list:
            raise self.malformed("an unpersistable is [unpersistable, reason]")
        return self.define(ids, Unpersistable(f"Unpersistable data: {form[1]}"))

    # Errors

    def _where(self) -> str:
        return locate(self._root, self._at, self._name)

    def malformed(self, why: str) -> MalformedJelly:
        error = MalformedJelly(why)
        self._tell(error)
        return error

    def _tell(self, error: MalformedJelly) -> None:
        """Put the path in front of the text of an error that has none yet."""
        if not hasattr(error, "path"):
            error.path = self._where() + error.step
            error.args = (f"{error.path}: {error}",)

    def _insecure(self, why: str) -> InsecureJelly:
        return InsecureJelly(f"{self._where()}: {why}")


_ENTER: dict[bytes, Callable[[Unjellier, list[Any], tuple[Any, ...]], Any]] = {
    b"list": enterList,
    b"dictionary": enterDictionary,
    b"tuple": partial(enterImmutable, tuple),
    b"set": partial(enterSet, set),
    b"frozenset": partial(enterSet, frozenset),
    b"dereference": Unjellier._dereference,
    b"instance": Unjellier._oldInstance,
    b"method": Unjellier._method,
    b"persistent": Unjellier._persistent,
    b"unpersistable": Unjellier._unpersistable,
}
"""By tag, the method that begins to make the object of a form."""

_ALLOW_ALL = DummySecurityOptions()


def unjelly(
    sexp: Any,
    taster: ITaster = _ALLOW_ALL,
    persistentLoad: PersistentLoad | None = None,
    invoker: Any = None,
    *,
    name: str = "value",
) -> Any:
    """
    The object of an s-expression.

    @param sexp: what L{jelly} returned, here or elsewhere.
    @param taster: the policy; by default everything is allowed, so leave it
        out only for what the program made itself.
    @param persistentLoad: called as C{persistentLoad(id, unjellier)} for each
        persistent id; without it they become L{Unpersistable}.
    @param invoker: the broker that references belong to.
    @param name: what error texts call the object.
    @raise InsecureJelly: when the policy refuses something in it, or (as its
        subclass L{MalformedJelly}) it isn't Jelly; the text names the path.
    """
    try:
        return Unjellier(taster, persistentLoad, invoker, name).unjellyFull(sexp)
    except RecursionError:
        raise MalformedJelly(f"{name}: objects inside each other's state are nested too deeply") from None

"""
Exceptions as values.

Where an exception is the outcome of a call, what travels is a failure, as ever:
peers that don't know the class get its name and text. The state of the
exception travels in it as plain lists of numbers and byte strings, which only
those look into who know the class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.logger import Logger, LogLevel

from myspread._errors import ForeignReference, InsecureJelly, MalformedJelly, NotJellyable
from myspread._flavors.records import fieldsOf
from myspread._jelly import jelly, unjelly
from myspread._jelly.registry import registryFor
from myspread._jelly.telling import tell
from myspread.security import DECLARATION, SecurityPolicy, declarationOf

__all__ = ["ExceptionForm", "declaredNames", "exceptionIn", "quotedException"]

_log = Logger()

_STRICT = SecurityPolicy(unsendable="raise")

_absent: Any = object()


class ExceptionForm:
    """
    How exceptions become states, and back: their arguments, as C{args}, and
    their attributes. Their constructor isn't called where they arrive, since
    its arguments need not be C{args}; that of the built-in class that they
    derive from is.

    @ivar existsFirst: false: nobody needs an exception before it is made.
    """

    existsFirst = False

    def __init__(self, klass: type[Exception]) -> None:
        self._klass = klass
        self._slots = sorted(filter(self._mayTravel, {*fieldsOf(klass), *_slotsOf(klass)}))
        self._builtIn: Any = next(base for base in klass.__mro__ if base.__module__ == "builtins")

    def stateOf(self, value: Any) -> dict[str, Any]:
        """Arguments and attributes of an exception."""
        state = {name: each for name, each in vars(value).items() if self._mayTravel(name)}
        for name in self._slots:
            each = getattr(value, name, _absent)
            if each is not _absent:
                state[name] = each
        state["args"] = value.args
        return state

    def make(self, state: dict[Any, Any]) -> Exception:
        """
        The exception.

        @raise MalformedJelly: when its arguments are none.
        """
        args = state.get("args", ())
        if not isinstance(args, (tuple, list)):
            raise MalformedJelly("the arguments of an exception are a tuple", ".args")
        try:
            error: Exception = self._builtIn.__new__(self._klass, *args)
            self._builtIn.__init__(error, *args)
        except (TypeError, ValueError) as problem:
            raise MalformedJelly(f"no {self._klass.__qualname__} can be made of this: {problem}") from problem
        error.args = tuple(args)
        for name, value in state.items():
            if self._mayTravel(name) and (name in self._slots or not self._isDefined(name)):
                object.__setattr__(error, name, value)
        return error

    @staticmethod
    def _mayTravel(name: Any) -> bool:
        return isinstance(name, str) and name != "args" and not name.startswith("__")

    def _isDefined(self, name: str) -> bool:
        """Whether a name is a method or property of the class, and no attribute of instances."""
        ofClass = getattr(self._klass, name, None)
        return callable(ofClass) or hasattr(type(ofClass), "__set__")


def _slotsOf(klass: type) -> Iterator[str]:
    for base in klass.__mro__:
        slots = vars(base).get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


class _ValuesOnly:
    """Stands for the broker where nothing may be lent: nobody may look at what is in a failure."""

    serializingPerspective = None

    def __getattr__(self, name: str) -> Any:
        raise NotJellyable("references and caches don't travel in an exception, only values")


_valuesOnly = _ValuesOnly()


def declaredNames(value: Any) -> list[str]:
    """The tags of an exception's class and its bases, as far as these are declared."""
    if not hasattr(type(value), DECLARATION):
        return []
    declarations = filter(None, map(declarationOf, type(value).__mro__))
    return [declaration.tag.decode("utf-8") for declaration in declarations]


def quotedException(value: Any, invoker: Any = None) -> dict[str, Any]:
    """
    What a failure tells of its exception, beside type and text: C{exception}, a
    list of tag and state, if C{pb.value} has declared the class.

    @param invoker: the broker that it is sent through, if any.
    """
    if declarationOf(type(value)) is None or not isinstance(value, Exception):
        return {}
    try:
        form = jelly(value, _STRICT, None, _valuesOnly, name=type(value).__qualname__)
    except (InsecureJelly, ForeignReference) as problem:
        text = "An attribute of the exception can't travel; the peer gets its type and text only. {problem}"
        tell(invoker, _log, LogLevel.warn, text, problem=str(problem))
        return {}
    return {"exception": form}


def exceptionIn(quoted: Any, unjellier: Any) -> Exception | None:
    """
    The exception that a failure tells of, if the policy knows its class and it
    can be made. Else there are type and text.

    @param quoted: what was C{exception} in the state of the failure.
    @param unjellier: who makes the failure.
    """
    if not (isinstance(quoted, list) and len(quoted) == 2 and isinstance(quoted[0], bytes)):
        return None
    taster = getattr(unjellier, "taster", None)
    if taster is None or not taster.isTypeAllowed(quoted[0]):
        return None
    factory = registryFor(taster).find(quoted[0])[1]
    klass: Any = getattr(getattr(factory, "__self__", None), "klass", None)
    if declarationOf(klass) is None or not issubclass(klass, Exception):
        return None
    try:
        error = unjelly(quoted, taster, None, unjellier.invoker, name="error")
    except InsecureJelly as problem:
        text = "An exception can't be made as its class; it becomes a RemoteError. {problem}"
        tell(unjellier.invoker, _log, LogLevel.debug, text, problem=str(problem))
        return None
    assert isinstance(error, Exception)
    return error

"""
How a message becomes a method call, the same for every flavor.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from myspread._errors import InsecureJelly, LimitExceeded, MalformedJelly, NoSuchMethod
from myspread._jelly.paths import brief
from myspread._jelly.telling import tell

ExceptionT = TypeVar("ExceptionT", bound=Exception)

__all__ = [
    "asText",
    "awaited",
    "callMethod",
    "findMethod",
    "isCoroutine",
    "methodName",
    "receiveCall",
    "refuses",
]

_log = Logger()

LARGEST_ID = 2**53
"""Ids of references, caches and calls count from 1; none comes near this."""

LONGEST_NAME = 256
"""Characters in the name of a method or keyword argument."""


def asText(name: str | bytes) -> str:
    """
    A name that peers send as UTF-8 bytes or, in memory, as str.

    @raise UnicodeDecodeError: when it is no UTF-8.
    """
    try:
        return name if isinstance(name, str) else name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuses(error) from None


def refuses(error: ExceptionT, text: str | None = None) -> ExceptionT:
    """
    Note on an exception that it says nothing but what is wrong with a call: the
    caller may always see it, whatever the policy says of other errors.

    @param text: what the caller may see; by default the exception's own text.
    @return: the exception.
    """
    error.refusal = str(error) if text is None else text  # type: ignore[attr-defined]
    return error


# Few methods are called, again and again. Bytes and str may have the same hash, but aren't compared.
@lru_cache(maxsize=512, typed=True)
def methodName(prefix: str, message: str | bytes) -> str:
    """
    The name of the method that a message calls.

    @raise NoSuchMethod: when no method can have that name. It may be of any
        length, and end up in a log.
    """
    name = f"{prefix}_{asText(message)}"
    if len(name) > LONGEST_NAME or not name.isidentifier():
        raise NoSuchMethod(f"No such method: {brief(name)}")
    return name


def findMethod(target: Any, prefix: str, message: str | bytes) -> Callable[..., Any]:
    """
    The method of an object that a message calls.

    @raise NoSuchMethod: when no method can have that name.
    @raise AttributeError: when there is none.
    """
    name = methodName(prefix, message)
    try:
        return getattr(target, name)  # type: ignore[no-any-return]
    except AttributeError as error:
        # Not one that comes from within a property or the like.
        if error.name == name and error.obj is target:
            refuses(error, f"No such method: {name}")
        raise


def isCoroutine(result: Any) -> bool:
    """Whether a method returned a coroutine, as an C{async def} does."""
    # The abstract class is slow to say no.
    return hasattr(type(result), "__await__") and isinstance(result, Coroutine)


def awaited(result: Any) -> Any:
    """
    A coroutine as a Deferred of what it returns; anything else as it is.
    """
    if isinstance(result, Deferred) or not isCoroutine(result):
        return result
    return Deferred.fromCoroutine(result)


def _arguments(broker: Any, args: Any, kw: Any, perspective: Any) -> tuple[Any, dict[str, Any]]:
    positional = broker.unserialize(args, perspective)
    named = broker.unserialize(kw, perspective)
    if not isinstance(positional, (tuple, list)):
        raise MalformedJelly("args: the arguments of a call are a tuple")
    if type(named) is dict and not named:
        return positional, named
    if not isinstance(named, dict) or not all(isinstance(key, (str, bytes)) for key in named):
        raise MalformedJelly("kw: the keyword arguments of a call are a dictionary with names as keys")
    if any(len(key) > LONGEST_NAME for key in named):
        raise MalformedJelly(f"kw: the name of a keyword argument is longer than {LONGEST_NAME} characters")
    try:
        # Peers that run Python 2 send the names as bytes.
        return positional, {asText(key): value for key, value in named.items()}
    except UnicodeDecodeError as error:
        raise MalformedJelly(f"kw: the name of an argument is no UTF-8: {error}") from error


def receiveCall(
    broker: Any,
    find: Callable[[], Callable[..., Any]],
    args: Any,
    kw: Any,
    perspective: Any = None,
    leading: tuple[Any, ...] = (),
) -> Any:
    """
    Unserialise the arguments, call the method, serialise what it returns.

    @param find: returns the method, or raises L{AttributeError}.
    @param args: the positional arguments as an s-expression.
    @param kw: the keyword arguments as an s-expression.
    @param perspective: who calls, for flavors that want to know.
    @param leading: arguments to put before those of the caller.
    @return: the s-expression of the result, or a Deferred of it.
    @raise InsecureJelly: when the arguments can't be accepted.
    """
    try:
        positional, named = _arguments(broker, args, kw, perspective)
        method = find()
    except (InsecureJelly, LimitExceeded, NoSuchMethod) as error:
        refuses(error)
        raise
    state = callMethod(broker, method, positional, named, leading)
    serialize = getattr(broker, "serializeResult", broker.serialize)
    return serialize(awaited(state), perspective, method, positional, named)


def callMethod(
    broker: Any,
    method: Callable[..., Any],
    positional: Any,
    named: dict[str, Any],
    leading: tuple[Any, ...] = (),
) -> Any:
    """
    Call a method for the peer. If it can't take its arguments, the log tells
    what they were.
    """
    try:
        # It is called for nearly every message, and what isn't there takes time, too.
        return method(*leading, *positional, **named) if leading else method(*positional, **named)
    except TypeError:
        tell(
            broker,
            _log,
            LogLevel.info,
            "{method} raised TypeError for {count} arguments and the keywords {keywords}.",
            method=getattr(method, "__qualname__", method),
            count=len(positional),
            keywords=[brief(name) for name in list(named)[:8]],
        )
        raise

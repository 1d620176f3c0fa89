"""
How a message becomes a method call, the same for every flavor.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogLevel

from myspread._errors import MalformedJelly, NoSuchMethod
from myspread._jelly.paths import brief
from myspread._jelly.telling import tell

__all__ = ["asText", "awaited", "isCoroutine", "methodName", "receiveCall"]

_log = Logger()

LONGEST_NAME = 256
"""Characters in the name of a method or keyword argument."""


def asText(name: str | bytes) -> str:
    """A name that peers send as UTF-8 bytes or, in memory, as str."""
    return name if isinstance(name, str) else name.decode("utf-8")


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


def isCoroutine(result: Any) -> bool:
    """Whether a method returned a coroutine, as an C{async def} does."""
    return isinstance(result, Coroutine)


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
    positional, named = _arguments(broker, args, kw, perspective)
    method = find()
    try:
        state = method(*leading, *positional, **named)
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
    serialize = getattr(broker, "serializeResult", broker.serialize)
    return serialize(awaited(state), perspective, method, positional, named)

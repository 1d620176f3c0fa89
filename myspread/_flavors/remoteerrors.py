"""
Exceptions of the peer, as exceptions that can be raised and caught here.
"""

from __future__ import annotations

import builtins
from functools import lru_cache
from typing import Any

from twisted.cred import error as credErrors

from myspread import _errors
from myspread._errors import RemoteError

__all__ = ["remoteException"]

# The first two would end a coroutine instead of being caught in it; a group
# can't be made without the exceptions that are in it.
_NOT_RAISED = tuple(
    getattr(builtins, name)
    for name in ("StopIteration", "StopAsyncIteration", "BaseExceptionGroup")
    if hasattr(builtins, name)
)


def _knownExceptions() -> dict[str, type[Exception]]:
    known: dict[str, type[Exception]] = {}
    for module, names in (
        ("builtins", vars(builtins)),
        ("exceptions", vars(builtins)),
        (None, {name: getattr(_errors, name) for name in _errors.__all__}),
        (None, vars(credErrors)),
    ):
        for name, value in names.items():
            if isinstance(value, type) and issubclass(value, Exception):
                if value is not Exception and not issubclass(value, (*_NOT_RAISED, RemoteError)):
                    known[f"{module or value.__module__}.{name}"] = value
    return known


_KNOWN = _knownExceptions()
"""
By qualified name (Python 2 peers say C{exceptions} for C{builtins}), the
classes that a remote exception may be caught as.
"""


_LONGEST_NAME = 256
_MOST_NAMES = 32


def _namesake(name: str) -> type:
    """A class that does nothing but bear the qualified name of one of the peer's."""
    module, _, last = name.rpartition(".")
    return type(last, (), {"__module__": module, "__slots__": ()})


@lru_cache(maxsize=256)
def _remoteClass(known: tuple[type[Exception], ...], unknown: tuple[str, ...]) -> type[RemoteError]:
    """
    A class that is C{RemoteError} and what is known, and among whose bases the
    unknown names are found.
    """
    body: dict[str, Any] = {
        "__module__": RemoteError.__module__,
        "__qualname__": RemoteError.__qualname__,
        "__doc__": "A L{RemoteError} that can be caught as what it is at the peer, too.",
        # Several built-in exceptions build their text of fields that it hasn't.
        "__str__": Exception.__str__,
    }
    return type(RemoteError.__name__, (RemoteError, *known, *map(_namesake, unknown)), body)


def _unknownNames(names: list[str]) -> tuple[str, ...]:
    """Those names of the peer's own classes that a class can bear; a peer may send anything."""
    return tuple(
        name
        for name in dict.fromkeys(names[:_MOST_NAMES])
        if "." in name
        and len(name) <= _LONGEST_NAME
        and name.isprintable()
        and not name.startswith(("builtins.", "exceptions."))
        and name not in _KNOWN
    )


def remoteException(names: list[str], remoteType: Any, text: str, remoteTraceback: Any) -> RemoteError:
    """
    The exception to raise here for one of the peer.

    It is a L{RemoteError}; and if the remote class or one of its bases is a
    built-in exception, or one of C{twisted.spread} or C{twisted.cred}, it is
    that as well: C{except ValueError} catches a remote C{ValueError}.

    C{Failure.trap} compares names, so a failure made of the exception is
    trapped by all names that the remote one has: C{trap} calls in chained
    errbacks, each of which raises what it doesn't trap, find what they look for.

    @param names: the qualified names of the remote class and its bases.
    @param remoteType: what becomes C{remoteType}: the first of these names, as
        the peer sent it.
    """
    known = tuple(_KNOWN[name] for name in names if name in _KNOWN)[:1]
    return _remoteClass(known, _unknownNames(names))(remoteType, text, remoteTraceback)

"""
Exceptions of the peer, as exceptions that can be raised and caught here.
"""

from __future__ import annotations

import builtins
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

from twisted.cred import error as credErrors
from twisted.python.reflect import qual

from myspread import _errors
from myspread._errors import RemoteError

__all__ = ["remote", "remoteException", "withOrigin"]

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
_MOST_NAMES = 16

_ANY = frozenset({"builtins.Exception", "builtins.BaseException", "builtins.object", qual(RemoteError)})
"""Names that every remote exception has, or none needs."""

_namesakes: WeakValueDictionary[str, type[RemoteError]] = WeakValueDictionary()
"""
By name, the classes that L{remote} has returned and those of exceptions that
were raised. Each is there as long as somebody uses it: what peers may name has
no bounds.
"""


def _oneName(name: str) -> str:
    """Python 2 has another name for the module of built-in exceptions."""
    return name.replace("exceptions.", "builtins.", 1) if name.startswith("exceptions.") else name


def remote(name: str) -> type[RemoteError]:
    """
    The class of exceptions of the peer whose class, or one of its bases, has a
    qualified name, whether there is such a class in this program or not::

        try:
            await shop.callRemote("buy", "pears")
        except pb.remote("shop.errors.OutOfStock") as error:
            print(error)

    It serves C{Failure.trap} and C{Failure.check} as well. For a class that
    C{pb.value} has declared at the peer, its tag does as well as its name.

    @param name: the qualified name, such as C{package.module.Error}.
    @return: a subclass of L{RemoteError}, the same one for each name.
    @raise ValueError: when no class of another program can have that name.
    @raise TypeError: when it is no text, but a class, say: that can be caught as
        it is.
    """
    if not isinstance(name, str):
        raise TypeError(f"pb.remote wants a name as text, such as 'shop.errors.OutOfStock', {_instead(name)}")
    if not _canBeNamed(name):
        raise ValueError(f"no exception of a peer can be told by the name {name!r}")
    name = _oneName(name)
    if name in _ANY:
        return RemoteError
    known = _namesakes.get(name)
    if known is None:
        module, _, last = name.rpartition(".")
        body = {"__module__": module, "__doc__": f"A C{{{name}}} of the peer."}
        known = _namesakes[name] = type(last, (RemoteError,), body)
    return known


def _instead(name: object) -> str:
    """What to do where something else than a name was given."""
    if isinstance(name, type):
        return f"not a class; a class can be caught as it is: except {name.__qualname__}"
    return f"not {name!r}"


def _canBeNamed(name: Any) -> bool:
    """Whether a class can bear this name; a peer may send anything."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        return False
    module, _, last = name.rpartition(".")
    if module in ("builtins", "exceptions"):
        return name in _KNOWN or _oneName(name) in _ANY
    return bool(module and last) and name.isprintable()


@lru_cache(maxsize=128)
def _remoteClass(names: tuple[str, ...]) -> type[RemoteError]:
    """
    The class of exceptions of the peer whose class and bases have these names:
    what L{remote} returns for each, and those classes that are known here.
    """
    namesakes = [remote(name) for name in names if name not in _ANY]
    known: list[type[Exception]] = []
    for name in names:
        candidate = _KNOWN.get(name)
        if candidate is not None and not any(issubclass(each, candidate) for each in known):
            known.append(candidate)
    shown = f"{RemoteError.__name__}[{names[0]}]" if names else RemoteError.__name__
    body: dict[str, Any] = {
        "__module__": RemoteError.__module__,
        "__qualname__": shown,
        "__doc__": "A L{RemoteError} that can be caught as what it is at the peer, too.",
        "incident": None,
        # Several built-in exceptions build their text of fields that it hasn't.
        "__str__": Exception.__str__,
    }
    try:
        return type(RemoteError.__name__, (*(namesakes or [RemoteError]), *known), body)
    except TypeError:
        # No class can be both an OSError and an ImportError, say.
        return type(RemoteError.__name__, (*(namesakes or [RemoteError]), *known[:1]), body)


def remoteException(names: list[str], remoteType: Any, text: str, remoteTraceback: Any) -> RemoteError:
    """
    The exception to raise here for one of the peer.

    It is a L{RemoteError}; and if the remote class or one of its bases is a
    built-in exception, or one of C{twisted.spread} or C{twisted.cred}, it is
    that as well: C{except ValueError} catches a remote C{ValueError}. And it is
    what L{remote} returns for each of their names.

    C{Failure.trap} compares names, so a failure made of the exception is
    trapped by all names that the remote one has: C{trap} calls in chained
    errbacks, each of which raises what it doesn't trap, find what they look for.

    @param names: the qualified names of the remote class and its bases.
    @param remoteType: what becomes C{remoteType}: the first of these names, as
        the peer sent it.
    """
    usable = [_oneName(name) for name in names[:_MOST_NAMES] if _canBeNamed(name)]
    return _remoteClass(tuple(dict.fromkeys(usable)))(remoteType, text, remoteTraceback)


def withOrigin(error: RemoteError, origin: str | None, traceback: str | None) -> RemoteError:
    """
    Let the traceback of an exception tell where it comes from, and what
    happened there. Python shows that from version 3.11 on.

    @param origin: the peer.
    @param traceback: the remote traceback, if the peer has sent it.
    """
    lines = [f"raised at the peer {origin}"] if origin else ["raised at the peer"]
    if traceback:
        lines.append(f"where the traceback is:\n{traceback.rstrip()}")
    error.__notes__ = [", ".join(lines)]
    return error

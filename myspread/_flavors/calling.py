"""
Ways to call remote methods: with a deadline, as methods of an object, and held
to an interface.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from inspect import Parameter, Signature, isfunction, signature
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar, cast, overload
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from zope.interface.interface import InterfaceClass, Method

__all__ = ["Callee", "RemoteCaller", "RemoteMethods", "checkedTimeout", "typed"]

Interface = TypeVar("Interface")


class Callee(Protocol):
    """Whatever has C{callRemote}."""

    def callRemote(self, _name: str, *args: Any, **kw: Any) -> Deferred[Any] | None:
        """Call a remote method."""


def checkedTimeout(seconds: float | None) -> float | None:
    """
    A deadline that somebody has asked for.

    @raise ValueError: when it isn't a positive number, or None.
    """
    if seconds is not None and not seconds > 0:
        raise ValueError(f"a deadline is a positive number of seconds, or None for none; not {seconds!r}")
    return seconds


class RemoteMethods:
    """
    The methods of a remote object, as attributes: C{methods.add(1, 2)} is
    C{callRemote("add", 1, 2)}.

    A name that begins with an underscore can only be called with C{callRemote}.
    """

    __slots__ = ("_callee",)

    def __init__(self, callee: Callee) -> None:
        """
        @param callee: what to call.
        """
        self._callee = callee

    def __getattr__(self, name: str) -> Callable[..., Deferred[Any]]:
        if name.startswith("_"):
            raise AttributeError(f"{name}: call methods whose names begin with an underscore with callRemote")
        return cast(Callable[..., Deferred[Any]], partial(self._callee.callRemote, name))

    def __repr__(self) -> str:
        return f"<RemoteMethods of {self._callee!r}>"


class RemoteCaller:
    """
    A reference whose calls have a deadline of their own.

    @ivar reference: the L{RemoteReference}.
    @ivar timeout: how many seconds each call may wait for its answer; None for
        as long as the connection lasts.
    """

    __slots__ = ("reference", "timeout")

    def __init__(self, reference: Any, timeout: float | None) -> None:
        self.reference = reference
        self.timeout = timeout

    @overload
    def callRemote(self, _name: str | bytes, *args: Any, pbanswer: Literal[False], **kw: Any) -> None: ...

    @overload
    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any]: ...

    def callRemote(self, _name: str | bytes, *args: Any, **kw: Any) -> Deferred[Any] | None:
        """
        As L{RemoteReference.callRemote}.

        @return: a Deferred that fails with L{CallTimeout} when the deadline
            comes before the answer.
        """
        result: Deferred[Any] | None = self.reference.callRemote(_name, *args, **kw)
        if result is not None:
            self.reference.broker._expireCall(result, _name, self.timeout)
        return result

    def _callShared(self, name: bytes, shared: Any) -> Deferred[Any] | None:
        result: Deferred[Any] | None = self.reference._callShared(name, shared)
        if result is not None:
            self.reference.broker._expireCall(result, name, self.timeout)
        return result

    @property
    def remote(self) -> RemoteMethods:
        """As L{RemoteReference.remote}."""
        return RemoteMethods(self)

    def __repr__(self) -> str:
        return f"<RemoteCaller of {self.reference!r} with timeout {self.timeout}>"


# Interfaces

_EMPTY = Parameter.empty

_methodsOf: WeakKeyDictionary[Any, Mapping[str, Signature]] = WeakKeyDictionary()
"""By interface, the signatures of its methods."""


def _signatureOf(method: Method) -> Signature:
    """The signature of a method of a C{zope.interface} interface."""
    info = method.getSignatureInfo()
    parameters = [
        Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=info["optional"].get(name, _EMPTY))
        for name in info["positional"]
    ]
    if info["varargs"]:
        parameters.append(Parameter(info["varargs"], Parameter.VAR_POSITIONAL))
    if info["kwargs"]:
        parameters.append(Parameter(info["kwargs"], Parameter.VAR_KEYWORD))
    return Signature(parameters)


def _withoutSelf(function: Any) -> Signature:
    _, *parameters = signature(function).parameters.values()
    # Annotations would make the texts of errors long.
    return Signature([each.replace(annotation=_EMPTY) for each in parameters])


def _zopeMethods(interface: InterfaceClass) -> dict[str, Signature]:
    described = interface.namesAndDescriptions(all=True)
    return {name: _signatureOf(method) for name, method in described if isinstance(method, Method)}


def _protocolMethods(interface: type) -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for cls in reversed(interface.__mro__):
        if cls in (object, Protocol) or cls.__module__ == "typing":
            continue
        for name, value in vars(cls).items():
            if isfunction(value) and not name.startswith("_"):
                found[name] = _withoutSelf(value)
    return found


def _methodsIn(interface: Any) -> Mapping[str, Signature]:
    if not isinstance(interface, (InterfaceClass, type)):
        raise TypeError(f"an interface is a typing.Protocol or a zope.interface one, not {interface!r}")
    known = _methodsOf.get(interface)
    if known is None:
        if isinstance(interface, InterfaceClass):
            found = _zopeMethods(interface)
        else:
            found = _protocolMethods(interface)
        if not found:
            raise TypeError(f"{interface.__name__} has no methods that could be called")
        known = _methodsOf[interface] = MappingProxyType(found)
    return known


class _Typed:
    """
    Calls what an interface allows. Its attributes are those of the interface
    and no others.
    """

    __slots__ = ("_callee", "_interface", "_methods")

    def __init__(self, callee: Callee, interface: Any) -> None:
        self._callee = callee
        self._interface = interface
        self._methods = _methodsIn(interface)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._methods:
            near = get_close_matches(name, self._methods, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"{self._interface.__name__} has no method {name!r}{hint}")
        return partial(self._call, name)

    def _call(self, name: str, /, *args: Any, **kw: Any) -> Any:
        wanted = self._methods[name]
        try:
            wanted.bind(*args, **kw)
        except TypeError as error:
            raise TypeError(f"{self._interface.__name__}.{name}{wanted}: {error}") from None
        return self._callee.callRemote(name, *args, **kw)

    def __dir__(self) -> list[str]:
        return sorted(self._methods)

    def __repr__(self) -> str:
        return f"<{self._interface.__name__} of {self._callee!r}>"


def typed(callee: Callee, interface: Callable[..., Interface]) -> Interface:
    """
    A remote object as an interface describes it: editors complete its methods,
    type checkers know their results, and what the interface doesn't have is
    never sent.

    @param callee: a L{RemoteReference}, one with a deadline, or a session.
    @param interface: a C{typing.Protocol}, whose methods are C{async} or
        return C{Deferred}s, or a C{zope.interface} interface. Names are those
        that are called, without C{remote_}.
    @return: an object with the methods of the interface. A method raises
        L{TypeError} for arguments that don't fit; another name is an
        L{AttributeError} that says what is nearest.
    @raise TypeError: when C{interface} is none, or has no methods.
    """
    return cast(Interface, _Typed(callee, interface))

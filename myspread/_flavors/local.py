"""
Local objects that are called as if they were remote.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.python.failure import Failure

from myspread._flavors.dispatch import awaited

__all__ = ["LocalAsRemote", "LocalAsyncForwarder", "LocalMethod"]


class LocalMethod:
    """One method of a L{LocalAsRemote}, as a callable."""

    def __init__(self, local: Any, name: str) -> None:
        self.local = local
        self.name = name

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """As C{local.callRemote(name, ...)}."""
        return self.local.callRemote(self.name, *args, **kw)


class LocalAsRemote:
    """
    An object with the C{callRemote} of a reference, for code that can be given
    either.

    @cvar reportAllTracebacks: whether to print the traceback of each error.
    """

    reportAllTracebacks = 1

    def callRemote(self, name: str, *args: Any, **kw: Any) -> Any:
        """
        Call C{sync_<name>} and return what it returns; or, if there is none,
        call C{async_<name>} and return a Deferred of its result or failure.
        """
        synchronous = getattr(self, f"sync_{name}", None)
        if synchronous is not None:
            return synchronous(*args, **kw)
        try:
            result = awaited(getattr(self, f"async_{name}")(*args, **kw))
            return result if isinstance(result, Deferred) else succeed(result)
        except BaseException:
            failure = Failure()
            if self.reportAllTracebacks:
                failure.printTraceback()
            return fail(failure)

    def remoteMethod(self, name: str) -> LocalMethod:
        """The method C{name} as a callable."""
        return LocalMethod(self, name)


class LocalAsyncForwarder:
    """
    Passes calls on to a local object, those of one interface only.
    """

    def __init__(
        self, forwarded: Any, interfaceClass: Any, failWhenNotImplemented: Any = 0
    ) -> None:
        """
        @param forwarded: a provider of the interface.
        @param interfaceClass: the interface.
        @param failWhenNotImplemented: whether calls of other methods fail,
            rather than have the result None.
        """
        assert interfaceClass.providedBy(forwarded)
        self.forwarded = forwarded
        self.interfaceClass = interfaceClass
        self.failWhenNotImplemented = failWhenNotImplemented

    def callRemote(self, method: str, *args: Any, **kw: Any) -> Deferred[Any]:
        """
        Call a method of the interface.

        @return: a Deferred of its result; it fails with
            L{NotImplementedError} when the interface has no such method and
            C{failWhenNotImplemented} is set.
        """
        if self.interfaceClass.queryDescriptionFor(method):
            call: Callable[[], Any] = partial(getattr(self.forwarded, method), *args, **kw)
            return maybeDeferred(call)
        if self.failWhenNotImplemented:
            return fail(NotImplementedError(f"No Such Method in Interface: {method}"))
        return succeed(None)

"""
How failures travel.
"""

from __future__ import annotations

from typing import Any, NoReturn

from twisted.python import log
from twisted.python.failure import Failure
from twisted.python.reflect import qual, safe_str

from myspread._errors import Incident, MalformedJelly, RemoteError
from myspread._flavors.copying import Copyable, RemoteCopy, withTextKeys
from myspread._flavors.exceptions import declaredNames, exceptionIn, quotedException
from myspread._flavors.remote import describePeer
from myspread._flavors.remoteerrors import remoteException, withOrigin
from myspread._jelly.bases import JellierLike, UnjellierLike
from myspread._jelly.registry import registerForm

__all__ = ["CopiedFailure", "CopyableFailure", "failure2Copyable"]

NO_TRACEBACK = "Traceback unavailable\n"
LONGEST_TEXT = 64 * 1024


def _travelling(text: str) -> str:
    """A text that always can travel: bounded, and without lone surrogates."""
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT] + f"... ({len(text)} characters)"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else safe_str(value)


def _name(kind: Any) -> str:
    """The qualified name of an exception class, or of what already is a name."""
    return qual(kind) if isinstance(kind, type) else _text(kind)


class CopyableFailure(Failure, Copyable):
    """
    A failure that can be sent: type, text and the names of the base classes.
    No frames, paths or line numbers travel, unless L{unsafeTracebacks} is set.

    @ivar unsafeTracebacks: whether to send the traceback as text.
    """

    unsafeTracebacks: Any = 0
    _relayedIncident: str | None = None
    _invoker: Any = None

    def __init__(
        self, exc_value: Any = None, exc_type: Any = None, exc_tb: Any = None, captureVars: bool = False
    ) -> None:
        """
        @param exc_value: the exception, or a failure to take over (one that
            came from another peer, too); by default the exception that is
            being handled.
        """
        if not isinstance(exc_value, Failure):
            super().__init__(  # type: ignore[no-untyped-call]
                exc_value, exc_type, exc_tb, captureVars
            )
        elif isinstance(exc_value.value, BaseException):
            kind = exc_value.type if isinstance(exc_value.type, type) else None
            super().__init__(  # type: ignore[no-untyped-call]
                exc_value.value, kind, exc_value.getTracebackObject()
            )
        else:
            self._relay(exc_value)

    def _relay(self, failure: Failure) -> None:
        """Become a failure that is only known by the names of its classes."""
        error = RemoteError(failure.type, _text(failure.value), None)
        super().__init__(error)  # type: ignore[no-untyped-call]
        self.type = failure.type
        self.value = failure.value
        self.parents = list(failure.parents)
        self._relayedTraceback = getattr(failure, "traceback", None)
        self._relayedIncident = getattr(failure, "incident", None)

    def jellyFor(self, jellier: JellierLike) -> Any:
        """C{[tag, state]}"""
        self._invoker = jellier.invoker
        try:
            return super().jellyFor(jellier)
        finally:
            del self._invoker

    def getStateToCopy(self) -> dict[str, Any]:
        """The state as stock peers expect it."""
        kind = self.type
        if self.unsafeTracebacks:
            traceback = self._tracebackText()
        else:
            traceback = NO_TRACEBACK
        # Stock tells it of every failure that a broker sends.
        told: dict[str, Any] = {}
        if "unsafeTracebacks" in self.__dict__:
            told["unsafeTracebacks"] = bool(self.unsafeTracebacks)
        incident = self.value.incident if isinstance(self.value, Incident) else self._relayedIncident
        if incident is not None:
            told["incident"] = incident
        return {
            # In stock, how many failures there were in this process: nobody's business.
            "count": 0,
            "type": kind if isinstance(kind, bytes) else _name(kind).encode(),
            "value": _travelling(_text(self.value)),
            "captureVars": False,
            "tb": None,
            **told,
            "parents": self._names(),
            "frames": [],
            "stack": [],
            "traceback": _travelling(traceback),
            **quotedException(self.value, self._invoker),
        }

    def _names(self) -> list[str]:
        """The names of the class and its bases. Tags come early: peers needn't look at very many."""
        names = [_name(parent) for parent in self.parents]
        return names[:1] + declaredNames(self.value) + names[1:]

    def _tracebackText(self) -> str:
        relayed = getattr(self, "_relayedTraceback", None)
        return relayed if isinstance(relayed, str) else self.getTraceback()

    def printTraceback(
        self, file: Any = None, elideFrameworkCode: Any = False, detail: str = "default"
    ) -> None:
        """
        Write the traceback; of a failure that is only known by names, what
        these are.

        @param file: an object with C{write}; by default the log.
        """
        if isinstance(self.type, type):
            super().printTraceback(file, elideFrameworkCode, detail)  # type: ignore[no-untyped-call]
        else:
            out = log.logfile if file is None else file
            out.write(f"Traceback from remote host -- {_name(self.type)}: {_text(self.value)}\n")


class CopiedFailure(RemoteCopy, Failure):
    """
    A failure of the peer.

    @ivar type: the qualified name of the exception class, as bytes.
    @ivar value: the text of the exception, as str; or the exception itself, if
        its class is declared with C{pb.value} on both sides.
    @ivar traceback: the remote traceback as text, or a note that the peer
        doesn't send it.
    @ivar incident: the id under which the peer's log has the error, where the
        peer shows no more of it.
    """

    type: Any
    value: Any
    traceback: Any = NO_TRACEBACK
    incident: str | None = None
    count = 0
    captureVars = False
    tb = None
    frames: Any = ()
    stack: Any = ()
    _origin: str | None = None
    _textThere: str | None = None

    def unjellyFor(self, unjellier: UnjellierLike, jellyList: list[Any]) -> Any:
        """Become the failure of C{[tag, state]}."""
        failure = super().unjellyFor(unjellier, jellyList)
        self._textThere = None
        hasTransport = getattr(unjellier.invoker, "transport", None) is not None
        self._origin = describePeer(unjellier.invoker) if hasTransport else None
        error = exceptionIn(self.__dict__.pop("exception", None), unjellier)
        if error is not None:
            self._textThere, self.value = _text(self.value), error
            # Here it may be of another module, and have other bases.
            self.parents = list(dict.fromkeys([*self.parents, *map(qual, type(error).__mro__)]))
        return failure

    def setCopyableState(self, state: Any) -> None:
        """
        Take over what the peer says. Peers of old versions send no
        C{parents}.

        @raise MalformedJelly: when it isn't the state of a failure.
        """
        state = withTextKeys(state) if isinstance(state, dict) else {}
        if not isinstance(state.get("type"), (bytes, str)):
            raise MalformedJelly("the state of a failure is a dictionary with at least its type")
        parents = state.get("parents")
        if not isinstance(parents, (list, tuple)):
            parents = [state["type"]]
        super().setCopyableState({name: value for name, value in state.items() if self._mayBeSet(name)})
        self.parents = [_text(parent) for parent in parents]
        self.value = _text(state.get("value", ""))
        self.traceback = _text(state.get("traceback", NO_TRACEBACK))
        incident = state.get("incident")
        self.incident = incident if isinstance(incident, str) else None

    def __setstate__(self, state: Any) -> None:
        """As L{setCopyableState}: what becomes of a failure outside of a connection."""
        self.setCopyableState(state)

    def _mayBeSet(self, name: Any) -> bool:
        """Not frames, which aren't ours, and no method: Deferreds call those."""
        if name in ("parents", "tb", "frames", "stack"):
            return False
        return not (isinstance(name, str) and callable(getattr(type(self), name, None)))

    def _typeName(self) -> str:
        return _name(self.type)

    def toException(self) -> Exception:
        """
        The exception to raise for this failure: an instance of the remote
        class, if that is declared here with C{pb.value}. Its C{__cause__} is
        what is raised for any other: a L{RemoteError}, which is a built-in
        exception as well where the remote one is.
        """
        if not isinstance(self.value, Exception):
            return self._remoteError(_text(self.value))
        if self._textThere is not None and self.value.__cause__ is None:
            self.value.__cause__ = self._remoteError(self._textThere)
        return self.value

    def _remoteError(self, text: str) -> RemoteError:
        names = [self._typeName(), *self.parents]
        traceback = None if self.traceback == NO_TRACEBACK else _text(self.traceback)
        error = remoteException(names, self.type, text, self.traceback)
        if isinstance(error, Incident):
            error.incident = self.incident or ""
        return withOrigin(error, self._origin, traceback)

    def raiseException(self) -> NoReturn:
        """
        Raise what L{toException} returns.
        """
        raise self.toException()

    def throwExceptionIntoGenerator(self, g: Any) -> Any:
        """
        Raise what L{toException} returns inside a generator or coroutine.

        @return: what it yields next.
        @raise StopIteration: when it is done.
        """
        return g.throw(self.toException())

    def printTraceback(
        self, file: Any = None, elideFrameworkCode: Any = False, detail: str = "default"
    ) -> None:
        """
        Write type and text, and the remote traceback if there is one.

        @param file: an object with C{write}; by default the log.
        """
        out = log.logfile if file is None else file
        out.write(f"Traceback from remote host -- {self._typeName()}: {_text(self.value)}\n")
        if self.traceback != NO_TRACEBACK:
            out.write(_text(self.traceback))

    printBriefTraceback = printTraceback
    printDetailedTraceback = printTraceback

    def __repr__(self) -> str:
        return f"<CopiedFailure {self._typeName()}: {_text(self.value)}>"

    def __str__(self) -> str:
        # Programs show this text to their users; it is twisted.spread's, to the byte.
        return f"[Failure instance: Traceback from remote host -- {self._typeName()}: {_text(self.value)}\n]"


def failure2Copyable(fail: Failure, unsafeTracebacks: Any = 0) -> CopyableFailure:
    """
    A failure in the form that travels.

    @param unsafeTracebacks: whether to send the traceback as text.
    """
    copyable = CopyableFailure(fail)
    copyable.unsafeTracebacks = unsafeTracebacks
    return copyable


registerForm(b"twisted.spread.pb.CopyableFailure", CopiedFailure)

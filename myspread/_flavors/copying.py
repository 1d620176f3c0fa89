"""
Objects that travel as copies of their state.
"""

from __future__ import annotations

from typing import Any

from myspread._errors import MalformedJelly
from myspread._flavors.dispatch import asText
from myspread._flavors.referencing import Serializable
from myspread._jelly.bases import (
    JellierLike,
    UnjellierLike,
    Unjellyable,
    getInstanceState,
    setInstanceState,
)
from myspread._wirenames import wireName

__all__ = ["Copyable", "RemoteCopy", "whenComplete", "withTextKeys"]


def withTextKeys(state: dict[Any, Any]) -> dict[Any, Any]:
    """
    A state whose names are str: peers that run Python 2 send them as bytes.

    @raise MalformedJelly: when one is no UTF-8.
    """
    try:
        return {asText(name) if isinstance(name, bytes) else name: value for name, value in state.items()}
    except UnicodeDecodeError as error:
        raise MalformedJelly(f"a name in the state is no UTF-8: {error}") from error


def _isPythons(klass: type, name: Any) -> bool:
    return isinstance(name, str) and name.startswith("__") and name.endswith("__") and hasattr(klass, name)


def whenComplete(unjellier: UnjellierLike, sexp: Any, callback: Any) -> None:
    """
    Call C{callback} with the object of C{sexp} as soon as it is complete. A
    foreign unjellier knows of no such moment, and gives what it has.
    """
    wait = getattr(unjellier, "whenComplete", None)
    if wait is None:
        callback(unjellier.unjelly(sexp))
    else:
        wait(sexp, callback)


class Copyable(Serializable):
    """
    An object that is sent as a copy, each time anew. The peer makes of it
    whatever class it has registered for its tag, mostly a L{RemoteCopy}.
    """

    def getStateToCopy(self) -> Any:
        """The state to send; by default the instance's dictionary."""
        return self.__dict__

    def getStateToCopyFor(self, perspective: Any) -> Any:
        """
        The state to send to C{perspective}; by default L{getStateToCopy}'s.
        """
        return self.getStateToCopy()

    def getTypeToCopy(self) -> bytes | str:
        """The tag to send; by default the qualified name of the class."""
        return wireName(self.__class__)

    def getTypeToCopyFor(self, perspective: Any) -> bytes | str:
        """The tag to send to C{perspective}; by default L{getTypeToCopy}'s."""
        return self.getTypeToCopy()

    def _tagFor(self, perspective: Any) -> bytes:
        tag = self.getTypeToCopyFor(perspective)
        return tag if isinstance(tag, bytes) else tag.encode("utf-8")

    def jellyFor(self, jellier: JellierLike) -> Any:
        """C{[tag, state]}"""
        if jellier.invoker is None:
            return getInstanceState(self, jellier)
        perspective = jellier.invoker.serializingPerspective
        tag = self._tagFor(perspective)
        state = self.getStateToCopyFor(perspective)
        sexp = jellier.prepare(self)
        sexp += [tag, jellier.jelly(state)]
        return jellier.preserve(self, sexp)


class RemoteCopy(Unjellyable):
    """
    What becomes of a L{Copyable} at the peer. It is made without calling
    C{__init__}.
    """

    def setCopyableState(self, state: Any) -> None:
        """
        Take over the state that has arrived: by default a dictionary, as the
        instance's own. Names that are bytes become str; those that mean
        something to Python, such as C{__class__}, are left out.

        @raise MalformedJelly: when the state is no dictionary.
        """
        if state and not isinstance(state, dict):
            raise MalformedJelly(
                f"the state of {type(self).__name__} is a {type(state).__name__}, not a dictionary;"
                " override setCopyableState to take it"
            )
        named = withTextKeys(state or {})
        self.__dict__ = {name: value for name, value in named.items() if not _isPythons(type(self), name)}

    def unjellyFor(self, unjellier: UnjellierLike, jellyList: list[Any]) -> Any:
        """Become the copy of C{[tag, state]}."""
        if unjellier.invoker is None:
            return setInstanceState(self, unjellier, jellyList)
        whenComplete(unjellier, jellyList[1], self.setCopyableState)
        return self

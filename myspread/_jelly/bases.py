"""
Base classes of objects that say themselves how they become s-expressions.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

from twisted.spread import jelly as stock
from zope.interface import implementer

from myspread._errors import MalformedJelly
from myspread._wirenames import wireName
from myspread.interfaces import IUnjellyable

__all__ = [
    "JellierLike",
    "Jellyable",
    "Unjellyable",
    "UnjellierLike",
    "Unpersistable",
    "createBlank",
    "getInstanceState",
    "newInstance",
    "setInstanceState",
]

Unpersistable = stock.Unpersistable
"""What stands in for a value that couldn't travel; C{reason} says why (str)."""


class JellierLike(Protocol):
    """What C{jellyFor} methods may use of the jellier that they are given."""

    invoker: Any

    def jelly(self, obj: Any) -> Any:
        """The s-expression of C{obj}."""

    def prepare(self, obj: Any) -> list[Any]:
        """A list to fill with the s-expression of C{obj}."""

    def preserve(self, obj: Any, sexp: list[Any]) -> list[Any]:
        """The list to return, now that C{sexp} is filled."""


class UnjellierLike(Protocol):
    """What C{unjellyFor} methods may use of the unjellier that they are given."""

    invoker: Any

    def unjelly(self, sexp: Any) -> Any:
        """The object of C{sexp}."""


class Jellyable(stock.Jellyable):
    """
    Inherit from this to travel as C{[qualified class name, state]}.

    It derives from C{twisted.spread}'s class of the same name, so that a stock
    broker too recognises its subclasses.
    """

    def getStateFor(self, jellier: JellierLike) -> Any:
        """The state to send; by default the instance's dictionary."""
        return self.__dict__

    def jellyFor(self, jellier: JellierLike) -> Any:
        """
        The s-expression of this object.

        @see: L{myspread.interfaces.IJellyable}
        """
        sexp = jellier.prepare(self)
        sexp += [wireName(self.__class__), jellier.jelly(self.getStateFor(jellier))]
        return jellier.preserve(self, sexp)


@implementer(IUnjellyable)
class Unjellyable:
    """
    Inherit from this to be made of C{[tag, state]}; the instance is created
    without calling C{__init__}.
    """

    def setStateFor(self, unjellier: UnjellierLike, state: Any) -> None:
        """
        Take over the state that has arrived; by default as C{__dict__}.

        @raise MalformedJelly: when the state is no dictionary.
        """
        _takeDictionary(self, state)

    def unjellyFor(self, unjellier: UnjellierLike, jellyList: list[Any]) -> Any:
        """
        Fill this instance from C{[tag, state]} and return it.

        @see: L{myspread.interfaces.IUnjellyable}
        """
        self.setStateFor(unjellier, unjellier.unjelly(jellyList[1]))
        return self


def createBlank(klass: Any) -> Any:
    """
    An instance of C{klass} on which C{__init__} was not called, or None if
    it isn't a class.
    """
    if not isinstance(klass, type):
        return None
    make: Any = klass.__new__
    return make(klass)


def _takeDictionary(instance: Any, state: Any) -> None:
    """None stands for an empty dictionary: C{object.__getstate__} returns it."""
    if state is None:
        return
    if not isinstance(state, dict) or not hasattr(instance, "__dict__"):
        raise MalformedJelly(
            f"{type(instance).__name__} can't take a {type(state).__name__} as its dictionary;"
            " give it __setstate__ if that is its state"
        )
    instance.__dict__ = state


def applyState(instance: Any, state: Any) -> None:
    """
    Give C{instance} its state, through C{__setstate__} if it has one.

    @raise MalformedJelly: when it has none, and the state is no dictionary.
    """
    setter = getattr(instance, "__setstate__", None)
    if setter is not None:
        setter(state)
    else:
        _takeDictionary(instance, state)


def newInstance(klass: type, state: Any) -> Any:
    """
    An instance of C{klass} with this state; C{__init__} isn't called.

    @param state: a dictionary, or what the class's C{__setstate__} takes.
    """
    instance = createBlank(klass)
    applyState(instance, state)
    return instance


def stateOf(instance: Any) -> Any:
    """
    What C{__getstate__} returns, or the instance's dictionary; of a member of
    an enumeration, its value.
    """
    if isinstance(instance, Enum):
        return instance.value
    getter = getattr(instance, "__getstate__", None)
    return instance.__dict__ if getter is None else getter()


def getInstanceState(inst: Any, jellier: JellierLike) -> Any:
    """
    The s-expression of an instance by the rules of C{pickle}:
    C{[qualified class name, state]}.
    """
    sexp = jellier.prepare(inst)
    sexp += [wireName(inst.__class__), jellier.jelly(stateOf(inst))]
    return jellier.preserve(inst, sexp)


def setInstanceState(inst: Any, unjellier: UnjellierLike, jellyList: list[Any]) -> Any:
    """
    Fill an instance from C{[tag, state]} by the rules of C{pickle}, and return
    it.

    @raise MalformedJelly: when it has no C{__setstate__}, and the state is no
        dictionary.
    """
    applyState(inst, unjellier.unjelly(jellyList[1]))
    return inst

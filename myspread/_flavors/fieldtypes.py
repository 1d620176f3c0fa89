"""
Whether what has arrived for a field is what the field is annotated with.

Checked are plain values, containers of them, unions, literals and the classes
that C{pb.value} declared. Of anything else an annotation doesn't say what
arrives: an object of ours comes back as it is, one of the peer's as a
reference, a copy as whatever class is registered for it.
"""

from __future__ import annotations

import collections.abc
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from myspread._jelly.bases import Unpersistable
from myspread._jelly.paths import brief, keyStep
from myspread.security import declarationOf

__all__ = ["Check", "Problem", "annotationsOf", "checkFor"]


class Problem(NamedTuple):
    """
    What is wrong with a value.

    @ivar step: where inside the value, such as C{[3]}.
    @ivar text: what is there, and what was wanted.
    """

    step: str
    text: str


Check = Callable[[Any], "Problem | None"]
"""Called with a value; says what is wrong with it."""

_PLAIN: dict[Any, tuple[type, ...]] = {
    None: (type(None),),
    type(None): (type(None),),
    bool: (bool,),
    int: (int,),
    float: (float, int),
    str: (str,),
    bytes: (bytes,),
    date: (date,),
    datetime: (datetime,),
    time: (time,),
    timedelta: (timedelta,),
    Decimal: (Decimal,),
}
"""By annotation, what may arrive for it. An int is a good float, as in Python."""

_COLLECTIONS: dict[Any, tuple[type, ...]] = {
    list: (list,),
    tuple: (tuple,),
    set: (set,),
    frozenset: (frozenset,),
    dict: (dict,),
    collections.abc.Sequence: (list, tuple),
    collections.abc.Set: (set, frozenset),
    collections.abc.Mapping: (dict,),
}

_UNIONS = (Union, types.UnionType)
_WRAPPERS = (Annotated, Final)


def annotationsOf(klass: type) -> dict[str, Any]:
    """
    The annotations of a class and its bases. One that is written as a string,
    with names that only a type checker knows, is left out.
    """
    found: dict[str, Any] = {}
    for base in reversed(klass.__mro__):
        module = sys.modules.get(base.__module__)
        names = {} if module is None else vars(module)
        for name, annotation in inspect.get_annotations(base).items():
            holder = types.SimpleNamespace(__annotations__={name: annotation})
            try:
                found[name] = get_type_hints(holder, names, {base.__name__: base})[name]
            except (NameError, AttributeError, TypeError, SyntaxError):
                found.pop(name, None)
    return found


def checkFor(annotation: Any) -> Check | None:
    """The check of an annotation; None for one that says nothing of what arrives."""
    if annotation is Any or annotation is object:
        return None
    while get_origin(annotation) in _WRAPPERS or hasattr(annotation, "__supertype__"):
        supertype = getattr(annotation, "__supertype__", None)
        annotation = get_args(annotation)[0] if supertype is None else supertype
    plain = _PLAIN.get(annotation) if _isHashable(annotation) else None
    if plain is not None:
        return _instanceCheck(plain, annotation)
    if isinstance(annotation, type) and declarationOf(annotation) is not None:
        return _instanceCheck((annotation,), annotation)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in _UNIONS:
        return _unionCheck([checkFor(each) for each in args], annotation)
    if origin is Literal:
        return _literalCheck(args, annotation)
    collection = _COLLECTIONS.get(origin or annotation)
    return None if collection is None else _collectionCheck(collection, args, annotation)


def _isHashable(annotation: Any) -> bool:
    return isinstance(annotation, collections.abc.Hashable)


def _shown(annotation: Any) -> str:
    """An annotation without the modules of its names."""
    if get_origin(annotation) in _UNIONS:
        return " | ".join(map(_shown, get_args(annotation)))
    if annotation in (None, type(None)):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return re.sub(r"\b(\w+\.)+", "", str(annotation))


def _mismatch(value: Any, annotation: Any) -> Problem:
    if isinstance(value, Unpersistable):
        there = f"something that couldn't travel ({brief(value.reason)})"
    else:
        name = type(value).__name__
        there = f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"
    return Problem("", f"{there}, where {_shown(annotation)} is wanted")


def _instanceCheck(classes: tuple[type, ...], annotation: Any) -> Check:
    def check(value: Any) -> Problem | None:
        return None if isinstance(value, classes) else _mismatch(value, annotation)

    return check


def _literalCheck(literals: tuple[Any, ...], annotation: Any) -> Check:
    allowed = [(type(literal), literal) for literal in literals]

    def check(value: Any) -> Problem | None:
        return None if (type(value), value) in allowed else _mismatch(value, annotation)

    return check


def _unionCheck(checks: list[Check | None], annotation: Any) -> Check | None:
    known = [check for check in checks if check is not None]
    if len(known) < len(checks):
        return None

    def check(value: Any) -> Problem | None:
        problems = []
        for each in known:
            problem = each(value)
            if problem is None:
                return None
            problems.append(problem)
        # Of a container, the wrong element says more than the container.
        return next((problem for problem in problems if problem.step), _mismatch(value, annotation))

    return check


def _collectionCheck(classes: tuple[type, ...], args: tuple[Any, ...], annotation: Any) -> Check:
    ofClass = _instanceCheck(classes, annotation)
    if not args:
        return ofClass
    if dict in classes:
        ofParts = _pairsCheck(*map(checkFor, args))
    elif tuple in classes and list not in classes and args[-1] is not Ellipsis:
        ofParts = _fixedCheck([checkFor(each) for each in args if each != ()], annotation)
    else:
        ofParts = _elementsCheck(checkFor(args[0]))

    def check(value: Any) -> Problem | None:
        return ofClass(value) or ofParts(value)

    return check


def _inside(step: str, problem: Problem | None) -> Problem | None:
    return None if problem is None else Problem(step + problem.step, problem.text)


def _elementsCheck(element: Check | None) -> Check:
    def check(value: Iterable[Any]) -> Problem | None:
        if element is None:
            return None
        for index, part in enumerate(value):
            problem = element(part)
            if problem is not None:
                step = f"[{index}]" if isinstance(value, (list, tuple)) else "{item}"
                return _inside(step, problem)
        return None

    return check


def _fixedCheck(elements: list[Check | None], annotation: Any) -> Check:
    def check(value: tuple[Any, ...]) -> Problem | None:
        if len(value) != len(elements):
            return Problem("", f"{len(value)} elements, where {_shown(annotation)} is wanted")
        for index, (element, part) in enumerate(zip(elements, value, strict=True)):
            problem = None if element is None else element(part)
            if problem is not None:
                return _inside(f"[{index}]", problem)
        return None

    return check


def _pairsCheck(ofKey: Check | None, ofValue: Check | None) -> Check:
    def check(value: dict[Any, Any]) -> Problem | None:
        for key, each in value.items():
            problem = None if ofKey is None else ofKey(key)
            if problem is not None:
                return _inside(f"{{key {brief(key)}}}", problem)
            problem = None if ofValue is None else ofValue(each)
            if problem is not None:
                return _inside(keyStep(key, False), problem)
        return None

    return check

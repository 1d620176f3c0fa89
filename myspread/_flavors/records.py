"""
Classes with fields as values: dataclasses, attrs classes and named tuples.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterable
from inspect import Parameter
from typing import Any

from myspread._errors import MalformedJelly
from myspread._flavors.fieldtypes import Check, annotationsOf, checkFor

__all__ = ["RecordForm", "fieldsOf", "isRecord"]

_UNBUILDABLE = (TypeError, ValueError, ArithmeticError)
"""What constructors raise on values that they can't take."""

_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)

_absent: Any = object()


def isRecord(klass: type) -> bool:
    """Whether a class has fields that it declares itself, in one of the three ways."""
    ofClass = vars(klass)
    return (
        "__dataclass_fields__" in ofClass
        or "__attrs_attrs__" in ofClass
        or (issubclass(klass, tuple) and "_fields" in ofClass)
    )


def fieldsOf(klass: type) -> dict[str, str]:
    """
    The fields of a class, by name, with the names that its constructor has for
    them.
    """
    if dataclasses.is_dataclass(klass):
        return {field.name: field.name for field in dataclasses.fields(klass)}
    attributes = getattr(klass, "__attrs_attrs__", None)
    if attributes is not None:
        return {attribute.name: attribute.alias for attribute in attributes}
    return {name: name for name in getattr(klass, "_fields", ())}


def _existsFirst(klass: type) -> bool:
    """
    Whether instances exist before their fields do, so that what is in the
    fields can refer to them. Nobody may see an instance half made that is
    immutable, that has a hash of its fields, or that isn't made of nothing.
    """
    methods: Any = klass
    plain: Any = object
    return bool(
        methods.__new__ is plain.__new__
        and methods.__hash__ in (None, plain.__hash__)
        and (methods.__setattr__ is plain.__setattr__ or getattr(klass, "__attrs_own_setattr__", False))
    )


class RecordForm:
    """
    How instances of a class with fields become states, and back.

    @ivar existsFirst: whether an instance exists before its fields do.
    """

    def __init__(
        self, klass: type, without: Iterable[str] = (), extras: str | None = None, checked: bool = True
    ) -> None:
        """
        @param without: fields that don't travel.
        @param extras: the field that takes what arrives beside the fields.
        @param checked: whether to compare what arrives with annotations.
        @raise TypeError: when the constructor couldn't make an instance of the
            fields that travel.
        """
        self._klass = klass
        self._without = frozenset(without)
        self._extras = extras
        self._checked = checked
        self._checks: dict[str, Check] | None = None
        self.existsFirst = _existsFirst(klass)
        fields = fieldsOf(klass)
        unknown = {*self._without, *((extras,) if extras else ())} - fields.keys()
        if unknown:
            raise TypeError(f"{klass.__qualname__} has no field {', '.join(sorted(unknown))}")
        if "__version__" in fields:
            raise TypeError(f"{klass.__qualname__} can't have a field __version__: the version travels so")
        parameters = inspect.signature(klass).parameters
        takesAny = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
        self._arguments = {
            name: argument
            for name, argument in fields.items()
            if takesAny or (argument in parameters and parameters[argument].kind in _NAMED)
        }
        if extras is not None and extras not in self._arguments:
            raise TypeError(f"the constructor of {klass.__qualname__} doesn't take the field {extras}")
        self._fields = [name for name in fields if name not in self._without and name != extras]
        self._defaults = {
            name: parameters[argument].default
            for name, argument in self._arguments.items()
            if name in self._fields and argument in parameters
        }
        self._required = [name for name, each in self._defaults.items() if each is Parameter.empty]
        self._checkConstructor(parameters.values())

    def _checkConstructor(self, parameters: Iterable[Parameter]) -> None:
        given = {argument for name, argument in self._arguments.items() if name not in self._without}
        for parameter in parameters:
            isNeeded = parameter.default is Parameter.empty and parameter.kind in (
                *_NAMED,
                Parameter.POSITIONAL_ONLY,
            )
            if isNeeded and parameter.name not in given:
                raise TypeError(
                    f"the constructor of {self._klass.__qualname__} needs {parameter.name}, which is no field"
                    " that travels; give it a default"
                )

    def stateOf(self, value: Any) -> dict[str, Any]:
        """The fields of an instance. One that isn't set doesn't travel."""
        state: dict[str, Any] = {}
        if self._extras is not None:
            state.update(getattr(value, self._extras))
        for name in self._fields:
            field = getattr(value, name, _absent)
            if field is not _absent:
                state[name] = field
        return state

    def make(self, state: dict[Any, Any]) -> Any:
        """
        An instance with this state.

        @raise MalformedJelly: when a field is missing that has no default, or
            is of another type than it is annotated with, or the constructor
            refuses it.
        """
        return self._build(self._klass, state)

    def fill(self, blank: Any, state: dict[Any, Any]) -> None:
        """
        Give its state to an instance that exists already.

        @raise MalformedJelly: as L{make}.
        """

        def construct(**arguments: Any) -> Any:
            self._klass.__init__(blank, **arguments)  # type: ignore[misc]
            return blank

        self._build(construct, state)

    def _build(self, construct: Any, state: dict[Any, Any]) -> Any:
        self._check(state)
        arguments: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name in self._fields:
            if name in state:
                argument = self._arguments.get(name)
                if argument is None:
                    others[name] = state[name]
                else:
                    arguments[argument] = state[name]
        if self._extras is not None:
            known = {*self._fields, *self._without, self._extras}
            extra = {name: field for name, field in state.items() if name not in known}
            arguments[self._arguments[self._extras]] = extra
        try:
            value = construct(**arguments)
        except _UNBUILDABLE as error:
            raise MalformedJelly(f"no {self._klass.__qualname__} can be made of this: {error}") from error
        for name, field in others.items():
            object.__setattr__(value, name, field)
        return value

    def _check(self, state: dict[Any, Any]) -> None:
        for name in self._required:
            if name not in state:
                raise MalformedJelly(
                    f"{self._klass.__qualname__} needs the field {name}, which is missing and has no default"
                )
        if self._checks is None:
            # Not before: annotations may name classes that are defined later.
            self._checks = self._checksOfFields() if self._checked else {}
        for name, check in self._checks.items():
            if name in state:
                problem = check(state[name])
                if problem is not None and not (state[name] is None and self._defaults.get(name, 0) is None):
                    raise MalformedJelly(problem.text, f".{name}{problem.step}")

    def _checksOfFields(self) -> dict[str, Check]:
        annotations = annotationsOf(self._klass)
        checks = {name: checkFor(annotations[name]) for name in self._fields if name in annotations}
        return {name: check for name, check in checks.items() if check is not None}

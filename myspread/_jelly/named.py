"""
Forms that name something in a module of ours: classes, functions, modules and
methods. Every one is asked of the policy before anything is imported.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Any

from twisted.python.reflect import namedAny

from myspread._errors import InsecureJelly, MalformedJelly, MethodChanged
from myspread._jelly.containers import IUnjellier
from myspread._jelly.paths import brief
from myspread._wirenames import localName
from myspread.security import ITaster, SecurityPolicy

__all__ = ["UNJELLY_NAMED", "memberOf", "methodOf", "namedClass"]

_CONTAINERS = (list, tuple, dict, set, frozenset)


def _nameIn(form: list[Any]) -> str:
    if len(form) != 2 or not isinstance(form[1], (bytes, str)):
        raise MalformedJelly("a form that names something is [tag, name]")
    try:
        name = form[1] if isinstance(form[1], str) else form[1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJelly(f"the name is no UTF-8: {error}") from error
    if not all(part.isidentifier() for part in name.split(".")):
        raise MalformedJelly(f"{brief(name)} isn't made of identifiers")
    return name


def _find(name: str) -> Any:
    try:
        return namedAny(localName(name))
    except (ImportError, AttributeError, ValueError) as error:
        raise MalformedJelly(f"there is no {brief(name)} here: {error}") from error


def _member(taster: ITaster, name: str) -> Any:
    """The object that a qualified name stands for, from an allowed module."""
    moduleName = name.rpartition(".")[0]
    if not taster.isModuleAllowed(moduleName):
        raise InsecureJelly(f"the policy doesn't allow the module {brief(moduleName)} (in {brief(name)})")
    return _find(name)


def namedModule(taster: ITaster, form: list[Any]) -> types.ModuleType:
    """The module of C{[module, name]}."""
    name = _nameIn(form)
    if not taster.isModuleAllowed(name):
        raise InsecureJelly(f"the policy doesn't allow the module {brief(name)}")
    module = _find(name)
    if not isinstance(module, types.ModuleType):
        raise InsecureJelly(f"{brief(name)} is no module")
    return module


def namedClass(taster: ITaster, form: list[Any]) -> type:
    """The class of C{[class, qualified name]}."""
    name = _nameIn(form)
    klass = _member(taster, name)
    if not isinstance(klass, type):
        raise InsecureJelly(f"{brief(name)} is no class")
    if not taster.isClassAllowed(klass):
        raise InsecureJelly(f"the policy doesn't allow the class {brief(name)}")
    return klass


def namedFunction(taster: ITaster, form: list[Any]) -> Any:
    """
    The function of C{[function, qualified name]}. A L{SecurityPolicy} must
    name the function; options in the form of C{twisted.spread} its module,
    which must be the one that defines it, and the name no private one.
    """
    name = _nameIn(form)
    isNamed = isinstance(taster, SecurityPolicy)
    if not isinstance(taster, SecurityPolicy):
        _checkPublic(name)
        function = _member(taster, name)
    elif taster.isFunctionAllowed(name):
        function = _find(name)
    else:
        raise InsecureJelly(f"the policy doesn't allow the function {brief(name)}")
    if not isinstance(function, (types.FunctionType, types.BuiltinFunctionType)):
        raise InsecureJelly(f"{brief(name)} is no function")
    # A module has the functions too that it imports.
    if not isNamed and not taster.isModuleAllowed(function.__module__ or ""):
        raise InsecureJelly(f"the policy doesn't allow the module that defines {brief(name)}")
    return function


def _checkPublic(name: str) -> None:
    if name.rpartition(".")[2].startswith("_"):
        raise InsecureJelly(f"{brief(name)} is private")


def methodOf(parts: list[Any]) -> Any:
    """
    The method of C{[method, name, self, class]}, from its three fields.

    @raise MalformedJelly: when the class is none, or not that of the object.
    @raise InsecureJelly: when the method is private.
    @raise MethodChanged: when the class doesn't define the method.
    """
    name, owner, klass = parts
    if not isinstance(klass, type):
        raise MalformedJelly("a method of something that is no class")
    if isinstance(name, bytes):
        name = name.decode("utf-8")
    function = klass.__dict__.get(name) if isinstance(name, str) else None
    if not isinstance(function, types.FunctionType):
        raise MethodChanged(f"{klass.__name__} defines no method {brief(name)}")
    _checkPublic(name)
    if owner is None:
        return function
    if not isinstance(owner, klass):
        raise MalformedJelly(f"a method of {klass.__name__} for an object of another class")
    return types.MethodType(function, owner)


def memberOf(unjellier: IUnjellier, klass: type[Enum], parts: list[Any]) -> Any:
    """
    The member of an enumeration with the value that C{parts} consists of.

    @raise MalformedJelly: when there is none, or the value is too heavy.
    @raise ValueError: when there is none.
    """
    unjellier.checkKeys(parts)
    (value,) = parts
    if type(value) not in _CONTAINERS:
        return klass(value)
    # The class would show all of it in an error, which may be endless.
    for member in klass:
        if member.value == value:
            return member
    raise MalformedJelly(f"no member of {klass.__name__} is {brief(value)}")


UNJELLY_NAMED: dict[bytes, Callable[[ITaster, list[Any]], Any]] = {
    b"class": namedClass,
    b"module": namedModule,
    b"function": namedFunction,
}
"""By tag, the function that finds what a form names."""

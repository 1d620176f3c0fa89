"""
Forms that name something in a module of ours: classes, functions, modules and
methods. Every one is asked of the policy before anything is imported.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from twisted.python.reflect import namedAny

from myspread._errors import InsecureJelly, MalformedJelly, MethodChanged
from myspread._jelly.paths import brief
from myspread._wirenames import localName
from myspread.security import ITaster, SecurityPolicy

__all__ = ["UNJELLY_NAMED", "methodOf", "namedClass"]


def _nameIn(form: list[Any]) -> str:
    if len(form) != 2 or not isinstance(form[1], (bytes, str)):
        raise MalformedJelly("a form that names something is [tag, name]")
    try:
        return form[1] if isinstance(form[1], str) else form[1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJelly(f"the name is no UTF-8: {error}") from error


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
    name the function; options in the form of C{twisted.spread} its module.
    """
    name = _nameIn(form)
    if not isinstance(taster, SecurityPolicy):
        function = _member(taster, name)
    elif taster.isFunctionAllowed(name):
        function = _find(name)
    else:
        raise InsecureJelly(f"the policy doesn't allow the function {brief(name)}")
    if not isinstance(function, (types.FunctionType, types.BuiltinFunctionType)):
        raise InsecureJelly(f"{brief(name)} is no function")
    return function


def methodOf(parts: list[Any]) -> Any:
    """
    The method of C{[method, name, self, class]}, from its three fields.

    @raise MalformedJelly: when the class is none.
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
    return function if owner is None else types.MethodType(function, owner)


UNJELLY_NAMED: dict[bytes, Callable[[ITaster, list[Any]], Any]] = {
    b"class": namedClass,
    b"module": namedModule,
    b"function": namedFunction,
}
"""By tag, the function that finds what a form names."""

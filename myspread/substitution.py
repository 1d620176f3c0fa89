"""
C{twisted.spread} I{is} myspread, for programs that we may not change.

Three ways, of which the first needs no change at all::

    python -m myspread run twistd -n web --path .

    import myspread                # the first line of a program
    myspread.substitute()

    eval "$(python -m myspread environment)"    # for a tree of processes

This module imports nothing else of the package, and Twisted only once
something is substituted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["SWITCH", "SubstitutionRefused", "environment", "isSubstituted", "substitute"]

SWITCH = "MYSPREAD_SUBSTITUTE"
"""
The environment variable that, set to C{1}, substitutes in each process that
finds our C{sitecustomize}: see L{environment}.
"""

_STOCK = "twisted.spread"
_OURS = "myspread"
_MODULES = ("banana", "flavors", "interfaces", "jelly", "pb", "publish", "util")
_STOCK_MODULES = {f"{_STOCK}.{name}" for name in _MODULES}


class SubstitutionRefused(RuntimeError):
    """
    It is too late to substitute: a module holds objects of C{twisted.spread}
    itself, and would go on using them.
    """


def isSubstituted() -> bool:
    """Whether C{twisted.spread} is myspread in this process."""
    return all(
        f"{_STOCK}.{name}" in sys.modules
        and sys.modules[f"{_STOCK}.{name}"] is sys.modules.get(f"{_OURS}.{name}")
        for name in _MODULES
    )


def substitute() -> None:
    """
    From now on, C{twisted.spread} and its submodules are myspread's, however
    they are imported. Doing it again changes nothing.

    Call it before anything is imported that uses C{twisted.spread}. What
    myspread itself has loaded of it (interfaces, exceptions) doesn't matter.

    @raise SubstitutionRefused: when another module already holds objects of
        C{twisted.spread}; the text names the module and what it holds. Nothing
        is changed then.
    """
    if isSubstituted():
        return
    # By name, so that importing myspread alone loads neither these nor Twisted.
    ours = {name: import_module(f"{_OURS}.{name}") for name in _MODULES}
    _refuseHolders(_engine())
    package = import_module(_STOCK)
    for name, module in ours.items():
        sys.modules[f"{_STOCK}.{name}"] = module
        setattr(package, name, module)


def environment(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """
    What to add to the environment of a process so that it and all processes
    that it starts run on myspread, from the moment that they import
    C{twisted.spread}.

    An interpreter that ignores C{PYTHONPATH} (C{python -E} or C{-I}) ignores
    this too. One that has no myspread installed fails at the import.

    @param variables: the environment to add to.
    """
    startup = str(Path(__file__).with_name("_startup"))
    paths = variables.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in paths if path and path != startup]
    return {SWITCH: "1", "PYTHONPATH": os.pathsep.join([startup, *others])}


def _engine() -> dict[int, str]:
    """
    By C{id}, the names of the modules, classes, functions and tables that are
    C{twisted.spread}'s alone. What myspread uses of them is shared, and so are
    interfaces and exceptions.
    """
    shared = {id(value) for where, value in _values() if _isOurs(where)}
    engine = {
        id(value): f"{where}.{getattr(value, '__qualname__', type(value).__name__)}"
        for where, value in _values()
        if where in _STOCK_MODULES and _isPart(value, where) and id(value) not in shared
    }
    loaded = sys.modules.keys() & _STOCK_MODULES
    return engine | {id(sys.modules[name]): name for name in loaded}


def _isOurs(where: str) -> bool:
    return where == _OURS or where.startswith(f"{_OURS}.")


def _isPart(value: Any, where: str) -> bool:
    """Whether a value is a table, or is defined in the module itself."""
    if _isClass(value) and issubclass(value, BaseException):
        return False
    return isinstance(value, dict) or getattr(value, "__module__", None) == where


def _isClass(value: Any) -> bool:
    # Unlike isinstance, this doesn't ask the value: it may be a proxy.
    return issubclass(type(value), type)


def _refuseHolders(engine: Mapping[int, str]) -> None:
    holders: dict[str, str] = {}
    for where, value in _values():
        if where not in holders and where not in _STOCK_MODULES and where != _STOCK and not _isOurs(where):
            for part in (value, *(value if _isClass(value) else type(value)).__mro__):
                if id(part) in engine:
                    holders[where] = engine[id(part)]
                    break
    if holders:
        held = ", ".join(f"{where} ({what})" for where, what in holders.items())
        raise SubstitutionRefused(
            f"twisted.spread cannot become myspread any more, for modules hold parts of it already: {held}."
            " Substitute before they are imported: at the very top of the program,"
            " or with 'python -m myspread run PROGRAM'."
        )


def _values() -> Iterator[tuple[str, Any]]:
    """The names of all loaded modules, each with the values that it holds."""
    for where, module in list(sys.modules.items()):
        for name, value in list(_heldBy(module).items()):
            if not name.startswith("__"):
                yield where, value


def _heldBy(module: Any) -> dict[str, Any]:
    if issubclass(type(module), ModuleType):
        # Asked like this, modules that load themselves late stay unloaded.
        held: dict[str, Any] = ModuleType.__getattribute__(module, "__dict__")
        return held
    # Twisted's modules with deprecated attributes are proxies.
    return getattr(module, "__dict__", {})

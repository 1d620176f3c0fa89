"""
Find the object that a server shall serve, from its name on a command line.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from operator import attrgetter
from traceback import extract_tb
from typing import Any

from twisted.cred.portal import Portal

from myspread.interfaces import IPBRoot

__all__ = ["RootNotFound", "findRoot"]


class RootNotFound(Exception):
    """
    A name that stands for no root. The message is one line, and says why.
    """


def findRoot(name: str) -> Any:
    """
    Find the root object, or make it.

    The module may also lie in the working directory.

    @param name: C{package.module:object}, where the object is a root, a
        L{Portal}, or is called without arguments to get one: a class or a
        function. It may be an attribute of an object: C{module:site.root}.
    @return: what a server factory takes as its root: an L{IPBRoot} provider,
        something that can be adapted to it, or a L{Portal}.
    @raise RootNotFound: when the name has another form, nothing goes by that
        name, importing the module or calling the object raises, or what comes
        out is no root.
    """
    moduleName, colon, path = name.partition(":")
    if not (moduleName and colon and path):
        raise RootNotFound(f"{name!r} is not of the form package.module:object")
    found = _attribute(_module(moduleName), path)
    if _isRoot(found):
        return found
    if not callable(found):
        raise RootNotFound(f"{name} is no root and cannot make one: {found!r} does not provide IPBRoot")
    made = _made(name, found)
    if not _isRoot(made):
        raise RootNotFound(f"{name} made no root: {made!r} does not provide IPBRoot")
    return made


def _isRoot(candidate: Any) -> bool:
    return isinstance(candidate, Portal) or IPBRoot(candidate, None) is not None


def _module(name: str) -> Any:
    # As "python program.py" does it; the script twistd puts its own directory there.
    directory = os.getcwd()
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise RootNotFound(f"there is no module {error.name!r}") from error
        raise RootNotFound(f"importing {name} raised {_described(error)}") from error
    except (Exception, SystemExit) as error:
        raise RootNotFound(f"importing {name} raised {_described(error)}") from error


def _attribute(module: Any, path: str) -> Any:
    try:
        return attrgetter(path)(module)
    except AttributeError as error:
        raise RootNotFound(f"module {module.__name__} has no {path!r}") from error


def _made(name: str, maker: Any) -> Any:
    try:
        return maker()
    except (Exception, SystemExit) as error:
        raise RootNotFound(f"calling {name} raised {_described(error)}") from error


def _described(error: BaseException) -> str:
    where = extract_tb(error.__traceback__)[-1]
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message} ({where.filename}, line {where.lineno})"

"""
Find an object from its name on a command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from traceback import extract_tb
from typing import Any

__all__ = ["NotFound", "find"]


class NotFound(Exception):
    """
    A name that stands for nothing of the kind. The message is one line, and
    says why.
    """


def find(name: str, kind: str, needs: str, fits: Callable[[Any], bool]) -> Any:
    """
    Find an object of some kind, or make it.

    The module may also lie in the working directory.

    @param name: C{package.module:object}, where the object is of that kind, or
        is called without arguments to get one: a class or a function. It may
        be an attribute of an object: C{module:site.root}.
    @param kind: the kind in one word, for messages.
    @param needs: what those do that aren't of that kind, for messages.
    @param fits: whether an object is of that kind.
    @raise NotFound: when the name has another form, nothing goes by that name,
        importing the module or calling the object raises, or what comes out is
        of another kind.
    """
    moduleName, colon, path = name.partition(":")
    if not (moduleName and colon and path):
        raise NotFound(f"{name!r} is not of the form package.module:object")
    found = _attribute(_module(moduleName), path)
    if fits(found):
        return found
    if not callable(found):
        raise NotFound(f"{name} is no {kind} and cannot make one: {found!r} {needs}")
    made = _made(name, found)
    if not fits(made):
        raise NotFound(f"{name} made no {kind}: {made!r} {needs}")
    return made


def _module(name: str) -> Any:
    # As "python program.py" does it; the script twistd puts its own directory there.
    directory = os.getcwd()
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise NotFound(f"there is no module {error.name!r}") from error
        raise NotFound(f"importing {name} raised {_described(error)}") from error
    except (Exception, SystemExit) as error:
        raise NotFound(f"importing {name} raised {_described(error)}") from error


def _attribute(module: Any, path: str) -> Any:
    try:
        return attrgetter(path)(module)
    except AttributeError as error:
        raise NotFound(f"module {module.__name__} has no {path!r}") from error


def _made(name: str, maker: Any) -> Any:
    try:
        return maker()
    except (Exception, SystemExit) as error:
        raise NotFound(f"calling {name} raised {_described(error)}") from error


def _described(error: BaseException) -> str:
    where = extract_tb(error.__traceback__)[-1]
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message} ({where.filename}, line {where.lineno})"

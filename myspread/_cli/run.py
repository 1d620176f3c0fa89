"""
C{myspread run}
"""

from __future__ import annotations

import os
import runpy
import shutil
import sys
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from myspread._cli.status import Status
from myspread._cli.usage import CommandParser, UsageError
from myspread.substitution import SubstitutionRefused, environment, substitute

__all__ = ["runProgram"]

_USAGE = """[--tree] PROGRAM [ARGS...]
       myspread run [--tree] -m MODULE [ARGS...]"""

_EXAMPLES = """
myspread run twistd -ny server.tac
myspread run --tree buildbot start master
myspread run -m trial mypackage
"""

_DESCRIPTION = """\
PROGRAM is a console script, such as twistd or trial, or the path of a script.
With --tree, the Python processes that it starts run on myspread too.
"""


def runProgram(arguments: list[str]) -> int:
    """
    Run a program that uses twisted.spread, unchanged, on myspread.
    """
    if arguments[:1] in (["--help"], ["-h"]):
        # Options that come later are those of the program.
        CommandParser("run", _EXAMPLES, _USAGE, _DESCRIPTION).print_help()
        return Status.OK
    arguments = list(arguments)
    if arguments[:1] == ["--tree"]:
        del arguments[0]
        os.environ.update(environment())
    isModule = arguments[:1] == ["-m"]
    if isModule:
        del arguments[0]
    if not arguments or arguments[0].startswith("-"):
        raise UsageError("run what? see: myspread run --help")
    try:
        substitute()
    except SubstitutionRefused as error:
        print(f"myspread: {error}", file=sys.stderr)
        return Status.ERROR
    if isModule:
        return _runModule(arguments)
    return _runScript(arguments)


def _runModule(arguments: list[str]) -> int:
    name = arguments[0]
    _firstOnPath(os.getcwd())
    if not _isThere(name):
        raise UsageError(f"there is no module {name!r}")
    if _isPackage(name) and not _isThere(f"{name}.__main__"):
        raise UsageError(f"the package {name!r} has no __main__, so it can't be run")
    sys.argv = arguments
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return Status.OK


def _isThere(module: str) -> bool:
    """Whether there is a module of this name. Those that it lies in are imported."""
    if not all(module.split(".")):
        return False
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError as error:
        # Another one that is missing is the program's own mistake.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        return False


def _isPackage(module: str) -> bool:
    spec = find_spec(module)
    return spec is not None and spec.submodule_search_locations is not None


def _runScript(arguments: list[str]) -> int:
    name = arguments[0]
    isPath = os.sep in name
    found = None if isPath else shutil.which(name)
    entry = None if isPath else _consoleScript(name)
    path = found or name
    if entry is None and not os.path.isfile(path):
        raise UsageError(f"there is no program {name!r}: neither a console script nor a file")
    _standIn(path, arguments)
    if entry is not None:
        sys.exit(entry.load()())
    if not _isPython(path):
        raise UsageError(f"{path} is no Python program; try: myspread environment --help")
    runpy.run_path(path, run_name="__main__")
    return Status.OK


def _standIn(path: str, arguments: list[str]) -> None:
    """Let C{sys} look as if Python had been started with a script."""
    sys.argv = [path, *arguments[1:]]
    _firstOnPath(os.path.dirname(os.path.abspath(path)))


def _firstOnPath(directory: str) -> None:
    """In place of the directory of our own program."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = directory


def _consoleScript(name: str) -> EntryPoint | None:
    """The console script of this name that is installed for this interpreter."""
    return next(iter(entry_points(group="console_scripts", name=name)), None)


def _isPython(path: str) -> bool:
    """Whether a file is a Python program, by its name or its first line."""
    if path.endswith((".py", ".pyw")):
        return True
    with open(path, "rb") as script:
        return b"python" in script.readline(256)

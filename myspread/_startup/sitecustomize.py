"""
What a Python process runs at its start when this directory is on C{PYTHONPATH}.

If C{MYSPREAD_SUBSTITUTE} is set to C{1}, the first import of C{twisted.spread},
or of myspread, makes the one the other. A process that imports neither loads
nothing more than this file. Any other C{sitecustomize} on the path then runs as
if this one weren't there.

@see: L{myspread.substitution.environment}
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any


class SubstitutingLoader(Loader):
    """
    Loads a package as its own loader does, and substitutes once it is loaded:
    before that, the package couldn't be imported from.
    """

    def __init__(self, loader: Any) -> None:
        """
        @param loader: the package's own.
        """
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """What the package's own loader creates."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """
        Load the package, then substitute.

        @raise ModuleNotFoundError: when this interpreter has no myspread.
        """
        self._loader.exec_module(module)
        import_module("myspread.substitution").substitute()


class FirstImport(MetaPathFinder):
    """
    Waits for the first import of either package.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the two packages, once; leave all else to others."""
        if fullname not in ("twisted.spread", "myspread"):
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = SubstitutingLoader(spec.loader)
        return spec


def runNext(here: str) -> None:
    """
    Run the next C{sitecustomize} on the path, under that name.

    @param here: the directory of this file.
    """
    paths = [path for path in sys.path if os.path.abspath(path) != here]
    spec = PathFinder.find_spec("sitecustomize", paths)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if os.environ.get("MYSPREAD_SUBSTITUTE") == "1":
    sys.meta_path.insert(0, FirstImport())
runNext(os.path.dirname(os.path.abspath(__file__)))

"""
The order of the rooms: which parts of the package may import which.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

import myspread

PACKAGE = Path(myspread.__file__).parent

ORDER = (
    # Imports nothing of the package: it loads what it substitutes by name.
    "substitution",
    "__init__",
    "_native",
    "_errors",
    "limits",
    "interfaces",
    "_wirenames",
    "security",
    "_codec",
    "_jelly",
    "_flavors",
    "_peer",
    "_net",
    "_login",
    "_factories",
    "banana",
    "jelly",
    "flavors",
    "pb",
    "util",
    "publish",
    "accounts",
    "testing",
    "_service",
    "_cli",
    "__main__",
    # No package, but a directory for PYTHONPATH.
    "_startup",
)
"""Each of these imports only from those before it."""

STRANGERS = {("_jelly", "_codec")}
"""Who doesn't import whom, although the order would allow it."""

MIRRORS = ("banana", "jelly", "flavors", "pb", "util", "publish")
"""What only users, and the rooms after these, import."""

REACTOR = ("_factories.reactor", "twisted.internet")
"""The one import that is inside a function."""

IMPORT_EACH = """
import os, sys, traceback, warnings

import twisted.internet.defer, twisted.application.service, twisted.cred.portal, twisted.internet.endpoints
import twisted.spread.pb, twisted.spread.publish, twisted.spread.util

warnings.simplefilter("error")
for module in sys.argv[1:]:
    process = os.fork()
    if not process:
        try:
            __import__(module)
            if "twisted.internet.reactor" in sys.modules:
                print(module, "installs a reactor")
        except BaseException:
            print(module, traceback.format_exc())
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(process, 0)
"""
"""
Imports every module that is named into a process that has none of the others,
and prints what goes wrong.
"""


class Module(NamedTuple):
    """
    One module of the package.

    @ivar name: its name, without that of the package.
    @ivar tree: its source.
    """

    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The part of the package that it belongs to."""
        return self.name.partition(".")[0]


class Import(NamedTuple):
    """
    One import statement.

    @ivar module: where it stands.
    @ivar line: the line there.
    @ivar target: the name of the module that is imported.
    @ivar atTop: whether it stands outside of everything.
    """

    module: Module
    line: int
    target: str
    atTop: bool

    def __str__(self) -> str:
        return f"myspread.{self.module.name}, line {self.line}: imports {self.target}"

    @property
    def room(self) -> str | None:
        """The part of the package that is imported; None for other packages."""
        package, _, name = self.target.partition(".")
        return (name.partition(".")[0] or "__init__") if package == "myspread" else None


def modules() -> list[Module]:
    """All modules of the package."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        found.append(Module(name, ast.parse(path.read_text(encoding="utf-8"))))
    return found


def exists(name: str) -> bool:
    """Whether a dotted name is a module of the package."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def targets(statement: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(statement, ast.Import):
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        origin = "." * statement.level + (statement.module or "")
        inner = [f"{origin}.{alias.name}" for alias in statement.names]
        return [name if exists(name) else origin for name in inner]
    return []


def imports(module: Module) -> Iterator[Import]:
    """All imports of a module."""
    for statement in ast.walk(module.tree):
        for target in targets(statement):
            yield Import(module, getattr(statement, "lineno", 0), target, statement in module.tree.body)


class ImportTests(SynchronousTestCase):
    """
    The package is built in layers.
    """

    def setUp(self) -> None:
        self.modules = modules()
        self.imports = [each for module in self.modules for each in imports(module)]

    def assertNone(self, offenders: list[Import]) -> None:
        """Fail with the list of what should not be."""
        self.assertEqual([], sorted({str(each) for each in offenders}))

    def test_everythingIsLookedAt(self) -> None:
        """Every room is found, and its imports."""
        self.assertLess({"_codec", "_peer", "pb", "_service"}, {module.room for module in self.modules})
        self.assertIn("_peer", {each.room for each in self.imports if each.module.room == "_net"})
        self.assertIn("interfaces", {each.room for each in self.imports if each.module.room == "pb"})

    def test_roomsAreKnown(self) -> None:
        """Every room has its place in the order."""
        self.assertEqual({module.room for module in self.modules} - set(ORDER), set())

    def test_order(self) -> None:
        """Each room imports from those before it, and never back."""
        self.assertNone(
            [
                each
                for each in self.imports
                if each.room is not None and ORDER.index(each.room) > ORDER.index(each.module.room)
            ]
        )

    def test_strangers(self) -> None:
        """Codec and jelly know nothing of each other."""
        self.assertNone([each for each in self.imports if (each.module.room, each.room) in STRANGERS])

    def test_mirrorsAreForUsers(self) -> None:
        """The modules that mirror C{twisted.spread} hold names; the engine doesn't need them."""
        engine = ORDER[: ORDER.index(MIRRORS[0])]
        self.assertNone(
            [each for each in self.imports if each.room in MIRRORS and each.module.room in engine]
        )

    def test_noRelativeImports(self) -> None:
        """Every import says in full where it goes."""
        self.assertNone([each for each in self.imports if each.target.startswith(".")])

    def test_importsAtTop(self) -> None:
        """All imports stand at the top of their module, but for the one that installs a reactor."""
        inside = [each for each in self.imports if not each.atTop]
        self.assertEqual([(each.module.name, each.target) for each in inside], [REACTOR])

    def test_withoutInputAndOutput(self) -> None:
        """Below the network, nothing knows protocols or the reactor."""
        below = ORDER[: ORDER.index("_net")]
        network = {"twisted.internet.protocol", "twisted.internet.reactor", "socket"}
        self.assertNone(
            [
                each
                for each in self.imports
                if each.module.room in below and (each.target in network or each.target == "twisted.internet")
            ]
        )

    def test_importedAlone(self) -> None:
        """Each module can be imported first, without a warning, and without a reactor."""
        inner = [module.name for module in self.modules if module.name not in ("__init__", "__main__")]
        names = ["myspread", *(f"myspread.{name}" for name in inner)]
        process = subprocess.run(
            [sys.executable, "-c", IMPORT_EACH, *names],
            cwd=PACKAGE.parent,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual((process.returncode, process.stdout, process.stderr), (0, "", ""))

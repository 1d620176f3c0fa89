"""
Every public name that only myspread has is used in an example that runs: in a
program of C{docs/examples}, in a snippet of the pages, or in the README.
"""

from __future__ import annotations

import ast
import re
from importlib import import_module
from textwrap import dedent

from twisted.spread import banana, flavors, interfaces, jelly, pb, publish, util
from twisted.trial.unittest import SynchronousTestCase

from tests.docs.test_snippets import DOCS, snippetsIn

STOCK = {
    name
    for module in (banana, flavors, interfaces, jelly, pb, publish, util)
    for name in dir(module)
    if not name.startswith("_")
}
"""Names that C{twisted.spread} has, too."""

WITHOUT: dict[str, str] = {}
"""Names that no example has, and why."""


def publicModules() -> list[str]:
    """The modules that the reference documents, in its order. It needs Sphinx, and is only read here."""
    tree = ast.parse((DOCS / "_ext" / "publicnames.py").read_text(encoding="utf-8"))
    [modules] = [
        statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "MODULES"
    ]
    found: list[str] = ast.literal_eval(modules)
    return found


def publicNames() -> dict[str, str]:
    """By name, in which public module it is first, of those that C{twisted.spread} hasn't."""
    found: dict[str, str] = {}
    for module in publicModules():
        for name in import_module(module).__all__:
            if name not in STOCK:
                found.setdefault(name, module)
    return found


def sources() -> list[str]:
    """The code of all examples."""
    programs = [path.read_text(encoding="utf-8") for path in sorted((DOCS / "examples").rglob("*.py"))]
    programs += [path.read_text(encoding="utf-8") for path in sorted((DOCS / "examples").rglob("*.tac"))]
    readme = (DOCS.parent / "README.rst").read_text(encoding="utf-8")
    programs += map(dedent, re.findall(r"^\.\. code:: python\n\n((?:(?:    .*)?\n)+)", readme, re.MULTILINE))
    for page in sorted(DOCS.rglob("*.rst")):
        programs += [withoutPrompts(source) for _, source in snippetsIn(page)]
    return programs


def withoutPrompts(source: str) -> str:
    """What is typed in a session; a program as it is."""
    if not source.lstrip().startswith(">>>"):
        return source
    typed = [line[4:] for line in source.split("\n") if line.startswith((">>>", "..."))]
    return "\n".join(typed)


def namesIn(source: str) -> set[str]:
    """The names that a program uses, those that it only imports left out."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


class PublicNameTests(SynchronousTestCase):
    """
    Every public name has an example.
    """

    def test_everyName(self) -> None:
        """Each is used somewhere; those that aren't are listed, with the reason."""
        used: set[str] = set().union(*map(namesIn, sources()))
        lacking = {f"{module}.{name}" for name, module in publicNames().items() if name not in used}
        self.assertEqual(lacking, set(WITHOUT))

    def test_namesAreFound(self) -> None:
        """Names are found in programs, sessions, and nowhere else."""
        names = publicNames()
        self.assertIn("session", names)
        self.assertNotIn("Referenceable", names)
        self.assertGreater(len(names), 60)
        self.assertEqual(namesIn("from a import b, c\nd(c.e)\n# f"), {"d", "c", "e"})
        self.assertEqual(withoutPrompts(">>> a(\n...     b)\n5\n>>> c\n"), "a(\n    b)\nc")

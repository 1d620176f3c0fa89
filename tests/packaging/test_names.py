"""
Every public name of C{twisted.spread} exists here, and is called in the same way.

What has to exist is computed from the installed Twisted, so that a newer one
shows what is missing.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from inspect import Parameter
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

MODULES = ("banana", "jelly", "flavors", "pb", "util", "publish", "interfaces")

NAMED = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
COLLECTING = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)

DIFFERENT = {
    f"{cls} {problem}"
    for cls in ("Banana", "Broker")
    for problem in (
        # How stock parses: our decoder is an object of its own.
        "has no buffer",
        "has no gotItem",
        # The variables of a loop in the body of stock's class.
        "has no k",
        "has no v",
    )
} | {
    # IProtocol's name for it.
    f"{cls}.dataReceived takes data in the place of chunk"
    for cls in ("Banana", "Broker")
}
"""What is not as in C{twisted.spread}, and why."""


def stock(module: str) -> Any:
    """A module of C{twisted.spread}."""
    return import_module(f"twisted.spread.{module}")


def ours(module: str) -> Any:
    """The module of the same name here."""
    return import_module(f"myspread.{module}")


def bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement of a module defines."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        for each in ast.walk(statement):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                yield each.id
    elif isinstance(statement, (ast.If, ast.Try)):
        for inner in ast.iter_child_nodes(statement):
            if isinstance(inner, ast.stmt):
                yield from bound(inner)


def publicNames(module: str) -> list[str]:
    """The names that a module of C{twisted.spread} defines or exports."""
    loaded = stock(module)
    tree = ast.parse(Path(loaded.__file__).read_text(encoding="utf-8"))
    defined = {name for statement in tree.body for name in bound(statement)}
    public = {name for name in defined if not name.startswith("_")} | set(getattr(loaded, "__all__", ()))
    return sorted(name for name in public if hasattr(loaded, name))


def named(parameters: list[Parameter]) -> list[Parameter]:
    """Those that have a place."""
    return [each for each in parameters if each.kind in NAMED]


def differences(old: inspect.Signature, new: inspect.Signature) -> Iterator[str]:
    """
    Why a call that fits the old signature may not fit the new one.
    """
    before, after = list(old.parameters.values()), list(new.parameters.values())
    for index, parameter in enumerate(named(before)):
        if index >= len(named(after)):
            yield f"has no place for {parameter.name}"
            continue
        counterpart = named(after)[index]
        if counterpart.name != parameter.name:
            yield f"takes {counterpart.name} in the place of {parameter.name}"
        if counterpart.kind is Parameter.POSITIONAL_ONLY is not parameter.kind:
            yield f"takes {parameter.name} by its place only"
        if parameter.default is not Parameter.empty is counterpart.default:
            yield f"needs {parameter.name}"
    for extra in named(after)[len(named(before)) :]:
        if extra.default is Parameter.empty:
            yield f"needs {extra.name} too"
    keywords = {each.name for each in before if each.kind is Parameter.KEYWORD_ONLY}
    for keyword in (each for each in after if each.kind is Parameter.KEYWORD_ONLY):
        if keyword.name not in keywords and keyword.default is Parameter.empty:
            yield f"needs {keyword.name} too"
    for keyword in keywords - new.parameters.keys():
        yield f"does not take {keyword}"
    for kind in {each.kind for each in before if each.kind in COLLECTING} - {each.kind for each in after}:
        yield f"does not take any {kind.description}"


def called(old: Any, new: Any) -> Iterator[str]:
    """
    Why a call of the one may not be a call of the other.
    """
    try:
        signature = inspect.signature(old)
    except ValueError:
        # A class that is written in C.
        return
    yield from differences(signature, inspect.signature(new))


def publicAttributes(cls: type) -> list[str]:
    """The names of a class for those who use it and those who extend it."""
    return [name for name in dir(cls) if not name.startswith("_")]


def compared(name: str, old: Any, new: Any) -> Iterator[str]:
    """
    How something differs from its counterpart, for its users.
    """
    if old is new:
        return
    if not callable(old):
        if isinstance(old, (int, float, str, bytes)) and old != new:
            yield f"{name} is {new!r}, not {old!r}"
        return
    if not callable(new):
        yield f"{name} cannot be called"
        return
    yield from (f"{name} {difference}" for difference in called(old, new))
    if not isinstance(old, type):
        return
    for attribute in publicAttributes(old):
        if not hasattr(new, attribute):
            yield f"{name} has no {attribute}"
        elif inspect.isroutine(getattr(old, attribute)):
            yield from compared(f"{name}.{attribute}", getattr(old, attribute), getattr(new, attribute))


class NameTests(SynchronousTestCase):
    """
    The modules of C{twisted.spread} have their counterparts.
    """

    def test_namesAreFound(self) -> None:
        """Constants, functions, classes and what is exported are all looked at."""
        self.assertLess({"SIZE_LIMIT", "encode", "Banana"}, set(publicNames("banana")))
        self.assertLess({"Broker", "portno", "respond"}, set(publicNames("pb")))
        self.assertLess({"IJellyable"}, set(publicNames("interfaces")))

    def test_names(self) -> None:
        """Every public name exists."""
        missing = [
            f"{module}.{name}"
            for module in MODULES
            for name in publicNames(module)
            if not hasattr(ours(module), name)
        ]
        self.assertEqual(missing, [])

    def test_objects(self) -> None:
        """Every object can be used as its counterpart: it has its methods, and takes its arguments."""
        problems = {
            problem
            for module in MODULES
            for name in publicNames(module)
            if hasattr(ours(module), name)
            for problem in compared(name, getattr(stock(module), name), getattr(ours(module), name))
        }
        self.assertEqual(problems, DIFFERENT)


class DifferenceTests(SynchronousTestCase):
    """
    What makes a signature another one.
    """

    def assertDifferent(self, old: Any, new: Any, *problems: str) -> None:
        """Hold two functions to their differences."""
        self.assertEqual(list(called(old, new)), list(problems))

    def test_same(self) -> None:
        """A superset is as good as the same."""
        self.assertDifferent(lambda a, b=1: 0, lambda a, b=1: 0)
        self.assertDifferent(lambda a, b=1: 0, lambda a=0, b=2, c=3, *d, e=4, **f: 0)
        self.assertDifferent(lambda *a, k, **b: 0, lambda *c, k, **d: 0)

    def test_arguments(self) -> None:
        """An argument must have the same place and name, and be wanted no more than it was."""
        self.assertDifferent(lambda a, b: 0, lambda a: 0, "has no place for b")
        self.assertDifferent(lambda a: 0, lambda b: 0, "takes b in the place of a")
        self.assertDifferent(lambda a=1: 0, lambda a: 0, "needs a")
        self.assertDifferent(lambda a: 0, lambda a, /: 0, "takes a by its place only")

    def test_additions(self) -> None:
        """Nothing more may be needed."""
        self.assertDifferent(lambda: 0, lambda a: 0, "needs a too")
        self.assertDifferent(lambda: 0, lambda *, a: 0, "needs a too")

    def test_anything(self) -> None:
        """What took anything still has to."""
        self.assertDifferent(lambda *a: 0, lambda: 0, "does not take any variadic positional")
        self.assertDifferent(lambda **a: 0, lambda: 0, "does not take any variadic keyword")
        self.assertDifferent(lambda *, a=1: 0, lambda: 0, "does not take a")

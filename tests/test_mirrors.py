"""
Tests for the modules that bear the names of C{twisted.spread}'s.
"""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.trial.unittest import TestCase
from zope.interface.interface import InterfaceClass

import myspread
from myspread import banana, jelly, limits, pb

MODULES = ("banana", "flavors", "interfaces", "jelly", "pb", "publish", "util")


def pair(name: str) -> tuple[ModuleType, Any]:
    """Our module, and stock's."""
    return import_module(f"myspread.{name}"), import_module(f"twisted.spread.{name}")


def publicNames(module: ModuleType) -> set[str]:
    """The names that a module defines or declares public."""
    declared = set(getattr(module, "__all__", ()))
    defined = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    }
    return declared | defined


class NamesTests(TestCase):
    """
    Every public name of stock exists here.
    """

    def test_names(self) -> None:
        """What a program imports from a module of stock it can import from ours."""
        for name in MODULES:
            ours, stock = pair(name)
            missing = {each for each in publicNames(stock) if not hasattr(ours, each)}
            self.assertEqual(missing, set(), name)

    def test_all(self) -> None:
        """What a module says it has, it has; in order and once."""
        for name in MODULES:
            ours, _ = pair(name)
            for each in ours.__all__:
                self.assertTrue(hasattr(ours, each), each)
            self.assertEqual(len(ours.__all__), len(set(ours.__all__)))

    def test_noLogic(self) -> None:
        """The mirrors define no function or class of their own, but for interfaces."""
        for name in MODULES:
            ours, _ = pair(name)
            tree = ast.parse(Path(inspect.getfile(ours)).read_text(encoding="utf-8"))
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            defined = {each.name for each in tree.body if isinstance(each, kinds)}
            interfaces = {each for each in defined if isinstance(getattr(ours, each), InterfaceClass)}
            self.assertEqual(defined - interfaces, set())

    def test_exceptions(self) -> None:
        """Exceptions and interfaces are stock's own, so that both can be caught and provided alike."""
        for module, names in (
            ("pb", ("Error", "DeadReferenceError", "PBConnectionLost", "ProtocolError", "RemoteError")),
            ("pb", ("IPBRoot", "IPerspective", "IUsernameMD5Password", "NoSuchMethod")),
            ("jelly", ("InsecureJelly", "IJellyable", "IUnjellyable")),
            ("flavors", ("NoSuchMethod", "IPBRoot")),
            ("banana", ("BananaError",)),
            ("interfaces", ("IJellyable", "IUnjellyable")),
        ):
            ours, stock = pair(module)
            for name in names:
                expected = getattr(stock, name, None) or getattr(pair("flavors")[1], name)
                self.assertIs(getattr(ours, name), expected)

    def test_constants(self) -> None:
        """Constants have stock's values, and those of our own limits."""
        for module, names in (
            ("banana", ("SIZE_LIMIT", "HIGH_BIT_SET", "LIST", "INT", "STRING", "NEG", "FLOAT", "LONGINT")),
            ("banana", ("LONGNEG", "VOCAB")),
            ("pb", ("MAX_BROKER_REFS", "portno")),
            ("jelly", ("None_atom", "class_atom", "tuple_atom", "dictionary_atom", "reference_atom")),
            ("flavors", ("copy_atom", "cache_atom", "cached_atom", "remote_atom")),
        ):
            ours, stock = pair(module)
            for name in names:
                self.assertEqual(getattr(ours, name), getattr(stock, name), name)
        self.assertEqual(pb.MAX_BROKER_REFS, limits.Limits().references)
        self.assertEqual(banana.SIZE_LIMIT, limits.Limits().stringLength)
        self.assertEqual(banana.SIZE_LIMIT, limits.Limits().listLength)

    def test_oneRegistry(self) -> None:
        """The registries are the same, whichever module they are reached through."""
        flavors = import_module("myspread.flavors")
        self.assertIs(pb.copyTags, jelly.unjellyableRegistry)
        self.assertIs(flavors.unjellyableRegistry, jelly.unjellyableRegistry)
        self.assertIs(pb.setCopierForClass, jelly.setUnjellyableForClass)
        self.assertIs(pb.setFactoryForClass, jelly.setUnjellyableFactoryForClass)
        self.assertIs(pb.setCopierForClassTree, jelly.setUnjellyableForClassTree)
        self.assertIs(pb.globalSecurity, jelly.globalSecurity)

    def test_positional(self) -> None:
        """Positional parameters have stock's order; what is ours is keyword-only."""
        for module, names in (
            ("pb", ("Broker", "PBServerFactory", "PBClientFactory", "respond", "RemoteReference", "Local")),
            ("pb", ("AsReferenceable", "failure2Copyable")),
            ("util", ("StringPager", "FilePager", "CallbackPageCollector", "getAllPages")),
            ("flavors", ("ViewPoint", "RemoteCacheObserver", "RemoteCacheMethod")),
            ("banana", ("Banana", "setPrefixLimit")),
        ):
            ours, stock = pair(module)
            for name in names:
                theirs = self.positional(getattr(stock, name))
                mine = self.positional(getattr(ours, name))
                self.assertEqual(mine[: len(theirs)], theirs, name)

    def positional(self, callable: Any) -> list[str]:
        """The names of the positional parameters."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [each.name for each in inspect.signature(callable).parameters.values() if each.kind in kinds]


class PackageTests(TestCase):
    """
    The package itself.
    """

    def test_documented(self) -> None:
        """The package and each of the mirrors say what they are."""
        for module in [myspread, *[pair(name)[0] for name in MODULES]]:
            self.assertTrue((module.__doc__ or "").strip(), module.__name__)

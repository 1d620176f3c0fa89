"""
Tests of L{myspread._service.roots}.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from twisted.cred.portal import Portal
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.named import NotFound
from myspread._service.roots import findRoot
from myspread.interfaces import IPBRoot

SITE = """
from twisted.cred.portal import Portal
from twisted.spread import pb as stock
from zope.interface import implementer

from myspread import pb


class Site(pb.Root):
    pass


class Callable(pb.Root):
    def __call__(self):
        raise AssertionError("it is a root already")


@implementer(pb.IPBRoot)
class Bare:
    def rootObject(self, broker):
        return self


class Shelf:
    site = Site()


class StockSite(stock.Root):
    pass


def makeSite():
    return Site()


def makePortal():
    return Portal(None)


def makeNothing():
    pass


def breakDown():
    raise OSError("no\\nluck")


def makeWith(argument):
    return Site()


site = Site()
portal = Portal(None)
called = Callable()
number = 7
"""


class FindRootTests(SynchronousTestCase):
    """
    L{findRoot} gives a root, or one line that says why there is none.
    """

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.patch(sys, "path", list(sys.path))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        self.write("rootsite.py", SITE)

    def write(self, name: str, text: str) -> Path:
        """
        Put a module in the working directory, to be forgotten after the test.

        @return: its path.
        """
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        self.addCleanup(sys.modules.pop, name.removesuffix(".py").replace("/", "."), None)
        return path

    def refusal(self, name: str) -> str:
        """What L{findRoot} says to a name that is refused: one line."""
        message = str(self.assertRaises(NotFound, findRoot, name))
        self.assertNotIn("\n", message)
        return message

    def test_provider(self) -> None:
        """A root is served as it is, even if it could be called."""
        self.assertIs(findRoot("rootsite:site"), sys.modules["rootsite"].site)
        self.assertIs(findRoot("rootsite:called"), sys.modules["rootsite"].called)

    def test_class(self) -> None:
        """A class makes a root."""
        self.assertEqual(type(findRoot("rootsite:Site")).__name__, "Site")
        self.assertTrue(IPBRoot.providedBy(findRoot("rootsite:Bare")))

    def test_stockClass(self) -> None:
        """So does a class of C{twisted.spread}."""
        self.assertEqual(type(findRoot("rootsite:StockSite")).__name__, "StockSite")

    def test_function(self) -> None:
        """So does a function."""
        self.assertEqual(type(findRoot("rootsite:makeSite")).__name__, "Site")

    def test_portal(self) -> None:
        """A portal is as good as a root."""
        self.assertIs(findRoot("rootsite:portal"), sys.modules["rootsite"].portal)
        self.assertIsInstance(findRoot("rootsite:makePortal"), Portal)

    def test_attributeOfAttribute(self) -> None:
        """An object may lie inside another."""
        self.assertIs(findRoot("rootsite:Shelf.site"), sys.modules["rootsite"].Shelf.site)

    def test_moduleOfPackage(self) -> None:
        """The module may be part of a package."""
        self.write("rootpackage/__init__.py", "")
        self.write("rootpackage/inner.py", SITE)
        self.assertEqual(type(findRoot("rootpackage.inner:Site")).__name__, "Site")

    def test_workingDirectoryStaysFindable(self) -> None:
        """What the root imports later is found although a daemon has gone elsewhere."""
        findRoot("rootsite:site")
        os.chdir("/")
        self.assertIn(str(self.directory), sys.path)
        self.assertEqual(sys.path.count(str(self.directory)), 1)

    def test_otherForm(self) -> None:
        """A name is a module and an object."""
        for name in ("rootsite", "rootsite:", ":site", ""):
            self.assertEqual(self.refusal(name), f"{name!r} is not of the form package.module:object")

    def test_noModule(self) -> None:
        """The module that isn't there is named, be it the package or what is in it."""
        self.assertEqual(self.refusal("rootnowhere:site"), "there is no module 'rootnowhere'")
        self.assertEqual(self.refusal("rootnowhere.inner:site"), "there is no module 'rootnowhere'")
        self.write("rootpackage/__init__.py", "")
        self.assertEqual(self.refusal("rootpackage.nowhere:site"), "there is no module 'rootpackage.nowhere'")

    def test_relativeModule(self) -> None:
        """A module name is absolute."""
        self.assertIn("importing .rootsite raised TypeError: ", self.refusal(".rootsite:site"))

    def test_moduleLacksAnother(self) -> None:
        """When the module itself imports what isn't there, its line is named."""
        path = self.write("rootlacking.py", "\nimport rootsite_nowhere\n")
        self.assertEqual(
            self.refusal("rootlacking:site"),
            "importing rootlacking raised ModuleNotFoundError: No module named 'rootsite_nowhere' "
            f"({path}, line 2)",
        )

    def test_moduleRaises(self) -> None:
        """When the module raises, the error and its line are named."""
        path = self.write("rootbroken.py", "\n\n1 / 0\n")
        self.assertEqual(
            self.refusal("rootbroken:site"),
            f"importing rootbroken raised ZeroDivisionError: division by zero ({path}, line 3)",
        )

    def test_moduleExits(self) -> None:
        """A program that runs when it is imported is no module to take a root from."""
        self.write("rootexits.py", "raise SystemExit(3)\n")
        self.assertIn("importing rootexits raised SystemExit: 3 ", self.refusal("rootexits:site"))

    def test_noAttribute(self) -> None:
        """The object that isn't there is named."""
        self.assertEqual(self.refusal("rootsite:nothing"), "module rootsite has no 'nothing'")
        self.assertEqual(self.refusal("rootsite:site.nothing"), "module rootsite has no 'site.nothing'")

    def test_neitherRootNorCallable(self) -> None:
        """An object must be a root or make one."""
        self.assertEqual(
            self.refusal("rootsite:number"),
            "rootsite:number is no root and cannot make one: 7 does not provide IPBRoot",
        )

    def test_madeNoRoot(self) -> None:
        """What a callable makes must be a root."""
        self.assertEqual(
            self.refusal("rootsite:makeNothing"),
            "rootsite:makeNothing made no root: None does not provide IPBRoot",
        )

    def test_makerRaises(self) -> None:
        """When the callable raises, the error and its line are named, on one line."""
        path = self.directory / "rootsite.py"
        line = SITE.splitlines().index('    raise OSError("no\\nluck")') + 1
        self.assertEqual(
            self.refusal("rootsite:breakDown"),
            f"calling rootsite:breakDown raised OSError: no luck ({path}, line {line})",
        )

    def test_makerWantsArguments(self) -> None:
        """A callable gets no arguments."""
        self.assertIn(
            "calling rootsite:makeWith raised TypeError: makeWith() missing 1 required positional argument",
            self.refusal("rootsite:makeWith"),
        )

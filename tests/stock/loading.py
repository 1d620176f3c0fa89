"""
Turn the test modules of C{twisted.spread} into tests of myspread.
"""

from __future__ import annotations

import linecache
import re
import unittest
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.stock.excluded import EXCLUDED

__all__ = ["MODULES", "loadStockTests", "stockSource"]

MODULES = ("test_banana", "test_jelly", "test_pb", "test_pbfailure")
"""The modules of C{twisted.spread.test} that are run."""


def stockSource(module: str, package: str, testPackage: str) -> str:
    """
    The source of one of Twisted's test modules, with other module names.

    @param module: the last part of its name.
    @param package: what stands where C{twisted.spread} stood.
    @param testPackage: what stands where C{twisted.spread.test} stood: the
        tests expect the qualified names of their own classes on the wire.
    @return: the changed text, line for line.
    @raise LookupError: when the installed Twisted has no such module.
    """
    spec = find_spec(f"twisted.spread.test.{module}")
    if spec is None or spec.origin is None:
        raise LookupError(f"this Twisted ships no twisted.spread.test.{module}")
    source = Path(spec.origin).read_text(encoding="utf-8")
    source = re.sub(r"\btwisted\.spread\.test\.", f"{testPackage}.", source)
    source = re.sub(r"\btwisted\.spread\b", package, source)
    return source


def loadStockTests(namespace: dict[str, Any], package: str = "myspread") -> None:
    """
    Fill the namespace of a module with the stock tests of the same name.

    Each excluded test is replaced by one that fails as soon as the original
    passes, under its name with C{_isExcluded} added.

    @param namespace: the C{globals()} of the module.
    @param package: the package to test.
    """
    testPackage, module = namespace["__name__"].rsplit(".", 1)
    source = stockSource(module, package, testPackage)
    # Trial finds the warnings that a test caused by the file of its module, so
    # that file is where the code, and every traceback, must seem to stand.
    path = namespace["__file__"]
    linecache.cache[path] = (len(source), None, source.splitlines(True), path)
    exec(compile(source, path, "exec", dont_inherit=True), namespace)  # noqa: S102 - Twisted's own source
    for helper in [each for each in namespace.values() if isinstance(each, type)]:
        if helper.__module__ == namespace["__name__"] and not issubclass(helper, unittest.TestCase):
            helper.__test__ = False  # for pytest, which goes by the name
    for klass, method, reason in excludedIn(module):
        if hasattr(namespace.get(klass), method):
            exclude(namespace[klass], method, reason)


def excludedIn(module: str) -> Iterator[tuple[str, str, str]]:
    """
    Class, method and reason of each test in a module that is excluded.
    """
    for identifier, reason in EXCLUDED.items():
        where, klass, method = identifier.split(".")
        if where == module:
            yield klass, method, reason


def exclude(klass: type, method: str, reason: str) -> None:
    """
    Replace a test of a class by its opposite.

    Classes that inherit the test from elsewhere keep theirs: only this one
    loses it.
    """
    original = getattr(klass, method)
    setattr(klass, f"{method}_isExcluded", expectingFailure(original, reason))
    setattr(klass, method, None)


def expectingFailure(original: Callable[[Any], object], reason: str) -> Callable[[TestCase], Deferred[None]]:
    """
    A test that passes when C{original} fails, or has logged an error.
    """

    def stillFails(case: TestCase) -> Deferred[None]:
        def passed(_: object) -> None:
            if not case.flushLoggedErrors():
                SynchronousTestCase.fail(case, f"passes now, so exclude it no more: {reason}")

        def failed(_: object) -> None:
            case.flushLoggedErrors()

        # What it logs when the original's own cleanups run counts as well.
        case.addCleanup(case.flushLoggedErrors)
        return maybeDeferred(original, case).addCallbacks(passed, failed)

    stillFails.__doc__ = f"Excluded: {reason}"
    return stillFails

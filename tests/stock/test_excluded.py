"""
The list of excluded tests is true: L{tests.stock.excluded}.
"""

from __future__ import annotations

import ast
from pkgutil import iter_modules

import twisted.spread.test
from twisted.python import log
from twisted.trial.unittest import SynchronousTestCase

from tests.stock.excluded import EXCLUDED
from tests.stock.loading import MODULES, expectingFailure, stockSource


def identifiersIn(module: str) -> set[str]:
    """
    The identifiers of the tests that a module of C{twisted.spread.test} has,
    those that a class inherits from another of the same module included.
    """
    source = stockSource(module, "twisted.spread", "twisted.spread.test")
    methods: dict[str, set[str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            own = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            bases = (base.id for base in node.bases if isinstance(base, ast.Name))
            methods[node.name] = own.union(*(methods.get(base, set()) for base in bases))
    return {
        f"{module}.{klass}.{name}"
        for klass, names in methods.items()
        for name in names
        if name.startswith("test")
    }


class ExcludedTests(SynchronousTestCase):
    """
    What is excluded exists, has a reason, and fails.
    """

    def test_everyModuleIsRun(self) -> None:
        """
        Each test module that this Twisted ships for C{twisted.spread} is run.
        """
        shipped = {info.name for info in iter_modules(twisted.spread.test.__path__)}
        self.assertEqual(shipped, set(MODULES))

    def test_eachExists(self) -> None:
        """
        Each excluded test is one that this Twisted has.
        """
        existing = set().union(*map(identifiersIn, MODULES))
        self.assertEqual(set(EXCLUDED) - existing, set())

    def test_eachHasAReason(self) -> None:
        """
        Each reason is a sentence.
        """
        for identifier, reason in EXCLUDED.items():
            with self.subTest(identifier):
                self.assertRegex(reason, r"^[A-Z].{20,}\.$")

    def test_passingIsNoticed(self) -> None:
        """
        An excluded test that passes fails.
        """
        passing = expectingFailure(lambda case: None, "it was wrong")
        failure = self.failureResultOf(passing(self), self.failureException)
        self.assertIn("it was wrong", str(failure.value))

    def test_failingIsExpected(self) -> None:
        """
        An excluded test that raises, or that logs an error, passes.
        """

        def raises(case: object) -> None:
            raise self.failureException("as ever")

        def logs(case: object) -> None:
            log.err(RuntimeError("as ever"))

        for original in (raises, logs):
            self.assertIsNone(self.successResultOf(expectingFailure(original, "x")(self)))
        self.assertEqual(self.flushLoggedErrors(), [])

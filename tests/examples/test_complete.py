"""
Tests for the set of examples as a whole.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial import unittest

from tests.examples.programs import EXAMPLES, stockSource


class CompletenessTests(unittest.TestCase):
    def test_everyProgramIsRun(self) -> None:
        """
        Each program is named in a test, or is imported by one that is.
        """
        paths = [path for path in EXAMPLES.rglob("*") if path.suffix in (".py", ".tac")]
        self.assertGreater(len(paths), 50)
        tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
        tests = re.sub(r"pb6client\{number\}", "pb6client1.py pb6client2", tests)
        sources = "".join(path.read_text() for path in paths)
        for path in paths:
            run = f'{path.name}"' in tests or f"{path.name} " in tests
            imported = re.search(rf"^(from|import) {path.stem}\b", sources, re.MULTILINE)
            self.assertTrue(run or imported, f"no test runs {path.relative_to(EXAMPLES)}")

    def test_everyProgramIsOnMyspread(self) -> None:
        """
        No program imports C{twisted.spread}, but for the one that substitutes
        it, and each says how it is run.
        """
        for path in EXAMPLES.rglob("*.py"):
            source = path.read_text()
            if path.parent.name != "substitute":
                self.assertNotIn("twisted.spread", source, str(path))
            self.assertTrue(source.startswith('"""\n'), str(path))


class StockSourceTests(unittest.TestCase):
    def test_imports(self) -> None:
        """
        Every form of import is rewritten.
        """
        self.assertEqual(
            stockSource("from myspread import pb\nfrom myspread.pb import Root\n", []),
            "from twisted.spread import pb\nfrom twisted.spread.pb import Root\n",
        )

    def test_replacement(self) -> None:
        """
        What was asked for is replaced.
        """
        self.assertEqual(stockSource("a(b)\n", [("b", "")]), "a()\n")

    def test_nothingToReplace(self) -> None:
        """
        A replacement that has outlived its program is an error.
        """
        self.assertRaises(ValueError, stockSource, "a(b)\n", [("c", "")])

    def test_leftover(self) -> None:
        """
        A program that would still need C{myspread} is an error.
        """
        self.assertRaises(ValueError, stockSource, "x = myspread.pb\n", [])

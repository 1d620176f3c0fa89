"""
The tests that Twisted ships for programs of its own which use C{twisted.spread}.
"""

from __future__ import annotations

import re

from tests.substitution.running import ProgramTestCase

SUITES = ("twisted.web.test.test_distrib", "twisted.words.test.test_service")


class TwistedTests(ProgramTestCase):
    """
    Each suite, unmodified, from the installed Twisted.
    """

    def counted(self, *runner: str, suite: str) -> str:
        """The last lines of C{trial}: how many tests ran, and how they ended."""
        ended = self.python(*runner, suite)
        self.assertEqual(ended.status, 0, ended.output)
        [count] = re.findall(r"Ran (\d+) tests in", ended.output)
        return f"{count} tests, {ended.output.strip().splitlines()[-1]}"

    def test_sameOnBoth(self) -> None:
        """As many tests pass on myspread as on C{twisted.spread}, and no test fails."""
        for suite in SUITES:
            with self.subTest(suite):
                stock = self.counted("-m", "twisted.trial", suite=suite)
                self.assertRegex(stock, r"^\d\d tests, PASSED \(successes=\d\d\)$")
                self.assertEqual(self.counted("-m", "myspread", "run", "trial", suite=suite), stock)

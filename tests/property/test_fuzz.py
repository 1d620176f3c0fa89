"""
The fuzzers, for a moment: all that the corpus has, and new cases. Run for hours,
with C{python -m tests.fuzz}, they find more; see C{docs/topics/testing.rst}.
"""

from __future__ import annotations

import os
from random import Random
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz import corpus
from tests.fuzz.generating import Generator, expressionsOf, written
from tests.fuzz.running import CHECKS, errorOf, kindOf, run, shortened

EXAMPLES = int(os.environ.get("EXAMPLES", "150"))
"""How many new cases each target gets."""

bounded = settings(
    deadline=None,
    database=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


class TargetTests(SynchronousTestCase):
    """
    What each target asks for holds.
    """

    def tearDown(self) -> None:
        """The targets look at the log themselves."""
        self.flushLoggedErrors()

    def assertHolds(self, target: str, case: bytes) -> None:
        """Check a case; tell how to run it again."""
        error = errorOf(CHECKS[target][0], case)
        if error is not None:
            command = f"python -m tests.fuzz --target {target} --case {case!r}"
            raise AssertionError(f"{type(error).__name__}: {error}\n{command}") from error

    def corpusHolds(self, target: str) -> None:
        """All that is known, of all targets."""
        for case in corpus.everyCase():
            self.assertHolds(target, case)

    def newCasesHold(self, target: str) -> None:
        """New cases."""
        known, words = corpus.everyCase(), CHECKS[target][1]

        @bounded
        @given(st.randoms(note_method_calls=False, use_true_random=False))
        def holds(random: Random) -> None:
            self.assertHolds(target, Generator(random, known, words).case())

        holds()


def _tests(target: str) -> None:
    def test_corpus(self: TargetTests) -> None:
        self.corpusHolds(target)

    def test_new(self: TargetTests) -> None:
        self.newCasesHold(target)

    test_corpus.__doc__ = f"C{{{target}}}, with all that is in the corpus."
    test_new.__doc__ = f"C{{{target}}}, with new cases."
    setattr(TargetTests, f"test_{target}", test_corpus)
    setattr(TargetTests, f"test_{target}_new", test_new)


for _target in CHECKS:
    _tests(_target)


class FuzzerTests(SynchronousTestCase):
    """
    The fuzzer finds what is there to find.
    """

    def test_found(self) -> None:
        """A mistake that a changed message brings about is found, and the case shortened."""

        def check(case: bytes) -> None:
            for expression in expressionsOf(case):
                assert not (isinstance(expression, list) and expression[:1] == [b"answer"]), "an answer"

        random = Random(1)
        generator = Generator(random, [written([[b"message", 1], [b"error", 2]])], [b"answer"])
        cases = [generator.case() for _ in range(2000)]
        failing = max((case for case in cases if errorOf(check, case)), key=len)
        error = errorOf(check, failing)
        assert error is not None
        short = shortened(check, failing, kindOf(error))
        self.assertLess(len(short), 10)
        self.assertIsNotNone(errorOf(check, short))

    def test_sameSeed(self) -> None:
        """The same seed makes the same cases; they are of many kinds."""
        known = corpus.everyCase()
        first, again = (
            [generator.case() for _ in range(200)]
            for generator in (Generator(Random(7), known, []), Generator(Random(7), known, []))
        )
        self.assertEqual(first, again)
        self.assertGreater(len(set(first)), 150)

    def test_run(self) -> None:
        """A run tells each kind of failure once."""

        def check(case: bytes) -> None:
            if len(case) % 2:
                raise ValueError(f"{len(case)} is odd")
            assert b"pb" not in case, "pb"

        told: list[str] = []
        with patch.dict(CHECKS, odd=(check, ())):
            result = run("odd", 0.5, 3, told.append)
        self.assertEqual((len(result.failed), len(told)), (2, 2))
        self.assertGreater(result.failures, 2)
        self.assertTrue(all(errorOf(check, failed.case) for failed in result.failed.values()))

    def test_kinds(self) -> None:
        """What a case says, quoted in the error or explained below it, makes no other kind of failure."""

        def kind(text: str) -> str:
            return kindOf(AssertionError(text))

        for first, second in ((b"it's", b'"'), (b"'\"", b"\\'"), (b"\\", b"1")):
            self.assertEqual(kind(f"{first!r} isn't it"), kind(f"{second!r} isn't it"))
        self.assertEqual(kind("pb\nassert b'pb' not in b'\\'"), kind("pb\nassert 'b' not in b\"'"))
        self.assertNotEqual(kind("pb"), kind("root"))

    def test_corpus(self) -> None:
        """Each target has cases, and no name is taken twice."""
        for target in corpus.TARGETS:
            self.assertGreater(len(corpus.cases(target)), 2)
        self.assertRaises(ValueError, corpus.add, "session", "no word", b"")
        self.assertRaises(ValueError, corpus.add, "session", next(iter(corpus.cases("session"))), b"")

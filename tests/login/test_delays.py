"""
Tests for L{myspread._login.delays}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from myspread._login import delays
from myspread._login.delays import Delays, Failures
from myspread.limits import Limits

LIMITS = Limits(loginDelay=0.25, loginDelayLimit=10)


class FailuresTests(SynchronousTestCase):
    """
    The wait after failed logins of one source.
    """

    def test_doubles(self) -> None:
        """Each further failure doubles the wait, up to the limit."""
        failures = Failures()
        waits = []
        for _ in range(10):
            now = failures.notBefore
            failures.failed(now, LIMITS)
            waits.append(failures.notBefore - now)
        self.assertEqual(waits, [0.25, 0.5, 1, 2, 4, 8, 10, 10, 10, 10])

    def test_off(self) -> None:
        """Without a delay, or where it may not last, nothing is remembered."""
        for limits in (Limits(), Limits(loginDelay=1, loginDelayLimit=0)):
            failures = Failures()
            failures.failed(5.0, limits)
            self.assertEqual((failures.count, failures.notBefore), (0, 0.0))
            self.assertTrue(failures.isOver(5.0, limits))

    def test_above(self) -> None:
        """A first delay over the limit is the limit."""
        failures = Failures()
        for _ in range(3):
            failures.failed(0.0, Limits(loginDelay=60, loginDelayLimit=10))
        self.assertEqual((failures.count, failures.notBefore), (1, 10.0))

    def test_forgotten(self) -> None:
        """One is forgotten each time that there was none for as long as the limit."""
        failures = Failures()
        for _ in range(4):
            failures.failed(0.0, LIMITS)
        self.assertEqual(failures.notBefore, 2)
        failures.failed(2 + 9.9, LIMITS)
        self.assertEqual(failures.notBefore, 11.9 + 4)
        failures.failed(15.9 + 20, LIMITS)
        self.assertEqual(failures.notBefore, 35.9 + 2)
        self.assertFalse(failures.isOver(37.9 + 39.9, LIMITS))
        self.assertTrue(failures.isOver(37.9 + 40, LIMITS))
        failures.failed(37.9 + 400, LIMITS)
        self.assertEqual(failures.notBefore, 437.9 + 0.25)

    def test_capped(self) -> None:
        """However many have failed, they are forgotten after 70 seconds."""
        failures = Failures()
        for _ in range(10_000):
            failures.failed(0.0, LIMITS)
        self.assertTrue(failures.isOver(10 + 70.0, LIMITS))

    def test_slowGuesses(self) -> None:
        """Who waits for failures to be forgotten guesses no faster than who doesn't."""

        def guessesIn(seconds: float, pause: float) -> int:
            failures, now, count = Failures(), 0.0, 0
            while now < seconds:
                failures.failed(now, LIMITS)
                count += 1
                now = failures.notBefore + pause
            return count

        hasty = guessesIn(86400, 0)
        self.assertEqual(hasty, 8645)
        for pause in (1, 5, 9.99, 10, 10.1, 20, 40, 70, 100):
            self.assertLessEqual(guessesIn(86400, pause), hasty, pause)


class DelaysTests(SynchronousTestCase):
    """
    The failures of all sources.
    """

    def test_sources(self) -> None:
        """Each source waits for its own failures."""
        table = Delays()
        table.failed("192.0.2.1", 100.0, LIMITS)
        self.assertEqual(table.notBefore("192.0.2.1"), 100.25)
        self.assertEqual(table.notBefore("192.0.2.2"), 0)

    def test_off(self) -> None:
        """Where nobody waits, nothing is kept."""
        table = Delays()
        table.failed("192.0.2.1", 100.0, Limits())
        self.assertEqual(len(table), 0)

    def test_forgotten(self) -> None:
        """Sources whose failures are over are forgotten with the next failure."""
        table = Delays()
        for number in range(100):
            table.failed(f"192.0.2.{number}", 100.0, LIMITS)
        self.assertEqual(len(table), 100)
        table.failed("198.51.100.1", 100.25 + 10, LIMITS)
        self.assertEqual(len(table), 1)

    def test_bounded(self) -> None:
        """There are never more than so many; the one that failed longest ago goes first."""
        self.patch(delays, "MOST_SOURCES", 3)
        table = Delays()
        for source in ("a", "b", "c", "a", "d", "d", "e"):
            table.failed(source, 100.0, LIMITS)
            self.assertLessEqual(len(table), 3)
        self.assertEqual(
            {source: table.notBefore(source) for source in "abcde"},
            {"a": 100.5, "b": 0, "c": 0, "d": 100.5, "e": 100.25},
        )

"""
Run installed programs in processes of their own, on either package.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread.substitution import environment

__all__ = ["OURS", "STOCK", "OwnTests", "ProgramTestCase"]

OURS = "myspread._net.broker"
STOCK = "twisted.spread.pb"

_TRIAL = "from twisted.scripts.trial import run; run()"
_SPY = str(Path(__file__).with_name("spy"))


class ProgramTestCase(SynchronousTestCase):
    """
    @ivar directory: where programs may write.
    """

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="programs"))
        self.addCleanup(shutil.rmtree, self.directory)
        self._running: list[subprocess.Popen[bytes]] = []
        self.addCleanup(self.endAll)

    def endAll(self) -> None:
        """End all programs that were started."""
        while self._running:
            process = self._running.pop()
            process.kill()
            process.wait(10)

    def variables(self, name: str, isOurs: bool, *paths: object) -> dict[str, str]:
        """
        The environment for a program.

        @param name: what L{brokers} knows the program by.
        @param isOurs: whether all processes run on myspread.
        @param paths: directories to import from.
        """
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MYSPREAD")}
        kept["BROKERS_SEEN"] = str(self.directory / f"{name}.brokers")
        kept["PYTHONPATH"] = os.pathsep.join([_SPY, *map(str, paths)])
        return {**kept, **environment(kept)} if isOurs else kept

    def brokers(self, name: str) -> set[str]:
        """The modules of the brokers that a program has connected with."""
        seen = self.directory / f"{name}.brokers"
        return set(seen.read_text().split()) if seen.exists() else set()

    def run_(self, code: str, *arguments: str, variables: dict[str, str], timeout: float = 120) -> str:
        """
        Run what a console script runs, to its end, which must be a good one.

        @param code: the script.
        @param timeout: seconds.
        @return: what it has printed.
        """
        status, output = self.outputOf(code, *arguments, variables=variables, timeout=timeout)
        self.assertEqual(status, 0, output)
        return output

    def outputOf(
        self, code: str, *arguments: str, variables: dict[str, str], timeout: float
    ) -> tuple[int, str]:
        """
        Run what a console script runs, to its end.

        @return: the exit code, and what was printed.
        """
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=self.directory,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        return done.returncode, done.stdout

    def start(self, code: str, *arguments: str, variables: dict[str, str], directory: Path) -> None:
        """Start what a console script runs. It is ended with the test."""
        self._running.append(
            subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                cwd=directory,
                env=variables,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    def waitFor(self, what: Callable[[], object], *logs: Path, timeout: float = 60) -> object:
        """
        Wait until something is true, and return it.

        @param logs: files to show when that takes too long.
        @param timeout: seconds.
        """
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            value = what()
            if value:
                return value
            time.sleep(0.1)
        told = [f"--- {log}\n{log.read_text(errors='replace')[-4000:]}" for log in logs if log.exists()]
        raise self.failureException("\n".join(["it took too long", *told]))


class OwnTests:
    """
    To mix into a test case: the tests that a program brings along.

    @cvar distributions: the source distributions that contain them.
    @cvar suites: what to give to C{trial}.
    """

    distributions: tuple[str, ...]
    suites: tuple[str, ...]

    def sourceOf(self: Any, distribution: str) -> Path:
        """Unpack a source distribution."""
        [archive] = Path(os.environ["PROGRAM_SOURCES"]).glob(f"{distribution}-[0-9]*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(self.directory)
        return Path(self.directory, archive.name.removesuffix(".tar.gz"))

    def outcomeOf(self: Any, isOurs: bool) -> tuple[int, int, set[str]]:
        """
        Run the tests. Some of them wait for processes with short timeouts of
        their own, so what fails is run again by itself before it counts.

        @return: how many tests ran, how many were skipped, and the names of
            those that failed both times.
        """
        sources = [self.sourceOf(distribution) for distribution in self.distributions]
        variables = self.variables(f"tests{isOurs}", isOurs, *sources)
        status, output = self.outputOf(_TRIAL, "-j2", *self.suites, variables=variables, timeout=300)
        [count] = re.findall(r"^Ran (\d+) tests in", output, re.MULTILINE)
        skipped = re.search(r"skips=(\d+)", output.splitlines()[-1])
        told = failures(output)
        self.assertEqual(status == 0, not told, output)
        failed = {name for name in told if not self.passes(name, variables)}
        return int(count), int(skipped[1]) if skipped else 0, failed

    def passes(self: Any, test: str, variables: dict[str, str]) -> bool:
        """Run one test of the program by itself."""
        status, _ = self.outputOf(_TRIAL, test, variables=variables, timeout=120)
        return bool(status == 0)

    def test_ownTests(self: Any) -> None:
        """
        As many of its own tests run on myspread as on C{twisted.spread}, and
        none fails that passes there. Hardly any does.
        """
        count, skipped, failedOnStock = self.outcomeOf(False)
        self.assertGreater(count, 10)
        self.assertLess(len(failedOnStock), count / 50, failedOnStock)
        oursCount, oursSkipped, failedOnOurs = self.outcomeOf(True)
        self.assertEqual((oursCount, oursSkipped), (count, skipped))
        self.assertEqual(failedOnOurs - failedOnStock, set())
        self.assertEqual((self.brokers("testsFalse"), self.brokers("testsTrue")), ({STOCK}, {OURS}))


def failures(output: str) -> list[str]:
    """
    The names of the tests that a run of C{trial} has told as failed: its last
    part has a section for each fault, which ends with the tests that have it.
    """
    sections = re.split(r"^=+$", output, flags=re.MULTILINE)[1:]
    told = [section for section in sections if section.lstrip().startswith(("[FAIL]", "[ERROR]"))]
    return sorted(
        {name for section in told for name in re.findall(r"^\w+(?:\.\w+){2,}$", section, re.MULTILINE)}
    )

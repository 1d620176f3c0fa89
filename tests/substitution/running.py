"""
Run Python programs in processes of their own: what is substituted there isn't
here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

import myspread

__all__ = ["OURS", "STOCK", "Ended", "ProgramTestCase", "cleanEnvironment"]

OURS = "myspread._net.broker"
"""The module of the Broker that C{twisted.spread.pb} has when it is ours."""

STOCK = "twisted.spread.pb"
"""The module of the Broker that C{twisted.spread.pb} has otherwise."""

_ROOT = str(Path(myspread.__file__).resolve().parents[1])


class Ended(NamedTuple):
    """What a program has come to."""

    status: int
    output: str
    errors: str


def cleanEnvironment(**variables: str) -> dict[str, str]:
    """
    An environment in which myspread can be imported, and nothing is
    substituted.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MYSPREAD")}
    return {**kept, "PYTHONPATH": _ROOT, "PYTHONUNBUFFERED": "1", **variables}


class ProgramTestCase(SynchronousTestCase):
    """
    @ivar directory: the working directory of what is run.
    """

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="substitution")).resolve()
        self.addCleanup(shutil.rmtree, self.directory)

    def write(self, name: str, text: str) -> Path:
        """Write a file into the working directory."""
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def python(self, *arguments: str, variables: dict[str, str] | None = None) -> Ended:
        """Run Python to its end, or for a minute."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=cleanEnvironment(**(variables or {})),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def printed(self, *arguments: str, variables: dict[str, str] | None = None) -> list[str]:
        """The lines that Python prints; it must end well and complain of nothing."""
        ended = self.python(*arguments, variables=variables)
        self.assertEqual((ended.status, ended.errors), (0, ""), ended.output)
        return ended.output.splitlines()

"""
What pytest needs to run the tests as trial does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from twisted.logger import globalLogBeginner


@pytest.fixture(autouse=True, scope="session")
def workingDirectory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """
    A new folder to work in, like trial's C{_trial_temp}: what tests write
    (C{TestCase.mktemp}) must not end up among the sources.
    """
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("pytest"))
    yield
    os.chdir(before)


@pytest.fixture(autouse=True, scope="session")
def beginLogging() -> None:
    """
    Begin to log, as trial does. Until then Twisted keeps every event, and with
    it all that a logged failure refers to: tests could see nothing of it go.
    """
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)

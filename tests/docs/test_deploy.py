"""
The files in C{docs/examples/deploy} are right.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from myspread._service.configuration import readFile
from myspread._service.limiting import SERVER_LIMITS, withSetting
from myspread._service.settings import Settings
from myspread._service.topics import TOPICS

DEPLOY = Path(__file__).parents[2] / "docs" / "examples" / "deploy"

EXPOSURE = 2.0
"""What C{systemd-analyze security} may find, of 10, at most."""


class FileTests(SynchronousTestCase):
    """
    C{pbserver.toml}.
    """

    def test_settings(self) -> None:
        """There are such settings, and such limits, with such values."""
        settings = Settings(TOPICS)
        readFile(str(DEPLOY / "pbserver.toml"), settings)
        self.assertEqual(settings["realm"], "shop:Shop")
        limits = SERVER_LIMITS
        for pair in settings["limit"]:
            limits = withSetting(limits, pair)
        self.assertNotEqual(limits, SERVER_LIMITS)


class UnitTests(SynchronousTestCase):
    """
    C{pbserver.service} and C{pbserver.socket}.
    """

    if shutil.which("systemd-analyze") is None:
        skip = "systemd-analyze, which looks at units, isn't installed"

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        for name in ("pbserver.service", "pbserver.socket"):
            text = (DEPLOY / name).read_text(encoding="utf-8")
            # What is run has to exist.
            text = text.replace("/opt/pbserver/bin/twistd", sys.executable)
            (self.directory / name).write_text(text.replace("/opt/pbserver/app", "/"), encoding="utf-8")

    def analyze(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run C{systemd-analyze}."""
        command = ["systemd-analyze", *words]
        return subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=60)

    def test_verify(self) -> None:
        """systemd finds nothing wrong."""
        done = self.analyze("verify", "./pbserver.service", "./pbserver.socket")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_mistakesAreNoticed(self) -> None:
        """It would find it."""
        unit = self.directory / "pbserver.service"
        unit.write_text(unit.read_text().replace("ProtectClock=yes", "ProtectClocks=yes"))
        self.assertIn("ProtectClocks", self.analyze("verify", "./pbserver.service").stderr)

    def test_hardened(self) -> None:
        """Little is left that the server could do to the system."""
        done = self.analyze("security", "--offline=true", "./pbserver.service")
        [exposure] = re.findall(r"exposure level for pbserver.service: ([\d.]+)", done.stdout)
        self.assertLess(float(exposure), EXPOSURE)

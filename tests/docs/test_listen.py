"""
What C{docs/howto/listen.rst} says of the ports of C{twistd pbserver} is so.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import tempfile
from pathlib import Path

from twisted.internet.endpoints import _SystemdParser
from twisted.internet.testing import MemoryReactorClock
from twisted.python.systemd import ListenFDs
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.endpoints import BACKLOG
from myspread._service.options import Options
from myspread._service.topics import TOPICS
from tests.service.authority import Authority

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "listen.rst").read_text(encoding="utf-8")

COMMANDS = re.findall(r"^    twistd pbserver ([^\\\n]+(?:\\\n[^\\\n]+)*)$", PAGE, re.MULTILINE)


class ListenTests(SynchronousTestCase):
    """
    The command lines of the page.
    """

    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="listen"))
        self.addCleanup(shutil.rmtree, directory)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(directory)
        authority = Authority()
        server = authority.issue("server", "pb.example.com")
        for name, text in (
            ("key", server.keyText),
            ("cert", server.certificateText),
            ("both", server.keyText + server.certificateText),
            ("chain", authority.certificateText),
            ("staff", authority.certificateText),
            ("partners", authority.certificateText),
        ):
            Path(f"{name}.pem").write_bytes(text)
        opened = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(opened.close)
        self.patch(_SystemdParser, "_sddaemon", ListenFDs([opened.fileno()], ("pb",)))

    def parse(self, *words: str) -> Options:
        """A command line that the server takes."""
        options = Options()
        options.reactor = MemoryReactorClock()
        options.parseOptions(words)
        return options

    def test_commands(self) -> None:
        """Each is one that the server takes, and each option of this topic is in one of them."""
        self.assertGreater(len(COMMANDS), 8)
        said: set[str] = set()
        for command in COMMANDS:
            words = shlex.split(command.replace("\\\n", ""))
            self.assertTrue(self.parse(*words)["ports"], command)
            said.update(word for word in words if word.startswith("--"))
        [listening] = [topic for topic in TOPICS if topic.name == "listening"]
        self.assertEqual(said, {f"--{setting.name}" for setting in listening.settings})

    def test_ports(self) -> None:
        """So is each description in the table, and elsewhere in the text."""
        found = re.findall(r"``((?:tcp6?|unix|ssl|proxy|systemd):[^`]*[^:`.])``", PAGE)
        self.assertGreater(len(found), 7)
        for port in found:
            words = ("--trusted-proxy", "unix") if port.startswith("proxy:") else ()
            self.parse(*words, "--port", port)

    def test_oneFile(self) -> None:
        """Key and certificate may be in one file, as the page says."""
        self.assertIn("``privateKey=both.pem``", PAGE)
        self.parse("--port", "ssl:8801:privateKey=both.pem")

    def test_backlog(self) -> None:
        """The queue is as long as the page says."""
        self.assertIn(f"how many may wait to be accepted, {BACKLOG} by default", PAGE)

"""
The commands that C{docs/howto/accounts.rst} shows work, one after the other in one
directory.
"""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.testing import MemoryReactorClock

from myspread._login.accountfiles import readRecords
from myspread._login.clientcertificates import readCertificate
from myspread._login.passwords import readPassword
from myspread._login.tokens import readToken
from myspread._service.options import Options
from tests.cli.commanding import OnTerminal
from tests.cli.test_keeping import KeepingTestCase
from tests.login.accounts import certificateFor
from tests.service.authority import Authority

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "accounts.rst"

SHOP = """
from myspread import pb


class Realm(pb.Realm):
    pass
"""

_id = re.compile(r"\b1f3a5c7e9b2d\b")

_file = re.compile(r"(:|=|^)(passwords|tokens|certificates|users|\w+\.pem)\b")


def commandsIn(page: Path) -> list[str]:
    """The lines of a shell that a page has."""
    text = page.read_text(encoding="utf-8").replace("\\\n", "")
    return re.findall(r"^    ((?:myspread|twistd|touch) .*)$", text, re.MULTILINE)


class CommandTests(KeepingTestCase):
    """
    The page.
    """

    def setUp(self) -> None:
        super().setUp()
        self.path("shop.py").write_text(SHOP)
        self.path("bobs-password").write_text("geheim\n")
        for name in ("build1", "cy"):
            certificate = certificateFor(x509.DNSName(f"{name}.example.com"))
            self.path(f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        authority = Authority()
        self.path("staff.pem").write_bytes(authority.certificateText)
        server = authority.issue("server", "localhost")
        self.path("key.pem").write_bytes(server.keyText)
        self.path("cert.pem").write_bytes(server.certificateText)
        self.tokenId = ""
        self.addCleanup(sys.modules.pop, "shop", None)

    def test_page(self) -> None:
        """Each command ends well; the server would start with what they have made."""
        commands = commandsIn(PAGE)
        self.assertGreater(len(commands), 25)
        for command in commands:
            words = shlex.split(_id.sub(self.tokenId, command))
            {"myspread": self.keep, "twistd": self.check, "touch": self.touch}[words[0]](words[1:])
        self.assertEqual(len(readRecords(str(self.path("passwords")), readPassword)[0]), 2)
        self.assertEqual(len(readRecords(str(self.path("tokens")), readToken)[0]), 1)
        self.assertEqual(len(readRecords(str(self.path("certificates")), readCertificate)[0]), 3)

    def test_everyOption(self) -> None:
        """Each action and option of the commands is on the page."""
        shown = " ".join(commandsIn(PAGE)).split()
        for command in ("passwd", "token", "cert"):
            text = self.prints(command, "--help")
            actions = re.findall(r"^    (\w+) ", text, re.MULTILINE)
            texts = [self.prints(command, action, "--help") for action in actions]
            options = set(re.findall(r"--[a-z0-9]+", "".join([text, *texts])))
            self.assertEqual(options - set(shown) - {"--help"}, set(), command)
            self.assertEqual(set(actions) - set(shown), set(), command)

    def touch(self, words: list[str]) -> None:
        """Make an empty file."""
        self.path(words[0]).touch()

    def keep(self, words: list[str]) -> None:
        """Run one of the commands; who is asked for a password types one."""
        if words[0] == "passwd" and not {"--stdin", "--list", "--remove"} & set(words):
            terminal = OnTerminal(self, *words)
            for _ in range(2):
                terminal.wait(": ")
                terminal.write("secret\n")
            terminal.wait(r"ann .*\.\n")
            self.assertEqual(terminal.ended(), 0)
            return
        given = b""
        if "<" in words:
            *words, _, name = words
            given = self.path(name).read_bytes()
        output = None
        if ">" in words:
            *words, _, output = words
        ended = self.given(given, *words)
        self.assertEqual(ended.status, 0, (words, ended))
        if output is not None:
            self.assertRegex(ended.output, r"\Apbtoken_\S{43}\n\Z")
        if words[:2] == ["token", "create"]:
            self.tokenId = self.tokenId or ended.errors.split()[2]

    def check(self, words: list[str]) -> None:
        """Look whether a server would start."""
        self.assertEqual(words[0], "pbserver")
        options = Options()
        options.reactor = MemoryReactorClock()
        output = StringIO()
        words = [_file.sub(self.absolute, word) for word in words]
        self.patch(sys, "path", [str(self.directory), *sys.path])
        with redirect_stdout(output):
            code = self.assertRaises(SystemExit, options.parseOptions, [*words[1:], "--check"]).code
        self.assertEqual(code, 0, words)

    def absolute(self, found: Any) -> str:
        """The path of a file in the working directory."""
        return f"{found[1]}{self.path(found[2])}"

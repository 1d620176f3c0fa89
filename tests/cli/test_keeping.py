"""
C{myspread passwd}, C{myspread token} and C{myspread cert}.
"""

from __future__ import annotations

import os
import signal
import stat
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import maybeDeferred

from myspread._login.credentials import TokenCredentials
from myspread.accounts import PasswordFile, TokenFile, keyPin
from tests.cli.commanding import Command, CommandTestCase, Ended, OnTerminal
from tests.login.accounts import certificateFor

CHEAP = ("--argon2", "m=8,t=1,p=1", "--iterations", "4096")
NAMES = (x509.DNSName("Build1.example.com"), x509.RFC822Name("ann@example.com"))


class KeepingTestCase(CommandTestCase):
    """
    Commands that need no server.
    """

    @classmethod
    def setUpClass(cls) -> None:
        """Start nothing."""

    @classmethod
    def tearDownClass(cls) -> None:
        """End nothing."""

    def path(self, name: str) -> Path:
        """A file in the working directory."""
        return self.directory / name

    def lines(self, name: str) -> list[str]:
        """The lines of a file."""
        return self.path(name).read_text(encoding="utf-8").splitlines()

    def given(self, text: bytes, *words: str) -> Ended:
        """Run a command that reads its standard input."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(text)
            given.seek(0)
            command = Command(words, self.directory, {}, given.fileno(), out.fileno(), err.fileno())
            self.addCleanup(command.end)
            status = command.wait()
            output, errors = (os.pread(each.fileno(), 2**20, 0).decode() for each in (out, err))
        return Ended(status, output, errors)


class PasswdTests(KeepingTestCase):
    """
    A file of passwords.
    """

    def isRight(self, user: str, password: str) -> bool:
        """Whether somebody gets in."""
        checker = PasswordFile(str(self.path("passwords")), runInThread=maybeDeferred)
        login = checker.requestAvatarId(UsernamePassword(user.encode(), password.encode()))
        outcome: list[Any] = []
        login.addBoth(outcome.append)
        if outcome[0] == user.encode():
            return True
        self.assertTrue(outcome[0].check(UnauthorizedLogin))
        return False

    def set(self, password: str, user: str, *words: str) -> Ended:
        """Set a password."""
        return self.given(password.encode(), "passwd", "passwords", user, "--stdin", *CHEAP, *words)

    def test_terminal(self) -> None:
        """A password is asked for twice, and not shown; it gets the user in."""
        words = ("passwd", "--create", "passwords", "ann", *CHEAP)
        terminal = OnTerminal(self, *words)
        for prompt in ("New password of ann: ", "The same again: "):
            terminal.wait(prompt)
            terminal.write("s\xe4cret\n")
        terminal.wait("ann is added.\n")
        self.assertEqual(terminal.ended(), 0)
        self.assertNotIn("cret", terminal.output)
        self.assertTrue(self.isRight("ann", "s\xe4cret"))
        self.assertEqual(stat.S_IMODE(self.path("passwords").stat().st_mode), 0o600)
        self.assertNotIn("s\xe4cret", self.path("passwords").read_text())

    def test_mistyped(self) -> None:
        """If the two differ, or there is none, nothing changes."""
        self.set("secret", "ann", "--create")
        before = self.path("passwords").read_text()
        terminal = OnTerminal(self, "passwd", "passwords", "ann", *CHEAP)
        for answer in ("one\n", "two\n"):
            terminal.wait(": ")
            terminal.write(answer)
        terminal.wait("myspread: that was another password: nothing is changed\n")
        self.assertEqual(terminal.ended(), 1)
        terminal = OnTerminal(self, "passwd", "passwords", "ann", *CHEAP)
        terminal.wait(": ")
        terminal.write("\x04")
        terminal.wait("myspread: no password: nothing is changed\n")
        self.assertEqual(terminal.ended(), 1)
        terminal = OnTerminal(self, "passwd", "passwords", "ann", *CHEAP)
        terminal.wait(": ")
        terminal.command.signal(signal.SIGINT)
        self.assertEqual(terminal.ended(), 130)
        self.assertEqual(self.path("passwords").read_text(), before)

    def test_stdin(self) -> None:
        """Users are added, changed, listed and removed, also those with odd names."""
        self.assertEqual(self.set("secret\nmore", "ann", "--create"), (0, "ann is added.\n", ""))
        self.assertEqual(self.set("geheim\r\n", "J\xfcrgen: x"), (0, "J\xfcrgen: x is added.\n", ""))
        self.assertEqual(self.set("new", "ann"), (0, "ann has a new password.\n", ""))
        self.assertFalse(self.isRight("ann", "secret"))
        self.assertTrue(self.isRight("ann", "new"))
        self.assertTrue(self.isRight("J\xfcrgen: x", "geheim"))
        self.assertEqual(
            self.prints("passwd", "passwords", "--list").splitlines(),
            [
                "USER       ARGON2       SCRAM",
                "ann        m=8,t=1,p=1  4096",
                "J\xfcrgen: x  m=8,t=1,p=1  4096",
            ],
        )
        self.assertEqual(self.prints("passwd", "passwords", "ann", "--remove"), "ann is removed.\n")
        self.assertFalse(self.isRight("ann", "new"))
        error = self.fails(1, "passwd", "passwords", "ann", "--remove")
        self.assertEqual(error, "myspread: passwords: there is no user 'ann'\n")

    def test_defaults(self) -> None:
        """Without other wishes, guessing costs what is recommended."""
        self.given(b"secret", "passwd", "--create", "passwords", "ann", "--stdin")
        listed = self.prints("passwd", "passwords", "--list").splitlines()
        self.assertEqual(listed[1].split(), ["ann", "m=65536,t=3,p=4", "600000"])

    def test_without(self) -> None:
        """One of both can be left out."""
        self.set("secret", "ann", "--create", "--without", "argon2")
        self.set("secret", "bob", "--without", "scram")
        rows = [line.split() for line in self.prints("passwd", "passwords", "--list").splitlines()[1:]]
        self.assertEqual(rows, [["ann", "-", "4096"], ["bob", "m=8,t=1,p=1", "-"]])

    def test_secret(self) -> None:
        """What hides unknown users is made once, and stays; comments do, too."""
        self.set("secret", "ann", "--create")
        first = self.lines("passwords")[0]
        self.assertTrue(first.startswith("- "), first)
        with self.path("passwords").open("a") as file:
            file.write("# That was Ann.\n")
        self.set("new", "ann")
        self.set("geheim", "bob")
        lines = self.lines("passwords")
        self.assertEqual((lines[0], lines[2], len(lines)), (first, "# That was Ann.", 4))

    def test_wrong(self) -> None:
        """What can't be done is told in a line."""
        self.path("open").touch(0o644)
        for words, status, text in (
            (("none", "ann"), 1, "none: there is no such file; --create makes it"),
            (("none", "--list"), 1, "none: No such file or directory"),
            (
                ("open", "ann"),
                1,
                "others than its owner have access, as its mode is 0644: change it with chmod 600",
            ),
            (("--create", "nowhere/x", "ann"), 1, "nowhere/x: No such file or directory"),
            (("none",), 2, "passwd: which USER?; see: myspread passwd --help"),
            (("none", "ann", "--list"), 2, "passwd: --list takes no USER"),
            (("none", "ann", "secret"), 2, "passwd: unrecognized arguments: secret"),
            (("none", "a\nb"), 2, "character 2 of the user name is a control character"),
            (("none", "ann", "--argon2", "m=1"), 2, "passwd: --argon2 m=1: 'm=1' isn't like m=65536,t=3,p=4"),
            (("none", "ann", "--iterations", "1"), 2, "passwd: --iterations 1: it is a number from 4096"),
        ):
            ended = self.given(b"secret", "passwd", "--stdin", *words)
            self.assertEqual((ended.status, ended.output), (status, ""))
            self.assertIn(text, ended.errors)
            self.assertEqual(ended.errors.count("\n"), 1)
        for password, text in (
            (b"\xff", "the password isn't UTF-8"),
            (b"", "the password is empty"),
            (b"a\0b", "character 2 of the password is a control character, which SASLprep prohibits"),
        ):
            ended = self.given(password, "passwd", "--create", "new", "ann", "--stdin", *CHEAP)
            self.assertEqual(ended, (1, "", f"myspread: {text}\n"))
        self.assertFalse(self.path("new").exists())

    def test_noTerminal(self) -> None:
        """Where nobody can be asked, it says how to go on."""
        # Commands have the terminal of whoever runs the tests, if there is one.
        if os.path.exists("/dev/tty"):
            try:
                os.close(os.open("/dev/tty", os.O_RDWR))
            except OSError:
                pass
            else:
                self.skipTest("these tests run on a terminal")
        error = self.fails(2, "passwd", "--create", "passwords", "ann")
        self.assertEqual(error, "myspread: passwd: there is no terminal to ask on; use --stdin\n")


class TokenTests(KeepingTestCase):
    """
    A file of tokens.
    """

    def create(self, *words: str) -> tuple[str, str]:
        """Make a token: it, and its id."""
        ended = self.myspread("token", "create", "--create", "tokens", *words)
        self.assertEqual(ended.status, 0, ended)
        token, end = ended.output.split("\n")
        self.assertEqual(end, "")
        return token, ended.errors.split()[2]

    def outcome(self, token: str) -> Any:
        """Who gets in with a token, or what is said."""
        try:
            login = TokenFile(str(self.path("tokens"))).requestAvatarId(TokenCredentials(token.encode()))
            outcome: list[Any] = []
            login.addBoth(outcome.append)
        except UnauthorizedLogin as error:
            return str(error)
        return outcome[0] if isinstance(outcome[0], bytes) else outcome[0].getErrorMessage()

    def rows(self) -> list[list[str]]:
        """What is listed."""
        return [line.split(None, 5) for line in self.prints("token", "list", "tokens").splitlines()[1:]]

    def seconds(self, time: str) -> float:
        """How far a time is away."""
        when = datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        return (when - datetime.now(timezone.utc)).total_seconds()

    def test_life(self) -> None:
        """A token is made, listed, used, expired, prolonged, revoked and forgotten."""
        ended = self.myspread(
            "token", "create", "--create", "tokens", "build1", "--label", "the first: builder"
        )
        self.assertRegex(ended.output, r"\Apbtoken_[\w-]{43}\n\Z")
        self.assertRegex(
            ended.errors, r"\Amyspread: token \w{12} of build1 expires at \S+Z; it is shown only now:\n\Z"
        )
        token, id = ended.output.strip(), ended.errors.split()[2]
        self.assertNotIn(token, self.path("tokens").read_text())
        self.assertEqual(stat.S_IMODE(self.path("tokens").stat().st_mode), 0o600)
        [row] = self.rows()
        self.assertEqual([*row[:3], row[5]], [id, "valid", "build1", "the first: builder"])
        self.assertApproximates(self.seconds(row[4]) / 86400, 90, 0.1)
        self.assertEqual(self.outcome(token), b"build1")
        self.assertRegex(self.prints("token", "expire", "tokens", id, "now"), r" of build1 expires at \S+Z\.")
        self.assertEqual(self.outcome(token), "this token is expired")
        self.assertEqual(self.rows()[0][1], "expired")
        text = self.prints("token", "expire", "tokens", id[:6], "never")
        self.assertEqual(text, f"token {id} of build1 never expires.\n")
        self.assertEqual((self.outcome(token), self.rows()[0][4]), (b"build1", "never"))
        for _ in range(2):
            self.assertEqual(
                self.prints("token", "revoke", "tokens", id), f"token {id} of build1 is revoked.\n"
            )
        self.assertEqual((self.outcome(token), self.rows()[0][1]), ("this token is revoked", "revoked"))
        self.assertIn("it is revoked all the same", self.prints("token", "expire", "tokens", id, "1d"))
        other, _ = self.create("build2", "--expires", "2d")
        self.assertEqual(self.prints("token", "prune", "tokens"), "1 removed, 1 left.\n")
        self.assertEqual((self.outcome(token), self.outcome(other)), ("", b"build2"))

    def test_times(self) -> None:
        """How long a token can be valid."""
        for when, days in (("36h", 1.5), ("2w", 14), ("1y", 365), ("5400s", 1 / 16), ("90m", 1 / 16)):
            self.create("a", "--expires", when)
            self.assertApproximates(self.seconds(self.rows()[-1][4]) / 86400, days, 0.01)
        for when, time in (
            ("2199-02-28", "2199-02-28T00:00:00Z"),
            ("2199-02-28T12:00:00Z", "2199-02-28T12:00:00Z"),
            ("never", "never"),
        ):
            self.create("a", "--expires", when)
            self.assertEqual(self.rows()[-1][4], time)

    def test_wrong(self) -> None:
        """What can't be done is told in a line."""
        self.create("a")
        self.create("b")
        first, second = (row[0] for row in self.rows())
        token = "pbtoken_" + "x" * 43
        for words, status, text in (
            (("create", "none", "a"), 1, "none: there is no such file; --create makes it"),
            (("create", "tokens", ""), 2, "token: the avatar id is empty"),
            (("create", "tokens", "a", "--expires", "soon"), 2, "token: 'soon' is no time; it is like 90d"),
            (("create", "tokens", "a", "--expires", "0d"), 2, "token: '0d' is over already"),
            (("create", "tokens", "a", "--expires", "2020-01-01"), 2, "token: '2020-01-01' is over already"),
            (("create", "tokens", "a", "--expires", "99999y"), 2, "token: '99999y' is too late; say never"),
            (("create", "tokens", "a", "--label", "\udcff"), 1, "bytes in it that aren't UTF-8"),
            (("list", "none"), 1, "none: No such file or directory"),
            (("revoke", "tokens", "xyzzy"), 1, "tokens: there is no token 'xyzzy'"),
            (("revoke", "tokens", ""), 1, "tokens: there is no token ''"),
            (
                ("revoke", "tokens", token),
                2,
                "token: an id has 12 characters; myspread token list FILE shows it",
            ),
            (("expire", "tokens", first, "soon"), 2, "token: 'soon' is no time"),
            (
                ("expire", "tokens", first),
                2,
                "token expire: the following arguments are required: WHEN; see: ",
            ),
            (("frobnicate",), 2, "see: myspread token --help"),
            ((), 2, "token: the following arguments are required: ACTION; see: myspread token --help"),
        ):
            error = self.fails(status, "token", *words)
            self.assertIn(text, error)
            self.assertEqual(error.count("\n"), 1)
            self.assertNotIn(token, error)
        # Two that begin alike.
        lines = self.lines("tokens")
        alike = "".join(f"{'0' * 11}{number}{line[12:]}\n" for number, line in enumerate(lines))
        self.path("tokens").write_text(alike)
        error = self.fails(1, "token", "revoke", "tokens", "000")
        self.assertEqual(error, "myspread: tokens: 2 tokens begin with '000'; say more of the id\n")

    def test_terminal(self) -> None:
        """What is listed can't do anything to a terminal."""
        self.create("a", "--label", "\x1b[31mred")
        self.assertIn("\\x1b[31mred", self.prints("token", "list", "tokens"))

    def test_help(self) -> None:
        """Each action has help of its own."""
        for action in ("create", "list", "revoke", "expire", "prune"):
            self.assertIn(f"usage: myspread token {action} ", self.prints("token", action, "--help"))


class CertTests(KeepingTestCase):
    """
    A file of client certificates.
    """

    def setUp(self) -> None:
        super().setUp()
        certificate = certificateFor(*NAMES)
        self.path("build1.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        self.pin = keyPin(certificate)

    def map(self, *words: str) -> str:
        """Say whose a certificate is."""
        return self.prints("cert", "map", "--create", "certificates", *words)

    def test_show(self) -> None:
        """The pin and the names, as they can be mapped."""
        text = self.prints("cert", "show", "build1.pem")
        self.assertEqual(text, f"pin {self.pin}\ndns build1.example.com\nemail ann@example.com\n")

    def test_life(self) -> None:
        """Lines are added, changed, listed and removed."""
        self.assertEqual(self.map("build1", "--pin", "build1.pem"), f"pin {self.pin} is build1.\n")
        self.assertEqual(self.map("b", "--dns", "Build1.Example.com"), "dns build1.example.com is b.\n")
        self.map("ann", "--email", "ann@example.com")
        self.map("build1", "--uri", "spiffe://example.com/Build1")
        self.map("build1", "--dns", "build1.example.com")
        self.assertEqual(
            self.lines("certificates"),
            [
                f"pin {self.pin} build1",
                "dns build1.example.com build1",
                "email ann@example.com ann",
                "uri spiffe://example.com/Build1 build1",
            ],
        )
        self.assertEqual(stat.S_IMODE(self.path("certificates").stat().st_mode), 0o600)
        self.assertEqual(
            self.prints("cert", "revoke", "certificates", "build1.pem", "--reason", "lost in May"),
            f"{self.pin} is revoked.\n",
        )
        self.assertIn(f"revoked {self.pin} lost%20in%20May", self.lines("certificates"))
        rows = [line.split(None, 2) for line in self.prints("cert", "list", "certificates").splitlines()]
        self.assertEqual(rows[0], ["KIND", "VALUE", "AVATAR OR REASON"])
        self.assertEqual(rows[-1], ["revoked", self.pin, "lost in May"])
        for words in (("--revoked", self.pin.upper().replace("SHA", "sha")), ("--dns", "BUILD1.example.com")):
            self.assertIn(" is removed.", self.prints("cert", "remove", "certificates", *words))
        self.assertEqual(len(self.lines("certificates")), 3)

    def test_wrong(self) -> None:
        """What can't be done is told in a line."""
        self.map("build1", "--pin", "build1.pem")
        self.path("text").write_text("x")
        for words, status, text in (
            (("show", "none"), 1, "none: No such file or directory"),
            (("show", "text"), 1, "text: this is no certificate in PEM form"),
            (("map", "none", "a", "--dns", "x"), 1, "none: there is no such file; --create makes it"),
            (
                ("map", "certificates", "a"),
                2,
                "cert map: one of the arguments --dns --email --uri --pin is required",
            ),
            (("map", "certificates", "", "--dns", "x"), 2, "cert: the avatar id is empty"),
            (
                ("map", "certificates", "a", "--dns", "b\xfccher.example"),
                2,
                "in ASCII, names of hosts as xn--",
            ),
            (
                ("map", "certificates", "a", "--pin", "sha256:12"),
                2,
                "cert: a pin is sha256: and 64 hexadecimal",
            ),
            (("revoke", "certificates", "text"), 1, "text: this is no certificate in PEM form"),
            (("remove", "certificates", "--dns", "x"), 1, "certificates: there is no line for dns x"),
        ):
            error = self.fails(status, "cert", *words)
            self.assertIn(text, error)
            self.assertEqual(error.count("\n"), 1)

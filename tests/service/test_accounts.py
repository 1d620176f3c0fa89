"""
C{--realm}, C{--auth} and C{--anonymous}, without a process.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

from twisted.cred.credentials import Anonymous, IAnonymous, UsernamePassword
from twisted.cred.strcred import ICheckerFactory, findCheckerFactories
from twisted.internet.testing import MemoryReactorClock
from twisted.plugin import IPlugin
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from myspread import pb
from myspread._service import accounts
from myspread._service.options import Options
from myspread.accounts import CertificateFile, PasswordFile, TokenFile
from myspread.interfaces import (
    ICertificateCredentials,
    IScramCredentials,
    ITokenCredentials,
    IUsernameMD5Password,
)
from tests.login.accounts import AccountsCase

REALM = ("--realm", "myspread.pb:Realm")


def parsed(*words: str) -> Any:
    """A command line, taken apart."""
    options = Options()
    options.reactor = MemoryReactorClock()
    options.parseOptions(words)
    return options


class OptionCase(AccountsCase):
    """
    Looks at what a command line comes to.
    """

    def refusal(self, *words: str) -> Any:
        """The line that is printed for a wrong command line."""
        return self.assertRaises(SystemExit, parsed, *words).code

    def printed(self, *words: str) -> str:
        """What a command line prints that ends well."""
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        self.assertEqual(self.assertRaises(SystemExit, parsed, *words).code, 0)
        return output.getvalue()


class OptionTests(OptionCase):
    """
    What the portal is made of.
    """

    def login(self, options: Any, credentials: Any) -> Any:
        """Log in at what is served."""
        return options["root"].login(credentials, None, pb.IPerspective)

    def test_portal(self) -> None:
        """Who is known to one of the checkers gets an avatar of the realm."""
        options = parsed(*REALM, "--auth", "memory:ann:secret", "--auth", "memory:bob:b")
        for name, password in ((b"ann", b"secret"), (b"bob", b"b")):
            _, avatar, _ = self.successResultOf(self.login(options, UsernamePassword(name, password)))
            self.assertIsInstance(avatar, pb.Avatar)
        self.assertRefused(self.login(options, UsernamePassword(b"ann", b"b")))
        self.assertNotIn(IAnonymous, options["root"].checkers)

    def test_anonymous(self) -> None:
        """C{--anonymous}, alone or with others, and C{--auth anonymous}, are the same."""
        for words in (("--anonymous",), ("--auth", "anonymous"), ("--auth", "memory:a:b", "--anonymous")):
            options = parsed(*REALM, *words)
            self.successResultOf(self.login(options, Anonymous()))

    def test_ours(self) -> None:
        """Files of ours."""
        path = self.write("# Nobody yet.")
        checkers = parsed(
            *REALM, *(f"--auth={kind}:{path}" for kind in ("pbpasswords", "pbtokens", "pbcertificates"))
        )["root"].checkers
        for interface, kind in (
            (IScramCredentials, PasswordFile),
            (ITokenCredentials, TokenFile),
            (ICertificateCredentials, CertificateFile),
        ):
            self.assertIsInstance(checkers[interface], kind)
            self.assertEqual(checkers[interface].path, os.path.abspath(path))
        self.assertNotIn(IUsernameMD5Password, checkers)

    def test_fromFile(self) -> None:
        """All of it can stand in a file."""
        Path(self.path).write_text('realm = "myspread.pb:Realm"\nauth = ["memory:a:b"]\nanonymous = true\n')
        options = parsed("--config", self.path)
        self.successResultOf(self.login(options, Anonymous()))
        self.successResultOf(self.login(options, UsernamePassword(b"a", b"b")))

    def test_wrong(self) -> None:
        """What is wrong, or missing, is told in a line."""
        path = self.write("# fine", "ann secret")
        absolute = os.path.abspath(path)
        for words, text in (
            (("--auth", "memory:a:b"), "--auth: it needs --realm, which says what those who log in get"),
            (("--anonymous",), "--anonymous: it needs --realm, which says what those who log in get"),
            (REALM, "--realm: it needs --auth or --anonymous: otherwise nobody can log in"),
            (
                (*REALM, "--anonymous", "--root", "myspread.pb:Root"),
                "--realm: it takes the place of --root: name one of them",
            ),
            (("--realm", "nowhere:x", "--anonymous"), "--realm nowhere:x: there is no module 'nowhere'"),
            (
                ("--realm", "myspread.pb:MAX_BROKER_REFS", "--anonymous"),
                "--realm myspread.pb:MAX_BROKER_REFS: myspread.pb:MAX_BROKER_REFS is no realm and cannot "
                "make one: 1024 does not provide IRealm",
            ),
            (
                (*REALM, "--auth", "pbpassword:x"),
                "--auth pbpassword: there is no such checker; did you mean 'pbpasswords'?",
            ),
            (
                (*REALM, "--auth", "xyzzy:ann:secret"),
                "--auth xyzzy: there is no such checker; --auth help lists them",
            ),
            (
                (*REALM, "--auth", "pbtokens"),
                "--auth pbtokens: pbtokens needs the path of a file: pbtokens:FILE",
            ),
            (
                (*REALM, "--auth", f"pbpasswords:{path}"),
                f"--auth pbpasswords: {absolute}: line 2: a line has a user name, a hash of Argon2 and a "
                "verifier of SCRAM, not 2 fields",
            ),
            ((*REALM, "--auth", "memory:ann"), "--auth memory: argstring must be in format U:P:..."),
            ((*REALM, "--auth", "file"), "--auth file: 'file' requires a filename"),
        ):
            self.assertEqual(self.refusal(*words), f"twistd pbserver: {text}")

    def test_notForPB(self) -> None:
        """A checker for credentials that nobody can have here is of no use."""

        class Other:
            credentialInterfaces = (IPlugin,)

        self.patch(accounts, "makeChecker", lambda description: Other())
        self.assertEqual(
            self.refusal(*REALM, "--auth", "other:x"),
            "twistd pbserver: --auth other: it takes no credentials that a client can have here",
        )


class HelpTests(OptionCase):
    """
    What there is to know of C{--auth}.
    """

    def test_list(self) -> None:
        """Every checker that is installed, and what clients log in with."""
        text = self.printed("--auth", "help")
        for line in (
            "  memory          password over TLS, MD5\n",
            "  pbcertificates  client certificate\n",
            "  pbpasswords     SCRAM-SHA-256, password over TLS\n",
            "  pbtokens        token\n",
            "  anonymous       nothing\n",
        ):
            self.assertIn(line, text)

    def test_one(self) -> None:
        """More on one; of those of Twisted, what Twisted says."""
        self.assertIn("myspread passwd", self.printed("--auth", "help:pbpasswords"))
        self.assertIn("plain text", self.printed("--auth", "help:file"))
        self.assertEqual(
            self.refusal("--auth", "help:xyzzy"),
            "twistd pbserver: --auth help: there is no checker 'xyzzy'; --auth help lists them",
        )

    def test_check(self) -> None:
        """What C{--check} prints has no password in it."""
        text = self.printed(*REALM, "--auth", "memory:ann:secret", "--anonymous", "--check")
        self.assertIn("would serve myspread.pb:Realm\n", text)
        self.assertIn("auth: memory:... (command line)\n", text)
        self.assertIn("anonymous: yes (command line)\n", text)
        self.assertNotIn("secret", text)


class PluginTests(SynchronousTestCase):
    """
    The plugins, which any program with C{--auth} finds.
    """

    def test_plugins(self) -> None:
        """They are what they should be, and take what their checkers take."""
        found = {each.authType: each for each in findCheckerFactories()}
        for name, kind in (
            ("pbpasswords", PasswordFile),
            ("pbtokens", TokenFile),
            ("pbcertificates", CertificateFile),
        ):
            verifyObject(ICheckerFactory, found[name])
            self.assertTrue(IPlugin.providedBy(found[name]))
            self.assertEqual(found[name].credentialInterfaces, kind.credentialInterfaces)

"""
Logins over TLS, with what only C{twistd pbserver} asks for.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from myspread._login.accountlines import joined
from myspread._login.tokens import Token, digestOf, newToken
from tests.cli.commanding import CommandTestCase, Log
from tests.login.accounts import userLine
from tests.service.authority import Authority
from tests.substitution.running import cleanEnvironment

SITE = """
from myspread import pb


class Customer(pb.Avatar):
    def perspective_name(self):
        return self.avatarId


class Realm(pb.Realm):
    def requestAvatar(self, avatarId, mind, *interfaces):
        customer = Customer(avatarId)
        return pb.IPerspective, customer, customer.logout
"""

TWISTD = "from twisted.scripts.twistd import run; run()"


class SecureTests(CommandTestCase):
    """
    A server with a certificate of its own authority, and all kinds of accounts.
    """

    def setUp(self) -> None:
        super().setUp()
        self.token = newToken()
        record = Token(digestOf(self.token.encode()), "build1", int(time.time()))
        self.write("secure_site.py", SITE)
        self.write("passwords", userLine("ann", "secret") + "\n")
        self.write("tokens", joined(record.fields()) + "\n")
        self.write("certificates", "dns build2.example.com build2\n")
        self.write("token", f"{self.token}\n")
        self.write("password", "secret\n")
        authority = Authority()
        authority.write(self.directory, "authority")
        authority.issue("server", "localhost").write(self.directory, "server")
        authority.issue("build2", "build2.example.com").write(self.directory, "client")
        self.address = self.startServer()

    def write(self, name: str, text: str) -> None:
        """Write a file that nobody else may read."""
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)

    def startServer(self) -> str:
        """Start the server. @return: its strport for clients."""
        log = Log("twistd")
        self.addCleanup(log.close)
        port = "ssl:0:privateKey=server-key.pem:certKey=server.pem:interface=127.0.0.1"
        accounts = ("pbpasswords:passwords", "pbtokens:tokens", "pbcertificates:certificates")
        words = ["--realm", "secure_site:Realm", *(f"--auth={each}" for each in accounts)]
        server = subprocess.Popen(
            [
                sys.executable,
                "-c",
                TWISTD,
                "-n",
                "--pidfile=",
                "pbserver",
                "--port",
                port,
                *words,
                *self.asking(),
            ],
            cwd=self.directory,
            env={**cleanEnvironment(), "PYTHONPATH": f"{cleanEnvironment()['PYTHONPATH']}:{self.directory}"},
            stdout=log.file,
            stderr=subprocess.STDOUT,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return f"tls:localhost:{log.wait(r'PBServerFactory(?: .TLS.)? starting on ([0-9]+)')[1]}"

    def asking(self) -> list[str]:
        """What makes the server ask for certificates of clients."""
        return ["--client-ca", "authority.pem", "--client-cert", "optional"]

    def call(self, *words: str) -> tuple[str, ...]:
        """A call with what the server's certificate needs."""
        return ("call", self.address, "name", "--ca", "authority.pem", *words)

    def test_logins(self) -> None:
        """With a password, a token and a certificate, each of which is bound to TLS or hidden by it."""
        password, token, certificate, none = self.together(
            self.call("--login", "ann", "--password-file", "password"),
            self.call("--token-file", "token"),
            self.call("--login-cert", "--cert", "client.pem", "--key", "client-key.pem"),
            ("call", self.address, "name", "--token-file", "token"),
        )
        self.assertEqual(password, (0, "b'ann'\n", ""))
        self.assertEqual(token, (0, "b'build1'\n", ""))
        self.assertEqual(certificate, (0, "b'build2'\n", ""))
        self.assertEqual((none.status, none.output), (3, ""))
        text = "the certificate of the server isn't trusted here; --ca PATH says whom else to trust"
        self.assertEqual(none.errors, f"myspread: {self.address}: {text}\n")

    def test_refused(self) -> None:
        """What is wrong is told: accounts with the status of refused logins, files with that of arguments."""
        self.write("token", "wrong\n")
        wrong, nobody, other, noKey, noFile, noCA = self.together(
            self.call("--token-file", "token"),
            self.call("--anonymous"),
            self.call("--login-cert", "--cert", "server.pem", "--key", "server-key.pem"),
            self.call("--login-cert", "--cert", "client.pem"),
            self.call("--login-cert", "--cert", "missing.pem"),
            ("call", self.address, "name", "--ca", "token"),
        )
        self.assertEqual(
            (wrong.status, wrong.errors[:43]), (4, "myspread: the server refuses the login of t")
        )
        self.assertEqual(other.status, 4, other)
        text = "the server takes no logins of this kind from nobody in particular"
        self.assertEqual(nobody, (4, "", f"myspread: {text}\n"))
        for ended, text in (
            (noKey, "client.pem: not a certificate with its private key (PEM); see --key"),
            (noFile, "missing.pem: No such file or directory"),
            (noCA, "--ca token: there is no certificate (PEM)"),
        ):
            self.assertEqual((ended.status, ended.output, ended.errors), (2, "", f"myspread: {text}\n"))

    def test_private(self) -> None:
        """Files that others may read are warned of."""
        (Path(self.directory) / "token").chmod(0o644)
        ended = self.myspread(*self.call("--token-file", "token"))
        self.assertEqual(ended.status, 0)
        self.assertIn("warning: other users may read token; try: chmod 600 token", ended.errors)

"""
The configuration in C{docs/examples/deploy} serves: with a socket that it is
handed, TLS, accounts from files, and a status page.
"""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates

from myspread import pb
from myspread._login.accountlines import joined
from myspread._login.tokens import Token, digestOf, newToken
from tests.login.accounts import userLine
from tests.service.authority import Authority
from tests.service.daemons import TwistdTestCase

CONFIGURATION = Path(__file__).parents[2] / "docs" / "examples" / "deploy" / "pbserver.toml"

HOST = "127.0.0.1"

SHOP = """
from myspread import pb


class Customer(pb.Avatar):
    def perspective_name(self):
        return self.avatarId


class Shop(pb.Realm):
    def requestAvatar(self, avatarId, mind, *interfaces):
        customer = Customer(avatarId)
        return pb.IPerspective, customer, customer.logout


policy = pb.SecurityPolicy(errors="incident")
"""

HANDED = "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=pbserver"


class DeployedTests(TwistdTestCase):
    """
    The file, with directories of ours in place of the system's.
    """

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority()
        self.authority.issue("server", HOST).write(self.directory, "server")
        (self.directory / "server-key.pem").rename(self.directory / "key.pem")
        (self.directory / "server.pem").rename(self.directory / "cert.pem")
        (self.directory / "shop.py").write_text(SHOP)
        self.token = newToken()
        self.write("passwords", userLine("ann", "secret"))
        issued = Token(digestOf(self.token.encode()), "bob", 0, None, None, "robot")
        self.write("tokens", joined(issued.fields()))
        text = CONFIGURATION.read_text(encoding="utf-8")
        for path in ("/etc/pbserver", "/var/lib/pbserver", "/run/pbserver"):
            self.assertIn(path, text)
            text = text.replace(path, str(self.directory))
        (self.directory / "pbserver.toml").write_text(text)
        self.socket = socket.create_server((HOST, 0))
        self.addCleanup(self.socket.close)

    def write(self, name: str, line: str) -> None:
        """A file of accounts."""
        path = self.directory / name
        path.touch(0o600)
        path.write_text(f"{line}\n")

    async def test_serves(self) -> None:
        """Users with a password, and with a token, are let in, and the status page is there."""
        program = self.twistd(
            "-n", "pbserver", "--config", "pbserver.toml", before=HANDED, sockets=[self.socket]
        )
        await program.printed(r"PBServerFactory \(TLS\) starting on (\S+)")
        trust = trustRootFromCertificates([Certificate.loadPEM(self.authority.certificateText)])
        endpoint = TCP4ClientEndpoint(reactor, HOST, self.socket.getsockname()[1])
        for credentials, name in ((pb.Password("ann", "secret"), "ann"), (pb.Token(self.token), "bob")):
            encrypted = wrapClientTLS(optionsForClientTLS(HOST, trust), endpoint)
            async with pb.session(encrypted, credentials=credentials) as session:
                called = await session.callRemote("name")
                self.assertEqual(called if isinstance(called, str) else called.decode(), name)
        self.assertTrue((self.directory / "status.socket").is_socket())
        program.signal("TERM")
        await program.ended
        self.assertEqual(program.complaints, "")

    async def test_check(self) -> None:
        """It is found to be right, and what it comes to is told."""
        program = self.twistd(
            "pbserver", "--config", "pbserver.toml", "--check", before=HANDED, sockets=[self.socket]
        )
        self.assertEqual(await program.ended, 0)
        self.assertSubstring("would listen on ssl:systemd:name=pbserver", program.output)
        self.assertSubstring("realm: shop:Shop (pbserver.toml)", program.output)
        self.assertEqual(program.complaints, "")

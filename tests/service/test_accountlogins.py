"""
Logins at C{twistd pbserver} in a process of its own, with accounts from files
that change while it runs.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from OpenSSL.SSL import Error as TlsError
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.internet.defer import ensureDeferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.spread import pb as stock

import myspread
from myspread import pb
from myspread._login.accountlines import joined
from myspread._login.argon2 import Argon2Cost
from myspread._login.passwords import User
from myspread._login.tokens import Token, digestOf, newToken
from myspread.accounts import keyPin
from tests.login.accounts import userLine
from tests.service.authority import DAY, Authority, Issued
from tests.service.daemons import TwistdTestCase

LOCAL = "tcp:0:interface=127.0.0.1"

SITE = """
from myspread import pb


class Customer(pb.Avatar):
    def perspective_name(self):
        return self.avatarId

    def perspective_echo(self, value):
        return value


class Realm(pb.Realm):
    def requestAvatar(self, avatarId, mind, *interfaces):
        customer = Customer(avatarId)
        return pb.IPerspective, customer, customer.logout
"""

SLOW = Argon2Cost(65536, 8, 1)
"""A hash that takes some tenths of a second."""

WRONG = {"scram-sha-256": "wrong user name or password", "plain": ""}
"""How each mechanism tells that a name or a password is wrong; not which of them it is."""


class LoginCase(TwistdTestCase):
    """
    A server whose realm tells everybody the avatar id.
    """

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "login_site.py").write_text(SITE)

    def write(self, name: str, *lines: str) -> None:
        """Put a file in place of the one that there is."""
        path = self.directory / f"{name}.new"
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(0o600)
        os.replace(path, self.directory / name)

    async def start(self, *words: str, port: str = LOCAL) -> Any:
        """A server: the program. Clients find its port themselves."""
        program, [number] = await self.serve(
            "--port", port, "--realm", "login_site:Realm", *words, "--limit", "loginDelay=0"
        )
        self.address = f"tcp:127.0.0.1:{number}"
        return program

    async def avatar(self, credentials: Any, kind: Any = pb.PBClientFactory, **options: Any) -> Any:
        """Log in, on a connection that is closed when the test ends."""
        factory = kind()
        await self.connect(self.address, factory)
        return await factory.login(credentials, **options)

    async def name(self, credentials: Any, kind: Any = pb.PBClientFactory, **options: Any) -> Any:
        """The avatar id of who logs in; or the name and the text of the error."""
        try:
            avatar = await self.avatar(credentials, kind, **options)
        except (pb.RemoteError, stock.RemoteError) as error:
            remoteType: Any = error.remoteType
            if isinstance(remoteType, bytes):
                remoteType = remoteType.decode()
            return remoteType.rpartition(".")[2], str(error)
        except pb.NoMechanism as error:
            return "NoMechanism", str(error)
        except (pb.PBConnectionLost, TlsError) as error:
            return "lost", str(error)
        return await avatar.callRemote("name")


class StockTests(LoginCase):
    """
    Checkers of Twisted's, and clients on C{twisted.spread}.
    """

    async def test_stock(self) -> None:
        """Both know their users, with MD5 and with what is stronger; nobody is anonymous."""
        self.write("users", "bob:geheim")
        await self.start("--auth", "memory:ann:secret", "--auth", "file:users")
        for kind in (stock.PBClientFactory, pb.PBClientFactory):
            for user, password in ((b"ann", b"secret"), (b"bob", b"geheim")):
                self.assertEqual(await self.name(UsernamePassword(user, password), kind), user)
            wrong = await self.name(UsernamePassword(b"ann", b"geheim"), kind)
            self.assertEqual(wrong, ("UnauthorizedLogin", ""))
            refused = await self.name(Anonymous(), kind)
            self.assertEqual(refused[0], "UnhandledCredentials")
        plain = await self.name(pb.Password("bob", "geheim"), mechanisms=["plain"])
        self.assertEqual(plain, b"bob")

    async def test_anonymous(self) -> None:
        """With C{--anonymous} it takes no credentials."""
        await self.start("--anonymous")
        for kind in (stock.PBClientFactory, pb.PBClientFactory):
            self.assertEqual(await self.name(Anonymous(), kind), ())


class PasswordTests(LoginCase):
    """
    A password file.
    """

    async def test_passwords(self) -> None:
        """Right and wrong passwords, with each mechanism; a change holds at once, if it is one."""
        self.write("passwords", userLine("ann", "secret"), userLine("J\xfcrgen:x", "geheim"))
        program = await self.start("--auth", "pbpasswords:passwords")
        for mechanism, wrong in WRONG.items():
            options = {"mechanisms": [mechanism]}
            self.assertEqual(await self.name(pb.Password("ann", "secret"), **options), b"ann")
            self.assertEqual(
                await self.name(pb.Password("Ju\N{COMBINING DIAERESIS}rgen:x", "geheim"), **options),
                "J\xfcrgen:x".encode(),
            )
            for user, password in (("ann", "wrong"), ("eve", "secret"), ("ann", "geheim")):
                outcome = await self.name(pb.Password(user, password), **options)
                self.assertEqual(outcome, ("UnauthorizedLogin", wrong))
        self.write("passwords", userLine("ann", "new"))
        for mechanism, wrong in WRONG.items():
            options = {"mechanisms": [mechanism]}
            self.assertEqual(await self.name(pb.Password("ann", "new"), **options), b"ann")
            outcome = await self.name(pb.Password("ann", "secret"), **options)
            self.assertEqual(outcome, ("UnauthorizedLogin", wrong))
        # The file has nothing that a response with MD5 could be compared with.
        refused = await self.name(UsernamePassword(b"ann", b"new"), stock.PBClientFactory)
        self.assertEqual(refused[0], "UnhandledCredentials")
        refused = await self.name(pb.Password("ann", "new"), mechanisms=["md5"])
        self.assertEqual(refused[0], "UnhandledCredentials")
        # The log tells of each refusal, once, and takes none for a fault of the server.
        self.assertSubstring("a login is refused: wrong user name or password", program.output)
        self.assertNotIn("Traceback", program.output)
        self.assertNotIn("critical", program.output)
        # A file that can't be read changes nothing.
        self.write("passwords", "ann secret")
        self.assertEqual(await self.name(pb.Password("ann", "new")), b"ann")
        await program.printed(r"what was read before stays in force: .*(line 1: a line has a user name)")
        self.assertNotIn("geheim", program.output)

    async def test_others(self) -> None:
        """While a password is hashed, others are served."""
        slow = User.withPassword("bob", "geheim", SLOW, None)
        self.write("passwords", userLine("ann", "secret"), joined(slow.fields()))
        await self.start("--auth", "pbpasswords:passwords")
        ann = await self.avatar(pb.Password("ann", "secret"))
        bob = ensureDeferred(self.name(pb.Password("bob", "geheim"), mechanisms=["plain"]))
        answered = 0
        while not bob.called:
            await ann.callRemote("echo", answered)
            answered += 1
        self.assertEqual(await bob, b"bob")
        # If it blocked, one or two of them would wait for its end.
        self.assertGreater(answered, 10)


class TokenTests(LoginCase):
    """
    A file of tokens.
    """

    async def test_tokens(self) -> None:
        """A token that is right, wrong, expired, or revoked while the server runs."""
        now = int(time.time())
        right, expired = newToken(), newToken()
        records = [
            Token(digestOf(right.encode()), "build1", now, now + 3600, None, "a label"),
            Token(digestOf(expired.encode()), "build2", now - 60, now - 1),
        ]
        self.write("tokens", *(joined(each.fields()) for each in records))
        program = await self.start("--auth", "pbtokens:tokens")
        self.assertEqual(await self.name(pb.Token(right)), b"build1")
        self.assertEqual(await self.name(pb.Token(newToken())), ("UnauthorizedLogin", ""))
        self.assertEqual(await self.name(pb.Token(expired)), ("UnauthorizedLogin", "this token is expired"))
        self.write("tokens", joined(replace(records[0], revoked=now).fields()))
        self.assertEqual(await self.name(pb.Token(right)), ("UnauthorizedLogin", "this token is revoked"))
        await program.printed(r"Token (\w+) of build1 \(a label\) is revoked, and was used.")
        self.assertNotIn(right, program.output)
        self.assertNotIn(Path(self.directory / "tokens").read_text().split()[0], program.output)

    async def test_command(self) -> None:
        """What C{myspread token} makes lets somebody in, until it revokes it; the server goes on."""
        self.write("tokens", "# Nobody yet.")
        await self.start("--auth", "pbtokens:tokens")
        token, id = await self.command("create", "tokens", "build2")
        self.assertEqual(await self.name(pb.Token(token)), b"build2")
        await self.command("revoke", "tokens", id)
        self.assertEqual(await self.name(pb.Token(token)), ("UnauthorizedLogin", "this token is revoked"))

    async def command(self, *words: str) -> tuple[str, str]:
        """Run C{myspread token}: the token that it prints, and the id that it tells of."""
        output, errors, status = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "myspread", "token", *words],
            {**os.environ, "PYTHONPATH": str(Path(myspread.__file__).parents[1])},
            str(self.directory),
        )
        self.assertEqual(status, 0, errors)
        told = errors.decode().split()
        return output.decode().strip(), told[2] if told else ""


class TlsTests(LoginCase):
    """
    Clients that come over TLS.
    """

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority()
        self.authority.write(self.directory, "authority")
        trusted = self.directory / "trusted"
        trusted.mkdir()
        (trusted / "authority.pem").write_bytes(self.authority.certificateText)
        self.authority.issue("server", "localhost").write(self.directory, "server")

    async def startTls(self, *words: str) -> Any:
        """A server that asks for certificates, and takes clients that have none."""
        asking = ("--client-ca", str(self.directory / "authority.pem"), "--client-cert", "optional")
        pem = f"privateKey={self.directory}/server-key.pem:certKey={self.directory}/server.pem"
        program = await self.start(*words, *asking, port=f"ssl:0:{pem}:interface=127.0.0.1")
        port = self.address.rpartition(":")[2]
        self.server = self.address = f"tls:localhost:{port}:trustRoots={self.directory}/trusted"
        return program

    def become(self, issued: Issued) -> None:
        """Show a certificate from now on."""
        key, certificate = issued.write(self.directory, "client")
        self.address = f"{self.server}:privateKey={key}:certificate={certificate}"

    async def test_certificates(self) -> None:
        """Certificates that are right, nobody's, of another authority, expired, and at last revoked."""
        byName = self.authority.issue("1", "build1.example.com")
        byPin = self.authority.issue("2", "elsewhere.example.com")
        lines = ["dns build1.example.com build1", f"pin {keyPin(byPin.certificate)} J\xfcrgen"]
        self.write("certificates", *lines)
        program = await self.startTls("--auth", "pbcertificates:certificates")
        credentials = pb.ClientCertificate()
        outcome = await self.name(credentials)
        self.assertEqual(outcome[0], "NoMechanism")
        for issued, expected in (
            (byName, b"build1"),
            (byPin, "J\xfcrgen".encode()),
            (
                self.authority.issue("build1.example.com", "other.example.com"),
                ("UnauthorizedLogin", "nobody here has this certificate"),
            ),
        ):
            self.become(issued)
            self.assertEqual(await self.name(credentials), expected)
        # TLS refuses them.
        for refused in (
            Authority("other").issue("1", "build1.example.com"),
            self.authority.issue("1", "build1.example.com", end=-DAY / 2),
        ):
            self.become(refused)
            outcome = await self.name(credentials)
            self.assertEqual(outcome[0], "lost", outcome)
        self.write("certificates", *lines, f"revoked {keyPin(byName.certificate)} lost")
        self.become(byName)
        refusal = ("UnauthorizedLogin", "the key of this certificate is revoked")
        self.assertEqual(await self.name(credentials), refusal)
        await program.printed(r"The revoked key (sha256:\w{64}) was used to log in")

    async def test_together(self) -> None:
        """Every way to log in, at one server, bound to TLS where it can be."""
        token = newToken()
        issued = self.authority.issue("1", "build1.example.com")
        self.write("passwords", userLine("ann", "secret"))
        self.write("tokens", joined(Token(digestOf(token.encode()), "build2", int(time.time())).fields()))
        self.write("certificates", "dns build1.example.com build1")
        kinds = ("pbpasswords:passwords", "pbtokens:tokens", "pbcertificates:certificates", "memory:cy:c")
        await self.startTls(*(f"--auth={kind}" for kind in kinds), "--anonymous")
        self.become(issued)
        plus = "scram-sha-256-plus"
        self.assertEqual(await self.name(pb.Password("ann", "secret"), mechanisms=[plus]), b"ann")
        wrong = await self.name(pb.Password("ann", "c"), mechanisms=[plus])
        self.assertEqual(wrong, ("UnauthorizedLogin", "wrong user name or password"))
        self.assertEqual(await self.name(pb.Token(token)), b"build2")
        self.assertEqual(await self.name(pb.ClientCertificate()), b"build1")
        # The checker that is asked second knows him.
        self.assertEqual(await self.name(pb.Password("cy", "c"), mechanisms=["plain"]), b"cy")
        self.assertEqual(await self.name(UsernamePassword(b"cy", b"c"), stock.PBClientFactory), b"cy")
        self.assertEqual(await self.name(Anonymous()), ())

"""
Logins at C{twistd pbserver} in a process of its own, with accounts from files
that change while it runs.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.spread import pb as stock

from myspread import pb
from myspread._login.accountlines import joined
from myspread._login.argon2 import Argon2Cost
from myspread._login.passwords import User
from myspread._login.tokens import Token, digestOf, newToken
from tests.login.accounts import userLine
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

SLOW = Argon2Cost(65536, 12, 1)
"""A hash that takes half a second or more."""

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

    async def start(self, *words: str) -> Any:
        """A server: the program. Clients find its port themselves."""
        program, [port] = await self.serve(
            "--port", LOCAL, "--realm", "login_site:Realm", *words, "--limit", "loginDelay=0"
        )
        self.port = int(port)
        return program

    async def avatar(self, credentials: Any, kind: Any = pb.PBClientFactory, **options: Any) -> Any:
        """Log in, on a connection that is closed when the test ends."""
        factory = kind()
        broker = await endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", self.port).connect(factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))

        def close() -> Deferred[None]:
            broker.transport.loseConnection()
            return lost

        self.addCleanup(close)
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
        """Right and wrong passwords, with each mechanism; a change holds at once."""
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
        self.assertNotIn("secret", program.output)

    async def test_withoutMd5(self) -> None:
        """Login with MD5 isn't possible: the file has nothing that it could be compared with."""
        self.write("passwords", userLine("ann", "secret"))
        await self.start("--auth", "pbpasswords:passwords")
        refused = await self.name(UsernamePassword(b"ann", b"secret"), stock.PBClientFactory)
        self.assertEqual(refused[0], "UnhandledCredentials")
        refused = await self.name(pb.Password("ann", "secret"), mechanisms=["md5"])
        self.assertEqual(refused[0], "UnhandledCredentials")

    async def test_wholeAgain(self) -> None:
        """A file that is broken while the server runs changes nothing but the log."""
        self.write("passwords", userLine("ann", "secret"))
        program = await self.start("--auth", "pbpasswords:passwords")
        self.write("passwords", "ann secret")
        self.assertEqual(await self.name(pb.Password("ann", "secret")), b"ann")
        await program.printed(r"what was read before stays in force: .*(line 1: a line has a user name)")

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

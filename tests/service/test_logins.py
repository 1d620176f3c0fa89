"""
Logins to C{twistd pbserver} in a process of its own: each mechanism, with right
and wrong secrets, and clients on C{twisted.spread}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import endpoints, reactor
from twisted.internet.defer import Deferred
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.spread import pb as stock

from myspread import pb
from tests.login.authority import Authority
from tests.service.daemons import TwistdTestCase
from tests.service.test_listening import HEADER, Announcing

ANN = UsernamePassword(b"ann", b"secret")

SITE = """
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse, ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from zope.interface import implementer

from myspread import pb


@implementer(ICredentialsChecker, pb.IScramVerifiers)
class Checker:
    credentialInterfaces = (pb.IScramCredentials, pb.ITokenCredentials, IUsernamePassword)
    verifier = pb.ScramVerifier.fromPassword("secret", 4096)
    iterations = 4096

    def verifierFor(self, username):
        return self.verifier if username == b"ann" else None

    def requestAvatarId(self, credentials):
        if pb.IScramCredentials.providedBy(credentials) and credentials.check(self.verifier):
            return credentials.username
        if pb.ITokenCredentials.providedBy(credentials) and credentials.token == b"token":
            return b"ann"
        if IUsernamePassword.providedBy(credentials) and credentials.checkPassword(b"secret"):
            return credentials.username
        raise UnauthorizedLogin("wrong")


class User(pb.Avatar):
    def perspective_whoAmI(self):
        return self.avatarId


class Realm(pb.Realm):
    def requestAvatar(self, avatarId, mind, *interfaces):
        user = User(avatarId)
        return pb.IPerspective, user, user.logout


portal = Portal(Realm(), [InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret"), Checker()])
"""


class LoginTests(TwistdTestCase):
    """
    One server for several logins.
    """

    timeout = 180

    def setUp(self) -> None:
        super().setUp()
        (self.directory / "login_site.py").write_text(SITE)
        authority = Authority()
        (self.directory / "authority.pem").write_bytes(authority.issued.pem)
        self.pem = authority.issue("localhost").save(Path(self.directory, "server"))
        self.sessions: list[pb.Session] = []

    async def closeSessions(self) -> None:
        """Close them."""
        for session in self.sessions:
            await session.close()

    def session(self, where: Any, **settings: Any) -> pb.Session:
        """A session."""
        session = pb.session(where, **settings)
        self.sessions.append(session)
        return session

    async def assertLogsIn(self, where: Any, credentials: Any, mechanisms: Any = None) -> None:
        """It is Ann."""
        session = self.session(where, credentials=credentials, mechanisms=mechanisms)
        self.assertEqual(await session.callRemote("whoAmI"), b"ann")

    async def assertFails(
        self, where: Any, credentials: Any, kind: type[Exception], text: str, mechanisms: Any = None
    ) -> None:
        """It is nobody."""
        session = self.session(where, credentials=credentials, mechanisms=mechanisms)
        try:
            await session.avatar
        except kind as error:
            self.assertIn(text, str(error))
        else:
            self.fail("it has logged in")

    def tcp(self, port: str) -> Any:
        """The endpoint of a client on this machine."""
        return endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", int(port))

    async def stockLogin(self, endpoint: Any) -> Any:
        """The avatar id, for a client on twisted.spread."""
        factory = stock.PBClientFactory()
        broker = await endpoint.connect(factory)
        lost: Deferred[None] = Deferred()
        broker.notifyOnDisconnect(lambda: lost.callback(None))
        try:
            user = await factory.login(ANN)
            return await user.callRemote("whoAmI")
        finally:
            broker.transport.loseConnection()
            await lost

    async def test_mechanisms(self) -> None:
        """Each mechanism, on each kind of port; stock clients are let in on this machine, and named."""
        program, ports = await self.serve(
            *("--port", "tcp:0:interface=127.0.0.1"),
            *("--port", f"ssl:0:privateKey={self.pem}:certKey={self.pem}:interface=127.0.0.1"),
            *("--port", "unix:login.socket"),
            *("--root", "login_site:portal", "--limit", "loginDelay=0"),
            ports=3,
        )
        tcp, tls = (port for port in ports if port.isdigit())
        self.addCleanup(lambda: Deferred.fromCoroutine(self.closeSessions()))
        secure = f"tls:localhost:{tls}:trustRoots={self.directory}"
        for where, mechanisms in (
            (secure, "scram-sha-256-plus"),
            (secure, "scram-sha-256"),
            (secure, "plain"),
            (f"tcp:127.0.0.1:{tcp}", "scram-sha-256"),
            (f"tcp:127.0.0.1:{tcp}", "plain"),
            (f"unix:{self.directory}/login.socket", "scram-sha-256"),
        ):
            await self.assertLogsIn(where, pb.Password("ann", "secret"), mechanisms)
            await self.assertFails(where, pb.Password("ann", "guess"), UnauthorizedLogin, "wrong", mechanisms)
        for where in (secure, f"unix:{self.directory}/login.socket"):
            await self.assertLogsIn(where, pb.Token("token"))
            await self.assertFails(where, pb.Token("guess"), UnauthorizedLogin, "wrong")
        await self.assertFails(secure, pb.ClientCertificate(), pb.NoMechanism, "shown it one")
        self.assertEqual(await self.stockLogin(self.tcp(tcp)), b"ann")
        await program.printed(r"'ann' logs in with MD5 from IPv4Address", 1)

    async def test_never(self) -> None:
        """Where MD5 is never taken, a stock client is told what there is."""
        _, [port] = await self.serve(
            *("--port", "tcp:0:interface=127.0.0.1", "--root", "login_site:portal", "--md5", "never")
        )
        try:
            await self.stockLogin(self.tcp(port))
        except stock.RemoteError as error:
            self.assertIn("md5 is no way to log in on this connection", str(error))
        else:
            self.fail("it has logged in")
        self.addCleanup(lambda: Deferred.fromCoroutine(self.closeSessions()))
        await self.assertFails(
            f"tcp:127.0.0.1:{port}", pb.Password("ann", "secret"), UnauthorizedLogin, "md5 is no way", "md5"
        )

    async def test_fromAfar(self) -> None:
        """
        Clients on other machines, as a proxy says: with MD5 they are let in only where the operator
        says so; tokens and plain passwords need TLS; what is bound to TLS goes through.
        """
        words = ("--root", "login_site:portal", "--limit", "loginDelay=0", "--trusted-proxy", "127.0.0.1")
        ports = (
            *("--port", "proxy:tcp:0:interface=127.0.0.1"),
            *("--port", f"proxy:ssl:0:privateKey={self.pem}:certKey={self.pem}:interface=127.0.0.1"),
        )
        program, [plain, encrypted] = await self.serve(*ports, *words, ports=2)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.closeSessions()))
        far = Announcing(self.tcp(plain), HEADER)
        trust = trustRootFromCertificates(
            [Certificate.loadPEM((self.directory / "authority.pem").read_bytes())]
        )
        secure = endpoints.wrapClientTLS(
            optionsForClientTLS("localhost", trust), Announcing(self.tcp(encrypted), HEADER)
        )
        ann, token = pb.Password("ann", "secret"), pb.Token("token")
        await self.assertLogsIn(far, ann)
        await self.assertLogsIn(secure, ann, "scram-sha-256-plus")
        await self.assertLogsIn(secure, token)
        await self.assertFails(far, token, pb.NoMechanism, "the server offers scram-sha-256 only")
        for endpoint in (far, secure):
            await self.assertFails(endpoint, ANN, UnauthorizedLogin, "md5 is no way to log in")
        with self.assertRaises(stock.RemoteError):
            await self.stockLogin(far)
        await program.printed(r"'ann' at IPv4Address.*203\.0\.113\.9.* is refused: (logins with MD5)", 3)
        await self.closeSessions()
        program.signal("TERM")
        await program.ended
        _, [open_, _] = await self.serve(*ports, *words, "--md5", "anywhere", ports=2)
        self.assertEqual(await self.stockLogin(Announcing(self.tcp(open_), HEADER)), b"ann")

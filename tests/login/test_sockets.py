"""
Tests for logins over real connections: TCP, UNIX sockets and TLS, with somebody
in between or without.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet import ssl
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.spread import pb as stock

from myspread import pb
from myspread._login import saltedpasswords
from myspread._login.saltedpasswords import QUICK
from tests.factories.sockets import reactor
from tests.factories.test_addresses import FakeResolver
from tests.factories.test_addresses import server as service
from tests.factories.test_sessions_real import RealCase
from tests.login.authority import Authority, Issued
from tests.login.between import Between
from tests.login.checkers import CertificateChecker, PlainChecker, ScramChecker, TokenChecker
from tests.login.realms import RecordingRealm

ANN = pb.Password("ann", "secret")
PLUS, SCRAM = "scram-sha-256-plus", "scram-sha-256"
NO_EXTENDED_MASTER_SECRET = 1
"""OpenSSL's option of this name, which pyOpenSSL doesn't know."""


class LoginCase(RealCase):
    """
    Servers behind a portal, and sessions with them.
    """

    timeout = 60

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority()
        self.server = self.authority.issue("localhost")
        self.ann = self.authority.issue("ann")

    async def closeSessions(self) -> None:
        """Refused logins are logged."""
        await super().closeSessions()
        self.flushLoggedErrors(UnauthorizedLogin)

    def portal(self) -> Portal:
        """Takes everything."""
        return Portal(
            RecordingRealm(),
            [
                InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret"),
                ScramChecker(),
                TokenChecker(),
                PlainChecker(),
                CertificateChecker(ann=self.ann.certificate),
            ],
        )

    def serveTls(self, options: Any = None, factory: Any = None) -> int:
        """Serve over TLS."""
        served = self.track(factory or pb.PBServerFactory(self.portal()))
        port = reactor.listenSSL(0, served, options or self.server.options(), interface="127.0.0.1")
        self.ports.append(port)
        return int(port.getHost().port)

    def tls(self, port: int, issued: Issued | None = None, **settings: Any) -> pb.Session:
        """
        A session over TLS.

        @param issued: the client's certificate.
        """
        trusted = Path(self.folder())
        Path(trusted, "authority.pem").write_bytes(self.authority.issued.pem)
        where = f"tls:localhost:{port}:trustRoots={trusted}"
        if issued is not None:
            path = issued.save(Path(self.folder(), "client"))
            where += f":certificate={path}:privateKey={path}"
        return self.session(where, **settings)

    @property
    def servers(self) -> list[Any]:
        """The brokers of servers."""
        return [each for each, _ in self.open if isinstance(each, pb.Broker) and not each.isClient]

    async def assertLogsIn(self, session: pb.Session, mechanism: str) -> None:
        """It is Ann, and this is how."""
        self.assertEqual(await session.callRemote("whoAmI"), b"ann")
        # The server may not have heard yet that those before are gone.
        broker = [each for each in self.servers if not each.disconnected][-1]
        self.assertEqual((broker.avatarId, broker.mechanism), ("ann", mechanism))
        await session.close()

    async def assertFails(self, session: pb.Session, kind: type[Exception], text: str) -> None:
        """It is refused, and says why."""
        self.assertIn(text, str(await self.failure(session.avatar, kind)))
        await session.close()


class RightTests(LoginCase):
    """
    Each mechanism on each kind of connection.
    """

    async def test_tls(self) -> None:
        """Over TLS."""
        port = self.serveTls(self.server.options(self.authority))
        for credentials, mechanisms, mechanism in (
            (ANN, None, PLUS),
            (ANN, SCRAM, SCRAM),
            (UsernamePassword(b"ann", b"secret"), None, "md5"),
            (pb.Token("ann's token"), None, "token"),
        ):
            session = self.tls(port, credentials=credentials, mechanisms=mechanisms)
            await self.assertLogsIn(session, mechanism)
        certified = self.tls(port, self.ann, credentials=pb.ClientCertificate())
        await self.assertLogsIn(certified, "certificate")

    async def test_tcp(self) -> None:
        """Over TCP within one machine."""
        port = self.listen(pb.PBServerFactory(self.portal()))
        for credentials, mechanism in ((ANN, SCRAM), (pb.Token("ann's token"), "token")):
            await self.assertLogsIn(self.session(f"tcp:127.0.0.1:{port}", credentials=credentials), mechanism)

    async def test_unix(self) -> None:
        """Over a UNIX socket."""
        path = f"{self.folder()}/socket"
        await self.serve(f"unix:{path}", self.portal())
        for credentials, mechanism in ((ANN, SCRAM), (pb.Token("ann's token"), "token")):
            await self.assertLogsIn(self.session(f"unix:{path}", credentials=credentials), mechanism)

    async def test_service(self) -> None:
        """With servers that the DNS names, and with a certificate of the client's."""
        port = self.serveTls(self.authority.issue("example.test").options(self.authority, required=True))
        resolver = FakeResolver([service("localhost", port=port)])
        trusted = Path(self.folder())
        Path(trusted, "authority.pem").write_bytes(self.authority.issued.pem)
        path = self.ann.save(Path(self.folder(), "ann"))
        where = f"srv+tls:_pb._tcp.example.test:trustRoots={trusted}:certificate={path}"
        for text in (where, f"{where}:privateKey={path}"):
            session = self.session(text, credentials=pb.ClientCertificate(), resolver=resolver)
            await self.assertLogsIn(session, "certificate")

    async def test_factory(self) -> None:
        """With a client factory that is connected by other means."""
        port = self.serveTls()
        factory = self.client()
        trust = ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(self.authority.issued.pem)])
        reactor.connectSSL("127.0.0.1", port, factory, ssl.optionsForClientTLS("localhost", trust))
        user = await factory.login(ANN, mechanisms=[PLUS])
        self.assertEqual(await user.callRemote("whoAmI"), b"ann")
        self.assertEqual(self.servers[0].mechanism, PLUS)

    async def test_wrongSecrets(self) -> None:
        """Over TLS."""
        port = self.serveTls()
        for credentials, mechanisms in (
            (pb.Password("ann", "wrong"), None),
            (pb.Password("ann", "wrong"), PLUS),
            (pb.Password("nobody", "secret"), None),
            (pb.Password("ann", "wrong"), "plain"),
            (pb.Token("wrong"), None),
        ):
            session = self.tls(port, credentials=credentials, mechanisms=mechanisms)
            await self.failure(session.avatar, UnauthorizedLogin)

    async def test_stockServer(self) -> None:
        """A server on twisted.spread, over TLS: MD5 where that is accepted, else nothing."""
        port = self.serveTls(factory=stock.PBServerFactory(self.portal()))
        text = "the server doesn't say how to log in"
        await self.assertFails(self.tls(port, credentials=ANN), pb.NoMechanism, text)
        both = self.tls(port, credentials=ANN, mechanisms=[PLUS, "md5"])
        self.assertEqual(await both.callRemote("whoAmI"), b"ann")
        self.assertEqual(len(self.flushLoggedErrors(pb.NoSuchMethod)), 2)

    async def test_stockClient(self) -> None:
        """A client on twisted.spread logs in over TLS as ever."""
        port = self.serveTls()
        factory = self.client(stock.PBClientFactory())
        reactor.connectSSL("127.0.0.1", port, factory, ssl.CertificateOptions())
        user = await factory.login(UsernamePassword(b"ann", b"secret"))
        self.assertEqual(await user.callRemote("whoAmI"), b"ann")
        self.assertEqual(self.servers[0].mechanism, "md5")


class BindingTests(LoginCase):
    """
    Which TLS connections can be bound to.
    """

    def olderTls(self) -> ssl.CertificateOptions:
        """The options of a server that doesn't know TLS 1.3."""
        options = self.server.options()
        options.getContext().set_max_proto_version(SSL.TLS1_2_VERSION)
        return options

    async def test_extendedMasterSecret(self) -> None:
        """TLS 1.2 with the extended master secret."""
        port = self.serveTls(self.olderTls())
        await self.assertLogsIn(self.tls(port, credentials=ANN), PLUS)

    async def test_withoutExtendedMasterSecret(self) -> None:
        """Without it nothing is bound, and who insists doesn't log in."""
        options = self.olderTls()
        options.getContext().set_options(NO_EXTENDED_MASTER_SECRET)
        port = self.serveTls(options)
        await self.assertLogsIn(self.tls(port, credentials=ANN), SCRAM)
        insisting = self.tls(port, credentials=ANN, mechanisms=PLUS)
        await self.assertFails(insisting, pb.NoMechanism, "of version 1.3 or with the extended master secret")


class CertificateTests(LoginCase):
    """
    Client certificates.
    """

    async def test_unknown(self) -> None:
        """One that the authority has issued, and the checker doesn't know."""
        port = self.serveTls(self.server.options(self.authority))
        session = self.tls(port, self.authority.issue("bob"), credentials=pb.ClientCertificate())
        await self.assertFails(session, UnauthorizedLogin, "nobody has this certificate")

    async def test_otherAuthority(self) -> None:
        """One that somebody else has issued doesn't get that far."""
        port = self.serveTls(self.server.options(self.authority))
        session = self.tls(port, Authority("authority").issue("ann"), credentials=pb.ClientCertificate())
        await self.failure(session.avatar, SSL.Error)

    async def test_none(self) -> None:
        """A client that has shown none is told what that takes; and so is one whose server wants none."""
        text = "a server offers certificate to clients that have shown it one, over TLS"
        for options, shown in (
            (self.server.options(self.authority), None),
            (self.server.options(), self.ann),
        ):
            session = self.tls(self.serveTls(options), shown, credentials=pb.ClientCertificate())
            await self.assertFails(session, pb.NoMechanism, text)

    async def test_required(self) -> None:
        """A server may want one of everybody, also of who logs in with a password."""
        port = self.serveTls(self.server.options(self.authority, required=True))
        await self.failure(self.tls(port, credentials=ANN).avatar, SSL.Error)
        await self.assertLogsIn(self.tls(port, self.ann, credentials=ANN), PLUS)


class BetweenTests(LoginCase):
    """
    Somebody in between.
    """

    @staticmethod
    def withoutPlus(data: bytes) -> bytes:
        """Take the strongest mechanism from the server's list."""
        return data.replace(PLUS.encode(), b"y" * len(PLUS))

    @staticmethod
    def withoutScram(data: bytes) -> bytes:
        """Take all of SCRAM from it."""
        return data.replace(b"scram", b"xcram")

    def between(self, port: int, **settings: Any) -> Between:
        """Somebody who passes on."""
        return Between(reactor, port, self.track, **settings)

    async def test_otherEnd(self) -> None:
        """Who ends TLS in between, with a certificate that the client trusts, can't pass on a bound login."""
        impostor = self.authority.issue("localhost")
        factory = self.between(self.serveTls(), secure=True)
        session = self.tls(self.serveTls(impostor.options(), factory), credentials=ANN)
        await self.assertFails(session, UnauthorizedLogin, "isn't at the other end of this channel")
        self.assertIn(b"mechanisms", factory.fromClient)
        self.assertIsNone(self.servers[0].avatarId)

    async def test_listChanged(self) -> None:
        """Nor does it help to take the bound mechanism from the list."""
        impostor = self.authority.issue("localhost")
        factory = self.between(self.serveTls(), secure=True, change=self.withoutPlus)
        port = self.serveTls(impostor.options(), factory)
        both = self.tls(port, credentials=ANN)
        await self.assertFails(both, UnauthorizedLogin, "has changed the list of mechanisms")
        self.assertIsNone(self.servers[0].avatarId)
        insisting = self.tls(port, credentials=ANN, mechanisms=PLUS)
        await self.assertFails(insisting, pb.NoMechanism, "and this client accepts scram-sha-256-plus")

    async def test_listChangedWithoutBinding(self) -> None:
        """Nor with a connection to the server that can't be bound to, so that its own list hasn't got it."""
        options = ssl.CertificateOptions()
        options.getContext().set_max_proto_version(SSL.TLS1_2_VERSION)
        options.getContext().set_options(NO_EXTENDED_MASTER_SECRET)
        impostor = self.authority.issue("localhost")
        factory = self.between(self.serveTls(), secure=True, options=options)
        session = self.tls(self.serveTls(impostor.options(), factory), credentials=ANN)
        await self.assertFails(session, UnauthorizedLogin, "somebody between them ends TLS")
        self.assertNotIn(PLUS.encode(), factory.fromServer)
        self.assertIsNone(self.servers[0].avatarId)

    async def test_moreChanged(self) -> None:
        """Nor to change what the client says of it: the proof covers that."""
        impostor = self.authority.issue("localhost")
        for changes, text in (
            ({b"y,,n=ann": b"n,,n=ann"}, "has sent another header than before"),
            ({b"y,,n=ann": b"n,,n=ann", b"c=eSws": b"c=biws"}, "wrong user name or password"),
        ):

            def changeClient(data: bytes, changes: dict[bytes, bytes] = changes) -> bytes:
                for before, after in changes.items():
                    data = data.replace(before, after)
                return data

            factory = self.between(
                self.serveTls(), secure=True, change=self.withoutPlus, changeClient=changeClient
            )
            session = self.tls(self.serveTls(impostor.options(), factory), credentials=ANN)
            await self.assertFails(session, UnauthorizedLogin, text)

    async def test_withoutTls(self) -> None:
        """Who takes all of SCRAM from the list of a server gets nothing: no password, and no digest of it."""
        factory = self.between(self.listen(pb.PBServerFactory(self.portal())), change=self.withoutScram)
        port = self.listen(factory)
        session = self.session(f"tcp:127.0.0.1:{port}", credentials=ANN)
        await self.assertFails(
            session, pb.NoMechanism, "the server offers token, plain and md5, and this client"
        )
        self.assertNotIn(b"ann", factory.fromClient)
        self.assertNotIn(b"secret", factory.fromClient)

    async def test_replayed(self) -> None:
        """What was heard of a whole login doesn't log in again."""
        port = self.listen(pb.PBServerFactory(self.portal()))
        factory = self.between(port)
        session = self.session(f"tcp:127.0.0.1:{self.listen(factory)}", credentials=ANN)
        self.assertEqual(await session.callRemote("whoAmI"), b"ann")
        await session.close()
        heard = bytes(factory.fromClient)
        self.assertNotIn(b"secret", heard)
        again = Replay(heard, b"the nonce isn't the one of this login")
        reactor.connectTCP("127.0.0.1", port, self.track(again))
        await again.heard
        self.assertIsNone(self.servers[-1].avatarId)
        self.assertTrue(self.flushLoggedErrors(UnauthorizedLogin))


class Replayer(Protocol):
    """
    Says what somebody else has said, as soon as the server has greeted.
    """

    def dataReceived(self, data: bytes) -> None:
        """Whatever the server answers."""
        factory: Any = self.factory
        if not factory.answer:
            assert self.transport is not None
            self.transport.write(factory.words)
        factory.hear(data)


class Replay(ClientFactory):
    """
    Connects to say something once more.

    @ivar heard: fires with what the server has said, once that has the words
        that are waited for.
    """

    protocol = Replayer  # type: ignore[assignment]

    def __init__(self, words: bytes, until: bytes) -> None:
        self.words = words
        self.until = until
        self.answer = b""
        self.heard: Deferred[bytes] = Deferred()

    def hear(self, data: bytes) -> None:
        """The server says something."""
        self.answer += data
        if self.until in self.answer and not self.heard.called:
            self.heard.callback(self.answer)


class CostTests(LoginCase):
    """
    What a login costs a client.
    """

    def setUp(self) -> None:
        super().setUp()
        self.hashed: list[Any] = []
        compute = saltedpasswords._keys

        def keys(*salted: Any) -> Any:
            self.hashed.append(threading.current_thread())
            return compute(*salted)

        self.patch(saltedpasswords, "_keys", keys)

    async def test_reconnecting(self) -> None:
        """A session hashes its password once, however often it connects."""
        port = self.listen(pb.PBServerFactory(self.portal()))
        session = self.session(
            f"tcp:127.0.0.1:{port}", credentials=ANN, persistent=True, backoff=pb.Backoff(first=0.01)
        )
        for _ in range(3):
            avatar = await session.avatar
            self.assertEqual(await avatar.callRemote("whoAmI"), b"ann")
            lost: Deferred[Any] = Deferred()
            avatar.notifyOnDisconnect(lost.callback)
            self.servers[-1].transport.abortConnection()
            await lost
        self.assertEqual(len(self.hashed), 1)

    async def test_elsewhere(self) -> None:
        """Where it takes long, the reactor goes on meanwhile; where it doesn't, no thread is needed."""
        checker = ScramChecker()
        checker.verifiers[b"ann"] = pb.ScramVerifier.fromPassword("secret", QUICK + 1)
        for portal, isElsewhere in ((self.portal(), False), (Portal(RecordingRealm(), [checker]), True)):
            port = self.listen(pb.PBServerFactory(portal))
            session = self.session(f"tcp:127.0.0.1:{port}", credentials=ANN)
            self.assertEqual(await session.callRemote("whoAmI"), b"ann")
            self.assertEqual(self.hashed.pop() is not threading.current_thread(), isElsewhere)

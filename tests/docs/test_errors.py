"""
The errors in C{docs/topics/errors.rst}: each is made, and its text is what the
page shows.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import LoginFailed
from twisted.cred.portal import Portal
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from myspread import pb
from myspread.testing import BrokerPair, FakeServer, brokerPair
from tests.factories.memory import Network
from tests.factories.sockets import SocketCase, selfSigned

reactor: Any = _reactor
PAGE = Path(__file__).parents[2] / "docs" / "topics" / "errors.rst"


def shownTexts() -> dict[str, str]:
    """By name, the texts that the page shows."""
    found = re.findall(
        r"^\.\. code-block:: none\n   :name: error-(\w+)\n((?:\n|   .*\n)*)", PAGE.read_text(), re.MULTILINE
    )
    return {name: "\n".join(line[3:] for line in text.strip("\n").split("\n")) for name, text in found}


def textOf(error: BaseException) -> str:
    """The last line of a traceback."""
    kind = type(error)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}: {error}".rstrip()


class Thing:
    """A class that says nothing of how it travels."""


class Fruit(pb.Copyable):
    """A class that no policy names."""

    def getTypeToCopy(self) -> str:
        """A name that says nothing of this module."""
        return "shop.Fruit"


class Shop(pb.Root):
    """What is called."""

    def remote_price(self, fruit: str) -> int:
        """A price, or an error."""
        return {"apple": 3}[fruit]

    def remote_buy(self, fruit: str) -> None:
        """A meant error."""
        raise pb.Error(f"no {fruit} left")

    def remote_fruit(self) -> Fruit:
        """An object of a class that no policy names."""
        return Fruit()

    def remote_basket(self) -> pb.Referenceable:
        """A reference."""
        return pb.Referenceable()

    def remote_count(self) -> Deferred[Any]:
        """Never answer."""
        return Deferred()


def calling(name: str, *args: Any, **kw: Any) -> Callable[[BrokerPair], Any]:
    """What calls a method of the root."""
    return lambda pair: pair.root.callRemote(name, *args, **kw)


def serving(**options: Any) -> dict[str, Any]:
    """A server with options."""
    return {"serverFactory": pb.PBServerFactory(Shop(), **options)}


CALLS: dict[str, tuple[Callable[[BrokerPair], Any], dict[str, Any]]] = {
    "noSuchMethod": (calling("prise", "apple"), {}),
    "wrongArguments": (calling("price"), {}),
    "remote": (calling("price", "pear"), {}),
    "meant": (calling("buy", "pears"), {}),
    "unsendable": (
        calling("price", {"fruit": [Thing()]}),
        {"clientFactory": pb.PBClientFactory(security=pb.SecurityPolicy(unsendable="raise"))},
    ),
    "notJellyable": (calling("price", datetime.time(12, tzinfo=datetime.timezone.utc)), {}),
    "refusedValue": (calling("price", Fruit()), serving(security=pb.SecurityPolicy())),
    "refusedAnswer": (calling("fruit"), {"clientFactory": pb.PBClientFactory(security=pb.SecurityPolicy())}),
    "limit": (calling("price", b"x" * 700_000), {}),
    "largeInteger": (calling("price", 2**500), {}),
    "limitOfServer": (calling("price", "x" * 2000), serving(limits=pb.Limits(messageLength=1000))),
}
"""By name, calls that fail between two brokers: what calls, and what the brokers are like."""


class Counter(pb.Avatar):
    """Counts."""

    def perspective_count(self) -> int:
        """One."""
        return 1


class Counting(pb.Realm):
    """Everybody counts."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """A counter."""
        return pb.IPerspective, Counter(avatarId), lambda: None


@implementer(IStreamClientEndpoint)
class Named:
    """An endpoint with a name of its own, or an error in its place."""

    def __init__(self, endpoint: Any, name: str) -> None:
        self.endpoint = endpoint
        self.name = name

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect, or fail."""
        if isinstance(self.endpoint, Exception):
            return fail(self.endpoint)
        connecting: Deferred[Any] = self.endpoint.connect(factory)
        return connecting

    def __repr__(self) -> str:
        return self.name


def failing(error: Exception) -> Named:
    """A server that can't be reached."""
    return Named(error, "tcp:shop.example.org:8787")


class ErrorCase(SynchronousTestCase):
    """
    @ivar shown: by name, the texts that the page shows.
    """

    def setUp(self) -> None:
        self.shown = shownTexts()

    def assertShown(self, name: str, error: Any) -> None:
        """The page has the text of this error."""
        text = re.sub(r"incident \w+", "incident 4d9abf68", textOf(error))
        self.assertEqual(self.shown[name], re.sub(r"(localhost|127\.0\.0\.1):\d+", r"\1:8801", text))

    def raisedBy(self, function: Callable[[], Any]) -> BaseException:
        """What is raised."""
        with self.assertRaises(Exception) as caught:
            function()
        return caught.exception


class CallTests(ErrorCase):
    """
    Errors of calls.
    """

    def test_calls(self) -> None:
        """Those that one call is enough for."""
        for name, (call, options) in CALLS.items():
            pair = brokerPair(**(options if "serverFactory" in options else {"root": Shop(), **options}))
            self.assertShown(name, self.raisedBy(lambda pair=pair, call=call: pair.result(call(pair))))
        self.flushLoggedErrors()

    def test_incident(self) -> None:
        """An error that isn't shown has a number."""
        pair = brokerPair(**serving(security=pb.SecurityPolicy(errors="incident")))
        self.assertShown(
            "incident", self.raisedBy(lambda: pair.result(pair.root.callRemote("price", "pear")))
        )
        self.flushLoggedErrors()

    def test_timeAndLoss(self) -> None:
        """Deadlines, and lost connections."""
        pair = brokerPair(Shop())
        late = pair.root.withTimeout(5).callRemote("count")
        pair.clock.advance(5.25)
        self.assertShown("callTimeout", self.raisedBy(lambda: pair.result(late)))
        waiting = pair.root.callRemote("count")
        pair.disconnect()
        self.assertShown("lost", self.raisedBy(lambda: pair.result(waiting)))
        self.assertShown("dead", self.raisedBy(lambda: pair.root.callRemote("price", "apple")))

    def test_silent(self) -> None:
        """A peer that vanishes."""
        pair = brokerPair(Shop())
        waiting = pair.root.callRemote("count")
        # As over a transport of a reactor's.
        pair.client.transport.reactor = pair.clock
        pair.client.beginWatching()
        # Nothing of what the client writes arrives.
        for _ in range(80):
            pair.clock.advance(1)
            pair.clientTransport.written.clear()
        pair.deliver()
        self.assertShown("peerSilent", self.failureResultOf(waiting).value)

    def test_notDescribed(self) -> None:
        """A peer that doesn't tell what can be called."""
        pair = brokerPair(Shop())
        asked = pb.describe(pair.root)
        self.assertShown("notDescribed", self.raisedBy(lambda: pair.result(asked)))

    def test_wrongError(self) -> None:
        """A peer that reports an error which is none."""
        pair = brokerPair(Shop())
        asked = pair.root.callRemote("count")
        pair.flush()
        pair.server.sendCall(b"error", 1, 5)
        self.assertShown("protocol", self.raisedBy(lambda: pair.result(asked)))

    def test_foreign(self) -> None:
        """A reference of another connection."""
        pair, other = brokerPair(Shop()), brokerPair(Shop())
        basket = pair.result(pair.root.callRemote("basket"))
        sent = other.root.callRemote("price", basket)
        self.assertShown("foreign", self.raisedBy(lambda: other.result(sent)))

    def test_malformed(self) -> None:
        """Answers that make no sense, or no sense here."""
        policy = pb.SecurityPolicy().allowInstancesOf(Thing).allowTypes("method", "class", "instance")
        name = f"{Thing.__module__}.{Thing.__qualname__}".encode()
        answers = {
            "malformed": [b"dictionary", [b"apple"]],
            "methodChanged": [b"method", b"taste", [b"None"], [b"class", name]],
        }
        for error, answer in answers.items():
            pair = brokerPair(Shop(), clientFactory=pb.PBClientFactory(security=policy))
            asked = pair.root.callRemote("count")
            pair.flush()
            pair.server.sendCall(b"answer", 1, answer)
            self.assertShown(error, self.raisedBy(lambda pair=pair, asked=asked: pair.result(asked)))

    def test_budget(self) -> None:
        """Somebody has used up their budget."""
        clock = Clock()
        users = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
        budget = pb.Budget(callsPerSecond=2, burst=0)
        factory = pb.PBServerFactory(Portal(Counting(), [users]), budget=budget, clock=clock)
        pair = brokerPair(serverFactory=factory, clock=clock)
        avatar = pair.result(pair.clientFactory.login(UsernamePassword(b"ann", b"secret")))
        self.assertEqual(pair.result(avatar.callRemote("count")), 1)
        self.assertShown("budget", self.raisedBy(lambda: pair.result(avatar.callRemote("count"))))

    def test_lendingEnded(self) -> None:
        """What was lent is called too late."""
        clock = Clock()
        root = pb.Root()
        lent = pb.lend(pb.Referenceable(), expires=60, clock=clock)
        root.remote_get = lambda: lent  # type: ignore[attr-defined]
        pair = brokerPair(root, clock=clock)
        reference = pair.result(pair.root.callRemote("get"))
        clock.advance(60)
        self.assertShown("lendingEnded", self.raisedBy(lambda: pair.result(reference.callRemote("x"))))

    def test_leaving(self) -> None:
        """A server that is being stopped."""
        clock = Clock()
        pair = brokerPair(**serving(clock=clock), clock=clock)
        busy = pair.root.callRemote("count")
        pair.flush()
        pair.serverFactory.drain(10)
        # In the second half of the time no more calls are run.
        pair.clock.advance(6)
        asked = pair.root.callRemote("price", "apple")
        self.assertShown("leaving", self.raisedBy(lambda: pair.result(asked)))
        pair.disconnect()
        self.failureResultOf(busy, pb.PBConnectionLost)


class SessionTests(ErrorCase):
    """
    Errors of sessions, and of logins.
    """

    def outcome(self, server: FakeServer, **options: Any) -> BaseException:
        """What a session fails with that connects to a server."""
        session = pb.session(server.endpoint, reactor=server.clock, **options)
        wanted = session.avatar if "credentials" in options else session.root
        return self.raisedBy(lambda: server.result(wanted))

    def test_noConnection(self) -> None:
        """No server."""
        server = FakeServer()
        errors: dict[str, Exception] = {
            # What the system says follows the number.
            "refused": ConnectionRefusedError("111: Connection refused"),
            "noSuchHost": DNSLookupError("no results for hostname lookup: shop.example.org"),
        }
        for name, error in errors.items():
            session = pb.session(failing(error), reactor=server.clock)
            self.assertShown(name, self.raisedBy(lambda session=session: server.result(session.root)))
        endpoints = [failing(errors["refused"]), failing(errors["noSuchHost"])]
        several = pb.session(endpoints, reactor=server.clock)
        self.assertShown("noServer", self.raisedBy(lambda: server.result(several.root)))

    def test_silent(self) -> None:
        """A server that says nothing."""
        server = FakeServer()
        server.isSilent = True
        root = pb.session(server.endpoint, reactor=server.clock).root
        server.clock.pump([1] * 32)
        self.assertShown("silent", self.raisedBy(lambda: server.result(root)))

    def test_closed(self) -> None:
        """A server that closes at once."""
        network = Network()
        server = network.serve(Shop(), "silent")
        root = pb.session(server, reactor=network.clock).root
        network.settle()
        server.pairs[0].lose("client")
        self.assertShown("closed", self.failureResultOf(root).value)

    def test_address(self) -> None:
        """Addresses that make no sense."""
        for name, address in (
            ("noAddress", "shop.example.org:8787"),
            ("trustRoots", "tls:shop.example.org:8787:trustRoots=/no/such/folder"),
            ("ssl", "ssl:shop.example.org:8787"),
        ):
            error = self.raisedBy(lambda address=address: pb.session(address, reactor=reactor))
            self.assertShown(name, error)

    def test_login(self) -> None:
        """Logins that fail."""
        server = FakeServer()
        server.user(b"ann", b"secret")
        guess = pb.Password("ann", "guess")
        oldGuess = UsernamePassword(b"ann", b"guess")
        self.assertShown("wrongPassword", self.outcome(server, credentials=guess))
        self.assertShown("wrongPasswordMD5", self.outcome(server, credentials=oldGuess))
        self.assertShown("notAnonymous", self.outcome(server, credentials=Anonymous()))
        self.flushLoggedErrors(LoginFailed)

    def test_unproven(self) -> None:
        """A server that doesn't know the password itself."""
        server = FakeServer()
        server.user(b"ann", b"secret")
        verifiers = server._users._verifiers
        verifiers[b"ann"] = replace(verifiers[b"ann"], serverKey=bytes(32))
        error = self.outcome(server, credentials=pb.Password("ann", "secret"))
        self.assertShown("unproven", error)

    def test_otherServers(self) -> None:
        """Servers with another login, or with none."""
        users = InMemoryUsernamePasswordDatabaseDontUse(ann=b"secret")
        network = Network()
        for name, root, credentials in (
            ("noMechanism", Portal(pb.Realm(), [users]), pb.Password("ann", "secret")),
            ("noLogin", Shop(), UsernamePassword(b"ann", b"secret")),
        ):
            server = network.serve(root)
            session = pb.session(server, credentials=credentials, reactor=network.clock)
            avatar = session.avatar
            network.settle()
            self.assertShown(name, self.failureResultOf(avatar).value)
        self.flushLoggedErrors(pb.NoSuchMethod)

    def test_sessions(self) -> None:
        """Sessions that don't come up, are closed, or have no avatar."""
        server = FakeServer()
        server.isDown = True
        root = pb.session(server.endpoint, reactor=server.clock, persistent=True).root
        server.clock.pump([1] * 61)
        self.assertShown("sessionTimeout", self.raisedBy(lambda: server.result(root)))
        session = pb.session(server.endpoint, reactor=server.clock)
        session.startService()
        server.result(session.close())
        self.assertShown("sessionClosed", self.raisedBy(lambda: server.result(session.callRemote("price"))))
        self.assertShown("noAvatar", self.raisedBy(lambda: session.avatar))


class CertificateTests(SocketCase):
    """
    Errors of TLS.
    """

    async def test_certificate(self) -> None:
        """Nobody has signed the certificate, or it is for another host."""
        options, certificate = selfSigned()
        port = reactor.listenSSL(0, self.track(pb.PBServerFactory(Shop())), options, interface="127.0.0.1")
        self.ports.append(port)
        plain = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        for name, host, trusted in (
            ("untrusted", "localhost", None),
            ("otherHost", "shop.example.org", certificate),
        ):
            endpoint = wrapClientTLS(optionsForClientTLS(host, trusted), plain)
            session = pb.session(Named(endpoint, f"tls:{host}:8801"))
            error = await self.failure(session.root, pb.UntrustedServer)
            self.assertEqual(shownTexts()[name], textOf(error))


class PageTests(SynchronousTestCase):
    """
    The page as a whole.
    """

    def test_everyError(self) -> None:
        """Every error of ours that can be raised here is on the page."""
        page = PAGE.read_text()
        errors = {name for name in pb.__all__ if isinstance(getattr(pb, name), type)}
        errors = {name for name in errors if issubclass(getattr(pb, name), Exception)}
        self.assertGreater(len(errors), 15)
        self.assertEqual({name for name in errors if name not in page}, set())

"""
Tests for L{myspread._service.status} and what it is made of, in memory.
"""

from __future__ import annotations

import json
import math
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import TCP4ServerEndpoint, UNIXServerEndpoint
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._factories.admission import Refused
from myspread._service import report as reporting
from myspread._service import statuspage
from myspread._service.figures import Figures, OldLogin, placeOf
from myspread._service.history import SAMPLES, History
from myspread._service.hosts import isAllowed
from myspread._service.metrics import CONTENT_TYPE, metrics
from myspread._service.ports import Port
from myspread._service.report import report
from myspread._service.status import StatusService, statusPort
from myspread._service.statuspage import HEADERS, MOST_CONNECTIONS
from tests.login.realms import ANN, RecordingRealm, portalFor
from tests.peer.test_watch import WatchCase

HOSTILE = '<script>alert("1")</script>\\"\n{}\N{SNOWMAN}'
"""A name that somebody could give."""


class Answer:
    """
    What a site has answered.

    @ivar code: the status code.
    @ivar headers: by name in lower case, their values.
    @ivar body: the body.
    """

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        self.code = int(status.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


class StatusCase(WatchCase):
    """
    A server whose status is served.
    """

    watch: Figures

    def makeWatch(self, slowCall: float | None) -> Figures:
        """What counts."""
        return Figures(slowCall)

    def serve(self, *arguments: Any, names: tuple[str, ...] = (), **settings: Any) -> None:
        """Make the factory, and the service."""
        super().serve(*arguments, **settings)
        self.reactor = MemoryReactorClock()
        self.factory._clock = self.reactor
        self.clock = self.desk.clock = self.reactor
        self.service = StatusService(
            self.reactor, [statusPort(self.reactor, "tcp:1")], self.factory, self.watch, names
        )
        self.service.startService()
        [(_, self.site, _, _)] = self.reactor.tcpServers
        # Something listens.
        self.factory.doStart()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """Nothing is left behind."""
        if self.service.running:
            self.service.stopService()
        self.factory.closeAll()
        self.factory.doStop()

    def ask(
        self, path: str = "/", host: str | None = "localhost:1", method: str = "GET", more: str = ""
    ) -> Answer:
        """An answer of the site."""
        line = "" if host is None else f"Host: {host}\r\n"
        transport = self.send(f"{method} {path} HTTP/1.1\r\n{line}{more}\r\n".encode())
        return Answer(transport.value())

    def send(self, data: bytes) -> StringTransport:
        """Send anything to the site."""
        protocol = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 2))
        transport = StringTransport()
        transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
        protocol.makeConnection(transport)
        protocol.dataReceived(data)
        self.addCleanup(protocol.connectionLost, None)
        return transport


class SiteTests(StatusCase):
    """
    What the site answers, and to whom.
    """

    def test_files(self) -> None:
        """The page, and what belongs to it."""
        self.serve()
        for path, kind, part in (
            ("/", "text/html; charset=utf-8", b"<title>Server status</title>"),
            ("/status.js", "text/javascript; charset=utf-8", b'"use strict"'),
            ("/status.css", "text/css; charset=utf-8", b"prefers-color-scheme: dark"),
            ("/icon.svg", "image/svg+xml", b"<svg"),
        ):
            answer = self.ask(path)
            self.assertEqual((answer.code, answer.headers["content-type"]), (200, kind))
            self.assertIn(part, answer.body)

    def test_nothingFromElsewhere(self) -> None:
        """The page names no other server, and has no code in it, which its policy forbids."""
        self.serve()
        page = self.ask("/").body
        for part in (b"//", b"<style", b" style=", b" onclick", b"javascript:"):
            self.assertNotIn(part, page)
        self.assertEqual(page.count(b"<script"), page.count(b'<script src="status.js" defer></script>'))
        for part in (b"innerHTML", b"outerHTML", b"insertAdjacentHTML", b"document.write", b"eval("):
            self.assertNotIn(part, self.ask("/status.js").body)

    def test_headers(self) -> None:
        """Each answer forbids what isn't needed."""
        self.serve()
        for path, host in (
            ("/", "localhost"),
            ("/status.json", "localhost"),
            ("/x", "localhost"),
            ("/", "evil"),
        ):
            headers = self.ask(path, host).headers
            for name, value in HEADERS.items():
                self.assertEqual(headers[name.decode().lower()], value.decode())
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.assertNotIn("access-control-allow-origin", headers)

    def test_hosts(self) -> None:
        """Only who asks for this server gets an answer; a name of somebody else's isn't it."""
        self.serve(names=("PB1.example.org.",))
        for host in (
            "localhost",
            "127.0.0.1:9880",
            "[::1]:9880",
            "192.0.2.1",
            "pb1.example.org:80",
            "LOCALHOST.",
        ):
            self.assertEqual(self.ask("/status.json", host).code, 200, host)
        for other in (
            "evil.example",
            "localhost.evil.example",
            "evil.example:127",
            "",
            None,
            "a b",
            "[::1",
            "1.2.3",
        ):
            answer = self.ask("/status.json", other)
            self.assertIn(answer.code, (400, 421), other)
            self.assertNotIn(b"version", answer.body)

    def test_isAllowed(self) -> None:
        """What no HTTP server lets through is refused, too."""
        for header in (None, b"", b"\xff", b"localhost:", b"localhost:1:2", b"user@localhost", b"localhost/"):
            self.assertFalse(isAllowed(header, ()), header)

    def test_unknown(self) -> None:
        """There is nothing else."""
        self.serve()
        for path in ("/nothing", "/status.json/", "/../setup.cfg", "/pages/status.js", "//", "/%00"):
            self.assertEqual(self.ask(path).code, 404, path)

    def test_methods(self) -> None:
        """One can look, and do nothing."""
        self.serve()
        length = len(self.ask("/healthz").body)
        with capturedLogs() as entries:
            answer = self.ask("/healthz", method="HEAD")
        self.assertEqual((answer.code, answer.body), (200, b""))
        self.assertEqual(answer.headers["content-length"], str(length))
        self.assertEqual([entry["log_format"] for entry in entries], [])
        for method in ("PUT", "DELETE", "OPTIONS", "POST"):
            answer = self.ask("/status.json", method=method)
            self.assertEqual((answer.code, answer.headers["allow"]), (405, "GET, HEAD"), method)

    def test_body(self) -> None:
        """Nobody has anything to send."""
        self.serve()
        for head in (b"Content-Length: 1000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5\r\n"):
            transport = self.send(b"POST / HTTP/1.1\r\nHost: localhost\r\n" + head + b"xxxxx\r\n")
            self.assertTrue(transport.disconnecting)
            self.assertEqual(transport.value(), b"")

    def test_bounded(self) -> None:
        """Only so many connections are taken."""
        self.serve()
        for _ in range(MOST_CONNECTIONS):
            self.send(b"")
        self.assertIsInstance(self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 2)), Refused)

    def test_fresh(self) -> None:
        """Many who ask at once cost no more than one; half a second later there is more to see."""
        self.serve()
        made: list[Any] = []
        self.patch(statuspage.json, "dumps", lambda *arguments, **keywords: made.append(1) or "{}")
        for _ in range(5):
            self.ask("/status.json")
        self.assertEqual(len(made), 1)
        self.reactor.advance(0.6)
        self.ask("/status.json")
        self.assertEqual(len(made), 2)

    def test_noLog(self) -> None:
        """Requests make no entry in the log."""
        self.serve()
        self.assertIsNone(self.site.wrappedFactory.log(None))


class HealthTests(StatusCase):
    """
    What a load balancer asks.
    """

    def test_ready(self) -> None:
        """Ready while something listens and the server isn't being stopped; alive all the time."""
        self.serve()
        self.factory.doStop()
        self.assertEqual((self.ask("/readyz").code, self.ask("/readyz").body), (503, b"starting\n"))
        self.factory.doStart()
        self.assertEqual((self.ask("/readyz").code, self.ask("/readyz").body), (200, b"serving\n"))
        pair = self.connect()
        self.factory.drain(10)
        stopped = self.service.stopService()
        self.assertEqual((self.ask("/readyz").code, self.ask("/readyz").body), (503, b"draining\n"))
        self.assertEqual(self.ask("/healthz").code, 200)
        self.assertEqual(json.loads(self.ask("/status.json").body)["state"], "draining")
        self.assertNoResult(stopped)
        pair.disconnect()
        self.reactor.advance(0.1)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stopsAtOnce(self) -> None:
        """Where there is nothing to wait for."""
        self.serve()
        self.successResultOf(self.service.stopService())


class ReportTests(StatusCase):
    """
    The figures, as JSON.
    """

    def report(self) -> dict[str, Any]:
        """What the site answers."""
        self.reactor.advance(0.6)
        answer = self.ask("/status.json")
        self.assertEqual(answer.headers["content-type"], "application/json")
        report: dict[str, Any] = json.loads(answer.body)
        return report

    def test_figures(self) -> None:
        """What has happened can be seen."""
        self.serve(portalFor(RecordingRealm()))
        pair = self.connect()
        other = self.connect()
        avatar = pair.result(pair.clientFactory.login(ANN))
        self.reactor.advance(1)
        seen = self.report()
        self.assertEqual(seen["connections"], {"now": 2, "ready": 1, "total": 2, "refused": 0})
        self.assertEqual([each["avatar"] for each in seen["list"]], ["ann", None])
        self.assertEqual(
            (seen["logins"], seen["calls"]["total"], seen["calls"]["perSecond"]), ({"md5": 1}, 2, 2.0)
        )
        [old] = seen["oldLogins"]
        self.assertEqual((old["name"], old["times"], old["peer"]), ("ann", 1, "127.0.0.1:40000"))
        [sample] = seen["history"]
        self.assertEqual((sample["connections"], sample["perSecond"]), (2, 2.0))
        self.assertLess(sample["p50"], 0.001)
        self.assertEqual(seen["leftOut"], 0)
        del avatar, other

    def test_hostileName(self) -> None:
        """A name is only ever text."""
        self.serve()
        pair = self.connect()
        pair.server.avatarId, pair.server.mechanism = HOSTILE, "md5"
        self.watch.loggedIn(pair.server)
        seen = self.report()
        self.assertEqual(seen["list"][0]["avatar"], HOSTILE)
        self.assertEqual(seen["oldLogins"][0]["name"], HOSTILE)

    def test_busiest(self) -> None:
        """Of many connections the busiest are listed, in order."""
        self.patch(reporting, "MOST_LISTED", 3)
        self.serve()
        pairs = [self.connect() for _ in range(6)]
        for index in (5, 1, 3):
            pairs[index].result(pairs[index].root.callRemote("take", 0))
        seen = self.report()
        self.assertEqual([each["number"] for each in seen["list"]], [2, 4, 6])
        self.assertEqual(seen["leftOut"], 3)

    def test_slow(self) -> None:
        """Percentiles are those of the last minute."""
        self.serve()
        pair = self.connect()
        pair.result(pair.root.callRemote("take", 3))
        self.assertLess(abs(self.report()["calls"]["percentiles"]["50"] - 3), 0.3)
        for _ in range(70):
            self.reactor.advance(1)
        self.assertEqual(self.report()["calls"]["percentiles"]["50"], None)
        self.assertEqual(self.report()["calls"]["total"], 1)


class HistoryTests(SynchronousTestCase):
    """
    L{History}.
    """

    def setUp(self) -> None:
        """Nothing has happened."""
        self.clock = MemoryReactorClock()
        self.figures = Figures()
        self.history = History(self.figures, self.clock)

    def test_rates(self) -> None:
        """What there is per second, however long it was since the last sample."""
        for _ in range(10):
            self.figures.times.add(0.001)
        self.figures._receivedBefore = 500
        self.clock.advance(2)
        self.history.sample()
        self.clock.advance(1)
        self.history.sample()
        first, second = self.history.samples
        self.assertEqual((first.perSecond, first.received, first.sent), (5.0, 250.0, 0.0))
        self.assertLess(abs((first.p99 or 0) - 0.001), 0.0001)
        self.assertEqual((second.perSecond, second.p50), (0.0, None))

    def test_bounded(self) -> None:
        """Only the latest are kept."""
        for _ in range(SAMPLES + 50):
            self.clock.advance(1)
            self.history.sample()
        self.assertEqual(len(self.history.samples), SAMPLES)

    def test_clockIsSetBack(self) -> None:
        """Then there is no sample, and no division by nothing."""
        self.history.sample()
        self.assertEqual(len(self.history.samples), 0)
        report(self.figures, self.history, "serving", 0, 5)


class MetricsTests(StatusCase):
    """
    The figures, for Prometheus.
    """

    def metrics(self) -> dict[str, Any]:
        """By name, what its own parser reads."""
        self.reactor.advance(0.6)
        answer = self.ask("/metrics")
        self.assertEqual((answer.code, answer.headers["content-type"]), (200, CONTENT_TYPE))
        families = list(text_string_to_metric_families(answer.body.decode()))
        # Counters are named without their _total here, as in OpenMetrics.
        named = {family.name: family for family in families}
        self.assertEqual(len(named), len(families))
        return named

    def test_valid(self) -> None:
        """
        What a linter looks at: each family once, with a text and a type;
        counters end in C{_total}, and units are base units.
        """
        self.serve(portalFor(RecordingRealm()), slowCall=1)
        pair = self.connect()
        avatar = pair.result(pair.clientFactory.login(ANN))
        text = self.ask("/metrics").body.decode()
        self.assertTrue(text.endswith("\n"))
        names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names, [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")])
        for family in self.metrics().values():
            self.assertRegex(family.name, "^myspread_[a-z0-9_]+$")
            self.assertTrue(family.documentation.endswith("."), family.documentation)
            if family.type == "counter":
                self.assertIn(f"{family.name}_total", names)
            else:
                self.assertNotIn("_total", family.name)
        self.assertEqual(self.metrics()["myspread_logins"].samples[0].labels, {"mechanism": "md5"})
        del avatar

    def test_values(self) -> None:
        """They are what was counted."""
        self.serve(slowCall=1)
        pair = self.connect()
        pair.result(pair.root.callRemote("take", 3))
        pair.result(pair.root.callRemote("take", 0.1))
        read = self.metrics()
        value = {name: family.samples[0].value for name, family in read.items() if family.samples}
        self.assertEqual((value["myspread_connections"], value["myspread_calls_slow"]), (1, 1))
        self.assertEqual(value["myspread_received_bytes"], pair.clientTransport.offset)
        self.assertEqual(value["myspread_draining"], 0)

    def test_histogram(self) -> None:
        """Buckets grow, the last one has all, and a time is in the first that is long enough."""
        self.serve()
        pair = self.connect()
        for seconds in (0.001, 0.3, 0.49, 700):
            pair.result(pair.root.callRemote("take", seconds))
        samples = self.metrics()["myspread_call_seconds"].samples
        buckets = [
            (float(sample.labels["le"]), sample.value)
            for sample in samples
            if sample.name.endswith("_bucket")
        ]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], (math.inf, 4))
        self.assertEqual(dict(buckets)[0.5], 3)
        named = {sample.name: sample.value for sample in samples}
        self.assertEqual(named["myspread_call_seconds_count"], 4)
        self.assertAlmostEqual(named["myspread_call_seconds_sum"], 700.791, places=3)

    def test_escaped(self) -> None:
        """A label can be anything."""
        figures = Figures()
        figures.logins[HOSTILE] += 3
        families = text_string_to_metric_families(metrics(figures, "serving", 0))
        [logins] = [family for family in families if family.name == "myspread_logins"]
        self.assertEqual([sample.labels for sample in logins.samples], [{"mechanism": HOSTILE}])

    def test_noNames(self) -> None:
        """Who has logged in isn't told: there would be a series for each."""
        self.serve(portalFor(RecordingRealm()))
        pair = self.connect()
        avatar = pair.result(pair.clientFactory.login(ANN))
        self.assertNotIn(b"ann", self.ask("/metrics").body)
        del avatar


class PortTests(SynchronousTestCase):
    """
    L{statusPort}.
    """

    def listening(self, description: str) -> Any:
        """Where it listens."""
        reactor = MemoryReactorClock()
        port = statusPort(reactor, description)
        self.assertIsInstance(port, Port)
        self.assertEqual(port.description, description)
        port.endpoint.listen(pb.PBServerFactory(pb.Root()))
        return reactor

    def test_loopback(self) -> None:
        """Without an interface, for this machine only."""
        [(port, _, _, interface)] = self.listening("tcp:9880").tcpServers
        self.assertEqual((port, interface), (9880, "127.0.0.1"))
        [(_, _, _, interface)] = self.listening("tcp6:9880").tcpServers
        self.assertEqual(interface, "::1")

    def test_otherKinds(self) -> None:
        """Twisted's own TLS, too; and its PROXY protocol, which would hide what it listens on, is refused."""
        [(port, _, _, interface)] = self.listening(f"tls:{self.mktemp()}:9880").tcpServers
        self.assertEqual((port, interface), (9880, "::1"))
        error = self.assertRaises(ValueError, statusPort, MemoryReactorClock(), "haproxy:tcp:9880")
        self.assertIn("it believes everybody", str(error))

    def test_named(self) -> None:
        """With one, for others too."""
        [(_, _, _, interface)] = self.listening("tcp:9880:interface=0.0.0.0").tcpServers
        self.assertEqual(interface, "0.0.0.0")
        self.assertIsInstance(
            statusPort(MemoryReactorClock(), "tcp:interface=192.0.2.1:port=1").endpoint, TCP4ServerEndpoint
        )

    def test_unix(self) -> None:
        """A UNIX socket is for this user only, unless it has another mode."""
        for description, mode in (("unix:status.socket", 0o600), ("unix:status.socket:mode=660", 0o660)):
            [(_, _, _, given, _)] = self.listening(description + ":lockfile=0").unixServers
            self.assertEqual(given, mode)
        self.assertIsInstance(statusPort(MemoryReactorClock(), "unix:a").endpoint, UNIXServerEndpoint)

    def test_byPosition(self) -> None:
        """Where it isn't clear what is meant, it has to be said."""
        error = self.assertRaises(ValueError, statusPort, MemoryReactorClock(), "tcp:9880:0.0.0.0")
        self.assertIn("interface=", str(error))


class PlaceTests(SynchronousTestCase):
    """
    Where peers are, in few characters.
    """

    def test_places(self) -> None:
        """Any address."""

        class Somewhere:
            transport = StringTransport()

        for address, text in (
            (IPv4Address("TCP", "192.0.2.1", 5), "192.0.2.1:5"),
            (IPv6Address("TCP", "2001:db8::1", 5), "[2001:db8::1]:5"),
            (UNIXAddress(None), "UNIX socket"),
            (HostnameAddress(b"a", 5), "HostnameAddress(hostname=b'a', port=5)"),
        ):
            Somewhere.transport.peerAddr = address
            self.assertEqual(placeOf(Somewhere), text)
        self.assertEqual(OldLogin(1, "here", 5.0).times, 1)

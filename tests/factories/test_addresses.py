"""
Tests for L{myspread._factories.addresses}, C{locating} and C{backoff}.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
)
from twisted.internet.error import ConnectError
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import MemoryReactorClock
from twisted.names import dns
from twisted.names.error import DNSNameError, DNSServerError
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread._factories import identity
from myspread._factories.addresses import addressesOf
from myspread._factories.locating import inOrder, locate


class FakeResolver:
    """A resolver that knows one answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def lookupService(self, name: str) -> Deferred[Any]:
        """Look up the servers of a service."""
        self.asked.append(name)
        if isinstance(self.answer, Exception):
            return fail(self.answer)
        records = [dns.RRHeader(name, each.TYPE, payload=each) for each in self.answer]
        return succeed((records, [], []))


def server(target: str, priority: int = 0, weight: int = 0, port: int = 8787) -> Any:
    """A record of one server; C{""} is the root of all names."""
    record = dns.Record_SRV(priority, weight, port, target or "root")
    if not target:
        record.target = dns.Name(b"")
    return record


class AddressTests(TestCase):
    """
    What can be connected to.
    """

    def setUp(self) -> None:
        """A reactor that connects nothing."""
        self.reactor = MemoryReactorClock()

    def found(self, where: Any, port: int | None = None, resolver: Any = None) -> list[tuple[str, Any]]:
        """The servers of one address."""
        (address,) = addressesOf(where, port, self.reactor, resolver)

        async def find() -> Any:
            return await address.find()

        return self.successResultOf(Deferred.fromCoroutine(find()))

    def test_kinds(self) -> None:
        """Strports, hosts and endpoints."""
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", 1)
        for where, port, text, kind in (
            ("tcp:localhost:8787", None, "tcp:localhost:8787", TCP4ClientEndpoint),
            ("unix:/tmp/socket", None, "unix:/tmp/socket", UNIXClientEndpoint),
            ("example.org", 8787, "example.org:8787", HostnameEndpoint),
            (("127.0.0.1", 8787), None, "127.0.0.1:8787", TCP4ClientEndpoint),
            (("::1", 8787), None, "::1:8787", TCP6ClientEndpoint),
            (endpoint, None, repr(endpoint), TCP4ClientEndpoint),
        ):
            ((shown, found),) = self.found(where, port)
            self.assertEqual(shown, text)
            self.assertIsInstance(found, kind)

    def test_several(self) -> None:
        """A list may have all kinds."""
        several = addressesOf(["tcp:a:1", ("b", 2), "srv:_pb._tcp.c"], None, self.reactor, None)
        self.assertEqual([each.text for each in several], ["tcp:a:1", "b:2", "srv:_pb._tcp.c"])

    def test_wrong(self) -> None:
        """What isn't understood is refused at once, with a hint."""
        for where, hint in (
            ("localhost:8787", "'localhost:8787' can't be connected to: Unknown endpoint type"),
            ("localhost:8787", "a strport is like tcp:HOST:PORT"),
            ("tcp:localhost:http", "invalid literal"),
            ("tcp:localhost", "'tcp:localhost' lacks its port; write it like tcp:localhost:8787"),
            ("tls:localhost:", "'tls:localhost:' lacks its port; write it like tls:localhost:8787"),
            ("tcp:host=localhost", "lacks its port"),
            ("tcp:localhost:timeout=3", "lacks its port"),
            (r"tcp:\:\:1", "lacks its port"),
            ("tls", "lacks its port"),
            ("tcp:localhost:8787:wrong=1", "unexpected keyword argument 'wrong'"),
            ("tcp:localhost:port=http", "invalid literal"),
            (
                "tcp:localhost:99999",
                "'tcp:localhost:99999': there is no port 99999; their numbers go from 1 to 65535",
            ),
            ("tls:localhost:65536:trustRoots=.", "there is no port 65536"),
            ("tcp:host=localhost:port=0", "there is no port 0"),
            (r"tcp:\:\:1:-1", "there is no port -1"),
            (("localhost", 70000), "'localhost:70000': there is no port 70000"),
            ("ssl:localhost:8787", "write tls: in place of ssl:"),
            ("srv:example.org", "like _pb._tcp.example.org"),
            ("srv:_pb._tcp", "like _pb._tcp.example.org"),
            ("srv:_pb._tcp.example.org:certificate=x", "write srv+tls: in place of srv:"),
            ("srv+tls:_pb._tcp.example.org:cert=x", "'cert=x' isn't understood; there are trustRoots,"),
            ("srv+tls:_pb._tcp.example.org:certificate", "'certificate' isn't understood"),
            ("srv+tls:_pb._tcp.example.org:privateKey=x", "together with certificate only"),
            ("srv+tls:_pb._tcp.example.org:certificate=/nowhere", "No such file or directory"),
            ("srv+tls:_pb._tcp.example.org:trustRoots=/nowhere", "has no file *.pem"),
            (f"srv+tls:_pb._tcp.example.org:certificate={__file__}", "is no such file of PEM"),
            ([], "needs an address"),
        ):
            error = self.assertRaises(ValueError, pb.session, where, reactor=self.reactor)
            self.assertIn(hint, str(error))
        for strange in (5, None, ("localhost", 1, 2), [None]):
            error = self.assertRaises(TypeError, pb.session, strange, reactor=self.reactor)
            self.assertIn("is no address", str(error))

    def test_services(self) -> None:
        """The servers of a service are looked up each time, and shown with the service."""
        resolver = FakeResolver([server("a.example.org"), server("127.0.0.1", 1, port=99)])
        text = "srv:_pb._tcp.example.org"
        for _ in range(2):
            found = self.found(text, resolver=resolver)
            self.assertEqual(
                [shown for shown, _ in found],
                [f"a.example.org:8787 (of {text})", f"127.0.0.1:99 (of {text})"],
            )
        self.assertEqual(resolver.asked, ["_pb._tcp.example.org"] * 2)

    def test_servicesWithTls(self) -> None:
        """With TLS the certificate must be that of the domain: the names of the hosts come from the DNS."""
        names: list[str] = []

        def options(name: str, trustRoots: Any, shown: Any) -> Any:
            names.append(name)
            return optionsForClientTLS(name, trustRoots, shown)

        self.patch(identity, "optionsForClientTLS", options)
        resolver = FakeResolver([server("a.example.net")])
        ((_, endpoint),) = self.found("srv+tls:_pb._tcp.example.org", resolver=resolver)
        self.assertNotIsInstance(endpoint, HostnameEndpoint)
        self.assertEqual(names, ["example.org"])


class LocatingTests(TestCase):
    """
    Tests for L{locate} and L{inOrder}.
    """

    def locate(self, answer: Any) -> Any:
        """Look up a service."""
        return Deferred.fromCoroutine(locate("_pb._tcp.example.org", FakeResolver(answer), lambda: 0.5))

    def test_servers(self) -> None:
        """Only records of servers count."""
        found = self.locate([server("b", 2), dns.Record_TXT(b"note"), server("a.example.org", 1)])
        self.assertEqual(self.successResultOf(found), [("a.example.org", 8787), ("b", 8787)])

    def test_none(self) -> None:
        """That there are none is an error; so is the record that says so."""
        for answer in ([], [server("")]):
            failure = self.failureResultOf(self.locate(answer), ConnectError)
            self.assertIn("_pb._tcp.example.org: no server offers this service", str(failure.value))

    def test_unknown(self) -> None:
        """So is a name that can't be looked up; the text says what people can understand."""
        for error, text in (
            (DNSNameError(), "the DNS doesn't know it"),
            (DNSServerError(), "DNSServerError"),
        ):
            failure = self.failureResultOf(self.locate(error), ConnectError)
            self.assertIn(f"_pb._tcp.example.org: {text}", str(failure.value))
        self.failureResultOf(self.locate(ZeroDivisionError()), ZeroDivisionError)

    def test_priority(self) -> None:
        """Those of lower priority come first."""
        records = [server("c", 30), server("a", 10), server("b", 20)]
        self.assertEqual([str(each.target) for each in inOrder(records, Random(1).random)], ["a", "b", "c"])

    def test_weight(self) -> None:
        """Of equals, each comes first as often as it weighs; one without weight nearly never."""
        records = [server("light", 1, 10), server("heavy", 1, 30), server("none", 1, 0)]
        random = Random(1).random
        first = Counter(str(inOrder(records, random)[0].target) for _ in range(4000))
        self.assertApproximates(first["heavy"] / 4000, 0.75, 0.03)
        self.assertLess(first["none"], 10)

    def test_all(self) -> None:
        """Each comes once, whatever chance says."""
        records = [server(str(number), number % 2, number) for number in range(6)]
        for value in (0.0, 0.5, 1.0):
            ordered = inOrder(records, lambda value=value: value)  # type: ignore[misc]
            self.assertEqual(sorted(map(id, ordered)), sorted(map(id, records)))


class BackoffTests(TestCase):
    """
    Tests for L{pb.Backoff}.
    """

    def test_grows(self) -> None:
        """Each wait is longer, up to the limit, for however many attempts."""
        backoff = pb.Backoff(first=1, longest=10, factor=2, jitter=0)
        self.assertEqual([backoff.delay(attempt) for attempt in (1, 2, 3, 4, 5, 10**9)], [1, 2, 4, 8, 10, 10])

    def test_jitter(self) -> None:
        """A part of it is left to chance, and never makes it longer."""
        for value, delay in ((0.0, 8.0), (0.5, 6.0), (1.0, 4.0)):
            backoff = pb.Backoff(first=8, jitter=0.5, random=lambda value=value: value)  # type: ignore[misc]
            self.assertEqual(backoff.delay(1), delay)

    def test_defaults(self) -> None:
        """By default they are from half a second to a minute, and differ."""
        backoff = pb.Backoff()
        delays = {backoff.delay(attempt) for attempt in range(1, 50)}
        self.assertGreater(len(delays), 40)
        self.assertGreaterEqual(min(delays), 0.5)
        self.assertLessEqual(max(delays), 60)

    def test_wrong(self) -> None:
        """What makes no sense is refused."""
        for fields in ({"first": 0}, {"first": 61}, {"factor": 0.5}, {"jitter": 2}, {"jitter": -1}):
            self.assertRaises(ValueError, pb.Backoff, **fields)

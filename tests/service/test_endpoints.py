"""
Tests of L{myspread._service.endpoints}.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.endpoints import (
    StandardIOEndpoint,
    TCP4ServerEndpoint,
    _SystemdParser,
    serverFromString,
)
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory
from twisted.python.systemd import ListenFDs
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.endpoints import (
    LayeredEndpoint,
    SharedSettings,
    WrongPort,
    endpointFor,
    sharedSettings,
    tlsOf,
)
from myspread._service.inherited import InheritedUnixEndpoint
from myspread._service.options import Options
from myspread._service.proxied import ProxiedFactory, TrustedProxies
from myspread._service.tls import TlsFactory, TlsFiles
from myspread.pb import PBServerFactory, Root
from tests.service.authority import Authority

AUTHORITY = Authority()
SERVER = AUTHORITY.issue("server", "localhost")
PROXIES = TrustedProxies(["unix"])


class EndpointsCase(SynchronousTestCase):
    """
    Descriptions, and what they stand for.
    """

    def setUp(self) -> None:
        self.directory = Path(os.path.realpath(tempfile.mkdtemp(prefix="tls")))
        self.addCleanup(shutil.rmtree, self.directory)
        self.key, self.certificate = map(str, SERVER.write(self.directory, "server"))
        self.authority = str(self.directory / "authority.pem")
        Path(self.authority).write_bytes(AUTHORITY.certificateText)
        self.words = f"privateKey={self.key}:certKey={self.certificate}"
        self.reactor = MemoryReactorClock()

    def endpoint(self, description: str, **shared: Any) -> Any:
        """What it stands for."""
        return endpointFor(self.reactor, description, SharedSettings(**shared))

    def refusal(self, description: str, **shared: Any) -> str:
        """Why it stands for nothing."""
        return str(self.assertRaises(WrongPort, self.endpoint, description, **shared))

    def listening(self, description: str, **shared: Any) -> Any:
        """The factory that listens, once an endpoint does."""
        self.endpoint(description, **shared).listen(PBServerFactory(Root()))
        servers = [(server[1], *server[2:]) for server in self.reactor.tcpServers]
        servers += [(server[1], *server[2:]) for server in self.reactor.unixServers]
        [(factory, *self.rest)] = servers
        return factory


class LayerTests(EndpointsCase):
    """
    What stands above what.
    """

    def test_plain(self) -> None:
        """Without TLS and proxies an endpoint is Twisted's."""
        self.assertIsInstance(self.endpoint("tcp:1"), TCP4ServerEndpoint)

    def test_tls(self) -> None:
        """C{ssl:PORT} listens as C{tcp:PORT} does, and its TLS is ours."""
        factory = self.listening(f"ssl:1:{self.words}:interface=127.0.0.1")
        self.assertIsInstance(factory, TlsFactory)
        self.assertIsInstance(factory.wrappedFactory, PBServerFactory)
        self.assertEqual(self.rest, [4096, "127.0.0.1"])
        self.assertEqual(self.reactor.sslServers, [])

    def test_tlsAbove(self) -> None:
        """TLS can stand above any endpoint."""
        for description, rest in (
            (rf"ssl:tcp6:1:interface=\:\:1:{self.words}", [4096, "::1"]),
            (f"ssl:tcp6:1:backlog=7:{self.words}", [7, "::"]),
            (f"ssl:unix:/a b:lockfile=0:{self.words}", [4096, 0o666, False]),
        ):
            self.reactor.tcpServers.clear()
            self.assertIsInstance(self.listening(description), TlsFactory)
            self.assertEqual(self.rest, rest)

    def test_proxy(self) -> None:
        """The header of a proxy comes first."""
        factory = self.listening("proxy:tcp:1", proxies=PROXIES)
        self.assertIsInstance(factory, ProxiedFactory)
        self.assertIs(factory.wrappedFactory, factory.server)

    def test_proxyThenTls(self) -> None:
        """Then TLS."""
        factory = self.listening(f"proxy:ssl:unix:/a:lockfile=0:{self.words}", proxies=PROXIES)
        self.assertIsInstance(factory, ProxiedFactory)
        self.assertIsInstance(factory.wrappedFactory, TlsFactory)
        self.assertIs(factory.wrappedFactory.wrappedFactory, factory.server)

    def test_notProxied(self) -> None:
        """A port is no proxy's because there are proxies."""
        self.assertIsInstance(self.endpoint("tcp:1", proxies=PROXIES), TCP4ServerEndpoint)
        self.assertIsNone(self.endpoint(f"ssl:1:{self.words}", proxies=PROXIES).proxies)

    def test_systemd(self) -> None:
        """Both can stand above a socket of systemd."""
        opened = socket.socket(socket.AF_UNIX)
        self.addCleanup(opened.close)
        opened.bind(str(self.directory / "pb"))
        opened.listen()
        self.patch(_SystemdParser, "_sddaemon", ListenFDs([opened.fileno()], ("pb",)))
        for description in ("proxy:systemd:name=pb", f"proxy:ssl:systemd:name=pb:{self.words}"):
            endpoint = self.endpoint(description, proxies=PROXIES)
            self.assertIsInstance(endpoint._below, InheritedUnixEndpoint)
            self.assertIs(endpoint.proxies, PROXIES)
            self.assertEqual(endpoint.tls is not None, "ssl" in description)

    def test_tlsOf(self) -> None:
        """Those with TLS are found."""
        endpoints = [
            self.endpoint(text, proxies=PROXIES)
            for text in ("tcp:1", f"ssl:1:{self.words}", "proxy:tcp:2", f"proxy:ssl:3:{self.words}")
        ]
        self.assertEqual(tlsOf(endpoints), [endpoints[1].tls, endpoints[3].tls])
        self.assertIsInstance(endpoints[2], LayeredEndpoint)

    def test_others(self) -> None:
        """What Twisted knows besides works as ever."""
        self.assertIsInstance(self.endpoint("stdio:"), StandardIOEndpoint)

    def test_wrong(self) -> None:
        """What can't be is refused, with what to do."""
        for description, why in (
            (f"ssl:proxy:tcp:1:{self.words}", "proxy: PROXY stands first, and once: proxy:ssl:..."),
            ("proxy:proxy:tcp:1", "proxy: PROXY stands first, and once: proxy:ssl:..."),
            (f"ssl:ssl:1:{self.words}", "ssl: ssl: stands there twice"),
            ("haproxy:tcp:1", "haproxy: it believes everybody; use proxy: and --trusted-proxy"),
            (
                "proxy:tls:/certificates",
                "tls: is Twisted's own, and knows neither client certificates nor proxies; use ssl:",
            ),
        ):
            self.assertEqual(self.refusal(description, proxies=PROXIES), why)
        self.assertSubstring("use ssl:", self.refusal("tls:/certificates", clientCa=self.authority))

    def test_nobodyTrusted(self) -> None:
        """A port for proxies is refused where nobody is trusted."""
        self.assertEqual(
            self.refusal("proxy:tcp:1"),
            "nobody is trusted to say where a client comes from: --trusted-proxy says who is",
        )

    def test_haproxy(self) -> None:
        """Twisted's own stands for what it says there: this is what is refused."""
        serverFromString(self.reactor, "haproxy:tcp:1").listen(PBServerFactory(Root()))
        self.assertIsInstance(self.reactor.tcpServers[0][1], HAProxyWrappingFactory)


class TlsWordsTests(EndpointsCase):
    """
    What C{ssl:} has behind it.
    """

    def files(self, description: str, **shared: Any) -> TlsFiles:
        """The files of an endpoint."""
        files: TlsFiles = self.endpoint(description, **shared).tls.files
        return files

    def test_files(self) -> None:
        """By name, and by position as in Twisted."""
        both = str(self.directory / "server.pem")
        expected = TlsFiles(self.key, self.certificate)
        self.assertEqual(self.files(f"ssl:1:{self.words}"), expected)
        self.assertEqual(self.files(f"ssl:1:{self.key}:{self.certificate}"), expected)
        chained = self.files(f"ssl:1:{self.words}:extraCertChain={self.authority}")
        self.assertEqual(chained.chain, self.authority)
        Path(both).write_bytes(SERVER.keyText + SERVER.certificateText)
        self.assertEqual(self.files(f"ssl:1:privateKey={both}"), TlsFiles(both, both))
        self.patch(os, "getcwd", lambda: str(self.directory))
        self.assertRaises(FileNotFoundError, self.files, "ssl:1:privateKey=other.pem")

    def test_defaultFile(self) -> None:
        """Without any it is C{server.pem}, as in Twisted. Paths are made absolute before a daemon moves."""
        (self.directory / "server.pem").write_bytes(SERVER.keyText + SERVER.certificateText)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.directory)
        path = str(self.directory / "server.pem")
        self.assertEqual(self.files("ssl:1"), TlsFiles(path, path))

    def test_clients(self) -> None:
        """Which clients need a certificate is said for all ports, and for each port."""
        shared = {"clientCa": self.authority, "clientCertificate": "optional"}
        for words, authority, wanted in (
            ("", self.authority, "optional"),
            (":clientCert=required", self.authority, "required"),
            (f":clientCA={self.certificate}", self.certificate, "optional"),
            (":clientCert=none", None, "required"),
        ):
            files = self.files(f"ssl:1:{self.words}{words}", **shared)
            self.assertEqual((files.clientCa, files.clientCertificate), (authority, wanted), words)
        files = self.files(f"ssl:1:{self.words}:clientCA={self.authority}")
        self.assertEqual((files.clientCa, files.clientCertificate), (self.authority, "required"))
        self.assertIsNone(self.files(f"ssl:1:{self.words}").clientCa)

    def test_wrong(self) -> None:
        """What isn't taken is named, and why."""
        for words, why in (
            (
                "sslmethod=TLSv1_METHOD",
                "sslmethod is not taken: TLS 1.2 and 1.3 are spoken, and nothing older",
            ),
            (
                "dhParameters=dh.pem",
                "dhParameters is not taken: keys are agreed with elliptic curves, which need no such file",
            ),
            ("clientCert=perhaps", "clientCert=perhaps: it is required, optional or none"),
            (
                "clientCert=required",
                "clientCert=required: clientCA or --client-ca must say who may issue it",
            ),
        ):
            self.assertEqual(self.refusal(f"ssl:1:{self.words}:{words}"), why)
        self.assertEqual(self.refusal("ssl:1:a:b:c:d:e:f:g:h"), "too much follows ssl:1")


class SharedSettingsTests(EndpointsCase):
    """
    L{sharedSettings}.
    """

    def test_nothing(self) -> None:
        """Nothing needs to be said."""
        self.assertEqual(sharedSettings(None, None, []), SharedSettings())

    def test_settings(self) -> None:
        """What is said holds."""
        path = os.path.relpath(self.authority)
        shared = sharedSettings(path, "optional", ["unix", "10.0.0.0/8"])
        self.assertEqual(shared.clientCa, os.path.abspath(path))
        self.assertEqual(shared.clientCertificate, "optional")
        assert shared.proxies is not None

    def test_wrong(self) -> None:
        """What can't be is refused, and the option is named."""
        for words, why in (
            (
                ["--client-cert", "yes", "--client-ca", self.authority],
                "--client-cert yes: it is required or optional",
            ),
            (
                ["--client-cert", "required"],
                "--client-cert required: --client-ca must say who may issue it",
            ),
            (["--trusted-proxy", "proxy"], "--trusted-proxy proxy: 'proxy' does not appear to be an IPv4 or"),
            (["--trusted-proxy", "10.1.2.3/8"], "--trusted-proxy 10.1.2.3/8: 10.1.2.3/8 has host bits set"),
            (["--port", "proxy:tcp:1"], "--port proxy:tcp:1: nobody is trusted to say where a client comes"),
            (["--port", "systemd:name=pb"], "--port systemd:name=pb: systemd has passed no socket with the"),
            (["--client-ca", self.authority], "--client-ca: no port asks its clients for a certificate"),
            (
                ["--client-ca", self.authority, "--port", f"ssl:1:{self.words}:clientCert=none"],
                "--client-ca: no port asks its clients for a certificate with it; ssl: ports do",
            ),
            (
                ["--trusted-proxy", "unix", "--port", f"ssl:1:{self.words}"],
                "--trusted-proxy: no port is for proxies; proxy: stands before those that are",
            ),
            (["--client-ca", "/nowhere"], "--client-ca /nowhere: No such file or directory"),
            (
                ["--client-ca", self.key],
                f"--client-ca {self.key}: {self.key} holds no certificate in PEM form",
            ),
            (
                ["--port", f"ssl:1:{self.key}:{self.key}"],
                f"--port ssl:1:{self.key}:{self.key}: {self.key} holds no certificate in PEM form; certKey=",
            ),
        ):
            options = Options()
            options.reactor = self.reactor
            error = self.assertRaises(SystemExit, options.parseOptions, words)
            self.assertSubstring(f"twistd pbserver: {why}", str(error))

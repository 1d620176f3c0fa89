"""
Tests of L{myspread._service.certificates} and L{myspread._service.hangup}.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.logger import LogLevel
from twisted.logger import globalLogPublisher as publisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from myspread._service.certificates import CertificateService
from myspread._service.hangup import HangupService
from myspread._service.tls import ServerTls, TlsFiles
from tests.service.authority import DAY, TODAY, Authority

AUTHORITY = Authority()
FIRST = AUTHORITY.issue("first", "localhost")
SECOND = AUTHORITY.issue("second", "localhost")


class CertificateServiceTests(SynchronousTestCase):
    """
    L{CertificateService}.
    """

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tls"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.key, self.certificate = FIRST.write(self.directory, "server")
        self.tls = ServerTls("ssl:1", TlsFiles(str(self.key), str(self.certificate)))
        self.clock = Clock()
        self.clock.advance(TODAY.timestamp())
        self.service = CertificateService(self.clock, [self.tls])
        self.events: list[tuple[LogLevel, str]] = []
        publisher.addObserver(self.logged)
        self.addCleanup(publisher.removeObserver, self.logged)

    def logged(self, event: Any) -> None:
        """Keep what is said."""
        if "certificate" in (event["log_format"] or ""):
            self.events.append((event["log_level"], event["log_format"].format(**event)))

    def start(self) -> None:
        """Run the service until the end of the test."""
        self.service.startService()
        self.addCleanup(self.service.stopService)
        self.events.clear()

    @property
    def name(self) -> str:
        """Whose certificate is used."""
        return self.tls.certificate.subject.rfc4514_string()

    def look(self, times: int = 2) -> None:
        """Let it look."""
        for _ in range(times):
            self.clock.advance(1)

    def test_start(self) -> None:
        """The log tells which certificates are used, and until when they may be."""
        self.service.startService()
        self.addCleanup(self.service.stopService)
        [(level, text)] = self.events
        self.assertIs(level, LogLevel.info)
        end = FIRST.certificate.not_valid_after_utc
        self.assertEqual(
            text, f"The certificate of ssl:1 is used: CN=first, valid until {end:%Y-%m-%d %H:%M} UTC"
        )

    def test_expired(self) -> None:
        """One that is too old, or too young, is used, with a warning."""
        self.start()
        for begin, end, text in (
            (-2 * DAY, -DAY, f"valid only until {TODAY - DAY:%Y-%m-%d %H:%M} UTC"),
            (DAY, 2 * DAY, f"valid only from {TODAY + DAY:%Y-%m-%d %H:%M} UTC"),
        ):
            self.events.clear()
            AUTHORITY.issue("other", begin=begin, end=end).write(self.directory, "server")
            self.service.reload()
            [(level, line)] = self.events
            self.assertIs(level, LogLevel.warn)
            self.assertSubstring(text, line)

    def test_unchanged(self) -> None:
        """What hasn't changed isn't loaded again."""
        self.start()
        context = self.tls.serverConnectionForTLS(Protocol()).get_context()
        self.look(10)
        self.assertIs(self.tls.serverConnectionForTLS(Protocol()).get_context(), context)
        self.assertEqual(self.events, [])

    def test_changed(self) -> None:
        """What has changed is loaded, once it hasn't changed for as long as it takes to look again."""
        self.start()
        SECOND.write(self.directory, "server")
        self.look(1)
        self.assertEqual(self.name, "CN=first")
        self.look(1)
        self.assertEqual(self.name, "CN=second")
        [(level, text)] = self.events
        self.assertSubstring("is loaded again, for new connections: CN=second", text)
        self.look(10)
        self.assertEqual(len(self.events), 1)

    def test_oneAfterTheOther(self) -> None:
        """A key and a certificate may be replaced one after the other, and nobody complains."""
        self.start()
        self.key.write_bytes(SECOND.keyText)
        self.look(1)
        self.certificate.write_bytes(SECOND.certificateText)
        self.look(1)
        self.assertEqual((self.name, self.events), ("CN=first", []))
        self.look(1)
        self.assertEqual(self.name, "CN=second")
        self.assertEqual([level for level, _ in self.events], [LogLevel.info])

    def test_renamed(self) -> None:
        """Another file with the same length and time is noticed: links to files change so."""
        self.replaceAll(FIRST.keyText, FIRST.certificateText)
        self.service = CertificateService(self.clock, [self.tls])
        self.start()
        self.replaceAll(SECOND.keyText, SECOND.certificateText)
        self.look()
        self.assertEqual(self.name, "CN=second")

    def replaceAll(self, *texts: bytes) -> None:
        """Put other files in the place of key and certificate, which look the same from outside."""
        for path, text in zip((self.key, self.certificate), texts, strict=True):
            other = path.with_suffix(".new")
            other.write_bytes(text.ljust(5000, b"\n"))
            os.utime(other, (1, 1))
            os.replace(other, path)

    def test_broken(self) -> None:
        """Files that can't be used are logged, once, and change nothing; the next ones count again."""
        self.start()
        for text, why in (
            (b"broken", "holds no certificate in PEM form"),
            (SECOND.certificateText, "is not that"),
        ):
            self.events.clear()
            self.certificate.write_bytes(text)
            self.look(10)
            self.assertEqual(self.name, "CN=first")
            [(level, line)] = self.events
            self.assertIs(level, LogLevel.error)
            self.assertSubstring("The certificate of ssl:1 stays what it is", line)
            self.assertSubstring(why, line)
        self.key.write_bytes(SECOND.keyText)
        self.look()
        self.assertEqual(self.name, "CN=second")

    def test_missing(self) -> None:
        """So is a file that is gone, until it is there again."""
        self.start()
        self.certificate.unlink()
        self.look(5)
        [(level, line)] = self.events
        self.assertIs(level, LogLevel.error)
        self.assertSubstring("No such file", line)
        SECOND.write(self.directory, "server")
        self.look()
        self.assertEqual(self.name, "CN=second")

    def test_reload(self) -> None:
        """On demand all is loaded at once; if that fails, all stays as it was."""
        self.start()
        SECOND.write(self.directory, "server")
        self.service.reload()
        self.assertEqual(self.name, "CN=second")
        self.key.write_bytes(b"broken")
        self.service.reload()
        self.assertEqual(self.name, "CN=second")
        self.assertEqual([level for level, _ in self.events], [LogLevel.info, LogLevel.error])
        # What was looked at on demand isn't looked at again by itself.
        self.look(5)
        self.assertEqual(len(self.events), 2)

    def test_stop(self) -> None:
        """A service that is stopped looks at nothing; one without TLS never does."""
        self.service.startService()
        self.service.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        idle = CertificateService(self.clock, [])
        idle.startService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        idle.stopService()


class HangupServiceTests(TestCase):
    """
    L{HangupService}.
    """

    def setUp(self) -> None:
        previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, previous)

    async def test_actions(self) -> None:
        """All are done, in the reactor's turn, also when one fails."""
        done: list[str] = []
        last: Deferred[None] = Deferred()
        service = HangupService(
            reactor, [lambda: done.append("first"), lambda: 1 // 0, lambda: last.callback(None)]
        )
        service.startService()
        self.addCleanup(service.stopService)
        signal.raise_signal(signal.SIGHUP)
        self.assertEqual(done, [])
        await last
        self.assertEqual(done, ["first"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_privileged(self) -> None:
        """Before anything listens, the signal is taken over, once."""
        service = HangupService(reactor, [lambda: None])
        service.privilegedStartService()
        taken = signal.getsignal(signal.SIGHUP)
        self.assertNotEqual(taken, signal.SIG_IGN)
        service.startService()
        self.assertEqual(signal.getsignal(signal.SIGHUP), taken)
        service.stopService()
        self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)

    def test_stop(self) -> None:
        """Afterwards the signal is as it was before."""
        service = HangupService(reactor, [lambda: None])
        service.startService()
        self.assertNotEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
        service.stopService()
        self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)

    def test_noActions(self) -> None:
        """With nothing to do the signal does nothing, but in a terminal it is left alone."""
        for inTerminal in (False, True):
            service = HangupService(reactor, [], lambda inTerminal=inTerminal: inTerminal)  # type: ignore[misc]
            service.startService()
            self.assertIs(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, inTerminal)
            service.stopService()
            self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)

"""
Errors as users of commands see them.
"""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import Error as TLSError
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionRefusedError, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectionTimeout
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._cli.asjson import TooLarge
from myspread._cli.connecting import withHint
from myspread._cli.errors import Failed, NoLogin, statusOf, told
from myspread._cli.status import Status
from myspread._cli.usage import UsageError
from myspread.testing import brokerPair
from tests.cli.server import EVIL

ERRORS: list[tuple[BaseException, Status, str]] = [
    (UsageError("wrong"), Status.USAGE, "wrong"),
    (Failed("can't"), Status.ERROR, "can't"),
    (Failed("away", Status.UNREACHABLE), Status.UNREACHABLE, "away"),
    (NoLogin("refused"), Status.REFUSED, "refused"),
    (LoginFailed("no"), Status.REFUSED, "no"),
    (UnauthorizedLogin(), Status.REFUSED, "UnauthorizedLogin"),
    (pb.UnprovenServer("somebody else"), Status.REFUSED, "somebody else"),
    (pb.NoMechanism("none"), Status.REFUSED, "none"),
    (pb.CallTimeout.after("add", 5, "there"), Status.TIMEOUT, "add: no answer from there within 5 s"),
    (ConnectionTimeout(string="late"), Status.TIMEOUT, "User timeout caused connection failure: late."),
    (TimeoutError("late"), Status.TIMEOUT, "late"),
    (DNSLookupError("no such host"), Status.UNREACHABLE, "DNS lookup failed: no such host."),
    (ConnectionRefusedError("111"), Status.UNREACHABLE, "Connection was refused by other side: 111."),
    (pb.PBConnectionLost(Failure(ConnectionDone())), Status.UNREACHABLE, "the connection was lost: "),
    (pb.DeadReferenceError("stale"), Status.UNREACHABLE, "the connection was lost: "),
    (TLSError([("SSL routines", "", "bad certificate")]), Status.UNREACHABLE, "TLS: bad certificate"),
    (TLSError(), Status.UNREACHABLE, "TLS: no handshake"),
    (pb.InsecureJelly("x"), Status.UNUSABLE, "what the server sent can't be used: x"),
    (pb.LimitExceeded("large"), Status.UNUSABLE, "what the server sent can't be used: large"),
    (pb.NotJellyable("args[0]: a str with ..."), Status.USAGE, "this can't be sent: args[0]: a str with"),
    (pb.LimitExceeded("kw['a']: too long"), Status.USAGE, "this can't be sent: kw['a']: too long"),
    (pb.ProtocolError("odd"), Status.UNUSABLE, "odd"),
    (TooLarge("too deep"), Status.UNUSABLE, "too deep"),
    (CancelledError(), Status.INTERRUPTED, "interrupted"),
    (KeyboardInterrupt(), Status.INTERRUPTED, "interrupted"),
]


class Root(pb.Root):
    """Raises what it is told to."""

    error: Any = None

    def remote_fail(self) -> None:
        """Raise it."""
        raise self.error


class ErrorTests(SynchronousTestCase):
    """
    L{statusOf} and L{told}.
    """

    def test_table(self) -> None:
        """Each error has its status and its words."""
        for error, status, text in ERRORS:
            self.assertEqual(statusOf(error), status, error)
            self.assertTrue(told(error).startswith(text), told(error))

    def test_mistakes(self) -> None:
        """What is a mistake of ours has none: whoever mends it gets a traceback."""
        for error in (ValueError("x"), AttributeError("x"), RuntimeError("x")):
            self.assertIsNone(statusOf(error))

    def test_remote(self) -> None:
        """An error of the server's is one of the method's, whatever else it is."""
        root = Root()
        pair = brokerPair(root)
        for root.error, text in (
            (ValueError("x"), "ValueError: x"),
            (TimeoutError("late"), "TimeoutError: late"),
            (UnauthorizedLogin("no"), "twisted.cred.error.UnauthorizedLogin: no"),
            (pb.InsecureJelly("no"), "twisted.spread.jelly.InsecureJelly: no"),
            (KeyError(), "KeyError"),
            (pb.Error(EVIL), "twisted.spread.pb.Error: \\x1b]0;owned\\x07\\x9b31m\\u202e\n    \\x1b[2J"),
        ):
            error = self.assertRaises(pb.RemoteError, pair.result, pair.root.callRemote("fail"))
            self.assertEqual(statusOf(error), Status.ERROR)
            self.assertEqual(told(error), f"the remote method raised {text}")
        self.flushLoggedErrors()

    def test_otherWay(self) -> None:
        """What looks like TLS on one side only is told with the address that would fit."""
        silent, wrong = "no handshake within 3 s.", "TLS: wrong version number"
        for where, text, hint in (
            ("tcp:a:1", silent, "speaks TLS on this port, its address is tls:a:1"),
            ("srv:_pb._tcp.a", silent, "speaks TLS on this port, its address is srv+tls:_pb._tcp.a"),
            ("tls:a:1:trustRoots=.", wrong, "speaks no TLS on this port, its address is tcp:a:1"),
            ("srv+tls:_pb._tcp.a", wrong, "speaks no TLS on this port, its address is srv:_pb._tcp.a"),
        ):
            self.assertEqual(withHint(where, text), f"{text.rstrip('.')}; if the server {hint}")
        for where, text in (("unix:a", silent), ("tls:a:1", silent), ("tcp:a:1", "Connection was refused.")):
            self.assertEqual(withHint(where, text), text)

    def test_evil(self) -> None:
        """No text controls a terminal, whoever it is from."""
        for error in (pb.RemoteError(EVIL, EVIL, EVIL), NoLogin(EVIL), pb.InsecureJelly(EVIL), Failed(EVIL)):
            self.assertTrue(all(line.isprintable() for line in told(error).split("\n")), told(error))

"""
How commands are told where to connect to, and as whom.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import Anonymous
from twisted.cred.error import LoginFailed, Unauthorized, UnhandledCredentials
from twisted.internet.defer import CancelledError

from myspread import pb
from myspread._cli.errors import Failed, NoLogin, statusOf, told
from myspread._cli.secrets import secretFrom
from myspread._cli.status import Status
from myspread._cli.text import block
from myspread._cli.tls import tlsEndpoint
from myspread._cli.unknown import POLICY
from myspread._cli.usage import CommandParser, UsageError

__all__ = [
    "Server",
    "addServer",
    "addTls",
    "checkTls",
    "inOurWords",
    "positive",
    "serverOf",
    "whole",
    "withHint",
]

TIMEOUT = 30.0

SPARE = 5.0
"""Seconds that waiting for a session may take longer than connecting to one server: there may be several."""


_IN_OUR_WORDS = (
    ("mechanisms=['md5']", "--mechanism md5"),
    ("with trustRoots=FOLDER, the certificates in that folder are", "--ca PATH says whom else to trust"),
)
"""Advice of errors to programs, and what it is here."""


_ANOTHER_WAY = (
    ("no handshake within", "tcp", "tls", "speaks TLS"),
    ("no handshake within", "srv", "srv+tls", "speaks TLS"),
    ("wrong version number", "tls", "tcp", "speaks no TLS"),
    ("wrong version number", "srv+tls", "srv", "speaks no TLS"),
)
"""What an error says, for which kind of address, and for which other one it wouldn't."""


def inOurWords(text: str) -> str:
    """An error, with options of ours in the place of what programs say."""
    for theirs, ours in _IN_OUR_WORDS:
        text = text.replace(theirs, ours)
    return text


def withHint(where: str, text: str) -> str:
    """
    An error of connecting, and what else may be the matter: a server that
    speaks TLS waits for the client to begin, as we wait for the server; one that
    speaks none begins with something else.

    @param where: the address.
    """
    kind, _, rest = where.partition(":")
    for sign, one, other, what in _ANOTHER_WAY:
        if sign in text and kind == one:
            # Options such as trustRoots= are for TLS only.
            place = re.sub(r":\w+=.*", "", rest) if other in ("tcp", "srv") else rest
            return f"{text.rstrip('.')}; if the server {what} on this port, its address is {other}:{place}"
    return text


def positive(word: str) -> float:
    """
    A number of seconds on the command line.

    @raise argparse.ArgumentTypeError: when it isn't positive.
    """
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{word!r} is no positive number")
    return seconds


def whole(most: int) -> Callable[[str], int]:
    """
    What reads a count on the command line.

    @param most: the largest one.
    """

    def read(word: str) -> int:
        if not word.isdecimal() or not 0 < int(word) <= most:
            raise argparse.ArgumentTypeError(f"{word!r} is no whole number from 1 to {most}")
        return int(word)

    return read


def addServer(parser: CommandParser) -> None:
    """
    Let a command take the address of a server, and all that belongs to it.
    """
    parser.add_argument(
        "where",
        metavar="STRPORT",
        help="tcp:HOST:PORT, tls:HOST:PORT, unix:PATH, srv:_pb._tcp.DOMAIN or srv+tls:_pb._tcp.DOMAIN",
    )
    group = parser.add_argument_group("server and login")
    ways = group.add_mutually_exclusive_group()
    ways.add_argument("--login", metavar="USER", help="log in with a password")
    ways.add_argument("--token", action="store_true", help="log in with a token")
    ways.add_argument("--login-cert", action="store_true", help="log in with the certificate of --cert")
    ways.add_argument("--anonymous", action="store_true", help="log in without a name")
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="its first line is the password; else the variable MYSPREAD_PASSWORD is, or it is asked for",
    )
    group.add_argument(
        "--token-file",
        metavar="FILE",
        help="its first line is the token; else the variable MYSPREAD_TOKEN is, or it is asked for",
    )
    group.add_argument(
        "--mechanism",
        metavar="NAME",
        action="append",
        help="how to log in with a password: scram-sha-256-plus or scram-sha-256 (both by default), plain"
        " or md5, which is all that servers of twisted.spread know; can be given several times",
    )
    addTls(group)
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=positive,
        default=TIMEOUT,
        help="how long connecting, and each call, may take (default: %(default)g)",
    )
    group.add_argument("--verbose", action="store_true", help="show the log")


def addTls(group: Any) -> None:
    """
    Let a command take what belongs to the address of a server that speaks TLS.
    """
    group.add_argument("--cert", metavar="FILE", help="for tls: our certificate, to show to the server")
    group.add_argument("--key", metavar="FILE", help="for tls: its private key; default: in the same file")
    group.add_argument("--ca", metavar="PATH", help="for tls: whom to trust: a file, or a folder of *.pem")


def checkTls(options: argparse.Namespace) -> None:
    """
    @raise UsageError: when a key has no certificate.
    """
    if options.key and not options.cert:
        raise UsageError("--key belongs to a certificate; say which with --cert")


class Server:
    """
    A server, and how to log in there.

    @ivar where: its address, as it was typed.
    @ivar timeout: seconds for connecting, and for each call.
    @ivar who: what we log in as, for people; empty if we don't.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        """
        @raise UsageError: when the options make no sense.
        """
        self.timeout: float = options.timeout
        self.who = ""
        self.where: str = options.where
        self._files = (options.cert, options.key, options.ca)
        self._mechanisms: list[str] | None = options.mechanism
        _checkTogether(options)
        self._credentials = self._credentialsIn(options)

    def _credentialsIn(self, options: argparse.Namespace) -> Any:
        if options.anonymous:
            self.who = "nobody in particular"
            return Anonymous()
        if options.login_cert:
            self.who = "the certificate"
            return pb.ClientCertificate()
        if options.token or options.token_file:
            self.who = "the token"
            prompt = f"Token for {options.where}: "
            return pb.Token(secretFrom(options.token_file, "MYSPREAD_TOKEN", prompt, "--token-file"))
        if options.login is None:
            return None
        self.who = repr(options.login)
        prompt = f"Password of {options.login} for {options.where}: "
        password = secretFrom(options.password_file, "MYSPREAD_PASSWORD", prompt, "--password-file")
        return pb.Password(options.login, password)

    def session(self, reactor: Any, security: Any = POLICY, persistent: bool = False) -> pb.Session:
        """
        A session with it.

        @param persistent: whether it comes back when the connection is lost. Then
            waiting for it takes less, so that people can be told.
        @raise UsageError: when the address makes no sense.
        """
        where: Any = self.where
        if any(self._files):
            where = tlsEndpoint(reactor, self.where, *self._files)
        try:
            return pb.session(
                where,
                credentials=self._credentials,
                mechanisms=self._mechanisms,
                callTimeout=self.timeout,
                connectTimeout=self.timeout,
                waitTimeout=min(SPARE, self.timeout) if persistent else self.timeout + SPARE,
                persistent=persistent,
                security=security,
                reactor=reactor,
            )
        except ValueError as error:
            raise UsageError(str(error)) from None

    async def start(self, session: pb.Session) -> pb.RemoteReference:
        """
        What a session gives: the avatar, or the root without a login.

        @raise NoLogin: when the server refuses us.
        @raise Failed: when there is no connection.
        """
        try:
            return await self._started(session)
        except (pb.RemoteError, CancelledError):
            raise
        except Exception as error:
            status = statusOf(error)
            if status not in (Status.UNREACHABLE, Status.TIMEOUT):
                raise
            text = inOurWords(told(error))
            # Some errors name the address already.
            prefix = "" if text.startswith(f"{self.where}: ") else f"{self.where}: "
            raise Failed(f"{prefix}{withHint(self.where, text)}", status) from None

    async def _started(self, session: pb.Session) -> pb.RemoteReference:
        try:
            if self._credentials is None:
                return await session.root
            return await session.avatar
        except pb.NoMechanism as error:
            raise NoLogin(block(inOurWords(str(error)))) from None
        except UnhandledCredentials:
            raise NoLogin(f"the server takes no logins of this kind from {self.who}") from None
        except (LoginFailed, Unauthorized) as error:
            why = f": {block(str(error))}" if str(error) else ""
            raise NoLogin(f"the server refuses the login of {self.who}{why}") from None
        except pb.NoSuchMethod as error:
            raise NoLogin(f"the server has no such login: {block(str(error))}") from None


_TOGETHER = (
    ("password_file", "login", "--password-file needs --login USER"),
    ("mechanism", "login", "--mechanism needs --login USER"),
    ("login_cert", "cert", "--login-cert needs a certificate; say which with --cert"),
)
"""Options that mean nothing without another."""


def _checkTogether(options: argparse.Namespace) -> None:
    checkTls(options)
    for option, needed, text in _TOGETHER:
        if getattr(options, option) and not getattr(options, needed):
            raise UsageError(text)
    if options.token_file and (options.login or options.anonymous or options.login_cert):
        raise UsageError("--token-file is one way to log in, and there is another")


def serverOf(options: argparse.Namespace) -> Server:
    """
    The server that a command was given.

    @raise UsageError: when the options make no sense.
    """
    return Server(options)

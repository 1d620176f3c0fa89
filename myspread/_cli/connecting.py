"""
How commands are told where to connect to, and as whom.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import LoginFailed, Unauthorized
from twisted.internet.defer import CancelledError

from myspread import pb
from myspread._cli.errors import Failed, NoLogin, statusOf, told
from myspread._cli.secrets import secretFrom
from myspread._cli.status import Status
from myspread._cli.text import block
from myspread._cli.tls import tlsEndpoint
from myspread._cli.unknown import POLICY
from myspread._cli.usage import CommandParser, UsageError

__all__ = ["Server", "addServer", "positive", "serverOf", "whole"]

TIMEOUT = 30.0

SPARE = 5.0
"""Seconds that waiting for a session may take longer than connecting to one server: there may be several."""


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
    ways.add_argument("--anonymous", action="store_true", help="log in without a name")
    group.add_argument(
        "--password-file",
        metavar="FILE",
        help="its first line is the password; else the variable MYSPREAD_PASSWORD is, or it is asked for",
    )
    group.add_argument("--cert", metavar="FILE", help="for tls: our certificate, to show to the server")
    group.add_argument("--key", metavar="FILE", help="for tls: its private key; default: in the same file")
    group.add_argument("--ca", metavar="PATH", help="for tls: whom to trust: a file, or a folder of *.pem")
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=positive,
        default=TIMEOUT,
        help="how long connecting, and each call, may take (default: %(default)g)",
    )
    group.add_argument("--verbose", action="store_true", help="show the log")


class Server:
    """
    A server, and how to log in there.

    @ivar timeout: seconds for connecting, and for each call.
    @ivar who: what we log in as, for people; empty if we don't.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        """
        @raise UsageError: when the options make no sense.
        """
        self.timeout: float = options.timeout
        self.who = ""
        self._where: str = options.where
        self._files = (options.cert, options.key, options.ca)
        self._credentials = self._credentialsIn(options)
        if options.key and not options.cert:
            raise UsageError("--key belongs to a certificate; say which with --cert")

    def _credentialsIn(self, options: argparse.Namespace) -> Any:
        if options.password_file and not options.login:
            raise UsageError("--password-file needs --login USER")
        if options.anonymous:
            self.who = "nobody in particular"
            return Anonymous()
        if options.login is None:
            return None
        self.who = repr(options.login)
        prompt = f"Password of {options.login} for {options.where}: "
        password = secretFrom(options.password_file, "MYSPREAD_PASSWORD", prompt, "--password-file")
        return UsernamePassword(options.login.encode("utf-8"), password)

    def session(self, reactor: Any, security: Any = POLICY, persistent: bool = False) -> pb.Session:
        """
        A session with it.

        @raise UsageError: when the address makes no sense.
        """
        where: Any = self._where
        if any(self._files):
            where = tlsEndpoint(reactor, self._where, *self._files)
        try:
            return pb.session(
                where,
                credentials=self._credentials,
                callTimeout=self.timeout,
                connectTimeout=self.timeout,
                waitTimeout=self.timeout + SPARE,
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
            raise Failed(f"{self._where}: {told(error)}", status) from None

    async def _started(self, session: pb.Session) -> pb.RemoteReference:
        try:
            if self._credentials is None:
                return await session.root
            return await session.avatar
        except (LoginFailed, Unauthorized) as error:
            why = f": {block(str(error))}" if str(error) else ""
            raise NoLogin(f"the server refuses the login of {self.who}{why}") from None
        except pb.NoSuchMethod as error:
            raise NoLogin(f"the server has no such login: {block(str(error))}") from None


def serverOf(options: argparse.Namespace) -> Server:
    """
    The server that a command was given.

    @raise UsageError: when the options make no sense.
    """
    return Server(options)

"""
The command line of C{twistd pbserver}.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.python import usage

from myspread._factories.reactor import theReactor
from myspread._service.demonstration import Demonstration
from myspread._service.limiting import SERVER_LIMITS, NoSuchSetting, withSetting
from myspread._service.named import NotFound
from myspread._service.ports import Port
from myspread._service.roots import findPolicy, findRoot
from myspread.limits import Limits

__all__ = ["Options"]

BACKLOG = 4096
"""Connections that wait to be accepted; systems take it for as many as they allow."""

QUEUEING = ("tcp:", "tcp6:", "ssl:", "unix:")
"""Endpoints that have such a queue."""


class Options(usage.Options):
    """
    What the user wants served, and where.

    Once they are parsed, C{options["root"]} is the object to serve,
    C{options["ports"]} a list of L{Port}s, C{options["limits"]} the L{Limits}
    and C{options["policy"]} the policy, or None for the default one.

    @ivar reactor: where the ports listen, and what drives the demonstration;
        None for the global reactor.
    """

    synopsis = "[options]"
    longdesc = (
        "Serves a root object to every client that speaks the protocol of twisted.spread. Without --root "
        "that is a demonstration; it tells its methods to whoever calls 'methods'. An endpoint is like "
        "tcp:8800, tcp:8800:interface=127.0.0.1, unix:/run/pb.socket or "
        "ssl:8800:privateKey=key.pem:certKey=cert.pem."
    )
    optParameters = [
        [
            "root",
            "r",
            None,
            "What to serve, as package.module:object: an IPBRoot provider, a Portal, or a class or function "
            "that makes one. The module may lie in the working directory.",
        ],
        [
            "policy",
            None,
            None,
            "What clients may send, as package.module:object: a SecurityPolicy, SecurityOptions, or what "
            "makes one.",
        ],
    ]
    compData = usage.Completions(multiUse=["limit", "port"])

    reactor: Any = None

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self._descriptions: list[str] = []
        self._settings: list[str] = []

    def opt_limit(self, setting: str) -> None:
        """Change a limit, as NAME=VALUE: a field of myspread.pb.Limits; may be repeated."""
        self._settings.append(setting)

    opt_l = opt_limit

    def opt_port(self, description: str) -> None:
        """Where to listen, as an endpoint description; may be repeated. [default: tcp:8800]"""
        self._descriptions.append(description)

    opt_p = opt_port

    def parseArgs(self, *arguments: str) -> None:
        """
        Nothing may follow the options.

        @raise usage.UsageError: when something does.
        """
        if arguments:
            raise usage.UsageError(f"unexpected argument {arguments[0]!r}")

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """
        Parse the command line.

        @param options: its words; by default those of this process.
        @raise SystemExit: when they are wrong. It carries the line that the
            interpreter prints to stderr as it exits with status 1. C{twistd}
            itself would answer a L{usage.UsageError} with a page of help, on
            stdout.
        """
        try:
            usage.Options.parseOptions(self, options)
        except usage.UsageError as error:
            sys.exit(f"twistd pbserver: {error}")

    def postOptions(self) -> None:
        """
        Find everything that was named, so that a wrong name is reported before
        the process becomes a daemon.

        @raise usage.UsageError: when a description is no endpoint, root or
            policy is not found, or there is no such limit.
        """
        if self.reactor is None:
            self.reactor = theReactor()
        descriptions = self._descriptions or ["tcp:8800"]
        self["ports"] = [_port(self.reactor, description) for description in descriptions]
        self["limits"] = _limits(self._settings)
        self["policy"] = None if self["policy"] is None else _named("policy", findPolicy, self["policy"])
        self["root"] = (
            Demonstration(self.reactor) if self["root"] is None else _named("root", findRoot, self["root"])
        )


def _port(reactor: Any, description: str) -> Port:
    if description.isdigit():
        raise usage.UsageError(f"--port {description}: an endpoint description is like tcp:{description}")
    try:
        return Port(description, _endpoint(reactor, description))
    except Exception as error:
        message = " ".join(str(error).split())
        raise usage.UsageError(f"--port {description}: {type(error).__name__}: {message}") from error


def _endpoint(reactor: Any, description: str) -> Any:
    """
    An endpoint whose queue of connections that wait to be accepted is long,
    unless the description says how long it is.

    With a short one, Linux forgets some of a few hundred connections that are
    made at once; and as the server speaks first, their clients never notice.
    """
    if description.startswith(QUEUEING) and ":backlog=" not in description:
        # Where it says so by position, or is wrong, this shows without ours.
        with suppress(TypeError):
            return serverFromString(reactor, f"{description}:backlog={BACKLOG}")
    return serverFromString(reactor, description)


def _limits(settings: list[str]) -> Limits:
    limits = SERVER_LIMITS
    for setting in settings:
        try:
            limits = withSetting(limits, setting)
        except NoSuchSetting as error:
            raise usage.UsageError(f"--limit {setting}: {error}") from error
    return limits


def _named(option: str, find: Callable[[str], Any], name: str) -> Any:
    try:
        return find(name)
    except NotFound as error:
        raise usage.UsageError(f"--{option} {name}: {error}") from error

"""
Listen on several endpoints, or on none: never on some of them in silence.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._service.wrongports import whyNotListening

__all__ = ["CannotListen", "ListeningService", "Port", "terminate"]

_log = Logger()


class Port(NamedTuple):
    """
    Where to listen.

    @ivar description: what the user wrote, for messages.
    @ivar endpoint: what it stands for.
    """

    description: str
    endpoint: IStreamServerEndpoint


class CannotListen(SystemExit, Exception):
    """
    An endpoint refused; the message is one line that says which and why.

    C{twistd} undoes what it had started for an L{Exception} only, and the
    interpreter prints a L{SystemExit} as that one line and exits with status 1.
    """


def terminate() -> None:
    """
    End this process in order, with a status that isn't zero: C{twistd} stops
    its services, then dies of the signal.
    """
    signal.raise_signal(signal.SIGTERM)


class ListeningService(Service):
    """
    Listens on each of its ports while it runs.
    """

    def __init__(
        self,
        reactor: Any,
        ports: list[Port],
        factory: IProtocolFactory,
        giveUp: Callable[[], None] = terminate,
    ) -> None:
        """
        @param reactor: what the endpoints listen with.
        @param ports: where to listen.
        @param factory: makes the protocols of every connection.
        @param giveUp: called when an endpoint refuses only after a while.
        """
        self._reactor = reactor
        self._ports = ports
        self._factory = factory
        self._giveUp = giveUp
        self._listening: list[Deferred[IListeningPort | None]] = []

    def privilegedStartService(self) -> None:
        """
        Listen on every port.

        @raise CannotListen: when one of them refuses. None is left open then.
        """
        Service.privilegedStartService(self)
        refusals: list[str] = []
        self._refused = refusals.append
        for port in self._ports:
            listening = maybeDeferred(port.endpoint.listen, self._factory)
            self._listening.append(listening.addErrback(self._whenRefused, port.description))
        self._refused = self._refusedLate
        if refusals:
            self._abandon()
            raise CannotListen("; ".join(refusals))

    def startService(self) -> None:
        """
        Listen on every port, unless L{privilegedStartService} did it already.

        @raise CannotListen: when one of them refuses.
        """
        Service.startService(self)
        if not self._listening:
            self.privilegedStartService()

    def stopService(self) -> Deferred[list[Any]]:
        """
        Stop listening, and trying to.

        @return: a Deferred that fires with a list once no port is open.
        """
        Service.stopService(self)
        listening, self._listening = self._listening, []
        return gatherResults([_closed(each) for each in listening], consumeErrors=True)

    def _whenRefused(self, failure: Failure, description: str) -> None:
        if not failure.check(CancelledError):
            self._refused(f"cannot listen on {description}: {whyNotListening(failure.value)}")

    def _refusedLate(self, line: str) -> None:
        _log.critical("{line}", line=line)
        self._giveUp()

    def _abandon(self) -> None:
        self.stopService()
        if not self._reactor.running:
            # Ports close, and sockets leave the file system, only in a reactor's turn.
            self._reactor.iterate()


def _closed(listening: Deferred[IListeningPort | None]) -> Deferred[Any]:
    listening.cancel()
    return listening.addCallback(lambda port: port and port.stopListening())

"""
Tests of L{myspread._service.ports}.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel
from twisted.logger import globalLogPublisher as publisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from myspread._service.ports import CannotListen, ListeningService, Port, terminate


@implementer(IListeningPort)
class OpenPort:
    """A port that knows whether it is open."""

    isOpen = True

    def startListening(self) -> None:
        """It is open."""

    def stopListening(self) -> Deferred[None]:
        """Close, later."""
        self.closed: Deferred[None] = Deferred()
        return self.closed.addCallback(lambda _: setattr(self, "isOpen", False))

    def getHost(self) -> None:
        """It has no address."""


@implementer(IStreamServerEndpoint)
class Endpoint:
    """An endpoint that gives what the test says."""

    def __init__(self, listen: Callable[[], Any]) -> None:
        self._listen = listen
        self.factories: list[Any] = []

    def listen(self, protocolFactory: Any) -> Any:
        """What the test says."""
        self.factories.append(protocolFactory)
        return self._listen()


class Reactor(MemoryReactorClock):
    """A reactor in which ports close when it has a turn."""

    running = False

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[OpenPort] = []

    def open(self) -> Deferred[OpenPort]:
        """Listen somewhere."""
        self.ports.append(OpenPort())
        return succeed(self.ports[-1])

    def iterate(self, delay: float = 0) -> None:
        """A turn."""
        for port in self.ports:
            port.closed.callback(None)


def inUse() -> CannotListenError:
    """The error of a port that another program has."""
    return CannotListenError("", 1, OSError(errno.EADDRINUSE, "Address already in use"))


class ListeningServiceTests(SynchronousTestCase):
    """
    L{ListeningService} listens on all of its ports, or gives up.
    """

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.factory = Factory()
        self.givenUp: list[None] = []

    def service(self, *listens: Callable[[], Any]) -> ListeningService:
        """A service on endpoints that are called C{a}, C{b} and so on."""
        self.endpoints = [Endpoint(listen) for listen in listens]
        ports = [Port(name, endpoint) for name, endpoint in zip("abc", self.endpoints, strict=False)]
        return ListeningService(self.reactor, ports, self.factory, lambda: self.givenUp.append(None))

    def test_listens(self) -> None:
        """Every endpoint is given the factory, once, when the service starts."""
        service = self.service(self.reactor.open, self.reactor.open)
        self.assertEqual([endpoint.factories for endpoint in self.endpoints], [[], []])
        service.privilegedStartService()
        service.startService()
        self.assertEqual([endpoint.factories for endpoint in self.endpoints], [[self.factory]] * 2)
        self.assertTrue(service.running)

    def test_startedLate(self) -> None:
        """A service that joins a running parent is started without privileges."""
        service = self.service(self.reactor.open)
        service.startService()
        self.assertEqual(self.endpoints[0].factories, [self.factory])

    def test_stop(self) -> None:
        """Stopping closes every port, and says when that is done."""
        service = self.service(self.reactor.open, self.reactor.open)
        service.startService()
        stopped = service.stopService()
        self.assertNoResult(stopped)
        self.reactor.iterate()
        self.successResultOf(stopped)
        self.assertEqual([port.isOpen for port in self.reactor.ports], [False, False])
        self.assertFalse(service.running)

    def test_startAgain(self) -> None:
        """A service that was stopped can be started again."""
        service = self.service(self.reactor.open)
        service.startService()
        service.stopService()
        service.startService()
        self.assertEqual(len(self.endpoints[0].factories), 2)

    def test_refused(self) -> None:
        """An endpoint that refuses is an error, on one line, with its reason."""
        service = self.service(lambda: fail(inUse()))
        error = self.assertRaises(CannotListen, service.privilegedStartService)
        self.assertEqual(error.code, "cannot listen on a: Address already in use")
        self.assertIsInstance(error, SystemExit)
        self.assertIsInstance(error, Exception)
        self.assertEqual(self.givenUp, [])

    def test_raises(self) -> None:
        """So is one that raises where it should fail."""

        def listen() -> Any:
            raise OverflowError("bind(): port must be\n0-65535.")

        error = self.assertRaises(CannotListen, self.service(listen).privilegedStartService)
        self.assertEqual(error.code, "cannot listen on a: OverflowError: bind(): port must be 0-65535.")

    def test_noFolder(self) -> None:
        """What the system refuses is told in its words, with the path."""

        def listen() -> Any:
            raise FileNotFoundError(2, "No such file or directory", "4711", None, b"/nowhere/pb.socket.lock")

        error = self.assertRaises(CannotListen, self.service(listen).privilegedStartService)
        self.assertEqual(error.code, "cannot listen on a: No such file or directory: /nowhere/pb.socket.lock")

    def test_severalRefused(self) -> None:
        """All that refuse are named."""
        service = self.service(lambda: fail(inUse()), self.reactor.open, lambda: fail(ValueError("c?")))
        error = self.assertRaises(CannotListen, service.privilegedStartService)
        self.assertEqual(
            error.code, "cannot listen on a: Address already in use; cannot listen on c: ValueError: c?"
        )

    def test_refusedClosesOthers(self) -> None:
        """When one refuses, the others are closed at once, although no reactor runs yet."""
        service = self.service(self.reactor.open, lambda: fail(inUse()), self.reactor.open)
        self.assertRaises(CannotListen, service.privilegedStartService)
        self.assertEqual([port.isOpen for port in self.reactor.ports], [False, False])

    def test_refusedWhileRunning(self) -> None:
        """When the reactor runs, it closes the others in a turn of its own."""
        self.reactor.running = True
        service = self.service(self.reactor.open, lambda: fail(inUse()))
        self.assertRaises(CannotListen, service.startService)
        self.assertEqual([port.isOpen for port in self.reactor.ports], [True])
        self.reactor.iterate()
        self.assertEqual([port.isOpen for port in self.reactor.ports], [False])

    def test_refusedLate(self) -> None:
        """One that refuses only later is logged as critical, and the service gives up."""
        events: list[Any] = []
        publisher.addObserver(events.append)
        self.addCleanup(publisher.removeObserver, events.append)
        pending: Deferred[Any] = Deferred()
        self.service(self.reactor.open, lambda: pending).startService()
        self.assertEqual(self.givenUp, [])
        pending.errback(inUse())
        self.assertEqual(self.givenUp, [None])
        [event] = [event for event in events if event["log_level"] is LogLevel.critical]
        self.assertEqual(event["line"], "cannot listen on b: Address already in use")

    def test_stopWhileWaiting(self) -> None:
        """One that has not answered when the service stops is cancelled, and that is no fault."""
        cancelled: list[Any] = []
        service = self.service(lambda: Deferred(cancelled.append))
        service.startService()
        self.successResultOf(service.stopService())
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(self.givenUp, [])


class TerminateTests(SynchronousTestCase):
    """
    L{terminate} is what a user does who ends the server.
    """

    def test_signal(self) -> None:
        """It sends this process SIGTERM."""
        received: list[int] = []
        previous = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
        self.addCleanup(signal.signal, signal.SIGTERM, previous)
        terminate()
        self.assertEqual(received, [signal.SIGTERM])

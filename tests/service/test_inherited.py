"""
Tests of L{myspread._service.inherited}.
"""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import AdoptedStreamServerEndpoint, UNIXClientEndpoint, _SystemdParser
from twisted.internet.error import AlreadyListened
from twisted.internet.protocol import Factory, Protocol
from twisted.python.systemd import ListenFDs
from twisted.trial.unittest import TestCase

from myspread._service.inherited import InheritedSocket, InheritedUnixEndpoint, inheritedEndpoint


class Greeter(Protocol):
    """Says who it is."""

    def connectionMade(self) -> None:
        """Say it."""
        self.transport.write(b"hello")  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]


class Guest(Protocol):
    """Hears it."""

    def __init__(self) -> None:
        self.heard: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """It has said something."""
        self.heard.callback(data)


class InheritedCase(TestCase):
    """
    Sockets, as if systemd had opened them.
    """

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="sockets"))
        self.addCleanup(shutil.rmtree, self.directory)

    def inherit(self, **sockets: socket.socket) -> None:
        """Pass sockets on, by name."""
        for each in sockets.values():
            self.addCleanup(each.close)
        descriptors = [each.fileno() for each in sockets.values()]
        self.patch(_SystemdParser, "_sddaemon", ListenFDs(descriptors, tuple(sockets)))

    def unix(self) -> socket.socket:
        """A UNIX socket that only its owner may use."""
        opened = socket.socket(socket.AF_UNIX)
        opened.bind(str(self.directory / "pb"))
        (self.directory / "pb").chmod(0o600)
        opened.listen(50)
        return opened


class EndpointTests(InheritedCase):
    """
    L{inheritedEndpoint}.
    """

    def test_found(self) -> None:
        """By name or by index, whatever its family; who names one as for Twisted is understood."""
        self.inherit(local=self.unix(), pb=socket.create_server(("127.0.0.1", 0)))
        for words, kind in (
            ("name=pb", AdoptedStreamServerEndpoint),
            ("index=1", AdoptedStreamServerEndpoint),
            ("domain=INET:index=1", AdoptedStreamServerEndpoint),
            ("INET:1", AdoptedStreamServerEndpoint),
            ("name=local", InheritedUnixEndpoint),
            ("domain=UNIX:name=local", InheritedUnixEndpoint),
        ):
            endpoint: Any = inheritedEndpoint(reactor, f"systemd:{words}")
            self.assertIsInstance(endpoint, kind, words)
            if kind is AdoptedStreamServerEndpoint:
                self.assertEqual(endpoint.addressFamily, socket.AF_INET)

    def test_wrong(self) -> None:
        """What isn't there, or is something else, is refused."""
        closed = socket.create_server(("127.0.0.1", 0))
        self.inherit(
            pb=socket.create_server(("127.0.0.1", 0)),
            connected=socket.socket(),
            datagrams=socket.socket(type=socket.SOCK_DGRAM),
            closed=closed,
        )
        closed.close()
        wanted = "a socket from systemd is like systemd:name=pb or systemd:index=0"
        for words, why in (
            ("name=tls", "systemd has passed no socket with the name tls"),
            ("index=4", "systemd has passed no socket with the index 4"),
            ("index=-1", "the index '-1' is no number"),
            ("index=", "the index '' is no number"),
            ("name=pb:index=0", wanted),
            ("domain=INET", wanted),
            ("colour=red", wanted),
            ("", wanted),
            ("name=closed", "the socket with the name closed is none: Bad file descriptor"),
            (
                "name=connected",
                "the socket with the name connected doesn't listen for streams (in a unit: ListenStream, "
                "and not Accept)",
            ),
        ):
            error = self.assertRaises(InheritedSocket, inheritedEndpoint, reactor, f"systemd:{words}")
            self.assertEqual(str(error), why)
        self.assertRaises(InheritedSocket, inheritedEndpoint, reactor, "systemd:name=datagrams")

    def test_none(self) -> None:
        """So is every socket where systemd has passed none."""
        self.inherit()
        for words in ("name=pb", "index=0"):
            self.assertRaises(InheritedSocket, inheritedEndpoint, reactor, f"systemd:{words}")


class UnixTests(InheritedCase):
    """
    L{InheritedUnixEndpoint}.
    """

    async def test_listen(self) -> None:
        """It accepts; the socket keeps its mode, and its name, and is not shut down for others."""
        theirs = self.unix()
        self.addCleanup(theirs.close)
        path = self.directory / "pb"
        endpoint = InheritedUnixEndpoint(reactor, os.dup(theirs.fileno()))
        port = await endpoint.listen(Factory.forProtocol(Greeter))
        host: Any = port.getHost()
        self.assertEqual(host.name, os.fsencode(path))
        for listening in (True, False):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            guest = await UNIXClientEndpoint(reactor, str(path)).connect(Factory.forProtocol(Guest))
            if listening:
                self.assertEqual(await guest.heard, b"hello")
                stopped: Any = port.stopListening()
                await stopped
            else:
                # It waits for the next who accepts.
                guest.transport.abortConnection()

    async def test_twice(self) -> None:
        """There is only one socket to listen on."""
        endpoint = InheritedUnixEndpoint(reactor, self.unix().detach())
        port: Any = await endpoint.listen(Factory.forProtocol(Greeter))
        await self.assertFailure(endpoint.listen(Factory.forProtocol(Greeter)), AlreadyListened)
        await port.stopListening()

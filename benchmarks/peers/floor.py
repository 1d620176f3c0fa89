"""
The floor: the least that a call over Twisted can cost, with a native codec, one
Deferred per call, and nothing else: no objects, no policy, no errors.
"""

from __future__ import annotations

from typing import Any

import msgpack
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, ServerFactory
from twisted.protocols.basic import Int32StringReceiver

from benchmarks.payloads import EVENT
from benchmarks.peers.twistedbase import HOST, OnTwisted, reactor

__all__ = ["adapter"]

ECHO, SUBSCRIBE, PUBLISH, PUSH = range(4)


class Messages(Int32StringReceiver):
    """
    Messages C{(command, request, value)}, each a string of msgpack.
    """

    MAX_LENGTH = 1 << 24
    transport: Any

    def connectionMade(self) -> None:
        """Turn off Nagle's algorithm."""
        self.transport.setTcpNoDelay(True)

    def send(self, command: int, request: int, value: Any) -> None:
        """Send a message."""
        self.sendString(msgpack.packb((command, request, value)))  # type: ignore[no-untyped-call]


class Server(Messages):
    """
    Answers, and pushes.
    """

    factory: Any

    def stringReceived(self, string: bytes) -> None:
        """Do what a message asks for, and answer it."""
        command, request, value = msgpack.unpackb(string)
        if command == SUBSCRIBE:
            self.factory.subscribers.append(self)
        elif command == PUBLISH:
            for subscriber in self.factory.subscribers:
                subscriber.send(PUSH, 0, EVENT)
        self.send(ECHO, request, value)


class Client(Messages):
    """
    Calls, and is pushed to.
    """

    factory: Any

    def connectionMade(self) -> None:
        """Ready: there is no greeting."""
        super().connectionMade()
        self.waiting: dict[int, Deferred[Any]] = {}
        self.closed: Deferred[None] = Deferred()
        self.request = 0
        self.factory.connected.callback(self)

    def call(self, command: int, value: Any = None) -> Deferred[Any]:
        """A call, and the Deferred of its answer."""
        self.request += 1
        answer = self.waiting[self.request] = Deferred()
        self.send(command, self.request, value)
        return answer

    def stringReceived(self, string: bytes) -> None:
        """An answer, or a push."""
        command, request, value = msgpack.unpackb(string)
        if command == PUSH:
            self.factory.arrived()
        else:
            self.waiting.pop(request).callback(value)

    def connectionLost(self, reason: Any = None) -> None:
        """Closed."""
        self.closed.callback(None)


class Floor(OnTwisted):
    """
    Length-prefixed msgpack.
    """

    def serverFactory(self) -> ServerFactory:
        """Answers, and pushes."""
        factory: Any = ServerFactory.forProtocol(Server)
        factory.noisy = False
        factory.subscribers = []
        return factory  # type: ignore[no-any-return]

    def open(self) -> Deferred[Any]:
        """Connect."""
        factory: Any = ClientFactory.forProtocol(Client)
        factory.noisy = False
        factory.arrived = self.arrived
        factory.connected = Deferred()
        reactor.connectTCP(HOST, self.port, factory)
        return factory.connected  # type: ignore[no-any-return]

    def close(self, connection: Any) -> Any:
        """Close."""
        connection.transport.loseConnection()
        return connection.closed

    def echoOn(self, connection: Any, value: Any) -> Any:
        """Send a value, and get it back."""
        return connection.call(ECHO, value)

    def subscribeOn(self, connection: Any) -> Any:
        """Ask for pushes."""
        return connection.call(SUBSCRIBE)

    def publishOn(self, connection: Any) -> Any:
        """Ask the server to push to all."""
        return connection.call(PUBLISH)

    def convert(self, value: Any) -> Any:
        """To msgpack and back."""
        return msgpack.unpackb(msgpack.packb((ECHO, 1, value)))[2]


def adapter() -> Floor:
    """An adapter of length-prefixed msgpack."""
    return Floor()

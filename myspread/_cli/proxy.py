"""
Passing on what two programs say to each other, and listening.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import connectProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from myspread._cli.capture import LIMITS
from myspread._cli.connecting import inOurWords
from myspread._cli.errors import told
from myspread._codec import DIALECTS, Decoder
from myspread._factories.trust import inWords
from myspread.banana import BananaError

__all__ = ["Listener", "ProxyFactory", "addressText"]


def addressText(address: Any) -> str:
    """An address, for people."""
    if hasattr(address, "host") and hasattr(address, "port"):
        return f"{address.host}:{address.port}"
    return str(address)


class Listener:
    """
    Makes messages of what passes by, and is told what happens.

    Each connection has one.
    """

    def __init__(self, heard: Callable[[bool, Any], None], happened: Callable[[bool, str], None]) -> None:
        """
        @param heard: called with whether it is from the client, and the message.
        @param happened: called with whose side it is about, and a text.
        """
        self._heard = heard
        self.happened = happened
        self._decoders: dict[bool, Decoder | None] = {True: Decoder(LIMITS), False: Decoder(LIMITS)}

    def passed(self, fromClient: bool, data: bytes) -> None:
        """Some bytes have passed by."""
        decoder = self._decoders[fromClient]
        if decoder is None:
            return
        try:
            for expression in decoder.feed(data):
                if fromClient and decoder.dialect is None and isinstance(expression, bytes):
                    self._agreed(expression)
                self._heard(fromClient, expression)
        except BananaError as error:
            self._decoders[fromClient] = None
            self.happened(fromClient, f"what comes from here on can't be read, and is passed on: {error}")

    def _agreed(self, name: bytes) -> None:
        """The client has chosen a dialect: it holds from the next message on."""
        for decoder in self._decoders.values():
            if decoder is not None:
                decoder.dialect = DIALECTS.get(name)


class _End(Protocol):
    """
    One end of a connection that is passed on. What one end can't send makes the
    other one stop reading.
    """

    def __init__(self, isClients: bool, listener: Listener, where: str) -> None:
        """
        @param isClients: whether the client is at the other side.
        @param where: the address of the server.
        """
        self._where = where
        self._isClients = isClients
        self._listener = listener
        self.other: _End | None = None
        self.lost = False

    def join(self, other: _End) -> None:
        """Pass everything on to another end, and take everything of it."""
        for one, two in ((self, other), (other, self)):
            one.other = two
            transport: Any = one.transport
            transport.registerProducer(two.transport, True)
            setTcpNoDelay = getattr(transport, "setTcpNoDelay", None)
            if setTcpNoDelay is not None:
                setTcpNoDelay(True)

    def dataReceived(self, data: bytes) -> None:
        """Pass it on first: nobody shall wait for us."""
        if self.other is None:
            # Nobody is there any more.
            return
        transport: Any = self.other.transport
        transport.write(data)
        self._listener.passed(self._isClients, data)

    def _why(self, reason: Failure) -> str:
        if self._isClients:
            return reason.getErrorMessage()
        error: Any = reason.value
        return inOurWords(told(inWords(error, self._where)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the other one too, when all is sent."""
        self.lost = True
        self._listener.happened(self._isClients, f"closed: {self._why(reason)}")
        if self.other is not None and self.other.transport is not None:
            transport: Any = self.other.transport
            transport.unregisterProducer()
            transport.loseConnection()
            self.other.other = None


class ProxyFactory(Factory):
    """
    Takes connections, and makes another one for each.
    """

    noisy = False

    def __init__(self, target: Any, listening: Callable[[], Listener], where: str) -> None:
        """
        @param target: the endpoint of the server.
        @param where: its address.
        @param listening: makes what listens to a connection.
        """
        self._target = target
        self._listening = listening
        self._where = where

    def buildProtocol(self, addr: Any) -> Protocol:
        """One more connection."""
        return _ClientsEnd(self._target, self._listening(), self._where, addr)


class _ClientsEnd(_End):
    """
    The end at which the client is.
    """

    def __init__(self, target: Any, listener: Listener, where: str, address: Any) -> None:
        super().__init__(True, listener, where)
        self._target = target
        self._address = address

    def connectionMade(self) -> None:
        """Connect to the server, and let the client wait until then."""
        transport: Any = self.transport
        transport.pauseProducing()
        self._listener.happened(True, f"connected from {addressText(self._address)}")
        connecting = connectProtocol(self._target, _End(False, self._listener, self._where))
        connecting.addCallbacks(self._connected, self._failed)

    def _connected(self, servers: _End) -> None:
        if self.lost:
            transport: Any = servers.transport
            transport.loseConnection()
            return
        self.join(servers)
        own: Any = self.transport
        own.resumeProducing()

    def _failed(self, reason: Failure) -> None:
        self._listener.happened(False, f"can't be connected to: {reason.getErrorMessage()}")
        transport: Any = self.transport
        transport.loseConnection()

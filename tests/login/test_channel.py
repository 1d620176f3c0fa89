"""
Tests for L{myspread._login.channel}: what a connection is taken for.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.trial.unittest import SynchronousTestCase

from myspread._login.channel import Channel, isLocal


class LocalTests(SynchronousTestCase):
    """
    Tests for L{isLocal}.
    """

    def test_local(self) -> None:
        """UNIX sockets, and the loopback addresses of both kinds."""
        for address in (
            UNIXAddress(None),
            UNIXAddress(b"/run/socket"),
            IPv4Address("TCP", "127.0.0.1", 1),
            IPv4Address("TCP", "127.255.0.9", 1),
            IPv6Address("TCP", "::1", 1),
            IPv6Address("TCP", "::ffff:127.0.0.1", 1),
        ):
            self.assertTrue(isLocal(address), address)

    def test_elsewhere(self) -> None:
        """Everything else, and what isn't known."""
        for address in (
            IPv4Address("TCP", "192.0.2.1", 1),
            IPv4Address("TCP", "10.0.0.1", 1),
            IPv4Address("TCP", "0.0.0.0", 1),
            IPv6Address("TCP", "::", 1),
            IPv6Address("TCP", "fe80::1%eth0", 1),
            IPv6Address("TCP", "::ffff:192.0.2.1", 1),
            HostnameAddress(b"localhost", 1),
            None,
            object(),
        ):
            self.assertFalse(isLocal(address), address)


class ChannelTests(SynchronousTestCase):
    """
    Tests for L{Channel}, without TLS.
    """

    def test_plain(self) -> None:
        """A connection to another machine promises nothing."""
        for transport in (StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 1)), None):
            channel = Channel(transport)
            self.assertEqual((channel.isTls, channel.isLocal, channel.isPrivate), (False, False, False))
            self.assertEqual((channel.binding(), channel.certificate()), (None, None))

    def test_local(self) -> None:
        """One within this machine is private."""
        channel = Channel(StringTransport(peerAddress=UNIXAddress(None)))
        self.assertEqual((channel.isTls, channel.isLocal, channel.isPrivate), (False, True, True))

    def test_proxy(self) -> None:
        """
        Behind a proxy that tells who has connected to it, both have to be on this machine: somebody
        on the proxy's own has the address of the loopback there.
        """

        class Told(ProtocolWrapper):
            client = ""

            def getPeer(self) -> Any:
                return IPv4Address("TCP", self.client, 1)

        for client, proxy, isPrivate in (
            ("192.0.2.1", "127.0.0.1", False),
            ("127.0.0.1", "192.0.2.1", False),
            ("127.0.0.1", "127.0.0.1", True),
        ):
            told = Told(WrappingFactory(None), None)  # type: ignore[arg-type]
            told.client = client
            told.transport = StringTransport(peerAddress=IPv4Address("TCP", proxy, 1))
            self.assertEqual(Channel(told).isPrivate, isPrivate)

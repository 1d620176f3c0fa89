"""
Tests for L{myspread._net.addresses}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from myspread._net.addresses import sourceOf


def six(host: str) -> IPv6Address:
    """An IPv6 address."""
    return IPv6Address("TCP", host, 40000)


class SourceTests(SynchronousTestCase):
    """
    Whom a connection is counted for.
    """

    def test_ipv4(self) -> None:
        """Each IPv4 address counts for itself, whatever its port."""
        for port in (1, 2):
            self.assertEqual(sourceOf(IPv4Address("TCP", "192.0.2.7", port)), "192.0.2.7")

    def test_ipv6(self) -> None:
        """IPv6 addresses count by their network of 64 bits, however they are written."""
        for host in ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:0DB8:1:2:0:0:0:7"):
            self.assertEqual(sourceOf(six(host)), "2001:db8:1:2::/64")
        self.assertEqual(sourceOf(six("2001:db8:1:3::1")), "2001:db8:1:3::/64")

    def test_mapped(self) -> None:
        """An IPv4 address counts as such where it comes in the form of IPv6."""
        self.assertEqual(sourceOf(six("::ffff:192.0.2.7")), "192.0.2.7")

    def test_scope(self) -> None:
        """Local networks are told from each other by their interfaces."""
        self.assertEqual(sourceOf(six("fe80::7%eth0")), "fe80::/64%eth0")
        self.assertEqual(sourceOf(six("fe80::7")), "fe80::/64")

    def test_none(self) -> None:
        """UNIX sockets have no address, and neither has what has no host as text."""
        addresses: tuple[Any, ...] = (
            UNIXAddress(None),
            UNIXAddress("/run/pb.socket"),
            HostnameAddress(b"example.com", 1),  # type: ignore[no-untyped-call]
            None,
            object(),
        )
        for address in addresses:
            self.assertIsNone(sourceOf(address))

    def test_strange(self) -> None:
        """A host that is no address counts for itself."""
        self.assertEqual(sourceOf(six("somewhere")), "somewhere")

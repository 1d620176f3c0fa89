"""
Tests of L{myspread._service.proxyheader}.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser
from twisted.trial.unittest import SynchronousTestCase

from myspread._service.proxyheader import HeaderParser, ProxyHeader, WrongHeader

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
MOST = 4096

CLIENT = IPv4Address("TCP", "203.0.113.9", 56324)
SERVER = IPv4Address("TCP", "192.0.2.1", 443)
CLIENT6 = IPv6Address("TCP", "2001:db8::9", 65535)
SERVER6 = IPv6Address("TCP", "2001:db8::1", 0)

TCP4 = socket.inet_aton("203.0.113.9") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 56324, 443)
TCP6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::9")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    + struct.pack("!HH", 65535, 0)
)


def version2(body: bytes, command: int = 0x21, family: int = 0x11) -> bytes:
    """A header of version 2."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


HEADERS = {
    b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 443\r\n": ProxyHeader(CLIENT, SERVER),
    b"PROXY TCP6 2001:db8::9 2001:DB8:0:0::1 65535 0\r\n": ProxyHeader(CLIENT6, SERVER6),
    b"PROXY UNKNOWN\r\n": ProxyHeader(),
    b"PROXY UNKNOWN ffff::1 whatever else 1 2\r\n": ProxyHeader(),
    b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n": ProxyHeader(),
    version2(TCP4): ProxyHeader(CLIENT, SERVER),
    version2(TCP4 + b"\x03\0\4more"): ProxyHeader(CLIENT, SERVER),
    version2(TCP6, family=0x21): ProxyHeader(CLIENT6, SERVER6),
    version2(b"/a/path".ljust(108, b"\0") + b"/b".ljust(108, b"\0"), family=0x31): ProxyHeader(
        UNIXAddress(b"/a/path"), UNIXAddress(b"/b")
    ),
    version2(bytes(216), family=0x31): ProxyHeader(UNIXAddress(None), UNIXAddress(None)),
    version2(b"", command=0x20): ProxyHeader(),
    version2(TCP4, command=0x20): ProxyHeader(),
    version2(b"anything", command=0x20, family=0xFF): ProxyHeader(),
    version2(b"", family=0): ProxyHeader(),
    version2(bytes(MOST - 16), family=0): ProxyHeader(),
}


class HeaderTests(SynchronousTestCase):
    """
    Headers as proxies send them.
    """

    def test_headers(self) -> None:
        """Each is read, and what follows it is left."""
        for text, header in HEADERS.items():
            for rest in (b"", b"\x02\x80", text):
                self.assertEqual(HeaderParser(MOST).feed(text + rest), (header, rest), text)

    def test_pieces(self) -> None:
        """They may come byte by byte, or in two pieces wherever they are cut."""
        for text, header in HEADERS.items():
            parser = HeaderParser(MOST)
            for index in range(len(text) - 1):
                self.assertIsNone(parser.feed(text[index : index + 1]))
            self.assertEqual(parser.feed(text[-1:] + b"rest"), (header, b"rest"))
            if len(text) < 300:
                for cut in range(1, len(text)):
                    parser = HeaderParser(MOST)
                    self.assertIsNone(parser.feed(text[:cut]))
                    self.assertEqual(parser.feed(text[cut:] + b"rest"), (header, b"rest"))

    def test_twisted(self) -> None:
        """Twisted's parsers read the same in them."""
        for text, header in HEADERS.items():
            if text == b"PROXY UNKNOWN\r\n":
                # They want a space after it, which is not in the specification.
                continue
            parser: Any = V1Parser() if text.startswith(b"P") else V2Parser()
            info, _ = parser.feed(text)
            for ours, theirs in ((header.source, info.source), (header.destination, info.destination)):
                if isinstance(ours, UNIXAddress):
                    self.assertEqual(ours.name or b"", theirs.name)
                else:
                    self.assertEqual(getattr(ours, "port", None), getattr(theirs, "port", None))
                    self.assertEqual(type(ours), type(theirs))


class WrongHeaderTests(SynchronousTestCase):
    """
    What is no header, or one that isn't taken.
    """

    def refusal(self, text: bytes, most: int = MOST) -> str:
        """Why it isn't taken."""
        message = str(self.assertRaises(WrongHeader, HeaderParser(most).feed, text))
        self.assertNotIn("\n", message)
        self.assertLess(len(message), 600)
        return message

    def test_noHeader(self) -> None:
        """What begins otherwise is refused at the first byte that shows it."""
        for text in (
            b"\x02\x80",
            b"\x16\x03\x01",
            b"GET /",
            b"PROXI",
            b"PROXYTCP4",
            b"proxy ",
            b"\r\n\r\n\0\r\nQUIP",
        ):
            self.assertEqual(self.refusal(text), "there is no PROXY header")
            parser = HeaderParser(MOST)
            fed = 0
            with self.assertRaises(WrongHeader):
                for fed in range(len(text)):
                    parser.feed(text[fed : fed + 1])
            self.assertTrue(any(header.startswith(text[:fed]) for header in HEADERS))

    def test_noEnd(self) -> None:
        """A line that has no end within the bytes of the specification is refused as soon as it has them."""
        for length in (107, 108, 100_000):
            text = b"PROXY UNKNOWN ".ljust(length, b"x")
            self.assertEqual(self.refusal(text), "the PROXY header has no end within 107 bytes")
        self.assertIsNone(HeaderParser(MOST).feed(b"PROXY UNKNOWN ".ljust(106, b"x")))
        self.assertEqual(
            self.refusal(b"PROXY TCP4 203.0.113.9 192.0.2.1", 20),
            "the PROXY header has no end within 20 bytes",
        )
        # The end stands too late.
        self.assertRaises(WrongHeader, HeaderParser(MOST).feed, b"PROXY UNKNOWN ".ljust(106, b"x") + b"\r\n")

    def test_lines(self) -> None:
        """A line must be as in the specification."""
        for line in (
            b"PROXY TCP4 203.0.113.9 192.0.2.1 56324",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 56324 443 1",
            b"PROXY TCP4  203.0.113.9 192.0.2.1 56324 443",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 -1 443",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 1e2 443",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 123456 443",
            "PROXY TCP4 203.0.113.9 192.0.2.1 \N{ARABIC-INDIC DIGIT ONE} 443".encode(),
            b"PROXY UDP4 203.0.113.9 192.0.2.1 1 443",
            b"PROXY TCP4 localhost 192.0.2.1 1 443",
            b"PROXY TCP4 \xff\n\0 192.0.2.1 1 443",
            b"PROXY ",
        ):
            self.assertSubstring("the PROXY header can't be read: ", self.refusal(line + b"\r\n"))

    def test_addresses(self) -> None:
        """Addresses must be of the family that is named, and ports be ports."""
        for line, why in (
            (b"TCP4 2001:db8::9 192.0.2.1 1 2", "has no TCP4 address: "),
            (b"TCP6 203.0.113.9 2001:db8::9 1 2", "has no TCP6 address: "),
            (b"TCP4 203.0.113.999 192.0.2.1 1 2", "has no TCP4 address: "),
            (b"TCP4 203.0.113.09 192.0.2.1 1 2", "has no TCP4 address: "),
            (b"TCP4 203.0.113.9 192.0.2.1 1 65536", "has a port 65536"),
        ):
            self.assertSubstring(why, self.refusal(b"PROXY " + line + b"\r\n"))

    def test_version2(self) -> None:
        """So must those of version 2."""
        for text, why in (
            (version2(TCP4, command=0x11), "has version and command 0x11"),
            (version2(TCP4, command=0x22), "has version and command 0x22"),
            (version2(TCP4, family=0x12), "is of family and protocol 0x12, which is no stream"),
            (version2(TCP4, family=0x41), "is of family and protocol 0x41, which is no stream"),
            (version2(TCP4[:11]), "has 11 bytes of addresses, not 12"),
            (version2(TCP4, family=0x21), "has 12 bytes of addresses, not 36"),
            (version2(bytes(215), family=0x31), "has 215 bytes of addresses, not 216"),
        ):
            self.assertEqual(self.refusal(text), f"the PROXY header {why}")

    def test_long(self) -> None:
        """One that says it is longer than what is taken is refused before it is there."""
        text = SIGNATURE + struct.pack("!BBH", 0x21, 0x11, MOST - 15)
        self.assertEqual(self.refusal(text), "the PROXY header has 4097 bytes (Limits.proxyHeaderLength)")
        self.assertIsNone(HeaderParser(MOST).feed(SIGNATURE + struct.pack("!BBH", 0x21, 0x11, MOST - 16)))

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21", version2(TCP4)]),
        st.binary(max_size=300),
        st.lists(st.integers(1, 50), max_size=10),
    )
    def test_anything(self, start: bytes, end: bytes, sizes: list[int]) -> None:
        """Whatever comes is a header, a refusal, or not enough yet; and the same in whatever pieces."""
        text = start + end
        self.assertEqual(self.outcome(text, [len(text) + 1]), self.outcome(text, sizes))

    def outcome(self, text: bytes, sizes: list[int]) -> Any:
        """What comes of it; with a header, what follows it too."""
        parser = HeaderParser(MOST)
        sizes = [*sizes, len(text) + 1]
        for size in sizes:
            piece, text = text[:size], text[size:]
            try:
                parsed = parser.feed(piece)
            except WrongHeader:
                return WrongHeader
            if parsed is not None:
                return parsed[0], parsed[1] + text
        return None

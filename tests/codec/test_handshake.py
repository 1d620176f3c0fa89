"""
Tests for L{myspread._codec.handshake}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import StringTransport
from twisted.spread import banana
from twisted.trial.unittest import TestCase

from myspread._codec import NONE, PB, Decoder, Expression, Handshake, encode
from myspread._errors import BananaError
from myspread.limits import Limits

STOCK_NAMES = [b"pb", b"none"]


def begun(isClient: bool, known: list[bytes]) -> Handshake:
    """
    Make a handshake that waits for the peer.
    """
    handshake = Handshake(isClient, known)
    handshake.opening()
    return handshake


class HandshakeTests(TestCase):
    """
    Two peers find a dialect, or part.
    """

    def test_twoSides(self) -> None:
        """
        The server's first dialect is taken if the client knows it.
        """
        server, client = (
            Handshake(isClient, STOCK_NAMES) for isClient in (False, True)
        )
        self.assertIsNone(client.opening())
        offer = server.opening()
        assert isinstance(offer, list)
        self.assertEqual(offer, [b"pb", b"none"])
        self.assertIsNone(client.dialect)
        answer, chosen = client.receive(offer)
        self.assertEqual((answer, chosen), (b"pb", PB))
        self.assertEqual(server.receive(b"pb"), (None, PB))
        self.assertIs(client.dialect, PB)
        self.assertIs(server.dialect, PB)

    def test_serverPrefers(self) -> None:
        """
        The order of the server decides, not the client's own.
        """
        self.assertEqual(
            begun(True, [b"pb", b"none"]).receive([b"new", b"none", b"pb"]),
            (b"none", NONE),
        )

    def test_ownDialect(self) -> None:
        """
        An application's own name can be agreed on; it has no vocabulary.
        """
        answer, dialect = begun(True, [b"own", b"pb"]).receive([b"own"])
        self.assertEqual(
            (answer, dialect.name, dict(dialect.words)), (b"own", b"own", {})
        )
        answer, dialect = begun(False, [b"own", b"pb"]).receive(b"own")
        self.assertEqual((answer, dialect.name), (None, b"own"))

    def test_offerIsACopy(self) -> None:
        """
        Who changes the offer doesn't change what is accepted.
        """
        server = Handshake(False, STOCK_NAMES)
        offer = server.opening()
        assert isinstance(offer, list)
        offer.append(b"more")
        self.assertRaises(BananaError, server.receive, b"more")

    def test_clientRefuses(self) -> None:
        """
        A client raises L{BananaError} for an offer without a known name, or
        that is no list, whatever it is.
        """
        offers: list[Any] = [[], [b"new"], [[b"pb"], 1, 1.5], b"pb", 7, 1.5, [[]]]
        for offer in offers:
            client = begun(True, STOCK_NAMES)
            self.assertRaises(BananaError, client.receive, offer)
            self.assertIsNone(client.dialect)

    def test_serverRefuses(self) -> None:
        """
        A server raises L{BananaError} for a choice that it doesn't know, or
        that is no name.
        """
        choices: list[Any] = [b"new", b"", [b"pb"], [], 7, 1.5]
        for choice in choices:
            server = begun(False, STOCK_NAMES)
            self.assertRaises(BananaError, server.receive, choice)
            self.assertIsNone(server.dialect)

    def test_refusalSaysWhat(self) -> None:
        """
        The error shows both sides, but not all of a giant offer.
        """
        error = self.assertRaises(
            BananaError, begun(True, STOCK_NAMES).receive, [b"x" * 1000] * 1000
        )
        self.assertIn("[b'pb', b'none']", str(error))
        self.assertIn("xxx...", str(error))
        self.assertLess(len(str(error)), 400)

    def test_order(self) -> None:
        """
        Steps outside their order raise L{BananaError}: before the opening, a
        second opening, and anything after agreement or refusal.
        """
        sides: list[tuple[bool, Expression]] = [(True, [b"pb"]), (False, b"pb")]
        for isClient, good in sides:
            handshake = Handshake(isClient, STOCK_NAMES)
            self.assertRaises(BananaError, handshake.receive, good)
            handshake.opening()
            self.assertRaises(BananaError, handshake.opening)
            handshake.receive(good)
            self.assertRaises(BananaError, handshake.receive, good)
            self.assertIs(handshake.dialect, PB)

            handshake = begun(isClient, STOCK_NAMES)
            self.assertRaises(BananaError, handshake.receive, 1)
            self.assertRaises(BananaError, handshake.receive, good)


class StockTests(TestCase):
    """
    The other side is stock.
    """

    def setUp(self) -> None:
        """
        Make the transport of the stock side.
        """
        self.transport = StringTransport()

    def stock(self, isClient: bool) -> banana.Banana:
        """
        Make a stock peer that is connected.
        """
        peer = banana.Banana(isClient=isClient)
        peer.makeConnection(self.transport)
        return peer

    def test_greeting(self) -> None:
        """
        Our greeting is stock's to the byte.
        """
        self.stock(isClient=False)
        offer = Handshake(False, STOCK_NAMES).opening()
        self.assertEqual(encode(offer), self.transport.value())

    def test_stockServer(self) -> None:
        """
        A stock server accepts our answer.
        """
        server = self.stock(isClient=False)
        (offer,) = Decoder(Limits()).feed(self.transport.value())
        answer, dialect = begun(True, STOCK_NAMES).receive(offer)
        server.dataReceived(encode(answer))
        self.assertEqual(server.currentDialect, dialect.name)

    def test_stockClient(self) -> None:
        """
        A stock client answers our greeting, and we accept.
        """
        client = self.stock(isClient=True)
        server = Handshake(False, STOCK_NAMES)
        client.dataReceived(encode(server.opening()))
        (choice,) = Decoder(Limits()).feed(self.transport.value())
        self.assertEqual(server.receive(choice), (None, PB))
        self.assertEqual(client.currentDialect, b"pb")

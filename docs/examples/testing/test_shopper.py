"""
Tests of a client, with a server that plays a script.

Run them with C{python -m twisted.trial test_shopper}.
"""

from shopper import buy, shopping
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from myspread import pb
from myspread.testing import FakeServer


class ShopperTests(TestCase):
    def setUp(self):
        self.server = FakeServer()
        self.shop = self.server.root()

    def tearDown(self):
        self.server.check()

    def buy(self, fruit, most):
        return Deferred.fromCoroutine(buy(self.shop, fruit, most))

    def test_cheap(self):
        """What isn't too expensive goes into the basket."""
        self.server.expect("price", "apple").returns(3)
        basket = self.server.expect("basket").lends()
        basket.expect("add", "apple")
        self.assertEqual(self.server.result(self.buy("apple", most=3)), 3)

    def test_expensive(self):
        """What is too expensive stays in the shop."""
        self.server.expect("price", "pear").returns(4)
        self.assertIsNone(self.server.result(self.buy("pear", most=3)))

    def test_noSuchFruit(self):
        """There are fruits that no shop has."""
        self.server.expect("price", "snow").fails(KeyError("snow"))
        self.assertIsNone(self.server.result(self.buy("snow", most=3)))
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_slowShop(self):
        """A shop may take too long."""
        self.server.expect("price", "plum").returns(1).after(60)
        bought = self.buy("plum", most=3)
        self.server.clock.advance(5)
        self.assertIsNone(self.server.result(bought))

    def test_shopCloses(self):
        """A shop may close while somebody is in it."""
        self.server.expect("price", "fig").disconnects()
        with self.assertRaises(pb.PBConnectionLost):
            self.server.result(self.buy("fig", most=3))

    def test_session(self):
        """A customer logs in, and buys one thing after the other."""
        server = FakeServer(ordered=True)
        alice = server.user(b"alice", b"secret")
        alice.expect("price", "apple").returns(3)
        alice.expect("basket").lends().expect("add", "apple")
        alice.expect("price", "gold").returns(1000)
        session = pb.session(
            server.endpoint, credentials=pb.Password("alice", "secret"), reactor=server.clock
        )
        bought = Deferred.fromCoroutine(shopping(session, ["apple", "gold"]))
        self.assertEqual(server.result(bought), 3)
        server.check()

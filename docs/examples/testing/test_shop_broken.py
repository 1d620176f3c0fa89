"""
Tests of a server and a client together, whose conversation is broken at each of
its messages.

Run them with C{python -m twisted.trial test_shop_broken}.
"""

from shopper import buy
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import Conversation, breakEverywhere


class Basket(pb.Referenceable):
    def __init__(self, shop):
        self.shop = shop

    def remote_add(self, fruit):
        self.shop.sold.append(fruit)


class Shop(pb.Root):
    def __init__(self):
        self.sold = []

    def remote_price(self, fruit):
        return {"apple": 3, "pear": 4}[fruit]

    def remote_basket(self):
        return Basket(self)


class Purchase(Conversation):
    """Somebody buys an apple."""

    def __init__(self):
        self.shop = Shop()
        super().__init__(self.shop, self.buyApple)

    async def buyApple(self, factory):
        shop = await factory.getRootObject()
        return await buy(shop, "apple", most=3)

    def check(self, outcome, lost):
        super().check(outcome, lost)
        # If the connection was lost, the customer may or may not know of the sale.
        assert self.shop.sold == ["apple"] or (lost and not self.shop.sold)


class PurchaseTests(SynchronousTestCase):
    def test_broken(self):
        breakEverywhere(Purchase)

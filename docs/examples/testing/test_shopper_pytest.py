"""
Tests of a client, for pytest.

Run them with C{pytest test_shopper_pytest.py}.
"""

import pytest
from shopper import buy
from twisted.internet.defer import Deferred

from myspread import pb
from myspread.testing import FakeServer


@pytest.fixture
def server():
    with FakeServer() as server:
        yield server


@pytest.fixture
def shop(server):
    return server.root()


def test_cheap(server, shop):
    server.expect("price", "apple").returns(3)
    server.expect("basket").lends().expect("add", "apple")
    assert server.result(Deferred.fromCoroutine(buy(shop, "apple", most=3))) == 3


@pytest.mark.parametrize("price", [4, 1000])
def test_expensive(server, shop, price):
    server.expect("price", ...).returns(price)
    assert server.result(Deferred.fromCoroutine(buy(shop, "pear", most=3))) is None


def test_shopCloses(server, shop):
    server.expect("price", "fig").disconnects()
    with pytest.raises(pb.PBConnectionLost):
        server.result(Deferred.fromCoroutine(buy(shop, "fig", most=3)))

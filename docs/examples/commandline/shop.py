"""
A shop to try the command line with. Run it first::

    python shop.py
"""

import sys

from twisted.internet import endpoints, reactor
from twisted.internet.task import LoopingCall

from myspread import pb


class Order(pb.Copyable):
    def __init__(self, fruit, count):
        self.fruit = fruit
        self.count = count

    def getTypeToCopy(self):
        return "shop.Order"


class Till(pb.Cacheable):
    """What is in the till: a little more each tenth of a second."""

    def __init__(self):
        self.total = 0
        self.observers = []
        LoopingCall(self.grow).start(0.1)

    def getTypeToCopy(self):
        return "shop.Till"

    def getStateToCacheAndObserveFor(self, perspective, observer):
        self.observers.append(observer)
        return {"total": self.total}

    def stoppedObserving(self, perspective, observer):
        self.observers.remove(observer)

    def grow(self):
        self.total += 1
        for observer in self.observers:
            observer.callRemote("setTotal", self.total)


class Account(pb.Referenceable):
    """What a customer has ordered."""

    def __init__(self, name):
        self.name = name

    def remote_history(self, limit: int = 10):
        """The latest orders, newest first."""
        return [Order("pears", 3), Order("apples", 1)][:limit]


class Shop(pb.Root):
    """A shop for fruit."""

    def __init__(self):
        self.till = Till()

    def remote_price(self, fruit: str, count: int = 1):
        """What some fruit costs."""
        if fruit not in ("pears", "apples"):
            raise ValueError(f"we have no {fruit}")
        return {"fruit": fruit, "cents": 30 * count}

    def remote_account(self, name: str):
        """A reference to the account of a customer."""
        return Account(name)

    def remote_till(self):
        """The till, to watch."""
        return self.till


def main(port="8787"):
    policy = pb.SecurityPolicy().allowDescribing()
    factory = pb.PBServerFactory(Shop(), security=policy)
    endpoint = endpoints.serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1")
    listening = endpoint.listen(factory)
    listening.addCallback(lambda port: print(f"The shop is open on port {port.getHost().port}", flush=True))
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""
Tests of what applications do, held against both packages.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import twisted.spread.banana
import twisted.spread.flavors
import twisted.spread.jelly
import twisted.spread.pb

import myspread.banana
import myspread.flavors
import myspread.jelly
import myspread.pb
from myspread.testing import BrokerPair, brokerPair

__all__ = ["OURS", "STOCK", "onBoth", "pairOf", "rootWith"]

STOCK = SimpleNamespace(
    name="twisted.spread",
    banana=twisted.spread.banana,
    flavors=twisted.spread.flavors,
    jelly=twisted.spread.jelly,
    pb=twisted.spread.pb,
)
OURS = SimpleNamespace(
    name="myspread",
    banana=myspread.banana,
    flavors=myspread.flavors,
    jelly=myspread.jelly,
    pb=myspread.pb,
)


def onBoth(test: Callable[[Any, Any], None]) -> Callable[[Any], None]:
    """
    Decorate a test that is given a package, so that it runs on both: what it
    does is no invention of ours.
    """

    def runBoth(self: Any) -> None:
        for package in (STOCK, OURS):
            with self.subTest(package.name):
                test(self, package)

    runBoth.__name__ = test.__name__
    runBoth.__doc__ = test.__doc__
    return runBoth


def rootWith(package: Any, **methods: Callable[..., Any]) -> Any:
    """A root object with remote methods of these names."""
    named = {f"remote_{name}": staticmethod(method) for name, method in methods.items()}
    return type("Root", (package.pb.Root,), named)()


def pairOf(package: Any, root: Any = None, server: Any = None, client: Any = None) -> BrokerPair:
    """Two connected brokers of a package."""
    return brokerPair(
        serverFactory=server or package.pb.PBServerFactory(root or rootWith(package)),
        clientFactory=client or package.pb.PBClientFactory(),
    )

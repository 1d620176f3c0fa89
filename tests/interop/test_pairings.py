"""
Every scenario, between every pair of implementations, over every transport.

Stock against stock shows that what we ask of ourselves is what
C{twisted.spread} does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.interop import scenarios
from tests.interop.implementation import OURS, STOCK
from tests.interop.processes import TRANSPORTS, pairOf
from tests.interop.session import SCENARIOS

__all__: list[str] = []


def makeTest(server: str, client: str, transport: str, name: str) -> Callable[[SynchronousTestCase], None]:
    """A test method for a scenario."""

    def test(self: SynchronousTestCase) -> None:
        result = pairOf(server, client).run(name, transport)
        self.assertEqual(result, {"passed": name}, result.get("failed"))

    test.__doc__ = SCENARIOS[name].run.__doc__
    return test


def makeTestCase(server: str, client: str, transport: str) -> type[SynchronousTestCase]:
    """The tests of all scenarios that hold for a pair of implementations."""
    titles = {OURS: "Our", STOCK: "Stock"}
    methods = {
        f"test_{name.replace('.', '_')}": makeTest(server, client, transport, name)
        for name, scenario in SCENARIOS.items()
        if server in scenario.servers and client in scenario.clients
    }
    name = f"{titles[server]}Server{titles[client]}Client{transport.title()}Tests"
    return type(name, (SynchronousTestCase,), {"__module__": __name__, **methods})


def makeTestCases() -> dict[str, type[SynchronousTestCase]]:
    """The tests of all pairs of implementations, by the names of the classes."""
    cases = [makeTestCase(*pair) for pair in product((STOCK, OURS), (STOCK, OURS), TRANSPORTS)]
    return {case.__name__: case for case in cases}


assert scenarios.__all__
globals().update(makeTestCases())

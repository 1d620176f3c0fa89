"""
C{twistd pbserver} under every attack.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from attacks.catalogue import ATTACKS
from attacks.measuring import LATENCY, Figures, troubles
from attacks.processes import OURS, STOCK
from tests.attacks.sites import closeAll, siteFor

SECONDS = 0.7
"""How long an attack that only lasts is kept up."""


def attacked(package: str, name: str) -> Figures:
    """What an attack costs the server that all tests share."""
    return siteFor(package, ATTACKS[name].served).attack(name, SECONDS)


class AttackTests(SynchronousTestCase):
    """
    One test for each attack: the server lives and answers, with little memory
    and little log.
    """

    @classmethod
    def tearDownClass(cls) -> None:
        """End the processes that the tests have shared."""
        closeAll()

    def withstands(self, name: str) -> None:
        """
        What is promised is kept under an attack. Time gets a second chance:
        other programs may have kept the machine busy.
        """
        figures = attacked(OURS, name)
        if figures.alive and figures.latency > LATENCY:
            self.assertEqual([each for each in troubles(figures) if "honest call" not in each], [])
            figures = attacked(OURS, name)
        self.assertEqual(troubles(figures), [])


def _test(name: str, title: str) -> Callable[[AttackTests], None]:
    def test(self: AttackTests) -> None:
        self.withstands(name)

    test.__doc__ = title
    return test


for _attack in ATTACKS.values():
    setattr(AttackTests, f"test_{_attack.name.replace('-', '_')}", _test(_attack.name, _attack.title))


class StockTests(SynchronousTestCase):
    """
    The attacks are real.
    """

    @classmethod
    def tearDownClass(cls) -> None:
        """End the processes of the test."""
        closeAll()

    def test_isFoundWanting(self) -> None:
        """C{twisted.spread} keeps all answers that aren't read."""
        found = troubles(attacked(STOCK, "unread"))
        self.assertEqual(len([each for each in found if "grew" in each]), 1, found)

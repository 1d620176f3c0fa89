"""
Where C{docs/topics/compatibility.rst} says that the two packages don't mix.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.spread import pb as stock
from twisted.spread.jelly import InsecureJelly
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import BrokerPair, brokerPair


class Lender(stock.Root):
    """Lends, and copies."""

    def remote_lend(self) -> Any:
        """A new object, by reference."""
        return stock.Referenceable()

    def remote_copy(self, tag: bytes) -> Any:
        """An object that travels under this name."""
        copyable = stock.Copyable()
        copyable.getTypeToCopy = lambda: tag  # type: ignore[method-assign]
        copyable.getStateToCopy = dict  # type: ignore[method-assign]
        return [copyable]


class Pond(pb.RemoteCopy):
    """Ours."""


def pairWith(client: Any) -> BrokerPair:
    """A client of this package, and a server of the other kind."""
    return brokerPair(serverFactory=stock.PBServerFactory(Lender()), clientFactory=client)


class DifferenceTests(SynchronousTestCase):
    """
    The section "Beside twisted.spread in one program".
    """

    def test_referencesAndFailures(self) -> None:
        """What arrives through a broker is of the broker's package."""
        for package, other in ((pb, stock), (stock, pb)):
            pair = pairWith(package.PBClientFactory())
            reference = pair.result(pair.root.callRemote("lend"))
            self.assertIsInstance(reference, package.RemoteReference)
            self.assertNotIsInstance(reference, other.RemoteReference)
            failed: list[Any] = []
            pair.root.callRemote("missing").addErrback(failed.append)
            pair.flush()
            self.assertIsInstance(failed[0], package.CopiedFailure)
            self.assertNotIsInstance(failed[0], other.CopiedFailure)
            self.flushLoggedErrors(stock.NoSuchMethod)

    def test_registrations(self) -> None:
        """A broker of C{twisted.spread} doesn't know what was registered with ours."""
        pb.setUnjellyableForClass("differences.Ours", Pond)
        stock.setUnjellyableForClass("differences.Stocks", Pond)
        for factory, tag, made in (
            (pb.PBClientFactory(), b"differences.Ours", True),
            (pb.PBClientFactory(), b"differences.Stocks", True),
            (stock.PBClientFactory(), b"differences.Stocks", True),
            (stock.PBClientFactory(), b"differences.Ours", False),
        ):
            pair = pairWith(factory)
            answer: Deferred[Any] = pair.root.callRemote("copy", tag)
            if made:
                self.assertIs(type(pair.result(answer)[0]), Pond)
            else:
                self.assertRaises(InsecureJelly, pair.flush)

    def test_policies(self) -> None:
        """A factory of C{twisted.spread} takes SecurityOptions of ours, but no SecurityPolicy."""
        options = pb.SecurityOptions()
        options.allowBasicTypes()
        options.allowTypes("remote")
        pair = pairWith(stock.PBClientFactory(security=options))
        self.assertEqual(pair.result(pair.root.callRemote("lend")).luid, 1)
        pair = pairWith(stock.PBClientFactory(security=pb.SecurityPolicy()))
        failed: list[Any] = []
        pair.root.callRemote("lend").addErrback(failed.append)
        self.assertTrue(failed[0].check(pb.InsecureJelly))

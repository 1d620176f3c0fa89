"""
C{twistd web} before C{twistd web}, in all four pairings of myspread and
C{twisted.spread}.
"""

from __future__ import annotations

import shutil
import tempfile
from itertools import product
from pathlib import Path

from twisted.internet.defer import DeferredList, DeferredSemaphore
from twisted.trial.unittest import TestCase

from tests.substitution.distrib import LARGE, Answer, Client, startBack, startFront
from tests.substitution.running import OURS, STOCK


class DistribTests(TestCase):
    """
    Real processes, started as their users start them.
    """

    timeout = 120

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="distrib"))
        self.addCleanup(shutil.rmtree, self.directory)

    async def converse(self, frontIsOurs: bool, backIsOurs: bool, overUnix: bool) -> None:
        """Ask a pair for everything."""
        where = await startBack(self, backIsOurs, overUnix)
        client = Client(await startFront(self, frontIsOurs, where))
        self.addCleanup(client.close)
        small = b"a small page"
        self.assertEqual(await client.ask("back/small"), Answer(200, small))
        self.assertEqual(await client.ask("back/large"), Answer(200, LARGE))
        self.assertEqual(await client.ask("back/small", "HEAD"), Answer(200, b""))
        posted = b"x" * 100_000
        self.assertEqual((await client.ask("back/echo", "POST", posted)).body, b"posted " + posted)
        missing = await client.ask("back/missing")
        self.assertEqual(missing.code, 404)
        self.assertIn(b"No Such Resource", missing.body)
        self.assertEqual((await client.ask("broker")).body.decode(), OURS if frontIsOurs else STOCK)
        self.assertEqual((await client.ask("back/broker")).body.decode(), OURS if backIsOurs else STOCK)

    async def test_everyPairing(self) -> None:
        """
        A small page, one of 2 MB, HEAD, POST and a page that isn't there; and
        the brokers of both processes are what they are meant to be.
        """
        slots = DeferredSemaphore(2)
        runs = [
            slots.run(self.converse, *sides, False)
            for sides in product((True, False), repeat=2)
        ]
        for succeeded, result in await DeferredList(runs, consumeErrors=True):
            self.assertTrue(succeeded, result)

    async def test_unixSocket(self) -> None:
        """The same over the socket that C{twistd web --personal} makes."""
        await self.converse(True, True, True)

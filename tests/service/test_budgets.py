"""
C{twistd pbserver --budget}, in a process of its own.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.spread import pb as stock

from myspread import pb
from tests.service.daemons import TwistdTestCase

SITE = """
from myspread import pb


class Customer(pb.Avatar):
    def perspective_price(self):
        return 3


class Realm(pb.Realm):
    def requestAvatar(self, avatarId, mind, *interfaces):
        customer = Customer(avatarId)
        return pb.IPerspective, customer, customer.logout
"""


class BudgetTests(TwistdTestCase):
    """
    What those who log in may cost.
    """

    async def customer(self, kind: Any, port: str, name: bytes) -> Any:
        """Somebody who has logged in, with a factory of myspread or twisted.spread."""
        factory = kind.PBClientFactory()
        await self.connect(f"tcp:127.0.0.1:{port}", factory)
        return await factory.login(UsernamePassword(name, b"secret"))

    async def test_exceeded(self) -> None:
        """Who goes beyond it gets an error that names it, on any connection; others don't notice."""
        (self.directory / "shop.py").write_text(SITE)
        # None is earned again while the test lasts.
        program, [port] = await self.serve(
            *("--port", "tcp:0:interface=127.0.0.1", "--realm", "shop:Realm"),
            *("--auth", "memory:ann:secret:bob:secret"),
            *("--budget", "callsPerSecond=0.001", "--budget", "burst=3000"),
        )
        ann, bob = [await self.customer(pb, port, name) for name in (b"ann", b"bob")]
        elsewhere = await self.customer(stock, port, b"ann")
        self.assertEqual([await ann.callRemote("price") for _ in range(3)], [3] * 3)
        with self.assertRaises(pb.BudgetExceeded) as caught:
            await ann.callRemote("price")
        text = "too many calls were made for 'ann', Budget.callsPerSecond = 0.001: wait for "
        self.assertIn(text, str(caught.exception))
        with self.assertRaises(stock.RemoteError) as remote:
            await elsewhere.callRemote("price")
        self.assertEqual(remote.exception.remoteType, b"myspread.pb.BudgetExceeded")
        self.assertEqual([await bob.callRemote("price") for _ in range(3)], [3] * 3)
        await program.printed(rf"(Connection \d from .*: a call is refused: {text})", 2)
        program.signal("TERM")
        await program.ended
        self.assertNotIn("Traceback", program.report())

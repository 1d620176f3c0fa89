"""
Tests for C{docs/examples/errors}.
"""

from __future__ import annotations

from typing import ClassVar

from tests.examples.programs import STOCK, ExampleTestCase, Pair, Replacements, everyPairing


class ErrorTests(ExampleTestCase):
    topic = "errors"
    stockReplacements: ClassVar[Replacements] = {
        # A failure that came from the peer can't be passed on by Failure.trap there.
        "trap_client.py": [
            ('security=pb.SecurityPolicy(unsendable="raise")', ""),
            (
                "failure.trap(jelly.InsecureJelly)",
                "if not failure.check(jelly.InsecureJelly): return failure",
            ),
        ],
    }

    @everyPairing
    async def test_expected(self, pair: Pair) -> None:
        """
        A L{pb.Error} reaches the client and leaves the server's log alone.
        """
        server, port = await pair.startServer("exc_server.py")
        self.assertEqual(
            await pair.runClient("exc_client.py", port),
            [
                "got remote Exception",
                " .__class__ = <CopiedFailure>",
                " .getErrorMessage() = fall down go boom",
                " .type = __main__.MyError",
            ],
        )
        self.assertEqual(
            await pair.stopQuiet(server),
            ["raising a MyError exception with data 'fall down go boom'"],
        )

    @everyPairing
    async def test_unexpected(self, pair: Pair) -> None:
        """
        Any other exception reaches the client too, and the server's log.
        """
        server, port = await pair.startServer("exc_server.py")
        self.assertEqual(
            await pair.runClient("exc_client.py", port, "broken2"),
            [
                "got remote Exception",
                " .__class__ = <CopiedFailure>",
                " .getErrorMessage() = hadda owie",
                " .type = __main__.MyError2",
            ],
        )
        self.assertEqual(await pair.stop(server), ["raising a MyError2 exception with data 'hadda owie'"])
        self.assertIn("MyError2: hadda owie", server.errors)

    @everyPairing
    async def test_trap(self, pair: Pair) -> None:
        """
        Each way to fail ends in the errback that is meant for it.

        C{twisted.spread} lacks the policy that refuses what can't travel: from
        there, a placeholder arrives and the call succeeds.
        """
        dangerous = " InsecureJelly: you tried to send something unsafe to them"
        if pair.sides.client == STOCK:
            dangerous = " method successful, response: response"
        server, port = await pair.startServer("trap_server.py")
        self.assertEqual(
            await pair.runClient("trap_client.py", port),
            [
                "callOne: call with safe object",
                " method successful, response: response",
                "callTwo: call with dangerous object",
                dangerous,
                "callThree: call that raises remote exception",
                " remote raised a MyException",
                "telling them to shut down",
                "callFour: call on stale reference",
                " stale reference: the client disconnected or crashed",
            ],
        )
        self.assertEqual(await pair.finish(server), ["shutting down"])

"""
Tests for C{docs/examples/simple}.
"""

from __future__ import annotations

from tests.examples.programs import BOTH_OURS, ExampleTestCase, Pair, everyPairing, withSides


class EchoTests(ExampleTestCase):
    topic = "simple"

    @everyPairing
    async def test_echo(self, pair: Pair) -> None:
        """
        The server says back what the client said.
        """
        server, port = await pair.startServer("pbsimple.py")
        self.assertEqual(await pair.runClient("pbsimpleclient.py", port), ["server echoed: hello network"])
        self.assertEqual(await pair.stopQuiet(server), ["echoing: hello network"])


class NoServerTests(ExampleTestCase):
    topic = "simple"

    @withSides(BOTH_OURS)
    async def test_refused(self, pair: Pair) -> None:
        """
        A client that finds no server says so.
        """
        [line] = await pair.runClient("pbsimpleclient.py", self.portWithoutServer())
        self.assertRegex(line, "^error: .*refused")

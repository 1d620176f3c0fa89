"""
Tests for C{docs/examples/references}.
"""

from __future__ import annotations

from tests.examples.programs import BOTH_OURS, ExampleTestCase, Pair, everyPairing, withSides


class ReferenceTests(ExampleTestCase):
    topic = "references"

    @everyPairing
    async def test_secondObject(self, pair: Pair) -> None:
        """
        A method returns a reference, which can be called.
        """
        server, port = await pair.startServer("pb1server.py")
        self.assertEqual(
            await pair.runClient("pb1client.py", port),
            [
                "got first object: <RemoteReference>",
                "asking it to getTwo",
                "got second object: <RemoteReference>",
                "telling it to do three(12)",
            ],
        )
        self.assertEqual(
            await pair.stopQuiet(server), ["returning a Two called <Two>", "Two.three was given 12"]
        )

    @everyPairing
    async def test_referenceComesHome(self, pair: Pair) -> None:
        """
        The server recognises its own object.
        """
        server, port = await pair.startServer("pb2server.py")
        self.assertEqual(
            await pair.runClient("pb2client.py", port),
            [
                "got one object: <RemoteReference>",
                "asking it to getTwo",
                "got two object: <RemoteReference>",
                "giving it back to one",
                "one is <RemoteReference>",
            ],
        )
        self.assertEqual(
            await pair.stopQuiet(server),
            [
                "One.getTwo(), returning my two called <Two>",
                "One.checkTwo(): comparing my two <Two>",
                "One.checkTwo(): against your two <Two>",
                "One.checkTwo(): our twos are the same",
            ],
        )

    @everyPairing
    async def test_serverCallsClient(self, pair: Pair) -> None:
        """
        The server calls an object of the client.
        """
        server, port = await pair.startServer("pb3server.py")
        self.assertEqual(
            await pair.runClient("pb3client.py", port),
            [
                "got One: <RemoteReference>",
                "giving it our two",
                "Two.print() called with 12",
            ],
        )
        self.assertEqual(
            await pair.stopQuiet(server),
            ["received a Two called <RemoteReference>", "telling it to print(12)"],
        )


class NoServerTests(ExampleTestCase):
    topic = "references"

    @withSides(BOTH_OURS)
    async def test_refused(self, pair: Pair) -> None:
        """
        The client says that it finds no server.
        """
        [line] = await pair.runClient("pb1client.py", self.portWithoutServer())
        self.assertRegex(line, "^error getting first object: .*refused")

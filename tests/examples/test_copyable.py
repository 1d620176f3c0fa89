"""
Tests for C{docs/examples/copyable}.
"""

from __future__ import annotations

from typing import ClassVar

from tests.examples.programs import (
    BOTH_OURS,
    STOCK_CLIENT,
    STOCK_SERVER,
    ExampleTestCase,
    Pair,
    Replacements,
    everyPairing,
    withSides,
)

WITHOUT_POLICY = [('security=pb.SecurityPolicy(unsendable="raise")', "")]


class CopyTests(ExampleTestCase):
    topic = "copyable"
    stockReplacements: ClassVar[Replacements] = {"undeclared_sender.py": WITHOUT_POLICY}

    @everyPairing
    async def test_copy(self, pair: Pair) -> None:
        """
        The pond arrives with its state, as the class that was declared.
        """
        receiver, port = await pair.startTwistd("copy_receiver.tac")
        self.assertEqual(
            await pair.runClient("copy_sender.py", port),
            ["7 frogs", "copy_sender.CopyPond", "pond arrived safe and sound"],
        )
        lines = await pair.stopQuiet(receiver)
        self.assertEqual(lines, [" got pond: <ReceiverPond>", "7 frogs"])

    @everyPairing
    async def test_copyState(self, pair: Pair) -> None:
        """
        The pond arrives with the state that it chose to send.
        """
        receiver, port = await pair.startTwistd("copy2_receiver.py")
        self.assertEqual(
            await pair.runClient("copy2_sender.py", port),
            ["count 7", "pond arrived safe and sound"],
        )
        lines = await pair.stopQuiet(receiver)
        self.assertEqual(lines, [" got pond: <ReceiverPond>", " count 7"])

    @everyPairing
    async def test_stateForEachUser(self, pair: Pair) -> None:
        """
        Each user gets the state that is meant for them.
        """
        server, port = await pair.startServer("foo_server.py")
        self.assertEqual(
            await pair.runClient("foo_client.py", port),
            [
                "alice got a RemoteFoo: alice's secret is 42",
                "bob got a RemoteFoo: alice's secret is hidden",
            ],
        )
        self.assertEqual(await pair.stopQuiet(server), [])

    @withSides(BOTH_OURS, STOCK_SERVER)
    async def test_undeclared(self, pair: Pair) -> None:
        """
        Neither of the ponds gets across.
        """
        sent, received = await self.sendUndeclared(pair)
        self.assertEqual(sent[0], "sending a LilyPond")
        self.assertRegex(sent[1], r"^ InsecureJelly: .*LilyPond")
        self.assertCopyRefused(sent[2:])
        self.assertEqual(received, [])

    @withSides(STOCK_CLIENT)
    async def test_undeclaredWithoutPolicy(self, pair: Pair) -> None:
        """
        Without the policy, which C{twisted.spread} doesn't have, a placeholder
        arrives in the stead of the first pond.
        """
        sent, received = await self.sendUndeclared(pair)
        self.assertEqual(sent[:2], ["sending a LilyPond", " pond arrived safe and sound"])
        self.assertCopyRefused(sent[2:])
        self.assertEqual(received, ["got pond: Unpersistable"])

    async def sendUndeclared(self, pair: Pair) -> tuple[list[str], list[str]]:
        receiver, port = await pair.startServer("undeclared_receiver.py")
        sent = await pair.runClient("undeclared_sender.py", port)
        return sent, await pair.stop(receiver)

    def assertCopyRefused(self, lines: list[str]) -> None:
        """
        The receiver has refused a class that it never declared.
        """
        self.assertEqual(lines[0], "sending a CopyPond")
        self.assertRegex(lines[1], r"^ InsecureJelly: .*CopyPond")
        self.assertEqual(len(lines), 2)

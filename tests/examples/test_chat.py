"""
Tests for C{docs/examples/chat}.
"""

from __future__ import annotations

from tests.examples.programs import ExampleTestCase, Pair, everyPairing


class ChatTests(ExampleTestCase):
    topic = "chat"

    @everyPairing
    async def test_oneUser(self, pair: Pair) -> None:
        """
        Who speaks hears it too, because the message goes to all members.
        """
        server, port = await pair.startServer("chatserver.py")
        self.assertEqual(
            await pair.runClient("chatclient.py", port),
            [
                "connected, joining group #NeedAFourth",
                "joined group, now sending a message to all members",
                "<alice> says: You can call me Al.",
            ],
        )
        await pair.stopQuiet(server)

    @everyPairing
    async def test_twoUsers(self, pair: Pair) -> None:
        """
        Each hears the other, under the name of who logged in.
        """
        server, port = await pair.startServer("chatserver.py")
        bob = pair.startClient("chatclient.py", port, "bob", "secret", 2)
        await bob.printed("(<bob> says)")
        alice = await pair.runClient("chatclient.py", port)
        self.assertEqual(alice[2:], ["<alice> says: You can call me Al."])
        self.assertEqual(
            (await pair.finish(bob))[2:],
            ["<bob> says: You can call me Al.", "<alice> says: You can call me Al."],
        )
        await pair.stopQuiet(server)

    @everyPairing
    async def test_trusting(self, pair: Pair) -> None:
        """
        The first step lets everybody speak as anybody.
        """
        server, port = await pair.startServer("trusting_server.py")
        self.assertEqual(
            await pair.runClient("trusting_client.py", port),
            ["<alice> says: Hi, my name is alice.", "<bob> says: I like pork"],
        )
        self.assertEqual(await pair.stopQuiet(server), ["alice sends to #twisted", "bob sends to #twisted"])

    @everyPairing
    async def test_user(self, pair: Pair) -> None:
        """
        The second step leaves no argument for the sender.
        """
        server, port = await pair.startServer("user_server.py")
        self.assertEqual(
            await pair.runClient("user_client.py", port),
            ["<alice> says: Hi, my name is alice.", "there is no way to speak as bob"],
        )
        self.assertEqual(await pair.stop(server), ["alice sends to #twisted"])

    @everyPairing
    async def test_group(self, pair: Pair) -> None:
        """
        The third step takes any object with a name, unless it checks.
        """
        server, port = await pair.startServer("group_server.py")
        self.assertEqual(
            await pair.runClient("group_client.py", port),
            [
                "<alice> says: hi everybody",
                "refused: Don't say that word",
                "<#twisted> says: hi from nobody",
                "<alice> says: hi everybody",
                "refused: That is not a user",
            ],
        )
        self.assertEqual(
            await pair.stopQuiet(server),
            ["alice sends to #twisted", "#twisted sends to #twisted", "alice sends to #checked"],
        )

    @everyPairing
    async def test_userGroup(self, pair: Pair) -> None:
        """
        The last step has nothing to check but the message.
        """
        server, port = await pair.startServer("usergroup_server.py")
        self.assertEqual(
            await pair.runClient("usergroup_client.py", port),
            ["<alice> says: hi everybody", "refused: Don't say that word"],
        )
        self.assertEqual(await pair.stopQuiet(server), ["alice sends to #twisted"])

    @everyPairing
    async def test_viewable(self, pair: Pair) -> None:
        """
        One object is told which user calls it.
        """
        server, port = await pair.startServer("viewable_server.py")
        self.assertEqual(
            await pair.runClient("viewable_client.py", port),
            ["server says: thank you, alice", "server says: thank you, bob"],
        )
        self.assertEqual(
            await pair.stopQuiet(server), ["alice did foo with 1 and 2", "bob did foo with 1 and 2"]
        )

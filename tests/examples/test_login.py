"""
Tests for C{docs/examples/login}.
"""

from __future__ import annotations

from itertools import chain

from tests.examples.programs import STOCK, ExampleTestCase, Pair, everyPairing

#: What the client prints of each realm, in the order in which they are served.
REALMS = [
    [
        "realm 1",
        " alice is served by alice, visit 1",
        " guest is refused",
        " alice is served by alice, visit 2",
        " guest is refused",
    ],
    [
        "realm 2",
        " alice is served by everybody, visit 1",
        " guest is served by everybody, visit 2",
        " alice is served by everybody, visit 3",
        " guest is served by everybody, visit 4",
    ],
    [
        "realm 3",
        " alice is served by alice, visit 1",
        " guest is served by guest, visit 1",
        " alice is served by alice, visit 2",
        " guest is served by guest, visit 2",
    ],
    [
        "realm 4",
        " alice is served by alice, visit 1",
        " guest is served by guest, visit 1",
        " alice is served by alice, visit 2",
        " guest is served by guest, visit 1",
    ],
    [
        "realm 5",
        " alice is served by alice, visit 1",
        " guest is refused",
        " alice is served by alice, visit 1",
        " guest is refused",
    ],
]


class LoginTests(ExampleTestCase):
    topic = "login"

    @everyPairing
    async def test_oneUser(self, pair: Pair) -> None:
        """
        The user who logs in calls their avatar.
        """
        server, port = await pair.startServer("pb5server.py")
        self.assertEqual(
            await pair.runClient("pb5client.py", port),
            ["got perspective ref: <RemoteReference>", "asking it to foo(12)"],
        )
        self.assertEqual(
            await pair.stopQuiet(server),
            ["I am user1: perspective_foo(12) called on <MyPerspective>"],
        )

    @everyPairing
    async def test_twoUsers(self, pair: Pair) -> None:
        """
        Each of two users calls an avatar of their own.
        """
        server, port = await pair.startServer("pb6server.py")
        for number, argument in ((1, 13), (2, 14)):
            self.assertEqual(
                await pair.runClient(f"pb6client{number}.py", port),
                [
                    f"got perspective{number} ref: <RemoteReference>",
                    f"asking it to foo({argument})",
                ],
            )
        self.assertEqual(
            await pair.stopQuiet(server),
            [
                "I am user1: perspective_foo(13) called on <MyPerspective>",
                "I am user2: perspective_foo(14) called on <MyPerspective>",
            ],
        )

    @everyPairing
    async def test_anonymous(self, pair: Pair) -> None:
        """
        One can log in with and without a name, over one connection.
        """
        server, port = await pair.startServer("pbAnonServer.py")
        lines = await pair.runClient("pbAnonClient.py", port)
        self.assertEqual(
            sorted(lines),
            ["asking it to foo(13)"] * 2 + ["got perspective ref: <RemoteReference>"] * 2,
        )
        self.assertEqual(
            sorted(await pair.stopQuiet(server)),
            [
                "I am Anonymous.  perspective_foo(13) called on <MyPerspective>.",
                "I am user1.  perspective_foo(13) called on <MyPerspective>.",
            ],
        )

    @everyPairing
    async def test_logout(self, pair: Pair) -> None:
        """
        A wrong password is refused, and the avatar of the right one is told
        when its user has left.
        """
        server, port = await pair.startServer("cred_server.py")
        self.assertEqual(
            await pair.runClient("cred_client.py", port),
            ["login refused", "server echoed: hello"],
        )
        await server.printed("(logged out)")
        self.assertEqual(
            await pair.stop(server),
            ["echoing hello", "<SimplePerspective> logged out"],
        )

    @everyPairing
    async def test_attached(self, pair: Pair) -> None:
        """
        An avatar reaches all clients that are attached to it, and hears of it
        when they go.
        """
        server, port = await pair.startServer("attached_server.py")
        self.assertEqual(
            sorted(await pair.runClient("attached_client.py", port)),
            ["at home: the cat is fed", "in the office: the cat is fed"],
        )
        await server.printed("(detached)", times=2)
        self.assertEqual(
            await pair.stopQuiet(server),
            ["attached to <RemoteReference>"] * 2 + ["detached from <RemoteReference>"] * 2,
        )

    @everyPairing
    async def test_realms(self, pair: Pair) -> None:
        """
        Each realm serves whom it means to serve, and by the avatar that it chose.

        That of the last realm comes late, which C{twisted.spread} doesn't know.
        """
        count = 4 if pair.sides.server == STOCK else 5
        _, ports = await pair.startServers("realms_server.py", count)
        self.assertEqual(
            await pair.runClient("realms_client.py", *ports),
            list(chain.from_iterable(REALMS[:count])),
        )

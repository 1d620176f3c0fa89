"""
Tests for C{docs/examples/guide}.
"""

from __future__ import annotations

from typing import ClassVar

from tests.examples.programs import ExampleTestCase, Pair, Replacements, everyPairing


class GuideTests(ExampleTestCase):
    topic = "guide"
    stockReplacements: ClassVar[Replacements] = {
        "authenticated_server.py": [("avatar.logout", "lambda: None")],
        "error_client.py": [("except ValueError", "except pb.RemoteError")],
        "math_short_client.py": [
            (
                'service = await pb.getObjectAt("127.0.0.1", int(port), timeout=10)',
                "factory = pb.PBClientFactory()\n"
                '    reactor.connectTCP("127.0.0.1", int(port), factory)\n'
                "    service = await factory.getRootObject()",
            ),
            ("except ValueError", "except pb.RemoteError"),
        ],
    }

    @everyPairing
    async def test_math(self, pair: Pair) -> None:
        """
        Results and errors of plain functions come back.
        """
        server, port = await pair.startServer("math_server.py")
        self.assertEqual(
            await pair.runClient("math_client.py", port),
            ["5 + 3 = 8", "4 * 7 = 28", "Division error: Division by zero"],
        )
        self.assertEqual(
            await pair.runClient("math_short_client.py", port),
            ["5 + 3 = 8", "Division error: Division by zero"],
        )
        await pair.stop(server)
        self.assertIn("ValueError: Division by zero", server.errors)

    @everyPairing
    async def test_authenticated(self, pair: Pair) -> None:
        """
        The user who logs in is greeted by name.
        """
        server, port = await pair.startServer("authenticated_server.py")
        message, time = await pair.runClient("authenticated_client.py", port)
        self.assertEqual(message, "Message: Hello, alice!")
        self.assertRegex(time, r"^Server time: \w+ \w+ +\d+ [\d:]+ \d+$")
        await pair.stopQuiet(server)

    @everyPairing
    async def test_errors(self, pair: Pair) -> None:
        """
        Remote exceptions can be caught by their own class.
        """
        server, port = await pair.startServer("error_server.py")
        self.assertEqual(
            await pair.runClient("error_client.py", port),
            ["Remote error: Something went wrong!", "Division error: Cannot divide by zero"],
        )
        await pair.stop(server)
        self.assertIn("ValueError: Something went wrong!", server.errors)
        self.assertIn("ValueError: Cannot divide by zero", server.errors)

    @everyPairing
    async def test_data(self, pair: Pair) -> None:
        """
        An object is stored on the server and comes back equal.
        """
        server, port = await pair.startServer("data_server.py")
        *lines, failed = await pair.runClient("data_client.py", port)
        self.assertEqual(
            lines,
            [
                "Stored item1 for user1",
                "Retrieved: test_data = {'count': 42, 'active': True}",
                "Keys: ['item1']",
            ],
        )
        self.assertRegex(failed, r"^Error: .*No data for key: item2")
        await pair.stop(server)
        self.assertIn("KeyError", server.errors)

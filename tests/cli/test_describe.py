"""
C{myspread describe}.
"""

from __future__ import annotations

import json

from tests.cli.commanding import CommandTestCase


class DescribeTests(CommandTestCase):
    """
    Against a server of ours.
    """

    def test_root(self) -> None:
        """Methods, signatures and docstrings, for people and for programs."""
        root = self.server.others[0]
        shown, asJSON = self.together(("describe", root), ("describe", root, "--json"))
        self.assertEqual((shown.status, shown.errors), (0, ""))
        self.assertRegex(shown.output, r"\A__main__\.Shop\n    A shop, where things can be bought\.\n\nadd\(")
        self.assertIn("\nadd(a: int, b: int = 1) -> int\n    The sum of two numbers.\n", shown.output)
        methods = json.loads(asJSON.output)["methods"]
        self.assertIn(
            {
                "name": "add",
                "signature": "(a: int, b: int = 1) -> int",
                "doc": "The sum of two numbers.",
            },
            methods,
        )

    def test_others(self) -> None:
        """What a call returns; an avatar; and nothing before a login."""
        root, portal, *_ = self.server.others
        counter, avatar, noLogin, order = self.together(
            ("describe", root, "counter", "3", "/", "again"),
            ("describe", portal, "--anonymous"),
            ("describe", portal),
            ("describe", root, "order"),
        )
        self.assertIn("\nmore(by: int = 1) -> int\n    Count on.\n", counter.output)
        self.assertIn("\nwhoami() -> str\n    The name.\n", avatar.output)
        self.assertEqual((noLogin.status, noLogin.output), (1, ""))
        self.assertIn("the server describes nothing before a login; try --login", noLogin.errors)
        self.assertEqual(order.status, 1)
        self.assertIn("returned shop.Order(fruit='pears', count=3), which is no reference", order.errors)

    def test_noServer(self) -> None:
        """A server is all that has to be named."""
        self.assertIn("the following arguments are required: STRPORT;", self.fails(2, "describe"))

    def test_notAllowed(self) -> None:
        """Where the policy doesn't say so, nothing is told."""
        text = self.fails(1, "describe", self.server.root)
        self.assertIn("its policy doesn't allow it; twistd pbserver --describe does, and Security", text)
        self.assertIn("It answers, but which methods it has can't be known", text)


class StockDescribeTests(CommandTestCase):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"

    def test_notKnown(self) -> None:
        """It is said what can't be known, and the server's log has nothing of it."""
        before = self.server.log
        text = self.fails(1, "describe", self.server.root)
        self.assertIn(f"{self.server.root} describes nothing: it runs twisted.spread, or", text)
        self.assertNotIn("Error", self.server.log[len(before) :])
        self.assertNotIn("Traceback", self.server.log[len(before) :])

"""
How values are shown.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread import jelly, pb
from myspread._cli import asjson, showing
from myspread._cli.asjson import TooLarge, jsonText
from myspread._cli.showing import WIDTH, pretty, prettyCall
from myspread._cli.text import block, shortened, visible
from myspread._cli.unknown import POLICY
from myspread.testing import brokerPair
from tests.cli.server import EVIL


def bomb(depth: int) -> list[Any]:
    """A list that a peer can say in few bytes, and that has very many parts."""
    inner: list[Any] = ["x"]
    for _ in range(depth):
        inner = [inner, inner]
    return inner


def nested(depth: int) -> list[Any]:
    """A list in a list, many times."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


class Evil(pb.Copyable):
    """A copy whose every name would like to control the terminal."""

    def getTypeToCopy(self) -> str:
        """Such a name."""
        return f"evil.{EVIL}"

    def getStateToCopy(self) -> Any:
        """Such names."""
        return {EVIL: EVIL.encode(), "good": self, "__class__": "x"}


class Root(pb.Root):
    """Sends what it has."""

    value: Any = None

    def remote_get(self) -> Any:
        """It."""
        return self.value


class TextTests(SynchronousTestCase):
    """
    L{myspread._cli.text}.
    """

    def test_visible(self) -> None:
        """What isn't seen is written as Python writes it; what is seen stays."""
        self.assertEqual(visible(EVIL), "\\x1b]0;owned\\x07\\x9b31m\\u202e\\n\\x1b[2J")
        self.assertEqual(visible("snow \N{SNOWMAN}"), "snow \N{SNOWMAN}")
        self.assertEqual(visible(b"\xff\x1b"), "\\xff\\x1b")

    def test_block(self) -> None:
        """Lines stay lines."""
        self.assertEqual(block("a\r\n\tb\n\x0cc\x85d\n", "  "), "  a\n          b\n  \\x0cc\\x85d")

    def test_shortened(self) -> None:
        """Long texts tell how long they are."""
        self.assertEqual(shortened("x" * 10, 4), "xxxx... (10 characters)")


class ShowingTests(SynchronousTestCase):
    """
    L{pretty} and L{jsonText}.
    """

    def received(self, value: Any) -> Any:
        """A value as a command receives it."""
        root = Root()
        root.value = value
        pair = brokerPair(root, clientFactory=pb.PBClientFactory(security=POLICY))
        self.addCleanup(lambda: pair)
        return pair.result(pair.root.callRemote("get"))

    def test_lines(self) -> None:
        """What fits stands on one line; the rest is broken where it has parts."""
        self.assertEqual(pretty({"a": [1, (2,)], "b": set()}), "{'a': [1, (2,)], 'b': set()}")
        text = pretty({"numbers": list(range(40)), "one": "x" * 100})
        self.assertEqual(text.splitlines()[:3], ["{", "    'numbers': [", "        0,"])
        self.assertEqual(text.splitlines()[-2:], [f"    'one': '{'x' * 100}',", "}"])
        self.assertEqual(eval(text), {"numbers": list(range(40)), "one": "x" * 100})

    def test_python(self) -> None:
        """Plain values are shown as Python reads them."""
        values = [1, "a\n", b"b", 1.5, None, True, (1,), [], {}, {1: {2: ["x" * WIDTH, "y" * WIDTH]}}]
        self.assertEqual(eval(pretty(values)), values)

    def test_cycles(self) -> None:
        """What contains itself ends."""
        value: list[Any] = [1]
        value.append(value)
        self.assertEqual(pretty(value), "[1, <the list around it>]")
        self.assertEqual(json.loads(jsonText(value)), [1, {"$cycle": 1}])

    def test_bombs(self) -> None:
        """What is few bytes and very large is cut; as JSON, which must be whole, it is refused."""
        self.patch(asjson, "MOST", 10_000)
        self.patch(showing, "MOST", 2000)
        for value in (bomb(40), nested(500), {"a": bomb(40)}, (bomb(30), bomb(30))):
            text = pretty(value)
            self.assertIn("...", text)
            self.assertLess(len(text), 300 * 2000)
            self.assertRaises(TooLarge, jsonText, value)
        self.assertLess(len(prettyCall("f", (bomb(40),), {"k": bomb(40)})), 600)

    def test_copies(self) -> None:
        """Copies of unknown classes, with hostile names."""
        got = self.received(Evil())
        self.assertNotIn("\x1b", pretty(got) + prettyCall(EVIL, (got,), {EVIL: got}))
        self.assertIn("good=<the unknown around it>", pretty(got))
        self.assertIn("__class__='x'", pretty(got))
        self.assertIsInstance(got, pb.RemoteCopy)
        self.assertEqual(json.loads(jsonText(got))["$copy"], f"evil.{EVIL}")
        self.assertNotIn("\x1b", jsonText(got))

    def test_oddities(self) -> None:
        """All that JSON has no form for."""
        values = [float("nan"), Decimal("1.5"), {1: 2}, {"$a": 1}, jelly.Unpersistable(EVIL), range(3)]
        self.assertEqual(
            json.loads(jsonText(values)),
            [
                {"$float": "nan"},
                {"$decimal": "1.5"},
                {"$dictionary": [[1, 2]]},
                {"$dictionary": [["$a", 1]]},
                {"$unpersistable": EVIL},
                {"$other": "range(0, 3)"},
            ],
        )
        self.assertEqual(pretty(jelly.Unpersistable(EVIL)), f"<unpersistable: {visible(EVIL)}>")


class PolicyTests(SynchronousTestCase):
    """
    What commands accept.
    """

    def test_nothingIsImported(self) -> None:
        """Forms that name modules, classes or functions of ours are refused."""
        for form in (
            [b"module", b"os"],
            [b"class", b"os.PathLike"],
            [b"function", b"os.system"],
            [b"method", b"x", [b"None"], [b"class", b"os.PathLike"]],
            [b"instance", [b"class", b"os.PathLike"], [b"dictionary"]],
        ):
            self.assertRaises(pb.InsecureJelly, pb.unjelly, form, POLICY)

    def test_named(self) -> None:
        """The name of a class that is there isn't looked at."""
        got: Any = pb.unjelly([b"collections.OrderedDict", [b"dictionary"]], POLICY)
        self.assertEqual(type(got).__module__, "myspread._cli.unknown")
        self.assertEqual((got.tag, got.state), ("collections.OrderedDict", {}))

"""
C{myspread repl}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._cli.completing import Completer
from myspread._cli.evaluating import Evaluator, isWhole
from myspread.testing import brokerPair
from tests.cli.commanding import CommandTestCase, OnTerminal
from tests.cli.server import EVIL


class EvaluatorTests(SynchronousTestCase):
    """
    L{Evaluator}.
    """

    def setUp(self) -> None:
        self.evaluator = Evaluator({"succeed": succeed, "Deferred": Deferred})

    def run_(self, source: str) -> Any:
        """What a statement comes to."""
        return self.successResultOf(Deferred.fromCoroutine(self.evaluator.run(source)))

    def test_statements(self) -> None:
        """Expressions have values; statements none, but effects."""
        self.assertEqual(self.run_("1 + 1"), 2)
        self.assertIsNone(self.run_("x = 5"))
        self.assertEqual(self.run_("x"), 5)
        self.assertIsNone(self.run_("def f(a):\n    return a * _\n"))
        self.assertEqual(self.run_("f(2)"), 10)
        self.assertIsNone(self.run_("None"))
        self.assertEqual(self.run_("_"), 10)

    def test_await(self) -> None:
        """With await or without, in expressions and statements."""
        self.assertEqual(self.run_("await succeed(1)"), 1)
        self.assertEqual(self.run_("succeed(2)"), 2)
        self.assertIsNone(self.run_("y = await succeed(3)"))
        self.assertEqual(self.run_("[await succeed(n) for n in (y, 4)]"), [3, 4])
        self.assertIsNone(self.run_("for n in (1, 2):\n    z = await succeed(n)\n"))
        self.assertEqual(self.run_("z"), 2)

    def test_errors(self) -> None:
        """They come out as they are."""
        for source, kind in (("1 / 0", ZeroDivisionError), ("x =", SyntaxError), ("nothing", NameError)):
            failed = Deferred.fromCoroutine(self.evaluator.run(source))
            self.failureResultOf(failed, kind)

    def test_isWhole(self) -> None:
        """Blocks go on until an empty line, brackets until they are closed."""
        for source, whole in (
            ("await x", True),
            ("f(1,", False),
            ("def f():", False),
            ("async def f():\n    return await x", False),
            ("def f():\n    pass\n", True),
            ("", True),
        ):
            self.assertEqual(isWhole(source), whole, source)
        self.assertRaises(SyntaxError, isWhole, "1 +* 2")


class CompleterTests(SynchronousTestCase):
    """
    L{Completer}.
    """

    def setUp(self) -> None:
        pair = brokerPair(pb.Root())
        self.names = {"root": pair.root, "number": 5}
        self.completer = Completer(self.names, lambda reference: ["add", "account", "till"])

    def completions(self, word: str, line: str | None = None) -> list[str]:
        """All of them."""
        found = []
        while (one := self.completer.complete(word, len(found), line)) is not None:
            found.append(one)
        return found

    def test_methods(self) -> None:
        """Those of remote objects, however they are called."""
        self.assertEqual(self.completions("root.remote.a"), ["root.remote.add", "root.remote.account"])
        self.assertEqual(self.completions("root.remote.t", "x = await root.remote.t"), ["root.remote.till"])
        self.assertEqual(self.completions("ad", 'await root.callRemote("ad'), ["add"])
        self.assertEqual(len(self.completions("root.remote.")), 3)

    def test_names(self) -> None:
        """Names of this side, as Python completes them."""
        self.assertEqual(self.completions("numb"), ["number"])
        self.assertIn("root.callRemote(", self.completions("root.callR"))
        self.assertEqual(self.completions("nothing.remote.a"), [])
        self.assertEqual(self.completions("number.remote.a"), [])


class ReplTests(CommandTestCase):
    """
    Against a server of ours.
    """

    def test_script(self) -> None:
        """What doesn't come from a terminal is run without prompts, up to the first error."""
        lines = (
            "await root.remote.add(1, 2)\nfor n in (1, 2):\n    print(await root.remote.add(n))\n\n_ + 1\n"
        )
        ended = self.feed(lines + "await root.remote.fail()\n1\n", "repl", self.server.root)
        self.assertEqual(ended.output, "3\n2\n3\n4\n")
        self.assertEqual(ended.errors, "myspread: the remote method raised ValueError: no such fruit\n")
        self.assertEqual(ended.status, 1)

    def test_end(self) -> None:
        """The end of the input is the end, and so is exit()."""
        for typed, status in (("await avatar.remote.whoami()", 0), ("exit(7)\n1\n", 7)):
            ended = self.feed(typed, "repl", self.server.portal, "--anonymous")
            self.assertEqual((ended.status, ended.errors), (status, ""))

    def test_mistakes(self) -> None:
        """Those of the user, and a server that isn't there."""
        for typed, text in (("1 +* 2\n", "SyntaxError"), ("nothing\n", "NameError: name 'nothing'")):
            ended = self.feed(typed, "repl", self.server.root)
            self.assertEqual((ended.status, ended.errors), (1, ""))
            self.assertIn(text, ended.output)
        self.assertEqual(self.feed("1\n", "repl", "tcp:127.0.0.1:1").status, 3)
        refused = self.feed("1\n", "repl", self.server.root, "--anonymous")
        self.assertEqual((refused.status, refused.output), (4, ""))

    def test_terminal(self) -> None:
        """Prompts, values, blocks and errors; what the server says controls nothing."""
        terminal = OnTerminal(self, "repl", self.server.root, "--no-history")
        terminal.wait(r"Connected with tcp:\S+\. Try: await root\.remote\.METHOD\(ARGS\); .*\n>>> ")
        terminal.write("await root.remote.order()\n")
        terminal.wait(r"\nshop\.Order\(fruit='pears', count=3\)\n>>> ")
        terminal.write("def double(n):\n")
        terminal.wait(r"\.\.\. ")
        terminal.write("    return 2 * n\n\n")
        terminal.wait(r">>> ")
        terminal.write("double(4)\n")
        terminal.wait(r"\n8\n>>> ")
        terminal.write("await root.remote.evilError()\n")
        terminal.wait(r"Error: \\x1b\]0;owned\\x07(?s:.*)>>> ")
        terminal.write("await root.remote.evil()\n")
        terminal.wait(r"\n" + repr(repr(EVIL))[1:-1].replace("[", r"\[") + r"\n>>> ")
        terminal.write("\x04")
        self.assertEqual(terminal.ended(), 0)

    def test_reconnect(self) -> None:
        """When the connection is lost, the next line says so, and connects again; or says why it can't."""
        between = self.start("tap", "tcp:0:interface=127.0.0.1", self.server.root)
        port = between.wait(r"listening on 127.0.0.1:([0-9]+)")[1]
        terminal = OnTerminal(self, "repl", f"tcp:127.0.0.1:{port}", "--no-history")
        terminal.wait(r">>> ")
        terminal.write("await root.remote.never()\n")
        between.wait("never")
        between.end()
        terminal.wait(r"myspread: the connection was lost: .*\n>>> ")
        terminal.write("await root.remote.order()\n")
        terminal.wait(r"the connection was lost: .* Connecting again\.\n.*Connection was refused.*\n>>> ")
        again = self.start("tap", f"tcp:{port}:interface=127.0.0.1", self.server.root)
        again.wait("listening on")
        terminal.write("await root.remote.order()\n")
        terminal.wait(r"Connecting again\.\nshop\.Order\(fruit='pears', count=3\)\n>>> ")
        terminal.write("await root.remote.order()\n")
        terminal.wait(r"order\(\)\nshop\.Order\(fruit='pears', count=3\)\n>>> ")
        terminal.write("\x04")
        self.assertEqual(terminal.ended(), 0)

    def test_interrupted(self) -> None:
        """Ctrl-C gives up a call, and a line that was begun; the connection stays."""
        terminal = OnTerminal(self, "repl", self.server.root, "--no-history")
        terminal.wait(r">>> ")
        terminal.write("await root.remote.never()\n")
        terminal.wait(r"never\(\)\n")
        terminal.interrupt(r"\ninterrupted\n>>> ")
        terminal.write("await root.remote.add(1,")
        terminal.wait(r"add\(1,")
        terminal.interrupt(r"\ninterrupted\n>>> ")
        terminal.write("await root.remote.add(3)\n")
        terminal.wait(r"\n4\n>>> ")
        terminal.write("\x04")
        self.assertEqual(terminal.ended(), 0)

    def test_completion(self) -> None:
        """The tab key completes methods that the server describes."""
        terminal = OnTerminal(self, "repl", self.server.others[0], "--no-history")
        terminal.wait(r">>> ")
        terminal.write("await root.remote.ad\t(1)\n")
        terminal.wait(r"root\.remote\.add\(1\)\n2\n>>> ")
        terminal.write("c = await root.remote.counter(5)\n")
        terminal.wait(r">>> ")
        terminal.write("await c.callRemote('mo\t, by=3)\n")
        terminal.wait(r"\n8\n>>> ")
        terminal.write("\x04")
        self.assertEqual(terminal.ended(), 0)

    def test_history(self) -> None:
        """What was typed comes back, the next time as well; nobody else may read it."""
        variables = {"XDG_STATE_HOME": str(self.directory)}
        first = OnTerminal(self, "repl", self.server.root, **variables)
        first.wait(r">>> ")
        first.write("40 + 2\n")
        first.wait(r"\n42\n>>> ")
        first.write("\x04")
        self.assertEqual(first.ended(), 0)
        path = self.directory / "myspread" / "history"
        self.assertEqual((path.stat().st_mode & 0o777, "40 + 2" in path.read_text()), (0o600, True))
        second = OnTerminal(self, "repl", self.server.root, **variables)
        second.wait(r">>> ")
        second.write("\x10\n")
        second.wait(r"\n42\n>>> ")
        second.write("\x04")
        self.assertEqual(second.ended(), 0)


class StockReplTests(CommandTestCase):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"

    def test_terminal(self) -> None:
        """Calls are as ever; no method can be completed."""
        terminal = OnTerminal(self, "repl", self.server.root, "--no-history")
        terminal.wait(r">>> ")
        terminal.write("await root.remote.ad\t")
        terminal.write("d(1)\n")
        terminal.wait(r"\n2\n>>> ")
        terminal.write("\x04")
        self.assertEqual(terminal.ended(), 0)

"""
C{myspread tap}.
"""

from __future__ import annotations

import json
import os
import socket
import stat
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from myspread._cli.asjson import jsonOf
from myspread._cli.conversation import Conversation, Message
from myspread._codec import PB, encode
from myspread.limits import Limits
from tests.cli.commanding import CommandTestCase, OnTerminal
from tests.cli.server import EVIL
from tests.service.authority import Authority

NONE: list[Any] = [b"None"]
NO_KW: list[Any] = [b"dictionary"]


def text(value: str) -> list[Any]:
    """The form of a text."""
    return [b"unicode", value.encode()]


def args(*forms: Any) -> list[Any]:
    """The form of arguments."""
    return [b"tuple", *forms]


def remote(luid: int) -> list[Any]:
    """The form of a reference."""
    return [b"remote", luid]


class ConversationTests(SynchronousTestCase):
    """
    L{Conversation}.
    """

    def setUp(self) -> None:
        self.conversation = Conversation()
        self.now = 0.0

    def message(self, fromClient: bool, *expression: Any) -> Message:
        """A message, a millisecond after the last one."""
        self.now += 0.001
        self.expression = list(expression)
        return self.conversation.message(fromClient, self.expression, self.now)

    def call(self, request: int, luid: Any, method: bytes, *forms: Any, kw: Any = NO_KW) -> Message:
        """A call of the client's."""
        return self.message(True, b"message", request, luid, method, 1, args(*forms), list(kw))

    def answer(self, request: int, form: Any) -> Message:
        """An answer of the server's."""
        return self.message(False, b"answer", request, form)

    def test_names(self) -> None:
        """Requests have methods, and objects those that gave them."""
        self.assertEqual(self.call(1, b"root", b"account", text("ann")).text, "1 <root>.account('ann')")
        answer = self.answer(1, remote(7))
        self.assertEqual(answer.text, "1 answer of account after 1 ms: <the server's 7 of account>")
        call = self.call(2, 7, b"add", [b"local", 7], remote(1), [b"set", 1])
        self.assertEqual(
            call.text,
            "2 <7 of account>.add(<the server's 7 of account>, <the client's 1 of add>, {1})",
        )
        self.assertEqual((call.fields["object"], call.fields["method"]), ("7 of account", "add"))
        back = self.message(False, b"message", 1, 1, b"tick", 0, args(), NO_KW)
        self.assertEqual(back.text, "<1 of add>.tick()")
        self.assertEqual(self.message(True, b"decref", 7).text, "decref <7 of account>")

    def test_caches(self) -> None:
        """Caches have names, too."""
        self.call(1, b"root", b"till")
        answer = self.answer(1, [b"shop.Till", 3, [b"dictionary", [text("total"), 1]]])
        self.assertIn("cache of shop.Till 3(total=1)", answer.text)
        change = self.message(False, b"cachemessage", 1, 3, b"setTotal", 0, args(5), NO_KW)
        self.assertEqual(change.text, "observe <3 of till>.setTotal(5)")
        self.assertEqual(self.message(True, b"decache", 3).text, "decache <3 of till>")
        self.assertEqual(self.message(False, b"uncache", 3).text, "uncache <3 of till>")

    def test_plainForms(self) -> None:
        """A tuple of numbers is no reference to anything."""
        self.call(1, b"root", b"pair")
        self.answer(1, [b"tuple", 5, 6])
        self.assertEqual(self.call(2, 5, b"x").text, "2 <5>.x()")

    def test_errors(self) -> None:
        """Failures, and errors that travel as values."""
        self.call(1, b"root", b"buy")
        state = [b"dictionary", [text("type"), b"builtins.ValueError"], [text("value"), text(EVIL)]]
        failure = self.message(False, b"error", 1, [b"twisted.spread.pb.CopyableFailure", state])
        self.assertTrue(
            failure.text.startswith("1 error of buy after 1 ms: ValueError: \\x1b]0;"), failure.text
        )
        self.assertEqual(failure.kind, "error")
        other = self.message(False, b"error", 2, [b"shop.OutOfStock", NO_KW])
        self.assertEqual(other.text, "2 error of ?: shop.OutOfStock()")

    def test_secretsOfLogins(self) -> None:
        """What a login proves itself with, whichever way it goes."""
        for secret in (b"hush", text("hush")):
            for steps in (
                [(b"login", text("ann"))],
                [(b"loginScram", text("scram-sha-256"), b"n,,n=ann")],
            ):
                self.conversation = Conversation()
                name, *forms = steps[0]
                self.assertIn("ann", self.call(1, b"root", name, *forms).text)
                self.answer(1, [b"tuple", b"challenge", remote(1)])
                method = b"respond" if name == b"login" else b"finish"
                self.assertMasked(self.call(2, 1, method, secret, NONE))
            answer = self.answer(2, [b"tuple", b"hush", remote(2)])
            self.assertMasked(answer)
            self.assertIn("<the server's 2 of finish>", answer.text)
            self.conversation = Conversation()
            self.call(1, b"root", b"loginScram", text("scram-sha-256"), b"n,,n=ann")
            self.answer(1, [b"tuple", b"challenge", remote(1)])
            self.assertMasked(self.call(2, 1, b"prove", secret))
            self.assertMasked(self.answer(2, b"hush"))
            self.assertMasked(self.call(3, b"root", b"loginToken", secret, NONE))
            self.assertMasked(self.call(4, b"root", b"loginPlain", text("ann"), secret, NONE))

    def assertMasked(self, message: Message) -> None:
        """The secret is nowhere: not in the text, nor in what programs get, nor in what is kept."""
        self.assertIn("***", message.text)
        for shown in (message.text, json.dumps(jsonOf(message.fields)), repr(self.expression)):
            self.assertNotIn("hush", shown)
        self.assertNotIn(b"hush", encode(self.expression, PB, Limits()))

    def test_otherSecrets(self) -> None:
        """What is called a secret is one, however deep; so is all that a method of such a name takes."""
        deep = [b"dictionary", [text("x"), [b"list", [b"dictionary", [b"apiKey", text("hush")]]]]]
        self.assertMasked(self.call(1, b"root", b"x", deep))
        self.assertMasked(self.call(2, b"root", b"x", kw=[b"dictionary", [text("password"), text("hush")]]))
        self.assertMasked(self.call(3, b"root", b"changePassword", text("hush"), b"hush"))
        shared = [b"reference", 1, [b"tuple", text("hush")]]
        self.now += 1
        self.expression = [b"message", 4, b"root", b"checkToken", 1, shared, NO_KW]
        self.assertMasked(self.conversation.message(True, self.expression, self.now))
        self.call(5, b"root", b"getSecret")
        self.assertMasked(self.answer(5, text("hush")))
        # No login has given this object.
        self.assertIn("plain", self.call(6, 9, b"respond", text("plain")).text)

    def test_nonsense(self) -> None:
        """Whatever comes is shown somehow, and none of it controls a terminal."""
        deep: Any = []
        for _ in range(3000):
            deep = [b"list", deep]
        for expression in (
            [],
            5,
            EVIL.encode(),
            [EVIL.encode()],
            [EVIL.encode(), 1],
            [b"message", 1],
            [b"message", 1, b"root", 5, 1, 6, 7],
            [b"message", [], [], [], [], [], []],
            [b"message", 1, EVIL.encode(), EVIL.encode(), 1, args(EVIL.encode()), NO_KW],
            [b"answer", 1, [EVIL.encode(), [b"dereference", 9]]],
            [b"answer", b"x", [b"remote"]],
            [b"answer", 1, deep],
            [b"error", 1, 2],
            [b"error", 1, [b"twisted.spread.pb.CopyableFailure", NONE]],
            [b"decref", EVIL.encode()],
            [b"version", EVIL.encode()],
            [b"answer", 1, [b"os.system", [b"dictionary", [text("__class__"), [b"module", b"os"]]]]],
        ):
            message = self.conversation.message(False, expression, 0.0)
            self.assertTrue(message.text.isprintable(), message.text)
            self.assertLess(len(message.text), 2000)

    def test_bounded(self) -> None:
        """What is remembered has bounds."""
        self.patch(__import__("myspread._cli.conversation", fromlist=["x"]), "MOST_NAMES", 10)
        for number in range(1, 100):
            self.call(number, b"root", b"x", remote(number))
        sides = self.conversation._sides
        self.assertEqual([len(sides[True].calls), len(sides[True].lent)], [10, 10])


class TapTests(CommandTestCase):
    """
    Between the command line and a server.
    """

    def tap(self, *options: str) -> tuple[Any, str]:
        """Start it. @return: it, and the strport for clients of the portal."""
        started = self.start("tap", "tcp:0:interface=127.0.0.1", self.server.portal, *options)
        return started, f"tcp:{started.wait(r'listening on (127.0.0.1:[0-9]+)')[1]}"

    def test_conversation(self) -> None:
        """A login and a call, with names in the place of numbers, and no secrets; nothing is changed."""
        started, where = self.tap("--write", "today.tap")
        words = ("whoami", "--login", "ann", "--mechanism", "md5")
        self.assertEqual(self.prints("call", where, *words, MYSPREAD_PASSWORD="secret"), "'ann'\n")
        started.wait("< closed")
        ended = self.interrupt(started)
        self.assertEqual(ended.status, 0, ended)
        lines = [line.split(" ", 2)[2] for line in ended.output.splitlines()]
        self.assertEqual(lines[1:4], ["< dialects ['pb', 'none']", "> dialect pb", "> version 6"])
        shown = "\n".join(lines)
        for pattern in (
            r"> 1 <root>\.login\(b'ann'\)",
            r"< 1 answer of login after \S+ ms: \(b.*, <the server's 1 of login>\)",
            r"> 2 <1 of login>\.respond\('\*\*\*', None\)",
            r"< 2 answer of respond after \S+ ms: <the server's 2 of respond>",
            r"> 3 <2 of respond>\.whoami\(\)",
            r"< 3 answer of whoami after \S+ ms: 'ann'",
            r"> closed: ",
        ):
            self.assertRegex(shown, rf"(?m)^{pattern}")
        self.holdFile(ended.output)

    def holdFile(self, output: str) -> None:
        """What was kept is shown as it was, and is private; without secrets, and without colours."""
        path = self.directory / "today.tap"
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        again, asJSON = self.together(
            ("tap", "--read", "today.tap"), ("tap", "--read", "today.tap", "--json")
        )
        self.assertEqual(again, (0, output, ""))
        kinds = [json.loads(line)["kind"] for line in asJSON.output.splitlines()]
        self.assertEqual(kinds.count("call"), 3)
        self.assertIn(
            "myspread: --write today.tap: File exists",
            self.fails(2, "tap", "tcp:0", "tcp:127.0.0.1:1", "--write", "today.tap"),
        )

    def test_unreadable(self) -> None:
        """What isn't Perspective Broker is passed on all the same."""
        started, where = self.tap()
        ended = self.myspread("ping", where.replace("tcp:127.0.0.1", "tls:localhost"))
        self.assertEqual(ended.status, 3)
        started.wait("> what comes from here on can't be read, and is passed on: ")
        started.wait("< closed")

    def test_tls(self) -> None:
        """TLS that it ends can be read."""
        authority = Authority()
        authority.write(self.directory, "authority")
        authority.issue("tap", "localhost").write(self.directory, "tap")
        listen = "ssl:0:privateKey=tap-key.pem:certKey=tap.pem:interface=127.0.0.1"
        started = self.start("tap", listen, self.server.root)
        port = started.wait(r"listening on 127.0.0.1:([0-9]+)")[1]
        words = ("add", "1", "--ca", "authority.pem")
        self.assertEqual(self.prints("call", f"tls:localhost:{port}", *words), "2\n")
        started.wait(r"> 1 <root>\.add\(1\)")

    def test_tlsServer(self) -> None:
        """It trusts servers as the other commands do, and says why it doesn't."""
        authority = Authority()
        authority.write(self.directory, "authority")
        authority.issue("server", "localhost").write(self.directory, "server")
        listen = "ssl:0:privateKey=server-key.pem:certKey=server.pem:interface=127.0.0.1"
        server = self.start("tap", listen, self.server.root)
        address = f"tls:localhost:{server.wait(r'listening on 127.0.0.1:([0-9]+)')[1]}"
        trusting = self.start("tap", "tcp:0:interface=127.0.0.1", address, "--ca", "authority.pem")
        where = f"tcp:{trusting.wait(r'listening on (127.0.0.1:[0-9]+)')[1]}"
        self.assertEqual(self.prints("call", where, "add", "1"), "2\n")
        trusting.wait(r"> 1 <root>\.add\(1\)")
        other = self.start("tap", "tcp:0:interface=127.0.0.1", address)
        where = f"tcp:{other.wait(r'listening on (127.0.0.1:[0-9]+)')[1]}"
        self.assertEqual(self.myspread("call", where, "add", "1").status, 3)
        other.wait("isn't trusted here; --ca PATH says whom else to trust")

    def test_noServer(self) -> None:
        """A server that isn't there is told, and the client hears of it."""
        started = self.start("tap", "tcp:0:interface=127.0.0.1", "tcp:127.0.0.1:1")
        where = f"tcp:{started.wait(r'listening on (127.0.0.1:[0-9]+)')[1]}"
        self.assertEqual(self.myspread("ping", where).status, 3)
        started.wait("< can't be connected to: Connection was refused")

    def test_mistakes(self) -> None:
        """Each is told in a line, with the status for arguments, or for a file that is none."""
        (self.directory / "other").write_text("{}\n")
        (self.directory / "empty").write_text("")
        (self.directory / "binary").write_bytes(b'{"format": "myspread tap", "version": 1}\n\xff\n')
        used = socket.socket()
        self.addCleanup(used.close)
        used.bind(("127.0.0.1", 0))
        used.listen()
        listen = f"tcp:{used.getsockname()[1]}:interface=127.0.0.1"
        (self.directory / "cut").write_text('{"format": "myspread tap", "version": 1}\n{"time": 1\n')
        for status, words, wanted in (
            (2, ["tcp:0"], "say LISTEN and STRPORT, or --read FILE"),
            (2, ["--read", "other", "--write", "x"], "say LISTEN and STRPORT, or --read FILE"),
            (2, ["nonsense", "tcp:127.0.0.1:1"], "'nonsense' makes no sense"),
            (2, ["tcp:0", "tcp:localhost:99999"], "there is no port 99999"),
            (2, ["tcp:99999", "tcp:localhost:1"], "there is no port 99999"),
            (2, ["tcp:0", "tcp:localhost:1", "--ca", "x"], "--cert, --key and --ca are for tls:HOST:PORT"),
            (2, ["tcp:0", "tls:localhost:1", "--key", "x"], "--key belongs to a certificate"),
            (2, ["--read", "missing", "--ca", "x"], "--cert, --key and --ca are for a server"),
            (2, ["tcp:0", "nonsense"], "'nonsense' can't be connected to"),
            (2, ["--read", "missing"], "--read missing: No such file"),
            (2, ["8788", "tcp:localhost:1"], "an endpoint description is like tcp:8788"),
            (2, ["ssl:0", "tcp:localhost:1"], "such as ssl:8801:privateKey=key.pem:certKey=cert.pem"),
            (
                3,
                [listen, "tcp:localhost:1"],
                f"myspread: cannot listen on {listen}: Address already in use\n",
            ),
            (3, ["unix:/nowhere/x", "tcp:localhost:1"], "No such file or directory: /nowhere/x.lock\n"),
            (1, ["--read", "other"], "other, line 1: this is no file of 'myspread tap --write'"),
            (1, ["--read", "empty"], "empty, line 1: this is no file of 'myspread tap --write'"),
            (1, ["--read", "binary"], "binary, line 2: "),
            (1, ["--read", "cut"], "cut, line 2: "),
        ):
            self.assertIn(wanted, self.fails(status, "tap", *words))

    def test_colours(self) -> None:
        """On a terminal the sides have colours, unless nobody wants them."""
        lines = [
            {"format": "myspread tap", "version": 1},
            {"time": 0, "connection": 1, "from": "client", "event": f"evil {EVIL}"},
        ]
        (self.directory / "x.tap").write_text("".join(json.dumps(line) + "\n" for line in lines))
        shown = OnTerminal(self, "tap", "--read", "x.tap")
        shown.wait(r"\x1b\[36m\d\d:\d\d:\d\d\.0+ 1 > evil \\x1b\]0;owned[^\x1b]+\x1b\[0m\n")
        self.assertEqual(shown.ended(), 0)
        for words, variables in ((["--no-color"], {}), ([], {"NO_COLOR": "1"})):
            plain = OnTerminal(self, "tap", "--read", "x.tap", *words, **variables)
            self.assertEqual(plain.ended(), 0)
            self.assertHarmless(plain.output.replace("\r", ""))


class StockTapTests(CommandTestCase):
    """
    Before a server of C{twisted.spread}.
    """

    package = "twisted.spread"

    def test_conversation(self) -> None:
        """It is read alike."""
        started = self.start("tap", "tcp:0:interface=127.0.0.1", self.server.root)
        where = f"tcp:{started.wait(r'listening on (127.0.0.1:[0-9]+)')[1]}"
        self.assertEqual(self.prints("call", where, "counter", "1", "/", "more", "by=2"), "3\n")
        started.wait(r"> 2 <1 of counter>\.more\(by=2\)")
        started.wait("2 answer of more after .* ms: 3")

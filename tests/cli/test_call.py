"""
C{myspread call}.
"""

from __future__ import annotations

import json
import socket

from tests.cli.commanding import CommandTestCase, OnTerminal

EVERYTHING = """\
{
    'bytes': b'\\x00\\xff',
    'set': {1},
    'frozen': frozenset({2}),
    'tuple': (1, 'two'),
    'when': datetime.datetime(2026, 1, 2, 3, 4, 5),
    'price': Decimal('1.50'),
    'order': shop.Order(fruit='pears', count=3),
    'counter': <reference 1>,
    7: None,
}
"""

EVERYTHING_JSON = {
    "$dictionary": [
        ["bytes", {"$bytes": "AP8="}],
        ["set", {"$set": [1]}],
        ["frozen", {"$set": [2]}],
        ["tuple", [1, "two"]],
        ["when", {"$datetime": "2026-01-02T03:04:05"}],
        ["price", {"$decimal": "1.50"}],
        ["order", {"$copy": "shop.Order", "state": {"fruit": "pears", "count": 3}}],
        ["counter", {"$reference": 1}],
        [7, None],
    ]
}


class CallCases(CommandTestCase):
    """
    Against any server.
    """

    def test_call(self) -> None:
        """Arguments by place and by name, in JSON and as Python literals."""
        root = self.server.root
        words = ["true", "{'a': (1,)}", "text", 'b"bytes"', "name=[null]"]
        added, echoed = self.together(("call", root, "add", "1", "b=2"), ("call", root, "echo", *words))
        self.assertEqual(added, (0, "3\n", ""))
        self.assertEqual(echoed, (0, "((True, {'a': (1,)}, 'text', b'bytes'), {'name': [None]})\n", ""))

    def test_everything(self) -> None:
        """Whatever can travel is shown, for people and for programs."""
        root = self.server.root
        shown, asJSON = self.together(("call", root, "everything"), ("call", root, "everything", "--json"))
        self.assertEqual(shown, (0, EVERYTHING, ""))
        self.assertEqual((asJSON.status, asJSON.errors), (0, ""))
        self.assertEqual(json.loads(asJSON.output), EVERYTHING_JSON)

    def test_path(self) -> None:
        """A path through several objects, each with arguments or without."""
        root = self.server.root
        short, long, wrong = self.together(
            ("call", root, "counter/again/more", "2"),
            ("call", root, "counter", "40", "/", "more", "by=2"),
            ("call", root, "order/again"),
        )
        self.assertEqual(short, (0, "2\n", ""))
        self.assertEqual(long, (0, "42\n", ""))
        order = "shop.Order(fruit='pears', count=3)"
        text = f"order returned {order}, which is no reference: 'again' can't be called"
        self.assertEqual(wrong, (1, "", f"myspread: {text}\n"))

    def test_remoteErrors(self) -> None:
        """Each kind of error of the server's is told for what it is, with status 1."""
        root = self.server.root
        *_, traces = self.server.others
        for ended, text in zip(
            self.together(
                ("call", root, "fail"),
                ("call", root, "nothing"),
                ("call", root, "outOfStock"),
                ("call", root, "evilError"),
                ("call", traces, "fail"),
            ),
            (
                r"ValueError: no such fruit\n\Z",
                r"twisted\.spread\.flavors\.NoSuchMethod: No such method: remote_nothing\n"
                r"    \(nobody has logged in; --login, --token, --login-cert and --anonymous do\)\n\Z",
                r"shop\.OutOfStock: \{'fruit': 'pears'\}\n\Z",
                r"twisted\.spread\.pb\.Error: \\x1b\]0;owned\\x07\\x9b31m\\u202e\n    \\x1b\[2J\n\Z",
                r"ValueError: no such fruit\n    Traceback(?s:.*)raise ValueError\(\"no such fruit\"\)",
            ),
            strict=True,
        ):
            self.assertEqual((ended.status, ended.output), (1, ""))
            self.assertRegex(ended.errors, r"\Amyspread: the remote method raised " + text)

    def test_evil(self) -> None:
        """Text of the server can't do anything to a terminal."""
        shown, asJSON = self.together(
            ("call", self.server.root, "evil"), ("call", self.server.root, "evil", "--json")
        )
        self.assertEqual(shown.output, "'\\x1b]0;owned\\x07\\x9b31m\\u202e\\n\\x1b[2J'\n")
        self.assertIn("\\u001b", asJSON.output)

    def test_unsendable(self) -> None:
        """What we can't send is an argument that makes no sense, and nothing of the server's."""
        odd, named = self.together(
            ("call", self.server.root, "echo", r'"\ud800"'),
            ("call", self.server.root, "echo", r'name="\ud800"'),
        )
        for ended, place in ((odd, r"args\[0\]"), (named, r"kw\['name'\]")):
            self.assertEqual((ended.status, ended.output), (2, ""))
            self.assertRegex(
                ended.errors, rf"\Amyspread: this can't be sent: {place}: a str with the lone surr"
            )

    def test_noServer(self) -> None:
        """What can't be connected to is told with the address, with a status of its own."""
        port = self.portWithoutServer()
        refused, nonsense, portless, silent = self.together(
            ("call", f"tcp:127.0.0.1:{port}", "add"),
            ("call", "nonsense", "add"),
            ("call", "tcp:localhost", "add"),
            ("call", self.server.root.replace("tcp:127.0.0.1", "tls:localhost"), "add"),
        )
        [wrongPort] = self.together(("call", "tcp:localhost:99999", "add"))
        self.assertEqual(wrongPort.status, 2)
        self.assertIn("'tcp:localhost:99999': there is no port 99999", wrongPort.errors)
        self.assertEqual(refused.status, 3)
        self.assertIn(f"myspread: tcp:127.0.0.1:{port}: Connection was refused", refused.errors)
        self.assertEqual(nonsense.status, 2)
        self.assertIn("a strport is like tcp:HOST:PORT", nonsense.errors)
        self.assertEqual(portless.status, 2)
        self.assertEqual(
            portless.errors, "myspread: 'tcp:localhost' lacks its port; write it like tcp:localhost:8787\n"
        )
        self.assertEqual(silent.status, 3)
        self.assertIn(": TLS: ", silent.errors)
        self.assertIn(
            "; if the server speaks no TLS on this port, its address is tcp:localhost:", silent.errors
        )

    def test_login(self) -> None:
        """With a password from a file or the environment; a wrong one has a status of its own."""
        whoami = ("call", self.server.portal, "whoami", "--mechanism", "md5", "--login")
        path = self.directory / "password"
        path.write_text("secret\n")
        path.chmod(0o600)
        self.assertEqual(self.prints(*whoami, "ann", "--password-file", str(path)), "'ann'\n")
        self.assertEqual(self.prints(*whoami, "ann", MYSPREAD_PASSWORD="secret"), "'ann'\n")
        wrong = self.fails(4, *whoami, "ann", MYSPREAD_PASSWORD="guessed")
        self.assertEqual(wrong.partition(":")[2][:44], " the server refuses the login of 'ann'\n"[:44])
        self.assertNotIn("guessed", wrong)
        refused = self.fails(4, "call", self.server.portal, "whoami", "--login", "ann", MYSPREAD_PASSWORD="x")
        self.assertIn("if MD5 will do, accept it with --mechanism md5", refused)

    def test_anonymous(self) -> None:
        """Without a name; and on a server that has no login."""
        with_, without, noPassword = self.together(
            ("call", self.server.portal, "whoami", "--anonymous"),
            ("call", self.server.root, "whoami", "--anonymous"),
            ("call", self.server.portal, "whoami", "--login", "ann"),
        )
        self.assertEqual(with_, (0, "'nobody'\n", ""))
        self.assertEqual(without.status, 4)
        self.assertIn("the server has no such login", without.errors)
        self.assertEqual(noPassword.status, 2)
        self.assertIn("no terminal to ask on; use --password-file FILE or", noPassword.errors)

    def test_prompt(self) -> None:
        """On a terminal the password is asked for, and not shown."""
        words = ("--login", "ann", "--mechanism", "md5")
        terminal = OnTerminal(self, "call", self.server.portal, "whoami", *words)
        terminal.wait(r"Password of ann for tcp:127\.0\.0\.1:\d+: ")
        terminal.write("secret\n")
        terminal.wait(r"\A\n'ann'\n")
        self.assertEqual(terminal.ended(), 0)

    def test_interrupted(self) -> None:
        """Ctrl-C gives up waiting."""
        started = self.start("call", self.server.root, "never", "--verbose")
        started.wait("is up")
        ended = self.interrupt(started)
        self.assertEqual((ended.status, ended.output), (130, ""))


class CallTests(CallCases):
    """
    Against a server of ours.
    """

    def test_timeout(self) -> None:
        """What takes too long is given up: an answer that doesn't come, and a server that says nothing."""
        silent = socket.socket()
        self.addCleanup(silent.close)
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        where = f"tcp:127.0.0.1:{silent.getsockname()[1]}"
        # It is for connecting, too, which takes a while on a busy machine.
        answer, handshake = self.together(
            ("call", self.server.root, "never", "--timeout", "3"),
            ("call", where, "add", "--timeout", "1"),
        )
        self.assertEqual((answer.status, answer.output), (5, ""))
        self.assertIn("myspread: never: no answer from ", answer.errors)
        self.assertEqual((handshake.status, handshake.output), (5, ""))
        self.assertRegex(
            handshake.errors,
            rf"\Amyspread: {where}: .*no (connection within 1 s|handshake within 1 s; if the server speaks)",
        )

    def test_incident(self) -> None:
        """Where errors are kept to the log, the user gets the id that they have there."""
        text = self.fails(1, "call", self.server.others[2], "fail")
        self.assertRegex(text, r"the log of the other side has it as incident \w+\n\Z")
        self.server.wait(text.split()[-1])


class StockCallTests(CallCases):
    """
    Against a server of C{twisted.spread}.
    """

    package = "twisted.spread"


# Not on its own.
del CallCases

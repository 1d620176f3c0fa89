"""
Tests for C{docs/examples/tutorial}: each step of the tutorial, as a newcomer
takes it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults

from tests.examples.programs import BOTH_OURS, EXAMPLES, OURS, ExampleTestCase, Pair, Program, kill, withSides
from tests.login.accounts import userLine
from tests.service.daemons import TwistdTestCase

alone = withSides(BOTH_OURS)


def types(program: Program, line: str) -> None:
    """Somebody types a line."""
    program.transport.write(f"{line}\n".encode())


def writePasswords(folder: Path) -> None:
    """The file that the server knows its users from."""
    path = folder / "passwords"
    path.write_text("".join(f"{userLine(*user)}\n" for user in (("anna", "secret"), ("bert", "geheim"))))
    path.chmod(0o600)


class TutorialTests(ExampleTestCase):
    topic = "tutorial"
    onStock = False

    async def leave(self, pair: Pair, *programs: Program) -> list[list[str]]:
        """
        Press Ctrl-D in each terminal, and wait for the programs to end.

        @return: what each has printed.
        """
        for program in programs:
            program.transport.closeStdin()
        return await gatherResults([ensureDeferred(pair.finish(program)) for program in programs])

    def setUp(self) -> None:
        super().setUp()
        writePasswords(self.directory / "run")

    @alone
    async def test_room(self, pair: Pair) -> None:
        """
        Whoever is in the room hears what is said, and by whom.
        """
        server, port = await pair.startServer("room_server.py")
        anna = pair.startClient("room_client.py", "anna", port)
        await anna.printed("(anna is here)")
        bert = pair.startClient("room_client.py", "bert", port)
        await gatherResults([anna.printed("(bert is here)"), bert.printed("(bert is here)")])
        types(anna, "hello")
        await bert.printed("(anna: hello)")
        types(bert, "hello, anna")
        await gatherResults([each.printed("(bert: hello, anna)") for each in (anna, bert)])
        self.assertEqual(
            await self.leave(pair, bert, anna),
            [
                ["bert is here", "anna: hello", "bert: hello, anna"],
                ["anna is here", "bert is here", "anna: hello", "bert: hello, anna"],
            ],
        )
        left = pair.startClient("room_client.py", "carl", port)
        await left.printed("(carl is here)")
        await pair.stopQuiet(server)
        self.assertEqual(await left.ended, 1)
        self.assertRegex(left.errors, r"\Ano connection to the room: Connection was closed[^\n]*\n\Z")
        late = pair.startClient("room_client.py", "anna", port)
        self.assertEqual(await late.ended, 1)
        self.assertRegex(late.errors, r"\Ano connection to the room: Connection was refused[^\n]*\n\Z")

    @alone
    async def test_login(self, pair: Pair) -> None:
        """
        Those who log in are told apart; others aren't let in.
        """
        server, port = await pair.startServer("chat_server.py")
        where = f"tcp:127.0.0.1:{port}"
        anna = pair.startClient("chat_client.py", "anna", "secret", where)
        await anna.printed("(with you are: anna)")
        bert = pair.startClient("chat_client.py", "bert", "geheim", where)
        await bert.printed("(with you are: anna bert)")
        types(bert, "good morning")
        await anna.printed("(bert: good morning)")
        await self.leave(pair, bert)
        await anna.printed("(bert has left)")
        await self.leave(pair, anna)

        mallory = pair.startClient("chat_client.py", "anna", "guess", where)
        self.assertEqual(await mallory.ended, 1)
        self.assertEqual(mallory.errors, "no such user, or a wrong password\n")
        patient = pair.startClient("lasting_client.py", "anna", "guess", where)
        self.assertEqual(await patient.ended, 1)
        self.assertEqual(patient.errors, "no such user, or a wrong password\n")
        await pair.stop(server)

    @alone
    async def test_lasting(self, pair: Pair) -> None:
        """
        A lasting client comes back when the server does, and says then what was typed.
        """
        server, port = await pair.startServer("chat_server.py")
        anna = pair.startClient("lasting_client.py", "anna", "secret", f"tcp:127.0.0.1:{port}")
        await anna.printed("(the chat can be reached)")
        await pair.stop(server)
        await anna.printed("(the chat is gone)")
        late = pair.startClient("chat_client.py", "bert", "geheim", f"tcp:127.0.0.1:{port}")
        self.assertEqual(await late.ended, 1)
        self.assertRegex(late.errors, r"\Ano connection to the chat: Connection was refused[^\n]*\n\Z")
        types(anna, "hello again")
        again = pair.start(OURS, "chat_server.py", port)
        await again.printed(r"(on port \d+)")
        await anna.printed("(anna: hello again)")
        [lines] = await self.leave(pair, anna)
        self.assertEqual(lines.count("--- the chat can be reached"), 2)
        self.assertNotIn("--- nobody has heard: hello again", lines)


TUTORIAL = EXAMPLES.parent / "tutorial"
LOCAL = "0:interface=127.0.0.1"


def commandOf(page: str, beginning: str) -> list[str]:
    """The words of the only command of a page that begins so."""
    [line] = re.findall(rf"^    ({re.escape(beginning)}.*)$", (TUTORIAL / page).read_text(), re.MULTILINE)
    return shlex.split(line)


class TwistdTests(TwistdTestCase):
    """
    The steps that use C{twistd}, with the commands that the pages show.
    """

    timeout = 120

    def setUp(self) -> None:
        super().setUp()
        for path in (EXAMPLES / "tutorial").glob("*.py"):
            shutil.copy(path, self.directory)
        self.environment = {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(EXAMPLES.parents[1]),
        }

    async def addUsers(self) -> None:
        """Keep the passwords as the page says."""
        users = {"myspread passwd --create": "secret", "myspread passwd passwords": "geheim"}
        for command, password in users.items():
            program = self.python("-m", *commandOf("login.rst", command), "--stdin", "--iterations", "4096")
            types(program, password)
            self.assertEqual(await program.ended, 0, program.report())

    async def start(self, page: str) -> str:
        """Start the server of a page; its port."""
        _, _, _, *words = commandOf(page, "twistd -n pbserver")
        _, [port] = await self.serve(*(re.sub(r"880\d", LOCAL, word) for word in words))
        return port

    def python(self, *words: str) -> Program:
        """Run C{python} with a command line."""
        program = Program(words[0], twistd=False)
        reactor.spawnProcess(
            program, sys.executable, [sys.executable, *words], env=self.environment, path=str(self.directory)
        )
        self.addCleanup(kill, program)
        return program

    async def says(self, name: str, password: str, where: str) -> Program:
        """Somebody comes into the chat, and says something."""
        client = self.python("chat_client.py", name, password, where)
        await client.printed(f"(with you are:.* {name})")
        types(client, "hello")
        await client.printed(f"({name}: hello)")
        return client

    async def test_login(self) -> None:
        """C{twistd pbserver} serves the realm to those in the file."""
        await self.addUsers()
        port = await self.start("login.rst")
        await self.says("bert", "geheim", f"tcp:127.0.0.1:{port}")

    async def test_tls(self) -> None:
        """
        The client wants a certificate that it trusts, for the host that it asked for.
        """
        writePasswords(self.directory)
        made = self.python(*commandOf("tls.rst", "python make_certificate.py")[1:])
        self.assertEqual(await made.ended, 0)
        self.assertEqual((self.directory / "key.pem").stat().st_mode & 0o777, 0o600)
        port = await self.start("tls.rst")
        [_, *words] = commandOf("tls.rst", "python chat_client.py anna secret tls:localhost:8801:")
        trusting = words[-1].replace("8801", port)
        await self.says("anna", "secret", trusting)

        lasting = self.python("lasting_client.py", "bert", "geheim", trusting)
        await lasting.printed("(the chat can be reached)")

        mistrusting = self.python("chat_client.py", "bert", "geheim", f"tls:localhost:{port}")
        other = trusting.replace("localhost", "127.0.0.1")
        otherHost = self.python("chat_client.py", "bert", "geheim", other)
        self.assertEqual([await each.ended for each in (mistrusting, otherHost)], [1, 1])
        # As the page says, each is one line.
        for errors, why in (
            (mistrusting.errors, "the certificate of the server isn't trusted here"),
            (otherHost.errors, "the certificate of the server is for another host"),
        ):
            self.assertRegex(errors, rf"\Ano connection to the chat: tls:[^ ]*: {why}[^\n]*\n\Z")
            self.assertIn(why, (TUTORIAL / "tls.rst").read_text())

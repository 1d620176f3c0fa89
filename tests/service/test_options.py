"""
Tests of L{myspread._service.options}.
"""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.cred.portal import Portal
from twisted.internet.endpoints import TCP4ServerEndpoint, UNIXServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from myspread._jelly import globalSecurity
from myspread._login.server import PortalWrapper
from myspread._service.demonstration import Demonstration
from myspread._service.limiting import SERVER_LIMITS
from myspread._service.options import Options
from myspread._service.settings import helpOn
from myspread._service.topics import TOPICS
from myspread.limits import BeforeLogin
from myspread.pb import Budget, Root
from myspread.security import LOGIN_POLICY, SecurityOptions, SecurityPolicy
from tests.service.authority import Authority

SERVER = Authority().issue("server", "localhost")

REALM = ("--realm", "myspread.pb:Realm", "--anonymous")


class PortalOfItsOwn(Root):
    """What C{--root} may name: it has a login that isn't ours."""

    def rootObject(self, broker: Any) -> Any:
        """The root for a new connection."""
        return PortalWrapper(Portal(None), broker)


def parsed(*words: str) -> Options:
    """A command line, taken apart without the global reactor."""
    options = Options()
    options.reactor = MemoryReactorClock()
    options.parseOptions(words)
    return options


class OptionsTests(SynchronousTestCase):
    """
    The command line of C{twistd pbserver}.
    """

    def refusal(self, *words: str) -> object:
        """
        What is printed to stderr for a wrong command line: C{SystemExit} makes
        the interpreter print it, and exit with status 1, if it is a string.
        """
        code = self.assertRaises(SystemExit, parsed, *words).code
        self.assertIsInstance(code, str)
        return code

    def test_defaults(self) -> None:
        """The demonstration, on the port of the README."""
        options = parsed()
        [port] = options["ports"]
        self.assertEqual(port.description, "tcp:8800")
        self.assertIsInstance(port.endpoint, TCP4ServerEndpoint)
        self.assertIsInstance(options["root"], Demonstration)

    def test_ports(self) -> None:
        """C{--port} may be repeated, and abbreviated; the default is gone then."""
        options = parsed("--port", "tcp:1:interface=127.0.0.1", "-p", "unix:pb.socket")
        self.assertEqual(
            [(port.description, type(port.endpoint)) for port in options["ports"]],
            [("tcp:1:interface=127.0.0.1", TCP4ServerEndpoint), ("unix:pb.socket", UNIXServerEndpoint)],
        )

    def test_backlog(self) -> None:
        """As many connections as possible may wait to be accepted, unless a description says how many."""
        for description, backlog in (
            ("tcp:1", 4096),
            ("tcp:1:interface=127.0.0.1", 4096),
            ("tcp6:1", 4096),
            ("tcp:1:backlog=7", 7),
            ("tcp:1:127.0.0.1:9", 9),
        ):
            reactor = MemoryReactorClock()
            options = Options()
            options.reactor = reactor
            options.parseOptions(["--port", description])
            [port] = options["ports"]
            port.endpoint.listen(Factory())
            self.assertEqual([server[2] for server in reactor.tcpServers], [backlog], description)
        unix = parsed("--port", "unix:pb.socket:lockfile=0")
        unix["ports"][0].endpoint.listen(Factory())
        self.assertEqual([server[2] for server in unix.reactor.unixServers], [4096])

    def test_parsedTwice(self) -> None:
        """Two command lines have nothing in common."""
        parsed("--port", "tcp:1")
        self.assertEqual([port.description for port in parsed("--port", "tcp:2")["ports"]], ["tcp:2"])

    def test_root(self) -> None:
        """C{--root} names what is served in place of the demonstration."""
        for option in ("--root", "-r"):
            options = parsed(option, "twisted.spread.pb:Root")
            self.assertEqual(type(options["root"]).__name__, "Root")

    def test_rootNotFound(self) -> None:
        """The option is named, and what was wrong with it."""
        for name, problem in (
            ("site", "'site' is not of the form package.module:object"),
            ("nowhere_to_find:site", "there is no module 'nowhere_to_find'"),
            ("os:nothing", "module os has no 'nothing'"),
            ("os:sep", f"os:sep is no root and cannot make one: {os.sep!r} does not provide IPBRoot"),
        ):
            self.assertEqual(self.refusal("--root", name), f"twistd pbserver: --root {name}: {problem}")

    def test_portIsNoEndpoint(self) -> None:
        """The option is named, and what was wrong with it."""
        kinds = "there are tcp, tcp6, unix, ssl and systemd"
        needed = "such as ssl:8801:privateKey=key.pem:certKey=cert.pem"
        for description, problem in (
            ("8800", "an endpoint description is like tcp:8800"),
            ("", f"there is no kind of port ''; {kinds}"),
            ("carrier:pigeon", f"there is no kind of port 'carrier'; {kinds}"),
            ("tcp:http", "tcp: needs the number of a port, such as tcp:8800; 'http' is none"),
            ("tcp", "tcp: needs the number of a port, such as tcp:8800; it has none"),
            ("unix:", "unix: needs the path of a socket, such as unix:/run/pb.socket"),
            ("tcp:1:colour=red", "it takes no colour="),
            ("tcp:1:interfce=::1", "it takes no interfce=; do you mean interface=?"),
            ("tcp:1:interface=::1", "its interface is said twice; a colon within a value has a \\ before it"),
            ("tcp:1:a:2:b", "too much follows it"),
            ("tcp:1:backlog=x", "ValueError: invalid literal for int() with base 10: 'x'"),
            ("ssl:8801", f"it needs the files of a private key and its certificate, {needed}"),
            ("ssl:8801:certKey=a", f"it needs the files of a private key and its certificate, {needed}"),
            ("ssl", f"it needs the files of a private key and its certificate, {needed}"),
            ("ssl:1:privatekey=a", "it takes no privatekey=; do you mean privateKey=?"),
        ):
            self.assertEqual(
                self.refusal("--check", "--port", description),
                f"twistd pbserver: --port {description}: {problem}",
            )

    def test_numbers(self) -> None:
        """A port that can't be is told before anything listens, by C{--check}, too."""
        path = Path(self.mktemp())
        path.write_bytes(SERVER.keyText + SERVER.certificateText)
        for number in (65536, 99999, -1):
            problem = f"there is no port {number}: their numbers go up to 65535; 0 is one that is free"
            for option, description in (
                ("--port", f"tcp:{number}"),
                ("--port", f"tcp6:port={number}"),
                ("--port", f"ssl:{number}:privateKey={path}"),
                ("--port", f"ssl:tcp6:{number}:privateKey={path}"),
                ("--status", f"tcp:{number}"),
                ("--status", f"ssl:{number}:privateKey={path}"),
            ):
                self.assertEqual(
                    self.refusal("--check", option, description),
                    f"twistd pbserver: {option} {description}: {problem}",
                )
        for number in (0, 65535):
            self.assertEqual(len(parsed("--port", f"tcp:{number}")["ports"]), 1)

    def test_noKey(self) -> None:
        """A key that isn't there is named; that of the status page, too."""
        path = "/nowhere/key.pem"
        for option in ("--port", "--status"):
            self.assertEqual(
                self.refusal(option, f"ssl:1:privateKey={path}"),
                f"twistd pbserver: {option} ssl:1:privateKey={path}: {path}: No such file or directory",
            )

    def test_brokenKey(self) -> None:
        """A file that is no key is refused on one line."""
        path = Path(self.mktemp())
        path.write_text("not a key\nat all\n")
        refusal = str(self.refusal("--port", f"ssl:1:privateKey={path}"))
        self.assertSubstring(f"twistd pbserver: --port ssl:1:privateKey={path}: ", refusal)
        self.assertNotIn("\n", refusal)

    def test_limits(self) -> None:
        """C{--limit} may be repeated, and abbreviated; what it doesn't name stays."""
        self.assertEqual(parsed()["limits"], SERVER_LIMITS)
        options = parsed("--limit", "connections=5", "-l", "beforeLogin.calls=2", "--limit", "idleTime=none")
        self.assertEqual(
            options["limits"],
            replace(SERVER_LIMITS, connections=5, beforeLogin=BeforeLogin(calls=2), idleTime=None),
        )
        self.assertEqual(parsed("-l", "calls=1", "-l", "calls=2")["limits"].calls, 2)
        self.assertEqual(parsed()["limits"], SERVER_LIMITS)

    def test_budget(self) -> None:
        """C{--budget} may be repeated; without it there is none. What is wrong is named."""
        self.assertIsNone(parsed()["budget"])
        options = parsed(*REALM, "--budget", "callsPerSecond=2.5", "--budget", "bytesPerSecond=1M")
        self.assertEqual(options["budget"], Budget(callsPerSecond=2.5, bytesPerSecond=1024**2))
        for setting, problem in (
            ("references", "a budget is given as NAME=VALUE"),
            ("callsperseconds=2", "there is no budget 'callsperseconds'; do you mean callsPerSecond?"),
            ("callsPerSecond=-1", "Budget.callsPerSecond must be a number from 0 on, or None, not '-1'"),
        ):
            self.assertEqual(
                self.refusal("--budget", setting), f"twistd pbserver: --budget {setting}: {problem}"
            )

    def test_withoutLogin(self) -> None:
        """What is about those who log in is a mistake where nobody does: it would do nothing."""
        why = "nobody logs in to what is served; --realm and --auth let people log in, or a Portal as --root"
        for served in ((), ("--root", "myspread.pb:Root"), ("--root", "twisted.spread.pb:Root")):
            for option, value in (("--budget", "callsPerSecond=2"), ("--md5", "local"), ("--md5", "never")):
                self.assertEqual(
                    self.refusal("--check", *served, option, value), f"twistd pbserver: {option}: {why}"
                )
        for words in (REALM, ("--root", "tests.service.test_maker:makePortal")):
            self.assertEqual(parsed(*words, "--md5", "never")["md5"], "never")

    def test_loginOfItsOwn(self) -> None:
        """A root with a login of its own may have a budget; C{--md5} is about logins to a portal."""
        named = ("--root", "tests.service.test_options:PortalOfItsOwn")
        self.assertEqual(parsed(*named, "--budget", "references=2")["budget"], Budget(references=2))
        self.assertSubstring("--md5: nobody logs in", str(self.refusal(*named, "--md5", "never")))

    def test_noMd5(self) -> None:
        """That MD5 is taken anywhere is a mistake where no checker takes it at all; that it isn't is none."""
        self.assertEqual(
            self.refusal(*REALM, "--md5", "anywhere"),
            "twistd pbserver: --md5 anywhere: none of the checkers takes logins with MD5; "
            "--auth help tells which do",
        )
        self.assertEqual(parsed(*REALM, "--auth", "memory:a:b", "--md5", "anywhere")["md5"], "anywhere")

    def test_drain(self) -> None:
        """Calls may go on for half a minute, or for as long as is said."""
        for words, seconds in (([], 30.0), (["--drain", "0"], 0.0), (["--drain", "2.5"], 2.5)):
            self.assertEqual(parsed(*words)["drain"], seconds)
        for wrong in ("soon", "-1", "nan", "inf"):
            line = f"twistd pbserver: --drain {wrong}: a time is a number of seconds from 0 on"
            self.assertEqual(self.refusal("--drain", wrong), line)

    def test_wrongMd5(self) -> None:
        """There are three places."""
        self.assertEqual(
            self.refusal("--md5", "yes"),
            "twistd pbserver: --md5 yes: it must be one of anywhere, local, never",
        )

    def test_statusHostAlone(self) -> None:
        """A name for a page that isn't served is a mistake."""
        self.assertEqual(
            self.refusal("--status-host", "pb1"),
            "twistd pbserver: --status-host: there is no status page to ask for; --status serves one",
        )

    def test_status(self) -> None:
        """The status can be served on several ports, and asked for by names; what is wrong is told."""
        self.assertEqual((parsed()["status"], parsed()["statusHosts"]), ([], []))
        options = parsed("--status", "tcp:1", "--status", "unix:a", "--status-host", "pb1")
        self.assertEqual([port.description for port in options["status"]], ["tcp:1", "unix:a"])
        self.assertEqual(options["statusHosts"], ["pb1"])
        for wrong, why in (
            ("nowhere:1", "there is no kind of port 'nowhere'; there are tcp, tcp6, unix, ssl and systemd"),
            ("9880", "an endpoint description is like tcp:9880"),
            ("tcp:1:colour=red", "it takes no colour="),
            (
                "ssl:9880",
                "it needs the files of a private key and its certificate, such as "
                "ssl:8801:privateKey=key.pem:certKey=cert.pem",
            ),
            ("tcp:1:0.0.0.0", "name what follows the first value, such as interface="),
        ):
            self.assertEqual(self.refusal("--status", wrong), f"twistd pbserver: --status {wrong}: {why}")

    def test_slowCall(self) -> None:
        """The log tells of calls that take long, where that is wanted."""
        self.assertIsNone(parsed()["slowCall"])
        self.assertEqual(parsed("--slow-call", "0.5")["slowCall"], 0.5)
        line = "twistd pbserver: --slow-call long: a time is a number of seconds from 0 on"
        self.assertEqual(self.refusal("--slow-call", "long"), line)

    def test_wrongLimit(self) -> None:
        """The option is named, and what was wrong with it."""
        for setting, problem in (
            ("connections", "a limit is given as NAME=VALUE"),
            ("conections=5", "there is no limit 'conections'; do you mean connections?"),
            (
                "connections=many",
                "Limits.connections must be an integer from 0 on, or None, not 'many'",
            ),
        ):
            self.assertEqual(
                self.refusal("--limit", setting), f"twistd pbserver: --limit {setting}: {problem}"
            )

    def test_policy(self) -> None:
        """C{--policy} names a policy, or what makes one; without it there is the default one."""
        self.assertIsNone(parsed()["policy"])
        for name, kind in (
            ("myspread.pb:SecurityPolicy", SecurityPolicy),
            ("myspread.pb:SecurityOptions", SecurityOptions),
            ("myspread.security:LOGIN_POLICY", SecurityPolicy),
        ):
            self.assertIsInstance(parsed("--policy", name)["policy"], kind)

    def test_policyNotFound(self) -> None:
        """The option is named, and what was wrong with it."""
        kinds = "is neither a SecurityPolicy nor SecurityOptions"
        for name, problem in (
            ("policy", "'policy' is not of the form package.module:object"),
            ("nowhere_to_find:policy", "there is no module 'nowhere_to_find'"),
            ("os:nothing", "module os has no 'nothing'"),
            ("os:sep", f"os:sep is no policy and cannot make one: {os.sep!r} {kinds}"),
            ("builtins:dict", f"builtins:dict made no policy: {{}} {kinds}"),
        ):
            self.assertEqual(self.refusal("--policy", name), f"twistd pbserver: --policy {name}: {problem}")

    def test_describe(self) -> None:
        """C{--describe} adds one permission to a policy, and changes no other one."""
        self.assertIs(parsed("--describe")["policy"].describing, True)
        self.assertIs(globalSecurity.describing, False)
        self.assertIs(parsed("--describe")["policy"].allowedTypes, globalSecurity.allowedTypes)
        policy = parsed("--describe", "--policy", "myspread.security:LOGIN_POLICY")["policy"]
        self.assertEqual(policy, LOGIN_POLICY.allowDescribing())
        self.assertIs(LOGIN_POLICY.describing, False)

    def test_policyForEverything(self) -> None:
        """What allows everything is no policy for a server."""
        name = "myspread.security:DummySecurityOptions"
        self.assertSubstring("made no policy", self.refusal("--policy", name))

    def test_unknownOption(self) -> None:
        """An unknown option is named."""
        self.assertEqual(self.refusal("--colour", "red"), "twistd pbserver: option --colour not recognized")
        self.assertEqual(
            self.refusal("--prot", "tcp:1"),
            "twistd pbserver: option --prot not recognized; do you mean --port?",
        )

    def test_optionWithoutValue(self) -> None:
        """An option that lacks its value is named."""
        self.assertEqual(self.refusal("--port"), "twistd pbserver: option --port requires argument")

    def test_argument(self) -> None:
        """There are only options."""
        self.assertEqual(
            self.refusal("--root", "site", "object"), "twistd pbserver: unexpected argument 'object'"
        )

    def test_help(self) -> None:
        """The help names all options, with what they mean; each topic fits a screen."""
        for topic in TOPICS:
            screen = helpOn(topic).splitlines()
            self.assertLessEqual(len(screen), 22, topic.name)
            self.assertLessEqual(max(map(len, screen)), 80, topic.name)
        text = " ".join(str(Options()).split())
        self.assertSubstring("-l, --limit=NAME=VALUE Change a limit: a field", text)
        self.assertSubstring("--policy=MODULE:OBJECT What clients may send: a SecurityPolicy", text)
        self.assertSubstring("-p, --port=STRPORT Where to listen: the description of an endpoint.", text)
        self.assertSubstring("[default: tcp:8800]", text)
        self.assertSubstring("-r, --root=MODULE:OBJECT What to serve: an IPBRoot provider", text)
        for topic in TOPICS:
            self.assertSubstring(topic.name, text)
            for setting in topic.settings:
                self.assertSubstring(f"--{setting.name}", text)

    def test_helpOn(self) -> None:
        """The help on one topic has examples of each of its options, which are right."""
        for topic in TOPICS:
            printed = io.StringIO()
            self.patch(sys, "stdout", printed)
            ended = self.assertRaises(SystemExit, parsed, "--help-on", topic.name)
            self.assertEqual(ended.code, 0)
            text = printed.getvalue()
            self.assertSubstring(helpOn(topic), text)
            for setting in topic.settings:
                self.assertTrue(setting.isFlag or setting.example, setting.name)
                for example in setting.example:
                    self.assertSubstring(f"  --{setting.name} {example}\n", text)
        self.assertEqual(
            self.refusal("--help-on", "life"),
            "twistd pbserver: --help-on life: the topics are " + ", ".join(topic.name for topic in TOPICS),
        )


class FileTests(SynchronousTestCase):
    """
    C{--config} and C{--check}.
    """

    def file(self, text: str) -> str:
        """The path of a new file."""
        path = Path(self.mktemp())
        path.write_text(text, encoding="utf-8")
        return str(path)

    def test_everything(self) -> None:
        """A file says what options say."""
        options = parsed(
            "--config",
            self.file(
                """
                port = ["tcp:1", "unix:pb.socket"]
                root = "twisted.spread.pb:Root"
                policy = "myspread.security:LOGIN_POLICY"

                [limit]
                connections = 500
                messageLength = "4M"
                loginDelay = 0.5
                beforeLogin.calls = 2
                """
            ),
        )
        self.assertEqual([port.description for port in options["ports"]], ["tcp:1", "unix:pb.socket"])
        self.assertEqual(type(options["root"]).__name__, "Root")
        self.assertIs(options["policy"], LOGIN_POLICY)
        self.assertEqual(
            options["limits"],
            replace(
                SERVER_LIMITS,
                connections=500,
                messageLength=4 * 1024**2,
                loginDelay=0.5,
                beforeLogin=BeforeLogin(calls=2),
            ),
        )

    def test_oneOfMany(self) -> None:
        """Of what may be repeated, one needs no list; limits may be a list, too."""
        options = parsed("--config", self.file('port = "tcp:1"\nlimit = ["calls=3", "references=4"]'))
        self.assertEqual([port.description for port in options["ports"]], ["tcp:1"])
        self.assertEqual((options["limits"].calls, options["limits"].references), (3, 4))

    def test_optionsWin(self) -> None:
        """An option replaces what the file says, wherever it stands; limits replace each other by name."""
        path = self.file('port = ["tcp:1", "tcp:2"]\n[limit]\ncalls = 3\nreferences = 4')
        for words in (
            ("--config", path, "--port", "tcp:3", "--limit", "calls=5"),
            ("--limit", "calls=5", "--port", "tcp:3", "--config", path),
        ):
            options = parsed(*words)
            self.assertEqual([port.description for port in options["ports"]], ["tcp:3"])
            self.assertEqual((options["limits"].calls, options["limits"].references), (5, 4))

    def test_wrongFile(self) -> None:
        """The file is named, and the line, and what is wrong with it."""
        for text, where, problem in (
            ("ports = 'tcp:1'", ", line 1", "there is no setting 'ports'; do you mean port?"),
            ("\nprot = 'tcp:1'", ", line 2", "there is no setting 'prot'; do you mean port?"),
            ("[limits]\ncalls = 3", ", line 1", "there is no setting 'limits'; do you mean limit?"),
            ("port = true", ", line 1", "port is text or a number, not True"),
            ("root = ['a', 'b']", ", line 1", "root is text or a number, not ['a', 'b']"),
            ("anonymous = 'yes'", ", line 1", "anonymous is true or false, not 'yes'"),
            ("check = true", ", line 1", "check is an option only, and can't be said in a file"),
            ("config = 'other'", ", line 1", "config is an option only, and can't be said in a file"),
            ("port =", "", "Invalid value (at end of document)"),
            (
                "[limit.beforeLogin]\ncalls = [1]",
                ", line 2",
                "limit.beforeLogin.calls is text or a number, not [1]",
            ),
        ):
            path = self.file(text)
            code = self.assertRaises(SystemExit, parsed, "--config", path).code
            self.assertEqual(code, f"twistd pbserver: --config {path}{where}: {problem}")

    def test_wrongValue(self) -> None:
        """A value of the file that can't be is blamed on the file: its key and line are named, no option."""
        noInteger = "Limits.connections must be an integer from 0 on, or None, not 'many'"
        for text, where, problem in (
            (
                "port = 8800.5",
                ", line 1: port = 8800.5",
                "there is no kind of port '8800.5'; there are tcp, tcp6, unix, ssl and systemd",
            ),
            (
                'root = "shop:x"\n# port\nport = [\n  "tcp:1",\n  "tpc:2",\n]',
                ', line 5: port = "tpc:2"',
                "there is no kind of port 'tpc'; there are tcp, tcp6, unix, ssl and systemd",
            ),
            ('drain = 3\n[limit]\nconnections = "many"', ', line 3: limit.connections = "many"', noInteger),
            ('limit.connections = "many"', ', line 1: limit.connections = "many"', noInteger),
            ('limit = {calls = 3, connections = "many"}', ', line 1: limit.connections = "many"', noInteger),
            ('limit = ["calls=3",\n"connections=many"]', ', line 2: limit = "connections=many"', noInteger),
            (
                "[limit.beforeLogin]\ncals = 3",
                ", line 2: limit.beforeLogin.cals = 3",
                "there is no limit 'beforeLogin.cals'; do you mean beforeLogin.calls?",
            ),
            (
                # What looks like the key, and is none.
                "drain = 3 # connections\nport = ['tcp:1',\n'unix:connections']\n"
                "[limit]\n'connections' = 'many'",
                ', line 5: limit.connections = "many"',
                noInteger,
            ),
            (
                "anonymous = true",
                ", line 1: anonymous",
                "it needs --realm, which says what those who log in get",
            ),
            (
                "realm = 'myspread.pb:Realm'\nauth = 'memory:ann'",
                ', line 2: auth = "memory:..."',
                "argstring must be in format U:P:...",
            ),
            (
                "status-host = 'a'",
                ", line 1: status-host",
                "there is no status page to ask for; --status serves one",
            ),
        ):
            path = self.file(text)
            code = self.assertRaises(SystemExit, parsed, "--check", "--config", path).code
            self.assertEqual(code, f"twistd pbserver: --config {path}{where}: {problem}")

    def test_wrongValueOfOption(self) -> None:
        """An option that wins over the file is blamed itself, and what the file says is not looked at."""
        path = self.file('drain = "soon"\n[limit]\ncalls = 3')
        for words, problem in (
            (("--drain", "late"), "--drain late: a time is a number of seconds from 0 on"),
            (
                ("--drain", "1", "--limit", "calls=x"),
                "--limit calls=x: Limits.calls must be an integer from 0 on, not 'x'",
            ),
        ):
            code = self.assertRaises(SystemExit, parsed, "--config", path, *words).code
            self.assertEqual(code, f"twistd pbserver: {problem}")

    def test_noFile(self) -> None:
        """So it is when there is no such file, or it holds no text."""
        code = self.assertRaises(SystemExit, parsed, "--config", "/nowhere/to/find").code
        self.assertEqual(code, "twistd pbserver: --config /nowhere/to/find: No such file or directory")
        path = Path(self.mktemp())
        path.write_bytes(b"\xff")
        code = self.assertRaises(SystemExit, parsed, "--config", str(path)).code
        self.assertSubstring("'utf-8' codec can't decode byte 0xff", code)

    def test_check(self) -> None:
        """What would be served is told, with who said so; then the program ends."""
        printed = io.StringIO()
        self.patch(sys, "stdout", printed)
        path = self.file('port = "tcp:1"\n[limit]\ncalls = 3')
        words = ("--check", "--config", path, "--limit", "calls=4")
        self.assertEqual(self.assertRaises(SystemExit, parsed, *words).code, 0)
        self.assertEqual(
            printed.getvalue().splitlines(),
            [
                "would listen on tcp:1",
                "would serve the demonstration",
                f"port: tcp:1 ({path})",
                f"limit: calls=3, calls=4 ({path}, command line)",
                f"config: {path} (command line)",
                "check: yes (command line)",
            ],
        )

    def test_checkFails(self) -> None:
        """What is wrong is told as ever."""
        code = self.assertRaises(SystemExit, parsed, "--check", "--port", "8800").code
        self.assertSubstring("--port 8800: an endpoint description is like tcp:8800", code)

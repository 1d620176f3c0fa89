"""
Tests for C{docs/examples/finger}.
"""

from __future__ import annotations

from twisted.internet import defer, endpoints, protocol, reactor
from twisted.protocols import basic
from twisted.web import client, xmlrpc

from tests.examples.programs import (
    BOTH_OURS,
    ExampleTestCase,
    Pair,
    everyPairing,
    withSides,
)

USERS = """\
moshez: Happy and well
shawn: alive
"""


class FingerTestCase(ExampleTestCase):
    """
    @ivar users: The path of a file of users.
    """

    topic = "finger"

    def setUp(self) -> None:
        super().setUp()
        self.users = self.directory / "users"
        self.users.write_text(USERS)


class FingerTests(FingerTestCase):
    @everyPairing
    async def test_finger21(self, pair: Pair) -> None:
        """
        The service that was put together by hand answers.
        """
        server, port = await pair.startTwistd(
            "finger21.tac", FINGER_PORT=0, WEB_PORT=0, FINGER_USERS=self.users
        )
        self.assertEqual(
            await pair.runClient("fingerPBclient.py", port, "moshez", "nobody", "*"),
            [
                "got object: <RemoteReference>",
                "server sent: Happy and well",
                "server sent: No such user",
                "server sent: ['moshez', 'shawn']",
            ],
        )
        await pair.stopQuiet(server)

    @withSides(BOTH_OURS)
    async def test_simpleFinger(self, pair: Pair) -> None:
        """
        The service that was made from options, and of the same parts, answers.
        """
        server, port = await pair.startTwistd("simple-finger.tac", FINGER_USERS=self.users)
        self.assertEqual(
            await pair.runClient("fingerPBclient.py", port),
            ["got object: <RemoteReference>", "server sent: Happy and well"],
        )
        await pair.stopQuiet(server)


class NoServerTests(FingerTestCase):
    @withSides(BOTH_OURS)
    async def test_refused(self, pair: Pair) -> None:
        """
        The client says that it finds no server.
        """
        [line] = await pair.runClient("fingerPBclient.py", self.portWithoutServer())
        self.assertRegex(line, "^no object: .*refused")


class Lines(basic.LineReceiver):
    """
    Collects lines, and fires Deferreds for them.
    """

    def __init__(self) -> None:
        self.lines: defer.DeferredQueue[bytes] = defer.DeferredQueue()

    def lineReceived(self, line: bytes) -> None:
        self.lines.put(line)


class IRCServer(Lines):
    """
    Tells its factory of a connection.
    """

    def connectionMade(self) -> None:
        self.factory.connected.callback(self)


class OtherProtocolTests(FingerTestCase):
    """
    What the finger service shows besides Perspective Broker.
    """

    @withSides(BOTH_OURS)
    async def test_otherProtocols(self, pair: Pair) -> None:
        """
        The same users are found by finger, the web, XML-RPC and IRC.
        """
        irc = protocol.Factory.forProtocol(IRCServer)
        irc.connected = defer.Deferred()
        port = await endpoints.TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(irc)
        self.addCleanup(port.stopListening)
        server, _ = await pair.startTwistd(
            "finger21.tac",
            FINGER_PORT=0,
            WEB_PORT=0,
            FINGER_IRC=f"tcp:127.0.0.1:{port.getHost().port}",
            FINGER_USERS=self.users,
        )
        [fingerPort] = await server.printed(r"FingerFactoryFromService starting on (\d+)")
        [webPort] = await server.printed(r"Site starting on (\d+)")
        await self.assertFinger(int(fingerPort))
        await self.assertWeb(f"http://127.0.0.1:{webPort}")
        bot = await irc.connected
        self.addCleanup(bot.transport.abortConnection)
        await self.assertBot(bot)
        await pair.stopQuiet(server)

    async def assertFinger(self, port: int) -> None:
        """
        A line with a name is answered by a line with a status.
        """
        endpoint = endpoints.TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        connection = await endpoints.connectProtocol(endpoint, Lines())
        self.addCleanup(connection.transport.abortConnection)
        connection.sendLine(b"moshez")
        self.assertEqual(await connection.lines.get(), b"Happy and well")

    async def assertWeb(self, address: str) -> None:
        """
        There is a page of users, a page for each, and XML-RPC.
        """
        pages = []
        for path in ("/", "/moshez"):
            answer = await client.Agent(reactor).request(b"GET", (address + path).encode())
            pages.append(await client.readBody(answer))
        self.assertIn(b'<a href="moshez">moshez</a>', pages[0])
        self.assertIn(b"<p>Happy and well</p>", pages[1])
        proxy = xmlrpc.Proxy(f"{address}/RPC2".encode())
        self.assertEqual(await proxy.callRemote("getUser", "shawn"), "alive")

    async def assertBot(self, bot: Lines) -> None:
        """
        The bot answers who asks in private.
        """
        bot.sendLine(b":here 001 fingerbot :Welcome")
        bot.sendLine(b":me!me@here PRIVMSG fingerbot :moshez")
        line = b""
        while not line.startswith(b"PRIVMSG"):
            line = await bot.lines.get()
        self.assertEqual(line, b"PRIVMSG me :Status of moshez: Happy and well")

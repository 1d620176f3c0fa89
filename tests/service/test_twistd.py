"""
C{twistd pbserver} in processes of its own, called by clients on C{twisted.spread}.
"""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from tests.interop.processes import certificate
from tests.service.daemons import TwistdTestCase
from tests.service.stockclient import Listener, StockCounter, StockSample

LOCAL = "tcp:0:interface=127.0.0.1"

SITE = """
from myspread import pb


class Site(pb.Root):
    def remote_where(self):
        return __name__
"""

LATE = """
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IStreamServerEndpoint, IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from zope.interface import implementer


@implementer(IPlugin, IStreamServerEndpointStringParser, IStreamServerEndpoint)
class Late:
    prefix = "late"

    def parseStreamServer(self, reactor):
        self.reactor = reactor
        return self

    def listen(self, factory):
        listening = Deferred()
        self.reactor.callLater(0.1, listening.errback, CannotListenError("", 1, OSError(98, "too late")))
        return listening


late = Late()
"""


class ServingTests(TwistdTestCase):
    """
    A server that runs in the foreground.
    """

    async def test_demonstration(self) -> None:
        """Everything that a newcomer can call, over TCP."""
        _, [port] = await self.serve("--port", LOCAL)
        root = await self.root(f"tcp:127.0.0.1:{port}")
        self.assertEqual(await root.callRemote("echo", [1, "\N{SNOWMAN}"]), [1, "\N{SNOWMAN}"])
        self.assertEqual(await root.callRemote("add", 1, b=2), 3)
        self.assertIn("echo", await root.callRemote("methods"))
        sample = await root.callRemote("sample")
        self.assertIsInstance(sample, StockSample)
        listener = Listener()
        clock = await root.callRemote("clock", listener, 0.02)
        await self.until(lambda: len(listener.times) >= 3)
        self.assertEqual(listener.times, sorted(set(listener.times)))
        self.assertGreater(listener.times[0], sample.taken)
        await clock.callRemote("stop")
        counter = await root.callRemote("counter")
        self.assertIsInstance(counter, StockCounter)
        count = counter.count
        await self.until(lambda: counter.count > count)

    async def test_stops(self) -> None:
        """The end of the server is in order, and tells the log so."""
        program, [port] = await self.serve("--port", LOCAL)
        await self.root(f"tcp:127.0.0.1:{port}")
        program.signal("INT")
        await program.ended
        self.assertSubstring("Server Shut Down.", program.output)
        self.assertEqual(program.complaints, "")
        self.assertEqual(os.listdir(self.directory), [])

    async def test_tcpAndUnix(self) -> None:
        """Several ports serve the same root; a socket is relative to the working directory."""
        program, [port, path] = await self.serve("--port", LOCAL, "--port", "unix:pb.socket", ports=2)
        self.assertEqual(path, "'pb.socket'")
        counters = []
        for description in (f"tcp:127.0.0.1:{port}", f"unix:{self.directory}/pb.socket"):
            root = await self.root(description)
            counters.append(await root.callRemote("counter"))
        await self.until(lambda: min(counter.count for counter in counters) > 0)
        program.signal("TERM")
        await program.ended
        self.assertEqual(os.listdir(self.directory), [])

    async def test_tls(self) -> None:
        """A TLS port serves clients that verify it."""
        key, trusted = certificate()
        _, [port] = await self.serve(
            "--port", f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={trusted}"
        )
        root = await self.root(f"tls:127.0.0.1:{port}:trustRoots={trusted.parent}")
        self.assertEqual(await root.callRemote("add", 1, 2), 3)

    async def test_root(self) -> None:
        """A module in the working directory can be served."""
        (self.directory / "site_here.py").write_text(SITE)
        _, [port] = await self.serve("--port", LOCAL, "--root", "site_here:Site")
        root = await self.root(f"tcp:127.0.0.1:{port}")
        self.assertEqual(await root.callRemote("where"), "site_here")


class DaemonTests(TwistdTestCase):
    """
    A server that runs in the background.
    """

    words = ("--port", "unix:pb.socket", "--root", "site_here:Site")

    async def daemon(self, *words: str) -> int:
        """
        Start a server, which is killed when the test ends if it still runs.

        @return: its process id.
        """
        pidfile = self.directory / "server.pid"
        self.assertEqual(await self.outcome("--pidfile", "server.pid", *words), (0, "", ""))
        pid = int(pidfile.read_text())
        self.addCleanup(lambda: pidfile.exists() and os.kill(pid, signal.SIGKILL))
        return pid

    async def test_daemon(self) -> None:
        """
        The command ends when the server listens. All paths are relative to the
        working directory, also that of the root's module. What the pid file
        names ends the server.
        """
        (self.directory / "site_here.py").write_text(SITE)
        pid = await self.daemon("--logfile", "server.log", "pbserver", *self.words)
        root = await self.root(f"unix:{self.directory}/pb.socket")
        self.assertEqual(await root.callRemote("where"), "site_here")
        os.kill(pid, signal.SIGTERM)
        await self.until(lambda: not (self.directory / "server.pid").exists())
        self.assertEqual(set(os.listdir(self.directory)) - {"__pycache__"}, {"site_here.py", "server.log"})
        log = (self.directory / "server.log").read_text()
        self.assertNotIn("Traceback", log)
        self.assertSubstring("PBServerFactory starting on 'pb.socket'", log)

    async def test_otherDirectory(self) -> None:
        """C{twistd --rundir} moves the sockets and the log; modules are where the command was given."""
        (self.directory / "site_here.py").write_text(SITE)
        run = self.directory / "run"
        run.mkdir()
        await self.daemon("--rundir", "run", "pbserver", *self.words)
        root = await self.root(f"unix:{run}/pb.socket")
        self.assertEqual(await root.callRemote("where"), "site_here")

    async def test_portInUse(self) -> None:
        """The command fails when the server cannot listen, and nothing but the log is left."""
        with listeningSocket() as port:
            status, _, errors = await self.outcome(
                "pbserver", "--port", "unix:pb.socket", "--port", f"tcp:{port}:interface=127.0.0.1"
            )
        self.assertEqual(status, 1)
        self.assertSubstring(f"cannot listen on tcp:{port}", errors)
        line = f"cannot listen on tcp:{port}:interface=127.0.0.1: Address already in use\n"
        await self.until(lambda: line in (self.directory / "twistd.log").read_text())
        self.assertEqual(os.listdir(self.directory), ["twistd.log"])

    async def test_wrongOption(self) -> None:
        """A wrong option is reported before anything runs in the background."""
        status, output, errors = await self.outcome("pbserver", "--root", "nowhere_to_find:site")
        self.assertEqual(
            (status, output, errors),
            (1, "", "twistd pbserver: --root nowhere_to_find:site: there is no module 'nowhere_to_find'\n"),
        )
        self.assertEqual(os.listdir(self.directory), [])


class RefusingTests(TwistdTestCase):
    """
    A server that cannot do what it was told to.
    """

    async def test_wrongOptions(self) -> None:
        """One line to stderr, and status 1."""
        for words, line in (
            (["--colour"], "option --colour not recognized"),
            (["--port", "8800"], "--port 8800: an endpoint description is like tcp:8800"),
            (["--root", "site"], "--root site: 'site' is not of the form package.module:object"),
            (["site"], "unexpected argument 'site'"),
        ):
            self.assertEqual(
                await self.outcome("-n", "pbserver", *words), (1, "", f"twistd pbserver: {line}\n")
            )

    async def test_portInUse(self) -> None:
        """One line in the log, status 1, and no socket is left of the other port."""
        with listeningSocket() as port:
            status, output, _ = await self.outcome(
                "-n", "pbserver", "--port", "unix:pb.socket", "--port", f"tcp:{port}:interface=127.0.0.1"
            )
        self.assertEqual(status, 1)
        line = f"cannot listen on tcp:{port}:interface=127.0.0.1: Address already in use"
        self.assertEqual(output.count(line), 1)
        self.assertNotIn("Traceback", output)
        self.assertEqual(os.listdir(self.directory), [])

    async def test_refusedLate(self) -> None:
        """An endpoint that refuses while the server runs ends it, not with status 0."""
        plugins = self.script.parent / "twisted" / "plugins"
        plugins.mkdir(parents=True)
        (plugins / "late_endpoint.py").write_text(LATE)
        status, output, _ = await self.outcome("-n", "pbserver", "--port", LOCAL, "--port", "late")
        self.assertIsNone(status, "it did not die of a signal")
        self.assertSubstring("cannot listen on late: too late", output)
        self.assertSubstring("Server Shut Down.", output)

    async def test_help(self) -> None:
        """The subcommand is listed, and explained."""
        status, output, errors = await self.outcome("--help")
        self.assertEqual((status, errors), (0, ""))
        self.assertSubstring("    pbserver         A Perspective Broker server.\n", output)
        status, output, errors = await self.outcome("pbserver", "--help")
        self.assertEqual((status, errors), (0, ""))
        self.assertSubstring("Usage: twistd [options] pbserver [options]\n", output)


class listeningSocket:
    """
    A context in which a port is taken; its value is the port's number.
    """

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        return int(self._socket.getsockname()[1])

    def __exit__(self, *reason: Any) -> None:
        self._socket.close()

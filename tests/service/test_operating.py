"""
The status of a C{twistd pbserver} of its own process, whose clients come by several ways.
"""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.threads import deferToThread

from tests.interop.processes import certificate
from tests.service.daemons import TwistdTestCase

LOCAL = "tcp:0:interface=127.0.0.1"

SLOW = r"(Connection \d+ from .+: 'take' took 0.\d+ s, until it was answered\.)"

SITE = """
import time

from myspread import pb


class Site(pb.Root):
    def remote_take(self, seconds):
        time.sleep(seconds)
"""


class OperatingTests(TwistdTestCase):
    """
    What an operator can see.
    """

    async def test_status(self) -> None:
        """Each connection, with what it came by; metrics; and slow calls, in the log, too."""
        (self.directory / "site_here.py").write_text(SITE)
        key, trusted = certificate()
        tls = f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={trusted}"
        words = ["--root", "site_here:Site", "--status", "tcp:0", "--slow-call", "0.2"]
        for port in (LOCAL, tls, "unix:pb.socket"):
            words += ["--port", port]
        program, [tcp, encrypted, _] = await self.serve(*words, ports=3)
        [status] = await program.printed(r"Page \(_Bounded\) starting on (\d+)")
        for where in (
            f"tcp:127.0.0.1:{tcp}",
            f"tls:127.0.0.1:{encrypted}:trustRoots={trusted.parent}",
            f"unix:{self.directory}/pb.socket",
        ):
            root = await self.root(where)
            await root.callRemote("take", 0)
        await root.callRemote("take", 0.3)
        report = json.loads(await self.ask(status, "/status.json"))
        ways = [(each["tls"] and each["tls"][:5], each["dialect"], each["calls"]) for each in report["list"]]
        self.assertEqual(ways, [(None, "pb", 1), ("TLSv1", "pb", 1), (None, "pb", 2)])
        self.assertEqual([each["peer"].rpartition(":")[0] for each in report["list"][:2]], ["127.0.0.1"] * 2)
        self.assertEqual(report["list"][2]["peer"], "UNIX socket")
        self.assertEqual((report["calls"]["total"], report["calls"]["slow"]), (4, 1))
        read = text_string_to_metric_families((await self.ask(status, "/metrics")).decode())
        [connections] = [family.samples[0].value for family in read if family.name == "myspread_connections"]
        self.assertEqual(connections, 3)
        await program.printed(SLOW)
        program.signal("TERM")
        await program.ended
        self.assertEqual(program.complaints, "")

    async def ask(self, status: str, path: str) -> bytes:
        """What the site answers."""

        def answer() -> bytes:
            connection = HTTPConnection("127.0.0.1", int(status), timeout=30)
            connection.request("GET", path)
            body = connection.getresponse().read()
            connection.close()
            return body

        answered: Any = await deferToThread(answer)
        return bytes(answered)

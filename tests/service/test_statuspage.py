"""
The status page of C{twistd pbserver} in a real browser, while clients call.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from twisted.cred.credentials import UsernamePassword
from twisted.internet import endpoints, reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.spread import pb as stock

from myspread import pb
from tests.service.browser import Browser, whyNot
from tests.service.daemons import TwistdTestCase

LOCAL = "tcp:0:interface=127.0.0.1"

HOSTILE = "<img src=x onerror=alert(1)>"
"""The name of a user who would like to run something in the browser of the operator."""

SITE = f"""
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal

from myspread import pb


class User(pb.Avatar):
    def perspective_echo(self, value):
        return value


class Realm(pb.Realm):
    def requestAvatar(self, avatarId, mind, *interfaces):
        return pb.IPerspective, User(avatarId), lambda: None


users = {{"ann": b"secret", {HOSTILE!r}: b"secret"}}
portal = Portal(Realm(), [InMemoryUsernamePasswordDatabaseDontUse(**users)])
"""

CALLS = "return Number(document.querySelectorAll('.tile .more')[1].innerText.split(' ')[0].replace(/,/g, ''))"
"""What stands below the calls per second: how many there have been."""

OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


def colours(path: Path) -> set[bytes]:
    """The colours of a picture that Chromium has saved: PNG, 8 bits for each of 3 or 4 channels."""
    data = path.read_bytes()
    at, packed, header = 8, b"", (0, 0, 0, 0)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBB", chunk[:10])
        elif kind == b"IDAT":
            packed += chunk
        at += length + 12
    width, height, depth, colourType = header
    size = {2: 3, 6: 4}[colourType]
    assert depth == 8
    found, before = set(), bytearray(width * size)
    rows = zlib.decompress(packed)
    for row in range(height):
        start = row * (width * size + 1)
        line = bytearray(rows[start + 1 : start + 1 + width * size])
        _unfilter(rows[start], line, before, size)
        found |= {bytes(line[index : index + 3]) for index in range(0, len(line), size)}
        before = line
    return found


def _unfilter(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    """Undo what a line of a PNG is packed with. There are many bytes: each kind has its own loop."""
    length = len(line)
    if kind == 1:
        for index in range(size, length):
            line[index] = (line[index] + line[index - size]) & 255
    elif kind == 2:
        line[:] = bytes([(each + up) & 255 for each, up in zip(line, above, strict=True)])
    elif kind == 3:
        for index in range(length):
            left = line[index - size] if index >= size else 0
            line[index] = (line[index] + (left + above[index]) // 2) & 255
    elif kind == 4:
        for index in range(length):
            left, corner = (line[index - size], above[index - size]) if index >= size else (0, 0)
            line[index] = (line[index] + _paeth(left, above[index], corner)) & 255


def _paeth(left: int, up: int, corner: int) -> int:
    if left == up == corner:
        return left
    toLeft, toUp, toCorner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if toLeft <= toUp and toLeft <= toCorner:
        return left
    return up if toUp <= toCorner else corner


class BrowserTests(TwistdTestCase):
    """
    What an operator sees.
    """

    skip = whyNot()
    timeout = 120

    async def login(self, port: str, name: str, package: Any) -> Any:
        """An avatar; its connection ends with the test."""
        factory = package.PBClientFactory()
        broker = await endpoints.clientFromString(reactor, f"tcp:127.0.0.1:{port}").connect(factory)
        self.addCleanup(broker.transport.abortConnection)
        return await factory.login(UsernamePassword(name.encode(), b"secret"))

    def keepCalling(self, avatar: Any) -> None:
        """Call, and call again, until the connection ends."""

        def call(last: Any = None) -> None:
            avatar.callRemote("echo", 1).addCallbacks(
                lambda answer: reactor.callLater(0.01, again), lambda failure: None
            )

        def again() -> None:
            if not avatar.broker.disconnected and self.calling:
                call()

        self.calling = True
        call()

    async def test_page(self) -> None:
        """
        Figures move; names are text; the console has nothing to complain of; the
        page fits a desk and a phone, by day and by night; and it says so when the
        server is gone.
        """
        (self.directory / "site_here.py").write_text(SITE)
        words = ("--root", "site_here:portal", "--status", "tcp:0", "--port", LOCAL)
        program, [port] = await self.serve(*words)
        [status] = await program.printed(r"Page \(_Bounded\) starting on (\d+)")
        avatars = [await self.login(port, "ann", pb), await self.login(port, HOSTILE, stock)]
        for avatar in avatars:
            self.keepCalling(avatar)
        browser = await deferToThread(Browser)
        self.addCleanup(browser.close)
        await deferToThread(browser.driver.get, f"http://127.0.0.1:{status}/")
        await self.seen(browser, "return document.querySelectorAll('.plot').length === 4")
        before = await deferToThread(browser.run, CALLS)
        await self.seen(browser, f"{CALLS} > {before} + 20")
        await self.seen(browser, "return document.querySelector('.plot polyline').points.length > 2")
        await deferToThread(self.look, browser)
        self.calling = False
        program.signal("KILL")
        await program.ended
        await self.seen(browser, "return document.getElementById('state').className === 'state lost'")

    async def seen(self, browser: Browser, script: str) -> None:
        """Wait until JavaScript says so."""
        while not await deferToThread(browser.run, script):
            await deferLater(reactor, 0.1, lambda: None)

    def look(self, browser: Browser) -> None:
        """What is on the page now, and how it looks."""
        self.assertEqual(browser.text("#state"), "serving")
        table = browser.text("#connections")
        self.assertIn("ann", table)
        self.assertIn(HOSTILE, table)
        self.assertIn(HOSTILE, browser.text("#md5"))
        self.assertEqual(browser.run("return document.querySelectorAll('img').length"), 0)
        pictures = {}
        for width, height in ((1280, 640), (360, 640)):
            browser.resize(width, height)
            for isDark in (False, True):
                browser.dark(isDark)
                self.assertEqual(browser.run(OVERFLOW), 0, "it is wider than the screen")
                path = self.directory / f"{width}-{isDark}.png"
                browser.screenshot(path)
                self.assertEqual(struct.unpack(">II", path.read_bytes()[16:24]), (width, height))
                pictures[width, isDark] = colours(path)
        for (width, isDark), found in pictures.items():
            page, line = (b"\x14\x17\x1a", b"\x69\xb3\xdd") if isDark else (b"\xf7\xf7\xf5", b"\x2a\x6f\x97")
            self.assertIn(page, found, f"the background at {width}")
            self.assertIn(line, found, f"a plot at {width}")
            self.assertGreater(len(found), 50, "there is text")
        self.assertEqual(browser.complaints(), [])

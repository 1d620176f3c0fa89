"""
Paging, and what is published.
"""

from __future__ import annotations

import gc
import io
from pathlib import Path

from twisted.internet.defer import Deferred

from tests.interop import world
from tests.interop.implementation import util
from tests.interop.serving import page
from tests.interop.session import Session, scenario


@scenario()
async def strings(session: Session) -> None:
    """A string pager sends pieces of a length; all of them make the whole."""
    desk = await session.desk()
    pages = await util.getAllPages(desk, "pages", 100_000, 8192)
    session.check.assertEqual([len(piece) for piece in pages], [8192] * 12 + [1696])
    session.check.assertEqual(b"".join(pages), page(100_000))
    await session.serverEvents("paged 100000")
    session.check.assertEqual(await util.getAllPages(desk, "pages", 10, 100), [page(10)])
    session.check.assertEqual(await util.getAllPages(desk, "pages", 20, 10), [page(10), page(20)[10:]])
    session.check.assertEqual(await util.getAllPages(desk, "pages", 0, 10), [b""])
    await session.serverEvents("paged 10", "paged 20", "paged 0")


@scenario()
async def longStrings(session: Session) -> None:
    """What doesn't fit into a message fits into pages."""
    desk = await session.desk()
    pages = await util.getAllPages(desk, "pages", 1_500_000, 100_000)
    session.check.assertEqual(b"".join(pages), page(1_500_000))
    await session.serverEvents("paged 1500000")


@scenario()
async def files(session: Session) -> None:
    """A file pager sends all of a file."""
    desk = await session.desk()
    for size in (1, 1000, 300_000):
        pages = await util.getAllPages(desk, "filePages", size)
        session.check.assertEqual(b"".join(pages), page(size))
        await session.serverEvents(f"paged {size}")


@scenario()
async def severalAtOnce(session: Session) -> None:
    """Several pagers of a connection take turns."""
    desk = await session.desk()
    first = util.getAllPages(desk, "pages", 50_000, 1000)
    second = util.getAllPages(desk, "filePages", 100_000)
    session.check.assertEqual(await desk.callRemote("echo", 1), 1)
    session.check.assertEqual(b"".join(await first), page(50_000))
    session.check.assertEqual(b"".join(await second), page(100_000))
    await session.serverEvents("paged 100000", "paged 50000", inOrder=False)


@scenario()
async def toTheServer(session: Session) -> None:
    """The client sends pages to a collector of the server."""
    desk = await session.desk()
    done: Deferred[str] = Deferred()
    util.StringPager(await desk.callRemote("collector"), page(40_000), 5000, done.callback, "sent")
    session.check.assertEqual(await done, "sent")
    await session.serverEvents("got 40000")
    done = Deferred()
    util.FilePager(await desk.callRemote("collector"), io.BytesIO(page(200_000)), done.callback, "sent")
    if not session.ours:
        # A stock file pager sleeps until something else is written.
        await desk.callRemote("echo", 1)
    session.check.assertEqual(await done, "sent")
    await session.serverEvents("got 200000")
    await desk.callRemote("hold", None)
    gc.collect()


@scenario()
async def published(session: Session) -> None:
    """
    What was published once is kept in a file, and only asked for again when it
    has changed.
    """
    desk = await session.desk()
    Path("None-None-7.pub").unlink(missing_ok=True)
    for timestamp, asked in ((1.5, True), (1.5, False), (2.5, True)):
        poster = await desk.callRemote("poster", 7, timestamp)
        if asked:
            session.check.assertFalse(poster.isActivated)
        told: list[object] = []
        poster.callWhenActivated(told.append)
        await session.until(lambda told=told: len(told), 1)
        session.check.assertEqual((poster.text, poster.size, poster.timestamp), ("Frogs!", (3, 4), timestamp))
        session.check.assertTrue(Path("None-None-7.pub").exists())
        session.check.assertEqual(world.events, ["activated Frogs!"])
        world.events.clear()
        await session.serverEvents(*["published"] * asked)
        del poster
        told.clear()
        gc.collect()

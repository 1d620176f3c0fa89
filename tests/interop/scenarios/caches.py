"""
Caches: copies that are kept up to date.
"""

from __future__ import annotations

import gc

from tests.interop import world
from tests.interop.session import Session, scenario


@scenario()
async def updates(session: Session) -> None:
    """A cache gets each update, in order, before the answer that came after it."""
    desk = await session.desk()
    counter = await desk.callRemote("cache")
    session.check.assertIs(type(counter), world.RemoteCounter)
    session.check.assertEqual((counter.value, counter.history), (1, [1]))
    session.check.assertEqual(await desk.callRemote("change", 2), 2)
    session.check.assertEqual(counter.value, 2)
    session.check.assertEqual(await desk.callRemote("changeAndWait", 3), [30])
    session.check.assertEqual(counter.history, [1, 2, 3])
    del counter
    gc.collect()
    await session.serverEvents("stoppedObserving")
    session.check.assertEqual(await desk.callRemote("observers"), 0)


@scenario()
async def goesBackIdentical(session: Session) -> None:
    """A cache that is sent back arrives as the original."""
    desk = await session.desk()
    counter = await desk.callRemote("cache")
    session.check.assertTrue(await desk.callRemote("isCounter", counter))
    session.check.assertTrue(await desk.callRemote("isCounter", counter, counter))
    del counter
    gc.collect()
    await session.serverEvents("stoppedObserving")


@scenario()
async def twiceInOneMessage(session: Session) -> None:
    """Twice in a message is one observer; the last receipt ends it."""
    desk = await session.desk()
    first, (second,) = await desk.callRemote("sameCacheTwice")
    session.check.assertIs(first, second)
    session.check.assertEqual(await desk.callRemote("observers"), 1)
    del first, second
    gc.collect()
    await session.serverEvents("stoppedObserving")


@scenario()
async def inSeveralMessages(session: Session) -> None:
    """Receipts of several messages share their state, and are counted."""
    desk = await session.desk()
    first = await desk.callRemote("cache")
    second = await desk.callRemote("cache")
    session.check.assertIsNot(first, second)
    await desk.callRemote("change", 5)
    session.check.assertEqual((first.value, second.value), (5, 5))
    session.check.assertEqual(await desk.callRemote("observers"), 1)
    del first
    gc.collect()
    await desk.callRemote("change", 6)
    session.check.assertEqual(second.value, 6)
    await session.serverEvents()
    del second
    gc.collect()
    await session.serverEvents("stoppedObserving")


@scenario()
async def againAfterwards(session: Session) -> None:
    """After a cache was dropped, the next one starts afresh."""
    desk = await session.desk()
    for start in (1, 10):
        counter = await desk.callRemote("cache")
        session.check.assertEqual(counter.history, [start])
        await desk.callRemote("change", 10)
        del counter
        gc.collect()
        await session.serverEvents("stoppedObserving")


@scenario()
async def twoConnections(session: Session) -> None:
    """Each connection has its own cache of a shared object."""
    one, other = await session.desk(), await session.desk()
    first, second = await one.callRemote("sharedCache"), await other.callRemote("sharedCache")
    session.check.assertEqual(await one.callRemote("changeShared", 4), [40, 40])
    session.check.assertEqual((first.value, second.value), (4, 4))
    del first
    gc.collect()
    await session.serverEvents("stoppedObserving")
    session.check.assertEqual(await one.callRemote("changeShared", 0), [0])
    session.check.assertEqual(second.value, 0)
    del second
    gc.collect()
    await session.serverEvents("stoppedObserving")


@scenario()
async def onDisconnect(session: Session) -> None:
    """When the connection ends, observing ends, once."""
    connection = await session.connect()
    counter = await (await connection.root()).callRemote("cache")
    again = await (await connection.root()).callRemote("cache")
    await connection.close()
    await session.serverEvents("stoppedObserving")
    del counter, again
    gc.collect()


@scenario()
async def ofTheClient(session: Session) -> None:
    """The server keeps a cache of an object of the client."""
    desk = await session.desk()
    counter = world.Counter(1)
    await desk.callRemote("hold", counter)
    session.check.assertEqual(await desk.callRemote("cachedValue"), (1, [1]))
    session.check.assertEqual(await counter.change(2), [20])
    session.check.assertEqual(await desk.callRemote("cachedValue"), (2, [1, 2]))
    session.check.assertIs(await desk.callRemote("held"), counter)
    await desk.callRemote("hold", None)
    await session.until(lambda: world.events, ["stoppedObserving"])
    world.events.clear()
    session.check.assertEqual(counter.observers, [])


@scenario()
async def ofTheClientOnDisconnect(session: Session) -> None:
    """The client hears that the server's cache is gone with the connection."""
    connection = await session.connect()
    counter = world.Counter(1)
    await (await connection.root()).callRemote("hold", counter)
    await connection.close()
    session.check.assertEqual(world.events, ["stoppedObserving"])
    world.events.clear()
    session.check.assertEqual(counter.observers, [])


@scenario()
async def observerCalledTooEarly(session: Session) -> None:
    """An observer of something that the peer hasn't got yet can't be called."""
    desk = await session.desk()
    counter = world.Counter(1)
    await desk.callRemote("hold", counter)
    observer = counter.observers[0]
    await desk.callRemote("hold", None)
    await session.until(lambda: world.events, ["stoppedObserving"])
    world.events.clear()
    failure = await session.failureOf(observer.callRemote, "changed", 5)
    session.check.assertEqual(failure.type.__name__, "ProtocolError")

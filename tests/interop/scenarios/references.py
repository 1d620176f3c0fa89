"""
References, counted on both sides.
"""

from __future__ import annotations

import gc

from tests.interop import world
from tests.interop.implementation import pb
from tests.interop.session import Session, scenario


@scenario()
async def callBack(session: Session) -> None:
    """The server calls an object of the client, with objects of the client."""
    desk = await session.desk()
    target = world.Target()
    argument = [{"key": (1, "two")}]
    session.check.assertEqual(await desk.callRemote("call", target, "note", argument, named=True), 1)
    session.check.assertEqual(target.calls, [((argument,), {"named": True})])
    session.check.assertTrue(await desk.callRemote("call", target, "isSelf", target))
    session.check.assertFalse(await desk.callRemote("call", target, "isSelf", world.Target()))


@scenario()
async def comesBackIdentical(session: Session) -> None:
    """A reference that comes back is the object itself."""
    desk = await session.desk()
    target = world.Target()
    await desk.callRemote("hold", target)
    session.check.assertIs(await desk.callRemote("held"), target)
    session.check.assertEqual(await desk.callRemote("callHeld", "note", 5), 1)
    await desk.callRemote("hold", None)


@scenario(server="myspread")
async def echoedAtOnce(session: Session) -> None:
    """The server may return a reference without keeping it."""
    desk = await session.desk()
    target = world.Target()
    session.check.assertIs(await desk.callRemote("echo", target), target)
    session.check.assertIs((await desk.callRemote("echo", [target, (target,)]))[1][0], target)


@scenario(client="myspread")
async def echoedAtOnceByTheClient(session: Session) -> None:
    """So may the client."""
    desk = await session.desk()
    target = await desk.callRemote("newTarget")
    echoer = world.Target()
    same = await desk.callRemote("call", echoer, "echo", target)
    session.check.assertEqual(same, target)
    await desk.callRemote("hold", None)


@scenario()
async def goesBackIdentical(session: Session) -> None:
    """A reference to an object of the server arrives there as the object."""
    desk = await session.desk()
    target = await desk.callRemote("newTarget")
    session.check.assertTrue(await desk.callRemote("isHeld", target))
    session.check.assertTrue(await target.callRemote("isSelf", target))
    session.check.assertTrue(await target.callRemote("isSelf", other=target))
    session.check.assertFalse(await target.callRemote("isSelf", await desk.callRemote("target")))
    await desk.callRemote("hold", None)


@scenario()
async def equality(session: Session) -> None:
    """References to one object are equal, and hash alike, on both sides."""
    desk = await session.desk()
    first = await desk.callRemote("newTarget")
    second = await desk.callRemote("held")
    session.check.assertIsInstance(first, pb.RemoteReference)
    session.check.assertEqual(first, second)
    session.check.assertEqual(hash(first), hash(second))
    session.check.assertEqual(first.remoteMethod("note"), second.remoteMethod("note"))
    session.check.assertNotEqual(first, await desk.callRemote("target"))
    target = world.Target()
    session.check.assertTrue(await desk.callRemote("areEqual", target, target))
    session.check.assertFalse(await desk.callRemote("areEqual", target, world.Target()))
    await desk.callRemote("hold", None)


@scenario()
async def countedPerMessage(session: Session) -> None:
    """The server lets go of an object only when the last reference to it dies."""
    desk = await session.desk()
    first = await desk.callRemote("newTarget")
    second = await desk.callRemote("held")
    both = await desk.callRemote("held"), await desk.callRemote("held")
    await desk.callRemote("hold", None)
    del first, both
    gc.collect()
    session.check.assertEqual(await second.callRemote("note"), 1)


@scenario()
async def severalInOneMessage(session: Session) -> None:
    """Many references in one message, some of them to the same object."""
    desk = await session.desk()
    targets = await desk.callRemote("targets", 20)
    session.check.assertEqual(len({target.luid for target in targets}), 20)
    for target in targets:
        session.check.assertTrue(await target.callRemote("isSelf", target))
    mine = [world.Target() for _ in range(20)]
    await desk.callRemote("hold", mine * 2)
    held = await desk.callRemote("held")
    session.check.assertTrue(all(one is other for one, other in zip(held, mine * 2, strict=True)))
    await desk.callRemote("hold", None)


@scenario()
async def namedObjects(session: Session) -> None:
    """Objects with names are called through references that aren't counted."""
    connection = await session.connect()
    desk = await connection.root()
    await desk.callRemote("name", "annex")
    for name in ("annex", b"annex"):
        annex = connection.broker.remoteForName(name)
        session.check.assertTrue(await annex.callRemote("isSelf", annex))
    session.check.assertEqual(await annex.callRemote("note"), 1)


@scenario()
async def unknownObject(session: Session) -> None:
    """Calling an object that doesn't exist is an expected error."""
    connection = await session.connect()
    nobody = connection.broker.remoteForName("nobody")
    failure = await session.failureOf(nobody.callRemote, "note")
    session.check.assertEqual(failure.check(pb.Error), pb.Error)
    session.check.assertEqual(failure.getErrorMessage(), "Invalid Object ID")


@scenario()
async def thirdParty(session: Session) -> None:
    """A reference isn't passed on to another peer."""
    one, other = await session.desk(), await session.desk()
    target = await one.callRemote("target")
    failure = await session.failureOf(other.callRemote, "hold", target)
    session.check.assertEqual(failure.check(AssertionError), AssertionError)
    session.check.assertEqual(await target.callRemote("note"), 1)


@scenario()
async def limit(session: Session) -> None:
    """
    A peer gets 1024 references more than the root; the fourth attempt to get
    another ends the connection.
    """
    desk = await session.desk()
    lent = await desk.callRemote("targets", 1024)
    for _ in range(3):
        failure = await session.failureOf(desk.callRemote, "target")
        session.check.assertEqual(failure.check(pb.Error), pb.Error)
        session.check.assertEqual(failure.getErrorMessage(), "Maximum PB reference count exceeded.")
    await session.failureOf(desk.callRemote, "target")
    await session.until(lambda: bool(desk.broker.disconnected), True)
    session.check.assertEqual(len(lent), 1024)

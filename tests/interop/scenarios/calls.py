"""
Calls: their order, their end, and their connection.
"""

from __future__ import annotations

from twisted.internet.defer import gatherResults

from tests.interop import world
from tests.interop.implementation import pb
from tests.interop.session import Session, scenario


@scenario()
async def manyAtOnce(session: Session) -> None:
    """Calls needn't wait for each other, and are executed in order."""
    desk = await session.desk()
    target = await desk.callRemote("newTarget")
    numbers = await gatherResults([target.callRemote("note", number) for number in range(200)])
    session.check.assertEqual(numbers, list(range(1, 201)))
    await desk.callRemote("hold", None)


@scenario()
async def outOfOrder(session: Session) -> None:
    """Answers come when their Deferreds fire."""
    desk = await session.desk()
    got: list[str] = []
    later = [desk.callRemote("later").addCallback(got.append) for _ in range(3)]
    for index in (2, 0, 1):
        await desk.callRemote("fire", index, f"answer {index}")
    await gatherResults(later)
    session.check.assertEqual(got, ["answer 2", "answer 0", "answer 1"])


@scenario()
async def deferredReference(session: Session) -> None:
    """A Deferred may fire with an object of any flavor."""
    desk = await session.desk()
    target = world.Target()
    later = desk.callRemote("later")
    await desk.callRemote("hold", target)
    await desk.callRemote("fire", 0, target)
    session.check.assertIs(await later, target)
    await desk.callRemote("hold", None)
    later = desk.callRemote("later")
    await desk.callRemote("fire", 1, world.Letter())
    session.check.assertIs(type(await later), world.Letter)


@scenario()
async def withoutAnswer(session: Session) -> None:
    """A call with C{pbanswer=False} happens, and nothing comes back of it."""
    desk = await session.desk()
    session.check.assertIsNone(desk.callRemote("event", "happened", pbanswer=False))
    await session.serverEvents("happened")
    session.check.assertIsNone(desk.callRemote("raise", "value", pbanswer=False))
    session.check.assertIsNone(desk.callRemote("raise", "refused", pbanswer=False))
    session.check.assertIsNone(desk.callRemote("missing", pbanswer=False))
    session.check.assertEqual(await desk.callRemote("echo", 1), 1)
    await session.serverLogged("builtins.ValueError", "twisted.spread.flavors.NoSuchMethod")


@scenario()
async def staleReference(session: Session) -> None:
    """On a closed connection, a call raises at once."""
    connection = await session.connect()
    desk = await connection.root()
    target = await desk.callRemote("target")
    await connection.close()
    session.check.assertRaises(pb.DeadReferenceError, desk.callRemote, "echo", 1)
    session.check.assertRaises(pb.DeadReferenceError, target.callRemote, "note")
    session.check.assertRaises(pb.DeadReferenceError, target.callRemote, "note", pbanswer=False)


@scenario()
async def serverHangsUp(session: Session) -> None:
    """When the server ends the connection, pending calls fail."""
    desk = await session.desk()
    pending = desk.callRemote("never")
    failure = await session.failureOf(desk.callRemote, "hangUp")
    session.check.assertEqual(failure.check(pb.PBConnectionLost), pb.PBConnectionLost)
    failure = await session.failureOf(lambda: pending)
    session.check.assertEqual(failure.check(pb.PBConnectionLost), pb.PBConnectionLost)


@scenario()
async def clientHangsUp(session: Session) -> None:
    """When the client ends the connection, its pending calls fail too."""
    connection = await session.connect()
    pending = (await connection.root()).callRemote("never")
    await connection.close()
    failure = await session.failureOf(lambda: pending)
    session.check.assertEqual(failure.check(pb.PBConnectionLost), pb.PBConnectionLost)


@scenario()
async def notifiedOfDisconnect(session: Session) -> None:
    """Who asked is told once that the connection has ended, on both sides."""
    connection = await session.connect()
    desk = await connection.root()
    await desk.callRemote("tellOfDisconnect")
    target = await desk.callRemote("target")
    told: list[object] = []
    target.notifyOnDisconnect(told.append)
    unwanted = told.extend
    target.notifyOnDisconnect(unwanted)
    target.dontNotifyOnDisconnect(unwanted)
    connection.broker.notifyOnDisconnect(lambda: told.append("broker"))
    await desk.callRemote("dropsTransport")
    await session.until(lambda: bool(connection.broker.disconnected), True)
    session.check.assertEqual(told, [target, "broker"])
    await session.serverEvents("disconnected")


@scenario()
async def factoryDisconnects(session: Session) -> None:
    """The factory ends the connection; asking it for the root afterwards waits."""
    connection = await session.connect()
    connection.factory.disconnect()
    await session.until(lambda: bool(connection.broker.disconnected), True)
    root = connection.factory.getRootObject()
    session.check.assertNoResult(root)
    root.addErrback(lambda _: None)
    root.cancel()


@scenario(server="myspread")
async def coroutines(session: Session) -> None:
    """A remote method may be a coroutine function."""
    desk = await session.desk()
    session.check.assertEqual(await desk.callRemote("asyncAdd", 1, 2), 3)
    target = world.Target()
    session.check.assertEqual(await desk.callRemote("asyncCall", target, "x"), ["x"])
    failure = await session.failureOf(desk.callRemote, "asyncRaise", "refused")
    session.check.assertEqual(failure.check(world.RefusedError), world.RefusedError)
    failure = await session.failureOf(desk.callRemote, "asyncRaise", "value")
    session.check.assertEqual(failure.check(ValueError), ValueError)
    await session.serverLogged("builtins.ValueError")


@scenario(client="myspread")
async def clientCoroutines(session: Session) -> None:
    """So may a method of the client."""

    class Adder(pb.Referenceable):
        async def remote_add(self, desk: object, one: int) -> int:
            return one + await desk.callRemote("echo", 2)  # type: ignore[attr-defined]

    desk = await session.desk()
    session.check.assertEqual(await desk.callRemote("call", Adder(), "add", desk, 1), 3)

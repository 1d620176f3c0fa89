"""
Values that are declared with us, and copies under the same tags with stock.
"""

from __future__ import annotations

from typing import Any

from tests.interop import sky
from tests.interop.implementation import OURS, pb
from tests.interop.session import Session, scenario


def expected(sender: bool, receiver: bool) -> dict[str, Any]:
    """
    What is read.

    @param sender: whether it has the classes.
    @param receiver: whether it has the classes. If neither has, there are no
        defaults.
    """
    if sender or receiver:
        return sky.SKY
    return {name: sky.SKY[name] for name in ("star", "latitude", "name")}


@scenario()
async def toTheClient(session: Session) -> None:
    """Values of one side are what the other has under their tags."""
    desk = await session.desk()
    got = sky.describeSky(await desk.callRemote("sky"))
    session.check.assertEqual(got, expected(session.serverPackage == OURS, session.ours))


@scenario()
async def toTheServer(session: Session) -> None:
    """The same in the other direction."""
    desk = await session.desk()
    got = await desk.callRemote("describeSky", sky.makeSky())
    session.check.assertEqual(got, expected(session.ours, session.serverPackage == OURS))


@scenario()
async def andBack(session: Session) -> None:
    """What comes back equals what was sent, but for defaults of the server."""
    desk = await session.desk()
    sent = sky.makeSky()
    back = await desk.callRemote("echo", sent)
    if session.serverPackage == OURS and not session.ours:
        session.check.assertEqual(sky.describeSky(back), sky.SKY)
    else:
        session.check.assertEqual(back, sent)


@scenario()
async def error(session: Session) -> None:
    """An error is found by its tag; by its class, where our client has declared that."""
    desk = await session.desk()
    for method in ("raise", "failLater"):
        failure = await session.failureOf(desk.callRemote, method, "clouded")
        session.check.assertTrue(failure.check(pb.Error))
        if session.serverPackage == OURS:
            session.check.assertEqual(failure.check("interop.Clouded"), "interop.Clouded")
        if session.ours or session.serverPackage != OURS:
            session.check.assertIsInstance(failure.value, sky.Clouded)
            session.check.assertEqual(failure.value.cover, 7)
        else:
            session.check.assertEqual(failure.value, "clouded out")


@scenario(client="myspread")
async def errorAwaited(session: Session) -> None:
    """Our client catches it by its class."""
    desk = await session.desk()
    try:
        await desk.callRemote("raise", "clouded")
    except sky.Clouded as caught:
        session.check.assertEqual(caught.cover, 7)
    else:
        session.check.fail("nothing was raised")


@scenario(client="myspread")
async def errorByName(session: Session) -> None:
    """Our client catches by its name an error whose class it doesn't have."""
    desk = await session.desk()
    try:
        await desk.callRemote("raise", "refused")
    except pb.remote("tests.interop.world.RefusedError") as caught:
        session.check.assertEqual(str(caught), "no frogs today")
    else:
        session.check.fail("nothing was raised")

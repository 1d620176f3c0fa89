"""
Values of every type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.spread.banana import BananaError

from tests.interop import world
from tests.interop.graphs import difference
from tests.interop.session import Session, scenario
from tests.interop.values import VALUES


def travels(name: str) -> Callable[[Session], Any]:
    """
    The scenario for one of the values: each side gets what the other has, and
    it comes back the same.
    """

    async def run(session: Session) -> None:
        desk = await session.desk()
        make = VALUES[name]
        session.check.assertEqual(await desk.callRemote("check", name, make()), "")
        session.check.assertEqual(await desk.callRemote("check", name=name, value=make()), "")
        session.check.assertEqual(difference(make(), await desk.callRemote("make", name)), "")
        session.check.assertEqual(difference(make(), await desk.callRemote("echo", make())), "")

    run.__name__ = name
    run.__module__ = __name__
    return run


for _name in VALUES:
    scenario()(travels(_name))


@scenario()
async def argumentsAndKeywords(session: Session) -> None:
    """Arguments are a tuple, keywords a dictionary of texts."""
    desk = await session.desk()
    result = await desk.callRemote("echo", 1, "two", third=3, Zürich=b"4")
    session.check.assertEqual(difference(((1, "two"), {"third": 3, "Zürich": b"4"}), result), "")
    session.check.assertEqual(await desk.callRemote("keywords", first=1), (1, 2))
    session.check.assertEqual(await desk.callRemote("keywords", second=5, first=1), (1, 5))


@scenario()
async def sharedBetweenArguments(session: Session) -> None:
    """An object that two arguments share is one object on the other side."""
    desk = await session.desk()
    shared = [1]
    first, second, third = (await desk.callRemote("echo", shared, shared, [1]))[0]
    session.check.assertIs(first, second)
    session.check.assertIsNot(first, third)


@scenario()
async def methodNamesAsBytes(session: Session) -> None:
    """The name of a method may be given as bytes."""
    desk = await session.desk()
    session.check.assertEqual(await desk.callRemote(b"echo", 5), 5)
    session.check.assertEqual(await desk.remoteMethod("echo")(6), 6)


@scenario()
async def unpersistable(session: Session) -> None:
    """What can't travel arrives as a note that says so, in its place."""
    desk = await session.desk()
    first, note, last = await desk.callRemote("undeclared")
    session.check.assertEqual((first, last, type(note).__name__), (1, 2, "Unpersistable"))
    session.check.assertIn("instance of class tests.interop.world.Undeclared", note.reason)
    described = await desk.callRemote("describe", world.Undeclared())
    session.check.assertIn("Unpersistable [('reason', ", described)
    session.check.assertIn("instance of class tests.interop.world.Undeclared", described)


@scenario()
async def tooLongToSend(session: Session) -> None:
    """A string over the limit fails its call and nothing else."""
    desk = await session.desk()
    failure = await session.failureOf(desk.callRemote, "hold", b"x" * (640 * 1024 + 1))
    session.check.assertIn("too long" if not session.ours else "longer than", failure.getErrorMessage())
    session.check.assertEqual(failure.check(BananaError), BananaError)
    session.check.assertEqual(await desk.callRemote("echo", 1), 1)
    if not session.ours:
        # A stock client waits for ever for the answer to what it didn't send.
        desk.broker.waitingForAnswers.clear()


@scenario(server="myspread")
async def tooLongToAnswer(session: Session) -> None:
    """An answer over the limit is an error of its own call."""
    desk = await session.desk()
    for method in ("tooLong", "tooLongLater"):
        session.check.assertEqual(len(await desk.callRemote(method, 640 * 1024)), 640 * 1024)
        failure = await session.failureOf(desk.callRemote, method, 640 * 1024 + 1)
        session.check.assertIn("655361", failure.getErrorMessage())
    session.check.assertEqual(await desk.callRemote("echo", 1), 1)
    await session.serverLogged(*["myspread.pb.LimitExceeded"] * 2)

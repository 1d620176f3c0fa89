"""
Copies.
"""

from __future__ import annotations

from tests.interop import world, zoo
from tests.interop.implementation import jelly
from tests.interop.session import Session, scenario


@scenario()
async def toTheClient(session: Session) -> None:
    """A copyable arrives as the class that is registered for its tag."""
    desk = await session.desk()
    pond = await desk.callRemote("pond", [1, {"name": "Kermit"}])
    session.check.assertIs(type(pond), world.RemotePond)
    session.check.assertEqual(vars(pond), {"frogs": [1, {"name": "Kermit"}], "seenBy": None, "settled": True})


@scenario()
async def toTheServer(session: Session) -> None:
    """The same in the other direction."""
    desk = await session.desk()
    described = await desk.callRemote("describe", world.Pond([1]))
    session.check.assertEqual(described, "RemotePond [('frogs', [1]), ('seenBy', None), ('settled', True)]")


@scenario()
async def qualifiedName(session: Session) -> None:
    """Without a tag of its own, a copyable travels under the name of its class."""
    desk = await session.desk()
    letter = await desk.callRemote("letter")
    session.check.assertIs(type(letter), world.Letter)
    session.check.assertEqual(vars(letter), {"text": "Dear frog", "pages": (1, 2)})
    again = await desk.callRemote("echo", letter)
    session.check.assertIsNot(again, letter)
    session.check.assertEqual(vars(again), vars(letter))
    await desk.callRemote("hold", [letter, letter])
    first, second = await desk.callRemote("held")
    session.check.assertIs(first, second)
    await desk.callRemote("hold", None)


@scenario()
async def shared(session: Session) -> None:
    """A copyable that is there twice in a message is one object."""
    desk = await session.desk()
    first, second = await desk.callRemote("samePondTwice")
    session.check.assertIs(first, second["again"])
    letter = world.Letter()
    echoed = await desk.callRemote("echo", [letter, (letter,)])
    session.check.assertIs(echoed[0], echoed[1][0])


@scenario()
async def nested(session: Session) -> None:
    """Copies contain references, containers and other copies."""
    desk = await session.desk()
    target = world.Target()
    inner = world.Letter()
    inner.target = target
    outer = world.Letter()
    outer.inner = (inner, {"inner": inner})
    await desk.callRemote("hold", outer)
    echoed = await desk.callRemote("held")
    session.check.assertIs(echoed.inner[0], echoed.inner[1]["inner"])
    session.check.assertIs(echoed.inner[0].target, target)
    await desk.callRemote("hold", None)


@scenario(client="myspread")
async def containsItself(session: Session) -> None:
    """A copy that contains itself arrives whole."""
    desk = await session.desk()
    pond = await desk.callRemote("circularPond")
    session.check.assertIs(pond.frogs[0], pond)


@scenario()
async def factory(session: Session) -> None:
    """A factory decides what becomes of a copy."""
    desk = await session.desk()
    one, two, again = await desk.callRemote("stamps", 1, 2, 1)
    session.check.assertIs(one, again)
    session.check.assertIsNot(one, two)
    session.check.assertIs((await desk.callRemote("stamps", 2))[0], two)
    described = await desk.callRemote("describe", world.Stamp(7))
    session.check.assertEqual(described, "OneStamp []")


@scenario()
async def classTree(session: Session) -> None:
    """All the classes of a module are registered at once."""
    desk = await session.desk()
    fish, bird = await desk.callRemote("zoo")
    session.check.assertEqual((type(fish), vars(fish)), (zoo.Fish, {"name": "Wanda"}))
    session.check.assertEqual((type(bird), vars(bird)), (zoo.Bird, {"name": "Tweety"}))
    session.check.assertEqual(await desk.callRemote("describe", world.Bird("Tux")), "Bird [('name', 'Tux')]")


@scenario()
async def unregisteredArgument(session: Session) -> None:
    """A server refuses a copy of a class that it doesn't know, and goes on."""
    desk = await session.desk()
    failure = await session.failureOf(desk.callRemote, "hold", world.Unregistered())
    session.check.assertEqual(failure.check(jelly.InsecureJelly), jelly.InsecureJelly)
    session.check.assertEqual(await desk.callRemote("echo", 1), 1)
    await session.serverLogged("twisted.spread.jelly.InsecureJelly")


@scenario(client="myspread")
async def unregisteredAnswer(session: Session) -> None:
    """An answer that can't be understood fails its own call only."""
    desk = await session.desk()
    failure = await session.failureOf(desk.callRemote, "unregistered")
    session.check.assertEqual(failure.check(jelly.InsecureJelly), jelly.InsecureJelly)
    session.check.assertIn("interop.Unregistered", failure.getErrorMessage())
    session.check.assertEqual(await desk.callRemote("echo", 1), 1)

"""
Errors, and who logs them.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.credentials import Anonymous

from tests.interop import world
from tests.interop.implementation import pb
from tests.interop.logs import takeLoggedErrors
from tests.interop.session import Session, scenario

WAYS = ("raise", "failLater", "failAfterwards")
"""Methods of the server that fail: at once, with a Deferred, and later."""

SAFE = "Traceback unavailable\n"


async def failures(session: Session, desk: Any, kind: str) -> list[Any]:
    """The failures that a kind of error causes, in all ways."""
    return [await session.failureOf(desk.callRemote, method, kind) for method in WAYS]


@scenario()
async def expected(session: Session) -> None:
    """A C{pb.Error} is told by the name of its class, and not logged."""
    desk = await session.desk()
    for failure in await failures(session, desk, "refused"):
        session.check.assertIsInstance(failure, pb.CopiedFailure)
        session.check.assertEqual(failure.type, b"tests.interop.world.RefusedError")
        session.check.assertEqual(failure.value, "no frogs today")
        session.check.assertEqual(failure.getErrorMessage(), "no frogs today")
        session.check.assertEqual(failure.check(world.RefusedError), world.RefusedError)
        session.check.assertEqual(failure.check(KeyError, pb.Error), pb.Error)
        session.check.assertIsNone(failure.check(ValueError))
        session.check.assertEqual(failure.traceback, SAFE)
    for failure in await failures(session, desk, "plain"):
        session.check.assertEqual(failure.type, b"twisted.spread.pb.Error")


@scenario()
async def unexpected(session: Session) -> None:
    """Any other error is logged by the server, once, and told to the client."""
    desk = await session.desk()
    for failure in await failures(session, desk, "lookup"):
        session.check.assertEqual(failure.type, b"builtins.KeyError")
        session.check.assertEqual(failure.value, "'nowhere'")
        session.check.assertIn("builtins.KeyError: 'nowhere'", failure.getTraceback())
        session.check.assertEqual(failure.trap(LookupError), LookupError)
        session.check.assertEqual(failure.traceback, SAFE)
    await session.serverLogged(*["builtins.KeyError"] * 3)
    for failure in await failures(session, desk, "unicode"):
        session.check.assertEqual(failure.value, "Frösche \U0001f438")
    await session.serverLogged(*["builtins.ValueError"] * 3)


@scenario()
async def awaited(session: Session) -> None:
    """Where a call is awaited, its failure is raised as a C{RemoteError}."""
    desk = await session.desk()
    try:
        await desk.callRemote("raise", "value")
    except pb.RemoteError as error:
        session.check.assertEqual(error.remoteType, b"builtins.ValueError")
        session.check.assertEqual(error.args, ("not that one",))
        session.check.assertEqual(error.remoteTraceback, SAFE)
    else:
        session.check.fail("nothing was raised")
    await session.serverLogged("builtins.ValueError")


@scenario(client="myspread")
async def awaitedAsItself(session: Session) -> None:
    """A built-in exception of the server is caught as what it is."""
    desk = await session.desk()
    for error, kind in ((ValueError, "value"), (LookupError, "lookup")):
        try:
            await desk.callRemote("raise", kind)
        except error as caught:
            session.check.assertIsInstance(caught, pb.RemoteError)
        else:
            session.check.fail("nothing was raised")
    await session.serverLogged("builtins.ValueError", "builtins.KeyError")


@scenario(server="myspread")
async def trappedByTheServer(session: Session) -> None:
    """The same holds of what the client raises."""

    class Raiser(pb.Referenceable):
        def remote_raise(self) -> None:
            raise ValueError("a frog")

    desk = await session.desk()
    session.check.assertEqual(await desk.callRemote("asyncTrap", Raiser()), "caught a frog")
    session.check.assertEqual(takeLoggedErrors(), ["builtins.ValueError"])


@scenario()
async def noSuchMethod(session: Session) -> None:
    """A method that doesn't exist is a C{NoSuchMethod}, and logged."""
    desk = await session.desk()
    failure = await session.failureOf(desk.callRemote, "missing", 1, named=2)
    session.check.assertEqual(failure.type, b"twisted.spread.flavors.NoSuchMethod")
    session.check.assertEqual(failure.check(pb.NoSuchMethod), pb.NoSuchMethod)
    session.check.assertEqual(failure.check(AttributeError), AttributeError)
    session.check.assertEqual(failure.value, "No such method: remote_missing")
    await session.serverLogged("twisted.spread.flavors.NoSuchMethod")


@scenario()
async def wrongArguments(session: Session) -> None:
    """Arguments that don't fit are a C{TypeError}, and logged."""
    desk = await session.desk()
    failure = await session.failureOf(desk.callRemote, "held", 1, 2)
    session.check.assertEqual(failure.type, b"builtins.TypeError")
    await session.serverLogged("builtins.TypeError")
    failure = await session.failureOf(desk.callRemote, "keywords")
    session.check.assertEqual(failure.type, b"builtins.TypeError")
    await session.serverLogged("builtins.TypeError")


@scenario()
async def missingPerspective(session: Session) -> None:
    """A missing method of an avatar is an C{AttributeError}, and logged."""
    avatar = await login(session)
    failure = await session.failureOf(avatar.callRemote, "missing")
    session.check.assertEqual(failure.type, b"builtins.AttributeError")
    session.check.assertIn("perspective_missing", failure.value)
    failure = await session.failureOf(avatar.callRemote, "refuse")
    session.check.assertEqual(failure.type, b"tests.interop.world.RefusedError")
    await session.serverLogged("builtins.AttributeError")
    sight = await avatar.callRemote("sight")
    failure = await session.failureOf(sight.callRemote, "missing")
    session.check.assertEqual(failure.type, b"builtins.AttributeError")
    failure = await session.failureOf(sight.callRemote, "raise")
    session.check.assertEqual(failure.value, "not for anonymous")
    await session.serverLogged("builtins.AttributeError")
    del avatar
    await session.serverEvents("login anonymous", "logout anonymous")


async def login(session: Session) -> Any:
    """An avatar."""
    return await (await session.connect("portal")).factory.login(Anonymous())


@scenario()
async def asValue(session: Session) -> None:
    """A jellyable error arrives as an instance of its class."""
    desk = await session.desk()
    for failure in await failures(session, desk, "jelly"):
        session.check.assertIs(failure.type, world.JellyError)
        session.check.assertIsInstance(failure.value, world.JellyError)
        session.check.assertEqual(failure.value.code, 7)
    try:
        await desk.callRemote("raise", "jelly")
    except world.JellyError as error:
        session.check.assertEqual(error.code, 7)
    else:
        session.check.fail("nothing was raised")


@scenario()
async def allowedByPolicy(session: Session) -> None:
    """So does one whose class the policy allows."""
    desk = await session.desk()
    for failure in await failures(session, desk, "allowed"):
        session.check.assertIs(failure.type, world.AllowedError)
        session.check.assertIsInstance(failure.value, world.AllowedError)


@scenario()
async def ofTheClient(session: Session) -> None:
    """What an object of the client raises reaches the server, and returns."""

    class Raiser(pb.Referenceable):
        def remote_refuse(self) -> None:
            raise world.RefusedError("not here")

        def remote_fail(self) -> None:
            raise KeyError("client")

    desk = await session.desk()
    failure = await session.failureOf(desk.callRemote, "call", Raiser(), "refuse")
    session.check.assertEqual(failure.type, b"tests.interop.world.RefusedError")
    session.check.assertEqual(failure.value, "not here")
    failure = await session.failureOf(desk.callRemote, "call", Raiser(), "fail")
    session.check.assertEqual(failure.check(LookupError), LookupError)
    session.check.assertEqual(failure.value, "'client'")
    failure = await session.failureOf(desk.callRemote, "call", Raiser(), "missing")
    session.check.assertEqual(failure.check(pb.NoSuchMethod), pb.NoSuchMethod)
    session.check.assertEqual(
        takeLoggedErrors(), ["builtins.KeyError", "twisted.spread.flavors.NoSuchMethod"]
    )
    await session.serverLogged("builtins.KeyError", "twisted.spread.flavors.NoSuchMethod")


@scenario()
async def tracebacks(session: Session) -> None:
    """A factory may tell its peers the tracebacks of errors."""
    desk = await session.desk("unsafe")
    for failure in await failures(session, desk, "value"):
        session.check.assertIn("ValueError: not that one", failure.traceback)
        session.check.assertNotEqual(failure.traceback, SAFE)
    await session.serverLogged(*["builtins.ValueError"] * 3)
    failure = await session.failureOf(desk.callRemote, "raise", "refused")
    session.check.assertIn("RefusedError: no frogs today", failure.traceback)


@scenario(server="myspread")
async def nothingLeaks(session: Session) -> None:
    """By default, a failure carries no path, line or function of the server."""
    desk = await session.desk()
    for failure in await failures(session, desk, "value"):
        state = {name: value for name, value in vars(failure).items() if name not in ("type", "value")}
        for word in ("serving", "makeError", ".py", "remote_"):
            session.check.assertNotIn(word, repr(state))
    await session.serverLogged(*["builtins.ValueError"] * 3)


@scenario(server="myspread")
async def relayedWithTracebacks(session: Session) -> None:
    """A server that tells tracebacks also relays the failures of its peers."""

    class Raiser(pb.Referenceable):
        def remote_fail(self) -> None:
            raise KeyError("client")

    desk = await session.desk("unsafe")
    failure = await session.failureOf(desk.callRemote, "call", Raiser(), "fail")
    session.check.assertEqual(failure.check(KeyError), KeyError)
    session.check.assertEqual(takeLoggedErrors(), ["builtins.KeyError"])
    await session.serverLogged("builtins.KeyError")

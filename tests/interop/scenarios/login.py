"""
Login through a portal.
"""

from __future__ import annotations

import gc
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import UnauthorizedLogin, UnhandledCredentials

from tests.interop import world
from tests.interop.session import Session, scenario


async def login(session: Session, name: str = "alice", mind: Any = None) -> Any:
    """An avatar, on a connection of its own."""
    connection = await session.connect("portal")
    return await connection.factory.login(UsernamePassword(name.encode(), b"secret"), mind)


@scenario()
async def password(session: Session) -> None:
    """Name and password lead to an avatar, whose methods can be called."""
    avatar = await login(session)
    session.check.assertEqual(await avatar.callRemote("whoAmI"), "alice")
    session.check.assertEqual(await avatar.callRemote("later"), "alice")
    session.check.assertEqual(await avatar.callRemote("echo", 1, two=[2]), ((1,), {"two": [2]}))
    session.check.assertFalse(await avatar.callRemote("hasMind"))
    del avatar
    gc.collect()
    await session.serverEvents("login alice", "logout alice")


@scenario()
async def refused(session: Session) -> None:
    """A wrong password and an unknown user are refused alike."""
    connection = await session.connect("portal")
    told = set()
    for name, word in ((b"alice", b"wrong"), (b"nobody", b"secret"), (b"", b"")):
        failure = await session.failureOf(connection.factory.login, UsernamePassword(name, word))
        session.check.assertEqual(failure.check(UnauthorizedLogin), UnauthorizedLogin)
        told.add((failure.type, failure.value))
    session.check.assertEqual(len(told), 1)
    await session.serverLogged(*["twisted.cred.error.UnauthorizedLogin"] * 3)
    avatar = await connection.factory.login(UsernamePassword(b"alice", b"secret"))
    session.check.assertEqual(await avatar.callRemote("whoAmI"), "alice")
    del avatar
    gc.collect()
    await session.serverEvents("login alice", "logout alice")


@scenario()
async def anonymous(session: Session) -> None:
    """Without a name, an avatar for those without a name."""
    connection = await session.connect("portal")
    avatar = await connection.factory.login(Anonymous(), "a mind")
    session.check.assertEqual(await avatar.callRemote("whoAmI"), "anonymous")
    session.check.assertTrue(await avatar.callRemote("hasMind"))
    del avatar
    gc.collect()
    await session.serverEvents("login anonymous", "logout anonymous")


@scenario()
async def anonymousRefused(session: Session) -> None:
    """A portal without anonymous access refuses it."""
    connection = await session.connect("closed")
    failure = await session.failureOf(connection.factory.login, Anonymous())
    session.check.assertEqual(failure.check(UnhandledCredentials), UnhandledCredentials)
    await session.serverLogged("twisted.cred.error.UnhandledCredentials")


@scenario()
async def mind(session: Session) -> None:
    """The server calls the client through the mind that came with the login."""
    target = world.Target()
    avatar = await login(session, mind=target)
    session.check.assertEqual(await avatar.callRemote("callMind", 1, [2]), 1)
    session.check.assertEqual(await avatar.callRemote("callMind"), 2)
    session.check.assertEqual(target.calls, [((1, [2]), {}), ((), {})])
    del avatar
    gc.collect()
    await session.serverEvents("login alice", "logout alice")


@scenario()
async def logoutOnDisconnect(session: Session) -> None:
    """The end of the connection logs out, once, and later drops change nothing."""
    avatar = await login(session)
    avatar.broker.transport.loseConnection()
    await session.serverEvents("login alice", "logout alice")
    del avatar
    gc.collect()
    await session.serverEvents()


@scenario()
async def logoutOnceOfTwo(session: Session) -> None:
    """Dropping the avatar logs out; the end of the connection doesn't again."""
    connection = await session.connect("portal")
    avatar = await connection.factory.login(UsernamePassword(b"alice", b"secret"))
    del avatar
    gc.collect()
    await session.serverEvents("login alice", "logout alice")
    await connection.close()
    await session.serverEvents()


@scenario()
async def twoOnOneConnection(session: Session) -> None:
    """Two logins on a connection are two avatars, each with its own end."""
    connection = await session.connect("portal")
    first = await connection.factory.login(UsernamePassword(b"alice", b"secret"))
    second = await connection.factory.login(UsernamePassword(b"bob", b"secret"))
    session.check.assertEqual(await first.callRemote("whoAmI"), "alice")
    session.check.assertEqual(await second.callRemote("whoAmI"), "bob")
    del first
    gc.collect()
    await session.serverEvents("login alice", "login bob", "logout alice")
    session.check.assertEqual(await second.callRemote("whoAmI"), "bob")
    await connection.close()
    await session.serverEvents("logout bob")


@scenario()
async def lateRealm(session: Session) -> None:
    """A realm may take its time."""
    avatar = await login(session, "late")
    session.check.assertEqual(await avatar.callRemote("whoAmI"), "late")
    del avatar
    gc.collect()
    await session.serverEvents("login late", "logout late")


@scenario(server="myspread")
async def lateAvatar(session: Session) -> None:
    """So may the avatar alone."""
    avatar = await login(session, "inside")
    session.check.assertEqual(await avatar.callRemote("whoAmI"), "inside")
    del avatar
    gc.collect()
    await session.serverEvents("login inside", "logout inside")


@scenario()
async def viewpoints(session: Session) -> None:
    """What an avatar shows knows who looks at it."""
    first, second = await login(session, "alice"), await login(session, "bob")
    sight, other = await first.callRemote("sight"), await second.callRemote("sight")
    session.check.assertEqual(await sight.callRemote("describe", 1, two=2), ("alice", (1,), {"two": 2}))
    session.check.assertEqual(await other.callRemote("describe"), ("bob", (), {}))
    session.check.assertTrue(await sight.callRemote("isMe", sight))
    session.check.assertTrue(await first.callRemote("look", sight))
    session.check.assertEqual(await first.callRemote("sight"), sight)
    del first, second, sight, other
    gc.collect()
    await session.serverEvents("login alice", "login bob", "logout alice", "logout bob", inOrder=False)


@scenario()
async def copiesForAvatars(session: Session) -> None:
    """The state of a copy may depend on the avatar that it is for."""
    avatar = await login(session)
    pond = await avatar.callRemote("pond")
    session.check.assertEqual((pond.seenBy, pond.frogs), ("alice", [1]))
    del avatar
    gc.collect()
    await session.serverEvents("login alice", "logout alice")


@scenario()
async def beforeConnecting(session: Session) -> None:
    """A login may begin before there is a connection."""
    connection = await session.connect("portal", prepare=lambda factory: factory.login(Anonymous()))
    avatar = await connection.prepared
    session.check.assertEqual(await avatar.callRemote("whoAmI"), "anonymous")
    del avatar
    connection.prepared = None
    gc.collect()
    await session.serverEvents("login anonymous", "logout anonymous")

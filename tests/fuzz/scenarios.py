"""
Honest conversations that have every kind of message in them: what streams are
recorded from, and what is broken at each of its messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.cred.credentials import Anonymous, UsernamePassword
from twisted.cred.error import LoginFailed

from myspread import pb
from myspread.testing import BrokerPair
from myspread.util import getAllPages
from tests.fuzz.application import Door, Notes

__all__ = ["LOGINS", "SCENARIOS", "Scenario", "Talk"]


class Talk:
    """
    The client's side of a conversation.

    @ivar pair: the two brokers.
    @ivar notes: what happens on the client's side.
    @ivar door: what the client lends.
    """

    def __init__(self, pair: BrokerPair) -> None:
        self.pair = pair
        self.notes = Notes()
        self.notes.broker = pair.client
        self.door = Door(self.notes)

    async def root(self) -> Any:
        """The server's root."""
        return await self.pair.clientFactory.getRootObject()


Scenario = Callable[[Talk], Awaitable[Any]]


async def calls(talk: Talk) -> Any:
    """Calls with and without answers."""
    root = await talk.root()
    ask = talk.notes.ask
    ask(root, "echo", "nobody waits", pbanswer=False)
    first = await ask(root, "echo", 1, key="text")
    return [first, await ask(root, "echo", [1, (2.5, None, True), {b"bytes": {"a": {3}}}])]


async def errors(talk: Talk) -> Any:
    """Calls that fail in every way."""
    root = await talk.root()
    texts = []
    for name in ("refuse", "nothing", "crash"):
        try:
            await talk.notes.ask(root, name)
        except Exception as error:
            texts.append(type(error).__name__)
    return texts


async def answersLater(talk: Talk) -> Any:
    """Answers that come later, in another order, or never."""
    root = await talk.root()
    ask = talk.notes.ask
    late, failed, given = ask(root, "later"), ask(root, "soon", 2), ask(root, "later")
    for name in ("fire", "fireWrong", "cancel"):
        ask(root, name).addErrback(lambda failure: None)
    # All of them are looked at, even if the connection is lost at the first one.
    wrong = [call.addErrback(lambda failure: "failed") for call in (failed, given)]
    return [await late, *[await call for call in wrong]]


async def references(talk: Talk) -> Any:
    """References, there and back and forgotten."""
    root = await talk.root()
    ask = talk.notes.ask
    thing = await ask(root, "lend")
    same = await ask(root, "lend")
    value = await ask(thing, "echo", 5)
    back = await ask(root, "echo", [thing, same])
    await ask(root, "take", talk.door, talk.notes.thing)
    given = await ask(root, "giveBack")
    await ask(root, "drop")
    result = [value, back[0] is back[1], given[0] is talk.door]
    del thing, same, back
    await ask(root, "lendNew", 3)
    return result


async def callsWithin(talk: Talk) -> Any:
    """Calls within calls."""
    root = await talk.root()
    ask = talk.notes.ask
    await ask(root, "tell", talk.door, "echo", 4)
    inner = await ask(root, "callBack", talk.door, "callBack", root, "echo", 3)
    return [inner, await ask(root, "callBack", talk.notes.thing)]


async def caches(talk: Talk) -> Any:
    """A cache, kept up to date and forgotten, of each side."""
    root = await talk.root()
    ask = talk.notes.ask
    meter = await ask(root, "watch")
    await ask(root, "change", 7)
    value = meter.value
    same = await ask(root, "watch")
    original = await ask(root, "callBack", talk.door, "echo", meter)
    result = [value, same == meter, original == meter]
    del meter, same, original
    await ask(root, "take", talk.notes.meter)
    await ask(talk.door, "change", 8)
    returned = await ask(root, "giveBack")
    result.append(returned[0] is talk.notes.meter)
    await ask(root, "drop")
    await ask(root, "echo")
    return result


async def copies(talk: Talk) -> Any:
    """Copies."""
    root = await talk.root()
    first, second = await talk.notes.ask(root, "copy", [1, "two"])
    return [first is second, first.x, first.value]


async def views(talk: Talk) -> Any:
    """A view."""
    root = await talk.root()
    seen = await talk.notes.ask(root, "view")
    return await talk.notes.ask(seen, "look")


async def paging(talk: Talk) -> Any:
    """Pages."""
    root = await talk.root()
    return [len(page) for page in await getAllPages(root, "pages", 2500)]


async def closing(talk: Talk) -> Any:
    """The server closes the connection, while a call waits."""
    root = await talk.root()
    calls = [talk.notes.ask(root, name) for name in ("later", "close")]
    return [await call.addErrback(lambda failure: failure.type.__name__) for call in calls]


async def login(talk: Talk) -> Any:
    """Login with a password, some calls, and logout."""
    factory = talk.pair.clientFactory
    user = await factory.login(UsernamePassword(b"ann", b"secret"), talk.door)
    ask = talk.notes.ask
    value = await ask(user, "echo", 3)
    thing = await ask(user, "lend")
    result = [value, await ask(thing, "echo", 4)]
    del user, thing
    await factory.getRootObject()
    return result


async def loginTwice(talk: Talk) -> Any:
    """Two logins on one connection, one of them anonymous."""
    factory = talk.pair.clientFactory
    first = await factory.login(UsernamePassword("ann", "secret"), None)
    second = await factory.login(Anonymous(), talk.door)
    ask = talk.notes.ask
    watched = await ask(second, "watch")
    await ask(first, "change", 5)
    await ask(first, "echo")
    return watched.value


async def loginFails(talk: Talk) -> Any:
    """Logins that fail, and one that doesn't."""
    factory = talk.pair.clientFactory
    texts = []
    for name, password in ((b"ann", b"wrong"), (b"broken", b"secret")):
        try:
            await factory.login(UsernamePassword(name, password), None)
        except pb.RemoteError as error:
            texts.append(type(error).__name__)
    user = await factory.login(UsernamePassword(b"ann", b"secret"), None)
    return [*texts, await talk.notes.ask(user, "echo", 1)]


SCENARIOS: dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        calls,
        errors,
        answersLater,
        references,
        callsWithin,
        caches,
        copies,
        views,
        paging,
        closing,
    )
}
"""By name, conversations with a root that anybody may call."""


async def loginScram(talk: Talk) -> Any:
    """Logins with SCRAM, one of which fails, and logout."""
    factory = talk.pair.clientFactory
    texts = []
    for name, password in (("ann", "wrong"), ("broken", "secret"), ("nobody", "secret")):
        try:
            await factory.login(pb.Password(name, password), None)
        except pb.RemoteError as error:
            texts.append(type(error).__name__)
    user = await factory.login(pb.Password("ann", "secret"), talk.door)
    result = [*texts, await talk.notes.ask(user, "echo", 3)]
    del user
    await factory.getRootObject()
    return result


async def loginPlainly(talk: Talk) -> Any:
    """Logins that send the secret itself."""
    factory = talk.pair.clientFactory
    texts = []
    for credentials in (pb.Token("wrong"), pb.ClientCertificate()):
        try:
            await factory.login(credentials, None)
        except LoginFailed as error:
            texts.append(type(error).__name__)
    users = [
        await factory.login(pb.Token("ann's token"), None),
        await factory.login(pb.Password("ann", "secret"), talk.door, mechanisms=["plain"]),
    ]
    return [*texts, *[await talk.notes.ask(user, "echo", 3) for user in users]]


LOGINS: dict[str, Scenario] = {
    scenario.__name__: scenario for scenario in (login, loginTwice, loginFails, loginScram, loginPlainly)
}
"""By name, conversations with a server behind a portal."""

"""
What the server process offers.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from zope.interface import implementer

from tests.interop import sky, world
from tests.interop.graphs import difference
from tests.interop.implementation import OURS, PACKAGE, pb, util
from tests.interop.logs import takeLoggedErrors
from tests.interop.values import VALUES

__all__ = ["brokers", "makeFactories"]

brokers: list[Any] = []
"""The brokers of all connections there are."""


class Desk(pb.Referenceable):
    """
    The root of one connection.

    @ivar broker: the broker of the connection.
    @ivar held: what L{remote_hold} was given.
    """

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.held: Any = None
        self.counter = world.Counter(1)
        self.later: list[Deferred[Any]] = []

    # For the tests themselves

    def remote_census(self) -> list[dict[str, Any]]:
        """How much each of the other connections holds."""
        gc.collect()
        return [
            {
                "lent": sorted(luid for luid in broker.localObjects if isinstance(luid, int)),
                "remotelyCached": sorted(broker.remotelyCachedObjects),
                "locallyCached": sorted(broker.locallyCachedObjects),
                "waiting": sorted(broker.waitingForAnswers),
            }
            for broker in brokers
            if broker is not self.broker
        ]

    def remote_takeEvents(self) -> list[str]:
        """What happened since the last call."""
        taken = world.events[:]
        world.events.clear()
        return taken

    def remote_takeLoggedErrors(self) -> list[str]:
        """The types of the errors that were logged since the last call."""
        return takeLoggedErrors()

    # Values

    def remote_echo(self, *args: Any, **kw: Any) -> Any:
        """Return what came, alone or as arguments and keywords."""
        return args[0] if len(args) == 1 and not kw else (args, kw)

    def remote_check(self, name: str, value: Any) -> str:
        """Where C{value} differs from the one of that name."""
        return difference(VALUES[name](), value)

    def remote_make(self, name: str) -> Any:
        """The value of that name."""
        return VALUES[name]()

    def remote_describe(self, value: Any) -> str:
        """The class and attributes of an object."""
        return f"{type(value).__name__} {sorted(vars(value).items())}"

    # References

    def remote_hold(self, value: Any) -> None:
        """Keep something."""
        self.held = value

    def remote_held(self) -> Any:
        """Return what was kept."""
        return self.held

    def remote_isHeld(self, value: Any) -> bool:
        """Whether that is what is kept."""
        return value is self.held or value == self.held

    def remote_areEqual(self, *values: Any) -> bool:
        """Whether all references are equal and have the same hash."""
        return len(set(values)) == 1 and all(value == values[0] for value in values)

    def remote_call(self, target: Any, name: str, *args: Any, **kw: Any) -> Any:
        """Call a method of an object of the client."""
        return target.callRemote(name, *args, **kw)

    def remote_callHeld(self, name: str, *args: Any) -> Any:
        """Call a method of the object of the client that is kept."""
        return self.held.callRemote(name, *args)

    def remote_newTarget(self) -> Any:
        """Make, keep and return an object to be called."""
        self.held = world.Target()
        return self.held

    def remote_targets(self, count: int) -> Any:
        """Many new objects."""
        return [world.Target() for _ in range(count)]

    def remote_target(self) -> Any:
        """A new object that the server itself doesn't keep."""
        return world.Target()

    def remote_name(self, name: str) -> None:
        """Offer an object under a name."""
        self.broker.setNameForLocal(name, world.Target())

    # Copies

    def remote_pond(self, frogs: Any) -> Any:
        """A copyable."""
        return world.Pond(frogs)

    def remote_samePondTwice(self) -> Any:
        """A copyable that is there twice."""
        pond = world.Pond([1])
        return [pond, {"again": pond}]

    def remote_circularPond(self) -> Any:
        """A copyable that contains itself."""
        pond = world.Pond([])
        pond.frogs.append(pond)
        return pond

    def remote_letter(self) -> Any:
        """A copyable without any methods of its own."""
        letter = world.Letter()
        letter.text, letter.pages = "Dear frog", (1, 2)
        return letter

    def remote_stamps(self, *numbers: int) -> Any:
        """Copyables that a factory receives."""
        return [world.Stamp(number) for number in numbers]

    def remote_zoo(self) -> Any:
        """Copyables of a class tree."""
        return [world.Fish("Wanda"), world.Bird("Tweety")]

    def remote_sky(self) -> Any:
        """What is declared to travel by value, or copies in its place."""
        return sky.makeSky()

    def remote_describeSky(self, value: Any) -> Any:
        """What the same looks like that the client has sent."""
        return sky.describeSky(value)

    def remote_undeclared(self) -> Any:
        """Something that can't travel, among things that can."""
        return [1, world.Undeclared(), 2]

    def remote_unregistered(self) -> Any:
        """Something that the client doesn't know."""
        return world.Unregistered()

    # Caches

    def remote_cache(self) -> Any:
        """The counter of this connection."""
        return self.counter

    def remote_sameCacheTwice(self) -> Any:
        """The counter twice in one message."""
        return [self.counter, (self.counter,)]

    def remote_change(self, value: int) -> Any:
        """Change the counter, and return at once."""
        self.counter.change(value)
        return value

    def remote_changeAndWait(self, value: int) -> Any:
        """Change the counter; return what the observers returned."""
        return self.counter.change(value)

    def remote_isCounter(self, *values: Any) -> bool:
        """Whether the arguments are the very counter."""
        return all(value is self.counter for value in values)

    def remote_observers(self) -> int:
        """How many observe the counter."""
        return len(self.counter.observers)

    def remote_sharedCache(self) -> Any:
        """A counter that all connections share."""
        return sharedCounter

    def remote_changeShared(self, value: int) -> Any:
        """Change the shared counter; return what the observers returned."""
        return sharedCounter.change(value)

    def remote_cachedValue(self) -> tuple[int, list[int]]:
        """What the counter of the client looks like from here."""
        return self.held.value, self.held.history

    def remote_poster(self, number: int, timestamp: float) -> Any:
        """Something published."""
        poster = world.Poster(number)
        poster.timestamp = timestamp
        return poster

    # Calls

    def remote_later(self) -> Deferred[Any]:
        """A Deferred that L{remote_fire} fires."""
        self.later.append(Deferred())
        return self.later[-1]

    def remote_fire(self, index: int, value: Any) -> None:
        """Fire one of the Deferreds, and forget it."""
        later, self.later[index] = self.later[index], Deferred()
        later.callback(value)

    def remote_never(self) -> Deferred[Any]:
        """A Deferred that never fires."""
        return Deferred()

    def remote_event(self, text: str) -> None:
        """Something happens."""
        world.events.append(text)

    def remote_hangUp(self) -> Deferred[Any]:
        """End the connection instead of answering."""
        self.broker.transport.loseConnection()
        return Deferred()

    def remote_tellOfDisconnect(self) -> None:
        """Let an event say when this connection ends."""
        self.broker.notifyOnDisconnect(lambda: world.events.append("disconnected"))

    def remote_dropsTransport(self) -> None:
        """End the connection after the answer."""
        reactor.callLater(0, self.broker.transport.loseConnection)  # type: ignore[attr-defined]

    def remote_keywords(self, *, first: int, second: int = 2) -> tuple[int, int]:
        """Takes keywords only."""
        return first, second

    # Errors

    def remote_raise(self, kind: str) -> None:
        """Raise an error."""
        raise makeError(kind)

    def remote_failLater(self, kind: str) -> Deferred[Any]:
        """Return a Deferred that fails at once."""
        return fail(makeError(kind))

    def remote_failAfterwards(self, kind: str) -> Deferred[Any]:
        """Return a Deferred that fails later."""

        def raiseIt() -> None:
            raise makeError(kind)

        return deferLater(reactor, 0, raiseIt)

    def remote_tooLong(self, count: int) -> bytes:
        """A byte string."""
        return b"x" * count

    def remote_tooLongLater(self, count: int) -> Deferred[bytes]:
        """A byte string, in a Deferred."""
        return deferLater(reactor, 0, bytes, count)

    # Pages

    def remote_pages(self, collector: Any, size: int, chunk: int) -> None:
        """Send bytes in pages."""
        util.StringPager(collector, page(size), chunk, world.events.append, f"paged {size}")

    def remote_filePages(self, collector: Any, size: int) -> None:
        """Send a file in pages."""
        util.FilePager(collector, io.BytesIO(page(size)), world.events.append, f"paged {size}")

    def remote_collector(self) -> Any:
        """Something that takes pages."""
        self.held = util.CallbackPageCollector(
            lambda pages: world.events.append(f"got {len(b''.join(pages))}")
        )
        return self.held


class OurDesk(Desk):
    """
    What only myspread can do.
    """

    async def remote_asyncAdd(self, one: int, other: int) -> int:
        """A coroutine that waits."""
        await deferLater(reactor, 0, lambda: None)
        return one + other

    async def remote_asyncRaise(self, kind: str) -> None:
        """A coroutine that waits and then raises."""
        await deferLater(reactor, 0, lambda: None)
        raise makeError(kind)

    async def remote_asyncCall(self, target: Any, value: Any) -> Any:
        """A coroutine that calls back."""
        return [await target.callRemote("echo", value)]

    async def remote_asyncTrap(self, target: Any) -> str:
        """A coroutine that catches what the client raises."""
        try:
            await target.callRemote("raise")
        except ValueError as error:
            return f"caught {error}"
        return "nothing to catch"


sharedCounter = world.Counter(0)


class Service(pb.Root):
    """
    Makes a desk for each connection.
    """

    def rootObject(self, broker: Any) -> Any:
        """The desk."""
        return OurDesk(broker) if PACKAGE == OURS else Desk(broker)


def page(size: int) -> bytes:
    """As many bytes, in a pattern."""
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


def makeError(kind: str) -> Exception:
    """An error of a kind."""
    errors: dict[str, Callable[[], Exception]] = {
        "refused": lambda: world.RefusedError("no frogs today"),
        "plain": lambda: pb.Error("as expected"),
        "value": lambda: ValueError("not that one"),
        "lookup": lambda: KeyError("nowhere"),
        "unicode": lambda: ValueError("Frösche \U0001f438"),
        "allowed": world.AllowedError,
        "jelly": makeJellyError,
        "clouded": makeClouded,
    }
    return errors[kind]()


def makeJellyError() -> Exception:
    """An error with state."""
    error = world.JellyError("I travel")
    error.code = 7
    return error


def makeClouded() -> Exception:
    """An error that is declared to travel by value, or a copy in its place."""
    error: Any = sky.Clouded("clouded out")
    error.cover = 7
    return error


class Sight(pb.Viewable):
    """Looks different to each."""

    def view_describe(self, perspective: Any, *args: Any, **kw: Any) -> tuple[str, Any, Any]:
        """Who looks at it, and how."""
        return perspective.name, args, kw

    def view_isMe(self, perspective: Any, view: Any) -> bool:
        """Whether the argument is this object, seen by the same."""
        return view.object is self and view.perspective is perspective

    def view_raise(self, perspective: Any) -> None:
        """Refuse."""
        raise world.RefusedError(f"not for {perspective.name}")


class Member(pb.Avatar):
    """
    The avatar of somebody who has logged in.

    @ivar name: who it is.
    @ivar mind: what the client gave to be called at.
    """

    def __init__(self, name: str, mind: Any) -> None:
        self.name = name
        self.mind = mind
        self.sight = Sight()

    def logout(self) -> None:
        """It's over."""
        world.events.append(f"logout {self.name}")
        self.mind = None

    def perspective_echo(self, *args: Any, **kw: Any) -> Any:
        """Return the arguments."""
        return args, kw

    def perspective_whoAmI(self) -> str:
        """The name."""
        return self.name

    def perspective_sight(self) -> Any:
        """Something to look at."""
        return self.sight

    def perspective_look(self, sight: Any) -> bool:
        """Whether the argument is our own sight, seen by this avatar."""
        return sight.object is self.sight and sight.perspective is self

    def perspective_pond(self) -> Any:
        """A copyable whose state depends on who gets it."""
        return world.Pond([1])

    def perspective_callMind(self, *args: Any) -> Any:
        """Call the client."""
        return self.mind.callRemote("note", *args)

    def perspective_hasMind(self) -> bool:
        """Whether there is a client to call."""
        return self.mind is not None

    def perspective_refuse(self) -> None:
        """Raise an error."""
        raise world.RefusedError("members only")

    def perspective_later(self) -> Deferred[Any]:
        """A Deferred with a result."""
        return succeed(self.name)

    def perspective_hangUp(self) -> None:
        """Nothing to see; the mind knows the broker."""
        self.mind.broker.transport.loseConnection()


@implementer(IRealm)
class Realm:
    """
    Makes members; C{late} comes late, and C{twice} is one avatar for all.
    """

    def __init__(self) -> None:
        self.one = Member("twice", None)

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar of a user."""
        name = avatarId.decode() if isinstance(avatarId, bytes) else "anonymous"
        member = self.one if name == "twice" else Member(name, mind)
        world.events.append(f"login {name}")
        result = pb.IPerspective, member, member.logout
        if name == "late":
            return deferLater(reactor, 0.01, lambda: result)
        if name == "inside":
            return pb.IPerspective, deferLater(reactor, 0.01, lambda: member), member.logout
        return result


USERS = {name.encode(): b"secret" for name in ("alice", "bob", "late", "inside", "twice")}


def makeFactories() -> dict[str, Any]:
    """The factories of the server, by name."""

    class Factory(pb.PBServerFactory):
        """Knows the connections that there are."""

        def buildProtocol(self, address: Any) -> Any:
            """A broker that is in the list as long as it is connected."""
            broker = super().buildProtocol(address)
            broker.notifyOnConnect(lambda: brokers.append(broker))
            broker.notifyOnDisconnect(lambda: brokers.remove(broker))
            return broker

    users = InMemoryUsernamePasswordDatabaseDontUse(**{name.decode(): word for name, word in USERS.items()})
    return {
        "root": Factory(Service()),
        "unsafe": Factory(Service(), unsafeTracebacks=True),
        "portal": Factory(Portal(Realm(), [users, AllowAnonymousAccess()])),
        "closed": Factory(Portal(Realm(), [users])),
    }

"""
Programs that are half migrated: for each side, which package the factory comes
from, and which one the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, product
from types import SimpleNamespace
from typing import Any, NamedTuple

import twisted.spread.pb
import twisted.spread.publish
import twisted.spread.util
from twisted.cred.checkers import AllowAnonymousAccess, InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from zope.interface import implementer

import myspread.pb
import myspread.publish
import myspread.util

__all__ = ["MIXED", "MIXTURES", "Mixture", "Side", "World", "worldsOf"]

OURS = SimpleNamespace(name="myspread", pb=myspread.pb, util=myspread.util, publish=myspread.publish)
STOCK = SimpleNamespace(
    name="twisted.spread",
    pb=twisted.spread.pb,
    util=twisted.spread.util,
    publish=twisted.spread.publish,
)

_numbers = count(1)

PAGED = b"0123456789" * 2000


class Side(NamedTuple):
    """
    One side of a connection.

    @ivar factory: the package of the factory.
    @ivar classes: the package of the classes.
    """

    factory: Any
    classes: Any

    @property
    def isMixed(self) -> bool:
        """Whether it is half migrated."""
        return self.factory is not self.classes

    def __str__(self) -> str:
        return f"a factory of {self.factory.name} and classes of {self.classes.name}"

    def register(self, tag: str, klass: type) -> None:
        """Let a class stand for a tag. The brokers of C{twisted.spread} know only its own registry."""
        package = STOCK if STOCK in self else OURS
        package.pb.setUnjellyableForClass(tag, klass)


class Mixture(NamedTuple):
    """Both sides."""

    server: Side
    client: Side

    def __str__(self) -> str:
        return f"server: {self.server}; client: {self.client}"


SIDES = [Side(*packages) for packages in product((OURS, STOCK), repeat=2)]
MIXTURES = [Mixture(*sides) for sides in product(SIDES, repeat=2)]
MIXED = [mixture for mixture in MIXTURES if mixture.server.isMixed and mixture.client.isMixed]


class World:
    """
    The classes of one side, and what has happened to their instances.

    @ivar stopped: for each end of an observation, whether its observer was the
        one that had been given.
    @ivar loggedOut: the avatars that have logged out.
    """

    def __init__(self, side: Side, name: str) -> None:
        """
        @param name: what the tags of its classes begin with. Registrations are
            the process's, and both sides are in one.
        """
        self.side = side
        self.name = name
        self.stopped: list[bool] = []
        self.loggedOut: list[Any] = []
        self._defineTravellers(side.classes.pb)
        self._defineServed(side.classes.pb)

    def accept(self, other: World) -> None:
        """Let this world's classes stand for those of the peer."""
        self.side.register(f"{other.name}.Pond", self.RemotePond)
        self.side.register(f"{other.name}.Duck", self.RemoteDuck)

    def _defineTravellers(self, pb: Any) -> None:
        world = self

        class Pond(pb.Copyable):  # type: ignore[misc]
            def __init__(self, count: int) -> None:
                self.count = count
                self.again = [self]

            def getTypeToCopy(self) -> bytes:
                return f"{world.name}.Pond".encode()

            def getStateToCopy(self) -> dict[str, Any]:
                return {"count": self.count}

        class RemotePond(pb.RemoteCopy):  # type: ignore[misc]
            pass

        class Duck(pb.Cacheable):  # type: ignore[misc]
            def __init__(self, name: str) -> None:
                self.name = name
                self.observers: list[Any] = []

            def getTypeToCopy(self) -> bytes:
                return f"{world.name}.Duck".encode()

            def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
                self.observers.append(observer)
                return {"name": self.name}

            def stoppedObserving(self, perspective: Any, observer: Any) -> None:
                world.stopped.append(observer in self.observers and hash(observer) == hash(self.observers[0]))
                self.observers.remove(observer)

            def rename(self, name: str) -> Any:
                self.name = name
                return [observer.callRemote("renamed", name) for observer in self.observers][-1]

        class RemoteDuck(pb.RemoteCache):  # type: ignore[misc]
            def observe_renamed(self, name: str) -> str:
                self.name = name
                return f"now {name}"

        class Adder(pb.Referenceable):  # type: ignore[misc]
            def remote_add(self, one: Any, other: Any = 0) -> Any:
                return one + other

        self.Pond, self.RemotePond = Pond, RemotePond
        self.Duck, self.RemoteDuck = Duck, RemoteDuck
        self.Adder = Adder

    def _defineServed(self, pb: Any) -> None:
        world = self
        packages = self.side.classes

        class Watched(pb.Viewable):  # type: ignore[misc]
            def view_who(self, perspective: Any, question: str) -> str:
                return f"{question} {perspective.name}"

        class Plain:
            def remoteMessageReceived(self, broker: Any, message: str, args: Any, kw: Any) -> Any:
                return broker.serialize([message, *broker.unserialize(args)])

        class Root(pb.Root):  # type: ignore[misc]
            def __init__(self) -> None:
                self.duck = world.Duck("Donald")
                self.adder = world.Adder()

            def remote_echo(self, *args: Any, **kw: Any) -> Any:
                return args, kw

            def remote_adder(self) -> Any:
                return self.adder

            def remote_isAdder(self, reference: Any) -> bool:
                return reference is self.adder

            def remote_ask(self, adder: Any) -> Any:
                return adder.callRemote("add", 20, other=22)

            def remote_same(self, reference: Any) -> Any:
                # twisted.spread gives a reference back before the answer that names it.
                self.kept = reference
                return reference

            def remote_pond(self, count: int) -> Any:
                return [world.Pond(count)]

            def remote_count(self, pond: Any) -> Any:
                return type(pond) is world.RemotePond, pond.count

            def remote_duck(self) -> Any:
                return self.duck

            def remote_isDuck(self, duck: Any) -> bool:
                return duck is self.duck

            def remote_rename(self, name: str) -> Any:
                return self.duck.rename(name)

            def remote_plain(self) -> Any:
                return pb.AsReferenceable(Plain())

            def remote_pages(self, collector: Any) -> None:
                packages.util.StringPager(collector, PAGED, 1000)

            def remote_fail(self, kind: str) -> None:
                raise {"Error": pb.Error, "ValueError": ValueError}[kind]("on purpose")

        class Person(pb.Avatar):  # type: ignore[misc]
            def __init__(self, name: str, mind: Any) -> None:
                self.name = name
                self.mind = mind

            def perspective_watched(self) -> Any:
                return Watched()

            def perspective_viewpoint(self) -> Any:
                return pb.ViewPoint(self, Watched())

            def perspective_mind(self) -> Any:
                return self.mind.callRemote("add", 1, other=1)

        @implementer(IRealm)
        class Realm:
            """Written for C{twisted.spread}: it tests for that package's interface."""

            def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
                assert interfaces == (twisted.spread.pb.IPerspective,)
                name = avatarId.decode() if avatarId else "nobody"
                return interfaces[0], Person(name, mind), lambda: world.loggedOut.append(name)

        self.Root, self.Realm = Root, Realm

    def portal(self) -> Portal:
        """A portal to avatars of this side's classes."""
        checkers = [AllowAnonymousAccess(), InMemoryUsernamePasswordDatabaseDontUse(Mia=b"secret")]
        return Portal(self.Realm(), checkers)  # type: ignore[no-untyped-call]

    def serverFactory(self, makeRoot: Callable[[World], Any]) -> Any:
        """A factory that serves what C{makeRoot(world)} returns."""
        return self.side.factory.pb.PBServerFactory(makeRoot(self))

    def clientFactory(self) -> Any:
        """A factory that connects."""
        return self.side.factory.pb.PBClientFactory()


def worldsOf(mixture: Mixture) -> tuple[World, World]:
    """The worlds of server and client, each of which accepts the other's objects."""
    number = next(_numbers)
    server = World(mixture.server, f"migration.server{number}")
    client = World(mixture.client, f"migration.client{number}")
    server.accept(client)
    client.accept(server)
    return server, client

"""
Objects of every flavor that both peers know.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import gatherResults

from tests.interop import zoo
from tests.interop.implementation import jelly, pb, publish

__all__ = [
    "AllowedError",
    "Bird",
    "Counter",
    "Fish",
    "JellyError",
    "Letter",
    "Pond",
    "Poster",
    "RefusedError",
    "RemoteCounter",
    "RemotePond",
    "RemotePoster",
    "Stamp",
    "Target",
    "Undeclared",
    "Unregistered",
    "events",
]

events: list[str] = []
"""What happened in this process, for the other side to ask after."""


class Target(pb.Referenceable):
    """
    An object to be called.

    @ivar calls: the arguments of all calls of C{remote_note}.
    """

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def remote_note(self, *args: Any, **kw: Any) -> int:
        """Keep the arguments; return how many calls there were."""
        self.calls.append((args, kw))
        return len(self.calls)

    def remote_echo(self, value: Any) -> Any:
        """Return the argument."""
        return value

    def remote_isSelf(self, other: Any) -> bool:
        """Whether the argument is this object."""
        return other is self


class Pond(pb.Copyable):
    """
    A copyable that says itself what travels and under which name.
    """

    def __init__(self, frogs: Any, secret: str = "mud") -> None:
        self.frogs = frogs
        self.secret = secret

    def getTypeToCopy(self) -> bytes:
        """The tag."""
        return b"interop.Pond"

    def getStateToCopyFor(self, perspective: Any) -> dict[str, Any]:
        """What travels; it depends on who gets it."""
        return {"frogs": self.frogs, "seenBy": getattr(perspective, "name", None)}


class RemotePond(pb.RemoteCopy):
    """
    What becomes of a L{Pond}.

    @ivar settled: set by L{postUnjelly}.
    """

    def postUnjelly(self) -> None:
        """Called when the whole message is there."""
        self.settled = True


pb.setUnjellyableForClass("interop.Pond", RemotePond)


class Letter(pb.Copyable, pb.RemoteCopy):
    """
    Travels under the name of its class, and arrives as the same class.
    """


pb.setUnjellyableForClass(Letter, Letter)


class Stamp(pb.Copyable):
    """Arrives as whatever a factory makes of it."""

    def __init__(self, number: int) -> None:
        self.number = number


class OneStamp(pb.RemoteCopy):
    """The only one of its number in this process."""

    known: dict[int, OneStamp] = {}  # noqa: RUF012 - one for the process


def findStamp(state: dict[str, Any]) -> OneStamp:
    """The stamp with the number that has arrived."""
    return OneStamp.known.setdefault(state["number"], OneStamp())


pb.setUnjellyableFactoryForClass(Stamp, findStamp)


class Fish(pb.Copyable):
    """The sending side of L{zoo.Fish}."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getTypeToCopy(self) -> bytes:
        """The tag, which names a class of the zoo."""
        return f"zoo.{type(self).__name__}".encode()


class Bird(Fish):
    """The sending side of L{zoo.Bird}."""


pb.setUnjellyableForClassTree(zoo, zoo.Animal, "zoo")


class Counter(pb.Cacheable):
    """
    A number that observers are told of.
    """

    def __init__(self, value: int) -> None:
        self.value = value
        self.observers: list[Any] = []

    def getTypeToCopy(self) -> bytes:
        """The tag."""
        return b"interop.Counter"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        """What the cache starts with."""
        self.observers.append(observer)
        return {"value": self.value}

    def change(self, value: int) -> Any:
        """Tell all observers; fires with what they return."""
        self.value = value
        return gatherResults([observer.callRemote("changed", value) for observer in self.observers])

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        """One is gone."""
        events.append("stoppedObserving")
        self.observers = [each for each in self.observers if each.broker is not observer.broker]


class RemoteCounter(pb.RemoteCache):
    """
    What becomes of a L{Counter}.

    @ivar history: all the values there were, as the class's C{__init__} and
        the updates left it.
    """

    def __init__(self) -> None:
        self.history: list[int] = []

    def setCopyableState(self, state: dict[str, Any]) -> None:
        """The first value."""
        self.__dict__.update(state)
        self.history.append(self.value)

    def observe_changed(self, value: int) -> int:
        """Another value."""
        self.value = value
        self.history.append(value)
        return value * 10


pb.setUnjellyableForClass("interop.Counter", RemoteCounter)


class Poster(publish.Publishable):
    """Something that stays with those that have seen it."""

    def getTypeToCopy(self) -> bytes:
        """The tag."""
        return b"interop.Poster"

    def getStateToPublish(self) -> dict[str, Any]:
        """What is worth keeping."""
        events.append("published")
        return {"text": "Frogs!", "size": (3, 4)}


class RemotePoster(publish.RemotePublished):
    """
    What becomes of a L{Poster}.
    """

    def activated(self) -> None:
        """It is complete."""
        events.append(f"activated {self.text}")


pb.setUnjellyableForClass("interop.Poster", RemotePoster)
pb.setUnjellyableForClass(RemotePoster, RemotePoster)


class Undeclared:
    """Nobody said that instances of this may travel."""


class Unregistered(pb.Copyable):
    """Nobody said what becomes of this."""

    def getTypeToCopy(self) -> bytes:
        """The tag."""
        return b"interop.Unregistered"


class RefusedError(pb.Error):
    """An error that applications expect."""


class JellyError(pb.Error, pb.Jellyable, pb.RemoteCopy):
    """An error that travels as an object."""


pb.setUnjellyableForClass(JellyError, JellyError)


class AllowedError(pb.Error):
    """An error whose class the policy lets through."""


jelly.globalSecurity.allowInstancesOf(AllowedError)

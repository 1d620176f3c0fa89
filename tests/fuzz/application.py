"""
An application that does everything that an application can do with PB, and
notes what happens to it: the victim of the fuzzers, on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.cred.checkers import AllowAnonymousAccess, ICredentialsChecker
from twisted.cred.credentials import IUsernameHashedPassword, IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, fail
from zope.interface import implementer

from myspread import pb
from myspread.interfaces import IPBRoot
from myspread.util import StringPager

__all__ = [
    "DEEDS",
    "MADE",
    "METER",
    "POINT",
    "Application",
    "Asked",
    "Door",
    "Meter",
    "Notes",
    "RemoteMeter",
    "RemotePoint",
    "Thing",
    "User",
]

POINT = b"fuzz.Point"
METER = b"fuzz.Meter"
PASSWORD = b"secret"
TOKEN = b"ann's token"
VERIFIER = pb.ScramVerifier.fromPassword(PASSWORD.decode("ascii"), 4096, b"salt" * 4)

MADE: Counter[str] = Counter()
"""By name, how many objects of the classes here have come out of messages."""


class Asked:
    """
    A call that the application has made.

    @ivar name: the method.
    @ivar broker: the connection.
    @ivar fired: how often its Deferred has.
    """

    def __init__(self, name: str, broker: Any) -> None:
        self.name = name
        self.broker = broker
        self.fired = 0

    def __repr__(self) -> str:
        return f"<{self.name}, fired {self.fired} times>"

    def fires(self, value: Any) -> Any:
        """Its Deferred fires."""
        self.fired += 1
        return value


class Notes:
    """
    What happens to one side of a connection, and what it holds.

    @ivar happened: how often each thing did.
    @ivar asked: the calls that it has made.
    @ivar waiting: answers that it owes.
    @ivar taken: what it was given.
    @ivar thing: what it lends.
    @ivar meter: what it lets others watch.
    @ivar hook: called with the name of what happens, in the middle of it.
    @ivar broker: the connection.
    """

    def __init__(self, meter: Meter | None = None) -> None:
        self.happened: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self.waiting: list[Deferred[Any]] = []
        self.taken: list[Any] = []
        self.meter = meter or Meter()
        self.thing = Thing(self)
        self.hook: Callable[[str], None] = lambda what: None
        self.broker: Any = None

    def happens(self, what: str) -> None:
        """Something does."""
        self.happened[what] += 1
        self.hook(what)

    def ask(self, reference: Any, name: str, *args: Any, **kw: Any) -> Deferred[Any]:
        """Call a method of the peer, and note when its Deferred fires."""
        asked = Asked(name, getattr(reference, "broker", None))
        try:
            answer: Deferred[Any] | None = reference.callRemote(name, *args, **kw)
        except (pb.DeadReferenceError, pb.ProtocolError) as error:
            return fail(error)
        if not isinstance(answer, Deferred):
            # Of an object of ours, or without an answer.
            answer = Deferred()
            answer.callback(None)
        self.asked.append(asked)
        return answer.addBoth(asked.fires)

    def forget(self) -> None:
        """Let go of all that was taken."""
        self.taken.clear()


class Point(pb.Copyable):
    """Something that travels as a copy."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def getTypeToCopy(self) -> bytes:
        return POINT


class RemotePoint(pb.RemoteCopy):
    """Its copy."""

    def setCopyableState(self, state: Any) -> None:
        MADE["Point"] += 1
        super().setCopyableState(state)


class Meter(pb.Cacheable):
    """
    A number that others watch.

    @ivar observers: who does.
    @ivar wrong: what should not have happened.
    @ivar hook: called in the middle of C{stoppedObserving}.
    """

    def __init__(self) -> None:
        self.value = 0
        self.observers: list[Any] = []
        self.wrong: list[str] = []
        self.hook: Callable[[str], None] = lambda what: None

    def getTypeToCopy(self) -> bytes:
        return METER

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        self.hook("observed")
        return {"value": self.value}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        if observer not in self.observers:
            self.wrong.append("stoppedObserving of what wasn't observed")
        else:
            self.observers.remove(observer)
        self.hook("stopped")


class RemoteMeter(pb.RemoteCache):
    """Its cache."""

    def setCopyableState(self, state: Any) -> None:
        MADE["Meter"] += 1
        super().setCopyableState(state)

    def observe_changed(self, value: Any) -> Any:
        """The number has changed."""
        self.value = value
        return value


class Thing(pb.Referenceable):
    """Something that is lent."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes

    def remote_echo(self, value: Any = None) -> Any:
        """The value."""
        self.notes.happens("thing")
        return value


class Sight(pb.Viewable):
    """Something that is told who looks."""

    def view_look(self, perspective: Any) -> str:
        """Who looks."""
        return type(perspective).__name__


# What can be asked of either side, by any of its objects.


def echo(notes: Notes, *values: Any, **named: Any) -> Any:
    """What it was given."""
    return values[0] if len(values) == 1 and not named else [values, named]


def refuse(notes: Notes, text: Any = "on purpose") -> None:
    """An error that is meant for the peer."""
    raise pb.Error(text)


def crash(notes: Notes) -> None:
    """A mistake."""
    raise ValueError("on purpose")


def leave(notes: Notes) -> None:
    """Not even this may end the server."""
    raise SystemExit(3)


def later(notes: Notes) -> Deferred[Any]:
    """An answer that comes later."""
    notes.waiting.append(Deferred())
    return notes.waiting[-1]


async def soon(notes: Notes, value: Any = None) -> Any:
    """A coroutine that waits."""
    return [await later(notes), value]


def fire(notes: Notes, value: Any = None) -> None:
    """Give the answer that is owed longest."""
    notes.waiting.pop(0).callback(value)


def fireWrong(notes: Notes) -> None:
    """Let it fail."""
    notes.waiting.pop(0).errback(pb.Error("on purpose"))


def cancel(notes: Notes) -> None:
    """Give up."""
    notes.waiting.pop(0).cancel()


def lend(notes: Notes) -> Any:
    """A reference, the same each time."""
    return notes.thing


def lendNew(notes: Notes, count: int = 1) -> Any:
    """References to new objects."""
    return [Thing(notes) for _ in range(min(count, 50))]


def take(notes: Notes, *things: Any) -> int:
    """Keep what was given."""
    notes.taken += things
    return len(notes.taken)


def giveBack(notes: Notes) -> Any:
    """All that was taken."""
    return list(notes.taken)


def drop(notes: Notes) -> None:
    """Let go of what was taken."""
    notes.forget()


def callBack(notes: Notes, reference: Any, name: str = "echo", *args: Any) -> Any:
    """Call the caller, who gets what that returns."""
    _check(reference, name)
    return notes.ask(reference, name, *args)


def tell(notes: Notes, reference: Any, name: str = "echo", *args: Any) -> None:
    """Call the caller, without an answer."""
    _check(reference, name)
    reference.callRemote(name, *args, pbanswer=False)


def _check(reference: Any, name: Any = "") -> None:
    """What a peer gives isn't always what was wanted."""
    if not isinstance(reference, (pb.RemoteReference, pb.Referenceable)) or not isinstance(name, str):
        raise pb.Error("this can't be called")


def watch(notes: Notes) -> Any:
    """A cache."""
    return notes.meter


def change(notes: Notes, value: Any = 1) -> None:
    """Change what is watched."""
    notes.meter.value = value
    for observer in list(notes.meter.observers):
        notes.ask(observer, "changed", value).addErrback(lambda failure: None)


def copy(notes: Notes, value: Any = None) -> Any:
    """A copy, twice the same."""
    point = Point(x=1, value=value, text="text")
    return [point, point]


def view(notes: Notes) -> Any:
    """A view."""
    return Sight()


def pages(notes: Notes, collector: Any, size: int = 3000) -> None:
    """Many bytes, in pages."""
    if not isinstance(collector, pb.RemoteReference):
        raise pb.Error("no collector")
    StringPager(collector, b"x" * min(size, 20000), 1000)


def close(notes: Notes) -> None:
    """Close the connection."""
    notes.broker.transport.loseConnection()


def abort(notes: Notes) -> None:
    """Close the connection at once."""
    notes.broker.transport.abortConnection()


DEEDS: dict[str, Callable[..., Any]] = {
    deed.__name__: deed
    for deed in (
        echo,
        refuse,
        crash,
        leave,
        later,
        soon,
        fire,
        fireWrong,
        cancel,
        lend,
        lendNew,
        take,
        giveBack,
        drop,
        callBack,
        tell,
        watch,
        change,
        copy,
        view,
        pages,
        close,
        abort,
    )
}
"""By name, what can be asked of either side."""


def _method(name: str) -> Callable[..., Any]:
    deed = DEEDS[name]

    def method(self: Any, *args: Any, **kw: Any) -> Any:
        self.notes.happens(name)
        return deed(self.notes, *args, **kw)

    method.__name__ = name
    return method


class Door(pb.Referenceable):
    """Where the peer calls."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes


class User(pb.Avatar):
    """
    Somebody who has logged in.

    @ivar mind: what the client gave along.
    @ivar left: how often it was logged out.
    """

    def __init__(self, notes: Notes, avatarId: Any, mind: Any) -> None:
        super().__init__(avatarId)
        self.notes = notes
        self.mind = mind
        self.left = 0

    def logout(self) -> None:
        """Somebody has left."""
        self.left += 1
        self.mind = None
        self.notes.happens("logout")


for _name in DEEDS:
    setattr(Door, f"remote_{_name}", _method(_name))
    setattr(User, f"perspective_{_name}", _method(_name))

pb.setUnjellyableForClass(POINT, RemotePoint)
pb.setUnjellyableForClass(METER, RemoteMeter)


@implementer(ICredentialsChecker)
class Checker:
    """
    Knows one password for everybody. Those called C{slow} wait for their
    answer, those called C{broken} meet a mistake.

    @ivar notes: where to note what happens.
    @ivar seen: the user names.
    """

    credentialInterfaces = (IUsernameHashedPassword,)

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.seen: list[Any] = []

    def requestAvatarId(self, credentials: Any) -> Any:
        """The user's name, or a failure."""
        self.seen.append(credentials.username)
        self.notes.happens("checked")
        if credentials.username in (b"broken", "broken"):
            raise ValueError("on purpose")
        if credentials.username in (b"slow", "slow"):
            return later(self.notes).addCallback(lambda ignored: self._checked(credentials))
        return self._checked(credentials)

    def _checked(self, credentials: Any) -> Any:
        if not credentials.checkPassword(PASSWORD):
            return fail(UnauthorizedLogin())
        return credentials.username


@implementer(ICredentialsChecker, pb.IScramVerifiers)
class OtherChecker(Checker):
    """
    Knows the same password by its verifier, or wants to see it; and a token.
    """

    credentialInterfaces = (  # type: ignore[assignment]
        pb.IScramCredentials,
        pb.ITokenCredentials,
        IUsernamePassword,
    )

    iterations = 4096
    secret = b"secret of the server"

    def verifierFor(self, username: bytes) -> Any:
        """The same for everybody, but for C{nobody}."""
        self.seen.append(username)
        self.notes.happens("checked")
        if username == b"broken":
            raise ValueError("on purpose")
        verifier = None if username == b"nobody" else VERIFIER
        return later(self.notes).addCallback(lambda ignored: verifier) if username == b"slow" else verifier

    def requestAvatarId(self, credentials: Any) -> Any:
        """As for the others; whoever has the token is Ann."""
        if not pb.ITokenCredentials.providedBy(credentials):
            return super().requestAvatarId(credentials)
        self.notes.happens("checked")
        return b"ann" if credentials.token == TOKEN else fail(UnauthorizedLogin())

    def _checked(self, credentials: Any) -> Any:
        if pb.IScramCredentials.providedBy(credentials):
            return credentials.username if credentials.check(VERIFIER) else fail(UnauthorizedLogin())
        return super()._checked(credentials)


@implementer(IPBRoot, IRealm)
class Application:
    """
    A server: with a root that anybody may call, or behind a portal.

    @ivar notes: for each connection, what happened; for one behind a portal,
        one for all.
    @ivar meter: what all of them watch.
    @ivar users: everybody who has logged in.
    @ivar checker: checks passwords.
    @ivar otherChecker: checks passwords in other ways, and tokens.
    """

    def __init__(self) -> None:
        self.meter = Meter()
        self.notes: list[Notes] = []
        self.shared = Notes(self.meter)
        self.checker = Checker(self.shared)
        self.otherChecker = OtherChecker(self.shared)
        self.users: list[User] = []

    def rootObject(self, broker: Any) -> Door:
        """The root for a new connection."""
        notes = Notes(self.meter)
        notes.broker = broker
        self.notes.append(notes)
        return Door(notes)

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """An avatar, a new one each time."""
        user = User(self.shared, avatarId, mind)
        self.users.append(user)
        return pb.IPerspective, user, user.logout

    def portal(self) -> Portal:
        """A portal to this application."""
        return Portal(self, [self.checker, self.otherChecker, AllowAnonymousAccess()])

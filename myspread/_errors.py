"""
Every exception that myspread raises.

Those that ``twisted.spread`` has are its own classes, not copies: ``except``
clauses and ``Failure.trap`` calls work whichever of the two packages a program
imports them from, and the names that travel on the wire stay the same. Our own
travel by the names of the modules that programs import them from.
"""

from __future__ import annotations

from typing import Any

from twisted.cred.error import LoginFailed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectionLost
from twisted.spread.banana import BananaError
from twisted.spread.flavors import NoSuchMethod
from twisted.spread.jelly import InsecureJelly
from twisted.spread.pb import (
    DeadReferenceError,
    Error,
    PBConnectionLost,
    ProtocolError,
    RemoteError,
)

__all__ = [
    "BananaError",
    "BudgetExceeded",
    "CallTimeout",
    "DeadReferenceError",
    "Error",
    "ForeignReference",
    "Incident",
    "InsecureJelly",
    "LendingEnded",
    "LimitExceeded",
    "MalformedJelly",
    "MethodChanged",
    "NoMechanism",
    "NoServer",
    "NoSuchMethod",
    "NotDescribed",
    "NotJellyable",
    "PBConnectionLost",
    "PeerSilent",
    "ProtocolError",
    "RemoteError",
    "ServerLeaving",
    "SessionClosed",
    "SessionTimeout",
    "UnknownTypeByte",
    "UnknownVocabulary",
    "UnprovenServer",
    "UntrustedServer",
    "VocabularyNotNegotiated",
]


class UnknownTypeByte(BananaError, NotImplementedError):
    """
    A delimiter byte arrived that the Banana specification doesn't define.

    It is a L{NotImplementedError} too, because that is what
    L{twisted.spread.banana.Banana} raises.
    """

    __module__ = "myspread.banana"


class UnknownVocabulary(BananaError, KeyError):
    """
    A vocabulary id arrived that the negotiated dialect doesn't define.

    It is a L{KeyError} too, because that is what
    L{twisted.spread.banana.Banana} raises.
    """

    __module__ = "myspread.banana"

    # KeyError would show the repr of the message.
    __str__ = Exception.__str__


class VocabularyNotNegotiated(BananaError, NotImplementedError):
    """
    A vocabulary id arrived on a connection whose dialect has no vocabulary.

    It is a L{NotImplementedError} too, because that is what
    L{twisted.spread.banana.Banana} raises.
    """

    __module__ = "myspread.banana"


class LimitExceeded(BananaError):
    """
    Something is larger than a field of L{myspread.limits.Limits} allows.
    """

    __module__ = "myspread.pb"


class MalformedJelly(InsecureJelly):
    """
    An s-expression arrived that is no form of the Jelly language, or whose
    fields have the wrong types.

    It is an L{InsecureJelly} because a receiver treats both alike: the
    value isn't made, and the call that it belongs to fails.

    @ivar path: where in the message, if the one who raised it knew.
    @ivar step: from there, the way into what was made of it, such as C{.frogs}.
    """

    __module__ = "myspread.pb"

    path: str

    def __init__(self, text: str = "", step: str = "") -> None:
        super().__init__(text)
        self.step = step


class NotJellyable(InsecureJelly, NotImplementedError):
    """
    A value of ours has a type that Jelly carries, but itself cannot travel.

    It is a L{NotImplementedError} too, because that is what C{twisted.spread}
    raises for a time with a time zone.
    """

    __module__ = "myspread.pb"


class MethodChanged(MalformedJelly, TypeError):
    """
    A method arrived that its class doesn't define here.

    It is a L{TypeError} too, because that is what L{twisted.spread.jelly}
    raises.
    """

    __module__ = "myspread.pb"


class ForeignReference(ProtocolError, AssertionError):
    """
    A reference or cache of one connection was handed to the peer of another.

    Perspective Broker has no third-party references. It is an
    L{AssertionError} too, because that is what
    L{twisted.spread.pb.RemoteReference} raises.
    """

    __module__ = "myspread.pb"


class CallTimeout(DeferredTimeout, TimeoutError):
    """
    A call was not answered before its deadline. Whether the peer has done what
    it was asked to, or still will, is not known.

    It can be caught as the built-in L{TimeoutError} and as that of
    C{twisted.internet.defer}.

    @ivar method: the name of the method.
    @ivar age: how many seconds the call has waited.
    @ivar peer: the address of the peer, as text.
    """

    __module__ = "myspread.pb"

    method: str = ""
    age: float = 0.0
    peer: str = ""

    # That of OSError, of which the built-in class is one, may show an errno.
    __str__ = Exception.__str__

    @classmethod
    def after(cls, method: str, seconds: float, peer: str, age: float | None = None) -> CallTimeout:
        """The error of a call that may wait for some seconds, and has waited for C{age} seconds."""
        error = cls(f"{method}: no answer from {peer} within {seconds:.3g} s")
        error.method = method
        error.age = seconds if age is None else age
        error.peer = peer
        return error


class PeerSilent(ConnectionLost):
    """
    A connection was closed because nothing came from the peer any more, not
    even the answer to a ping: it has vanished, hangs or was stopped.

    It is a C{twisted.internet.error.ConnectionLost}: what a broker and a session
    give as the reason of the loss. Calls that wait fail with
    L{PBConnectionLost}, whose text has this one.

    @ivar seconds: for how long nothing came, at least.
    @ivar peer: the address of the peer, as text.
    """

    __module__ = "myspread.pb"

    seconds: float = 0.0
    peer: str = ""

    __str__ = Exception.__str__

    @classmethod
    def after(cls, peer: str, seconds: float, limit: float) -> PeerSilent:
        """
        The error for a peer that was silent for some seconds.

        @param limit: C{Limits.deadPeerTime}.
        """
        error = cls(
            f"the peer {peer} was silent for more than {seconds:.3g} s and didn't answer a ping:"
            f" it counts as dead (Limits.deadPeerTime = {limit:g})"
        )
        error.seconds = seconds
        error.peer = peer
        return error


class Incident(Error):
    """
    What a peer is told of an error that it isn't meant to see, where the
    policy says so: an id, under which the log of the other side has the error.

    It is an L{Error}, which every caller is ready for.

    @ivar incident: the id.
    """

    __module__ = "myspread.pb"

    incident: str = ""

    def __init__(self, incident: str) -> None:
        super().__init__(f"an unexpected error; the log of the other side has it as incident {incident}")
        self.incident = incident


class _LostWhileWaiting(PBConnectionLost):
    """
    A L{PBConnectionLost} whose text is for people: that of the class itself is
    the repr of a failure.
    """

    # It is no kind of its own, neither here nor for peers.
    __module__ = PBConnectionLost.__module__
    __qualname__ = PBConnectionLost.__qualname__

    def __str__(self) -> str:
        return f"the connection was lost before the answer came: {self.args[0].getErrorMessage()}"


_LostWhileWaiting.__name__ = PBConnectionLost.__name__


def lostWhileWaiting(reason: Any) -> PBConnectionLost:
    """
    The error of a call whose connection is lost.

    @param reason: the L{Failure<twisted.python.failure.Failure>} that the
        connection was lost with; it is the only argument of the error.
    """
    if hasattr(reason, "getErrorMessage"):
        return _LostWhileWaiting(reason)
    return PBConnectionLost(reason)


class NoMechanism(LoginFailed):
    """
    There is no way to log in that the client accepts, the server offers, and
    the connection allows. Nothing secret was sent.
    """

    __module__ = "myspread.pb"


class UnprovenServer(LoginFailed):
    """
    A server has not shown that it knows the password, or that it is at the
    other end of the connection: somebody may stand in its place. The connection
    is closed.
    """

    __module__ = "myspread.pb"


class NotDescribed(Exception):
    """
    A peer doesn't tell what can be called on its objects: its policy doesn't
    allow it, or it runs C{twisted.spread}.
    """

    __module__ = "myspread.pb"


class UntrustedServer(ConnectError):
    """
    A server has shown a certificate over TLS that isn't trusted here, or isn't
    for the host that was asked for. Nothing was sent to it. C{__cause__} is what
    TLS says.
    """

    __module__ = "myspread.pb"

    # That of ConnectError has more words around it.
    __str__ = Exception.__str__


class BudgetExceeded(Error):
    """
    A call wasn't run, or its result couldn't be sent, because its avatar would
    have cost more than its L{Budget} allows.

    @ivar budget: the field of L{Budget}.
    @ivar limit: its value.
    @ivar avatarId: whose budget it is.
    """

    __module__ = "myspread.pb"

    budget: str = ""
    limit: float = 0.0
    avatarId: str = ""

    @classmethod
    def of(cls, avatarId: str, field: str, limit: float, what: str, advice: str) -> BudgetExceeded:
        """
        The error for what goes beyond one field of a budget.

        @param what: what there is already.
        @param advice: what the caller can do.
        """
        error = cls(f"{what} for {avatarId!r}, Budget.{field} = {limit:g}: {advice}")
        error.budget = field
        error.limit = limit
        error.avatarId = avatarId
        return error


class LendingEnded(Error):
    """
    A call wasn't run because the object was lent for a while only, and that is
    over.
    """

    __module__ = "myspread.pb"


class NoServer(ConnectError):
    """
    None of the servers of a session could be used.

    @ivar failures: pairs of the text of an address and the L{Failure
        <twisted.python.failure.Failure>} there, in the order of the attempts.
    """

    __module__ = "myspread.pb"

    failures: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def because(cls, failures: list[tuple[str, Any]]) -> NoServer:
        """The error for a failure at each of several addresses."""
        text = "; ".join(f"{where}: {failure.getErrorMessage().rstrip('.')}" for where, failure in failures)
        error = cls(string=text)
        error.failures = tuple(failures)
        return error


class ServerLeaving(Error):
    """
    The server is being stopped. As the failure of a call: it has not been run,
    and can be made again elsewhere. As the reason of a session that has lost its
    connection: it connects elsewhere.
    """

    __module__ = "myspread.pb"


class SessionClosed(Exception):
    """
    The session was closed by this program, or is being closed.
    """

    __module__ = "myspread.pb"


class SessionTimeout(DeferredTimeout, TimeoutError):
    """
    A session didn't come up while somebody waited for it. A persistent one
    goes on trying.

    @ivar reason: the L{Failure<twisted.python.failure.Failure>} of the latest
        attempt; None when none has ended yet.
    """

    __module__ = "myspread.pb"

    reason: Any = None

    __str__ = Exception.__str__

    @classmethod
    def after(cls, seconds: float, where: str, reason: Any) -> SessionTimeout:
        """The error for who has waited for some seconds."""
        why = "no attempt has ended yet"
        if reason is not None:
            why = f"the latest attempt failed: {reason.getErrorMessage()}"
        error = cls(f"no session with {where} within {seconds:.3g} s; {why}")
        error.reason = reason
        return error

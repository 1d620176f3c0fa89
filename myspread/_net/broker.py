"""
L{Broker}: Perspective Broker as a Twisted protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from myspread._codec import PlainEncoder, encoderFor
from myspread._errors import BananaError
from myspread._flavors.calling import checkedTimeout
from myspread._flavors.remote import RemoteReference
from myspread._jelly import globalSecurity
from myspread._net.beginning import Beginnings
from myspread._net.leaving import LEAVING, Leaving
from myspread._net.messages import Messages, asBytes
from myspread._net.phases import Event, Phase
from myspread._net.tables import BrokerTables, Notifier
from myspread._peer import LogBudget, Peer
from myspread._peer.broadcasting import SharedArguments
from myspread.limits import Limits, defaultLimits
from myspread.security import ITaster

__all__ = ["Broker"]

_log = Logger()


class Broker(BrokerTables, Messages, Leaving, Beginnings):
    """
    One connection between two programs that call each other's objects.

    Applications get brokers from factories, and use little more of them than
    L{notifyOnDisconnect} and C{transport}. The tables are those of
    C{twisted.spread}, for programs that look into them; they are None once the
    connection is lost.

    @ivar logBudget: what all peers of the factory may fill of the log together,
        or None.
    @ivar disconnected: whether the connection is lost.
    @ivar avatarId: on a server, who has logged in last, for people;
        C{"anonymous"} for somebody anonymous, None for nobody.
    @ivar mechanism: on a server, how they have: C{"md5"}, C{"scram-sha-256"},
        C{"scram-sha-256-plus"}, C{"token"}, C{"plain"}, C{"certificate"} or
        C{"anonymous"}; None for nobody.
    @ivar serializingPerspective: to whom an object is being sent.
    @ivar unserializingPerspective: from whom an object is being received.
    """

    username: Any = None
    avatarId: str | None = None
    mechanism: str | None = None
    logBudget: LogBudget | None = None
    disconnected: Any
    serializingPerspective: Any = None
    unserializingPerspective: Any = None
    jellyMethod: Any = None
    jellyArgs: Any = None
    jellyKw: Any = None
    _encoder: PlainEncoder | None

    # What nearly all connections need. It isn't in the dictionary of the broker: that one is looked into to
    # find what is overridden there, which makes it grow, and all that is in it slower to reach.
    __slots__ = (
        "_attributes",
        "_backlog",
        "_beginning",
        "_connects",
        "_decoder",
        "_decoding",
        "_dialect",
        "_directClock",
        "_disconnects",
        "_encoder",
        "_gathered",
        "_gatheredBytes",
        "_gathers",
        "_heard",
        "_isAhead",
        "_limits",
        "_peer",
        "_phase",
        "_reasons",
        "_sentAt",
        "_timer",
        "answerBytes",
        "currentDialect",
        "disconnected",
        "isClient",
    )

    def __init__(
        self, isClient: Any = 1, security: ITaster | None = None, *, limits: Limits | None = None
    ) -> None:
        """
        @param isClient: whether we opened the connection.
        @param security: the policy; by default
            L{globalSecurity<myspread.jelly.globalSecurity>}.
        @param limits: what the peer may cost.
        """
        self._backlog = self._decoder = self._dialect = self._gathered = None
        self._beginning = self._directClock = self._encoder = self._timer = None
        self.answerBytes = self.currentDialect = None
        self._gatheredBytes = self._reasons = self.disconnected = 0
        self._attributes = -1
        self._decoding = self._gathers = self._isAhead = False
        self._heard = self._sentAt = 0.0
        self._connects = self._disconnects = ()
        self._phase = Phase.HANDSHAKE
        super().__init__(isClient, limits=limits)
        self._peer = Peer(self, globalSecurity if security is None else security)

    # The connection

    def connectionReady(self) -> None:
        """The handshake is done: send the version, tell whoever waits for it."""
        self._sendVersion()
        self._follow(Event.AGREED)
        notifiers, self._connects = self._connects, None
        if notifiers:
            self._notify(notifiers)
        if self.factory is not None:
            self.factory.clientConnectionMade(self)

    def _consumerFor(self, decoder: Any) -> Callable[[Any], Any]:
        if (
            self._dialect is None
            or self._isAhead
            or (self._attributes != len(self.__dict__) and self._wantsLists())
        ):
            decoder.lazy = False
            return self.callExpressionReceived
        decoder.lazy = True
        return self._peer.receiveRaw

    def _handle(self, inTurns: bool = True) -> None:
        """A stream that can't be read is closed."""
        try:
            super()._handle(inTurns)
        except BananaError as error:
            self.closeConnection(str(error))

    def plainEncoder(self) -> PlainEncoder | None:
        """
        What writes plain values directly, or None where a subclass wants to see
        s-expressions.
        """
        if self._dialect is None or self._attributes != len(self.__dict__) and self._wantsLists():
            return None
        limits = self._limits or defaultLimits()
        encoder = self._encoder
        if encoder is None or encoder.limits is not limits:
            encoder = self._encoder = encoderFor(self._dialect, limits)
        return encoder

    def _connectionEnded(self, reason: Any) -> None:
        """
        Calls that wait fail with L{PBConnectionLost}, caches are no longer
        observed, and everybody who asked to be is notified; in this order.
        """
        self.disconnected = 1
        if self._death is not None:
            reason = Failure(self._death)
        super()._connectionEnded(reason)
        self._peer.lost(reason)
        if self._connects is not None:
            self.connectionFailed()
        notifiers, self._disconnects = self._disconnects, None
        if notifiers:
            self._notify(notifiers)
        self._peer.forget()
        if self._pagers is not None:
            self._pagers = None
        if self.leavingObserver is not None:
            self.leavingObserver = None
        told = getattr(self.factory, "brokerLost", None)
        if told is not None:
            told(self, reason)

    def connectionFailed(self) -> None:
        """The connection was lost before the handshake was done."""
        notifiers, self._failures = self._failures, None
        self._notify(notifiers or ())

    def _notify(self, notifiers: Iterable[Notifier]) -> None:
        for notifier in notifiers:
            try:
                notifier()
            # Not even SystemExit may keep the others from being told.
            except BaseException:
                self.peerLog.failure(_log, "A notifier of a broker failed.")

    def notifyOnConnect(self, notifier: Notifier) -> None:
        """Call C{notifier()} once the handshake is done, or now if it is."""
        assert callable(notifier)
        if self.connects is None:
            self._notify([notifier])
        else:
            self.connects.append(notifier)

    def notifyOnFail(self, notifier: Notifier) -> None:
        """Call C{notifier()} if the connection is lost before the handshake is done."""
        assert callable(notifier)
        if self.failures is not None:
            self.failures.append(notifier)

    def notifyOnDisconnect(self, notifier: Notifier) -> None:
        """Call C{notifier()} once the connection is lost, or now if it is."""
        assert callable(notifier)
        if self.disconnects is None:
            self._notify([notifier])
        else:
            self.disconnects.append(notifier)

    def dontNotifyOnDisconnect(self, notifier: Notifier) -> None:
        """Take back one L{notifyOnDisconnect}, if there is one."""
        notifiers = self._disconnects
        if notifiers and notifier in notifiers:
            notifiers.remove(notifier)

    # Messages

    def expressionReceived(self, sexp: Any) -> None:
        """Handle a message: C{[command, field, ...]}."""
        self._peer.receive(sexp)

    def sendCall(self, *exp: Any) -> None:
        """
        Send a message.

        @param exp: the command (bytes) and its fields.
        @raise BananaError: when it can't be encoded; then nothing is sent.
        """
        self._peer.outbox.send(exp)

    def _sendMessage(
        self, prefix: bytes, perspective: Any, objectID: Any, message: Any, args: Any, kw: Any
    ) -> Deferred[Any] | None:
        if type(message) is not bytes:
            message = asBytes(message)
        return self._peer.call(prefix, perspective, objectID, message, args, kw)

    def _sendShared(
        self, prefix: bytes, perspective: Any, objectID: Any, message: bytes, shared: SharedArguments
    ) -> Deferred[Any] | None:
        """As C{_sendMessage}, with arguments that go to others, too."""
        encoder, forms = self.plainEncoder(), None
        if encoder is not None and self._dialect is not None:
            security = self._peer.incoming.security
            forms = shared.formsFor(self._dialect, encoder.limits, security, encoder)
        if forms is not None:
            return self._peer.call(prefix, perspective, objectID, message, (), shared.options, forms)
        kw = {**shared.kw, **shared.options}
        return self._sendMessage(prefix, perspective, objectID, message, shared.args, kw)

    @property
    def callTimeout(self) -> float | None:
        """
        How many seconds a call of ours may wait for its answer, unless it says
        otherwise; None for as long as the connection lasts.
        """
        return self._peer.calls.timeout

    @callTimeout.setter
    def callTimeout(self, seconds: float | None) -> None:
        self._peer.calls.timeout = checkedTimeout(seconds)

    def _expireCall(self, result: Deferred[Any], message: str | bytes, seconds: float | None) -> None:
        self._peer.calls.expire(result, message, seconds, self)

    # Conversion

    def serialize(
        self, object: Any, perspective: Any = None, method: Any = None, args: Any = None, kw: Any = None
    ) -> Any:
        """
        The s-expression of an object, under this broker's policy; for a
        Deferred or a coroutine, a Deferred of it.

        @param perspective: to whom it is sent.
        @param method: the method whose argument or result it is.
        @raise InsecureJelly: when it cannot travel.
        @raise LimitExceeded: when it is too large.
        """
        return self._peer.serialize(object, perspective, method, args, kw)

    def serializeResult(self, object: Any, perspective: Any, method: Any, args: Any, kw: Any) -> Any:
        """
        As L{serialize}, for the result of a call, which nobody looks into
        before it is sent.
        """
        return self._peer.serializeResult(object, perspective, method, args, kw)

    def unserialize(self, sexp: Any, perspective: Any = None) -> Any:
        """
        The object of an s-expression, under this broker's policy.

        @param perspective: from whom it comes.
        @raise InsecureJelly: when the policy refuses a part of it, or it isn't
            Jelly.
        """
        return self._peer.unserialize(sexp, perspective)

    # References

    def registerReference(self, object: Any) -> int:
        """
        Lend an object to the peer, or count one more.

        @return: its id.
        @raise Error: when the peer has as many references as it may.
        """
        return self._peer.lend(object)

    def unregisterReference(self, refnum: Any) -> None:
        """
        Forget an object that is lent to the peer, however often it was sent:
        the peer's references to it are dead from now on.

        @raise KeyError: when nothing is lent under this id.
        """
        self._peer.references.withdraw(asBytes(refnum))

    def setNameForLocal(self, name: Any, object: Any) -> None:
        """Lend an object under a name, such as C{root}."""
        assert object is not None
        self._peer.references.name(asBytes(name), object)

    def remoteForName(self, name: Any) -> RemoteReference:
        """
        A reference to what the peer lends under a name. Whether there is
        anything shows at the first call.
        """
        return RemoteReference(None, self, asBytes(name), 0)

    def localObjectForID(self, luid: Any) -> Any:
        """The object that is lent under an id or name, or None."""
        if type(luid) is str:
            luid = luid.encode("utf-8")
        found = self._peer.references.find(luid)
        return self._leavingDesk() if found is None and luid == LEAVING else found

    def sendDecRef(self, objectID: Any) -> None:
        """Tell the peer that a reference of its is forgotten here."""
        self._peer.release(b"decref", objectID)

    # Caches

    def cachedRemotelyAs(self, instance: Any, incref: Any = 0) -> int | None:
        """
        The id under which the peer caches an object, or None.

        @param incref: whether it is about to be sent once more.
        """
        return self._peer.cacheLuid(instance, incref)

    def remotelyCachedForLUID(self, luid: Any) -> Any:
        """
        The object that the peer caches under an id.

        @raise KeyError: when there is none.
        """
        return self._peer.caches.given[luid].object

    def cacheRemotely(self, instance: Any) -> int:
        """
        A new id for an object that the peer is about to cache.

        @raise Error: when the peer has as many caches as it may.
        """
        return self._peer.giveCache(instance)

    def cacheLocally(self, cid: Any, instance: Any) -> None:
        """
        Keep a cache of an object of the peer, to be kept up to date.

        @raise LimitExceeded: when there are as many as there may be.
        """
        self._peer.takeCache(cid, instance)

    def cachedLocallyAs(self, cid: Any) -> Any:
        """
        The cache that we hold under an id.

        @raise KeyError: when there is none.
        """
        return self._peer.caches.taken[cid]

    def decCacheRef(self, objectID: Any) -> None:
        """Tell the peer that a receipt of a cache is forgotten here."""
        self._peer.release(b"decache", objectID)

    def newLocalID(self) -> int:
        """A new id for a reference or cache."""
        return self._peer.newLuid()

    def newRequestID(self) -> int:
        """A new id for a call."""
        return self._peer.calls.newRequest()


Broker._standard = Broker._listTakers()

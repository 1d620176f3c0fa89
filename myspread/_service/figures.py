"""
What a server counts: L{Figures}.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.address import UNIXAddress

from myspread._net.phases import Phase
from myspread._peer.events import limitIn
from myspread._peer.watch import Watch, Watched
from myspread._service.histogram import Histogram

__all__ = ["Figures", "Meter", "OldLogin", "placeOf"]

OLD_LOGINS = 1000
"""Names that are remembered of those that have logged in with MD5: the latest."""


def placeOf(broker: Any) -> str:
    """Where a peer is, in few characters."""
    address = broker.transport.getPeer()
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    if host is None:
        return "UNIX socket" if isinstance(address, UNIXAddress) else str(address)
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


class OldLogin(NamedTuple):
    """
    Somebody who logs in with MD5.

    @ivar times: how often.
    @ivar peer: from where the last time.
    @ivar time: when the last time, as the clock says.
    """

    times: int
    peer: str
    time: float


class Meter(Watched):
    """
    Counts the bytes of one connection: it stands between the transport, the
    broker and the transport.

    @ivar received: bytes.
    @ivar sent: bytes.
    """

    __slots__ = ("_dataReceived", "_write", "received", "sent")

    def __init__(self, number: int, broker: Any) -> None:
        super().__init__(number, broker)
        self.received = 0
        self.sent = 0
        self._dataReceived: Callable[[bytes], None] = broker.dataReceived
        self._write: Callable[[bytes], None] = broker._write
        broker.dataReceived = self.dataReceived
        broker._write = self.write

    def dataReceived(self, data: bytes) -> None:
        """From the transport."""
        self.received += len(data)
        self._dataReceived(data)

    def write(self, data: bytes) -> None:
        """To the transport."""
        self.sent += len(data)
        self._write(data)

    def end(self) -> None:
        """Count no more."""
        vars(self.broker).pop("dataReceived", None)
        vars(self.broker).pop("_write", None)

    # What a status page shows

    @property
    def tls(self) -> str | None:
        """The version of TLS, or None where there is none."""
        getHandle = getattr(self.broker.transport, "getHandle", None)
        name = getattr(getHandle(), "get_protocol_version_name", None) if getHandle is not None else None
        return None if name is None else str(name())

    @property
    def inProgress(self) -> int:
        """How many calls of the peer have begun and not ended."""
        return int(self.broker._peer.incoming.inProgress)

    @property
    def isReady(self) -> bool:
        """Whether handshake and login are done."""
        return self.broker._phase is Phase.OPEN

    def described(self) -> dict[str, Any]:
        """Everything about this connection, as JSON can have it."""
        broker = self.broker
        dialect = broker.currentDialect
        now = 0.0 if broker.clock is None else broker.clock.seconds()
        return {
            "number": self.number,
            "peer": placeOf(broker),
            "avatar": broker.avatarId,
            "mechanism": broker.mechanism,
            "tls": self.tls,
            "dialect": None if dialect is None else dialect.decode("ascii", "backslashreplace"),
            "phase": broker._phase.name.lower().replace("_", " "),
            "age": round(self.age, 1),
            "silent": round(min(self.age, max(0.0, broker.silentFor(now))), 1),
            "references": len(broker._peer.references),
            "caches": len(broker._peer.caches.given),
            "inProgress": self.inProgress,
            "calls": self.calls,
            "received": self.received,
            "sent": self.sent,
        }


class Figures(Watch):
    """
    Counts what happens to the connections of one server factory. A call costs
    about half a microsecond more.

    @ivar meters: those of the connections, by broker.
    @ivar times: how long calls took.
    @ivar connections: how many there have been.
    @ivar refusals: how many were refused.
    @ivar failures: how many calls have failed.
    @ivar slowCalls: how many calls were slow.
    @ivar logins: by mechanism, how many.
    @ivar loginRefusals: how many logins were refused.
    @ivar limitHits: by the name of the limit, how often something was refused
        or closed because of it.
    @ivar oldLogins: by name, who has logged in with MD5, the latest last.
    """

    def __init__(self, slowCall: float | None = None) -> None:
        """
        @param slowCall: the seconds from which on a call counts as slow; None for
            never.
        """
        super().__init__(slowCall)
        self.timesCalls = True
        self.meters: dict[Any, Meter] = {}
        self.times = Histogram()
        self.connections = 0
        self.refusals = 0
        self.failures = 0
        self.slowCalls = 0
        self.logins: Counter[str] = Counter()
        self.loginRefusals = 0
        self.limitHits: Counter[str] = Counter()
        self.oldLogins: OrderedDict[str, OldLogin] = OrderedDict()
        self._receivedBefore = 0
        self._sentBefore = 0

    @property
    def received(self) -> int:
        """Bytes, of all connections that there have been."""
        return self._receivedBefore + sum(meter.received for meter in self.meters.values())

    @property
    def sent(self) -> int:
        """Bytes, to all connections that there have been."""
        return self._sentBefore + sum(meter.sent for meter in self.meters.values())

    @property
    def inProgress(self) -> int:
        """Calls that have begun and not ended."""
        return sum(meter.inProgress for meter in self.meters.values())

    # What happens

    def watching(self, broker: Any, number: int) -> Meter:
        """Count what comes and goes."""
        self.connections += 1
        self.meters[broker] = meter = Meter(number, broker)
        return meter

    def loggedIn(self, broker: Any) -> None:
        """Somebody has logged in."""
        super().loggedIn(broker)
        mechanism = str(broker.mechanism)
        self.logins[mechanism] += 1
        if mechanism == "md5":
            self._oldLogin(broker)

    def _oldLogin(self, broker: Any) -> None:
        name = str(broker.avatarId)
        times = self.oldLogins[name].times if name in self.oldLogins else 0
        now = 0.0 if broker.clock is None else broker.clock.seconds()
        self.oldLogins[name] = OldLogin(times + 1, placeOf(broker), now)
        self.oldLogins.move_to_end(name)
        if len(self.oldLogins) > OLD_LOGINS:
            self.oldLogins.popitem(last=False)

    def loginRefused(self, broker: Any, reason: str) -> None:
        """A login has failed."""
        super().loginRefused(broker, reason)
        self.loginRefusals += 1

    def refused(self, reason: str) -> None:
        """A new connection is refused."""
        self.refusals += 1
        self._count(reason)

    def closing(self, broker: Any, reason: str) -> None:
        """A connection is closed because its peer has broken a rule."""
        self._count(reason)

    def _count(self, reason: str) -> None:
        for limit in filter(None, [limitIn(reason)]):
            self.limitHits[limit] += 1

    def failed(self, watched: Watched, error: BaseException) -> None:
        """A call has failed."""
        self.failures += 1
        super().failed(watched, error)

    def limitHit(self, watched: Watched, limit: str, reason: str) -> None:
        """A call was refused because of a limit."""
        self.limitHits[limit] += 1
        super().limitHit(watched, limit, reason)

    def counterFor(self, watched: Watched) -> Callable[[float], Any]:
        """What counts a call of a connection."""
        return self.times.adder(watched)

    def slow(self, watched: Watched, method: Any, seconds: float, outcome: str, incident: str | None) -> None:
        """A call took at least C{slowCall} seconds."""
        self.slowCalls += 1
        super().slow(watched, method, seconds, outcome, incident)

    def lost(self, broker: Any, reason: Any) -> None:
        """A connection has ended."""
        super().lost(broker, reason)
        meter = self.meters.pop(broker, None)
        if meter is not None:
            self._receivedBefore += meter.received
            self._sentBefore += meter.sent
            meter.end()

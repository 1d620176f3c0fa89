"""
L{Limits}: what one connection may cost, in one immutable object.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields, replace
from types import ModuleType, NoneType
from typing import Any

__all__ = ["BeforeLogin", "Limits", "changeDefaults", "defaultLimits", "settableConstants"]


@dataclass(frozen=True)
class BeforeLogin:
    """
    The smaller bounds of L{Limits} that hold until a peer has logged in, where
    the root is a portal. They have the names of the fields that they stand for.
    """

    messageLength: int = 64 * 1024
    """Bytes in one message."""

    elements: int = 4096
    """Elements in one message."""

    nestingDepth: int = 64
    """Lists inside each other in one message."""

    references: int = 32
    """Objects lent to the peer at once: the root, and one for each login that has begun."""

    calls: int = 16
    """Calls of the peer that are in progress at once."""

    unreadAnswers: int = 64 * 1024
    """Bytes of answers that wait until the peer reads."""

    def __post_init__(self) -> None:
        """
        @raise ValueError: when a bound is no integer, or negative.
        """
        _check(self)


@dataclass(frozen=True)
class Limits:
    """
    The bounds that a connection holds its peer, and itself, to.

    A factory holds one instance and hands it to each of its brokers. The
    defaults are those of C{twisted.spread}; where it has none, they lie above
    what one of its peers needs in honest use. What counts connections is off:
    C{twistd pbserver} turns it on. Use L{dataclasses.replace} to change some.
    """

    stringLength: int = 640 * 1024
    """
    Bytes in one byte string, both ways. A string of exactly this length is
    legal. (C{twisted.spread.banana.SIZE_LIMIT})
    """

    listLength: int = 640 * 1024
    """
    Elements in one list, both ways; the elements of inner lists don't count.
    (C{twisted.spread.banana.SIZE_LIMIT})
    """

    prefixLength: int = 64
    """
    Base-128 digits before a delimiter byte, both ways. Integers lie strictly
    between C{-2 ** (7 * prefixLength)} and C{2 ** (7 * prefixLength)}.
    (C{twisted.spread.banana.setPrefixLimit})
    """

    nestingDepth: int = 1024
    """
    Lists inside each other in one s-expression, both ways. The recursion of
    C{twisted.spread} ends below a thousand.
    """

    references: int = 1024
    """
    Objects lent to the peer at once, named ones included.
    (C{twisted.spread.pb.MAX_BROKER_REFS})
    """

    caches: int = 1024
    """
    Cacheables that the peer observes at once.
    (C{twisted.spread.pb.MAX_BROKER_REFS})
    """

    violations: int = 3
    """
    How often the peer may make us exceed L{references} or L{caches}: each time
    its call fails; one more closes the connection.
    """

    messageLength: int = 32 * 1024 * 1024
    """
    Bytes in one message, both ways. It counts while a message arrives, so that
    no more than this is ever kept of one.
    """

    elements: int = 2**21
    """
    Elements in one message, both ways: numbers, strings and lists, those of
    inner lists included, the message itself not. A list counts as soon as its
    length is declared. A list of C{listLength} texts has about as many.
    """

    cachesTaken: int = 65536
    """Caches of the peer's objects that we keep at once."""

    calls: int = 8192
    """
    Calls of the peer that are in progress at once. A call beyond fails.
    """

    unreadAnswers: int = 1024 * 1024
    """
    Bytes of answers that wait until the peer reads. Beyond, a server reads
    nothing more from it until it has read them. A client always reads.
    """

    unreadTime: float = 120.0
    """
    Seconds that a server waits for a peer that has L{unreadAnswers} and reads
    none of them; then the connection is closed.
    """

    unfinishedMessages: int = 64 * 1024 * 1024
    """
    Bytes of messages that haven't arrived whole, of all peers of a factory
    together. Beyond, nothing more is read of them, but of the one that began
    first.
    """

    unfinishedTime: float = 5.0
    """
    Seconds that L{unfinishedMessages} may be exceeded, and in which the excess
    has to be halved; then the connections whose messages began first are closed.
    """

    turnTime: float = 0.02
    """
    Seconds of work for one peer in one turn of the reactor. What remains is
    done in the next turn, in order; until then nothing more is read.
    """

    handshakeTime: float | None = 60.0
    """Seconds until the handshake must be done, on a server. None: no bound."""

    loginTime: float | None = 600.0
    """
    Seconds until a peer must be logged in, where the root is a portal. None:
    no bound.
    """

    idleTime: float | None = None
    """
    Seconds that a peer may be silent, on a server, when it has no call in
    progress; pings don't count. None: no bound, as connections of PB may be
    silent for days.
    """

    deadPeerTime: float | None = 60.0
    """
    Seconds after which a peer that sends nothing at all counts as dead, on
    servers and clients: then the connection is lost. A peer that is silent for
    half of the time is pinged, and any byte of it is a sign of life; so is that
    it takes what it is sent, where that is much. A peer whose program is busy
    with one method for all that time answers no ping either. Less than a second
    counts as one. None: no bound.
    """

    proxyHeaderLength: int = 4096
    """
    Bytes in the header of the PROXY protocol, on a port that expects one. Those
    of version 1 have 107 at most.
    """

    proxyHeaderTime: float = 10.0
    """Seconds until that header must be there."""

    closingTime: float = 5.0
    """
    Seconds that a peer that has broken the rules gets to read what is still to
    be written to it.
    """

    loginAttempts: int = 10
    """
    Logins that may fail on one connection, with none between them that
    succeeds; the next that fails closes it.
    """

    loginDelay: float = 0.0
    """
    Seconds that a login waits after one has failed from the same address. The
    wait doubles with each further failure, up to L{loginDelayLimit}. 0: none.
    """

    loginDelayLimit: float = 30.0
    """Seconds that a login waits at most."""

    scramIterations: int = 2_000_000
    """
    Iterations of PBKDF2 that a server may ask of a client for one login. A
    million take some tenths of a second.
    """

    connections: int | None = None
    """Connections of a server factory at once. None: no bound."""

    connectionsPerAddress: int | None = None
    """
    Connections of a server factory from one address at once; for IPv6, from
    one network of 64 bits. None: no bound.
    """

    startups: int | None = None
    """
    Connections of a server factory that are not ready (handshake, and login
    where the root is a portal, aren't done) from which on new ones are dropped
    at random: L{startupsRate} percent of them at first, all at L{startupsFull}.
    (OpenSSH's C{MaxStartups}) None: no bound.
    """

    startupsRate: int = 30
    """Percent of new connections that are dropped at L{startups}."""

    startupsFull: int | None = None
    """Connections that are not ready at which each new one is dropped."""

    logEntries: int = 20
    """
    Entries in the log that one peer may cause at once. Those beyond are
    counted only, and the next entry tells how many they were. A long one, such
    as a deep traceback, counts as several.
    """

    logTime: float = 10.0
    """Seconds after which a peer may cause one entry more."""

    logEntriesTogether: int = 40
    """
    Entries in the log that all peers of a server factory together may cause at
    once.
    """

    logTimeTogether: float = 1.0
    """Seconds after which all peers together may cause one entry more."""

    beforeLogin: BeforeLogin = field(default_factory=BeforeLogin)
    """What holds instead until the peer has logged in, where the root is a portal."""

    def __post_init__(self) -> None:
        """
        @raise ValueError: when a limit is no number, or negative.
        """
        _check(self)

    def untilLogin(self) -> Limits:
        """These limits, with the smaller values of L{beforeLogin}."""
        smaller = {
            each.name: min(getattr(self, each.name), getattr(self.beforeLogin, each.name))
            for each in fields(self.beforeLogin)
        }
        return replace(self, **smaller)


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "an integer from 0 on"),
    "int | None": ((int, NoneType), "an integer from 0 on, or None"),
    "float": ((int, float), "a number from 0 on"),
    "float | None": ((int, float, NoneType), "a number from 0 on, or None"),
    "BeforeLogin": ((BeforeLogin,), "a BeforeLogin"),
}


def _check(limits: Limits | BeforeLogin) -> None:
    for each in fields(limits):
        types, wanted = _KINDS[str(each.type)]
        value = getattr(limits, each.name)
        # No comparison is true of a NaN.
        if not isinstance(value, types) or isinstance(value, (int, float)) and not value >= 0:
            raise ValueError(f"{type(limits).__name__}.{each.name} must be {wanted}, not {value!r}")


_defaults = Limits()


def defaultLimits() -> Limits:
    """The limits of connections that were given none of their own."""
    return _defaults


def changeDefaults(**changes: Any) -> None:
    """
    Change some of the L{defaultLimits}, for every connection that has none of
    its own.

    @param changes: fields of L{Limits}.
    """
    global _defaults
    _defaults = replace(_defaults, **changes)


def settableConstants(moduleName: str, **constants: tuple[str, ...]) -> None:
    """
    Let constants of a module I{be} the L{defaultLimits}: a program that sets
    one, as those for C{twisted.spread} do, changes them.

    @param moduleName: the module, which is loaded and has the constants.
    @param constants: by name, the fields of L{Limits} that one stands for.
    """

    def settable(name: str, fields: tuple[str, ...]) -> property:
        def read(module: ModuleType) -> int:
            limit: int = getattr(_defaults, fields[0])
            return limit

        def change(module: ModuleType, limit: int) -> None:
            changeDefaults(**dict.fromkeys(fields, limit))
            # unittest.mock.patch restores what it finds here.
            vars(module)[name] = limit

        return property(read, change)

    properties = {name: settable(name, fields) for name, fields in constants.items()}
    sys.modules[moduleName].__class__ = type("ModuleWithLimits", (ModuleType,), properties)

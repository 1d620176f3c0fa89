"""
The attacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from attacks import calls, connections, logins, messages, streams, values
from attacks.crowd import Target

__all__ = ["ATTACKS", "Attack"]


class Attack(NamedTuple):
    """
    One attack.

    @ivar name: for the command line.
    @ivar title: for the table.
    @ivar run: does it.
    @ivar served: what the server has to serve for it: C{root}, C{portal}, or
        the root over C{tls}.
    """

    name: str
    title: str
    run: Callable[[Target], None]
    served: str = "root"


_ALL = (
    Attack("dialects", "bad dialects", streams.badDialects),
    Attack("garbage", "garbage, and other protocols", streams.garbage),
    Attack("prefixes", "endless prefixes", streams.endlessPrefixes),
    Attack("lengths", "huge declared lengths", streams.hugeLengths),
    Attack("numbers", "numbers of 64 digits", streams.longNumbers),
    Attack("nesting", "nesting to 1,000,000", streams.nesting),
    Attack("depth", "nesting to 990, often", streams.nestingWithinLimits),
    Attack("elements", "messages of up to 600,000 small lists", streams.amplified),
    Attack("vocabulary", "unknown vocabulary", streams.unknownVocabulary),
    Attack("unfinished", "100 unfinished messages of 600 kB", streams.unfinishedMessages),
    Attack("fields", "wrong types in every field", messages.wrongTypes),
    Attack("commands", "unknown commands", messages.unknownCommands),
    Attack("utf8", "invalid UTF-8", messages.invalidText),
    Attack("ids", "unknown ids, answers to no call", messages.unknownIds),
    Attack("decrefs", "100,000 references given back", messages.decrefFlood),
    Attack("forms", "forged objects", messages.forgedForms),
    Attack("versions", "other versions", messages.versionFlood),
    Attack("integers", "colliding integers as keys", values.collidingIntegers),
    Attack("tuples", "colliding tuples as keys", values.collidingTuples),
    Attack("floats", "colliding floats as keys", values.collidingFloats),
    Attack("decimal-keys", "colliding decimals as keys", values.collidingDecimals),
    Attack("sets", "colliding elements of sets", values.collidingSets),
    Attack("references", "colliding reference ids", values.collidingReferences),
    Attack("unhashable", "unhashable keys", values.unhashableKeys),
    Attack("decimals", "huge decimals", values.decimals),
    Attack("dates", "huge dates", values.dates),
    Attack("unread", "answers of 500 kB, not read", calls.neverRead),
    Attack("unread-by-many", "the same, by 20 callers", calls.neverReadByMany),
    Attack("calls", "200,000 calls without reading", calls.callsWithoutReading),
    Attack("one-way", "50,000 calls without answer", calls.unansweredCalls),
    Attack("pending", "50,000 calls in progress", calls.pendingCalls),
    Attack("failing", "20,000 failing calls", calls.failingCalls),
    Attack("signatures", "wrong signatures with 500 kB", calls.wrongSignatures),
    Attack("remotes", "120,000 references", calls.referenceFlood),
    Attack("slow", "200 slow writers", connections.slowWriters),
    Attack("connections", "2,000 silent connections", connections.manyConnections),
    Attack("ready", "2,000 connections that call", connections.manyReadyConnections),
    Attack("churn", "short connections, up to 4,000", connections.connectAndDisconnect),
    Attack("half-closed", "600 half-closed connections", connections.halfClosed),
    Attack("guessing", "login guessing", logins.guessing, "portal"),
    Attack("guessing-by-many", "the same, by 100 callers", logins.guessingFromMany, "portal"),
    Attack("abandoned", "20,000 logins begun", logins.abandonedLogins, "portal"),
    Attack("before-login", "large messages before login", logins.beforeLogin, "portal"),
    Attack("tls-stalled", "TLS: 400 stalled handshakes", connections.tlsStalled, "tls"),
    Attack("tls-garbage", "TLS: garbage", connections.tlsGarbage, "tls"),
    Attack("tls-handshakes", "TLS: handshakes", connections.tlsHandshakes, "tls"),
    Attack("tls-unread", "TLS: answers of 500 kB, not read", calls.neverRead, "tls"),
    Attack("tls-calls", "TLS: 200,000 calls without reading", calls.callsWithoutReading, "tls"),
    Attack("tls-integers", "TLS: colliding integers", values.collidingIntegers, "tls"),
)

ATTACKS = {attack.name: attack for attack in _ALL}
"""By name, in the order of the table."""

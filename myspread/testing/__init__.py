"""
For tests of programs that use Perspective Broker, in memory and without a
reactor: two brokers that are connected (L{brokerPair}), a server that plays a
script (L{FakeServer}), and conversations that are broken at each of their
messages (L{breakEverywhere}).
"""

from __future__ import annotations

from myspread.testing._breaking import (
    Break,
    Delay,
    Fragments,
    Joined,
    Loss,
    breakEverywhere,
    everyBreak,
)
from myspread.testing._conversation import Conversation
from myspread.testing._fakeobjects import FakeAvatar, FakeCache, FakeObject
from myspread.testing._fakes import FakeServer
from myspread.testing._memory import BrokerPair, MemoryTransport, brokerPair
from myspread.testing._messages import messagesIn
from myspread.testing._scripts import Call, Expectation, UnexpectedCall

__all__ = [
    "Break",
    "BrokerPair",
    "Call",
    "Conversation",
    "Delay",
    "Expectation",
    "FakeAvatar",
    "FakeCache",
    "FakeObject",
    "FakeServer",
    "Fragments",
    "Joined",
    "Loss",
    "MemoryTransport",
    "UnexpectedCall",
    "breakEverywhere",
    "brokerPair",
    "everyBreak",
    "messagesIn",
]

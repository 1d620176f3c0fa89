"""
For tests of programs that use Perspective Broker, in memory and without a
reactor: two brokers that are connected (L{brokerPair}), and conversations that
are broken at each of their messages (L{breakEverywhere}).
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
from myspread.testing._memory import BrokerPair, MemoryTransport, brokerPair
from myspread.testing._messages import messagesIn

__all__ = [
    "Break",
    "BrokerPair",
    "Conversation",
    "Delay",
    "Fragments",
    "Joined",
    "Loss",
    "MemoryTransport",
    "breakEverywhere",
    "brokerPair",
    "everyBreak",
    "messagesIn",
]

"""
The steps of a login with SCRAM (RFC 5802), as a table for each side, and the
messages that they exchange.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final, TypeVar

__all__ = [
    "BINDING_TYPE",
    "CLIENT_STEPS",
    "SERVER_STEPS",
    "ClientState",
    "ClientStep",
    "Malformed",
    "ServerState",
    "ServerStep",
    "attributes",
    "decodedName",
    "encodedName",
    "following",
    "isNonce",
    "isNumber",
]

BINDING_TYPE: Final = "tls-exporter"

LONGEST_MESSAGE: Final = 16384
"""Bytes of a message: more than any has."""

_NONCE = re.compile(r"[\x21-\x2b\x2d-\x7e]{16,1024}")
_ATTRIBUTE = re.compile(r"([A-Za-z])=([^,\x00]*)")
_NAME = re.compile(r"(?:[^=,]|=2C|=3D)+")
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


class Malformed(ValueError):
    """
    What the other side has sent is no message of SCRAM, or not the one that
    should come now.
    """


class ServerState(Enum):
    """How far the server is."""

    BEGUN = auto()
    NAMED = auto()
    CHALLENGED = auto()
    PROVEN = auto()
    ENTERED = auto()
    FAILED = auto()


class ServerStep(Enum):
    """What brings it on."""

    NAME = auto()
    CHALLENGE = auto()
    RIGHT_PROOF = auto()
    WRONG_PROOF = auto()
    ENTER = auto()


SERVER_STEPS: Final = {
    (ServerState.BEGUN, ServerStep.NAME): ServerState.NAMED,
    (ServerState.NAMED, ServerStep.CHALLENGE): ServerState.CHALLENGED,
    (ServerState.CHALLENGED, ServerStep.RIGHT_PROOF): ServerState.PROVEN,
    (ServerState.CHALLENGED, ServerStep.WRONG_PROOF): ServerState.FAILED,
    (ServerState.PROVEN, ServerStep.ENTER): ServerState.ENTERED,
}


class ClientState(Enum):
    """How far the client is."""

    BEGUN = auto()
    NAMED = auto()
    CHALLENGED = auto()
    ANSWERED = auto()
    PROVEN = auto()
    FAILED = auto()


class ClientStep(Enum):
    """What brings it on."""

    NAME = auto()
    CHALLENGE = auto()
    ANSWER = auto()
    RIGHT_PROOF = auto()
    WRONG_PROOF = auto()


CLIENT_STEPS: Final = {
    (ClientState.BEGUN, ClientStep.NAME): ClientState.NAMED,
    (ClientState.NAMED, ClientStep.CHALLENGE): ClientState.CHALLENGED,
    (ClientState.CHALLENGED, ClientStep.ANSWER): ClientState.ANSWERED,
    (ClientState.ANSWERED, ClientStep.RIGHT_PROOF): ClientState.PROVEN,
    (ClientState.ANSWERED, ClientStep.WRONG_PROOF): ClientState.FAILED,
}

State = TypeVar("State", ServerState, ClientState)
Step = TypeVar("Step", ServerStep, ClientStep)


def following(steps: dict[tuple[State, Step], State], state: State, step: Step) -> State:
    """
    The state after a step.

    @raise ValueError: when it isn't the time for it.
    """
    try:
        return steps[state, step]
    except KeyError:
        raise ValueError(f"{step.name} can't follow {state.name}") from None


def attributes(message: object, names: str) -> list[str]:
    """
    The values of a message, which is a list of attributes such as C{r=nonce}.

    @param names: the letters of those that it begins with, in order. Others
        that follow are extensions, which RFC 5802 says to ignore.
    @raise Malformed: when it hasn't these.
    """
    fields = _textOf(message).split(",")
    parsed = [_ATTRIBUTE.fullmatch(field) for field in fields]
    if None in parsed or "".join(each[1] for each in parsed[: len(names)] if each) != names:
        raise Malformed(f"a message of SCRAM has the attributes {names!r} here")
    return [each[2] for each in parsed[: len(names)] if each]


def _textOf(message: object) -> str:
    if not isinstance(message, bytes) or len(message) > LONGEST_MESSAGE:
        raise Malformed(f"a message of SCRAM is bytes, {LONGEST_MESSAGE} at most")
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("a message of SCRAM is UTF-8") from None


def isNonce(text: str) -> bool:
    """Whether this is printable, and long enough not to come twice."""
    return _NONCE.fullmatch(text) is not None


def isNumber(text: str) -> bool:
    """Whether this is a number from 1 on, of at most ten digits."""
    return _NUMBER.fullmatch(text) is not None


def encodedName(name: str) -> str:
    """A user name, without what would end it."""
    return name.replace("=", "=3D").replace(",", "=2C")


def decodedName(encoded: str) -> str:
    """
    What L{encodedName} was given.

    @raise Malformed: when it isn't encoded.
    """
    if _NAME.fullmatch(encoded) is None:
        raise Malformed("the user name isn't encoded as RFC 5802 says")
    return encoded.replace("=2C", ",").replace("=3D", "=")

"""
What is in messages between two others, as values that can be shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from myspread import pb
from myspread._cli.text import shortened, visible
from myspread._cli.unknown import Unknown
from myspread._flavors.copying import whenComplete

__all__ = ["Lent", "RemoteFailure", "Unshown", "policyFor"]

Naming = Callable[[bool, Any], str]
"""Given whether an object is the sender's, and its id, what to call it."""


class Lent:
    """
    An object of one of the two, where a message refers to it.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"<{self._text}>"


class Unshown(Lent):
    """What is no value; why."""


class _Sent(Unknown):
    """A copy or cache on its way."""

    def unjellyFor(self, unjellier: Any, jellyList: list[Any]) -> Any:
        """Take C{[tag, state]} or C{[tag, luid, state]}; nothing of a connection is touched."""
        tag = jellyList[0]
        self.tag = tag.decode("utf-8", "backslashreplace")
        self.isCache = len(jellyList) == 3
        if self.isCache:
            self.tag += f" {jellyList[1]}"
        whenComplete(unjellier, jellyList[-1], self.setCopyableState)
        return self


class RemoteFailure(pb.RemoteCopy):
    """
    A failure on its way.
    """

    def __init__(self) -> None:
        self._state: Any = None

    def unjellyFor(self, unjellier: Any, jellyList: list[Any]) -> Any:
        """Take C{[tag, state]}."""
        whenComplete(unjellier, jellyList[-1], self.setCopyableState)
        return self

    def setCopyableState(self, state: Any) -> None:
        """Take over any state."""
        self._state = state

    def __repr__(self) -> str:
        state = self._state if isinstance(self._state, dict) else {}
        kind, value = (shortened(visible(_text(state.get(name)))) for name in ("type", "value"))
        return f"{kind.removeprefix('builtins.')}: {value}"


def _text(value: Any) -> str | bytes:
    return value if isinstance(value, (str, bytes)) else repr(value)


def policyFor(naming: Naming) -> pb.SecurityPolicy:
    """
    What makes something that can be shown of all that may be in a message.

    @param naming: names objects.
    """

    def lent(isSenders: bool) -> Callable[[Any, list[Any]], Lent]:
        return lambda unjellier, form: Lent(naming(isSenders, form[1] if len(form) > 1 else None))

    policy = pb.SecurityPolicy().allowUnknown(_Sent)
    policy = policy.allowUnjellyable("twisted.spread.pb.CopyableFailure", RemoteFailure)
    for tag, isSenders in (("remote", True), ("cached", True), ("local", False), ("lcache", False)):
        policy = policy.allowUnjellyable(tag, lent(isSenders))
    return policy

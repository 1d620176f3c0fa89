"""
Whether a program wants to see s-expressions.
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = ["Overridable"]

_GIVEN_LISTS = frozenset(
    {
        "_sendMessage",
        "callExpressionReceived",
        "expressionReceived",
        "proto_answer",
        "proto_cachemessage",
        "proto_error",
        "proto_message",
        "proto_version",
        "sendCall",
        "sendEncoded",
        "serialize",
        "serializeResult",
        "unserialize",
    }
)
"""The methods that are given s-expressions as lists where they are overridden."""


class Overridable:
    """
    A broker that programs override, in subclasses or in one instance: then they
    are given lists, and otherwise whatever is fastest.

    @cvar _standard: the methods that aren't overridden, by name.
    """

    _standard: ClassVar[dict[str, Any]] = {}
    # Whether the class overrides any of them; None until the first one asks.
    _overrides: ClassVar[bool | None] = None
    # How many attributes the instance had when it was found that none of them
    # is one of these methods, or -1.
    _attributes = -1

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls._overrides = None

    @classmethod
    def _listTakers(cls) -> dict[str, Any]:
        """The methods that are given lists where they are overridden, by name."""
        return {name: getattr(cls, name) for name in _GIVEN_LISTS}

    def _lookAtClass(self) -> None:
        """
        Find out whether the class overrides anything. It can be changed between two
        connections, as tests do.
        """
        standard = self._standard
        kind = type(self)
        overrides = any(getattr(kind, name) is not standard[name] for name in _GIVEN_LISTS)
        # Setting an attribute of a class makes CPython forget what it knows of it.
        if overrides is not self._overrides:
            kind._overrides = overrides

    def _wantsLists(self) -> bool:
        """Whether anything is overridden that is given s-expressions."""
        if self._overrides is None:
            self._lookAtClass()
        if self._overrides:
            return True
        attributes = self.__dict__
        if len(attributes) != self._attributes:
            self._attributes = len(attributes) if _GIVEN_LISTS.isdisjoint(attributes) else -1
        return self._attributes < 0

"""
Members of enumerations as values.
"""

from __future__ import annotations

from enum import Enum, Flag
from typing import Any

from myspread._errors import MalformedJelly
from myspread._jelly.paths import brief

__all__ = ["FlagForm", "MemberForm"]

_SHOWN = 8
"""Members that an error text names."""

_SCALARS = (bool, int, float, str, bytes)


class MemberForm:
    """
    How members of an enumeration become states, and back. The name decides:
    values are often numbered anew. The value travels with it where it is plain,
    for peers that haven't the enumeration.

    @ivar existsFirst: false: members exist, and aren't made.
    """

    existsFirst = False

    def __init__(self, klass: type[Enum]) -> None:
        self._klass = klass

    def stateOf(self, value: Any) -> dict[str, Any]:
        """The name of a member, and its value if that is plain."""
        state = {"name": value._name_}
        if type(value._value_) in _SCALARS:
            state["value"] = value._value_
        return state

    def make(self, state: dict[Any, Any]) -> Any:
        """
        The member.

        @raise MalformedJelly: when there is none.
        """
        if "name" not in state and "value" in state:
            return self._byValue(state["value"])
        name = state.get("name")
        if isinstance(name, bytes):
            name = name.decode("utf-8", "replace")
        member = self._klass.__members__.get(name) if isinstance(name, str) else None
        if member is None:
            raise self._unknown(brief(name))
        return member

    def _byValue(self, value: Any) -> Any:
        try:
            return self._klass(value)
        except (ValueError, TypeError) as error:
            raise self._unknown(f"of the value {brief(value)}") from error

    def _unknown(self, which: str) -> MalformedJelly:
        names = list(self._klass.__members__)
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return MalformedJelly(
            f"{self._klass.__qualname__} has no member {which}; it has {', '.join(names[:_SHOWN])}{more}"
        )


class FlagForm(MemberForm):
    """
    How flags become states, and back: by their value, which is what flags are
    numbered for. Bits that have no name here are treated as the enumeration
    treats them.
    """

    def stateOf(self, value: Any) -> dict[str, Any]:
        """The bits."""
        return {"value": value._value_}

    def make(self, state: dict[Any, Any]) -> Flag:
        """
        The flags.

        @raise MalformedJelly: when the enumeration refuses them.
        """
        value = state.get("value")
        if type(value) is not int:
            raise MalformedJelly(f"the value of {self._klass.__qualname__} is a number, not {brief(value)}")
        flags: Flag = self._byValue(value)
        return flags

"""
L{Limits}: what one connection may cost, in one immutable object.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields, replace
from types import ModuleType

__all__ = ["Limits", "changeDefaults", "defaultLimits", "settableConstants"]


@dataclass(frozen=True)
class Limits:
    """
    The bounds that a connection holds its peer, and itself, to.

    A factory holds one instance and hands it to each of its brokers. The
    defaults are those of C{twisted.spread}; where it has none, they lie above
    what one of its peers can send. Use L{dataclasses.replace} to change some.
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

    def __post_init__(self) -> None:
        """
        @raise ValueError: when a limit is no integer, or negative.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"Limits.{field.name} must be an integer from 0 on, not {value!r}")


_defaults = Limits()


def defaultLimits() -> Limits:
    """The limits of connections that were given none of their own."""
    return _defaults


def changeDefaults(**changes: int) -> None:
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

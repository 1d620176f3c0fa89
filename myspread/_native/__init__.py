"""
The accelerator, where there is one: plain values to bytes and back in one step.

It is chosen here and nowhere else. C{MYSPREAD_PURE=1} in the environment
switches it off, C{MYSPREAD_PURE=0} requires it; otherwise it is used if it was
built. The pure modules define what it does; it never does anything else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from twisted.logger import Logger

__all__ = ["NOT_PLAIN", "Raw", "accelerator", "maskFor", "tablesFor"]

_log = Logger()


def _choose(wish: str | None) -> ModuleType | None:
    """
    The accelerator's module, or None.

    @param wish: the value of C{MYSPREAD_PURE}.
    @raise ImportError: when it is required and was not built.
    """
    if wish == "1":
        return None
    try:
        return import_module("myspread._native._accelerator")
    except ImportError:
        if wish == "0":
            raise
        _log.info("The accelerator of myspread is not built; the pure modules do its work, slowly.")
        return None


class _NeverMade:
    """Stands for the accelerator's C{Raw} where there is no accelerator."""

    def expand(self) -> Any:
        """Never called."""
        raise AssertionError("there is no accelerator")

    def plain(self, mask: int) -> Any:
        """Never called."""
        raise AssertionError("there is no accelerator")


accelerator: Any = _choose(os.environ.get("MYSPREAD_PURE"))

Raw: Any = _NeverMade if accelerator is None else accelerator.Raw
"""
An expression that has arrived and not been made into anything: C{expand()}
gives it as lists, C{plain(mask)} its value or L{NOT_PLAIN}.
"""

NOT_PLAIN: Any = object() if accelerator is None else accelerator.NOT_PLAIN
"""What the accelerator returns for all that it leaves to the pure modules."""

_tables: dict[bytes, Any] = {}


def tablesFor(name: bytes, words: Mapping[bytes, int]) -> Any:
    """
    The accelerator's view of a dialect, made once.

    @param name: of the dialect.
    @param words: its words and their numbers.
    """
    if name not in _tables:
        numbers = {number: word for word, number in words.items()}
        vocabulary = tuple(numbers.get(number) for number in range(max(numbers, default=-1) + 1))
        _tables[name] = accelerator.Tables(dict(words), vocabulary)
    return _tables[name]


def maskFor(allows: Callable[[bytes], bool]) -> int:
    """
    Which forms a policy allows, as the accelerator wants to know it.

    @param allows: called with a tag, says whether it is allowed.
    """
    if accelerator is None:
        return 0
    return sum(1 << bit for bit, tag in enumerate(accelerator.TAGS) if allows(tag))

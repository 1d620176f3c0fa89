"""
Plain values to bytes and back in one step: the accelerator, where there is
one, and otherwise the same in Python.

It is chosen here and nowhere else. C{MYSPREAD_PURE=1} in the environment
switches the accelerator off, C{MYSPREAD_PURE=0} requires it; otherwise it is
used if it was built. The modules for bytes and for forms, C{_codec} and
C{_jelly}, define what both do; they never do anything else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from twisted.logger import Logger

from myspread._native import portable

__all__ = ["NOT_PLAIN", "Raw", "accelerator", "maskFor", "plain", "tablesFor"]

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


accelerator: Any = _choose(os.environ.get("MYSPREAD_PURE"))

plain: Any = portable if accelerator is None else accelerator
"""What converts plain values: the accelerator, or the module that does its work in Python."""

Raw: Any = plain.Raw
"""
An expression that has arrived and not been made into anything: C{expand()}
gives it as lists, C{plain(mask)} its value or L{NOT_PLAIN}.
"""

NOT_PLAIN: Any = plain.NOT_PLAIN
"""What L{plain} returns for all that it leaves to the modules that define it."""

_tables: dict[tuple[Any, bytes], Any] = {}


def tablesFor(name: bytes, words: Mapping[bytes, int], converter: Any = plain) -> Any:
    """
    A dialect as L{plain} sees it, made once.

    @param name: of the dialect.
    @param words: its words and their numbers.
    @param converter: the module, if it is another one.
    """
    key = converter, name
    if key not in _tables:
        numbers = {number: word for word, number in words.items()}
        vocabulary = tuple(numbers.get(number) for number in range(max(numbers, default=-1) + 1))
        _tables[key] = converter.Tables(dict(words), vocabulary)
    return _tables[key]


def maskFor(allows: Callable[[bytes], bool]) -> int:
    """
    Which forms a policy allows, as L{plain} wants to know it.

    @param allows: called with a tag, says whether it is allowed.
    """
    return sum(1 << bit for bit, tag in enumerate(plain.TAGS) if allows(tag))

"""
Arguments of remote methods, as they are typed.
"""

from __future__ import annotations

import ast
import json
from typing import Any

from myspread._cli.usage import UsageError

__all__ = ["Step", "stepsIn", "valueOf"]

_LITERALS = ("[", "{", "(", '"', "'", 'b"', "b'", "-[", "frozenset(", "set(")
"""What begins like this is no bare word."""

LONGEST = 80


def _cut(word: str) -> str:
    return repr(word if len(word) <= LONGEST else f"{word[:LONGEST]}...")


def valueOf(word: str) -> Any:
    """
    The value that a word stands for: JSON, or a Python literal, or else the word
    itself as text.

    @raise UsageError: when it begins like a literal, and is none.
    """
    for read in (json.loads, ast.literal_eval):
        try:
            return read(word.strip())
        except (ValueError, SyntaxError, TypeError):
            continue
        except (RecursionError, MemoryError):
            raise UsageError(f"{_cut(word)} is nested too deeply") from None
    if word.lstrip().startswith(_LITERALS):
        raise UsageError(f"{_cut(word)} is neither JSON nor Python; text that begins so needs quotes")
    return word


class Step:
    """
    One call.

    @ivar method: its name.
    @ivar args: the positional arguments.
    @ivar kw: the keyword arguments.
    """

    def __init__(self, method: str, words: list[str]) -> None:
        """
        @param words: the arguments, as they are typed.
        @raise UsageError: when one makes no sense.
        """
        self.method = method
        self.args: list[Any] = []
        self.kw: dict[str, Any] = {}
        for word in words:
            self._add(word)

    def _add(self, word: str) -> None:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            self.args.append(valueOf(word))
        elif name in self.kw:
            raise UsageError(f"the argument {name} is given twice")
        else:
            self.kw[name] = valueOf(value)


def _methodsIn(path: str) -> list[str]:
    names = path.split("/")
    if not all(names):
        raise UsageError(f"{_cut(path)} is no path of methods; write getTwo/three")
    return names


def stepsIn(words: list[str]) -> list[Step]:
    """
    The calls that words ask for, each on the result of the one before::

        getTwo/three 1 2
        getAccount 17 / history limit=3

    @param words: methods and arguments. A lone C{/} stands before another
        method; the arguments belong to the method before them.
    @raise UsageError: when they make no sense.
    """
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "/":
            parts.append([])
        else:
            parts[-1].append(word)
    steps: list[Step] = []
    for part in parts:
        if not part:
            raise UsageError("a method is missing beside '/'")
        *first, last = _methodsIn(part[0])
        steps += [Step(name, []) for name in first]
        steps.append(Step(last, part[1:]))
    return steps

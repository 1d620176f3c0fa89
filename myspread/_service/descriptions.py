"""
The descriptions of endpoints, taken apart and put together: words with colons
between them, some of them C{NAME=VALUE}, and a backslash before a colon, equals
sign or backslash that is meant as such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Description", "described", "takenApart"]

_piece = re.compile(r"\\(.)|([:=])|([^\\:=]+)|(\\)\Z", re.DOTALL)

_special = re.compile(r"[\\:=]")


class Description(NamedTuple):
    """
    A description, taken apart.

    @ivar positional: the words that have no name, in order. The first is the
        type of the endpoint.
    @ivar named: the others, by name.
    """

    positional: list[str]
    named: dict[str, str]


def takenApart(description: str) -> Description:
    """
    Take a description apart.

    @raise ValueError: when it ends in a backslash.
    """
    positional: list[str] = []
    named: dict[str, str] = {}
    name, text = None, ""

    def end() -> None:
        if name is None:
            positional.append(text)
        else:
            named[name] = text

    for quoted, operator, plain, _ in _piece.findall(description):
        if operator == ":":
            end()
            name, text = None, ""
        elif operator == "=" and name is None:
            name, text = text, ""
        elif quoted or operator or plain:
            text += quoted or operator or plain
        else:
            raise ValueError("a backslash at the end stands before nothing")
    end()
    return Description(positional, named)


def described(positional: Sequence[str], named: dict[str, str]) -> str:
    """
    Put a description together.
    """
    pairs = [f"{_quoted(name)}={_quoted(value)}" for name, value in named.items()]
    return ":".join([*map(_quoted, positional), *pairs])


def _quoted(word: str) -> str:
    # Twisted's quoteStringArgument leaves equals signs alone.
    return _special.sub(r"\\\g<0>", word)

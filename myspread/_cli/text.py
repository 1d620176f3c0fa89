"""
Text of a peer, as a terminal may have it.

What a peer sends may hold escape sequences, which would move the cursor, rename
the window or type commands. Everything that is printed goes through here, or
is a C{repr}, which has none.
"""

from __future__ import annotations

__all__ = ["block", "counted", "shortened", "visible"]


def visible(text: str | bytes) -> str:
    """
    One line of text in which nothing is that isn't seen: control characters,
    changes of direction and the like are written as Python writes them.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def block(text: str | bytes, indent: str = "") -> str:
    """
    Several lines of text, each of them L{visible}. Tabulators become spaces.

    @param indent: what each line begins with.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    # Not splitlines(), to which a form feed is the end of a line.
    lines = text.rstrip("\n").replace("\r\n", "\n").split("\n")
    return "\n".join(f"{indent}{visible(line.expandtabs())}".rstrip() for line in lines)


def counted(number: int, noun: str) -> str:
    """A number of things whose plural ends in s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shortened(text: str, length: int = 200) -> str:
    """A text, or its beginning and how long it is."""
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"

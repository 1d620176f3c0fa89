"""
Docstrings in the manner of Twisted as reStructuredText, without Sphinx.

What our docstrings use: C{L{name}}, C{L{text<name>}}, C{C{code}}, the fields
C{@param}, C{@return}, C{@raise}, C{@ivar}, C{@cvar} and C{@see}, and code that is
indented.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent

__all__ = ["Resolve", "convert"]

Resolve = Callable[[str], str | None]
"""From a name in C{L{...}} to what Sphinx calls it; None for plain code."""

_FIELDS = {
    "param": ":param {}:",
    "return": ":returns:",
    "raise": ":raises {}:",
    "ivar": ":ivar {}:",
    "cvar": ":cvar {}:",
    "see": ":see:",
}

_field = re.compile(r"@(\w+)(?: +([\w.]+))?:\s*")
_markup = re.compile(r"\b([LC])\{")
_named = re.compile(r"(.*?)\s*<([\w.]+)>", re.DOTALL)
_special = re.compile(r"([\\*`|]|_\b)")


def convert(docstring: str, resolve: Resolve) -> str:
    """
    A docstring as reStructuredText.

    @param docstring: without common indentation.
    @param resolve: asked for each name in C{L{...}}.
    @raise ValueError: when a brace isn't closed, or a field is unknown.
    """
    blocks: list[str] = []
    for paragraph in re.split(r"\n\s*\n", docstring.strip("\n")):
        blocks += _paragraph(paragraph, resolve)
    return "\n\n".join(blocks) + "\n"


def _paragraph(paragraph: str, resolve: Resolve) -> list[str]:
    if paragraph.startswith("    "):
        return ["::\n\n" + _indented(dedent(paragraph))]
    if not paragraph.startswith("@"):
        text = re.sub(r"::$", ":", paragraph)
        return [_inline(text, resolve)]
    # Each field begins a line; what follows it is indented.
    fields = re.split(r"\n(?=@)", paragraph)
    return ["\n".join(_fieldAsText(field, resolve) for field in fields)]


def _fieldAsText(field: str, resolve: Resolve) -> str:
    head = _field.match(field)
    if head is None or head[1] not in _FIELDS:
        raise ValueError(f"unknown field: {field!r}")
    name = (head[2] or "").replace("_", r"\_") if head[1] == "param" else head[2] or ""
    if head[1] == "raise":
        name = resolve(name) or name
    body = " ".join(line.strip() for line in field[head.end() :].splitlines())
    return f"{_FIELDS[head[1]].format(name)} {_inline(body, resolve)}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.splitlines())


def _inline(text: str, resolve: Resolve) -> str:
    """Text with its inline markup converted, and all else taken literally."""
    parts: list[str] = []
    position = 0
    while match := _markup.search(text, position):
        end = _closing(text, match.end())
        content = re.sub(r"\s*\n\s*", " ", text[match.end() : end])
        parts.append(_plain(text[position : match.start()]))
        parts.append(_literal(content) if match[1] == "C" else _link(content, resolve))
        position = end + 1
        if text[position : position + 1].isalnum():
            parts.append(r"\ ")
    parts.append(_plain(text[position:]))
    return "".join(parts)


def _closing(text: str, position: int) -> int:
    depth = 1
    for index in range(position, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if not depth:
            return index
    raise ValueError(f"a brace isn't closed in {text!r}")


def _plain(text: str) -> str:
    # Text in double backquotes is reStructuredText already.
    pieces = re.split(r"(``.*?``)", text)
    pieces[::2] = [_special.sub(r"\\\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


def _literal(code: str) -> str:
    return f"``{code}``"


def _link(content: str, resolve: Resolve) -> str:
    named = _named.fullmatch(content)
    text, name = (named[1], named[2]) if named else (content, content)
    target = resolve(name)
    return _literal(text) if target is None else f":py:obj:`{text} <{target}>`"

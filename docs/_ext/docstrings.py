"""
Our docstrings for Sphinx: converted by L{epytext}, their links resolved by
L{publicnames}. A name in C{L{...}} that names nothing is a warning.
"""

from __future__ import annotations

import inspect
from typing import Any

from epytext import convert
from publicnames import targetFor
from sphinx.application import Sphinx
from sphinx.util import logging

__all__ = ["setup"]

_log = logging.getLogger(__name__)


def _ofConstructor(klass: type) -> str:
    """What the constructor says, unless it is another package's."""
    for owner in klass.__mro__:
        constructor = vars(owner).get("__init__")
        if constructor is not None:
            ours = owner.__module__.startswith("myspread")
            return inspect.cleandoc(constructor.__doc__ or "") if ours else ""
    return ""


def processDocstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """
    Convert the docstring of an object that autodoc documents, in place. That of
    a class gets its constructor's added.
    """

    def resolve(mentioned: str) -> str | None:
        try:
            return targetFor(mentioned, name, obj)
        except LookupError:
            _log.warning("%s: L{%s} names nothing", name, mentioned)
            return None

    docstrings = ["\n".join(lines)]
    if isinstance(obj, type):
        docstrings.append(_ofConstructor(obj))
    lines[:] = "\n".join(convert(text, resolve) for text in docstrings if text.strip()).splitlines()


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load this extension."""
    app.connect("autodoc-process-docstring", processDocstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""
The conversion of docstrings: C{docs/_ext/epytext.py}.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

EXTENSIONS = str(Path(__file__).parents[2] / "docs" / "_ext")


def resolve(name: str) -> str | None:
    """Where a name leads in these tests."""
    return {"Thing": "pond.Thing", "Gone": None}[name]


class ConvertTests(SynchronousTestCase):
    """
    From epytext to reStructuredText.
    """

    def setUp(self) -> None:
        self.patch(sys, "path", [EXTENSIONS, *sys.path])
        self.epytext: Any = import_module("epytext")

    def check(self, docstring: str, expected: str) -> None:
        """
        Compare what is made of a docstring.
        """
        self.assertEqual(self.epytext.convert(docstring, resolve), expected + "\n")

    def test_code(self) -> None:
        """Code is taken literally, braces in it too."""
        self.check("The C{f(*args)} of C{{1: {}}}.", "The ``f(*args)`` of ``{1: {}}``.")

    def test_links(self) -> None:
        """A name is a link if it leads anywhere, and code otherwise."""
        self.check("L{Thing}s", r":py:obj:`Thing <pond.Thing>`\ s")
        self.check("a L{thing\n    <Thing>}", "a :py:obj:`thing <pond.Thing>`")
        self.check("a L{Gone}", "a ``Gone``")

    def test_plain(self) -> None:
        """Characters that mean something in reStructuredText don't."""
        self.check("a * b, remote_ and `x`", r"a \* b, remote\_ and \`x\`")

    def test_fields(self) -> None:
        """Fields, over several lines."""
        self.check(
            "Do it.\n\n@param some_name: what\n    to do.\n@return: a C{int}.\n@raise Thing: when it's late.",
            "Do it.\n\n:param some\\_name: what to do.\n:returns: a ``int``.\n"
            ":raises pond.Thing: when it's late.",
        )

    def test_indented(self) -> None:
        """What is indented is code."""
        self.check("Like this::\n\n    a *b*\n      c", "Like this:\n\n::\n\n    a *b*\n      c")

    def test_mistakes(self) -> None:
        """An open brace, or a field that isn't known, is an error."""
        self.assertRaises(ValueError, self.epytext.convert, "C{open", resolve)
        self.assertRaises(ValueError, self.epytext.convert, "@parm x: y", resolve)

"""
C{.. excluded-stock-tests::}: the tests of C{twisted.spread} that myspread
doesn't pass, with reasons, from the list that the test suite goes by.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tests.stock import excluded

__all__ = ["ExcludedStockTests", "setup"]


class ExcludedStockTests(SphinxDirective):
    """
    A definition list: each test, and why it is excluded.
    """

    def run(self) -> list[nodes.Node]:
        """The list, or a sentence where nothing is excluded."""
        self.env.note_dependency(excluded.__file__)
        if not excluded.EXCLUDED:
            return [nodes.paragraph(text="None is excluded.")]
        entries = nodes.definition_list()
        for test, reason in sorted(excluded.EXCLUDED.items()):
            term = nodes.term("", "", nodes.literal(text=test))
            definition = nodes.definition("", nodes.paragraph(text=reason))
            entries += nodes.definition_list_item("", term, definition)
        return [entries]


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load this extension."""
    app.add_directive("excluded-stock-tests", ExcludedStockTests)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

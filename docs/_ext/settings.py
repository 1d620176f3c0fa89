"""
C{.. pbserver-settings:: TOPIC}: the settings of C{twistd pbserver} on one
topic, from the table that its command line goes by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from myspread._service import topics
from myspread._service.settings import Setting

__all__ = ["PbserverSettings", "setup"]


class PbserverSettings(SphinxDirective):
    """
    Each setting of a topic, with examples.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """What each setting means, how it is said as an option, and how in a file."""
        self.env.note_dependency(topics.__file__)
        [topic] = [topic for topic in topics.TOPICS if topic.name == self.arguments[0]]
        content = StringList()
        for setting in topic.settings:
            for line in _described(setting):
                content.append(line, topics.__file__)
        node = nodes.container()
        self.state.nested_parse(content, self.content_offset, node)
        return node.children


def _described(setting: Setting) -> Iterator[str]:
    value = "" if setting.isFlag else f" {setting.value}"
    options = [f"--{setting.name}{value}"]
    if setting.letter:
        options.insert(0, f"-{setting.letter}{value}")
    yield f".. option:: {', '.join(options)}"
    yield ""
    # It is no markup.
    text = re.sub(r"([^\w\s])", r"\\\1", setting.help)
    yield f"   {text}{' May be repeated.' if setting.repeats else ''}"
    if setting.example:
        yield ""
        yield "   ::"
        yield ""
        for example in setting.example:
            yield f"      --{setting.name} {example}"
    yield ""


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load this extension."""
    app.add_directive("pbserver-settings", PbserverSettings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

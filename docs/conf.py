"""
How Sphinx builds this documentation: C{sphinx-build -W -b html docs OUTPUT}.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import myspread  # noqa: E402 - found by means of the line above

project = "myspread"
author = "The myspread authors"
copyright = author
version = release = myspread.__version__

extensions = ["sphinx.ext.autodoc", "docstrings", "publicnames", "settings", "stocktests"]
exclude_patterns = ["_build", "examples"]
default_role = "py:obj"
nitpicky = True

# What __init__ says is added by the extension docstrings.
autoclass_content = "class"
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "show-inheritance": True,
    "imported-members": True,
}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
# Docstrings that come from Twisted's classes are Twisted's to publish.
autodoc_inherit_docstrings = False
python_use_unqualified_type_names = True

man_pages = [("reference/pbserver", "pbserver", "serve objects over Perspective Broker", [author], 1)]

html_theme = "furo"
html_title = f"myspread {release}"

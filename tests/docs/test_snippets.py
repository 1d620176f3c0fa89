"""
The code in the documentation that stands in no file of its own runs.

Each C{code-block} of the class C{testable} is executed, those of a page one
after the other in one namespace. Where it is a session, with C{>>>}, what it
shows must be what happens.
"""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

from twisted.trial.unittest import SynchronousTestCase

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = (DOCS / "examples").resolve()

_block = re.compile(
    r"^\.\. code-block:: python\n   :class: testable\n\n((?:(?:   .*)?\n)+)", re.MULTILINE
)
_unmarked = re.compile(r"^ *\.\. code-block:: python\n(?!   :class: testable\n)", re.MULTILINE)


def snippetsIn(page: Path) -> list[tuple[int, str]]:
    """Line number and text of each testable snippet of a page."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start(1)), dedent(found[1])) for found in _block.finditer(text)]


def pagesWithSnippets() -> list[Path]:
    """The pages that have any."""
    return [page for page in sorted(DOCS.rglob("*.rst")) if snippetsIn(page)]


class SnippetTests(SynchronousTestCase):
    """
    Every snippet of every page.
    """

    def run_page(self, page: Path) -> None:
        """
        Run the snippets of a page, in a module that can be imported by name.
        """
        module = ModuleType(f"snippets_of_{page.stem}")
        self.patch(sys, "modules", {**sys.modules, module.__name__: module})
        for line, source in snippetsIn(page):
            if source.lstrip().startswith(">>>"):
                self.run_session(source, module, page, line)
            else:
                code = compile("\n" * line + source, str(page), "exec", dont_inherit=True)
                exec(code, module.__dict__)

    def run_session(self, source: str, module: ModuleType, page: Path, line: int) -> None:
        """
        Run a snippet that shows a session.
        """
        session = doctest.DocTestParser().get_doctest(source, module.__dict__, page.name, str(page), line)
        report: list[str] = []
        flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
        doctest.DocTestRunner(optionflags=flags).run(session, out=report.append, clear_globs=False)
        module.__dict__.update(session.globs)
        if report:
            self.fail("".join(report))

    def test_pages(self) -> None:
        """
        The snippets of each page run.
        """
        pages = pagesWithSnippets()
        self.assertIn(DOCS / "howto" / "limit.rst", pages)
        for page in pages:
            self.run_page(page)
            # Pages show calls that fail; the server's side logs them.
            self.flushLoggedErrors()

    def test_allAreTestable(self) -> None:
        """
        No page has Python code that is tested nowhere: what isn't testable
        here is included from C{docs/examples}.
        """
        for page in sorted(DOCS.rglob("*.rst")):
            self.assertEqual(_unmarked.findall(page.read_text(encoding="utf-8")), [], page)

    def test_mistakesAreNoticed(self) -> None:
        """
        A session that shows something else fails, and so does code that raises.
        """
        module = ModuleType("mistaken")
        self.assertRaises(
            self.failureException, self.run_session, ">>> 1 + 1\n3\n", module, DOCS / "index.rst", 0
        )


class IncludeTests(SynchronousTestCase):
    """
    Programs that pages include.
    """

    def test_included(self) -> None:
        """
        Each included example is named in the tests of the examples or of the
        documents, or is imported by another of its folder.
        """
        tests = "".join(textOf(DOCS.parent / "tests" / room) for room in ("examples", "docs"))
        for page in sorted(DOCS.rglob("*.rst")):
            text = page.read_text(encoding="utf-8")
            for name in re.findall(r"^.. literalinclude:: (.+)$", text, re.MULTILINE):
                path = (page.parent / name).resolve()
                self.assertTrue(path.is_file(), f"{page}: {name}")
                if EXAMPLES not in path.parents:
                    # Such as figures, which nobody runs.
                    continue
                isImported = re.search(rf"^(from|import) {path.stem}\b", textOf(path.parent), re.MULTILINE)
                self.assertTrue(path.name in tests or isImported, f"{page}: nothing runs {name}")


def textOf(folder: Path) -> str:
    """All Python files of a folder."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py")))

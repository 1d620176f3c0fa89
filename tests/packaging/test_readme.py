"""
The README's first line does what it promises.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.packaging.installing import SOURCE, callRoot, copySource, folder, serving


class ReadmeTests(SynchronousTestCase):
    """
    The lines of the README, as they stand there.
    """

    def line(self, ending: str) -> str:
        """The one line of the README that ends so."""
        lines = (SOURCE / "README.rst").read_text(encoding="utf-8").splitlines()
        [line] = [line.strip() for line in lines if line.endswith(ending)]
        return line

    def test_server(self) -> None:
        """The first one gives a server for clients on C{twisted.spread}. Only the port is another here."""
        line = self.line(" pbserver --port tcp:8800")
        source = copySource("readme")
        with serving("sh", "-c", line.replace("tcp:8800", "tcp:0:interface=127.0.0.1"), cwd=source) as port:
            answer = callRoot(source / ".venv" / "bin" / "python", port, folder())
        self.assertEqual(answer, "3\n")

    def test_tests(self) -> None:
        """The second one runs the tests, of which this is one."""
        line = self.line(".venv/bin/trial tests")
        self.assertEqual(
            line, "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/trial tests"
        )

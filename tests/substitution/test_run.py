"""
C{python -m myspread run}, and the other commands.
"""

from __future__ import annotations

import os
import sys

from tests.substitution.running import OURS, STOCK, ProgramTestCase

REPORT = """
import sys, os
from twisted.spread.pb import Broker
print(Broker.__module__)
print(__name__, sys.modules["__main__"].Broker is Broker, sys.argv[1:])
print(os.path.samefile(sys.path[0] or ".", os.environ.get("EXPECTED", ".")))
"""

CHILD = """
import subprocess, sys
from twisted.spread.pb import Broker
print(Broker.__module__, flush=True)
subprocess.run([sys.executable, "-c", "from twisted.spread.pb import Broker; print(Broker.__module__)"])
"""


class RunTests(ProgramTestCase):
    """
    Programs as they are.
    """

    def run_(self, *arguments: str, **variables: str) -> list[str]:
        """The lines that a program prints."""
        return self.printed("-m", "myspread", "run", *arguments, variables=variables)

    def test_script(self) -> None:
        """A script file, with its arguments; its own directory comes first on the path."""
        path = self.write("inner/program.py", REPORT)
        lines = self.run_(str(path), "--flag", "x", EXPECTED=str(path.parent))
        self.assertEqual(lines, [OURS, "__main__ True ['--flag', 'x']", "True"])

    def test_scriptInTheWorkingDirectory(self) -> None:
        """A script of the working directory needs no path."""
        self.write("program.py", REPORT)
        self.assertEqual(self.run_("program.py"), [OURS, "__main__ True []", "True"])

    def test_module(self) -> None:
        """A module, with its arguments."""
        self.write("program.py", REPORT)
        self.assertEqual(self.run_("-m", "program", "-m"), [OURS, "__main__ True ['-m']", "True"])

    def test_package(self) -> None:
        """A package that has a __main__."""
        self.write("program/__init__.py", "")
        self.write("program/__main__.py", REPORT)
        self.assertEqual(self.run_("-m", "program"), [OURS, "__main__ True []", "True"])

    def test_consoleScript(self) -> None:
        """A console script that is installed for this interpreter."""
        self.write(
            "test_it.py",
            "from twisted.trial.unittest import TestCase\n"
            "from twisted.spread.pb import Broker\n"
            "class T(TestCase):\n    def test_it(self):\n        print('broker of', Broker.__module__)\n",
        )
        lines = self.run_("trial", "--reporter=bwverbose", "test_it", PYTHONPATH=self.pathWith("."))
        self.assertIn(f"broker of {OURS}", "\n".join(lines))

    def test_scriptOnThePath(self) -> None:
        """A Python script on the search path of programs, by its first line."""
        directory = self.write("bin/program", f"#!{sys.executable}\n{REPORT}").parent
        (directory / "program").chmod(0o755)
        path = os.pathsep.join([str(directory), os.environ["PATH"]])
        lines = self.run_("program", "y", PATH=path, EXPECTED=str(directory))
        self.assertEqual(lines, [OURS, "__main__ True ['y']", "True"])

    def test_moduleByConsoleScript(self) -> None:
        """The console script finds modules of the working directory too; they come first."""
        script = self.write("bin/myspread", "import sys\nfrom myspread._cli import main\nsys.exit(main())\n")
        self.write("bin/program.py", "print('not this one')")
        self.write("program.py", REPORT)
        lines = self.printed(str(script), "run", "-m", "program", "x")
        self.assertEqual(lines, [OURS, "__main__ True ['x']", "True"])

    def test_brokenModule(self) -> None:
        """A module that doesn't find another one is there: where it fails is told by a traceback."""
        self.write("program.py", "import no_such_module")
        ended = self.python("-m", "myspread", "run", "-m", "program")
        self.assertEqual(ended.status, 1)
        self.assertIn("Traceback", ended.errors)
        self.assertIn("program.py", ended.errors)

    def pathWith(self, directory: str) -> str:
        """A PYTHONPATH with one directory more."""
        root = self.printed("-c", "import myspread; print(myspread.__path__[0])")[0]
        return os.pathsep.join([os.path.dirname(root), directory])

    def test_status(self) -> None:
        """The exit status is the program's."""
        self.write("program.py", "import sys; sys.exit(7)")
        self.assertEqual(self.python("-m", "myspread", "run", "program.py").status, 7)
        self.assertEqual(self.python("-m", "myspread", "run", "-m", "program").status, 7)

    def test_children(self) -> None:
        """The children of a program run on stock; with --tree on ours, too."""
        self.write("program.py", CHILD)
        self.assertEqual(self.run_("program.py"), [OURS, STOCK])
        self.assertEqual(self.run_("--tree", "program.py"), [OURS, OURS])

    def test_refused(self) -> None:
        """Where it is too late, the message says why; the program isn't run."""
        self.write("sitecustomize.py", "from twisted.spread import pb")
        self.write("program.py", "print('it runs')")
        ended = self.python(
            "-m", "myspread", "run", "program.py", variables={"PYTHONPATH": self.pathWith(".")}
        )
        self.assertEqual((ended.status, ended.output), (1, ""))
        self.assertIn("sitecustomize (twisted.spread.pb)", ended.errors)

    def test_nonsense(self) -> None:
        """What can't be run is said, without a traceback, with status 2."""
        self.write("shell", "#!/bin/sh\necho hello\n")
        self.write("package/__init__.py", "")
        for arguments, text in (
            ([], "COMMAND"),
            (["nothing"], "there is no command 'nothing'"),
            (["run"], "run what?"),
            (["run", "-m"], "run what?"),
            (["run", "--wrong", "x"], "run what?"),
            (["run", "no-such-program"], "there is no program 'no-such-program'"),
            (["run", "./shell"], "no Python program"),
            (["run", "-m", "no_such_module"], "there is no module 'no_such_module'"),
            (["run", "-m", "no_such_package.module"], "there is no module 'no_such_package.module'"),
            (["run", "-m", "package.module"], "there is no module 'package.module'"),
            (["run", "-m", "shell.module.py"], "there is no module 'shell.module.py'"),
            (["run", "-m", ".module"], "there is no module '.module'"),
            (["run", "-m", "package"], "the package 'package' has no __main__"),
            (["environment", "x"], "unrecognized arguments: x"),
        ):
            with self.subTest(arguments):
                ended = self.python("-m", "myspread", *arguments)
                self.assertEqual(ended.status, 2)
                self.assertIn(text, ended.output + ended.errors)
                self.assertNotIn("Traceback", ended.errors)

    def test_help(self) -> None:
        """Each command says what it does."""
        everything = self.printed("-m", "myspread", "--help")
        for command in ("run", "environment"):
            usage = self.printed("-m", "myspread", command, "--help")
            self.assertIn(f"  {command:<12} {usage[0]}", everything)
            self.assertIn("usage: ", "\n".join(usage))

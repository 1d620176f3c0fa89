"""
The environment that substitutes in a whole tree of processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import myspread
from myspread.substitution import SWITCH, environment
from tests.substitution.running import OURS, STOCK, ProgramTestCase, cleanEnvironment

BROKER = "from twisted.spread.pb import Broker; print(Broker.__module__)"

TREE = f"""
import subprocess, sys
depth = int(sys.argv[1])
{BROKER}
sys.stdout.flush()
if depth:
    subprocess.run([sys.executable, __file__, str(depth - 1)], check=True)
"""


class EnvironmentTests(ProgramTestCase):
    """
    What C{environment} says, and what follows from it.
    """

    def variables(self, **others: str) -> dict[str, str]:
        """An environment in which everything runs on myspread."""
        clean = cleanEnvironment(**others)
        return {**clean, **environment(clean)}

    def test_additions(self) -> None:
        """Only the switch and the path are set; what was on the path stays, in its order."""
        startup = str(Path(myspread.__file__).with_name("_startup"))
        for before, after in (("", [startup]), (f"/a{os.pathsep}/b", [startup, "/a", "/b"])):
            added = environment({"PYTHONPATH": before, "HOME": "/home"})
            self.assertEqual(added, {SWITCH: "1", "PYTHONPATH": os.pathsep.join(after)})
        self.assertEqual(environment(environment({})), environment({}))

    def test_tree(self) -> None:
        """A process, its child and the child's child all run on myspread."""
        path = self.write("tree.py", TREE)
        self.assertEqual(self.printed(str(path), "2", variables=self.variables()), [OURS] * 3)

    def test_switchedOff(self) -> None:
        """The path alone does nothing; neither does a switch that isn't 1."""
        for value in ("", "0"):
            variables = self.variables() | {SWITCH: value}
            self.assertEqual(self.printed("-c", BROKER, variables=variables), [STOCK])

    def test_nothingIsLoaded(self) -> None:
        """A process that doesn't use twisted.spread loads neither package."""
        program = (
            "import sys, twisted.internet.defer\n"
            "print([name for name in sys.modules if 'spread' in name])\n"
        )
        self.assertEqual(self.printed("-c", program, variables=self.variables()), ["[]"])

    def test_myspreadFirst(self) -> None:
        """A process that imports myspread before twisted.spread is substituted too."""
        for first in ("import myspread", "from myspread import pb", "import myspread.limits"):
            lines = self.printed("-c", f"{first}; {BROKER}", variables=self.variables())
            self.assertEqual(lines, [OURS], first)

    def test_packageFirst(self) -> None:
        """So is one that imports the package, and only later its modules."""
        program = "import twisted.spread, twisted.web.distrib; print(twisted.web.distrib.pb.__name__)"
        self.assertEqual(self.printed("-c", program, variables=self.variables()), ["myspread.pb"])

    def test_packageStaysItself(self) -> None:
        """twisted.spread is still a package with its own source."""
        program = (
            "import inspect, pkgutil, twisted.spread\n"
            "print(len(inspect.getsource(twisted.spread)) > 0)\n"
            "print(twisted.spread.__spec__.name, 'test' in [m.name for m in "
            "pkgutil.iter_modules(twisted.spread.__path__)])\n"
        )
        lines = self.printed("-c", program, variables=self.variables())
        self.assertEqual(lines, ["True", "twisted.spread True"])

    def test_oneLineToo(self) -> None:
        """Programs that substitute themselves, or are run by the command, work unchanged."""
        self.write("program.py", f"import myspread; myspread.substitute(); {BROKER}")
        for arguments in (["program.py"], ["-m", "myspread", "run", "program.py"]):
            self.assertEqual(self.printed(*arguments, variables=self.variables()), [OURS])

    def test_chain(self) -> None:
        """Any other sitecustomize on the path runs too, as itself, whatever the switch says."""
        other = self.write(
            "other/sitecustomize.py",
            "import sys; print(__name__, sys.modules['sitecustomize'].__file__ == __file__)",
        )
        path = os.pathsep.join([str(other.parent), cleanEnvironment()["PYTHONPATH"]])
        variables = self.variables(PYTHONPATH=path)
        self.assertEqual(self.printed("-c", BROKER, variables=variables), ["sitecustomize True", OURS])
        variables[SWITCH] = "0"
        self.assertEqual(self.printed("-c", BROKER, variables=variables), ["sitecustomize True", STOCK])

    def test_chainThatFails(self) -> None:
        """What another sitecustomize raises is reported as ever, and twisted.spread is ours nevertheless."""
        other = self.write("other/sitecustomize.py", "raise ValueError('its own fault')")
        path = os.pathsep.join([str(other.parent), cleanEnvironment()["PYTHONPATH"]])
        ended = self.python("-c", BROKER, variables=self.variables(PYTHONPATH=path))
        self.assertEqual((ended.status, ended.output), (0, OURS + "\n"))
        self.assertIn("ValueError: its own fault", ended.errors)

    def test_withoutMyspread(self) -> None:
        """An interpreter that has no myspread fails, rather than run on stock unnoticed."""
        variables = self.variables(PYTHONPATH="")
        variables["PYTHONPATH"] = variables["PYTHONPATH"].split(os.pathsep)[0]
        program = (
            "import sys\n"
            "class Missing:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name.startswith('myspread'):\n"
            "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
            "sys.meta_path.insert(0, Missing())\n"
        )
        ended = self.python("-c", program + BROKER, variables=variables)
        self.assertEqual((ended.status, ended.output), (1, ""))
        self.assertIn("No module named 'myspread", ended.errors)

    def test_shell(self) -> None:
        """A shell takes the variables from the command, and unsetting the switch ends it."""
        script = (
            f'eval "$({sys.executable} -m myspread environment)"\n'
            f'{sys.executable} -c "{BROKER}"\n'
            f'unset {SWITCH}\n{sys.executable} -c "{BROKER}"\n'
        )
        done = subprocess.run(
            ["sh", "-c", script], env=cleanEnvironment(), capture_output=True, text=True, timeout=60
        )
        self.assertEqual((done.stdout.splitlines(), done.stderr), ([OURS, STOCK], ""))

"""
L{myspread.substitute}, in processes of its own.
"""

from __future__ import annotations

from tests.substitution.running import OURS, STOCK, ProgramTestCase

MODULES = ("banana", "flavors", "interfaces", "jelly", "pb", "publish", "util")

EVERY_WAY_TO_IMPORT = """
import importlib, sys
import myspread
myspread.substitute()
from twisted.python.reflect import namedAny
for name in {modules}:
    ours = importlib.import_module("myspread." + name)
    scope = {{}}
    exec(f"import twisted.spread.{{name}} as one; from twisted.spread import {{name}} as two", scope)
    exec(f"import twisted.spread.{{name}}; three = twisted.spread.{{name}}", scope)
    found = [scope["one"], scope["two"], scope["three"]]
    found += [importlib.import_module("twisted.spread." + name), sys.modules["twisted.spread." + name]]
    found.append(namedAny("twisted.spread." + name))
    print(name, all(module is ours for module in found))
"""

HOLDER = """
import sys
{imports}
import myspread
try:
    myspread.substitute()
except myspread.substitution.SubstitutionRefused as error:
    print("refused:", error)
import twisted.spread.pb
print(twisted.spread.pb.Broker.__module__)
"""


class SubstituteTests(ProgramTestCase):
    """
    What C{twisted.spread} is afterwards, and when it can't become that.
    """

    def test_everyWayToImport(self) -> None:
        """Each submodule is ours, however it is imported."""
        lines = self.printed("-c", EVERY_WAY_TO_IMPORT.format(modules=MODULES))
        self.assertEqual(lines, [f"{name} True" for name in MODULES])

    def test_oneLineAtTheTop(self) -> None:
        """A line at the top of a program is enough, and importing the package loads nothing of Twisted."""
        program = (
            "import myspread, sys; print(any(name.startswith('twisted') for name in sys.modules))\n"
            "myspread.substitute()\n"
            "from twisted.spread.pb import Broker\n"
            "import twisted.web.distrib\n"
            "print(Broker.__module__, twisted.web.distrib.pb.__name__)\n"
        )
        self.assertEqual(self.printed("-c", program), ["False", f"{OURS} myspread.pb"])

    def test_twice(self) -> None:
        """Doing it again, even with programs loaded, changes nothing."""
        program = "import myspread; myspread.substitute(); import twisted.web.distrib; myspread.substitute()"
        self.assertEqual(self.printed("-c", program), [])

    def test_noReactor(self) -> None:
        """No reactor is installed: the program may choose its own afterwards."""
        program = (
            "import myspread, sys; myspread.substitute(); print('twisted.internet.reactor' in sys.modules)"
        )
        self.assertEqual(self.printed("-c", program), ["False"])

    def refusal(self, imports: str) -> str:
        """The text with which a program that begins like this is refused; it is left on stock."""
        refused, module = self.printed("-c", HOLDER.format(imports=imports))
        self.assertEqual(module, STOCK)
        self.assertTrue(refused.startswith("refused: twisted.spread cannot become myspread"), refused)
        self.assertIn("python -m myspread run", refused)
        return refused

    def test_modulesOfTwisted(self) -> None:
        """Modules of Twisted that hold the stock engine are named, with what they hold."""
        refused = self.refusal("import twisted.web.distrib, twisted.words.service")
        self.assertIn("twisted.web.server (twisted.spread.flavors.Copyable)", refused)
        self.assertIn("twisted.web.distrib (twisted.spread.pb)", refused)
        self.assertIn("twisted.words.service (twisted.spread.pb)", refused)

    def test_whatAModuleMayHold(self) -> None:
        """Modules, classes, functions, tables, instances and subclasses are all found."""
        for held in (
            "from twisted.spread import banana as it",
            "from twisted.spread.util import LocalAsRemote as it",
            "from twisted.spread.flavors import setUnjellyableForClass as it",
            "from twisted.spread.jelly import globalSecurity as it",
            "from twisted.spread.pb import Root\nit = Root()\ndel Root",
            "from twisted.spread.pb import Root\nclass it(Root): pass\ndel Root",
        ):
            with self.subTest(held):
                self.write("holder.py", held)
                self.assertIn(" holder (twisted.spread.", self.refusal("import holder"))

    def test_theProgramItself(self) -> None:
        """The program's own module is named as well."""
        self.assertIn("__main__ (twisted.spread.pb)", self.refusal("from twisted.spread import pb"))

    def test_whatIsShared(self) -> None:
        """
        Interfaces, exceptions, names of modules, and objects of myspread don't
        stand in the way: they are the same afterwards.
        """
        self.write(
            "harmless.py",
            "import twisted.spread.pb, twisted.spread.util\n"
            "from twisted.spread.pb import Error, DeadReferenceError, IPerspective\n"
            "from twisted.spread.jelly import InsecureJelly, IJellyable, Unpersistable\n"
            "from myspread import pb\n"
            "class Root(pb.Root): pass\n"
            "root = Root()\n",
        )
        program = HOLDER.format(imports="import harmless")
        check = "print(harmless.Error is twisted.spread.pb.Error, harmless.pb is twisted.spread.pb)"
        self.assertEqual(self.printed("-c", program + check), [OURS, "True True"])

    def test_unloadedModules(self) -> None:
        """Modules that load themselves when they are first used aren't loaded by the search."""
        program = (
            "import importlib.util, sys\n"
            "spec = importlib.util.find_spec('holder')\n"
            "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
            "module = importlib.util.module_from_spec(spec)\n"
            "sys.modules['holder'] = module\n"
            "spec.loader.exec_module(module)\n"
            "import myspread; myspread.substitute()\n"
            "print('substituted')\n"
            "print(module.pb.__name__)\n"
        )
        self.write("holder.py", "print('loaded')\nfrom twisted.spread import pb")
        self.assertEqual(self.printed("-c", program), ["substituted", "loaded", "myspread.pb"])


class DifferenceTests(ProgramTestCase):
    """
    The section "In place of twisted.spread" of C{docs/topics/compatibility.rst}.
    """

    def test_names(self) -> None:
        """Classes have the names of our modules; what travels has those of twisted.spread."""
        program = (
            "import myspread; myspread.substitute()\n"
            "from twisted.spread import pb\n"
            "print(pb.Broker.__module__, pb.Copyable().getTypeToCopy())\n"
        )
        self.assertEqual(self.printed("-c", program), [f"{OURS} b'twisted.spread.flavors.Copyable'"])

    def test_pickles(self) -> None:
        """A pickle of an object of twisted.spread loads as ours."""
        self.write(
            "written.py",
            "import pickle\nfrom twisted.spread import pb\n"
            "pickle.dump(pb.ViewPoint(1, 2), open('pickled', 'wb'), 0)",
        )
        self.printed("written.py")
        program = (
            "import myspread, pickle; myspread.substitute()\n"
            "from twisted.spread import pb\n"
            "viewpoint = pickle.load(open('pickled', 'rb'))\n"
            "print(type(viewpoint) is pb.ViewPoint, viewpoint.object)\n"
            "print(b'myspread' in pickle.dumps(viewpoint))\n"
        )
        self.assertEqual(self.printed("-c", program), ["True 2", "True"])

    def test_privateNames(self) -> None:
        """Private names are missing, but for those that programs inherit from."""
        program = (
            "import myspread; myspread.substitute()\n"
            "from twisted.spread import jelly, pb\n"
            "print(hasattr(jelly, '_Jellier'), hasattr(pb, '_PortalRoot'))\n"
        )
        self.assertEqual(self.printed("-c", program), ["False True"])

    def test_adapter(self) -> None:
        """A portal that is adapted gives stock's root, one that a factory is given gives ours."""
        program = (
            "import myspread; myspread.substitute()\n"
            "from twisted.spread import pb\n"
            "from twisted.cred.portal import Portal\n"
            "print(isinstance(pb.IPBRoot(Portal(None)), pb._PortalRoot))\n"
            "print(isinstance(pb.PBServerFactory(Portal(None)).root, pb._PortalRoot))\n"
        )
        self.assertEqual(self.printed("-c", program), ["False", "True"])

"""
What is in the distribution files, and what stands after their installation.
"""

from __future__ import annotations

import tarfile
import zipfile
from fnmatch import fnmatch
from functools import cache

from twisted.trial.unittest import SynchronousTestCase

import myspread
from tests.packaging.installing import SOURCE, Environment, callRoot, copySource, distributions, serving

LISTED = "    pbserver         A Perspective Broker server.\n"

PLUGINS = {"twisted/plugins/myspread_cred.py", "twisted/plugins/myspread_pbserver.py"}

LOAD_PLUGIN = """
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins

[plugin] = [each for each in getPlugins(IServiceMaker) if each.tapname == "pbserver"]
options = plugin.options()
options.parseOptions([])
print(plugin.makeService(options).services)
"""

LOCAL = "tcp:0:interface=127.0.0.1"


@cache
def environment() -> Environment:
    """Where everything is installed, and uninstalled again, by each test in turn."""
    return Environment("installed")


def sources() -> set[str]:
    """The files of the package, relative to the source tree."""
    suffixes = (".py", ".pyx", ".typed", ".html", ".css", ".js", ".svg")
    files = (path for path in (SOURCE / "myspread").rglob("*") if path.suffix in suffixes)
    return {path.relative_to(SOURCE).as_posix() for path in files}


class WheelTests(SynchronousTestCase):
    """
    The wheel has what it takes, and nothing else.
    """

    def setUp(self) -> None:
        self.source, self.wheel = distributions()

    def test_contents(self) -> None:
        """
        The wheel holds the whole package and the plugin. A stray C{__init__.py}
        in C{twisted/} would overwrite Twisted's own.
        """
        with zipfile.ZipFile(self.wheel) as archive:
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
        # Where there is a compiler, the accelerator too.
        names -= {name for name in names if fnmatch(name, "myspread/_native/_accelerator.*.so")}
        self.assertEqual(names, sources() | PLUGINS)
        self.assertIn("myspread/py.typed", names)

    def test_metadata(self) -> None:
        """The wheel says what it is, and what it needs."""
        about = f"myspread-{myspread.__version__}.dist-info"
        with zipfile.ZipFile(self.wheel) as archive:
            metadata = archive.read(f"{about}/METADATA").decode().splitlines()
            self.assertIn(f"{about}/licenses/LICENSE", archive.namelist())
        for line in (
            f"Version: {myspread.__version__}",
            "Requires-Python: >=3.10",
            "Requires-Dist: twisted[tls]>=24.11",
            "Requires-Dist: zope.interface",
            "Requires-Dist: cryptography",
            'Requires-Dist: tomli; python_version < "3.11"',
        ):
            self.assertIn(line, metadata)
        needed = [line for line in metadata if line.startswith("Requires-Dist:") and "extra ==" not in line]
        self.assertEqual(len(needed), 4)

    def test_source(self) -> None:
        """The source distribution has what it takes to build the wheel, to test it and to read about it."""
        with tarfile.open(self.source) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        wanted = sources() | PLUGINS | {
            "CHANGELOG.rst",
            "LICENSE",
            "README.rst",
            "docs/examples/simple/pbsimple.py",
            "pyproject.toml",
            "setup.cfg",
            "tests/packaging/test_wheel.py",
            "tox.ini",
        }
        self.assertEqual(wanted - names, set())
        self.assertEqual([name for name in names if name.endswith((".pyc", "dropin.cache"))], [])


class InstalledTests(SynchronousTestCase):
    """
    C{twistd pbserver} works wherever it is installed, and leaves no trace.
    """

    def setUp(self) -> None:
        self.environment = environment()

    def holdInstalled(self) -> None:
        """The subcommand is found, loads and serves, from an empty folder."""
        self.assertSubstring(LISTED, self.environment.succeed("twistd", "--help"))
        version = self.environment.succeed("myspread", "--version")
        self.assertSubstring(f"myspread {myspread.__version__} (", version)
        loaded = self.environment.succeed("python", "-I", "-c", LOAD_PLUGIN)
        self.assertSubstring("ListeningService", loaded)
        twistd = self.environment.command("twistd")
        with serving(twistd, "-n", "pbserver", "--port", LOCAL, cwd=self.environment.empty) as port:
            answer = callRoot(self.environment.command("python"), port, self.environment.empty)
        self.assertEqual(answer, "3\n")
        checkers = self.environment.succeed("twistd", "pbserver", "--auth", "help")
        self.assertSubstring("  pbpasswords ", checkers)

    def holdUninstalled(self) -> None:
        """Without it, Twisted is as it was."""
        self.environment.succeed("pip", "uninstall", "--quiet", "--yes", "myspread")
        text = self.environment.succeed("twistd", "--help")
        self.assertNotIn("pbserver", text)
        self.assertSubstring("    web ", text)
        self.assertNotEqual(self.environment.run("python", "-c", "import myspread").returncode, 0)

    def test_wheel(self) -> None:
        """From the wheel."""
        self.environment.succeed("pip", "install", "--quiet", distributions()[1])
        self.holdInstalled()
        self.holdUninstalled()

    def test_editable(self) -> None:
        """From the source tree, which stays where it is."""
        self.environment.succeed("pip", "install", "--quiet", "-e", copySource("editable"))
        self.holdInstalled()
        self.holdUninstalled()

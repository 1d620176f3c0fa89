"""
U{Buildbot<https://buildbot.net>}: a master, and a worker that builds for it. They
talk Perspective Broker: logs, files and commands.
"""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path

from programs.running import OURS, STOCK, OwnTests, ProgramTestCase

BUILDBOT = "from buildbot.scripts.runner import run; run()"
WORKER = "from buildbot_worker.scripts.runner import run; run()"
TWISTD = "from twisted.scripts.twistd import run; run()"

SERVICE = ("-n", "--pidfile=", "-y", "buildbot.tac")

SUITES = (
    "buildbot.test.integration.interop",
    "buildbot.test.integration.test_try_client",
    "buildbot.test.integration.test_try_client_e2e",
    "buildbot.test.unit.test_clients_sendchange",
    "buildbot.test.unit.test_clients_tryclient",
    "buildbot.test.unit.test_clients_usersclient",
    "buildbot_worker.test",
)

CONFIGURATION = """
from buildbot.plugins import changes, schedulers, steps, util, worker
import os

here = {here!r}
factory = util.BuildFactory([
    steps.ShellCommand(command=["echo", "a line of output"]),
    steps.FileDownload(mastersrc=os.path.join(here, "large"), workerdest="large"),
    steps.FileUpload(workersrc="large", masterdest=os.path.join(here, "returned")),
    steps.MakeDirectory(dir="build/directory"),
    steps.StringDownload("in a directory", workerdest="directory/file"),
    steps.DirectoryUpload(workersrc="directory", masterdest=os.path.join(here, "directory")),
    steps.SetPropertyFromCommand(command=["echo", "from the worker"], property="told"),
    steps.MasterShellCommand(["sh", "-c", util.Interpolate("echo '%(prop:told)s' > part && mv part done")],
                             workdir=here),
])
for step in factory.steps:
    step.kwargs["haltOnFailure"] = True
BuildmasterConfig = dict(
    workers=[worker.Worker("worker", "secret")],
    protocols=dict(pb=dict(port="tcp:0:interface=127.0.0.1")),
    change_source=[changes.PBChangeSource(user="change", passwd="changes")],
    schedulers=[schedulers.AnyBranchScheduler(name="any", treeStableTimer=None, builderNames=["builder"])],
    builders=[util.BuilderConfig(name="builder", workernames=["worker"], factory=factory)],
    buildbotNetUsageData=None,
)
"""


def portIn(log: Path) -> str | None:
    """The port that a master listens on, once its log tells."""
    found = re.search(r"Factory starting on (\d+)", log.read_text()) if log.exists() else None
    return found and found[1]


class BuildbotTests(OwnTests, ProgramTestCase):
    """
    Its own tests, and a real build.
    """

    distributions = ("buildbot", "buildbot_worker")
    suites = SUITES

    def createMaster(self) -> Path:
        """The directory of a new master; its database is made only once."""
        master = self.directory / "master"
        clean = self.variables("create", False)
        self.run_(BUILDBOT, "create-master", "--quiet", str(master), variables=clean)
        (master / "large").write_bytes(os.urandom(2_000_000))
        (master / "master.cfg").write_text(CONFIGURATION.format(here=str(master)))
        return master

    def build(self, master: Path, masterIsOurs: bool, workerIsOurs: bool) -> None:
        """Start a master and a worker, tell of a change, wait for the build."""
        pairing = f"{masterIsOurs}{workerIsOurs}"
        for name in ("done", "returned", "directory/file", "twistd.log"):
            (master / name).unlink(missing_ok=True)
        variables = self.variables(f"master{pairing}", masterIsOurs)
        log = master / "twistd.log"
        self.start(TWISTD, *SERVICE, variables=variables, directory=master)
        address = f"127.0.0.1:{self.waitFor(lambda: portIn(log), log)}"
        worker = self.directory / f"worker{pairing}"
        variables = self.variables(f"worker{pairing}", workerIsOurs)
        self.run_(
            WORKER, "create-worker", "--quiet", str(worker), address, "worker", "secret", variables=variables
        )
        self.start(TWISTD, *SERVICE, variables=variables, directory=worker)
        variables = self.variables(f"change{pairing}", workerIsOurs)
        change = ["--master", address, "--auth", "change:changes", "--who", "somebody", "a-file"]
        self.run_(BUILDBOT, "sendchange", *change, variables=variables)
        self.waitFor((master / "done").exists, log, worker / "twistd.log")
        self.assertEqual((master / "done").read_text(), "from the worker\n")
        self.assertEqual((master / "returned").read_bytes(), (master / "large").read_bytes())
        self.assertEqual((master / "directory" / "file").read_text(), "in a directory")
        sides = {True: {OURS}, False: {STOCK}}
        self.assertEqual(self.brokers(f"master{pairing}"), sides[masterIsOurs])
        self.assertEqual(self.brokers(f"worker{pairing}"), sides[workerIsOurs])
        self.assertEqual(self.brokers(f"change{pairing}"), sides[workerIsOurs])

    def test_everyPairing(self) -> None:
        """
        In all four pairings of master and worker, a change is told, a build
        runs, files of 2 MB go to the worker and come back, and the brokers of
        all processes are what they are meant to be.
        """
        master = self.createMaster()
        for masterIsOurs, workerIsOurs in product((True, False), repeat=2):
            with self.subTest(masterIsOurs=masterIsOurs, workerIsOurs=workerIsOurs):
                self.build(master, masterIsOurs, workerIsOurs)
                self.endAll()

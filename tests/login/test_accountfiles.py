"""
Account files are read when they have changed, and changed whole.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any
from unittest import mock

from twisted.logger import formatEvent, globalLogPublisher

from myspread._login.accountediting import editing
from myspread._login.accountfiles import AccountFile, readRecords
from myspread._login.accountlines import AccountFileError, Records
from tests.login.accounts import AccountsCase
from tests.login.test_accountlines import Pair, readPair

CRASH = """
import os, sys
from tests.login.test_accountlines import Pair, readPair
from myspread._login.accountediting import editing

os.replace = lambda *_: os._exit(9)
with editing(sys.argv[1], readPair) as records:
    records.put(Pair("ann", "2"))
"""


class FileCase(AccountsCase):
    """
    Files of pairs.
    """

    def file(self) -> AccountFile[Pair, dict[str, str]]:
        """What a checker has."""
        return AccountFile(self.path, readPair, lambda records: dict(map(tuple, records)))  # type: ignore[arg-type]

    def assertUnusable(self, text: str) -> None:
        """The file is refused, in one line."""
        error = self.assertRaises(AccountFileError, readRecords, self.path, readPair)
        self.assertEqual(str(error), f"{self.path}: {text}")


class ReadingTests(FileCase):
    """
    Who may read a file.
    """

    def test_private(self) -> None:
        """A file to which others have access is refused, and it says how to mend that."""
        for mode in (0o640, 0o604, 0o620, 0o610, 0o644):
            self.write("a 1", mode=mode)
            self.assertUnusable(
                f"others than its owner have access, as its mode is {mode:04o}: change it with chmod 600"
            )
        for mode in (0o600, 0o400):
            self.assertEqual(list(readRecords(self.write("a 1", mode=mode), readPair)[0]), [Pair("a", "1")])

    def test_noFile(self) -> None:
        """There has to be a file, and none that waits for a writer."""
        self.assertUnusable("No such file or directory")
        os.mkdir(self.path, 0o700)
        self.assertUnusable("this is no file")
        os.rmdir(self.path)
        os.mkfifo(self.path, 0o600)
        self.assertUnusable("this is no file")

    def test_wrong(self) -> None:
        """A wrong line is told by its number."""
        self.write("a 1", "b")
        self.assertUnusable("line 2: 1 fields are no pair")


class ChangingTests(FileCase):
    """
    Files that change while a server runs.
    """

    def logged(self) -> list[str]:
        """What the log says, in short."""
        events = [event for event in self.events if event.get("log_namespace", "").endswith("accountfiles")]
        self.events.clear()
        return [event["log_level"].name for event in events]

    def setUp(self) -> None:
        super().setUp()
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def test_readOnce(self) -> None:
        """It is read again only when it has changed."""
        self.write("a 1")
        reads: list[list[str]] = []

        def read(fields: list[str]) -> Pair:
            reads.append(fields)
            return readPair(fields)

        file = AccountFile(self.path, read, list)
        self.assertEqual([file.contents for _ in range(3)], [[Pair("a", "1")]] * 3)
        self.assertEqual(len(reads), 1)
        self.write("a 1")
        self.assertEqual(file.contents, [Pair("a", "1")])
        self.assertEqual(len(reads), 2)

    def test_replaced(self) -> None:
        """A file in its place, and one that is written over, of the same length."""
        self.write("a 1")
        file = self.file()
        self.write("a 2")
        self.assertEqual(file.contents, {"a": "2"})
        Path(self.path).write_text("a 3\n")
        os.utime(self.path, (1, 1))
        self.assertEqual(file.contents, {"a": "3"})
        self.assertEqual(self.logged(), ["info", "info"])

    def test_broken(self) -> None:
        """What was read before stays in force when the file can't be read; the log says so once."""
        self.write("a 1")
        file = self.file()
        for lines, mode in ((["a"], 0o600), (["a 2"], 0o644)):
            self.write(*lines, mode=mode)
            for _ in range(3):
                self.assertEqual(file.contents, {"a": "1"})
            self.assertEqual(self.logged(), ["critical"])
        os.chmod(self.path, 0o600)
        self.assertEqual(file.contents, {"a": "2"})

    def test_refusedBySystem(self) -> None:
        """
        What the system refuses, such as when no descriptors are left, is tried again at the next use, as the
        file itself doesn't change; the log says once that it begins, when it is something else, and
        when it is over.
        """
        self.write("a 1")
        file = self.file()
        self.write("a 2")
        for number in (errno.EMFILE, errno.EIO):
            with mock.patch.object(os, "open", side_effect=OSError(number, os.strerror(number))):
                for _ in range(3):
                    self.assertEqual(file.contents, {"a": "1"})
            self.assertEqual(self.logged(), ["critical"])
        for _ in range(3):
            self.assertEqual(file.contents, {"a": "2"})
        self.assertIn("can be read again: 1 records", formatEvent(self.events[-1]))
        self.assertEqual(self.logged(), ["info"])

    def test_sameProblem(self) -> None:
        """That a file is as wrong as it was, although it has changed, is not told."""
        self.write("a 1")
        file = self.file()
        for lines in (["a"], ["a"], ["a"]):
            self.write(*lines)
            self.assertEqual(file.contents, {"a": "1"})
        self.assertEqual(self.logged(), ["critical"])

    def test_gone(self) -> None:
        """Without the file there are no accounts, until it is back."""
        self.write("a 1")
        file = self.file()
        os.unlink(self.path)
        for _ in range(3):
            self.assertEqual(file.contents, {})
        self.assertEqual(self.logged(), ["error"])
        self.write("a 1")
        self.assertEqual(file.contents, {"a": "1"})

    def test_elsewhere(self) -> None:
        """A relative path still leads to the file when the process has gone to another directory."""
        self.write("a 1")
        self.path = os.path.relpath(self.path)
        file = self.file()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir("/")
        self.assertEqual(file.contents, {"a": "1"})
        self.assertEqual(self.logged(), [])


class EditingTests(FileCase):
    """
    Changes.
    """

    def put(self, *pairs: Pair, create: bool = False) -> None:
        """Change the file."""
        with editing(self.path, readPair, create) as records:
            for pair in pairs:
                records.put(pair)

    def text(self) -> str:
        """What is in the file; nothing else is beside it."""
        path = Path(os.path.realpath(self.path))
        self.assertIn(path.name, os.listdir(path.parent))
        self.assertEqual([name for name in os.listdir(path.parent) if name.startswith(".")], [])
        return path.read_text()

    def test_create(self) -> None:
        """A new file is private, whatever the mask; without being told to, none is made."""
        self.assertRaises(AccountFileError, self.put, Pair("a", "1"))
        self.assertFalse(os.path.exists(self.path))
        self.addCleanup(os.umask, os.umask(0))
        self.put(Pair("a", "1"), create=True)
        self.assertEqual(self.text(), "a 1\n")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)

    def test_change(self) -> None:
        """It is replaced, and private."""
        self.write("# Who?", "a 1", mode=0o400)
        before = os.stat(self.path)
        self.put(Pair("a", "2"), Pair("b", "3"))
        self.assertEqual(self.text(), "# Who?\na 2\nb 3\n")
        after = os.stat(self.path)
        self.assertNotEqual(before.st_ino, after.st_ino)
        self.assertEqual(stat.S_IMODE(after.st_mode), 0o600)

    def test_owner(self) -> None:
        """It keeps its owner."""
        self.write("a 1")
        if os.getuid():
            # Somebody else's file can't be read, so there is nobody to keep but oneself.
            self.put(Pair("a", "2"))
        else:
            os.chown(self.path, 12345, 54321)
            self.put(Pair("a", "2"))
            self.assertEqual((os.stat(self.path).st_uid, os.stat(self.path).st_gid), (12345, 54321))
        self.assertEqual(self.text(), "a 2\n")

    def test_unchanged(self) -> None:
        """When there is nothing to change, or the change fails, the file stays the same one."""
        self.write("a 1")
        before = os.stat(self.path)
        self.put(Pair("a", "1"))

        def fail() -> None:
            with editing(self.path, readPair) as records:
                records.put(Pair("a", "2"))
                raise ZeroDivisionError

        self.assertRaises(ZeroDivisionError, fail)
        self.assertEqual(self.text(), "a 1\n")
        self.assertEqual(os.stat(self.path), before)

    def test_link(self) -> None:
        """A symbolic link remains one."""
        self.write("a 1")
        target = self.path
        self.path = f"{target}.link"
        os.symlink(os.path.basename(target), self.path)
        self.put(Pair("a", "2"))
        self.assertTrue(os.path.islink(self.path))
        self.assertEqual(Path(target).read_text(), "a 2\n")

    def test_unreadable(self) -> None:
        """A file that can't be used isn't changed."""
        self.write("a 1", mode=0o644)
        self.assertRaises(AccountFileError, self.put, Pair("a", "2"))
        self.path = f"{self.path}/nowhere/x"
        error = self.assertRaises(AccountFileError, self.put, create=True)
        self.assertTrue(str(error).endswith("/nowhere/x: Not a directory"), error)

    def test_noText(self) -> None:
        """What can't be written is told, and the file stays."""
        self.write("a 1")
        error = self.assertRaises(AccountFileError, self.put, Pair("a", "\udcff"))
        self.assertSubstring(": this is no text: it has bytes in it that aren't UTF-8", str(error))
        self.assertEqual(self.text(), "a 1\n")

    def test_noRoom(self) -> None:
        """When it can't be written, the old one stays, and nothing else."""
        self.write("a 1")

        def fail(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fsync", fail)
        error = self.assertRaises(AccountFileError, self.put, Pair("a", "2"))
        self.assertEqual(str(error), f"{os.path.realpath(self.path)}: No space left on device")
        self.assertEqual(self.text(), "a 1\n")

    def test_noLocks(self) -> None:
        """Where there can be no lock, as on some network file systems, nothing is changed."""
        self.write("a 1")

        def fail(descriptor: int, operation: int) -> None:
            raise OSError(37, "No locks available")

        self.patch(fcntl, "flock", fail)
        error = self.assertRaises(AccountFileError, self.put, Pair("a", "2"))
        self.assertEqual(str(error), f"{os.path.realpath(self.path)}: No locks available")
        self.assertEqual(self.text(), "a 1\n")

    def test_crash(self) -> None:
        """A process that ends before it has put the new file in place leaves the old one."""
        self.write("a 1")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", CRASH, self.path], env=environment, timeout=60)
        self.assertEqual(done.returncode, 9)
        self.assertEqual(Path(self.path).read_text(), "a 1\n")
        self.put(Pair("b", "2"))
        self.assertEqual(Path(self.path).read_text(), "a 1\nb 2\n")

    def test_twoWriters(self) -> None:
        """The second waits for the first, and loses nothing of what that has written."""
        self.write("a 1")
        isIn = Event()

        def second() -> None:
            isIn.set()
            self.put(Pair("c", "3"))

        thread = Thread(target=second)
        with editing(self.path, readPair) as records:
            thread.start()
            self.assertTrue(isIn.wait(30))
            thread.join(0.1)
            self.assertTrue(thread.is_alive())
            self.assertEqual(self.text(), "a 1\n")
            records.put(Pair("b", "2"))
        thread.join(30)
        self.assertEqual(self.text(), "a 1\nb 2\nc 3\n")

    def test_manyWriters(self) -> None:
        """Of writers at the same time, each one's record is there in the end."""
        pairs = [Pair(f"w{number}", "1") for number in range(8)]
        threads = [Thread(target=self.put, args=(pair,), kwargs={"create": True}) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(
            sorted(self.text().split()), sorted(field for pair in pairs for field in pair.fields())
        )

    def test_records(self) -> None:
        """A record read from a new file is what was put there."""
        self.put(Pair("two words", ""), create=True)
        records: Records[Pair] = readRecords(self.path, readPair)[0]
        self.assertEqual(list(records), [Pair("two words", "")])

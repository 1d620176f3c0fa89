"""
What a program has declared to C{twisted.spread} holds for our brokers.
"""

from __future__ import annotations

import os
from tempfile import mkdtemp
from types import ModuleType
from typing import Any

from twisted.python.filepath import FilePath
from twisted.spread import jelly as stockJelly
from twisted.spread import pb as stock
from twisted.spread import publish as stockPublish
from twisted.spread import util as stockUtil
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread.testing import BrokerPair, brokerPair


class Answering(pb.Root):
    """Answers with one value."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def remote_answer(self, *args: Any) -> Any:
        return self.answer() if callable(self.answer) else self.answer

    def remote_pages(self, collector: Any) -> None:
        self.answer(collector)


class Travelling(stock.Copyable):
    """Travels under the name that a test gives it."""

    def __init__(self, tag: bytes) -> None:
        self.tag = tag
        self.state = 5

    def getTypeToCopy(self) -> bytes:
        """The name."""
        return self.tag


class Arrived(stock.RemoteCopy):
    """What becomes of it."""


class Plain:
    """Of no flavor; travels by its name where that is allowed."""

    def __init__(self) -> None:
        self.content = [1, "two"]


class Notice(stockPublish.Publishable):  # type: ignore[misc]
    """Published by the server."""

    def getTypeToCopy(self) -> bytes:
        """The tag."""
        return b"migration.Notice"

    def getStateToPublish(self) -> dict[str, Any]:
        """What subscribers get."""
        return {"text": "fresh eggs"}


class RemoteNotice(stockPublish.RemotePublished):  # type: ignore[misc]
    """Kept by the client, in a file of a test's own."""

    directory = ""

    def getFileName(self, ext: str = "pub") -> str:
        """The path of that file."""
        return os.path.join(self.directory, f"{self.publishedID}.{ext}")


class RegistrationTests(SynchronousTestCase):
    """
    Our brokers, and the registries of C{twisted.spread}.
    """

    def answer(self, value: Any, **factoryArguments: Any) -> Any:
        """What a client of ours gets when a server of ours answers with C{value}."""
        pair = self.pair(value, **factoryArguments)
        return pair.result(pair.root.callRemote("answer"))

    def pair(self, value: Any, **factoryArguments: Any) -> BrokerPair:
        """A client and a server of ours."""
        return brokerPair(
            serverFactory=pb.PBServerFactory(Answering(value), **factoryArguments),
            clientFactory=pb.PBClientFactory(**factoryArguments),
        )

    def test_setUnjellyableForClass(self) -> None:
        """A class that is registered there is made here."""
        stock.setUnjellyableForClass("migration.One", Arrived)
        arrived = self.answer(Travelling(b"migration.One"))
        self.assertEqual((type(arrived), arrived.state), (Arrived, 5))

    def test_setUnjellyableForClassAfterConnecting(self) -> None:
        """So is one that is registered while the connection stands."""
        pair = self.pair(Travelling(b"migration.Later"))
        stock.setUnjellyableForClass("migration.Later", Arrived)
        self.assertIs(type(pair.result(pair.root.callRemote("answer"))), Arrived)

    def test_setUnjellyableFactoryForClass(self) -> None:
        """A factory that is registered there is called here."""
        stock.setUnjellyableFactoryForClass("migration.Two", lambda state: ("made of", state["state"]))
        self.assertEqual(self.answer(Travelling(b"migration.Two")), ("made of", 5))

    def test_setUnjellyableForClassTree(self) -> None:
        """A module that is registered there is known here."""
        module = ModuleType("migration.tree")
        module.Arrived = Arrived  # type: ignore[attr-defined]
        stock.setUnjellyableForClassTree(module, stock.RemoteCopy, "migration.tree")
        self.assertIs(type(self.answer(Travelling(b"migration.tree.Arrived"))), Arrived)

    def test_ourRegistrationComesFirst(self) -> None:
        """A tag that is registered with both packages is what ours says."""

        class Other(pb.RemoteCopy):
            """Registered with ours."""

        pb.setUnjellyableForClass("migration.Both", Other)
        stock.setUnjellyableForClass("migration.Both", Arrived)
        self.assertIs(type(self.answer(Travelling(b"migration.Both"))), Other)

    def test_globalSecurity(self) -> None:
        """What its process-wide options allow, ours allow."""
        stock.globalSecurity.allowInstancesOf(Plain)
        self.addCleanup(stock.globalSecurity.allowedClasses.pop, Plain)
        self.assertEqual(self.answer(Plain()).content, [1, "two"])

    def test_securityOptions(self) -> None:
        """A factory of ours takes its SecurityOptions, which decide alone."""
        options = stockJelly.SecurityOptions()
        options.allowBasicTypes()
        options.allowInstancesOf(Plain)
        self.assertEqual(self.answer(Plain(), security=options).content, [1, "two"])
        strict = stockJelly.SecurityOptions()
        strict.allowBasicTypes()
        self.assertIsInstance(self.answer(Plain(), security=strict), stockJelly.Unpersistable)

    def test_failureOfItsKind(self) -> None:
        """Its CopyableFailure is sent as the failure that it is."""
        failure = stock.CopyableFailure(ValueError("as a value"))
        [arrived] = self.answer([failure])
        self.assertEqual((type(arrived), arrived.value), (pb.CopiedFailure, "as a value"))

    def test_publishable(self) -> None:
        """Its Publishable is activated, and the file spares the second asking."""
        RemoteNotice.directory = mkdtemp()
        self.addCleanup(FilePath(RemoteNotice.directory).remove)
        stock.setUnjellyableForClass("migration.Notice", RemoteNotice)
        notice = Notice("eggs")
        for wasClean in (0, 1):
            pair = self.pair(notice)
            arrived = pair.result(stockPublish.whenReady(pair.root.callRemote("answer")))
            self.assertEqual((arrived.text, arrived._wasCleanWhenLoaded), ("fresh eggs", wasClean))
            pair.disconnect()

    def test_filePager(self) -> None:
        """Its FilePager sends a whole file."""
        path = FilePath(mkdtemp()).child("file")
        self.addCleanup(path.parent().remove)
        path.setContent(b"line\n" * 50_000)

        def send(collector: Any) -> None:
            stockUtil.FilePager(collector, path.open())

        pair = self.pair(send)
        pages = pair.result(stockUtil.getAllPages(pair.root, "pages"))
        self.assertEqual(b"".join(pages), path.getContent())

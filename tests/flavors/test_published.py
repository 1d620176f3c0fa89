"""
Cacheables whose state the peer keeps in a file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb, publish
from myspread._jelly import jelly
from myspread.banana import encode
from myspread.security import SecurityPolicy
from myspread.testing import brokerPair


class Page(publish.Publishable):
    """What is published."""

    def __init__(self, identity: Any, text: str) -> None:
        super().__init__(identity)
        self.text = text

    def getStateToPublish(self) -> Any:
        return {"text": self.text}


class RemotePage(publish.RemotePublished):
    """What becomes of it."""

    activations = 0

    def activated(self) -> None:
        type(self).activations += 1


POLICY = SecurityPolicy().allowUnjellyable("tests.flavors.test_published.Page", RemotePage)


class Server(pb.Root):
    """Publishes a page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def remote_page(self) -> Any:
        """Send it."""
        return self.page


class Service:
    """Where a user is logged in."""

    serviceName = "library"


class User(pb.Avatar):
    """A user, as publishing knows them."""

    perspectiveName = "ann"

    def getService(self) -> Service:
        """Where they are."""
        return Service()


class PublishTests(SynchronousTestCase):
    """
    L{publish}.
    """

    def setUp(self) -> None:
        directory = self.mktemp()
        os.mkdir(directory)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(directory)
        self.patch(RemotePage, "activations", 0)
        self.page = Page("front", "hello")

    def fetch(self, page: Any = None) -> Any:
        """Get the page over a new connection, and wait for its state."""
        self.pair = brokerPair(Server(page or self.page), clientFactory=pb.PBClientFactory(security=POLICY))
        return self.pair.result(publish.whenReady(self.pair.root.callRemote("page")))

    def test_first(self) -> None:
        """
        The first time the state is fetched, and written to a file.
        """
        page = self.fetch()
        self.assertIs(type(page), RemotePage)
        self.assertEqual(page.text, "hello")
        self.assertEqual((page.isActivated, page._wasCleanWhenLoaded), (1, 0))
        self.assertEqual(RemotePage.activations, 1)
        self.assertEqual(os.listdir(), ["None-None-front.pub"])

    def test_again(self) -> None:
        """
        In the next session the file is enough, as long as the page hasn't
        changed.
        """
        self.fetch()
        self.page.text = "a change that nobody was told of"
        page = self.fetch()
        self.assertEqual(page.text, "hello")
        self.assertEqual((page.isActivated, page._wasCleanWhenLoaded), (1, 1))

    def test_republished(self) -> None:
        """
        After L{publish.Publishable.republish} the state is fetched anew.
        """
        self.fetch()
        self.page.text = "new"
        self.page.timestamp -= 10
        before = self.page.timestamp
        self.page.republish()
        self.assertGreater(self.page.timestamp, before)
        page = self.fetch()
        self.assertEqual(page.text, "new")
        self.assertEqual(page._wasCleanWhenLoaded, 0)

    def test_file(self) -> None:
        """
        The file keeps nothing that belongs to the session.
        """
        page = self.fetch()
        state = page.__getstate__()
        self.assertEqual(set(state), {"publishedID", "perspective", "service", "timestamp", "text"})
        self.assertEqual(Path("None-None-front.pub").read_bytes(), encode(jelly(page)))

    def test_listeners(self) -> None:
        """
        Those who wait are told once the state is there, and at once after it.
        """
        self.pair = brokerPair(Server(self.page), clientFactory=pb.PBClientFactory(security=POLICY))
        told: list[Any] = []

        def arrived(page: Any) -> None:
            page.callWhenActivated(told.append)
            self.assertEqual(told, [])
            self.arrived = page

        self.pair.root.callRemote("page").addCallback(arrived)
        self.pair.flush()
        self.arrived.callWhenActivated(told.append)
        self.assertEqual(told, [self.arrived, self.arrived])

    def test_perUser(self) -> None:
        """
        Each user's file bears the names of service and user.
        """
        user = User()
        user.perspective_page = lambda: self.page  # type: ignore[attr-defined]
        avatar = pb.AsReferenceable(user, "perspective")
        self.pair = brokerPair(Server(avatar), clientFactory=pb.PBClientFactory(security=POLICY))
        reference = self.pair.result(self.pair.root.callRemote("page"))
        page = self.pair.result(publish.whenReady(reference.callRemote("page")))
        self.assertEqual(page.text, "hello")
        self.assertEqual(os.listdir(), ["library-ann-front.pub"])

    def test_elsewhere(self) -> None:
        """
        A hostile server can't choose the directory of the file.
        """
        self.fetch(Page("../../outside", "x"))
        self.assertEqual(os.listdir(), ["None-None-..%2F..%2Foutside.pub"])
        self.assertEqual(self.fetch(Page("../../outside", "y"))._wasCleanWhenLoaded, 0)
        self.assertEqual(self.fetch(Page(5, "x")).getFileName("txt"), "None-None-5.txt")
        self.assertEqual(self.fetch(Page("c:\\x", "x")).getFileName(), "None-None-c%3A%5Cx.pub")

    def test_noState(self) -> None:
        """
        If the state can't be had, that is logged.
        """
        self.pair = brokerPair(
            Server(publish.Publishable("bare")),
            clientFactory=pb.PBClientFactory(
                security=POLICY.allowUnjellyable("twisted.spread.publish.Publishable", RemotePage)
            ),
        )
        page = self.pair.result(self.pair.root.callRemote("page"))
        self.assertEqual(page.isActivated, 0)
        # Once where it was raised, once where it arrived.
        self.assertEqual(len(self.flushLoggedErrors(NotImplementedError)), 2)

    def test_whenReadyFails(self) -> None:
        """
        L{publish.whenReady} fails with the call that it waits for, and where
        the result isn't published at all.
        """
        asked: Deferred[Any] = Deferred()
        ready = publish.whenReady(asked)
        asked.errback(ValueError("no"))
        self.failureResultOf(ready, ValueError)
        self.failureResultOf(publish.whenReady(succeed(5)), AttributeError)

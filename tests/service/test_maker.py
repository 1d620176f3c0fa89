"""
Tests of L{myspread._service.maker} and of its plugin.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.application.service import IService, IServiceMaker
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.plugin import IPlugin, getPlugins
from twisted.trial.unittest import SynchronousTestCase

from myspread._login.channel import Channel
from myspread._service import descriptors
from myspread._service.limiting import SERVER_LIMITS
from myspread._service.maker import Options, makeService
from myspread._service.ports import ListeningService
from myspread.pb import Budget, PBServerFactory, globalSecurity
from myspread.security import LOGIN_POLICY


def makePortal() -> Portal:
    """What C{--root} may name."""
    return Portal(None)


class MakeServiceTests(SynchronousTestCase):
    """
    L{makeService} serves what the options name.
    """

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.options = Options()
        self.options.reactor = self.reactor

    def test_listensWhileRunning(self) -> None:
        """Nothing listens before the service starts; each port serves the root then."""
        self.options.parseOptions(["--port", "tcp:1", "--port", "unix:pb.socket:lockfile=0"])
        service = makeService(self.options)
        self.assertTrue(IService.providedBy(service))
        self.assertEqual((self.reactor.tcpServers, self.reactor.unixServers), ([], []))
        service.privilegedStartService()
        service.startService()
        [(port, factory, _, _)] = self.reactor.tcpServers
        [(path, sameFactory, _, _, _)] = self.reactor.unixServers
        self.assertEqual((port, path), (1, "pb.socket"))
        self.assertIsInstance(factory, PBServerFactory)
        self.assertIs(factory, sameFactory)
        self.assertIs(factory.root, self.options["root"])

    def test_limitsAndPolicy(self) -> None:
        """The factory has what the options say, or the limits of a server and the default policy."""
        for words, limits, policy in (
            ((), SERVER_LIMITS, globalSecurity),
            (
                ("--limit", "references=7", "--policy", "myspread.security:LOGIN_POLICY"),
                replace(SERVER_LIMITS, references=7),
                LOGIN_POLICY,
            ),
        ):
            self.reactor.tcpServers.clear()
            options = Options()
            options.reactor = self.reactor
            options.parseOptions(words)
            makeService(options).startService()
            [(_, factory, _, _)] = self.reactor.tcpServers
            self.assertEqual(factory.limits, limits)
            self.assertIs(factory.security, policy)

    def test_budget(self) -> None:
        """The factory has the budget that the options say."""
        root = "tests.service.test_maker:makePortal"
        self.options.parseOptions(["--budget", "callsPerSecond=5", "--root", root])
        makeService(self.options).startService()
        [(_, factory, _, _)] = self.reactor.tcpServers
        self.assertEqual(factory.budget, Budget(callsPerSecond=5))

    def test_descriptorsFirst(self) -> None:
        """Before anything listens, the number of connections is within that of descriptors."""
        self.options.parseOptions([])
        bound: list[Any] = []
        self.patch(descriptors, "mostDescriptors", lambda reactor, system: 500)
        self.patch(
            ListeningService, "privilegedStartService", lambda self: bound.append(self._factory.limits)
        )
        makeService(self.options).privilegedStartService()
        self.assertEqual(bound, [replace(SERVER_LIMITS, connections=400, startups=200, startupsFull=400)])

    def test_portal(self) -> None:
        """A portal is served with its login."""
        self.options.parseOptions(["--root", "tests.service.test_maker:makePortal"])
        service = makeService(self.options)
        service.startService()
        [(_, factory, _, _)] = self.reactor.tcpServers
        self.assertIs(factory.root.portal, self.options["root"])

    def test_md5(self) -> None:
        """Logins with MD5 are taken from this machine only, unless the operator says otherwise."""
        near, far = (
            Channel(StringTransport(peerAddress=IPv4Address("TCP", host, 1)))
            for host in ("127.0.0.1", "192.0.2.1")
        )
        for words, taken in (([], (True, False)), (["anywhere"], (True, True)), (["never"], (False, False))):
            self.reactor.tcpServers.clear()
            options = Options()
            options.reactor = self.reactor
            md5 = [word for value in words for word in ("--md5", value)]
            options.parseOptions(["--root", "tests.service.test_maker:makePortal", *md5])
            makeService(options).startService()
            [(_, factory, _, _)] = self.reactor.tcpServers
            reception = factory.root._reception
            self.assertEqual((reception.takesMd5(near), reception.takesMd5(far)), taken)


class PluginTests(SynchronousTestCase):
    """
    C{twistd} finds the subcommand.
    """

    def test_plugin(self) -> None:
        """There is one plugin, and it leads to the options and the maker."""
        [plugin] = [plugin for plugin in getPlugins(IServiceMaker) if plugin.tapname == "pbserver"]
        self.assertTrue(IPlugin.providedBy(plugin))
        self.assertIs(plugin.options, Options)
        self.assertIs(plugin.makeService, makeService)
        self.assertEqual(plugin.description, "A Perspective Broker server.")

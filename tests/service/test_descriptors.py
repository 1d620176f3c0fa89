"""
Tests of L{myspread._service.descriptors}.
"""

from __future__ import annotations

from math import inf
from typing import Any

from twisted.internet.selectreactor import SelectReactor
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from myspread import pb
from myspread._service.descriptors import DescriptorService, mostDescriptors, withinDescriptors
from myspread.limits import Limits


class System:
    """
    What is used of the module C{resource}.
    """

    RLIMIT_NOFILE = 7
    RLIM_INFINITY = -1

    def __init__(self, soft: int, hard: int, refusal: Exception | None = None) -> None:
        """
        @param refusal: what setting a limit raises.
        """
        self.limits = soft, hard
        self.refusal = refusal

    def getrlimit(self, which: int) -> tuple[int, int]:
        """Both limits."""
        assert which == self.RLIMIT_NOFILE
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        """Set both."""
        assert which == self.RLIMIT_NOFILE
        if self.refusal is not None:
            raise self.refusal
        assert all(isinstance(each, int) for each in limits)
        self.limits = limits


class DescriptorTests(SynchronousTestCase):
    """
    The number of descriptors is raised, and bounds the connections.
    """

    def setUp(self) -> None:
        self.entries: list[Any] = []
        globalLogPublisher.addObserver(self.entries.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.entries.append)
        self.reactor: Any = MemoryReactorClock()

    def logged(self, level: Any) -> list[str]:
        """The entries of a level."""
        return [
            entry["log_format"].format(**entry)
            for entry in self.entries
            if entry["log_level"] is level and entry["log_namespace"].startswith("myspread._service")
        ]

    def test_raised(self) -> None:
        """The soft limit becomes the hard one, and the log says so."""
        system = System(1024, 4096)
        self.assertEqual(mostDescriptors(self.reactor, system), 4096)
        self.assertEqual(system.limits, (4096, 4096))
        self.assertEqual(self.logged(LogLevel.info), ["The limit of open files is raised from 1024 to 4096."])

    def test_asItIs(self) -> None:
        """Where they are equal, nothing is to be done, or said."""
        for soft, most in ((4096, 4096), (-1, inf)):
            system = System(soft, soft, AssertionError("nothing to set"))
            self.assertEqual(mostDescriptors(self.reactor, system), most)
        self.assertEqual(self.entries, [])

    def test_infinite(self) -> None:
        """A hard limit may be none at all."""
        system = System(1024, -1)
        self.assertEqual(mostDescriptors(self.reactor, system), inf)
        self.assertEqual(system.limits, (-1, -1))

    def test_refused(self) -> None:
        """Where the system refuses, the soft limit stays, and the log says so."""
        for refusal in (ValueError("too much"), OSError("too much")):
            self.entries.clear()
            self.assertEqual(mostDescriptors(self.reactor, System(256, -1, refusal)), 256)
            self.assertEqual(
                self.logged(LogLevel.warn),
                ["The limit of open files stays at 256, and can't be inf: too much"],
            )

    def test_select(self) -> None:
        """The reactor that calls C{select} can't wait for more than 1024."""
        reactor = object.__new__(SelectReactor)
        for soft, most in ((256, 1024), (1024, 1024), (4096, 1024)):
            system = System(soft, 4096)
            self.assertEqual(mostDescriptors(reactor, system), most)
            self.assertEqual(system.limits, (max(soft, 1024), 4096))
        self.assertEqual(mostDescriptors(reactor, None), 1024)

    def test_elsewhere(self) -> None:
        """Where there is no C{resource}, nobody knows."""
        self.assertEqual(mostDescriptors(self.reactor, None), inf)

    def test_connections(self) -> None:
        """A hundred are left for all else, or half if there are that few; the log says so."""
        limits = Limits(connections=1000)
        for most, connections in ((inf, 1000), (1100, 1000), (1099, 999), (256, 156), (100, 50)):
            self.assertEqual(withinDescriptors(limits, most).connections, connections)
        self.assertEqual(
            self.logged(LogLevel.warn)[0],
            "There may be 999 connections and not 1000: this process may have 1099 files open.",
        )
        self.assertEqual(len(self.logged(LogLevel.warn)), 3)

    def test_unbounded(self) -> None:
        """Who wants no bound gets none."""
        self.assertIsNone(withinDescriptors(Limits(), 256).connections)

    def test_service(self) -> None:
        """It is done when the service starts, and not before."""
        factory = pb.PBServerFactory(pb.Root(), limits=Limits(connections=1000, references=7))
        system = System(256, 512)
        service = DescriptorService(self.reactor, factory, system)
        self.assertEqual(system.limits, (256, 512))
        service.privilegedStartService()
        self.assertEqual(system.limits, (512, 512))
        self.assertEqual(factory.limits, Limits(connections=412, references=7))

    def test_serviceWithoutLimits(self) -> None:
        """A factory without limits is left as it is."""
        factory = pb.PBServerFactory(pb.Root())
        DescriptorService(self.reactor, factory, System(256, 512)).privilegedStartService()
        self.assertIsNone(factory.limits)

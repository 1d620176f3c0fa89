"""
File descriptors: each connection takes one, and a process may have so many.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from math import inf
from typing import Any

from twisted.application.service import Service
from twisted.internet.selectreactor import SelectReactor
from twisted.logger import Logger

from myspread._service.limiting import withEarlyDrop
from myspread.limits import Limits
from myspread.pb import PBServerFactory

__all__ = ["DescriptorService", "mostDescriptors", "withinDescriptors"]

_log = Logger()

# Windows has none.
_system: Any = import_module("resource") if find_spec("resource") else None

RESERVED = 100
"""Descriptors that connections leave for all else: ports, logs, files of the application."""

SELECTABLE = 1024
"""The descriptors that C{select} can wait for are below this."""


def mostDescriptors(reactor: Any, system: Any = _system) -> float:
    """
    How many file descriptors this process may have open, once that is raised
    as far as the process itself may do so.

    @param reactor: what waits for them.
    @param system: the module C{resource}, or None where there is none.
    @return: the number, or infinity.
    """
    most = SELECTABLE if isinstance(reactor, SelectReactor) else inf
    if system is None:
        return most
    limits = system.getrlimit(system.RLIMIT_NOFILE)
    soft, hard = (inf if each == system.RLIM_INFINITY else each for each in limits)
    wanted = min(hard, most)
    if wanted <= soft:
        return min(soft, most)
    try:
        system.setrlimit(system.RLIMIT_NOFILE, (limits[1] if wanted == hard else wanted, limits[1]))
    except (OSError, ValueError) as error:
        text = "The limit of open files stays at {soft}, and can't be {wanted}: {error}"
        _log.warn(text, soft=soft, wanted=wanted, error=str(error))
        return soft
    _log.info("The limit of open files is raised from {soft} to {wanted}.", soft=soft, wanted=wanted)
    return wanted


def withinDescriptors(limits: Limits, most: float) -> Limits:
    """
    Limits with no more connections than there are descriptors for.

    @param most: how many descriptors there may be.
    """
    room = max(most - RESERVED, most // 2)
    if limits.connections is None or limits.connections <= room:
        return limits
    _log.warn(
        "There may be {room} connections and not {wanted}: this process may have {most} files open.",
        room=int(room),
        wanted=limits.connections,
        most=int(most),
    )
    return replace(limits, connections=int(room))


class DescriptorService(Service):
    """
    Sees to it, before anything listens, that descriptors don't run out.
    """

    def __init__(self, reactor: Any, factory: PBServerFactory, system: Any = _system) -> None:
        """
        @param reactor: what waits for the descriptors.
        @param factory: whose connections they are for; it has limits.
        @param system: the module C{resource}, or None where there is none.
        """
        self._reactor = reactor
        self._factory = factory
        self._system = system

    def privilegedStartService(self) -> None:
        """Raise the number, and bound connections by it."""
        Service.privilegedStartService(self)
        if self._factory.limits is not None:
            most = mostDescriptors(self._reactor, self._system)
            self._factory.limits = withEarlyDrop(withinDescriptors(self._factory.limits, most))

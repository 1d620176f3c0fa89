"""
Passwords that a client has hashed.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool

from myspread._login.scram import ScramKeys, saltedPassword

__all__ = ["SaltedPasswords"]

QUICK: Final = 16384
"""Iterations that take so few milliseconds that a thread isn't worth its while."""

KEPT: Final = 8
"""One user of one server needs one."""

Salted = tuple[str, bytes, int]


def _keys(password: str, salt: bytes, iterations: int) -> ScramKeys:
    return ScramKeys.fromSaltedPassword(saltedPassword(password, salt, iterations))


class SaltedPasswords:
    """
    Hashes passwords, beside the reactor's own thread if it takes long, and
    remembers some, so that logging in again is cheap.
    """

    __slots__ = ("_clock", "_known")

    def __init__(self, clock: Any) -> None:
        """
        @param clock: a reactor; something without threads does all at once.
        """
        self._clock = clock
        self._known: OrderedDict[Salted, ScramKeys] = OrderedDict()

    async def keys(self, password: str, salt: bytes, iterations: int) -> ScramKeys:
        """
        The keys of a password.

        @param password: after SASLprep.
        """
        salted = password, salt, iterations
        keys = self._known.pop(salted, None) or await self._hashed(*salted)
        self._known[salted] = keys
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return keys

    async def _hashed(self, password: str, salt: bytes, iterations: int) -> ScramKeys:
        if iterations <= QUICK or not IReactorThreads.providedBy(self._clock):
            return _keys(password, salt, iterations)
        pool = self._clock.getThreadPool()
        hashing: Deferred[ScramKeys] = deferToThreadPool(self._clock, pool, _keys, password, salt, iterations)
        return await hashing

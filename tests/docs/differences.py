"""
The same program on both packages, for what differs between them.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.spread import pb as stock

from myspread import pb
from myspread.testing import BrokerPair, brokerPair

__all__ = ["Outcome", "call", "pairOn"]

TOO_LONG = 640 * 1024 + 1


def rootOn(package: Any) -> Any:
    """A root object of one package, C{myspread.pb} or C{twisted.spread.pb}."""

    class Undeclared(package.Copyable):  # type: ignore[misc]
        """Nobody has said what becomes of this."""

    class Duck(package.Referenceable):  # type: ignore[misc]
        """Something to lend."""

    class Root(package.Root):  # type: ignore[misc]
        later: Deferred[Any]

        def remote_echo(self, value: Any) -> Any:
            return value

        def remote_tooLong(self) -> bytes:
            return b"x" * TOO_LONG

        def remote_tooLongLater(self) -> Deferred[bytes]:
            return succeed(b"x" * TOO_LONG)

        def remote_exit(self) -> None:
            raise SystemExit(3)

        def remote_wrong(self) -> None:
            raise ValueError("it is wrong")

        def remote_wrongLater(self) -> Any:
            return Deferred.fromCoroutine(self._wrong())

        async def _wrong(self) -> None:
            raise ValueError("it is wrong")

        def remote_undeclared(self) -> Undeclared:
            return Undeclared()

        async def remote_five(self) -> int:
            return 5

        def remote_later(self) -> Deferred[Any]:
            self.later = Deferred()
            return self.later

        def remote_relay(self, other: Any) -> Any:
            return other.callRemote("wrong")

        def remote_lend(self) -> Duck:
            return Duck()

    return Root()


def pairOn(package: Any, unsafeTracebacks: bool = False) -> BrokerPair:
    """Two connected brokers of one package; the server has L{rootOn} as root."""
    return brokerPair(
        serverFactory=package.PBServerFactory(rootOn(package), unsafeTracebacks=unsafeTracebacks),
        clientFactory=package.PBClientFactory(),
    )


class Outcome:
    """
    What a remote call has come to.

    @ivar raised: what came out of delivering the messages. A reactor closes
        the connection then.
    @ivar result: a list of the one result or failure; empty while the caller
        waits.
    """

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        self.result: list[Any] = []

    @property
    def failure(self) -> Failure:
        """The failure that the caller gets."""
        (failure,) = self.result
        assert isinstance(failure, Failure), failure
        return failure


def call(pair: BrokerPair, name: str, *args: Any) -> Outcome:
    """Call a method of the root, and deliver all that follows."""
    outcome = Outcome()
    try:
        pair.root.callRemote(name, *args).addBoth(outcome.result.append)
        pair.flush()
    except BaseException as error:
        outcome.raised = error
    return outcome


PACKAGES = {"myspread": pb, "twisted.spread": stock}

"""
C{twistd pbserver --status}: where an operator sees what a server does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from myspread._service.figures import Figures
from myspread._service.history import History
from myspread._service.metrics import CONTENT_TYPE, metrics
from myspread._service.ports import ListeningService, Port
from myspread._service.report import report
from myspread._service.statuspage import Page, boundedSite
from myspread._service.wrongports import WrongPort, checkPlain
from myspread.pb import PBServerFactory

__all__ = ["StatusService", "statusPort"]

_log = Logger()

PLAIN = "text/plain; charset=utf-8"

_OWN = {
    "tcp": "interface=127.0.0.1",
    "ssl": "interface=127.0.0.1",
    "tcp6": "interface=\\:\\:1",
    "tls": "interface=\\:\\:1",
    "unix": "mode=600",
}
"""By kind of endpoint, what holds unless the description says otherwise: nobody else gets there."""


def statusPort(reactor: Any, description: str) -> Port:
    """
    Where to serve the status: for this machine only, or this user, unless the
    description names an interface or a mode.

    @param description: that of an endpoint.
    @raise WrongPort: when it can't be understood.
    """
    checkPlain(description)
    kind = description.partition(":")[0]
    if kind == "haproxy":
        raise WrongPort("haproxy: it believes everybody, and nobody is asked here where they come from")
    own = _OWN.get(kind)
    if own is None or f":{own.partition('=')[0]}=" in description:
        return Port(description, serverFromString(reactor, description))
    try:
        return Port(description, serverFromString(reactor, f"{description}:{own}"))
    except TypeError as error:
        if "multiple values" not in str(error):
            raise
        # By position, or wrong: only by name it is clear what is meant.
        name = own.partition("=")[0]
        raise WrongPort(f"name what follows the first value, such as {name}=") from error


class StatusService(ListeningService):
    """
    Serves the status of a server, until the last of its connections has ended.
    """

    def __init__(
        self,
        reactor: Any,
        ports: list[Port],
        factory: PBServerFactory,
        figures: Figures,
        names: Collection[str],
    ) -> None:
        """
        @param reactor: has the time, and listens.
        @param ports: where to listen.
        @param factory: whose connections it is about.
        @param figures: what is known of them.
        @param names: by which the site may be asked for, besides addresses.
        """
        self._factoryOfBrokers = factory
        self._figures = figures
        self._history = History(figures, reactor)
        self._since = reactor.seconds()
        self._sampling = LoopingCall(self._history.sample)
        self._sampling.clock = reactor
        self._site = boundedSite(self._page(reactor, names))
        super().__init__(reactor, ports, self._site)

    def _page(self, reactor: Any, names: Collection[str]) -> Page:
        page = Page(frozenset(name.lower().rstrip(".") for name in names))
        seconds = reactor.seconds
        page.addJson(b"status.json", self._report, seconds)
        page.add(
            b"metrics", lambda: (200, metrics(self._figures, self.state, self._since)), CONTENT_TYPE, seconds
        )
        page.add(b"healthz", lambda: (200, "alive\n"), PLAIN, seconds, 0.0)
        page.add(b"readyz", self._ready, PLAIN, seconds, 0.0)
        return page

    @property
    def state(self) -> str:
        """C{starting} until something listens, C{draining} once it is being stopped, else C{serving}."""
        factory = self._factoryOfBrokers
        if factory.isDraining or not self.running:
            return "draining"
        return "serving" if factory.numPorts else "starting"

    def _ready(self) -> tuple[int, str]:
        return (200 if self.state == "serving" else 503), self.state + "\n"

    def _report(self) -> dict[str, Any]:
        return report(self._figures, self._history, self.state, self._reactor.seconds(), self._since)

    def startService(self) -> None:
        """Listen, and take a sample each second."""
        super().startService()
        self._sampling.start(1.0, now=False).addErrback(
            lambda failure: _log.failure("The status has no history any more.", failure)
        )

    def stopService(self) -> Deferred[Any]:
        """
        Stop once the server has ended the last of its connections.

        @return: a Deferred that fires when nothing listens any more.
        """
        self.running = 0
        if not self._factoryOfBrokers.isDraining:
            return self._stop()
        drained: Deferred[Any] = self._factoryOfBrokers.drain()
        return drained.addCallback(lambda unfinished: self._stop())

    def _stop(self) -> Deferred[Any]:
        if self._sampling.running:
            self._sampling.stop()
        stopped = maybeDeferred(super().stopService)
        self._site.closeAll()
        return stopped

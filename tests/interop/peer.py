"""
The program that both processes of a pair run.

Usage: C{python -m tests.interop.peer server} or C{... client}. The package to
speak is in the environment (L{tests.interop.implementation}). Commands and
results are lines of JSON on standard input and output; the end of the input
ends the process.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Mapping
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver

from tests.interop import scenarios
from tests.interop.implementation import PACKAGE, pb
from tests.interop.logs import observeErrors
from tests.interop.serving import makeFactories
from tests.interop.session import SCENARIOS, Session

__all__ = ["ClientCommands", "ServerCommands"]

SCENARIO_SECONDS = 20
"""How long one scenario may take."""


class Commands(LineOnlyReceiver):
    """
    Takes one command at a time.
    """

    delimiter = b"\n"
    MAX_LENGTH = 2**20

    def lineReceived(self, line: bytes) -> None:
        """Run a command; answer with its result."""
        done = Deferred.fromCoroutine(self.command(**json.loads(line)))
        done.addErrback(lambda failure: {"failed": failure.getTraceback()})
        done.addCallback(lambda result: self.sendLine(json.dumps(result).encode()))

    async def command(self, **arguments: Any) -> Any:
        """What subclasses do."""
        raise NotImplementedError

    def connectionLost(self, reason: Any = None) -> None:
        """Nobody listens any more."""
        if reactor.running:  # type: ignore[attr-defined]
            reactor.stop()  # type: ignore[attr-defined]


class ServerCommands(Commands):
    """
    C{{"endpoints": {name: description}}} listens, and answers with the ports
    (0 where there is none). Each factory listens on all endpoints.
    """

    async def command(self, *, endpoints: Mapping[str, str]) -> Any:
        """Listen."""
        ports: dict[str, dict[str, int]] = {}
        for transport, description in endpoints.items():
            ports[transport] = {}
            for name, factory in makeFactories().items():
                ports[transport][name] = await self.listen(description.format(name=name), factory)
        return ports

    async def listen(self, description: str, factory: Any) -> int:
        """The port on which a factory listens now."""
        port = await serverFromString(reactor, description).listen(factory)
        return getattr(port.getHost(), "port", 0)


class ClientCommands(Commands):
    """
    C{{"scenario": name, "endpoints": {name: description}, "server": package}}
    runs a scenario.
    """

    control: Any = None

    async def command(self, *, scenario: str, endpoints: Mapping[str, str], server: str) -> Any:
        """Run it."""
        if self.control is None:
            factory = pb.PBClientFactory()
            await clientFromString(reactor, endpoints["root"]).connect(factory)
            self.control = await factory.getRootObject()
        session = Session(endpoints, self.control, PACKAGE, server)
        try:
            run = Deferred.fromCoroutine(self.runScenario(scenario, session))
            await run.addTimeout(SCENARIO_SECONDS, reactor)
        except BaseException:
            await session.abandon()
            raise
        return {"passed": scenario}

    async def runScenario(self, name: str, session: Session) -> None:
        """Run it, and look after what it left behind."""
        await SCENARIOS[name].run(session)
        await session.finish()


def main() -> None:
    """Run until the standard input ends."""
    assert scenarios.__all__
    observeErrors()
    # Scenarios collect garbage often; what is there now needn't be looked at.
    gc.collect()
    gc.freeze()
    StandardIO({"server": ServerCommands, "client": ClientCommands}[sys.argv[1]]())
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()

"""
The server and the client in C{README.rst} run.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

from twisted.internet import defer, endpoints, reactor, task
from twisted.trial.unittest import TestCase

from myspread import pb

README = Path(__file__).parents[2] / "README.rst"


class ReadmeTests(TestCase):
    """
    Both programs, on a port of their own.
    """

    timeout = 20

    def mainOf(self, index: int) -> Any:
        """
        The function C{main} of a program.

        @param index: which of the programs.
        """
        text = README.read_text(encoding="utf-8")
        programs = re.findall(r"^\.\. code:: python\n\n((?:(?:    .*)?\n)+)", text, re.MULTILINE)
        mains: list[Any] = []
        self.patch(task, "react", mains.append)
        exec(compile(dedent(programs[index]), str(README), "exec"), {"__name__": "__main__"})
        (main,) = mains
        return main

    def serve(self) -> tuple[Any, int]:
        """
        Start the server.

        @return: its factory, and its port.
        """
        listening: list[Any] = []
        real = endpoints.serverFromString

        class Recording:
            def __init__(self, reactor: Any, description: str) -> None:
                self.endpoint = real(reactor, f"{description}:interface=127.0.0.1")

            async def listen(self, factory: Any) -> None:
                listening.append((factory, await self.endpoint.listen(factory)))

        self.patch(endpoints, "serverFromString", Recording)
        serving = defer.Deferred.fromCoroutine(self.mainOf(0)(reactor, "0"))
        self.addCleanup(serving.addErrback, lambda failure: failure.trap(defer.CancelledError))
        self.addCleanup(serving.cancel)
        ((factory, port),) = listening
        self.addCleanup(port.stopListening)
        return factory, port.getHost().port

    async def test_serverAndClient(self) -> None:
        """
        The client prints a result, and what an error says.
        """
        factory, port = self.serve()
        brokers: list[Any] = []
        build, get = factory.buildProtocol, pb.getObjectAt

        def buildAndKeep(address: Any) -> Any:
            brokers.append(build(address))
            return brokers[-1]

        async def getAndKeep(host: str, port: int) -> Any:
            root = await get(host, port)
            brokers.append(root.broker)
            return root

        factory.buildProtocol = buildAndKeep
        self.patch(pb, "getObjectAt", getAndKeep)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            await defer.Deferred.fromCoroutine(self.mainOf(1)(reactor, port))
        self.assertEqual(printed.getvalue(), "2.0\nthe server says: division by zero\n")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

        ends: list[defer.Deferred[None]] = [defer.Deferred() for _ in brokers]
        for broker, end in zip(brokers, ends, strict=True):
            broker.notifyOnDisconnect(lambda end=end: end.callback(None))
            broker.transport.loseConnection()
        await defer.gatherResults(ends)

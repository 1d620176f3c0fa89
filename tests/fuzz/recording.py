"""
Writes the recorded cases of the corpus, in place of those that are there: what
both sides of each scenario read::

    python -m tests.fuzz.recording

Challenges of logins are the same each time, so that the answers to them stay
right.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from myspread import pb
from myspread.testing import BrokerPair
from tests.fuzz import corpus
from tests.fuzz.application import Application
from tests.fuzz.scenarios import LOGINS, SCENARIOS, Scenario, Talk

__all__ = ["record", "recorded"]

RECORDED = "recorded_"
"""What the names of these cases begin with."""


def record(scenario: Scenario, isLogin: bool) -> dict[str, bytes]:
    """What the server and the client read in a scenario."""
    application = Application()
    root = application.portal() if isLogin else application
    pair = BrokerPair(pb.PBServerFactory(root), pb.PBClientFactory(), Clock())
    read = {"server": bytearray(), "client": bytearray()}
    Deferred.fromCoroutine(scenario(Talk(pair))).addErrback(lambda failure: None)
    moved = True
    while moved and pair.connected:
        moved = False
        for name, transport, receiver in (
            ("server", pair.clientTransport, pair.server),
            ("client", pair.serverTransport, pair.client),
        ):
            transport.pull()
            data = transport.take(None)
            read[name] += data
            if data:
                receiver.dataReceived(data)
                moved = True
        pair.deliver(0)
    pair.disconnect()
    return {name: bytes(data) for name, data in read.items()}


def recorded() -> dict[str, dict[str, bytes]]:
    """By target, the cases that the scenarios give."""
    found: dict[str, dict[str, bytes]] = {"session": {}, "login": {}}
    with corpus.sameChallenges():
        for name, scenario in (SCENARIOS | LOGINS).items():
            read = record(scenario, name in LOGINS)
            found["session"][f"{RECORDED}{name}_client"] = read["client"]
            found["login" if name in LOGINS else "session"][f"{RECORDED}{name}_server"] = read["server"]
    return found


def main() -> None:
    """Replace the recorded cases."""
    for target, new in recorded().items():
        kept = {name: case for name, case in corpus.cases(target).items() if not name.startswith(RECORDED)}
        corpus.write(target, {**new, **kept})


if __name__ == "__main__":
    main()

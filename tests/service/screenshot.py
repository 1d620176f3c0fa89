"""
Makes the picture of the status page in the documentation, of figures that are
always the same: C{python -m tests.service.screenshot docs/howto/status.png}.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from myspread._service.statuspage import Page
from tests.service.browser import Browser

__all__ = ["REPORT", "main"]

WIDTH, HEIGHT = 1120, 720

PEOPLE = (
    ("farm-01", "scram-sha-256", "TLSv1.3", "192.0.2.11:40112", 2, 48211),
    ("farm-02", "scram-sha-256", "TLSv1.3", "192.0.2.12:51820", 1, 39806),
    ("kiosk", "md5", None, "127.0.0.1:38214", 0, 911),
    ("anna", "token", "TLSv1.3", "[2001:db8::7]:60114", 1, 2650),
)


def _sample(index: int) -> dict[str, Any]:
    wave = math.sin(index / 7) + math.sin(index / 2.3) / 3
    rate = 310 + 55 * wave
    slow = 0.021 if index in (37, 38, 86) else 0.006 + 0.001 * wave
    return {
        "connections": 3 if index < 50 else 4,
        "perSecond": rate,
        "received": 83 * rate,
        "sent": 51 * rate,
        "p50": 0.0011 + 0.0001 * wave,
        "p99": slow,
    }


REPORT: dict[str, Any] = {
    "version": "0.1.0",
    "state": "serving",
    "uptime": 318300,
    "connections": {"now": 4, "ready": 4, "total": 5127, "refused": 12},
    "calls": {
        "total": 91204417,
        "failed": 204,
        "slow": 9,
        "slowFrom": 0.5,
        "inProgress": 4,
        "perSecond": 318.0,
        "percentiles": {"50": 0.0011, "90": 0.0031, "99": 0.0066, "100": 0.021},
    },
    "bytes": {"received": 7612004117, "sent": 4630150112},
    "logins": {"md5": 31, "scram-sha-256": 4804, "token": 270},
    "loginsRefused": 3,
    "limits": {"connectionsPerAddress": 12, "loginAttempts": 1},
    "oldLogins": [{"name": "kiosk", "times": 31, "peer": "127.0.0.1:38214", "ago": 5400}],
    "history": [_sample(index) for index in range(120)],
    "list": [
        {
            "number": 5101 + index,
            "peer": peer,
            "avatar": name,
            "mechanism": mechanism,
            "tls": tls,
            "dialect": "pb",
            "phase": "open",
            "age": 5400 - 900 * index,
            "silent": 0.02 * index,
            "references": 2 + index,
            "caches": 0,
            "inProgress": running,
            "calls": calls,
            "received": 83 * calls,
            "sent": 51 * calls,
        }
        for index, (name, mechanism, tls, peer, running, calls) in enumerate(PEOPLE)
    ],
    "leftOut": 0,
}
"""What C{status.json} has."""


async def _take(path: Path) -> None:
    page = Page(())
    page.addJson(b"status.json", lambda: REPORT, lambda: 0.0)
    port: Any = reactor.listenTCP(0, page, interface="127.0.0.1")  # type: ignore[attr-defined]
    browser = await deferToThread(Browser)
    try:
        await deferToThread(browser.resize, WIDTH, HEIGHT)
        await deferToThread(browser.driver.get, f"http://127.0.0.1:{port.getHost().port}/")
        while not await deferToThread(browser.run, "return document.querySelectorAll('.plot').length"):
            await deferLater(reactor, 0.1, lambda: None)
        await deferToThread(browser.screenshot, path)
    finally:
        await deferToThread(browser.close)
        await port.stopListening()


def main() -> None:
    """Save it where the command line says."""
    done: Deferred[None] = ensureDeferred(_take(Path(sys.argv[1])))
    done.addErrback(lambda failure: failure.printTraceback())
    done.addBoth(lambda result: reactor.stop())  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()

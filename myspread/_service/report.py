"""
Everything that a server says of itself, in a form that JSON has.
"""

from __future__ import annotations

from heapq import nlargest
from typing import Any

import myspread
from myspread._service.figures import Figures, Meter
from myspread._service.histogram import percentile
from myspread._service.history import History

__all__ = ["MOST_LISTED", "report"]

MOST_LISTED = 200
"""Connections that are listed one by one: the busiest."""

_PERCENTS = (50, 90, 99, 100)


def report(figures: Figures, history: History, state: str, now: float, since: float) -> dict[str, Any]:
    """
    What the status page shows.

    @param state: C{serving} or C{draining}.
    @param now: the time.
    @param since: when the server started.
    """
    meters = list(figures.meters.values())
    listed = sorted(nlargest(MOST_LISTED, meters, key=_business), key=lambda meter: meter.number)
    lastMinute = history.lastMinute()
    return {
        "version": myspread.__version__,
        "state": state,
        "uptime": round(max(0.0, now - since), 1),
        "connections": {
            "now": len(meters),
            "ready": sum(meter.isReady for meter in meters),
            "total": figures.connections,
            "refused": figures.refusals,
        },
        "calls": {
            "total": sum(figures.times.counts),
            "failed": figures.failures,
            "slow": figures.slowCalls,
            "slowFrom": figures.slowCall,
            "inProgress": figures.inProgress,
            "perSecond": round(history.samples[-1].perSecond, 1) if history.samples else 0.0,
            "percentiles": {str(percent): percentile(lastMinute, percent) for percent in _PERCENTS},
        },
        "bytes": {"received": figures.received, "sent": figures.sent},
        "logins": dict(sorted(figures.logins.items())),
        "loginsRefused": figures.loginRefusals,
        "limits": dict(sorted(figures.limitHits.items())),
        "oldLogins": [
            {"name": name, "times": old.times, "peer": old.peer, "ago": round(max(0.0, now - old.time), 1)}
            for name, old in reversed(list(figures.oldLogins.items())[-MOST_LISTED:])
        ],
        "history": [sample._asdict() for sample in history.samples],
        "list": [meter.described() for meter in listed],
        "leftOut": len(meters) - len(listed),
    }


def _business(meter: Meter) -> tuple[int, int, int]:
    return meter.inProgress, meter.calls, meter.received + meter.sent

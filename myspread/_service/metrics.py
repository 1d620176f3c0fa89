"""
The same for Prometheus: its text format, version 0.0.4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import myspread
from myspread._service.figures import Figures

__all__ = ["CONTENT_TYPE", "metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_Samples = Iterable[tuple[str, Mapping[str, str], float]]
_SHORTEST = 2.0**-14
_LONGEST = 2.0**7
"""Bounds of the buckets that are told; those in between are doublings, too."""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _family(name: str, kind: str, text: str, samples: _Samples) -> Iterator[str]:
    """
    @param samples: what stands behind the name, labels, and a value.
    """
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        pairs = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield f"{name}{suffix}{{{pairs}}} {value!r}" if pairs else f"{name}{suffix} {value!r}"


def _one(value: float) -> _Samples:
    return [("", {}, value)]


def _by(label: str, counts: Mapping[str, int]) -> _Samples:
    return [("", {label: name}, count) for name, count in sorted(counts.items())]


def _times(figures: Figures) -> _Samples:
    total = 0
    for bound, total in figures.times.cumulative():
        if _SHORTEST <= bound <= _LONGEST:
            yield "_bucket", {"le": repr(bound)}, total
    yield "_bucket", {"le": "+Inf"}, total
    yield "_sum", {}, figures.times.seconds
    yield "_count", {}, total


def _families(figures: Figures, state: str, since: float) -> Iterator[Iterator[str]]:
    meters = figures.meters.values()
    version = [("", {"version": myspread.__version__}, 1)]
    yield _family("myspread_info", "gauge", "The version of the server.", version)
    yield _family(
        "myspread_start_time_seconds", "gauge", "When the server started, in seconds since 1970.", _one(since)
    )
    draining = int(state == "draining")
    yield _family("myspread_draining", "gauge", "Whether the server is being stopped.", _one(draining))
    yield _family("myspread_connections", "gauge", "Connections now.", _one(len(meters)))
    starting = sum(not meter.isReady for meter in meters)
    yield _family(
        "myspread_connections_starting",
        "gauge",
        "Connections now whose handshake, or login, isn't done.",
        _one(starting),
    )
    mechanisms = Counter(meter.broker.mechanism or "none" for meter in meters)
    yield _family(
        "myspread_connections_by_mechanism",
        "gauge",
        "Connections now, by how their peer has logged in.",
        _by("mechanism", mechanisms),
    )
    yield _family(
        "myspread_connections_by_tls",
        "gauge",
        "Connections now, by their version of TLS.",
        _by("tls", Counter(meter.tls or "none" for meter in meters)),
    )
    yield _family(
        "myspread_connections_accepted_total",
        "counter",
        "Connections there have been.",
        _one(figures.connections),
    )
    yield _family(
        "myspread_connections_refused_total", "counter", "Connections refused.", _one(figures.refusals)
    )
    yield _family(
        "myspread_logins_total", "counter", "Logins, by mechanism.", _by("mechanism", figures.logins)
    )
    yield _family("myspread_logins_refused_total", "counter", "Logins refused.", _one(figures.loginRefusals))
    yield _family(
        "myspread_limits_hit_total",
        "counter",
        "What was refused or closed because of a limit, by its name in Limits.",
        _by("limit", figures.limitHits),
    )
    yield _family(
        "myspread_calls_in_progress",
        "gauge",
        "Calls that have begun and not ended.",
        _one(figures.inProgress),
    )
    yield _family("myspread_call_seconds", "histogram", "How long calls took.", _times(figures))
    yield _family("myspread_calls_failed_total", "counter", "Calls that have failed.", _one(figures.failures))
    yield _family("myspread_calls_slow_total", "counter", "Calls that were slow.", _one(figures.slowCalls))
    yield _family("myspread_received_bytes_total", "counter", "Bytes received.", _one(figures.received))
    yield _family("myspread_sent_bytes_total", "counter", "Bytes sent.", _one(figures.sent))


def metrics(figures: Figures, state: str, since: float) -> str:
    """
    All figures, but for those of single connections: they would be too many.

    @param state: C{serving} or C{draining}.
    @param since: when the server started.
    """
    lines = [line for family in _families(figures, state, since) for line in family]
    return "\n".join(lines) + "\n"

"""
Where the time of a process goes.
"""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from pathlib import Path
from typing import Any

__all__ = ["topLines"]

WAITING = ("'poll' of 'select.epoll'", "run_forever", "'readline'", "sleep")
"""Parts of the names of functions in which a process only waits."""

BUILTIN = "~"
"""The file of functions that are not written in Python."""

Function = tuple[str, int, str]


def _path(file: str) -> str:
    parts = Path(file).parts
    for package in ("myspread", "twisted", "benchmarks"):
        if package in parts:
            return "/".join(parts[parts.index(package) :])
    return Path(file).name


def _room(function: Function) -> str:
    """What a function belongs to: a module of ours, or a package of others."""
    path = _path(function[0])
    return path if path.startswith("myspread/") else path.rpartition("/")[0] or path


def _line(share: float, calls: int, name: str) -> str:
    return f"{share:6.1%} {calls:9,d}  {name}"


def topLines(profile: cProfile.Profile, count: int = 10) -> list[str]:
    """
    The modules, and then the functions, that took the most time themselves,
    waiting excluded. The time of built-in functions belongs to the module that
    calls them.

    @return: for each a line: percent of all, number of calls, and its name.
    """
    profile.create_stats()
    functions: dict[Function, Any] = {
        function: entry
        for function, entry in pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
        if not any(part in function[2] for part in WAITING)
    }
    modules: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for function, (_, called, spent, _, callers) in functions.items():
        if function[0] == BUILTIN:
            for caller, (_, times, there, _) in callers.items():
                modules[_room(caller)] += there
                calls[_room(caller)] += times
        else:
            modules[_room(function)] += spent
            calls[_room(function)] += called
    total = sum(entry[2] for entry in functions.values()) or 1.0
    lines = [_line(spent / total, calls[room], room) for room, spent in modules.most_common(count)]
    top = sorted(functions.items(), key=lambda item: -item[1][2])[:count]
    for function, (_, called, spent, _, _) in top:
        place = f"{_path(function[0])}:{function[1]} " if function[0] != BUILTIN else ""
        lines.append(_line(spent / total, called, place + function[2]))
    return lines

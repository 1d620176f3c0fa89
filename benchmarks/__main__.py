"""
C{python -m benchmarks}.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figures, measureRow
from benchmarks.peers import BASELINE, OURS, PEERS, PURE
from benchmarks.plots import drawCurves, drawTable
from benchmarks.publish import publishCurves, publishTable
from benchmarks.rows import ROWS, SCALES
from benchmarks.scaling import curvesTable, measureScale
from benchmarks.session import Session
from benchmarks.table import table

__all__ = ["main"]

QUICK = {"rounds": 3, "seconds": 0.08}
CAREFUL = {"rounds": 7, "seconds": 0.3}


def _names(known: dict[str, Any], text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no {name}; there are {', '.join(known)}")
    return names


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure myspread and others.")
    parser.add_argument("--rows", type=partial(_names, ROWS), default=list(ROWS), help="W1,W3,codec")
    parser.add_argument("--rounds", type=int, help="samples of each peer (7)")
    parser.add_argument("--seconds", type=float, help="length of a sample (0.3)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.08 s")
    parser.add_argument("--reactor", choices=("epoll", "asyncio"), default="epoll")
    parser.add_argument("--peers", action="store_true", help="the other peers that are installed, too")
    parser.add_argument("--scaling", action="store_true", help="curves instead of the table")
    parser.add_argument("--profile", action="store_true", help="where the time of myspread goes instead")
    parser.add_argument("--publish", action="store_true", help="table and curves, into docs and README.rst")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the result")
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else CAREFUL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _machine(options: argparse.Namespace) -> dict[str, Any]:
    loop = options.reactor
    if loop == "asyncio" and importlib.util.find_spec("uvloop") is not None:
        loop = "asyncio with uvloop"
    return {
        "python": platform.python_version(),
        "twisted": importlib.metadata.version("twisted"),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "reactor": loop,
        "rounds": options.rounds,
        "seconds": options.seconds,
    }


def _heading(machine: dict[str, Any]) -> str:
    return (
        "Python {python}, Twisted {twisted}, {cores} cores, load {load:.1f} before, {reactor} reactor; "
        "{rounds} rounds of {seconds} s"
    ).format(**machine)


def _command(options: argparse.Namespace) -> str:
    """What the published figures come from."""
    words = [
        "python -m benchmarks --publish",
        *(f"--{name}" for name in ("peers", "quick") if getattr(options, name)),
    ]
    return " ".join(words)


def _measure(options: argparse.Namespace, peers: list[str], heading: str) -> dict[str, Any]:
    figures: list[Figures] = []
    for key in options.rows:
        figures += measureRow(
            ROWS[key], peers, options.rounds, options.seconds, partial(Session, reactor=options.reactor)
        )
    print(table(figures))
    for each in figures:
        if each.trouble not in (None, "unsupported"):
            print(f"\n{each.row}, {each.peer}: {each.trouble}")
    if options.plot:
        drawTable(figures, options.plot)
    if options.publish:
        publishTable(figures, f"{heading}; {_command(options)}")
    return {"figures": [asdict(each) for each in figures]}


def _scale(options: argparse.Namespace, peers: list[str], heading: str) -> dict[str, Any]:
    curves = []
    texts = []
    for scale in SCALES.values():
        found = measureScale(
            scale, peers, min(options.rounds, 3), options.seconds, partial(Session, reactor=options.reactor)
        )
        texts.append(curvesTable(scale, found))
        print(texts[-1], end="\n\n")
        curves += found
    if options.plot:
        drawCurves(curves, options.plot)
    if options.publish:
        publishCurves(curves, "\n\n".join(texts), f"{heading}; {_command(options)}")
    return {"curves": [{**asdict(curve), "slope": curve.slope} for curve in curves]}


def _profile(options: argparse.Namespace) -> dict[str, Any]:
    profiles = {}
    for key in options.rows:
        if ROWS[key].memory:
            continue
        with Session(OURS, options.reactor, profile=True) as session:
            session.connect()
            for _ in range(options.rounds):
                session.sample(key, options.seconds)
            client, server = session.profiles()
        profiles[key] = {"client": client, "server": server}
        print(f"{key}: {ROWS[key].title}")
        for side, lines in profiles[key].items():
            print(f"  {side}: percent, calls, module; then function")
            print("\n".join(f"    {line}" for line in lines))
    return {"profiles": profiles}


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Measure what the command line asks for, and print it.

    @param arguments: by default those of the process.
    """
    options = _options(arguments)
    begin = time.monotonic()
    machine = _machine(options)
    heading = _heading(machine)
    print(heading, end="\n\n")
    peers = [BASELINE, OURS, PURE]
    if options.peers:
        peers += [name for name, peer in PEERS.items() if name not in peers and peer.importable()]
    if options.profile:
        found = _profile(options)
    elif options.publish:
        found = {**_measure(options, peers, heading), **_scale(options, [BASELINE, OURS, PURE], heading)}
    elif options.scaling:
        found = _scale(options, peers, heading)
    else:
        found = _measure(options, peers, heading)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, **found}, indent=1) + "\n")
    print(f"\n{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()

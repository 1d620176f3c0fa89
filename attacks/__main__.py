"""
C{python -m attacks}.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attacks.catalogue import ATTACKS
from attacks.measuring import Figures, measure, troubles
from attacks.processes import OURS, STOCK
from attacks.table import asRest, asText

__all__ = ["main"]


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in ATTACKS:
            raise argparse.ArgumentTypeError(f"no {name}; there are {', '.join(ATTACKS)}")
    return names


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m attacks", description="Attack servers, and see what it costs them."
    )
    parser.add_argument("--only", type=_names, default=list(ATTACKS), metavar="NAMES", help="nesting,unread")
    parser.add_argument("--stock", action="store_true", help="attack twisted.spread, too")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long what only lasts is kept up (3)")
    parser.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE", help="of twistd pbserver"
    )
    parser.add_argument("--rest", type=Path, metavar="FILE", help="write the table as reStructuredText, too")
    return parser.parse_args(arguments)


def _heading() -> str:
    version = importlib.metadata.version("twisted")
    return f"Python {platform.python_version()}, Twisted {version}, {os.cpu_count()} cores"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Attack what the command line names, and print the table.

    @param arguments: by default those of the process.
    @return: how many attacks found myspread wanting.
    """
    options = _options(arguments)
    begin = time.monotonic()
    print(_heading(), end="\n\n", flush=True)
    found: list[Figures] = []
    for name in options.only:
        for package in [STOCK, OURS] if options.stock else [OURS]:
            found.append(measure(package, name, options.seconds, options.limit))
            print(asText(found[-1:]).splitlines()[-1], flush=True)
    print(f"\n{asText(found)}\n\n{time.monotonic() - begin:.0f} s")
    if options.rest:
        options.rest.write_text(asRest(found) + "\n")
    return sum(1 for each in found if each.package == OURS and troubles(each))


if __name__ == "__main__":
    sys.exit(main())

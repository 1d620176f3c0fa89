"""
Fuzzing by hand, for as long as wanted::

    python -m tests.fuzz --target session --minutes 60

Each failure is printed once, as short as it could be made, and as the command
that keeps it in the corpus.
"""

from __future__ import annotations

import argparse
import ast
import gc
import sys
import time
import traceback

from twisted.logger import globalLogBeginner

from tests.fuzz import corpus
from tests.fuzz.running import CHECKS, run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=sorted(CHECKS), required=True)
    parser.add_argument("--minutes", type=float, default=1.0, help="of CPU (default: 1)")
    parser.add_argument("--seed", type=int, help="which cases are made; by default the time")
    parser.add_argument("--case", help="run this one case, a Python byte string, and nothing else")
    parser.add_argument("--add", metavar="NAME", help="keep CASE in the corpus under this name")
    return parser.parse_args()


def _one(target: str, literal: str, name: str | None) -> int:
    case = ast.literal_eval(literal)
    if name is not None:
        corpus.add(target, name, case)
    try:
        CHECKS[target][0](case)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def main() -> int:
    """
    Do what the arguments ask for.

    @return: the status to exit with: 1 when a case has failed.
    """
    # Until logging begins, Twisted keeps every event, and all that it refers to.
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)
    # What is loaded by now is not looked at by each collection of a target.
    gc.freeze()
    arguments = _arguments()
    if arguments.case is not None:
        return _one(arguments.target, arguments.case, arguments.add)
    seed = int(time.time()) if arguments.seed is None else arguments.seed
    result = run(arguments.target, 60 * arguments.minutes, seed, lambda line: print(line, flush=True))
    print(
        f"{arguments.target}, seed {seed}: {result.cases} cases in {result.seconds:.0f} s,"
        f" {result.failures} failures of {len(result.failed)} kinds"
    )
    for failed in result.failed.values():
        print("-" * 70)
        traceback.print_exception(failed.error, limit=-8)
        print(f"\npython -m tests.fuzz --target {arguments.target} --add NAME --case {failed.case!r}")
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())

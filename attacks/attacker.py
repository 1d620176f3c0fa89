"""
C{python -m attacks.attacker}: the process that attacks.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback

from attacks.catalogue import ATTACKS
from attacks.crowd import Target

__all__ = ["main"]

LONGEST = 16.0
"""Seconds that an attack may last."""

NICE = 10
"""An attacker on another machine would not take the processor from the honest client."""


def main() -> None:
    """
    Obey a process that writes to our standard input: name of an attack, port,
    how long to keep up what only lasts, whether over TLS.
    """
    os.nice(NICE)
    for line in sys.stdin:
        name, port, seconds, tls = json.loads(line)
        target = Target(port, seconds, time.monotonic() + LONGEST, tls)
        answer: bool | str = True
        try:
            ATTACKS[name].run(target)
        except Exception:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

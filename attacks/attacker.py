"""
C{python -m attacks.attacker}: the process that attacks.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

from attacks.catalogue import ATTACKS
from attacks.crowd import Target

__all__ = ["main"]

NICE = 10
"""An attacker on another machine would not take the processor from the honest client."""


def main() -> None:
    """
    Obey a process that writes to our standard input: name of an attack, port,
    seconds, whether over TLS.
    """
    os.nice(NICE)
    for line in sys.stdin:
        name, *target = json.loads(line)
        answer: bool | str = True
        try:
            ATTACKS[name].run(Target(*target))
        except Exception:
            answer = traceback.format_exc()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

"""
The implementation of Perspective Broker that this process speaks.

Each peer process has one, named by the environment variable
C{INTEROP_PACKAGE}: C{twisted.spread} or C{myspread}. What the peers run is
written once, against the names below.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

__all__ = ["OURS", "PACKAGE", "STOCK", "VARIABLE", "flavors", "jelly", "pb", "publish", "util"]

STOCK = "twisted.spread"
OURS = "myspread"
VARIABLE = "INTEROP_PACKAGE"

PACKAGE = os.environ.get(VARIABLE, STOCK)
"""The package that this process speaks."""

pb: Any = import_module(f"{PACKAGE}.pb")
jelly: Any = import_module(f"{PACKAGE}.jelly")
flavors: Any = import_module(f"{PACKAGE}.flavors")
util: Any = import_module(f"{PACKAGE}.util")
publish: Any = import_module(f"{PACKAGE}.publish")

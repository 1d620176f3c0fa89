"""
The tests of C{twisted.spread} that myspread doesn't pass, and why.

Each reason is one that a user of the package can judge: the test looks at
something private to C{twisted.spread}, or it holds on to a fault of it.
L{tests.stock.loading} sees to it that each of them still fails.
"""

from __future__ import annotations

__all__ = ["EXCLUDED"]

EXCLUDED: dict[str, str] = {}
"""Reasons by test, as C{module.Class.method}."""
